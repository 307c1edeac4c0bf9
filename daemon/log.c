/* See log.h. A line is written with one call, so that lines of several processes on one terminal
 * stay whole; what cannot be written is lost. Control bytes are escaped: a name from outside cannot
 * forge a line. */
#include "daemon/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LINE = 1024 };

static void escape_controls(char *line, int size)
{
    for (int i = 0; i < size; i++) {
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f) {
            line[i] = '?';
        }
    }
}

void rt_log(enum rt_log_level level, const char *format, ...)
{
    char line[LINE];
    int size = 0, more;
    va_list arguments;

    if (getenv("JOURNAL_STREAM") != NULL) {
        size = snprintf(line, sizeof line, "<%d>", (int)level);
    }
    va_start(arguments, format);
    more = vsnprintf(line + size, sizeof line - (size_t)size - 1, format, arguments);
    va_end(arguments);
    if (more < 0) {
        return;
    }
    escape_controls(line + size, more < LINE - size - 2 ? more : LINE - size - 2);
    size += more < LINE - size - 2 ? more : LINE - size - 2;
    line[size++] = '\n';
    if (write(STDERR_FILENO, line, (size_t)size) < 0) {
        return;
    }
}

/* Text that strangers wrote, on a person's terminal: control bytes never reach it. */
#ifndef RT_RETAINCTL_TERMINAL_H
#define RT_RETAINCTL_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum rt_color { RT_PLAIN, RT_RED, RT_YELLOW, RT_GREEN, RT_CYAN, RT_DIM, RT_BOLD };

/* True if the stream is a terminal that takes colours ($NO_COLOR and TERM=dumb say no). */
bool rt_terminal_colors(FILE *out);

/* The escape sequence to begin a colour (RT_PLAIN: to end all), "" if the stream takes none. */
const char *rt_terminal_color(FILE *out, enum rt_color color);

/* Writes text with control characters (C0, C1, DEL), bidirectional overrides and bytes that are no
 * UTF-8 as \xNN or \u{NNNN}. Newlines and tabs too. */
void rt_terminal_text(FILE *out, const char *text, size_t size);

/* The same into memory: malloc'ed and terminated, NULL without memory. */
char *rt_terminal_escape(const char *text, size_t size);

/* Columns a terminal needs for UTF-8 text without control characters. */
size_t rt_terminal_width(const char *text);

/* Decodes one character: its bytes (1..4), 0 if they are no UTF-8. */
size_t rt_terminal_decode(const unsigned char *text, size_t size, unsigned *character);

#endif

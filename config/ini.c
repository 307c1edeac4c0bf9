/* Splits INI text into lines and lines into their parts. Happy path: rt_ini_next skips blank lines
 * and comments, then reads a section or a value. Fails on a line that is neither, on an empty name,
 * on control bytes and on anything too long. */
#include "config/ini.h"

#include <stddef.h>
#include <string.h>

struct piece {
    const char *data;
    size_t size;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct piece trimmed(const char *data, size_t size)
{
    while (size > 0 && is_blank(data[0])) {
        data++;
        size--;
    }
    while (size > 0 && is_blank(data[size - 1]))
        size--;
    return (struct piece){data, size};
}

/* What stands before a comment: `;` or `#` first in the line or after a blank. */
static struct piece without_comment(const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if ((data[i] == ';' || data[i] == '#') && (i == 0 || is_blank(data[i - 1])))
            return trimmed(data, i);
    }
    return trimmed(data, size);
}

static bool has_control(struct piece piece)
{
    for (size_t i = 0; i < piece.size; i++) {
        unsigned char c = (unsigned char)piece.data[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

static bool keep(char out[RT_INI_TEXT], struct piece piece)
{
    if (piece.size >= RT_INI_TEXT)
        return false;
    memcpy(out, piece.data, piece.size);
    out[piece.size] = '\0';
    return true;
}

static enum rt_ini_kind fault(struct rt_ini *ini, const char *what)
{
    ini->fault = what;
    return RT_INI_FAULT;
}

static enum rt_ini_kind read_section(struct rt_ini *ini, struct piece line)
{
    const char *end = memchr(line.data, ']', line.size);
    if (end == NULL)
        return fault(ini, "a section needs its ']'");
    if (end != line.data + line.size - 1)
        return fault(ini, "nothing may follow a section's ']'");
    struct piece name = trimmed(line.data + 1, line.size - 2);
    if (name.size == 0)
        return fault(ini, "a section needs a name");
    if (!keep(ini->section, name))
        return fault(ini, "the section's name is too long");
    return RT_INI_SECTION;
}

static enum rt_ini_kind read_value(struct rt_ini *ini, struct piece line)
{
    const char *equals = memchr(line.data, '=', line.size);
    if (equals == NULL)
        return fault(ini, "expected '[section]' or 'key = value'");
    size_t before = (size_t)(equals - line.data);
    struct piece key = trimmed(line.data, before);
    struct piece value = trimmed(equals + 1, line.size - before - 1);
    if (key.size == 0)
        return fault(ini, "a value needs a key before its '='");
    if (ini->section[0] == '\0')
        return fault(ini, "a key must stand below a [section]");
    if (!keep(ini->key, key) || !keep(ini->value, value))
        return fault(ini, "the line is too long");
    return RT_INI_VALUE;
}

void rt_ini_begin(struct rt_ini *ini, const char *text)
{
    static const char mark[] = "\xef\xbb\xbf";

    memset(ini, 0, sizeof(*ini));
    ini->rest = strncmp(text, mark, sizeof(mark) - 1) == 0 ? text + sizeof(mark) - 1 : text;
}

enum rt_ini_kind rt_ini_next(struct rt_ini *ini)
{
    while (*ini->rest != '\0') {
        size_t size = strcspn(ini->rest, "\n");
        struct piece line = without_comment(ini->rest, size);

        ini->rest += size;
        if (*ini->rest == '\n')
            ini->rest++;
        ini->line++;
        if (line.size == 0)
            continue;
        if (has_control(line))
            return fault(ini, "control bytes are not allowed");
        return line.data[0] == '[' ? read_section(ini, line) : read_value(ini, line);
    }
    return RT_INI_END;
}

bool rt_ini_holds(const char *value)
{
    struct piece whole = {value, strlen(value)};
    struct piece read = without_comment(value, whole.size);

    return read.size == whole.size && whole.size < RT_INI_TEXT && !has_control(whole);
}

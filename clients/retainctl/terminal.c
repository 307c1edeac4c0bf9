/* See terminal.h. */
#include "clients/retainctl/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool rt_terminal_colors(FILE *out)
{
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");

    return isatty(fileno(out)) && (no_color == NULL || no_color[0] == '\0') && term != NULL &&
           strcmp(term, "dumb") != 0;
}

const char *rt_terminal_color(FILE *out, enum rt_color color)
{
    static const char *const sequences[] = {
        [RT_PLAIN] = "\033[0m",  [RT_RED] = "\033[31;1m", [RT_YELLOW] = "\033[33m",
        [RT_GREEN] = "\033[32m", [RT_CYAN] = "\033[36m",  [RT_DIM] = "\033[2m",
        [RT_BOLD] = "\033[1m",
    };

    return rt_terminal_colors(out) ? sequences[color] : "";
}

size_t rt_terminal_decode(const unsigned char *text, size_t size, unsigned *character)
{
    static const unsigned smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned first = size > 0 ? text[0] : 0, value;
    size_t bytes = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;

    if (size == 0 || bytes == 0 || bytes > size || first > 0xf4)
        return 0;
    if (bytes == 1) {
        *character = first;
        return 1;
    }
    value = first & (0x7fu >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (text[i] & 0x3f);
    }
    if (value < smallest[bytes] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
        return 0;
    *character = value;
    return bytes;
}

static bool harmful(unsigned c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

/* What stands for the next character: its bytes as they are (*escaped false) or an escape in `out`.
 * Returns the bytes eaten. */
static size_t escape_one(const unsigned char *text, size_t size, char out[16], bool *escaped)
{
    unsigned character = 0;
    size_t bytes = rt_terminal_decode(text, size, &character);

    *escaped = bytes == 0 || harmful(character);
    if (!*escaped)
        return bytes;
    if (bytes <= 1)
        snprintf(out, 16, "\\x%02x", text[0]);
    else
        snprintf(out, 16, "\\u{%x}", character);
    return bytes == 0 ? 1 : bytes;
}

void rt_terminal_text(FILE *out, const char *text, size_t size)
{
    char *safe = rt_terminal_escape(text, size);

    if (safe != NULL)
        fputs(safe, out);
    free(safe);
}

char *rt_terminal_escape(const char *text, size_t size)
{
    const unsigned char *at = (const unsigned char *)text;
    char *out = malloc(size * 8 + 1),
         *end = out; /* "\u{10ffff}" stands for 4 bytes, "\x1b" for 1 */

    if (out == NULL)
        return NULL;
    while (size > 0) {
        char escape[16];
        bool escaped;
        size_t eaten = escape_one(at, size, escape, &escaped);
        size_t written = escaped ? strlen(escape) : eaten;

        memcpy(end, escaped ? (const void *)escape : at, written);
        end += written;
        at += eaten;
        size -= eaten;
    }
    *end = '\0';
    return out;
}

static size_t character_width(unsigned c)
{
    if ((c >= 0x300 && c < 0x370) || (c >= 0x1ab0 && c < 0x1b00) || (c >= 0x20d0 && c < 0x2100) ||
        (c >= 0xfe00 && c < 0xfe10) || (c >= 0xfe20 && c < 0xfe30))
        return 0;
    if ((c >= 0x1100 && c < 0x1160) || (c >= 0x2e80 && c < 0xa4d0) || (c >= 0xac00 && c < 0xd7a4) ||
        (c >= 0xf900 && c < 0xfb00) || (c >= 0xfe30 && c < 0xfe70) || (c >= 0xff00 && c < 0xff61) ||
        (c >= 0xffe0 && c < 0xffe7) || (c >= 0x1f300 && c < 0x1f650) ||
        (c >= 0x1f900 && c < 0x1fa00) || (c >= 0x20000 && c < 0x40000))
        return 2;
    return 1;
}

size_t rt_terminal_width(const char *text)
{
    size_t width = 0, size = strlen(text);

    while (size > 0) {
        unsigned character = 0;
        size_t bytes = rt_terminal_decode((const unsigned char *)text, size, &character);

        width += bytes == 0 ? 1 : character_width(character);
        bytes += bytes == 0;
        text += bytes;
        size -= bytes;
    }
    return width;
}

/* A recursive-descent reader of the notation; tests only, so a mistake in the text ends the
 * program. */
#include "tests/lib/notation.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT_MAX = 500 };

struct text {
    const char *all, *at;
};

static void nonsense(const struct text *text)
{
    fprintf(stderr, "notation: cannot read '%s' at '%s'\n", text->all, text->at);
    exit(2);
}

static void space(struct text *text)
{
    while (isspace((unsigned char)*text->at))
        text->at++;
}

static bool take(struct text *text, const char *word)
{
    space(text);
    if (strncmp(text->at, word, strlen(word)) != 0)
        return false;
    text->at += strlen(word);
    return true;
}

static void value(struct text *text, struct rt_buffer *out);

static uint8_t hex_byte(struct text *text)
{
    char digits[3] = {0};
    char *end;
    unsigned long byte;

    memcpy(digits, text->at, strnlen(text->at, 2));
    byte = strtoul(digits, &end, 16);
    if (end != digits + 2)
        nonsense(text);
    text->at += 2;
    return (uint8_t)byte;
}

static void hex(struct text *text, struct rt_buffer *bytes)
{
    while (isxdigit((unsigned char)*text->at)) {
        uint8_t byte = hex_byte(text);

        rt_buffer_append(bytes, &byte, 1);
    }
}

static void quoted(struct text *text, struct rt_buffer *out)
{
    struct rt_buffer once = {0}, all = {0};
    long times = 1;

    while (*text->at != '\'') {
        uint8_t byte = (uint8_t)*text->at;

        if (byte == 0)
            nonsense(text);
        text->at++;
        if (byte == '\\' && *text->at == 'x') {
            text->at++;
            byte = hex_byte(text);
        } else if (byte == '\\') {
            byte = (uint8_t)*text->at++;
        }
        rt_buffer_append(&once, &byte, 1);
    }
    text->at++;
    if (*text->at == '*')
        times = strtol(text->at + 1, (char **)&text->at, 10);
    for (long i = 0; i < times; i++)
        rt_buffer_append(&all, once.data, once.size);
    rt_write_str(out, rt_buffer_span(&all));
    rt_buffer_free(&once);
    rt_buffer_free(&all);
}

static void key(struct text *text, struct rt_buffer *out)
{
    const char *start;

    space(text);
    start = text->at;
    while (islower((unsigned char)*text->at) || *text->at == '_')
        text->at++;
    if (text->at == start || *text->at != ':') {
        text->at = start;
        value(text, out);
    } else {
        rt_write_str(out, rt_span(start, (size_t)(text->at - start)));
    }
    if (!take(text, ":"))
        nonsense(text);
}

/* The entries up to `close`, into `out` behind their count. */
static void entries(struct text *text, struct rt_buffer *out, const char *close, bool pairs)
{
    struct rt_buffer inner = {0};
    uint32_t count = 0;

    while (!take(text, close)) {
        if (count > 0 && !take(text, ","))
            nonsense(text);
        if (take(text, close))
            break;
        if (pairs)
            key(text, &inner);
        value(text, &inner);
        count++;
    }
    if (pairs)
        rt_write_map(out, count);
    else
        rt_write_array(out, count);
    rt_write_raw(out, rt_buffer_span(&inner));
    rt_buffer_free(&inner);
}

static void float32(struct text *text, struct rt_buffer *out)
{
    float narrow = strtof(text->at, (char **)&text->at);
    uint8_t bytes[5] = {0xca};
    uint32_t bits;

    memcpy(&bits, &narrow, sizeof(bits));
    for (int i = 0; i < 4; i++)
        bytes[1 + i] = (uint8_t)(bits >> (24 - 8 * i));
    rt_buffer_append(out, bytes, sizeof(bytes));
}

static void number(struct text *text, struct rt_buffer *out)
{
    size_t size = strspn(text->at, "+-.0123456789einfa");
    char *end;

    if (size == 0)
        nonsense(text);
    if (strcspn(text->at, ".einfa") < size) {
        rt_write_double(out, strtod(text->at, &end));
    } else {
        rt_write_int(out, strtoll(text->at, &end, 10));
    }
    if (end != text->at + size)
        nonsense(text);
    text->at = end;
}

static void bin(struct text *text, struct rt_buffer *out)
{
    struct rt_buffer bytes = {0};

    hex(text, &bytes);
    rt_write_bin(out, rt_buffer_span(&bytes));
    rt_buffer_free(&bytes);
}

static void value(struct text *text, struct rt_buffer *out)
{
    if (take(text, "{"))
        entries(text, out, "}", true);
    else if (take(text, "["))
        entries(text, out, "]", false);
    else if (take(text, "'"))
        quoted(text, out);
    else if (take(text, "#"))
        bin(text, out);
    else if (take(text, "!"))
        hex(text, out);
    else if (take(text, "nil"))
        rt_write_nil(out);
    else if (take(text, "true"))
        rt_write_bool(out, true);
    else if (take(text, "false"))
        rt_write_bool(out, false);
    else if (take(text, "f32 "))
        float32(text, out);
    else
        number(text, out);
}

struct rt_span notation(struct rt_buffer *out, const char *format, ...)
{
    size_t start = out->size;
    struct text text;
    va_list args;
    char *all;

    va_start(args, format);
    if (vasprintf(&all, format, args) < 0)
        abort();
    va_end(args);
    text = (struct text){.all = all, .at = all};
    value(&text, out);
    space(&text);
    if (*text.at != 0)
        nonsense(&text);
    free(all);
    if (out->failed)
        abort();
    return rt_span(out->data + start, out->size - start);
}

struct rt_span notation_kept(const char *text)
{
    static struct {
        char *text;
        struct rt_buffer bytes;
    } kept[KEPT_MAX];
    size_t at = 0;

    while (kept[at].text != NULL && strcmp(kept[at].text, text) != 0)
        if (++at == KEPT_MAX)
            abort();
    if (kept[at].text == NULL) {
        kept[at].text = strdup(text);
        notation(&kept[at].bytes, "%s", text);
    }
    return rt_buffer_span(&kept[at].bytes);
}

/* See keys.h. */
#include "clients/retainctl/keys.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "clients/retainctl/json.h"
#include "clients/retainctl/terminal.h"
#include "clients/retainctl/when.h"

enum { NUMBER_TEXT = 64, SHOWN = 40 };

static const struct {
    const char *name;
    enum rt_key_kind kind;
} keys[] = {
    {"id", RT_KEY_TEXT},         {"type", RT_KEY_TEXT},       {"account", RT_KEY_TEXT},
    {"source", RT_KEY_TEXT},     {"ts", RT_KEY_TIME},         {"direction", RT_KEY_TEXT},
    {"contact", RT_KEY_TEXT},    {"agent", RT_KEY_TEXT},      {"sentiment", RT_KEY_NUMBER},
    {"duration", RT_KEY_NUMBER}, {"outcome", RT_KEY_TEXT},    {"wait", RT_KEY_NUMBER},
    {"thread", RT_KEY_TEXT},     {"bounced", RT_KEY_BOOLEAN}, {"channel", RT_KEY_TEXT},
    {"ticket", RT_KEY_TEXT},     {"action", RT_KEY_TEXT},     {"severity", RT_KEY_WHOLE},
    {"csat", RT_KEY_WHOLE},      {"name", RT_KEY_TEXT},       {"owner", RT_KEY_TEXT},
    {"tier", RT_KEY_TEXT},       {"region", RT_KEY_TEXT},     {"renewal", RT_KEY_TIME},
    {"value", RT_KEY_NUMBER},    {"currency", RT_KEY_TEXT},   {"status", RT_KEY_TEXT},
    {"contacts", RT_KEY_PEOPLE},
};

bool rt_key_find(struct rt_span name, enum rt_key_kind *kind)
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (rt_span_is(name, keys[i].name)) {
            *kind = keys[i].kind;
            return true;
        }
    }
    return false;
}

const char *rt_key_name(size_t index)
{
    return index < sizeof(keys) / sizeof(keys[0]) ? keys[index].name : NULL;
}

static bool fault(char error[RT_KEY_ERROR], struct rt_span key, struct rt_span cell, const char *is)
{
    size_t shown = cell.size < SHOWN ? cell.size : SHOWN;
    char *text = rt_terminal_escape((const char *)cell.data, shown);

    snprintf(error, RT_KEY_ERROR, "%.*s: '%.*s' %s", (int)key.size, (const char *)key.data, 60,
             text == NULL ? "" : text, is);
    free(text);
    return false;
}

static struct rt_span trimmed(struct rt_span cell)
{
    while (cell.size > 0 && (cell.data[0] == ' ' || cell.data[0] == '\t')) {
        cell.data++;
        cell.size--;
    }
    while (cell.size > 0 && (cell.data[cell.size - 1] == ' ' || cell.data[cell.size - 1] == '\t'))
        cell.size--;
    return cell;
}

/* Decimal numbers alone: no hexadecimal, no "inf", no locale. */
static bool number_read(struct rt_span cell, double *value)
{
    char text[NUMBER_TEXT], *end;

    cell = trimmed(cell);
    if (cell.size == 0 || cell.size >= sizeof(text))
        return false;
    for (size_t i = 0; i < cell.size; i++) {
        if (cell.data[i] == '\0' || strchr("0123456789+-.eE", cell.data[i]) == NULL)
            return false;
    }
    memcpy(text, cell.data, cell.size);
    text[cell.size] = '\0';
    *value = strtod(text, &end);
    return *end == '\0' && isfinite(*value);
}

static bool whole_read(struct rt_span cell, int64_t *value)
{
    double number;

    if (!number_read(cell, &number) || number != floor(number) || fabs(number) > 9e15)
        return false;
    *value = (int64_t)number;
    return true;
}

static bool boolean_read(struct rt_span cell, bool *value)
{
    static const char *const words[][2] = {
        {"false", "true"}, {"no", "yes"}, {"0", "1"}, {"f", "t"}, {"n", "y"}};

    cell = trimmed(cell);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        for (int yes = 0; yes < 2; yes++) {
            if (cell.size == strlen(words[i][yes]) &&
                strncasecmp((const char *)cell.data, words[i][yes], cell.size) == 0) {
                *value = yes;
                return true;
            }
        }
    }
    return false;
}

static bool people_read(struct rt_span cell, struct rt_buffer *out)
{
    json_t *json = json_loadb((const char *)cell.data, cell.size, JSON_REJECT_DUPLICATES, NULL);
    bool good = json_is_array(json) && rt_json_pack(out, json);

    json_decref(json);
    return good;
}

bool rt_key_convert(struct rt_span key, enum rt_key_kind kind, struct rt_span cell,
                    struct rt_buffer *out, char error[RT_KEY_ERROR])
{
    int64_t whole;
    double number;
    bool boolean;

    switch (kind) {
    case RT_KEY_TIME:
        if (!rt_when_parse((const char *)cell.data, cell.size, &whole))
            return fault(error, key, cell,
                         "is no time (ms since the epoch, ISO 8601, or a date: 2026-11-22)");
        rt_write_int(out, whole);
        return true;
    case RT_KEY_NUMBER:
        if (!number_read(cell, &number))
            return fault(error, key, cell, "is no number");
        rt_write_double(out, number);
        return true;
    case RT_KEY_WHOLE:
        if (!whole_read(cell, &whole))
            return fault(error, key, cell, "is no whole number");
        rt_write_int(out, whole);
        return true;
    case RT_KEY_BOOLEAN:
        if (!boolean_read(cell, &boolean))
            return fault(error, key, cell, "is neither true nor false");
        rt_write_bool(out, boolean);
        return true;
    case RT_KEY_PEOPLE:
        if (!people_read(cell, out))
            return fault(error, key, cell, "is no JSON array of contacts");
        return true;
    default:
        if (!rt_utf8_valid(cell))
            return fault(error, key, cell, "is not UTF-8");
        rt_write_str(out, cell);
        return true;
    }
}

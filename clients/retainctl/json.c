/* See json.h. */
#include "clients/retainctl/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clients/retainctl/terminal.h"
#include "protocol/limits.h"
#include "protocol/reader.h"

enum { READ_DEPTH = 64, PRECISION = 15, PRECISION_EXACT = 17 };

static json_t *of_value(retain_value value, int depth);

static json_t *base64(const unsigned char *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = malloc(size / 3 * 4 + 5), *at = text;
    json_t *json;

    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < size; i += 3) {
        unsigned a = bytes[i], b = i + 1 < size ? bytes[i + 1] : 0,
                 c = i + 2 < size ? bytes[i + 2] : 0;

        *at++ = digits[a >> 2];
        *at++ = digits[(a & 3) << 4 | b >> 4];
        *at++ = i + 1 < size ? digits[(b & 15) << 2 | c >> 6] : '=';
        *at++ = i + 2 < size ? digits[c & 63] : '=';
    }
    json = json_stringn_nocheck(text, (size_t)(at - text));
    free(text);
    return json;
}

/* Text that may not be UTF-8. */
static json_t *text_of(const char *text, size_t size)
{
    json_t *json = json_stringn(text, size);
    const unsigned char *at = (const unsigned char *)text;
    char *repaired, *end;

    if (json != NULL || rt_utf8_valid(rt_span(text, size)))
        return json;
    repaired = malloc(size * 3 + 1);
    if (repaired == NULL)
        return NULL;
    for (end = repaired; size > 0;) {
        unsigned character;
        size_t bytes = rt_terminal_decode(at, size, &character);

        memcpy(end, bytes == 0 ? (const void *)"\xef\xbf\xbd" : at, bytes == 0 ? 3 : bytes);
        end += bytes == 0 ? 3 : bytes;
        at += bytes == 0 ? 1 : bytes;
        size -= bytes == 0 ? 1 : bytes;
    }
    json = json_stringn(repaired, (size_t)(end - repaired));
    free(repaired);
    return json;
}

static json_t *of_list(retain_value value, int depth)
{
    retain_iterator iterator = retain_iterate(value);
    json_t *list = json_array();
    retain_value item;

    while (list != NULL && retain_next(&iterator, NULL, &item)) {
        if (json_array_append_new(list, of_value(item, depth + 1)) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

/* The key as text: of other kinds their JSON. */
static char *key_of(retain_value key, size_t *size, int depth)
{
    json_t *json = of_value(key, depth);
    char *text = NULL;

    if (json_is_string(json)) {
        *size = json_string_length(json);
        text = malloc(*size + 1);
        if (text != NULL)
            memcpy(text, json_string_value(json), *size + 1);
    } else if (json != NULL) {
        text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
        *size = text != NULL ? strlen(text) : 0;
    }
    json_decref(json);
    return text;
}

static json_t *of_map(retain_value value, int depth, bool texts_only)
{
    retain_iterator iterator = retain_iterate(value);
    json_t *map = json_object();
    retain_value key, item;

    while (map != NULL && retain_next(&iterator, &key, &item)) {
        size_t size = 0;
        char *name;
        json_t *json;

        if (texts_only && retain_value_kind(key) != RETAIN_TEXT)
            continue;
        name = key_of(key, &size, depth + 1);
        json = of_value(item, depth + 1);
        if (name == NULL || json == NULL || json_object_setn_new(map, name, size, json) != 0) {
            json_decref(map);
            map = NULL;
        }
        free(name);
    }
    return map;
}

static json_t *of_extension(retain_value value)
{
    struct rt_reader reader = {.at = value.at, .end = value.end, .failed = false};
    const uint8_t *bytes = value.at;
    size_t size = (size_t)((const uint8_t *)value.end - bytes);
    size_t type =
        1; /* where it stands: behind the first byte, or behind a size of 1, 2 or 4 bytes */
    int64_t ms;

    if (rt_read_timestamp(&reader, &ms))
        return json_integer(ms);
    if (bytes[0] >= 0xc7 && bytes[0] <= 0xc9)
        type += (size_t)1 << (bytes[0] - 0xc7);
    if (size <= type)
        return NULL;
    return json_pack("{s:i, s:o}", "ext", (int)(int8_t)bytes[type], "data",
                     base64(bytes + type + 1, size - type - 1));
}

static json_t *of_value(retain_value value, int depth)
{
    size_t size = 0;
    const char *text;
    double number;

    if (depth >= READ_DEPTH)
        return NULL;
    switch (retain_value_kind(value)) {
    case RETAIN_NIL:
        return json_null();
    case RETAIN_BOOL:
        return json_boolean(retain_value_bool(value, false));
    case RETAIN_INT:
        return json_integer(retain_value_int(value, 0));
    case RETAIN_FLOAT:
        number = retain_value_number(value, NAN);
        return isfinite(number) ? json_real(number) : json_null();
    case RETAIN_TEXT:
        text = retain_value_text(value, &size);
        return text == NULL ? NULL : text_of(text, size);
    case RETAIN_BYTES:
        text = retain_value_text(value, &size);
        return text == NULL ? NULL : base64((const unsigned char *)text, size);
    case RETAIN_LIST:
        return of_list(value, depth);
    case RETAIN_MAP:
        return of_map(value, depth, false);
    case RETAIN_EXTENSION:
        return of_extension(value);
    default:
        return NULL;
    }
}

json_t *rt_json_of(retain_value value)
{
    return of_value(value, 0);
}

json_t *rt_json_of_event(retain_value event)
{
    return retain_value_kind(event) == RETAIN_MAP ? of_map(event, 0, true) : NULL;
}

static bool pack_value(struct rt_buffer *out, const json_t *json, unsigned depth);

static bool pack_list(struct rt_buffer *out, const json_t *json, unsigned depth)
{
    size_t count = json_array_size(json);

    rt_write_array(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        if (!pack_value(out, json_array_get(json, i), depth + 1))
            return false;
    }
    return true;
}

static bool pack_map(struct rt_buffer *out, const json_t *json, unsigned depth)
{
    rt_write_map(out, (uint32_t)json_object_size(json));
    for (void *at = json_object_iter((json_t *)json); at != NULL;
         at = json_object_iter_next((json_t *)json, at)) {
        rt_write_str(out, rt_span(json_object_iter_key(at), json_object_iter_key_len(at)));
        if (!pack_value(out, json_object_iter_value(at), depth + 1))
            return false;
    }
    return true;
}

static bool pack_value(struct rt_buffer *out, const json_t *json, unsigned depth)
{
    if (depth > RT_NESTING - 2) /* the event lies within a batch, and that perhaps within a map */
        return !json_is_array(json) && !json_is_object(json) ? pack_value(out, json, 0) : false;
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return pack_map(out, json, depth);
    case JSON_ARRAY:
        return pack_list(out, json, depth);
    case JSON_STRING:
        rt_write_str(out, rt_span(json_string_value(json), json_string_length(json)));
        return true;
    case JSON_INTEGER:
        rt_write_int(out, json_integer_value(json));
        return true;
    case JSON_REAL:
        rt_write_double(out, json_real_value(json));
        return true;
    case JSON_NULL:
        rt_write_nil(out);
        return true;
    default:
        rt_write_bool(out, json_is_true(json));
        return true;
    }
}

bool rt_json_pack(struct rt_buffer *out, const json_t *json)
{
    return pack_value(out, json, 1);
}

/* Outside of texts JSON is ASCII, so these stand within texts, where an escape means the same. */
static bool must_escape(unsigned c)
{
    return (c >= 0x7f && c < 0xa0) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static void print_safe(FILE *out, const char *text)
{
    const char *run = text, *end = text + strlen(text);

    while (text < end) {
        unsigned c = 0;
        size_t bytes = 1;

        if ((unsigned char)*text >= 0x7f)
            bytes = rt_terminal_decode((const unsigned char *)text, (size_t)(end - text), &c);
        bytes += bytes == 0;
        text += bytes;
        if (!must_escape(c))
            continue;
        fwrite(run, 1, (size_t)(text - bytes - run), out);
        fprintf(out, "\\u%04x", c);
        run = text;
    }
    fwrite(run, 1, (size_t)(end - run), out);
}

static bool print(FILE *out, const json_t *json, size_t precision)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(precision));

    if (text == NULL) {
        fputs("out of memory\n", stderr);
        return false;
    }
    print_safe(out, text);
    fputc('\n', out);
    free(text);
    return !ferror(out);
}

void rt_json_print(FILE *out, const json_t *json)
{
    (void)print(out, json, PRECISION);
}

bool rt_json_print_exact(FILE *out, const json_t *json)
{
    return print(out, json, PRECISION_EXACT);
}

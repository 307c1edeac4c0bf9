/* Reads packed values without allocation: retain_value is a checked cursor of protocol/reader.h
 * with a friendlier face. */
#include "protocol/reader.h"
#include "retain.h"

#include <string.h>

static struct rt_reader reader_of(retain_value value)
{
    return (struct rt_reader){.at = value.at, .end = value.end, .failed = value.at == NULL};
}

static retain_value none(void)
{
    return (retain_value){NULL, NULL};
}

retain_value retain_value_of(const void *bytes, size_t size)
{
    return bytes == NULL || size == 0
               ? none()
               : (retain_value){.at = bytes, .end = (const uint8_t *)bytes + size};
}

enum retain_kind retain_value_kind(retain_value value)
{
    static const enum retain_kind kinds[] = {
        [RT_KIND_NIL] = RETAIN_NIL,       [RT_KIND_BOOL] = RETAIN_BOOL,
        [RT_KIND_INT] = RETAIN_INT,       [RT_KIND_FLOAT] = RETAIN_FLOAT,
        [RT_KIND_STR] = RETAIN_TEXT,      [RT_KIND_BIN] = RETAIN_BYTES,
        [RT_KIND_ARRAY] = RETAIN_LIST,    [RT_KIND_MAP] = RETAIN_MAP,
        [RT_KIND_EXT] = RETAIN_EXTENSION, [RT_KIND_END] = RETAIN_NONE,
    };
    struct rt_reader reader = reader_of(value);

    return reader.failed ? RETAIN_NONE : kinds[rt_read_kind(&reader)];
}

retain_iterator retain_iterate(retain_value value)
{
    struct rt_reader reader = reader_of(value);
    retain_iterator iterator = {NULL, NULL, 0, false};
    uint32_t count;

    if (retain_value_kind(value) == RETAIN_MAP && rt_read_map(&reader, &count))
        iterator = (retain_iterator){reader.at, reader.end, count, true};
    else if (retain_value_kind(value) == RETAIN_LIST && rt_read_array(&reader, &count))
        iterator = (retain_iterator){reader.at, reader.end, count, false};
    return iterator;
}

static bool take(struct rt_reader *reader, retain_value *value)
{
    struct rt_span bytes;

    if (!rt_read_skip(reader, &bytes))
        return false;
    *value = retain_value_of(bytes.data, bytes.size);
    return true;
}

bool retain_next(retain_iterator *iterator, retain_value *key, retain_value *item)
{
    struct rt_reader reader = {.at = iterator->at, .end = iterator->end, .failed = false};
    retain_value name = none(), value;

    if (iterator->left == 0)
        return false;
    if ((iterator->pairs && !take(&reader, &name)) || !take(&reader, &value)) {
        iterator->left = 0;
        return false;
    }
    iterator->left--;
    iterator->at = reader.at;
    if (key != NULL)
        *key = name;
    *item = value;
    return true;
}

retain_value retain_value_get(retain_value map, const char *key)
{
    retain_iterator iterator = retain_iterate(map);
    retain_value name, item;

    if (!iterator.pairs)
        return none();
    while (retain_next(&iterator, &name, &item)) {
        size_t size;
        const char *text = retain_value_text(name, &size);

        if (text != NULL && rt_span_is(rt_span(text, size), key))
            return item;
    }
    return none();
}

size_t retain_value_size(retain_value value)
{
    return retain_iterate(value).left;
}

int64_t retain_value_int(retain_value value, int64_t fallback)
{
    struct rt_reader reader = reader_of(value);

    if (retain_value_kind(value) == RETAIN_INT)
        (void)rt_read_int(&reader, &fallback);
    return fallback;
}

double retain_value_number(retain_value value, double fallback)
{
    struct rt_reader reader = reader_of(value);
    enum retain_kind kind = retain_value_kind(value);

    if (kind == RETAIN_INT || kind == RETAIN_FLOAT)
        (void)rt_read_number(&reader, &fallback);
    return fallback;
}

bool retain_value_bool(retain_value value, bool fallback)
{
    struct rt_reader reader = reader_of(value);

    if (retain_value_kind(value) == RETAIN_BOOL)
        (void)rt_read_bool(&reader, &fallback);
    return fallback;
}

const char *retain_value_text(retain_value value, size_t *size)
{
    struct rt_reader reader = reader_of(value);
    enum retain_kind kind = retain_value_kind(value);
    struct rt_span text;

    if ((kind == RETAIN_TEXT && rt_read_str(&reader, &text)) ||
        (kind == RETAIN_BYTES && rt_read_bin(&reader, &text))) {
        *size = text.size;
        return (const char *)text.data;
    }
    return NULL;
}

size_t retain_value_copy(retain_value value, char *out, size_t capacity)
{
    size_t size = 0;
    const char *text = retain_value_text(value, &size);
    size_t copied = size < capacity ? size : capacity - (capacity > 0);

    if (capacity == 0)
        return text == NULL ? 0 : size;
    if (text == NULL)
        size = copied = 0;
    else
        memcpy(out, text, copied);
    out[copied] = '\0';
    return size;
}

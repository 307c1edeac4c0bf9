/* Builds events and parameters: typed setters in, packed bytes out.
 *
 * The pairs are kept packed, one after the other; a key that is set again is cut out first. Failure
 * is sticky: without memory, or after a wrong argument, the map is bad until it is cleared. */
#include "clients/libretain/map.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct retain_map {
    struct rt_buffer pairs;
    struct rt_buffer contacts; /* packed people, without the header of their array */
    struct rt_buffer packed;
    uint32_t count, people;
    bool wrong; /* a bad argument */
};

retain_map *retain_map_new(void)
{
    return calloc(1, sizeof(struct retain_map));
}

retain_map *retain_event_new(const char *type, const char *account, const char *id, int64_t ts_ms)
{
    retain_map *map = retain_map_new();

    retain_map_text(map, "id", id);
    retain_map_text(map, "type", type);
    retain_map_text(map, "account", account);
    retain_map_int(map, "ts", ts_ms);
    return map;
}

void retain_map_free(retain_map *map)
{
    if (map == NULL)
        return;
    rt_buffer_free(&map->pairs);
    rt_buffer_free(&map->contacts);
    rt_buffer_free(&map->packed);
    free(map);
}

void retain_map_clear(retain_map *map)
{
    if (map == NULL)
        return;
    rt_buffer_clear(&map->pairs);
    rt_buffer_clear(&map->contacts);
    map->pairs.failed = map->contacts.failed = map->packed.failed = false;
    map->count = map->people = 0;
    map->wrong = false;
}

/* Cuts out the pair with this key, if there is one. */
static void forget(retain_map *map, const char *key)
{
    struct rt_reader reader = rt_reader(rt_buffer_span(&map->pairs));
    struct rt_span name;

    while (reader.at < reader.end) {
        const uint8_t *begin = reader.at;

        if (!rt_read_str(&reader, &name) || !rt_read_skip(&reader, NULL))
            return;
        if (!rt_span_is(name, key))
            continue;
        memmove(map->pairs.data + (begin - map->pairs.data), reader.at,
                (size_t)(reader.end - reader.at));
        map->pairs.size -= (size_t)(reader.at - begin);
        map->count--;
        return;
    }
}

/* Writes the key; false if nothing should follow. */
static bool key_begin(retain_map *map, const char *key)
{
    if (map == NULL)
        return false;
    if (key == NULL) {
        map->wrong = true;
        return false;
    }
    forget(map, key);
    rt_write_text(&map->pairs, key);
    map->count++;
    return true;
}

void retain_map_text_n(retain_map *map, const char *key, const char *value, size_t size)
{
    if (!key_begin(map, key))
        return;
    if (value == NULL || !rt_utf8_valid(rt_span(value, size)))
        map->wrong = true;
    else
        rt_write_str(&map->pairs, rt_span(value, size));
}

void retain_map_text(retain_map *map, const char *key, const char *value)
{
    retain_map_text_n(map, key, value, value == NULL ? 0 : strlen(value));
}

void retain_map_int(retain_map *map, const char *key, int64_t value)
{
    if (key_begin(map, key))
        rt_write_int(&map->pairs, value);
}

void retain_map_number(retain_map *map, const char *key, double value)
{
    if (!key_begin(map, key))
        return;
    if (!isfinite(value))
        map->wrong = true;
    else
        rt_write_double(&map->pairs, value);
}

void retain_map_bool(retain_map *map, const char *key, bool value)
{
    if (key_begin(map, key))
        rt_write_bool(&map->pairs, value);
}

void retain_map_nil(retain_map *map, const char *key)
{
    if (key_begin(map, key))
        rt_write_nil(&map->pairs);
}

void retain_map_packed_value(retain_map *map, const char *key, const void *packed, size_t size)
{
    if (!key_begin(map, key))
        return;
    if (packed == NULL || !rt_msgpack_check(rt_span(packed, size), RT_NESTING))
        map->wrong = true;
    else
        rt_write_raw(&map->pairs, rt_span(packed, size));
}

static void person_key(retain_map *map, const char *key, const char *value)
{
    if (value == NULL)
        return;
    if (!rt_utf8_valid(rt_span_text(value)))
        map->wrong = true;
    rt_write_key_text(&map->contacts, key, value);
}

void retain_map_contact(retain_map *map, const char *name, const char *email, const char *phone)
{
    if (map == NULL)
        return;
    rt_write_map(&map->contacts, (name != NULL) + (email != NULL) + (phone != NULL));
    person_key(map, "name", name);
    person_key(map, "email", email);
    person_key(map, "phone", phone);
    map->people++;
}

int rt_map_pack(retain_map *map, struct rt_span *packed)
{
    if (map == NULL)
        return RETAIN_NO_MEMORY; /* the constructor had none, and nobody looked */
    if (map->wrong)
        return RETAIN_BAD_ARGUMENT;
    if (map->people > 0)
        forget(map, "contacts");
    rt_buffer_clear(&map->packed);
    rt_write_map(&map->packed, map->count + (map->people > 0));
    rt_buffer_append(&map->packed, map->pairs.data, map->pairs.size);
    if (map->people > 0) {
        rt_write_text(&map->packed, "contacts");
        rt_write_array(&map->packed, map->people);
        rt_buffer_append(&map->packed, map->contacts.data, map->contacts.size);
    }
    if (map->pairs.failed || map->contacts.failed || map->packed.failed)
        return RETAIN_NO_MEMORY;
    *packed = rt_buffer_span(&map->packed);
    return RETAIN_OK;
}

const void *retain_map_bytes(retain_map *map, size_t *size)
{
    struct rt_span packed;

    if (rt_map_pack(map, &packed) != RETAIN_OK)
        return NULL;
    *size = packed.size;
    return packed.data;
}

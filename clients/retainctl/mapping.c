/* See mapping.h. */
#include "clients/retainctl/mapping.h"

#include <stdio.h>
#include <stdlib.h>

void rt_mapping_free(struct rt_mapping *mapping)
{
    for (size_t i = 0; i < mapping->map_count; i++) {
        free(mapping->maps[i].target);
        free(mapping->maps[i].column);
    }
    for (size_t i = 0; i < mapping->set_count; i++) {
        free(mapping->sets[i].key);
        rt_buffer_free(&mapping->sets[i].packed);
    }
    *mapping = (struct rt_mapping){0};
}

const char *rt_mapping_column(const struct rt_mapping *mapping, struct rt_span key)
{
    for (size_t i = 0; i < mapping->map_count; i++) {
        if (rt_span_is(key, mapping->maps[i].target))
            return mapping->maps[i].column;
    }
    return NULL;
}

bool rt_mapping_renames(const struct rt_mapping *mapping, struct rt_span column)
{
    for (size_t i = 0; i < mapping->map_count; i++) {
        if (rt_span_is(column, mapping->maps[i].column))
            return true;
    }
    return false;
}

const struct rt_set_entry *rt_mapping_preset(const struct rt_mapping *mapping, struct rt_span key)
{
    for (size_t i = 0; i < mapping->set_count; i++) {
        if (rt_span_is(key, mapping->sets[i].key))
            return &mapping->sets[i];
    }
    return NULL;
}

static bool refuse(char error[RT_MAPPING_ERROR], const char *format, struct rt_span name)
{
    snprintf(error, RT_MAPPING_ERROR, format, (int)(name.size < 80 ? name.size : 80),
             (const char *)name.data);
    return false;
}

/* Splits "key=value" at the first '='. */
static bool pair_split(struct rt_span pair, struct rt_span *key, struct rt_span *value)
{
    const uint8_t *equals = pair.size == 0 ? NULL : memchr(pair.data, '=', pair.size);

    if (equals == NULL || equals == pair.data)
        return false;
    *key = rt_span(pair.data, (size_t)(equals - pair.data));
    *value = rt_span(equals + 1, pair.size - key->size - 1);
    return true;
}

static bool map_add(struct rt_mapping *mapping, struct rt_span pair, char error[RT_MAPPING_ERROR])
{
    struct rt_map_entry *entry = &mapping->maps[mapping->map_count];
    struct rt_span target, column;
    enum rt_key_kind kind;

    if (!pair_split(pair, &target, &column) || column.size == 0)
        return refuse(error, "--map wants KEY=COLUMN, not '%.*s'", pair);
    if (!rt_key_find(target, &kind))
        return refuse(error, "--map: events have no key '%.*s' (write KEY=COLUMN)", target);
    if (rt_mapping_column(mapping, target) != NULL)
        return refuse(error, "--map: '%.*s' is given twice", target);
    if (mapping->map_count == RT_MAPPING_MAX)
        return refuse(error, "--map: too many, at '%.*s'", pair);
    entry->target = strndup((const char *)target.data, target.size);
    entry->column = strndup((const char *)column.data, column.size);
    mapping->map_count++;
    return entry->target != NULL && entry->column != NULL
               ? true
               : refuse(error, "out of memory%.*s", rt_span("", 0));
}

static bool set_add(struct rt_mapping *mapping, struct rt_span pair, char error[RT_MAPPING_ERROR])
{
    struct rt_set_entry *entry = &mapping->sets[mapping->set_count];
    struct rt_span key, value;
    enum rt_key_kind kind;
    char why[RT_KEY_ERROR];

    if (!pair_split(pair, &key, &value) || value.size == 0)
        return refuse(error, "--set wants KEY=VALUE, not '%.*s'", pair);
    if (!rt_key_find(key, &kind))
        return refuse(error, "--set: events have no key '%.*s'", key);
    if (rt_mapping_preset(mapping, key) != NULL)
        return refuse(error, "--set: '%.*s' is given twice", key);
    if (mapping->set_count == RT_MAPPING_MAX)
        return refuse(error, "--set: too many, at '%.*s'", pair);
    if (!rt_key_convert(key, kind, value, &entry->packed, why)) {
        snprintf(error, RT_MAPPING_ERROR, "--set %s", why);
        return false;
    }
    entry->key = strndup((const char *)key.data, key.size);
    mapping->set_count++;
    return entry->key != NULL && !entry->packed.failed
               ? true
               : refuse(error, "out of memory%.*s", rt_span("", 0));
}

bool rt_mapping_map(struct rt_mapping *mapping, const char *text, char error[RT_MAPPING_ERROR])
{
    for (;;) {
        size_t size = strcspn(text, ",");

        if (!map_add(mapping, rt_span(text, size), error))
            return false;
        if (text[size] == '\0')
            return true;
        text += size + 1;
    }
}

/* Does "key=" of an event begin here? */
static bool key_follows(const char *text)
{
    size_t size = strcspn(text, "=,");
    enum rt_key_kind kind;

    return text[size] == '=' && rt_key_find(rt_span(text, size), &kind);
}

bool rt_mapping_set(struct rt_mapping *mapping, const char *text, char error[RT_MAPPING_ERROR])
{
    for (;;) {
        size_t size = strcspn(text, ",");

        while (text[size] == ',' && !key_follows(text + size + 1))
            size += 1 + strcspn(text + size + 1, ",");
        if (!set_add(mapping, rt_span(text, size), error))
            return false;
        if (text[size] == '\0')
            return true;
        text += size + 1;
    }
}

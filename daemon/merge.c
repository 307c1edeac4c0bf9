/* See merge.h: what all merges share. */
#include "daemon/merge.h"

#include <stdlib.h>

bool rt_merge_find(struct rt_span map, const char *key, struct rt_reader *value)
{
    struct rt_reader reader = rt_reader(map);
    struct rt_span name;
    uint32_t pairs;

    if (!rt_read_map(&reader, &pairs)) {
        return false;
    }
    for (uint32_t i = 0; i < pairs && !reader.failed; i++) {
        if (rt_read_kind(&reader) != RT_KIND_STR) {
            rt_read_skip(&reader, NULL);
        } else if (rt_read_str(&reader, &name) && rt_span_is(name, key)) {
            *value = reader;
            return true;
        }
        rt_read_skip(&reader, NULL);
    }
    return false;
}

bool rt_merge_error(const struct rt_merge *merge, struct rt_span *error)
{
    for (uint32_t i = 0; i < merge->count; i++) {
        struct rt_reader value;
        bool ok;

        if (rt_merge_find(merge->parts[i], "ok", &value) && rt_read_bool(&value, &ok) && !ok) {
            *error = merge->parts[i];
            return true;
        }
    }
    return false;
}

bool rt_merge_add(struct rt_merge_list *list, const struct rt_merge_item *item)
{
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity == 0 ? 256 : 2 * list->capacity;
        struct rt_merge_item *items = realloc(list->items, capacity * sizeof *items);

        if (items == NULL) {
            list->failed = true;
            return false;
        }
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = *item;
    return true;
}

static int in_order(const void *left, const void *right)
{
    const struct rt_merge_item *a = left, *b = right;

    if (a->key != b->key) {
        return a->key < b->key ? -1 : 1;
    }
    if (a->second_key != b->second_key) {
        return a->second_key < b->second_key ? -1 : 1;
    }
    if (a->first != b->first) {
        return a->first < b->first ? -1 : 1;
    }
    if (a->second != b->second) {
        return a->second < b->second ? -1 : 1;
    }
    return rt_span_compare(a->name, b->name);
}

void rt_merge_sort(struct rt_merge_list *list)
{
    if (list->count > 1) {
        qsort(list->items, list->count, sizeof *list->items, in_order);
    }
}

void rt_merge_free(struct rt_merge_list *list)
{
    free(list->items);
    *list = (struct rt_merge_list){0};
}

/* Merging report.portfolio: numbers are added key by key, lists merged by their sort key and cut; a
 * mean stands where the parts have its sum. */
#include "daemon/merge_sums.h"

enum { LIST_MAX = 20 };

static bool collect_list(const struct rt_places *places, struct rt_merge_list *list)
{
    for (uint32_t i = 0; i < places->count; i++) {
        struct rt_reader reader = places->at[i];
        uint32_t count, two;

        if (!rt_read_array(&reader, &count)) {
            return false;
        }
        while (count-- > 0) {
            struct rt_merge_item item = {0};

            if (!rt_read_array(&reader, &two) || two != 2 || !rt_read_number(&reader, &item.key) ||
                !rt_read_skip(&reader, &item.map)) {
                return false;
            }
            item.name = item.map; /* a steady order of equals */
            if (!rt_merge_add(list, &item)) {
                return false;
            }
        }
    }
    rt_merge_sort(list);
    return true;
}

static bool write_list(const struct rt_places *places, struct rt_buffer *out)
{
    struct rt_merge_list list = {0};
    bool good = collect_list(places, &list);

    rt_write_array(out, list.count < LIST_MAX ? list.count : LIST_MAX);
    for (uint32_t i = 0; i < list.count && i < LIST_MAX; i++) {
        rt_write_raw(out, list.items[i].map);
    }
    out->failed = out->failed || list.failed;
    rt_merge_free(&list);
    return good;
}

static int64_t write_lists(const struct rt_places *places, struct rt_buffer *out)
{
    struct rt_reader keys = places->at[0];
    uint32_t pairs;
    char key[64];

    if (!rt_read_map(&keys, &pairs)) {
        return -1;
    }
    for (uint32_t i = 0; i < pairs; i++) {
        struct rt_places inner;

        if (!rt_merge_key(&keys, key, sizeof key) || !rt_read_skip(&keys, NULL)) {
            return -1;
        }
        inner = rt_merge_descend(places, key);
        rt_write_text(out, key);
        if (!write_list(&inner, out)) {
            return -1;
        }
    }
    return pairs;
}

static bool write_report(const struct rt_merge *merge, const struct rt_places *parts,
                         struct rt_buffer *out)
{
    struct rt_places numbers = rt_merge_descend(parts, "numbers"),
                     lists = rt_merge_descend(parts, "lists");
    size_t mark = rt_write_map_begin(out);
    int64_t summed, listed;

    if (numbers.count != merge->count || lists.count != merge->count) {
        return false;
    }
    rt_write_key_bool(out, "ok", true);
    rt_write_text(out, "owner");
    rt_write_optional(out, merge->query->owner);
    summed = rt_merge_numbers(&numbers, out);
    listed = write_lists(&lists, out);
    if (summed < 0 || listed < 0) {
        return false;
    }
    rt_write_end(out, mark, (uint32_t)(2 + summed + listed));
    return true;
}

bool rt_merge_report(const struct rt_merge *merge, struct rt_buffer *out)
{
    return rt_merge_parts(merge, write_report, out);
}

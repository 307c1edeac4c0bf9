/* Merging report.portfolio: numbers are added key by key (the keys of the first part lead), lists
 * merged by their sort key and cut; a mean stands where the parts have its sum. All parts come from
 * one program: their keys are the same. */
#include "daemon/merge.h"

#include <float.h>
#include <math.h>

enum { LIST_MAX = 20, DEPTH_MAX = 4 };

/* The same place in the parts of all workers. */
struct places {
    struct rt_reader at[RT_WORKERS_MAX];
    uint32_t count;
};

/* The values of key `name` in the maps that stand at `places`. A part without it adds nothing. */
static struct places descend(const struct places *places, const char *name)
{
    struct places inner = {0};

    for (uint32_t i = 0; i < places->count; i++) {
        struct rt_span map =
            rt_span(places->at[i].at, (size_t)(places->at[i].end - places->at[i].at));

        if (rt_merge_find(map, name, &inner.at[inner.count])) {
            inner.count++;
        }
    }
    return inner;
}

/* Sums as an integer as long as all of them are and it holds them; never as something that is no
 * number. */
static bool write_sum(struct places places, struct rt_buffer *out)
{
    bool whole = true;
    int64_t integers = 0;
    double sum = 0;

    for (uint32_t i = 0; i < places.count; i++) {
        struct rt_reader number = places.at[i];
        double value;
        int64_t integer;

        if (rt_read_kind(&number) == RT_KIND_INT && rt_read_int(&number, &integer)) {
            whole = whole && !__builtin_add_overflow(integers, integer, &integers);
            sum += (double)integer;
        } else if (rt_read_number(&number, &value)) {
            whole = false;
            sum += value;
        } else {
            return false;
        }
    }
    if (whole) {
        rt_write_int(out, integers);
    } else {
        rt_write_double(out, fmax(fmin(sum, DBL_MAX), -DBL_MAX));
    }
    return true;
}

static bool write_sums(const struct places *places, struct rt_buffer *out, unsigned depth);

static bool key_text(struct rt_reader *keys, char *text, size_t size)
{
    struct rt_span key;

    if (!rt_read_str(keys, &key) || key.size >= size) {
        return false;
    }
    memcpy(text, key.data, key.size);
    text[key.size] = '\0';
    return true;
}

static bool add_up(const struct places *places, const char *name, double *sum)
{
    struct places numbers = descend(places, name);

    *sum = 0;
    for (uint32_t i = 0; i < numbers.count; i++) {
        double value;

        if (!rt_read_number(&numbers.at[i], &value)) {
            return false;
        }
        *sum += value;
    }
    return numbers.count > 0;
}

/* "score": the mean over those that have one, nil if none has. */
static bool write_mean(const struct places *numbers, struct rt_buffer *out)
{
    double sum, scored;

    if (!add_up(numbers, "score_sum", &sum) || !add_up(numbers, "scored", &scored)) {
        return false;
    }
    if (scored > 0) {
        rt_write_key_double(out, "score", sum / scored);
    } else {
        rt_write_key_nil(out, "score");
    }
    return true;
}

/* All pairs of the maps at `places`; returns how many, -1 if they are no maps of numbers. */
static int64_t write_pairs(const struct places *places, struct rt_buffer *out, unsigned depth)
{
    struct rt_reader keys = places->at[0];
    uint32_t pairs;
    char key[64];

    if (!rt_read_map(&keys, &pairs)) {
        return -1;
    }
    for (uint32_t i = 0; i < pairs; i++) {
        struct places inner;

        if (!key_text(&keys, key, sizeof key) || !rt_read_skip(&keys, NULL)) {
            return -1;
        }
        if (depth == 0 && strcmp(key, "score_sum") == 0) {
            if (!write_mean(places, out)) {
                return -1;
            }
            continue;
        }
        inner = descend(places, key);
        rt_write_text(out, key);
        if (!write_sums(&inner, out, depth + 1)) {
            return -1;
        }
    }
    return pairs;
}

static bool write_sums(const struct places *places, struct rt_buffer *out, unsigned depth)
{
    size_t mark;
    int64_t pairs;

    if (places->count == 0 || depth > DEPTH_MAX) {
        return false;
    }
    if (rt_read_kind(&places->at[0]) != RT_KIND_MAP) {
        return write_sum(*places, out);
    }
    mark = rt_write_map_begin(out);
    pairs = write_pairs(places, out, depth);
    if (pairs >= 0) {
        rt_write_end(out, mark, (uint32_t)pairs);
    }
    return pairs >= 0;
}

static bool collect_list(const struct places *places, struct rt_merge_list *list)
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

static bool write_list(const struct places *places, struct rt_buffer *out)
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

static int64_t write_lists(const struct places *places, struct rt_buffer *out)
{
    struct rt_reader keys = places->at[0];
    uint32_t pairs;
    char key[64];

    if (!rt_read_map(&keys, &pairs)) {
        return -1;
    }
    for (uint32_t i = 0; i < pairs; i++) {
        struct places inner;

        if (!key_text(&keys, key, sizeof key) || !rt_read_skip(&keys, NULL)) {
            return -1;
        }
        inner = descend(places, key);
        rt_write_text(out, key);
        if (!write_list(&inner, out)) {
            return -1;
        }
    }
    return pairs;
}

static bool write_report(const struct rt_merge *merge, const struct places *parts,
                         struct rt_buffer *out)
{
    struct places numbers = descend(parts, "numbers"), lists = descend(parts, "lists");
    size_t mark = rt_write_map_begin(out);
    int64_t summed, listed;

    if (numbers.count != merge->count || lists.count != merge->count) {
        return false;
    }
    rt_write_key_bool(out, "ok", true);
    rt_write_text(out, "owner");
    rt_write_optional(out, merge->query->owner);
    summed = write_pairs(&numbers, out, 0);
    listed = write_lists(&lists, out);
    if (summed < 0 || listed < 0) {
        return false;
    }
    rt_write_end(out, mark, (uint32_t)(2 + summed + listed));
    return true;
}

bool rt_merge_report(const struct rt_merge *merge, struct rt_buffer *out)
{
    struct places parts = {.count = merge->count};
    struct rt_span error;

    if (rt_merge_error(merge, &error)) {
        rt_write_raw(out, error);
        return !out->failed;
    }
    for (uint32_t i = 0; i < merge->count; i++) {
        parts.at[i] = rt_reader(merge->parts[i]);
    }
    return write_report(merge, &parts, out) && !out->failed;
}

/* See merge_sums.h: one walk over the keys of the first part. */
#include "daemon/merge_sums.h"

#include <float.h>
#include <math.h>

enum { DEPTH_MAX = 4 };

struct rt_places rt_merge_descend(const struct rt_places *places, const char *name)
{
    struct rt_places inner = {0};

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
static bool write_sum(struct rt_places places, struct rt_buffer *out)
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

static bool write_sums(const struct rt_places *places, struct rt_buffer *out, unsigned depth);

bool rt_merge_key(struct rt_reader *keys, char *text, size_t size)
{
    struct rt_span key;

    if (!rt_read_str(keys, &key) || key.size >= size) {
        return false;
    }
    memcpy(text, key.data, key.size);
    text[key.size] = '\0';
    return true;
}

static bool add_up(const struct rt_places *places, const char *name, double *sum)
{
    struct rt_places numbers = rt_merge_descend(places, name);

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
static bool write_mean(const struct rt_places *numbers, struct rt_buffer *out)
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
static int64_t write_pairs(const struct rt_places *places, struct rt_buffer *out, unsigned depth)
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
        if (depth == 0 && strcmp(key, "score_sum") == 0) {
            if (!write_mean(places, out)) {
                return -1;
            }
            continue;
        }
        inner = rt_merge_descend(places, key);
        rt_write_text(out, key);
        if (!write_sums(&inner, out, depth + 1)) {
            return -1;
        }
    }
    return pairs;
}

static bool write_sums(const struct rt_places *places, struct rt_buffer *out, unsigned depth)
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

int64_t rt_merge_numbers(const struct rt_places *places, struct rt_buffer *out)
{
    return write_pairs(places, out, 0);
}

bool rt_merge_parts(const struct rt_merge *merge, rt_merge_write *write, struct rt_buffer *out)
{
    struct rt_places parts = {.count = merge->count};
    struct rt_span error;

    if (rt_merge_error(merge, &error)) {
        rt_write_raw(out, error);
        return !out->failed;
    }
    for (uint32_t i = 0; i < merge->count; i++) {
        parts.at[i] = rt_reader(merge->parts[i]);
    }
    return write(merge, &parts, out) && !out->failed;
}

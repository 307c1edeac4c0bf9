/* Numbers of all workers' parts added up, key by key: the keys of the first part lead. All parts
 * come from one program: their keys are the same. Pure. */
#ifndef RT_DAEMON_MERGE_SUMS_H
#define RT_DAEMON_MERGE_SUMS_H

#include "daemon/merge.h"

/* The same place in the parts of all workers. */
struct rt_places {
    struct rt_reader at[RT_WORKERS_MAX];
    uint32_t count;
};

/* The values of key `name` in the maps that stand at `places`. A part without it adds nothing. */
struct rt_places rt_merge_descend(const struct rt_places *places, const char *name);

/* Reads a key of a map as a terminated text. False if it is no str or does not fit. */
bool rt_merge_key(struct rt_reader *keys, char *text, size_t size);

/* Writes the pairs of the maps at `places` (at least one): numbers and maps of them, added up; where
 * the parts have `score_sum`, the mean `score` over `scored` stands, nil if none is. Returns how many
 * pairs, -1 if they are no maps of numbers. */
int64_t rt_merge_numbers(const struct rt_places *places, struct rt_buffer *out);

/* An answer that `write` makes of all parts, or the error that one of them is. False if the parts are
 * not what they must be, or without memory. */
typedef bool rt_merge_write(const struct rt_merge *merge, const struct rt_places *parts,
                            struct rt_buffer *out);
bool rt_merge_parts(const struct rt_merge *merge, rt_merge_write *write, struct rt_buffer *out);

#endif

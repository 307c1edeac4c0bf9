/* The newest identities: a list in the order they came, and a hash table of places in it. Pure but
 * for memory. */
#ifndef RT_WORKERS_DEDUPE_FRESH_H
#define RT_WORKERS_DEDUPE_FRESH_H

#include "workers/dedupe_run.h"

struct rt_fresh {
    struct rt_entry *entries;
    size_t count, capacity;
    uint32_t *slots; /* low `bits`: place + 1, 0: free; above: a tag of the identity */
    unsigned bits;   /* there are 2^bits slots, none if slots is NULL */
};

void rt_fresh_free(struct rt_fresh *fresh);

/* False without memory; unchanged then. */
bool rt_fresh_add(struct rt_fresh *fresh, uint64_t identity, rt_position position);

/* As rt_run_find. */
void rt_fresh_find(const struct rt_fresh *fresh, uint64_t identity, rt_position *found,
                   size_t *count, size_t max);

/* Forgets what was added last, so that `count` are left. Nothing can be added afterwards. */
void rt_fresh_cut(struct rt_fresh *fresh, size_t count);

static inline size_t rt_fresh_home(const struct rt_fresh *fresh, uint64_t identity)
{
    return (size_t)identity & (((size_t)1 << fresh->bits) - 1);
}

/* Prefetches what a find will look at first. */
static inline void rt_fresh_touch(const struct rt_fresh *fresh, uint64_t identity)
{
    if (fresh->slots != NULL) {
        __builtin_prefetch(&fresh->slots[rt_fresh_home(fresh, identity)]);
    }
}

size_t rt_fresh_bytes(const struct rt_fresh *fresh);

/* Sorts by (identity, position). False without memory; unchanged then. */
bool rt_entries_sort(struct rt_entry *entries, size_t count);

#endif

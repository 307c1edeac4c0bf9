/* The first so many accounts in an order, of however many: by two numbers, then by name (bytes).
 * Which these are does not depend on the order in which accounts are offered. */
#ifndef RT_WORKERS_SHORTLIST_H
#define RT_WORKERS_SHORTLIST_H

#include "workers/account.h"

struct rt_shortlist_item {
    double key, second;
    const struct rt_account *account; /* whoever frees it begins anew */
};

struct rt_shortlist {
    struct rt_shortlist_item *items; /* heap, the last in order at the top */
    size_t count, limit;
};

/* Room for `limit` >= 1. False without memory. */
bool rt_shortlist_init(struct rt_shortlist *list, size_t limit);
void rt_shortlist_free(struct rt_shortlist *list);

/* Neither number may be NaN. */
void rt_shortlist_offer(struct rt_shortlist *list, double key, double second,
                        const struct rt_account *account);

/* Puts the items in order. Nothing may be offered any more. */
void rt_shortlist_sort(struct rt_shortlist *list);

#endif

/* Accounts that wait for a moment, the earliest first: an indexed 4-ary heap ordered by rt_wait.at.
 * Each account knows its place (rt_account_wait), so that it can be moved or taken off without a
 * search. Accounts are not owned. */
#ifndef RT_WORKERS_DEADLINE_H
#define RT_WORKERS_DEADLINE_H

#include "workers/account.h"

struct rt_deadline {
    int64_t at; /* a copy of the account's rt_wait.at: comparing needs no visit to the account */
    struct rt_account *account;
};

/* Zero-initialise. */
struct rt_deadlines {
    struct rt_deadline *entries;
    uint32_t count, capacity;
};

/* The accounts on it are told that they are no longer. */
void rt_deadlines_free(struct rt_deadlines *deadlines);

/* The account waits for `at` (ms) from now on: put on the heap, moved in it, or with INT64_MAX
 * taken off it. False without memory (only when it was not on the heap): nothing has changed then,
 * rt_wait.at included. */
bool rt_deadlines_set(struct rt_deadlines *deadlines, struct rt_account *account, int64_t at);

/* Room for `count` accounts on the heap: setting the moments of so many then cannot fail. False
 * without memory. */
bool rt_deadlines_reserve(struct rt_deadlines *deadlines, uint64_t count);

/* Puts an account on that waits for its stored rt_wait.at (decoded from a snapshot); as
 * rt_deadlines_set. */
bool rt_deadlines_add(struct rt_deadlines *deadlines, struct rt_account *account);

/* Takes it off if it is on; to be called before an account is freed. Its rt_wait.at becomes
 * INT64_MAX. */
void rt_deadlines_remove(struct rt_deadlines *deadlines, struct rt_account *account);

/* Who waits for the earliest moment; NULL if nobody does. Ties in any order. Valid until the heap
 * changes. */
const struct rt_deadline *rt_deadlines_first(const struct rt_deadlines *deadlines);

#endif

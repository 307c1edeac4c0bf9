/* Accounts by the moment that time alone may change something for them: a heap, one entry an account. Each account knows its place
 * (rt_account_wait). The heap does not own the accounts. */
#ifndef RT_WORKERS_DEADLINE_H
#define RT_WORKERS_DEADLINE_H

#include "workers/account.h"

struct rt_deadline {
    int64_t at;
    struct rt_account *account;
};

struct rt_deadlines {
    struct rt_deadline *heap; /* 4-ary */
    size_t count, capacity;
};

void rt_deadlines_free(struct rt_deadlines *deadlines);

/* Inserts, moves or (at INT64_MAX) removes. False without memory: only when it must grow; nothing changed then. */
bool rt_deadlines_set(struct rt_deadlines *deadlines, struct rt_account *account, int64_t at);

/* The earliest; NULL if there is none. */
const struct rt_deadline *rt_deadlines_first(const struct rt_deadlines *deadlines);

#endif

/* Accounts of one partition by name. Open addressing with a secret seed: what strangers send cannot
 * aim at one slot. The table does not own the accounts. */
#ifndef RT_WORKERS_TABLE_H
#define RT_WORKERS_TABLE_H

#include "workers/account.h"

struct rt_table {
    uint32_t *hashes; /* 0: free */
    struct rt_account **accounts;
    size_t capacity; /* at most 2^32 */
    size_t count;
};

/* Hash of a name under the process's seed; never 0. */
uint32_t rt_table_hash(struct rt_span name, uint64_t seed);

void rt_table_free(struct rt_table *table);
/* Hints: the slot of this hash is wanted soon; then, when that has arrived, the account behind it
 * and at last what hangs off the account. */
void rt_table_prefetch(const struct rt_table *table, uint32_t hash);
void rt_table_prefetch_account(const struct rt_table *table, uint32_t hash);
void rt_table_prefetch_facts(const struct rt_table *table, uint32_t hash);
struct rt_account *rt_table_find(const struct rt_table *table, uint32_t hash, struct rt_span name);
/* The name must not be there. False without memory (unchanged). */
bool rt_table_add(struct rt_table *table, uint32_t hash, struct rt_account *account);
/* Takes it out; the account stays the caller's. */
void rt_table_remove(struct rt_table *table, uint32_t hash, const struct rt_account *account);

#endif

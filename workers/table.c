#include "workers/table.h"

#include <stdlib.h>
#include <xxhash.h>

#include "protocol/assert.h"

enum { TABLE_MIN = 16 };

uint32_t rt_table_hash(struct rt_span name, uint64_t seed)
{
    uint32_t hash = (uint32_t)(XXH3_64bits_withSeed(name.data, name.size, seed) >> 32);

    return hash == 0 ? 1 : hash;
}

void rt_table_free(struct rt_table *table)
{
    free(table->hashes);
    free(table->accounts);
    *table = (struct rt_table){0};
}

void rt_table_prefetch(const struct rt_table *table, uint32_t hash)
{
    size_t at;

    if (table->capacity == 0)
        return;
    at = hash & (table->capacity - 1);
    __builtin_prefetch(&table->hashes[at]);
    __builtin_prefetch(&table->accounts[at]);
}

/* The first account with this hash: no name is compared, a hint may be wrong. */
static const struct rt_account *likely(const struct rt_table *table, uint32_t hash)
{
    size_t mask = table->capacity - 1;

    if (table->capacity == 0)
        return NULL;
    for (size_t at = hash & mask; table->hashes[at] != 0; at = (at + 1) & mask)
        if (table->hashes[at] == hash)
            return table->accounts[at];
    return NULL;
}

void rt_table_prefetch_account(const struct rt_table *table, uint32_t hash)
{
    const struct rt_account *account = likely(table, hash);

    if (account != NULL)
        rt_account_prefetch(account);
}

void rt_table_prefetch_facts(const struct rt_table *table, uint32_t hash)
{
    const struct rt_account *account = likely(table, hash);

    if (account != NULL)
        rt_account_prefetch_facts(account);
}

struct rt_account *rt_table_find(const struct rt_table *table, uint32_t hash, struct rt_span name)
{
    size_t mask = table->capacity - 1;

    if (table->capacity == 0)
        return NULL;
    for (size_t at = hash & mask; table->hashes[at] != 0; at = (at + 1) & mask)
        if (table->hashes[at] == hash && rt_span_equal(rt_account_name(table->accounts[at]), name))
            return table->accounts[at];
    return NULL;
}

static void place(struct rt_table *table, uint32_t hash, struct rt_account *account)
{
    size_t mask = table->capacity - 1;
    size_t at = hash & mask;

    while (table->hashes[at] != 0)
        at = (at + 1) & mask;
    table->hashes[at] = hash;
    table->accounts[at] = account;
}

static bool grow(struct rt_table *table)
{
    struct rt_table larger = {.capacity = table->capacity ? table->capacity * 2 : TABLE_MIN,
                              .count = table->count};

    larger.hashes = calloc(larger.capacity, sizeof(*larger.hashes));
    larger.accounts = malloc(larger.capacity * sizeof(*larger.accounts));
    if (larger.hashes == NULL || larger.accounts == NULL) {
        rt_table_free(&larger);
        return false;
    }
    for (size_t at = 0; at < table->capacity; at++)
        if (table->hashes[at] != 0)
            place(&larger, table->hashes[at], table->accounts[at]);
    rt_table_free(table);
    *table = larger;
    return true;
}

bool rt_table_add(struct rt_table *table, uint32_t hash, struct rt_account *account)
{
    RT_ASSERT(hash != 0);
    if ((table->count + 1) * 4 > table->capacity * 3 && !grow(table))
        return false;
    place(table, hash, account);
    table->count++;
    return true;
}

/* Linear probing without tombstones: entries behind the hole move up when the hole lies on their
 * way. */
static void close_hole(struct rt_table *table, size_t hole)
{
    size_t mask = table->capacity - 1;

    for (size_t at = (hole + 1) & mask; table->hashes[at] != 0; at = (at + 1) & mask) {
        size_t home = table->hashes[at] & mask;

        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        table->hashes[hole] = table->hashes[at];
        table->accounts[hole] = table->accounts[at];
        hole = at;
    }
    table->hashes[hole] = 0;
}

void rt_table_remove(struct rt_table *table, uint32_t hash, const struct rt_account *account)
{
    size_t mask = table->capacity - 1;
    size_t at = hash & mask;

    RT_ASSERT(table->capacity > 0);
    while (table->accounts[at] != account || table->hashes[at] != hash) {
        RT_ASSERT(table->hashes[at] != 0);
        at = (at + 1) & mask;
    }
    close_hole(table, at);
    table->count--;
}

#include "workers/table.h"

#include <stdlib.h>
#include <xxhash.h>

#include "protocol/assert.h"

/* It grows by a quarter, not to twice its size: between two and three tenths of it are free, not up to
 * five eighths. */
enum { TABLE_MIN = 16, GROWTH_PART = 4, FULL_FIFTHS = 4 };

/* The slot a hash belongs into. Ascends with the hash, so that growing writes from front to back. */
static size_t home_of(const struct rt_table *table, uint32_t hash)
{
    return (size_t)(((uint64_t)hash * table->capacity) >> 32);
}

static size_t after(const struct rt_table *table, size_t at)
{
    return at + 1 == table->capacity ? 0 : at + 1;
}

/* Steps from `from` to `at`. */
static size_t distance(const struct rt_table *table, size_t from, size_t at)
{
    return at >= from ? at - from : at + table->capacity - from;
}

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
    at = home_of(table, hash);
    __builtin_prefetch(&table->hashes[at]);
    __builtin_prefetch(&table->accounts[at]);
}

/* The first account with this hash: no name is compared, a hint may be wrong. */
static const struct rt_account *likely(const struct rt_table *table, uint32_t hash)
{
    if (table->capacity == 0)
        return NULL;
    for (size_t at = home_of(table, hash); table->hashes[at] != 0; at = after(table, at))
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
    if (table->capacity == 0)
        return NULL;
    for (size_t at = home_of(table, hash); table->hashes[at] != 0; at = after(table, at))
        if (table->hashes[at] == hash && rt_span_equal(rt_account_name(table->accounts[at]), name))
            return table->accounts[at];
    return NULL;
}

static void place(struct rt_table *table, uint32_t hash, struct rt_account *account)
{
    size_t at = home_of(table, hash);

    while (table->hashes[at] != 0)
        at = after(table, at);
    table->hashes[at] = hash;
    table->accounts[at] = account;
}

static bool grow(struct rt_table *table)
{
    struct rt_table larger = {.capacity = table->capacity + table->capacity / GROWTH_PART,
                              .count = table->count};

    if (larger.capacity == 0)
        larger.capacity = TABLE_MIN;
    if (larger.capacity > UINT32_MAX)
        return false;

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
    if ((table->count + 1) * (FULL_FIFTHS + 1) > table->capacity * FULL_FIFTHS && !grow(table))
        return false;
    place(table, hash, account);
    table->count++;
    return true;
}

/* Linear probing without tombstones: entries behind the hole move up when the hole lies on their
 * way. */
static void close_hole(struct rt_table *table, size_t hole)
{
    for (size_t at = after(table, hole); table->hashes[at] != 0; at = after(table, at)) {
        size_t home = home_of(table, table->hashes[at]);

        if (distance(table, home, at) < distance(table, hole, at))
            continue;
        table->hashes[hole] = table->hashes[at];
        table->accounts[hole] = table->accounts[at];
        hole = at;
    }
    table->hashes[hole] = 0;
}

void rt_table_remove(struct rt_table *table, uint32_t hash, const struct rt_account *account)
{
    size_t at;

    RT_ASSERT(table->capacity > 0);
    at = home_of(table, hash);
    while (table->accounts[at] != account || table->hashes[at] != hash) {
        RT_ASSERT(table->hashes[at] != 0);
        at = after(table, at);
    }
    close_hole(table, at);
    table->count--;
}

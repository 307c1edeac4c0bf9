/* See backtest_names.h. Open addressing over half hashes; the bytes lie one after the other. */
#include "clients/retainctl/backtest_names.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "protocol/writer.h"

enum { FIRST_CAPACITY = 1024 };

struct slot {
    uint32_t hash, number;          /* number + 1; 0: an empty slot */
    uint64_t begin : 40, size : 24; /* of the name in `bytes` */
};

struct rt_names {
    struct slot *table;
    size_t capacity, count;
    size_t *ends; /* where each name ends in `bytes`; room for capacity of them */
    struct rt_buffer bytes;
};

struct rt_names *rt_names_new(void)
{
    return calloc(1, sizeof(struct rt_names));
}

void rt_names_free(struct rt_names *names)
{
    if (names == NULL)
        return;
    free(names->table);
    free(names->ends);
    rt_buffer_free(&names->bytes);
    free(names);
}

struct rt_span rt_names_name(const struct rt_names *names, size_t number)
{
    size_t begin = number == 0 ? 0 : names->ends[number - 1];

    return rt_span(names->bytes.data + begin, names->ends[number] - begin);
}

size_t rt_names_count(const struct rt_names *names)
{
    return names->count;
}

static struct slot *empty_slot(struct slot *table, size_t capacity, uint32_t hash)
{
    size_t at = hash & (capacity - 1);

    while (table[at].number != 0)
        at = (at + 1) & (capacity - 1);
    return &table[at];
}

static bool grow(struct rt_names *names)
{
    size_t capacity = names->capacity == 0 ? FIRST_CAPACITY : names->capacity * 2, *ends;
    struct slot *table;

    if (names->count * 3 < names->capacity * 2)
        return true;
    if (names->count >= UINT32_MAX / 2)
        return false;
    ends = realloc(names->ends, capacity * sizeof(*ends));
    if (ends == NULL)
        return false;
    names->ends = ends;
    table = calloc(capacity, sizeof(*table));
    if (table == NULL)
        return false;
    for (size_t i = 0; i < names->capacity; i++) {
        if (names->table[i].number != 0)
            *empty_slot(table, capacity, names->table[i].hash) = names->table[i];
    }
    free(names->table);
    names->table = table;
    names->capacity = capacity;
    return true;
}

uint32_t rt_names_hash(const struct rt_names *names, struct rt_span name)
{
    uint32_t hash = (uint32_t)XXH3_64bits(name.data, name.size);

    if (names->capacity > 0)
        __builtin_prefetch(&names->table[hash & (names->capacity - 1)]);
    return hash;
}

void rt_names_expect(const struct rt_names *names, uint32_t hash)
{
    const struct slot *slot;

    if (names->capacity == 0)
        return;
    slot = &names->table[hash & (names->capacity - 1)];
    if (slot->number != 0 && slot->hash == hash)
        __builtin_prefetch(names->bytes.data + slot->begin);
}

int64_t rt_names_number(struct rt_names *names, struct rt_span name)
{
    return rt_names_number_of(names, name, rt_names_hash(names, name));
}

int64_t rt_names_number_of(struct rt_names *names, struct rt_span name, uint32_t hash)
{
    size_t at;

    if (!grow(names))
        return RT_NO_NUMBER;
    for (at = hash & (names->capacity - 1); names->table[at].number != 0;
         at = (at + 1) & (names->capacity - 1)) {
        const struct slot *slot = &names->table[at];

        if (slot->hash == hash && slot->size == name.size &&
            (name.size == 0 || memcmp(names->bytes.data + slot->begin, name.data, name.size) == 0))
            return slot->number - 1;
    }
    rt_buffer_append(&names->bytes, name.data, name.size);
    if (names->bytes.failed)
        return RT_NO_NUMBER;
    names->ends[names->count] = names->bytes.size;
    names->table[at] = (struct slot){.hash = hash,
                                     .number = (uint32_t)++names->count,
                                     .begin = names->bytes.size - name.size,
                                     .size = name.size};
    return (int64_t)names->count - 1;
}

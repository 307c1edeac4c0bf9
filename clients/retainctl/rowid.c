/* XXH3-128 of (account, type, ts, content), each with its length before it; a table counts how
 * often each was seen; the id is XXH3-128 of that hash and the count. Recipe for changes: none.
 * Another id would make every file that was pushed before count twice. */
#include "clients/retainctl/rowid.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "protocol/writer.h"

enum { FIRST_CAPACITY = 1024 };

struct seen {
    XXH128_hash_t hash;
    uint32_t count; /* 0: an empty slot */
};

struct rt_rowid {
    struct seen *table;
    size_t capacity, used;
    bool alike;
    struct rt_buffer scratch;
};

struct rt_rowid *rt_rowid_new(void)
{
    return calloc(1, sizeof(struct rt_rowid));
}

void rt_rowid_alike(struct rt_rowid *rowid)
{
    rowid->alike = true;
}

void rt_rowid_free(struct rt_rowid *rowid)
{
    if (rowid == NULL)
        return;
    free(rowid->table);
    rt_buffer_free(&rowid->scratch);
    free(rowid);
}

static struct seen *slot_of(struct seen *table, size_t capacity, XXH128_hash_t hash)
{
    size_t slot = (size_t)hash.low64 & (capacity - 1);

    while (table[slot].count != 0 && !XXH128_isEqual(table[slot].hash, hash))
        slot = (slot + 1) & (capacity - 1);
    return &table[slot];
}

static bool grow(struct rt_rowid *rowid)
{
    size_t capacity = rowid->capacity == 0 ? FIRST_CAPACITY : rowid->capacity * 2;
    struct seen *table;

    if (rowid->used * 3 < rowid->capacity * 2)
        return true;
    table = calloc(capacity, sizeof(*table));
    if (table == NULL)
        return false;
    for (size_t i = 0; i < rowid->capacity; i++) {
        if (rowid->table[i].count != 0)
            *slot_of(table, capacity, rowid->table[i].hash) = rowid->table[i];
    }
    free(rowid->table);
    rowid->table = table;
    rowid->capacity = capacity;
    return true;
}

static bool content_hash(struct rt_rowid *rowid, const struct rt_span parts[4], XXH128_hash_t *hash)
{
    rt_buffer_clear(&rowid->scratch);
    for (int i = 0; i < 4; i++)
        rt_put_bytes(&rowid->scratch, parts[i]);
    if (rowid->scratch.failed)
        return false;
    *hash = XXH3_128bits(rowid->scratch.data, rowid->scratch.size);
    return true;
}

static void hexadecimal(XXH128_hash_t hash, char id[RT_ROWID_TEXT])
{
    static const char digits[] = "0123456789abcdef";

    for (int i = 0; i < 16; i++) {
        id[i] = digits[hash.high64 >> (60 - 4 * i) & 15];
        id[16 + i] = digits[hash.low64 >> (60 - 4 * i) & 15];
    }
}

bool rt_rowid_make(struct rt_rowid *rowid, struct rt_span account, struct rt_span type,
                   struct rt_span ts, struct rt_span content, char id[RT_ROWID_TEXT])
{
    const struct rt_span parts[4] = {account, type, ts, content};
    XXH128_hash_t hash;
    struct seen *seen;
    uint8_t tail[20];

    if (!content_hash(rowid, parts, &hash))
        return false;
    if (rowid->alike) {
        hexadecimal(hash, id);
        return true;
    }
    if (!grow(rowid))
        return false;
    seen = slot_of(rowid->table, rowid->capacity, hash);
    rowid->used += seen->count == 0;
    seen->hash = hash;
    for (int i = 0; i < 8; i++) {
        tail[i] = (uint8_t)(hash.high64 >> (8 * i));
        tail[8 + i] = (uint8_t)(hash.low64 >> (8 * i));
    }
    for (int i = 0; i < 4; i++)
        tail[16 + i] = (uint8_t)(seen->count >> (8 * i));
    seen->count++;
    hexadecimal(XXH3_128bits(tail, sizeof(tail)), id);
    return true;
}

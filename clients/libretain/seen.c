/* A ring of the newest keys (128-bit hashes) and a table of places in it, open addressing with
 * twice the room. When the ring is full the oldest key leaves the table by backward shift, so that
 * no tombstones gather. */
#include "clients/libretain/seen.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { TABLE = RT_SEEN_KEEP * 2, EMPTY = 0 };

struct rt_seen {
    XXH128_hash_t ring[RT_SEEN_KEEP];
    uint32_t table[TABLE]; /* place in the ring + 1 */
    uint32_t count, next;
};

struct rt_seen *rt_seen_new(void)
{
    return calloc(1, sizeof(struct rt_seen));
}

void rt_seen_free(struct rt_seen *seen)
{
    free(seen);
}

static uint32_t home_of(const struct rt_seen *seen, uint32_t entry)
{
    return (uint32_t)(seen->ring[entry - 1].low64 % TABLE);
}

/* The slot of the hash, or the empty one where it would stand. */
static uint32_t slot_of(const struct rt_seen *seen, XXH128_hash_t hash)
{
    uint32_t slot = (uint32_t)(hash.low64 % TABLE);

    while (seen->table[slot] != EMPTY && !XXH128_isEqual(seen->ring[seen->table[slot] - 1], hash))
        slot = (slot + 1) % TABLE;
    return slot;
}

static void forget(struct rt_seen *seen, XXH128_hash_t hash)
{
    uint32_t hole = slot_of(seen, hash), slot = hole;

    for (;;) {
        uint32_t home;

        slot = (slot + 1) % TABLE;
        if (seen->table[slot] == EMPTY)
            break;
        home = home_of(seen, seen->table[slot]);
        /* may it move into the hole? only if its home does not lie between the hole and itself */
        if ((slot - home + TABLE) % TABLE >= (slot - hole + TABLE) % TABLE) {
            seen->table[hole] = seen->table[slot];
            hole = slot;
        }
    }
    seen->table[hole] = EMPTY;
}

bool rt_seen_add(struct rt_seen *seen, struct rt_span key)
{
    XXH128_hash_t hash = XXH3_128bits(key.data, key.size);
    uint32_t slot = slot_of(seen, hash);

    if (seen->table[slot] != EMPTY)
        return false;
    if (seen->count == RT_SEEN_KEEP) {
        forget(seen, seen->ring[seen->next]);
        slot = slot_of(seen, hash);
    } else {
        seen->count++;
    }
    seen->ring[seen->next] = hash;
    seen->table[slot] = seen->next + 1;
    seen->next = (seen->next + 1) % RT_SEEN_KEEP;
    return true;
}

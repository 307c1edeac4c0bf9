/* See peer.h. */
#include "daemon/peer.h"

#include <stdlib.h>
#include <xxhash.h>

#include "daemon/bounds.h"
#include "protocol/assert.h"

enum { CAPACITY_MIN = 64 };

static size_t unread_of(const struct rt_peer *peer)
{
    return atomic_load_explicit(&peer->unread, memory_order_acquire);
}

void rt_peers_free(struct rt_peers *peers)
{
    for (size_t i = 0; i < peers->capacity; i++) {
        struct rt_peer *next;

        for (struct rt_peer *peer = peers->buckets[i]; peer != NULL; peer = next) {
            next = peer->next;
            free(peer);
        }
    }
    free(peers->buckets);
    *peers = (struct rt_peers){0};
}

static struct rt_peer **bucket_of(const struct rt_peers *peers, uint64_t key)
{
    return &peers->buckets[key & (peers->capacity - 1)];
}

/* Puts all that still owe or are owed something into the buckets of `fresh`, and forgets the rest.
 */
static void move_into(struct rt_peers *peers, struct rt_peer **fresh, size_t capacity)
{
    struct rt_peers old = *peers;

    peers->buckets = fresh;
    peers->capacity = capacity;
    peers->count = 0;
    for (size_t i = 0; i < old.capacity; i++) {
        struct rt_peer *next;

        for (struct rt_peer *peer = old.buckets[i]; peer != NULL; peer = next) {
            next = peer->next;
            if (peer->requests == 0 && unread_of(peer) == 0) {
                free(peer);
                continue;
            }
            peer->next = *bucket_of(peers, peer->key);
            *bucket_of(peers, peer->key) = peer;
            peers->count++;
        }
    }
    free(old.buckets);
}

static size_t count_busy(const struct rt_peers *peers)
{
    size_t busy = 0;

    for (size_t i = 0; i < peers->capacity; i++) {
        for (const struct rt_peer *peer = peers->buckets[i]; peer != NULL; peer = peer->next) {
            busy += peer->requests > 0 || unread_of(peer) > 0;
        }
    }
    return busy;
}

static bool make_room(struct rt_peers *peers)
{
    size_t capacity = CAPACITY_MIN, busy;
    struct rt_peer **fresh;

    if (peers->count < peers->capacity) {
        return true;
    }
    busy = count_busy(peers);
    while (capacity < 2 * (busy + 1)) {
        capacity *= 2;
    }
    fresh = calloc(capacity, sizeof(*fresh));
    if (fresh == NULL) {
        return false;
    }
    move_into(peers, fresh, capacity);
    return true;
}

static struct rt_peer *find(const struct rt_peers *peers, uint64_t key)
{
    struct rt_peer *peer = peers->capacity == 0 ? NULL : *bucket_of(peers, key);

    while (peer != NULL && peer->key != key) {
        peer = peer->next;
    }
    return peer;
}

struct rt_peer *rt_peers_enter(struct rt_peers *peers, struct rt_span identity)
{
    uint64_t key = XXH3_64bits_withSeed(identity.data, identity.size, peers->seed);
    struct rt_peer *peer = find(peers, key);

    if (peer == NULL) {
        if (!make_room(peers) || (peer = calloc(1, sizeof *peer)) == NULL) {
            return NULL;
        }
        peer->key = key;
        peer->next = *bucket_of(peers, key);
        *bucket_of(peers, key) = peer;
        peers->count++;
    }
    peer->requests++;
    return peer;
}

void rt_peers_hold(struct rt_peers *peers, struct rt_peer *peer, size_t bytes)
{
    peer->in_flight += bytes;
    peers->in_flight += bytes;
}

void rt_peers_leave(struct rt_peers *peers, struct rt_peer *peer, size_t bytes)
{
    if (peer == NULL) {
        return;
    }
    RT_ASSERT(peer->requests > 0 && peer->in_flight >= bytes && peers->in_flight >= bytes);
    peer->requests--;
    peer->in_flight -= bytes;
    peers->in_flight -= bytes;
}

bool rt_peers_admit(const struct rt_peers *peers, const struct rt_peer *peer, size_t bytes,
                    size_t limit)
{
    return peer->in_flight == 0 || (peers->in_flight <= limit && bytes <= limit - peers->in_flight);
}

size_t rt_peer_share(const struct rt_peer *peer, size_t bytes, size_t limit)
{
    size_t little = limit / RT_FAIR_SHARE;

    if (peer != NULL && bytes <= little && peer->in_flight <= little - bytes) {
        return limit;
    }
    return limit - limit / RT_FAIR_RESERVE;
}

static size_t owed(const struct rt_peer *peer)
{
    return unread_of(peer) + peer->unsettled;
}

bool rt_peer_reads(const struct rt_peers *peers, const struct rt_peer *peer)
{
    return owed(peer) <= peers->unread_limit / RT_UNREAD_PART;
}

bool rt_peers_may_send(const struct rt_peers *peers, const struct rt_peer *peer, size_t bytes)
{
    size_t limit = peers->unread_limit;
    size_t all = atomic_load_explicit(&peers->unread, memory_order_relaxed);
    bool has_read = unread_of(peer) == 0;

    if (all > limit || bytes > limit - all) {
        return has_read && bytes <= RT_UNREAD_SMALL;
    }
    return has_read || (rt_peer_reads(peers, peer) && bytes <= limit / RT_UNREAD_PART - owed(peer));
}

/* The peers of a ROUTER, each with what it costs us: requests under way, their bytes, and bytes it
 * was sent and has not read. libzmq bounds messages; what is decided here bounds bytes, and keeps one
 * peer from taking what is there for all. Pure, but for a counter that libzmq's thread lowers.
 *
 * A peer is known by a keyed hash of its identity. One that owes nothing is forgotten when room is
 * needed, so the table holds at most twice the peers that are there. */
#ifndef RT_DAEMON_PEER_H
#define RT_DAEMON_PEER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/span.h"

struct rt_peer {
    uint64_t key;
    struct rt_peer *next; /* in its bucket */
    unsigned requests;    /* under way */
    size_t in_flight;     /* their bytes */
    size_t unsettled;     /* bytes sent since the last message whose end is reported */
    atomic_size_t unread; /* bytes sent and not gone, but for the unsettled */
};

struct rt_peers {
    struct rt_peer **buckets;
    size_t capacity, count;
    uint64_t seed;       /* secret */
    size_t in_flight;    /* bytes of all requests under way */
    size_t unread_limit; /* bytes: limits.unread_bytes */
    atomic_size_t unread;
};

/* Releases all; nothing that was sent may be under way any more. Takes a zeroed struct, which is an
 * empty table. */
void rt_peers_free(struct rt_peers *peers);

/* One request of this peer more is under way, until rt_peers_leave. NULL without memory. */
struct rt_peer *rt_peers_enter(struct rt_peers *peers, struct rt_span identity);
/* It holds so many bytes (more). */
void rt_peers_hold(struct rt_peers *peers, struct rt_peer *peer, size_t bytes);
/* It is over; `bytes` is all it held. Takes NULL. */
void rt_peers_leave(struct rt_peers *peers, struct rt_peer *peer, size_t bytes);

/* May this peer have a request of `bytes` more under way, of `limit` in all? One always. */
bool rt_peers_admit(const struct rt_peers *peers, const struct rt_peer *peer, size_t bytes,
                    size_t limit);
/* How much of a thing of `limit` that all share is there for this peer, if it asks for `bytes`: all
 * of it while it has little of it, less if it has much. NULL: somebody who always has much. */
size_t rt_peer_share(const struct rt_peer *peer, size_t bytes, size_t limit);

/* May it be sent `bytes`, or has it (have all) left too much unread? */
bool rt_peers_may_send(const struct rt_peers *peers, const struct rt_peer *peer, size_t bytes);
/* Has it left so much unread that nothing should be done for it? */
bool rt_peer_reads(const struct rt_peers *peers, const struct rt_peer *peer);

#endif

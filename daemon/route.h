/* Where the events of a payload go: account -> partition -> worker. Pure; nothing is copied or
 * allocated.
 *
 * First rt_route_batch finds every event's worker and the size of each worker's frame, so that a
 * full window is seen before anything is written; then rt_route_frames writes them all in one go.
 */
#ifndef RT_DAEMON_ROUTE_H
#define RT_DAEMON_ROUTE_H

#include "daemon/key.h"
#include "protocol/batch.h"
#include "protocol/limits.h"

struct rt_route_entry {
    struct rt_span event; /* points into the payload */
    uint32_t index;       /* its place there */
    uint32_t worker;
};

/* Large (a quarter of a megabyte): one for all payloads, one after the other. */
struct rt_route {
    uint32_t partitions, workers; /* set by the caller, > 0; workers <= RT_WORKERS_MAX */
    size_t event_bytes;           /* limits.event_bytes */

    uint64_t targets;            /* bit i: worker i gets a frame */
    size_t body[RT_WORKERS_MAX]; /* bytes of its body */
    uint32_t count, faulty_count;
    struct rt_route_entry entries[RT_BATCH_EVENTS]; /* in order, those that have a worker */
    struct rt_route_entry
        faulty[RT_BATCH_EVENTS]; /* those that have none: no account, no map, too big, denied */
};

_Static_assert(RT_WORKERS_MAX <= 64, "targets has a bit for each worker");

/* Which worker owns an account, a partition. */
uint32_t rt_route_account(const struct rt_route *route, struct rt_span account);
uint32_t rt_route_partition(const struct rt_route *route, uint32_t partition);

/* Routes all events of an opened batch of at most RT_BATCH_EVENTS, for one whose key this is: what
 * it may not write has no worker. */
void rt_route_batch(struct rt_route *route, struct rt_batch batch, const struct rt_key *key);
/* Whether the key may write this event, which has an account. RT_OK, or RT_DENIED with its fault
 * (fault may be NULL). */
enum rt_error rt_route_allowed(const struct rt_key *key, struct rt_span event,
                               struct rt_fault *fault);

/* The size of the whole frame for a target. */
size_t rt_route_frame_size(const struct rt_route *route, uint32_t worker);

/* Writes the EVENTS frames of all targets: the one for worker i, under tags[i], to bytes[i],
 * rt_route_frame_size of them. */
void rt_route_frames(const struct rt_route *route, uint8_t flags, const uint64_t *tags,
                     uint8_t *const *bytes);

#endif

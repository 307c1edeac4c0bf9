/* Events in: ROUTER (each payload answered) and PULL (none answered), split by worker, handed over,
 * answers merged.
 *
 * The path of a push: on_push -> rt_batch_open -> rt_route_batch -> room in every target's window?
 * -> frames built in the windows -> written by worker_link -> the worker's DONE -> rt_ingest_done
 * -> merged (pending.h) -> reply. */
#ifndef RT_DAEMON_INGEST_H
#define RT_DAEMON_INGEST_H

#include "daemon/guard.h"
#include "daemon/pending.h"
#include "daemon/route.h"
#include "daemon/worker.h"
#include "daemon/zsocket.h"

struct rt_ingest {
    struct rt_zsocket events, firehose;
    struct rt_guard events_guard, firehose_guard;
    struct rt_peers peers; /* of events */
    struct rt_pendings pendings;
    struct rt_route route;
    zmq_msg_t parked; /* a message of the firehose that waits for room */
    bool is_parked;
    bool throttled; /* limits.total_bytes is reached */
    struct rt_buffer reply;
};

/* Opens and binds both sockets (an empty address: none). False with a sentence in error. */
bool rt_ingest_open(struct rt_daemon *daemon, char *error, size_t error_size);
void rt_ingest_close(struct rt_daemon *daemon);
/* What libzmq may still use after that: once its context is gone. */
void rt_ingest_free(struct rt_daemon *daemon);

/* Begins to read. */
void rt_ingest_start(struct rt_daemon *daemon);
/* No more from the firehose; pushes are answered `stopping`. */
void rt_ingest_stop(struct rt_daemon *daemon);

/* A worker's DONE. False if it answers nothing that was asked or cannot be read. */
bool rt_ingest_done(struct rt_worker *worker, uint64_t tag, struct rt_span body);

/* There may be room again: goes on with what waits, adjusts who is read. */
void rt_ingest_resume(struct rt_daemon *daemon);

/* Pushes older than limits.answer_ms are answered `busy`. */
void rt_ingest_expire(struct rt_daemon *daemon);

/* The worker will not take them before the end: pushes with frames in its window are answered
 * `stopping`. */
void rt_ingest_abandon(struct rt_worker *worker);

/* If the next event for this worker killed it three times, sends it to the dead letters. */
void rt_ingest_bury_poison(struct rt_worker *worker);

/* Feeds a payload for query `retry` (> 0), whose answer goes to rt_query_retried. */
void rt_ingest_retry(struct rt_daemon *daemon, struct rt_span payload, uint64_t retry);

#endif

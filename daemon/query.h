/* Queries: each goes to the one worker that can answer it, or to all of them and their parts are
 * merged; then the reply.
 *
 * A worker that is not ready means `unavailable`, one that does not answer within limits.answer_ms
 * means `busy`: never a partial answer, never silence. */
#ifndef RT_DAEMON_QUERY_H
#define RT_DAEMON_QUERY_H

#include "daemon/bounds.h"
#include "daemon/guard.h"
#include "daemon/worker.h"
#include "daemon/zsocket.h"
#include "protocol/query.h"

/* Where a question stands. */
enum rt_ask_stage {
    RT_ASK_WORKER, /* the worker's answer is the reply */
    RT_ASK_ALL,    /* parts to be merged */
    RT_ASK_LETTER, /* dead.retry: the bytes of the letter */
    RT_ASK_PUSH,   /* dead.retry: the bytes are on their way as a push */
    RT_ASK_DROP,   /* dead.retry: taken, the letter is being dropped */
};

struct rt_ask {
    uint64_t tag;
    enum rt_ask_stage stage;
    int64_t asked_at; /* ms, monotonic */
    int64_t moment;   /* ms, judging time: the one that holds for all workers and all pages */
    uint64_t cursor;  /* last publication number when it was asked */
    uint64_t waiting; /* bit i: for worker i */
    struct rt_envelope envelope;
    struct rt_peer *peer;           /* who asks, not owned */
    struct rt_buffer payload;       /* the request */
    struct rt_buffer kept;          /* dead.retry: the push's reply */
    struct rt_buffer *parts;        /* RT_ASK_ALL: one of each worker */
    struct rt_ask *previous, *next; /* in order of arrival; of a free one, the next free one */
};

struct rt_queries {
    struct rt_zsocket socket;
    struct rt_guard guard;
    struct rt_peers peers;
    struct rt_ask *slots[RT_ASKS_MAX];
    struct rt_ask *oldest, *newest;
    uint32_t count;
    uint64_t serial;
    size_t bytes; /* of parts and requests that are held */
    struct rt_buffer reply;
};

bool rt_query_open(struct rt_daemon *daemon, char *error, size_t error_size);
void rt_query_start(struct rt_daemon *daemon);
void rt_query_close(struct rt_daemon *daemon);
/* What libzmq may still use after that: once its context is gone. */
void rt_query_free(struct rt_daemon *daemon);

/* An ANSWER. False if it cannot be one. */
bool rt_query_answered(struct rt_daemon *daemon, uint32_t worker, uint64_t tag,
                       struct rt_span body);
/* The reply of the push that a dead.retry made (rt_ingest_retry). */
void rt_query_retried(struct rt_daemon *daemon, uint64_t tag, struct rt_span reply);

/* Questions that wait for this worker are answered `unavailable`. */
void rt_queries_worker_lost(struct rt_daemon *daemon, uint32_t worker);
bool rt_queries_wait_for(const struct rt_daemon *daemon, uint32_t worker);
/* Questions older than limits.answer_ms are answered `busy`. */
void rt_queries_expire(struct rt_daemon *daemon, int64_t now);

#endif

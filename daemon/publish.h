/* Alerts out: each on two topic trees with the cursor that stands after it, and the cursor itself
 * every alerts.cursor_ms.
 *
 * Publishing is the fast path: a subscriber that does not read loses messages. What counts is
 * alert.list. */
#ifndef RT_DAEMON_PUBLISH_H
#define RT_DAEMON_PUBLISH_H

#include <stdatomic.h>

#include "daemon/guard.h"
#include "daemon/numbers.h"
#include "daemon/subscriptions.h"
#include "daemon/worker.h"
#include "daemon/zsocket.h"

struct rt_publisher {
    struct rt_zsocket socket;
    struct rt_guard guard;
    struct rt_numbers numbers;
    bool complete;          /* all workers have been READY */
    struct rt_buffer early; /* alerts from before that: u32 worker, u64 position, u64 due, u32 size
                               + ALERT body */
    size_t early_count;
    struct rt_subscriptions subscriptions;
    atomic_size_t unread; /* bytes of alerts that libzmq holds for subscribers */
    int64_t drained_at;   /* ms, monotonic: then none of it is of those that were dropped */
    const char *dropping; /* why all subscribers are to be dropped now; NULL: they are not */
    struct event *cursor_timer, *reopen_timer;
    struct rt_buffer message, topic;
};

bool rt_publish_open(struct rt_daemon *daemon, char *error, size_t error_size);
/* All workers are READY: early alerts go out, the cursor topic begins. */
void rt_publish_start(struct rt_daemon *daemon);
void rt_publish_close(struct rt_daemon *daemon);

/* Drops all subscribers soon, nothing is sent to them any more: `reason` (static) is logged. Honest
 * ones come back by themselves and fill the gap from alert.list. */
void rt_publish_drop(struct rt_daemon *daemon, const char *reason);

/* A worker is READY, with the newest publication number it has on disk. */
void rt_publish_ready(struct rt_worker *worker, uint64_t newest);

/* An ALERT frame. False if it cannot be read. */
bool rt_publish_alert(struct rt_worker *worker, struct rt_span body);

#endif

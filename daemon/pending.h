/* A push under way: who asked, how many frames of it the workers have yet to answer, and what they
 * have said so far. Its reply is merged here, in the order of the events, when the last answer is
 * there. Pure.
 *
 * Life: rt_pending_new -> frames added (waiting counts them) -> DONEs merged -> waiting is 0 ->
 * reply -> rt_pending_free. A push that was answered early (busy, after limits.answer_ms) stays
 * until its frames are answered, and says nothing more. */
#ifndef RT_DAEMON_PENDING_H
#define RT_DAEMON_PENDING_H

#include "daemon/envelope.h"
#include "protocol/batch.h"
#include "protocol/errors.h"
#include "protocol/link.h"

struct rt_peer;

struct rt_pending {
    struct rt_pending *previous, *next; /* in order of arrival; of a free one, the next free one */
    struct rt_envelope envelope;
    int64_t received_ns;  /* monotonic */
    uint64_t retry;       /* the query (query.h) that asked for this push, 0: a peer did */
    struct rt_peer *peer; /* who that is, not owned; NULL: nobody */
    size_t held;          /* bytes accounted to it */
    uint32_t waiting;     /* frames not yet answered */
    uint32_t accepted, duplicate, rejected;
    enum rt_error refused; /* RT_OK, or the code that refuses it whole */
    bool answered;
    struct rt_buffer rejections; /* u32 index, u8 code, u32 size + text */
};

/* All pushes under way, oldest first, and a stock of free ones. A zeroed struct is empty. */
struct rt_pendings {
    struct rt_pending *oldest, *newest;
    struct rt_pending *spare;
    size_t count;
};

/* NULL without memory. */
struct rt_pending *rt_pending_new(struct rt_pendings *pendings, int64_t now_ns);
void rt_pending_free(struct rt_pendings *pendings, struct rt_pending *pending);
/* Releases all of them and the stock. */
void rt_pendings_free(struct rt_pendings *pendings);

/* Notes that event `index` of the payload is refused. */
void rt_pending_reject(struct rt_pending *pending, uint32_t index, enum rt_error code,
                       struct rt_span text);

/* Merges the DONE of one of its frames. False if the body is no DONE: nothing is merged. */
bool rt_pending_done(struct rt_pending *pending, const struct rt_link_done *done,
                     struct rt_reader rejections);

/* The reply, rejections in the order of the events. out->failed without memory. */
void rt_pending_reply(const struct rt_pending *pending, struct rt_buffer *out);

#endif

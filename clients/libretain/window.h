/* The window of unacknowledged events: gathers them into messages, says which message to send when,
 * takes the answers, and hands out one acknowledgement per event. Pure: the time (ms of any steady
 * clock) is an argument.
 *
 * The life of a message: OPEN (gathering) -> READY (to be sent, not before `due`) -> SENT ->
 * ANSWERED -> gone when its acknowledgements were taken. `busy`, a lost connection and a time-out
 * lead from SENT back to READY: all of it is sent again. */
#ifndef RT_LIBRETAIN_WINDOW_H
#define RT_LIBRETAIN_WINDOW_H

#include "protocol/batch.h"
#include "protocol/reader.h"
#include "protocol/writer.h"
#include "retain.h"

struct rt_window;
struct rt_message;

struct rt_window_limits {
    size_t messages, bytes;           /* unacknowledged, together */
    size_t batch_events, batch_bytes; /* one message */
    int64_t resend_ms;
    bool quiet;
};

/* NULL without memory; the caller owns it. */
struct rt_window *rt_window_new(const struct rt_window_limits *limits);
/* Takes NULL. */
void rt_window_free(struct rt_window *window);

/* Takes a copy of one event that has passed rt_msgpack_check. `spool`: for the spool, not the
 * caller of the library. OK, WINDOW_FULL, NO_MEMORY (then nothing changed), TOO_LARGE. */
int rt_window_add(struct rt_window *window, struct rt_span event, uint64_t token, bool spool);

/* Ends the message that is being gathered, so that it can be sent. */
void rt_window_close_batch(struct rt_window *window, bool spool);
/* True if a message of the caller's is being gathered. */
bool rt_window_gathering(const struct rt_window *window);

/* The next message to send at `now`: its number (the correlation) and its payload, valid until it
 * is answered. False if there is none. It stays the next until rt_window_sent. */
bool rt_window_next(struct rt_window *window, int64_t now, uint64_t *number,
                    struct rt_span *payload);
void rt_window_sent(struct rt_window *window, uint64_t number, int64_t now);

/* Takes the answer to a message. False if the bytes are no answer to it (it will be sent again); an
 * answer to an unknown or answered number is ignored, true. */
bool rt_window_answer(struct rt_window *window, uint64_t number, struct rt_span reply, int64_t now);

/* The connection was lost: what was sent is to be sent again. */
void rt_window_lost(struct rt_window *window, int64_t now);

/* The next moment something is to be done without an answer; INT64_MAX if never. `can_send` false:
 * the socket takes nothing now, only time-outs count. */
int64_t rt_window_due(const struct rt_window *window, bool can_send);

/* The next acknowledgement, of the spool's events or of the others; false if there is none. Strings
 * live until the next call of rt_window_ack or rt_window_add. */
bool rt_window_ack(struct rt_window *window, bool spool, struct retain_ack *ack);

/* Events of the caller, or of the spool, that were not answered. */
size_t rt_window_pending(const struct rt_window *window, bool spool);
/* Whether an acknowledgement is there to be taken. */
bool rt_window_has_ack(const struct rt_window *window, bool spool);
/* Whether there is room for anything at all. */
bool rt_window_has_room(const struct rt_window *window);

struct rt_window_counts {
    uint64_t accepted, duplicate, rejected, resent, busy;
};
void rt_window_get_counts(const struct rt_window *window, struct rt_window_counts *counts);

#endif

/* The window of unacknowledged events: gathers them into messages, says which message to send when,
 * takes the answers, and hands out one acknowledgement per event. Pure: the time (ms of any steady
 * clock) is an argument.
 *
 * The life of a message: OPEN (gathering) -> READY (to be sent, not before `due`) -> SENT ->
 * ANSWERED -> gone when its acknowledgements were taken. `busy`, a lost connection and a time-out
 * lead from SENT back to READY: all of it is sent again. */
#ifndef RT_LIBRETAIN_OUTBOX_H
#define RT_LIBRETAIN_OUTBOX_H

#include "protocol/batch.h"
#include "protocol/reader.h"
#include "protocol/writer.h"
#include "retain.h"

struct rt_outbox;
struct rt_message;

struct rt_outbox_limits {
    size_t messages, bytes;           /* unacknowledged, together */
    size_t batch_events, batch_bytes; /* one message */
    int64_t resend_ms;
    bool quiet;
};

/* NULL without memory; the caller owns it. */
struct rt_outbox *rt_outbox_new(const struct rt_outbox_limits *limits);
/* Takes NULL. */
void rt_outbox_free(struct rt_outbox *outbox);

/* Takes a copy of one event that has passed rt_msgpack_check. `spool`: for the spool, not the
 * caller of the library. OK, WINDOW_FULL, NO_MEMORY (then nothing changed), TOO_LARGE. */
int rt_outbox_add(struct rt_outbox *outbox, struct rt_span event, uint64_t token, bool spool);

/* Ends the message that is being gathered, so that it can be sent. */
void rt_outbox_close_batch(struct rt_outbox *outbox, bool spool);
/* True if a message of the caller's is being gathered. */
bool rt_outbox_gathering(const struct rt_outbox *outbox);

/* Messages sent and not answered. */
size_t rt_outbox_flying(const struct rt_outbox *outbox);

/* The next message to send at `now`: its number (the correlation) and its payload, valid until it
 * is answered. False if there is none. It stays the next until rt_outbox_sent. */
bool rt_outbox_next(struct rt_outbox *outbox, int64_t now, uint64_t *number,
                    struct rt_span *payload);
void rt_outbox_sent(struct rt_outbox *outbox, uint64_t number, int64_t now);

/* Takes the answer to a message. False if the bytes are no answer to it (it will be sent again); an
 * answer to an unknown or answered number is ignored, true. */
bool rt_outbox_answer(struct rt_outbox *outbox, uint64_t number, struct rt_span reply, int64_t now);

/* The connection was lost: what was sent is to be sent again. */
void rt_outbox_lost(struct rt_outbox *outbox, int64_t now);

/* The next moment something is to be done without an answer; INT64_MAX if never. `can_send` false:
 * the socket takes nothing now, only time-outs count. */
int64_t rt_outbox_due(const struct rt_outbox *outbox, bool can_send);

/* The next acknowledgement, of the spool's events or of the others; false if there is none. Strings
 * live until the next call of rt_outbox_ack or rt_outbox_add. */
bool rt_outbox_ack(struct rt_outbox *outbox, bool spool, struct retain_ack *ack);

/* Events of the caller, or of the spool, that were not answered. */
size_t rt_outbox_pending(const struct rt_outbox *outbox, bool spool);
/* Whether an acknowledgement is there to be taken. */
bool rt_outbox_has_ack(const struct rt_outbox *outbox, bool spool);
/* Whether there is room for anything at all. */
bool rt_outbox_has_room(const struct rt_outbox *outbox);

struct rt_outbox_counts {
    uint64_t accepted, duplicate, rejected, resent, busy;
};
void rt_outbox_get_counts(const struct rt_outbox *outbox, struct rt_outbox_counts *counts);

#endif

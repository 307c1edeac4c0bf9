/* The payload of a push: one event, an array of events, or {"events": [...], "quiet": bool}; and
 * its replies. */
#ifndef RT_PROTOCOL_BATCH_H
#define RT_PROTOCOL_BATCH_H

#include "protocol/errors.h"
#include "protocol/reader.h"
#include "protocol/writer.h"

struct rt_batch {
    struct rt_reader events; /* stands before the first event */
    bool whole;              /* the payload is one event, not yet taken */
    uint32_t count;
    bool quiet;
};

/* Opens a payload: checks its structure, finds its events. RT_OK, or the code that refuses it whole
 * (bad_msgpack, bad_request, too_large) with its fault. A readable payload that is neither map nor
 * array is a batch of one, whose element is a bad_event. `limit` is limits.message_bytes. */
enum rt_error rt_batch_open(struct rt_span payload, size_t limit, struct rt_batch *batch,
                            struct rt_fault *fault);

/* The bytes of the next event; false after the last. */
bool rt_batch_next(struct rt_batch *batch, struct rt_span *event);

/* {"accepted", "duplicate", "rejected": [{"index", "code", "error"}]}: begin, then each rejection,
 * `rejected` of them. */
void rt_push_reply_begin(struct rt_buffer *out, uint32_t accepted, uint32_t duplicate,
                         uint32_t rejected);
void rt_push_reply_rejection(struct rt_buffer *out, uint32_t index, enum rt_error code,
                             struct rt_span text);
/* {"error": code, "message": text}: refused as a whole. */
void rt_push_refusal(struct rt_buffer *out, enum rt_error code, const char *message);

struct rt_push_reply {
    enum rt_error error; /* RT_OK, or why the payload was refused whole */
    struct rt_span message;
    uint32_t accepted, duplicate, rejected;
    struct rt_reader rejections;
};

/* For clients: false if the bytes are no push reply. */
bool rt_push_reply_decode(struct rt_span payload, struct rt_push_reply *reply);
/* The next rejection; an unknown code is given as RT_BAD_EVENT. False after the last. */
bool rt_push_reply_next(struct rt_push_reply *reply, uint32_t *index, enum rt_error *code,
                        struct rt_span *text);

#endif

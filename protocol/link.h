/* Frames between the daemon and a worker, on a stream socket that the worker inherits as descriptor
 * RT_LINK_FD.
 *
 * A frame is a 16-byte header and a body, all integers little-endian:
 *     u32 size (of the body)  u8 kind  u8 flags  u16 zero  u64 tag
 * The tag is chosen by the sender of a request and comes back in its answer. Each side treats a
 * frame it cannot read as a broken link: the daemon kills the worker, the worker exits.
 *
 * Life of a link: SETUP -> (PROGRESS)* -> READY -> traffic -> STOP -> answers -> STOPPED -> EOF. */
#ifndef RT_PROTOCOL_LINK_H
#define RT_PROTOCOL_LINK_H

#include "protocol/errors.h"
#include "protocol/reader.h"
#include "protocol/writer.h"

enum { RT_LINK_FD = 3, RT_LINK_HEADER = 16, RT_LINK_BODY_MAX = 64 << 20 };

enum rt_link_kind {
    /* daemon -> worker */
    RT_LINK_SETUP = 1,  /* msgpack, struct rt_link_setup */
    RT_LINK_EVENTS = 2, /* tag; rt_link_events_*; answered by DONE after the commit */
    RT_LINK_BURY = 3,   /* tag; rt_link_bury_*: becomes a dead letter undecoded; answered by DONE */
    RT_LINK_QUERY = 4,  /* tag; rt_link_query_*; answered by ANSWER */
    RT_LINK_PING = 5,   /* tag; answered by PONG (from the main loop, so that it means 'alive') */
    RT_LINK_CONFIG = 6, /* configuration text; takes effect at once */
    RT_LINK_PUBLISHED = 8, /* u64 position, u64 number: an alert has its publication number */
    RT_LINK_STOP = 7,      /* finish, commit, answer, STOPPED, exit 0 */

    /* worker -> daemon */
    RT_LINK_PROGRESS = 32, /* u64 bytes replayed, u64 bytes in all: still recovering */
    RT_LINK_READY = 33,    /* msgpack, struct rt_link_ready */
    RT_LINK_DONE = 34,     /* tag; rt_link_done_* */
    RT_LINK_ALERT =
        35, /* rt_link_alert_*; sent after its commit, before the DONE of the same commit */
    RT_LINK_ANSWER =
        36, /* tag; msgpack: a reply map as the client gets it, or this worker's part (query.h) */
    RT_LINK_PONG = 37, /* tag; msgpack map, the worker's numbers (query.h, part of stats) */
    RT_LINK_STOPPED = 38,
};

enum {
    RT_LINK_QUIET = 1,    /* EVENTS: a load of history */
    RT_LINK_FIREHOSE = 2, /* EVENTS: rejected events become dead letters */
    RT_LINK_PART = 4,     /* QUERY: answer with this worker's part */
};

struct rt_link_header {
    uint32_t size;
    uint8_t kind;
    uint8_t flags;
    uint64_t tag;
};

void rt_link_header_encode(const struct rt_link_header *header, uint8_t bytes[RT_LINK_HEADER]);
/* False if the size is beyond RT_LINK_BODY_MAX. */
bool rt_link_header_decode(const uint8_t bytes[RT_LINK_HEADER], struct rt_link_header *header);

/* Appends a whole frame. */
void rt_link_frame(struct rt_buffer *out, enum rt_link_kind kind, uint8_t flags, uint64_t tag,
                   struct rt_span body);
/* A frame whose body is written in place: begin returns a mark, end fills in the size. */
size_t rt_link_begin(struct rt_buffer *out, enum rt_link_kind kind, uint8_t flags, uint64_t tag);
void rt_link_end(struct rt_buffer *out, size_t mark);

/* SETUP: what a worker must know before it opens anything. */
struct rt_link_setup {
    uint32_t index, count; /* this worker, of so many */
    uint32_t partitions;
    uint32_t log; /* the log this worker writes: logs are numbered over all generations */
    struct rt_span state_dir;
    struct rt_span config;  /* INI text */
    struct rt_span version; /* of the daemon; a worker of another does not start */
};

void rt_link_setup_encode(struct rt_buffer *out, const struct rt_link_setup *setup);
bool rt_link_setup_decode(struct rt_span body, struct rt_link_setup *setup);

/* READY */
struct rt_link_ready {
    uint64_t published; /* newest publication number on disk, 0 if none */
    uint64_t accounts;
    uint64_t replayed; /* events */
};

void rt_link_ready_encode(struct rt_buffer *out, const struct rt_link_ready *ready);
bool rt_link_ready_decode(struct rt_span body, struct rt_link_ready *ready);

/* EVENTS body: entries of u32 index (place in the payload), u32 size, the event's bytes. Append
 * with rt_put_u32 + rt_put_bytes; walk with rt_link_next_event until it returns false (then
 * rt_read_done tells whether the frame was whole). */
bool rt_link_next_event(struct rt_reader *body, uint32_t *index, struct rt_span *event);

/* BURY body: u8 error code, u32 size + reason text, u32 size + payload bytes. */
void rt_link_bury_encode(struct rt_buffer *out, enum rt_error code, struct rt_span reason,
                         struct rt_span payload);
bool rt_link_bury_decode(struct rt_span body, enum rt_error *code, struct rt_span *reason,
                         struct rt_span *payload);

/* QUERY body: i64 the moment it was asked (ms), u32 size + owners, then the request. `owners` (u32
 * size + name each) are those whose accounts the answer may tell of, "-" for accounts that have
 * none; empty: all. It is the daemon's word, apart from what the client wrote. */
void rt_link_query_encode(struct rt_buffer *out, int64_t asked, struct rt_span owners,
                          struct rt_span request);
bool rt_link_query_decode(struct rt_span body, int64_t *asked, struct rt_span *owners,
                          struct rt_span *request);

/* DONE body: u8 error (RT_OK, or RT_BUSY: nothing was taken, the disk is full), u32 accepted, u32
 * duplicate, u32 dead, u32 rejected, then rejected x (u32 index, u8 code, u32 size + text). The
 * events of the frame that are in none of these numbers do not exist. */
struct rt_link_done {
    enum rt_error error;
    uint32_t accepted, duplicate, dead, rejected;
};

struct rt_link_rejection {
    uint32_t index;
    enum rt_error code;
    struct rt_span text;
};

void rt_link_done_encode(struct rt_buffer *out,
                         const struct rt_link_done *done); /* then rejections: */
void rt_link_rejection_encode(struct rt_buffer *out, const struct rt_link_rejection *rejection);
bool rt_link_done_decode(struct rt_reader *body, struct rt_link_done *done);
bool rt_link_next_rejection(struct rt_reader *body, struct rt_link_rejection *rejection);

/* ALERT body: u64 position in the journal (0 in the journal itself), i64 newest commit time of an
 * event that caused it (ms of the wall clock when its EVENTS frame was read; 0: time did), i64 due
 * (ms, the moment it speaks of), u8 publish (0: snoozed, logged only), u32 size + owner (empty:
 * none), + severity, + kind, + account, + the packed alert map WITHOUT its cursor.
 *
 * The daemon gives it its publication number (cursor.h) and answers with PUBLISHED, which the
 * worker journals. An alert that has none yet is said again when a worker starts; the daemon knows
 * it by its position. */
struct rt_link_alert {
    uint64_t position;
    int64_t received;
    int64_t due;
    bool publish;
    struct rt_span owner, severity, kind, account;
    struct rt_span map;
};

void rt_link_alert_encode(struct rt_buffer *out, const struct rt_link_alert *alert);
bool rt_link_alert_decode(struct rt_span body, struct rt_link_alert *alert);

#endif

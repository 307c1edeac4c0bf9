/* A place in the history of alerts: for each log (one per worker and generation) the newest
 * sequence seen.
 *
 * Text form, opaque to clients: "LOG.SEQ" joined by "-", ascending by log, both in hexadecimal
 * ("3.1f-4.0"); the empty history is "0". A log that is not named and older than all that are named
 * is wholly before the cursor; newer than all named: wholly after. */
#ifndef RT_PROTOCOL_CURSOR_H
#define RT_PROTOCOL_CURSOR_H

#include "protocol/limits.h"
#include "protocol/span.h"

struct rt_cursor {
    uint32_t count;
    struct {
        uint32_t log;
        uint64_t sequence;
    } at[RT_WORKERS_MAX]; /* ascending by log */
};

enum { RT_CURSOR_TEXT = RT_WORKERS_MAX * 26 + 2 };

/* False if the text is no cursor. */
bool rt_cursor_decode(struct rt_span text, struct rt_cursor *cursor);
/* NUL-terminated; returns the length. */
size_t rt_cursor_encode(const struct rt_cursor *cursor, char text[RT_CURSOR_TEXT]);

/* True if the message (log, sequence) came after the cursor. */
bool rt_cursor_before(const struct rt_cursor *cursor, uint32_t log, uint64_t sequence);

/* Moves the cursor past the message. A log that is newer than all named is added; false if the
 * cursor is full. */
bool rt_cursor_advance(struct rt_cursor *cursor, uint32_t log, uint64_t sequence);

#endif

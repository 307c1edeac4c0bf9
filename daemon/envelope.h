/* The frames that stand before a payload: who sent it, and what the sender put there. They are kept
 * while the request is under way and returned untouched before its reply.
 *
 * Small envelopes (all but the odd ones) live inside the struct; larger ones own memory:
 * rt_envelope_clear releases it. */
#ifndef RT_DAEMON_ENVELOPE_H
#define RT_DAEMON_ENVELOPE_H

#include "protocol/limits.h"
#include "protocol/span.h"

enum { RT_ENVELOPE_INLINE = 40, RT_ENVELOPE_ALL = RT_ENVELOPE_FRAMES + 1 };

struct rt_envelope {
    uint8_t count; /* frames, the peer's identity (always the first) included */
    uint16_t sizes[RT_ENVELOPE_ALL];
    uint32_t bytes; /* of all frames */
    uint8_t small[RT_ENVELOPE_INLINE];
    uint8_t *large; /* NULL: all bytes are in `small` */
};

/* Adds a frame. False, and *envelope is unchanged, if it would hold more than the identity,
 * RT_ENVELOPE_FRAMES frames and RT_ENVELOPE_BYTES bytes in them, or without memory. A zeroed struct
 * is an empty envelope. */
bool rt_envelope_add(struct rt_envelope *envelope, struct rt_span frame);

/* Frame `place` (< count); valid until the envelope changes. */
struct rt_span rt_envelope_frame(const struct rt_envelope *envelope, unsigned place);

/* Empty again, its memory released. */
void rt_envelope_clear(struct rt_envelope *envelope);

#endif

/* See envelope.h. All frames lie one after the other; `sizes` tells them apart. */
#include "daemon/envelope.h"

#include <stdlib.h>

static uint8_t *bytes_of(struct rt_envelope *envelope)
{
    return envelope->large != NULL ? envelope->large : envelope->small;
}

static bool within_limits(const struct rt_envelope *envelope, struct rt_span frame)
{
    size_t counted;

    if (envelope->count == 0) {
        return frame.size <= 255; /* the longest identity of ZMTP */
    }
    counted = envelope->bytes - envelope->sizes[0];
    return envelope->count < RT_ENVELOPE_ALL && frame.size <= RT_ENVELOPE_BYTES - counted;
}

static bool make_room(struct rt_envelope *envelope, size_t size)
{
    size_t needed = envelope->bytes + size;
    uint8_t *grown;

    if (envelope->large == NULL && needed <= RT_ENVELOPE_INLINE) {
        return true;
    }
    grown = realloc(envelope->large, needed);
    if (grown == NULL) {
        return false;
    }
    if (envelope->large == NULL) {
        memcpy(grown, envelope->small, envelope->bytes);
    }
    envelope->large = grown;
    return true;
}

bool rt_envelope_add(struct rt_envelope *envelope, struct rt_span frame)
{
    if (!within_limits(envelope, frame) || !make_room(envelope, frame.size)) {
        return false;
    }
    if (frame.size > 0) {
        memcpy(bytes_of(envelope) + envelope->bytes, frame.data, frame.size);
    }
    envelope->sizes[envelope->count++] = (uint16_t)frame.size;
    envelope->bytes += (uint32_t)frame.size;
    return true;
}

struct rt_span rt_envelope_frame(const struct rt_envelope *envelope, unsigned place)
{
    const uint8_t *at = envelope->large != NULL ? envelope->large : envelope->small;

    for (unsigned i = 0; i < place; i++) {
        at += envelope->sizes[i];
    }
    return rt_span(at, envelope->sizes[place]);
}

void rt_envelope_clear(struct rt_envelope *envelope)
{
    free(envelope->large);
    envelope->large = NULL;
    envelope->count = 0;
    envelope->bytes = 0;
}

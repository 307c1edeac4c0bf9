/* Any frames before a payload: kept as they came, or refused by the limits, the envelope unchanged.
 *
 * The input: for each frame two bytes of size (little-endian), then its bytes or as many as there
 * are. */
#include "daemon/envelope.h"
#include "protocol/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { IDENTITY_BYTES = 255 };

struct model {
    struct rt_span frames[RT_ENVELOPE_ALL];
    unsigned count;
    size_t bytes; /* without the identity */
};

/* docs/PROTOCOL.md: "At most 8 frames and 4 KiB before the payload". */
static bool fits(const struct model *model, struct rt_span frame)
{
    if (model->count == 0)
        return frame.size <= IDENTITY_BYTES;
    return model->count <= RT_ENVELOPE_FRAMES && model->bytes + frame.size <= RT_ENVELOPE_BYTES;
}

static void add(struct rt_envelope *envelope, struct model *model, struct rt_span frame)
{
    bool expected = fits(model, frame);

    RT_ASSERT(rt_envelope_add(envelope, frame) == expected);
    if (!expected)
        return;
    model->bytes += model->count == 0 ? 0 : frame.size;
    model->frames[model->count++] = frame;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rt_envelope envelope = {0};
    struct model model = {0};

    while (size >= 2) {
        size_t claimed = (size_t)(data[0] | data[1] << 8);
        size_t frame = claimed < size - 2 ? claimed : size - 2;

        add(&envelope, &model, rt_span(data + 2, frame));
        data += 2 + frame;
        size -= 2 + frame;
    }
    RT_ASSERT(envelope.count == model.count);
    for (unsigned i = 0; i < model.count; i++)
        RT_ASSERT(rt_span_equal(rt_envelope_frame(&envelope, i), model.frames[i]));
    rt_envelope_clear(&envelope);
    RT_ASSERT(envelope.count == 0 && envelope.large == NULL);
    return 0;
}

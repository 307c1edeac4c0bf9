/* Any bytes as the payload of a push, and as the reply to one. */
#include "protocol/assert.h"
#include "protocol/batch.h"
#include "protocol/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The events are whole objects, follow each other without a gap, and are as many as was said. */
static void events_are_sound(struct rt_batch *batch)
{
    const uint8_t *expected = batch->events.at;
    struct rt_span event;
    uint32_t count = 0;

    while (rt_batch_next(batch, &event)) {
        RT_ASSERT(event.data == expected && event.size > 0);
        RT_ASSERT(rt_msgpack_check(event, RT_NESTING));
        expected = event.data + event.size;
        count++;
    }
    RT_ASSERT(count == batch->count && !batch->events.failed);
}

static void as_payload(struct rt_span payload)
{
    struct rt_batch batch;
    struct rt_fault fault;
    enum rt_error code = rt_batch_open(payload, RT_MESSAGE_BYTES, &batch, &fault);

    if (code == RT_OK) {
        RT_ASSERT(batch.count <= RT_BATCH_EVENTS);
        events_are_sound(&batch);
    } else {
        RT_ASSERT(code == RT_BAD_MSGPACK || code == RT_BAD_REQUEST || code == RT_TOO_LARGE);
        RT_ASSERT(fault.code == code && fault.text[0] != 0);
        RT_ASSERT((code == RT_BAD_MSGPACK) == !rt_msgpack_check(payload, RT_NESTING));
    }
}

static void as_reply(struct rt_span payload)
{
    struct rt_push_reply reply;
    struct rt_span text;
    enum rt_error code;
    uint32_t index, count = 0;

    if (!rt_push_reply_decode(payload, &reply))
        return;
    while (rt_push_reply_next(&reply, &index, &code, &text)) {
        RT_ASSERT(code != RT_OK && text.data != NULL);
        count++;
    }
    RT_ASSERT(count <= reply.rejected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    as_payload(rt_span(data, size));
    as_reply(rt_span(data, size));
    return 0;
}

/* Any bytes as the body of a frame, the first byte choosing its kind: what decodes encodes to the
 * same. */
#include "protocol/assert.h"
#include "protocol/limits.h"
#include "protocol/link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void as_header(struct rt_span body)
{
    struct rt_link_header header;
    uint8_t again[RT_LINK_HEADER];

    if (body.size < RT_LINK_HEADER || !rt_link_header_decode(body.data, &header))
        return;
    RT_ASSERT(header.size <= RT_LINK_BODY_MAX);
    rt_link_header_encode(&header, again);
    RT_ASSERT(memcmp(again, body.data, RT_LINK_HEADER) == 0);
}

/* MessagePack has several forms for one value: compare what the second decoding says. */
static void as_setup(struct rt_span body, struct rt_buffer *out)
{
    struct rt_link_setup setup, again;

    if (!rt_link_setup_decode(body, &setup))
        return;
    RT_ASSERT(setup.index < setup.count && setup.count <= RT_WORKERS_MAX && setup.partitions > 0);
    rt_link_setup_encode(out, &setup);
    RT_ASSERT(rt_link_setup_decode(rt_buffer_span(out), &again));
    RT_ASSERT(again.index == setup.index && again.log == setup.log);
    RT_ASSERT(rt_span_equal(again.config, setup.config));
}

static void as_ready(struct rt_span body, struct rt_buffer *out)
{
    struct rt_link_ready ready, again;

    if (!rt_link_ready_decode(body, &ready))
        return;
    rt_link_ready_encode(out, &ready);
    RT_ASSERT(rt_link_ready_decode(rt_buffer_span(out), &again));
    RT_ASSERT(memcmp(&again, &ready, sizeof(ready)) == 0);
}

static void as_events(struct rt_span body, struct rt_buffer *out)
{
    struct rt_reader reader = rt_reader(body);
    struct rt_span event;
    uint32_t index;

    while (rt_link_next_event(&reader, &index, &event)) {
        rt_put_u32(out, index);
        rt_put_bytes(out, event);
    }
    if (rt_read_done(&reader))
        RT_ASSERT(rt_span_equal(rt_buffer_span(out), body));
}

static void as_bury(struct rt_span body, struct rt_buffer *out)
{
    struct rt_span reason, payload;
    enum rt_error code;

    if (!rt_link_bury_decode(body, &code, &reason, &payload))
        return;
    rt_link_bury_encode(out, code, reason, payload);
    RT_ASSERT(rt_span_equal(rt_buffer_span(out), body));
}

static void as_done(struct rt_span body, struct rt_buffer *out)
{
    struct rt_reader reader = rt_reader(body);
    struct rt_link_rejection rejection;
    struct rt_link_done done;

    if (!rt_link_done_decode(&reader, &done))
        return;
    rt_link_done_encode(out, &done);
    while (rt_link_next_rejection(&reader, &rejection))
        rt_link_rejection_encode(out, &rejection);
    if (rt_read_done(&reader))
        RT_ASSERT(rt_span_equal(rt_buffer_span(out), body));
}

static void as_alert(struct rt_span body, struct rt_buffer *out)
{
    struct rt_link_alert alert;

    if (!rt_link_alert_decode(body, &alert))
        return;
    rt_link_alert_encode(out, &alert);
    RT_ASSERT(rt_span_equal(rt_buffer_span(out), body));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const decoders[])(struct rt_span, struct rt_buffer *) = {
        as_setup, as_ready, as_events, as_bury, as_done, as_alert,
    };
    struct rt_buffer out = {0};

    if (size == 0)
        return 0;
    as_header(rt_span(data + 1, size - 1));
    decoders[data[0] % (sizeof(decoders) / sizeof(decoders[0]))](rt_span(data + 1, size - 1), &out);
    rt_buffer_free(&out);
    return 0;
}

/* Frames between the daemon and a worker: encode and decode of each, side by side.
 *
 * Failure: a body that is not exactly one message of its kind decodes to false, and the link is
 * broken. */
#include "protocol/link.h"

#include <endian.h>

#include "protocol/assert.h"
#include "protocol/limits.h"

static void little_put(uint8_t *at, uint64_t value, size_t size)
{
    value = htole64(value);
    memcpy(at, &value, size);
}

static uint64_t little_get(const uint8_t *at, size_t size)
{
    uint64_t value = 0;

    memcpy(&value, at, size);
    return le64toh(value);
}

void rt_link_header_encode(const struct rt_link_header *header, uint8_t bytes[RT_LINK_HEADER])
{
    little_put(bytes, header->size, 4);
    bytes[4] = header->kind;
    bytes[5] = header->flags;
    little_put(bytes + 6, 0, 2);
    little_put(bytes + 8, header->tag, 8);
}

bool rt_link_header_decode(const uint8_t bytes[RT_LINK_HEADER], struct rt_link_header *header)
{
    uint64_t size = little_get(bytes, 4);

    if (size > RT_LINK_BODY_MAX || little_get(bytes + 6, 2) != 0)
        return false;
    header->size = (uint32_t)size;
    header->kind = bytes[4];
    header->flags = bytes[5];
    header->tag = little_get(bytes + 8, 8);
    return true;
}

void rt_link_frame(struct rt_buffer *out, enum rt_link_kind kind, uint8_t flags, uint64_t tag,
                   struct rt_span body)
{
    size_t mark = rt_link_begin(out, kind, flags, tag);

    rt_buffer_append(out, body.data, body.size);
    rt_link_end(out, mark);
}

size_t rt_link_begin(struct rt_buffer *out, enum rt_link_kind kind, uint8_t flags, uint64_t tag)
{
    const struct rt_link_header header = {.kind = (uint8_t)kind, .flags = flags, .tag = tag};
    uint8_t bytes[RT_LINK_HEADER];
    size_t mark = out->size;

    rt_link_header_encode(&header, bytes);
    rt_buffer_append(out, bytes, sizeof(bytes));
    return mark;
}

void rt_link_end(struct rt_buffer *out, size_t mark)
{
    size_t size;

    if (out->failed)
        return;
    RT_ASSERT(mark + RT_LINK_HEADER <= out->size);
    size = out->size - mark - RT_LINK_HEADER;
    if (size > RT_LINK_BODY_MAX) {
        out->failed = true;
        return;
    }
    little_put(out->data + mark, size, 4);
}

static bool read_u32(struct rt_reader *reader, uint32_t *value)
{
    int64_t wide;

    if (!rt_read_int(reader, &wide) || wide < 0 || wide > UINT32_MAX)
        return false;
    *value = (uint32_t)wide;
    return true;
}

/* An unsigned 64-bit number of the kind that never grows beyond INT64_MAX; nil stands for
 * UINT64_MAX. */
static void write_u64(struct rt_buffer *out, uint64_t value)
{
    RT_ASSERT(value <= INT64_MAX || value == UINT64_MAX);
    if (value == UINT64_MAX)
        rt_write_nil(out);
    else
        rt_write_int(out, (int64_t)value);
}

static bool read_u64(struct rt_reader *reader, uint64_t *value)
{
    int64_t wide;

    if (rt_read_kind(reader) == RT_KIND_NIL) {
        *value = UINT64_MAX;
        return rt_read_nil(reader);
    }
    if (!rt_read_int(reader, &wide) || wide < 0)
        return false;
    *value = (uint64_t)wide;
    return true;
}

enum { SETUP_FIELDS = 7, READY_FIELDS = 3 };

void rt_link_setup_encode(struct rt_buffer *out, const struct rt_link_setup *setup)
{
    rt_write_array(out, SETUP_FIELDS);
    rt_write_int(out, setup->index);
    rt_write_int(out, setup->count);
    rt_write_int(out, setup->partitions);
    rt_write_int(out, setup->log);
    rt_write_str(out, setup->state_dir);
    rt_write_str(out, setup->config);
    rt_write_str(out, setup->version);
}

bool rt_link_setup_decode(struct rt_span body, struct rt_link_setup *setup)
{
    struct rt_reader reader = rt_reader(body);
    uint32_t fields;

    return rt_read_array(&reader, &fields) && fields == SETUP_FIELDS &&
           read_u32(&reader, &setup->index) && read_u32(&reader, &setup->count) &&
           read_u32(&reader, &setup->partitions) && read_u32(&reader, &setup->log) &&
           rt_read_str(&reader, &setup->state_dir) && rt_read_str(&reader, &setup->config) &&
           rt_read_str(&reader, &setup->version) && rt_read_done(&reader) &&
           setup->index < setup->count && setup->count <= RT_WORKERS_MAX && setup->partitions > 0 &&
           setup->partitions <= RT_PARTITIONS_MAX;
}

void rt_link_ready_encode(struct rt_buffer *out, const struct rt_link_ready *ready)
{
    rt_write_array(out, READY_FIELDS);
    write_u64(out, ready->published);
    write_u64(out, ready->accounts);
    write_u64(out, ready->replayed);
}

bool rt_link_ready_decode(struct rt_span body, struct rt_link_ready *ready)
{
    struct rt_reader reader = rt_reader(body);
    uint32_t fields;

    return rt_read_array(&reader, &fields) && fields == READY_FIELDS &&
           read_u64(&reader, &ready->published) && read_u64(&reader, &ready->accounts) &&
           read_u64(&reader, &ready->replayed) && rt_read_done(&reader);
}

static bool exhausted(const struct rt_reader *reader)
{
    return reader->failed || reader->at == reader->end;
}

bool rt_link_next_event(struct rt_reader *body, uint32_t *index, struct rt_span *event)
{
    return !exhausted(body) && rt_get_u32(body, index) && rt_get_bytes(body, event);
}

static bool get_error(struct rt_reader *reader, enum rt_error *code)
{
    uint8_t number;

    if (!rt_get_u8(reader, &number))
        return false;
    if (number >= RT_ERROR_COUNT) {
        reader->failed = true;
        return false;
    }
    *code = (enum rt_error)number;
    return true;
}

void rt_link_bury_encode(struct rt_buffer *out, enum rt_error code, struct rt_span reason,
                         struct rt_span payload)
{
    rt_put_u8(out, (uint8_t)code);
    rt_put_bytes(out, reason);
    rt_put_bytes(out, payload);
}

bool rt_link_bury_decode(struct rt_span body, enum rt_error *code, struct rt_span *reason,
                         struct rt_span *payload)
{
    struct rt_reader reader = rt_reader(body);

    return get_error(&reader, code) && rt_get_bytes(&reader, reason) &&
           rt_get_bytes(&reader, payload) && rt_read_done(&reader);
}

void rt_link_query_encode(struct rt_buffer *out, int64_t asked, struct rt_span owners,
                          struct rt_span request)
{
    rt_put_u64(out, (uint64_t)asked);
    rt_put_bytes(out, owners);
    rt_buffer_append(out, request.data, request.size);
}

bool rt_link_query_decode(struct rt_span body, int64_t *asked, struct rt_span *owners,
                          struct rt_span *request)
{
    struct rt_reader reader = rt_reader(body);
    uint64_t moment;

    if (!rt_get_u64(&reader, &moment) || !rt_get_bytes(&reader, owners))
        return false;
    *asked = (int64_t)moment;
    *request = rt_span(reader.at, (size_t)(reader.end - reader.at));
    return true;
}

void rt_link_done_encode(struct rt_buffer *out, const struct rt_link_done *done)
{
    uint8_t bytes[17] = {(uint8_t)done->error};

    little_put(bytes + 1, done->accepted, 4);
    little_put(bytes + 5, done->duplicate, 4);
    little_put(bytes + 9, done->dead, 4);
    little_put(bytes + 13, done->rejected, 4);
    rt_buffer_append(out, bytes, sizeof(bytes));
}

bool rt_link_done_decode(struct rt_reader *body, struct rt_link_done *done)
{
    return get_error(body, &done->error) && rt_get_u32(body, &done->accepted) &&
           rt_get_u32(body, &done->duplicate) && rt_get_u32(body, &done->dead) &&
           rt_get_u32(body, &done->rejected);
}

void rt_link_rejection_encode(struct rt_buffer *out, const struct rt_link_rejection *rejection)
{
    rt_put_u32(out, rejection->index);
    rt_put_u8(out, (uint8_t)rejection->code);
    rt_put_bytes(out, rejection->text);
}

bool rt_link_next_rejection(struct rt_reader *body, struct rt_link_rejection *rejection)
{
    return !exhausted(body) && rt_get_u32(body, &rejection->index) &&
           get_error(body, &rejection->code) && rt_get_bytes(body, &rejection->text);
}

void rt_link_alert_encode(struct rt_buffer *out, const struct rt_link_alert *alert)
{
    rt_put_u64(out, alert->position);
    rt_put_u64(out, (uint64_t)alert->received);
    rt_put_u64(out, (uint64_t)alert->due);
    rt_put_u8(out, alert->publish ? 1 : 0);
    rt_put_bytes(out, alert->owner);
    rt_put_bytes(out, alert->severity);
    rt_put_bytes(out, alert->kind);
    rt_put_bytes(out, alert->account);
    rt_put_bytes(out, alert->map);
}

bool rt_link_alert_decode(struct rt_span body, struct rt_link_alert *alert)
{
    struct rt_reader reader = rt_reader(body);
    uint64_t received, due;
    uint8_t publish;

    if (!rt_get_u64(&reader, &alert->position) || !rt_get_u64(&reader, &received) ||
        !rt_get_u64(&reader, &due) || !rt_get_u8(&reader, &publish) || publish > 1)
        return false;
    alert->received = (int64_t)received;
    alert->due = (int64_t)due;
    alert->publish = publish == 1;
    return rt_get_bytes(&reader, &alert->owner) && rt_get_bytes(&reader, &alert->severity) &&
           rt_get_bytes(&reader, &alert->kind) && rt_get_bytes(&reader, &alert->account) &&
           rt_get_bytes(&reader, &alert->map) && rt_read_done(&reader);
}

/* The payload of a push, its replies, and how a client reads those.
 *
 * A payload is checked once, as a whole; stepping over its events afterwards is one skip each.
 * Failure: a payload that cannot be split into events is refused with a code and a text; a fault of
 * one event is not judged here. */
#include "protocol/batch.h"

#include "protocol/limits.h"

/* The two options of a batch, as they stand in a map that has passed the check; data NULL: absent.
 */
struct options {
    struct rt_span events, quiet;
    const char *twice;
};

static void option_note(struct rt_span *slot, struct rt_span value, const char *name,
                        struct options *options)
{
    if (slot->data != NULL)
        options->twice = name;
    *slot = value;
}

/* Whether a packed key can be that string: whatever its format, its bytes end in it. */
static inline bool ends_in(struct rt_span key, const char *name, size_t size)
{
    return key.size > size && memcmp(key.data + key.size - size, name, size) == 0;
}

static bool is_name(struct rt_span key, const char *name)
{
    struct rt_reader reader = rt_reader(key);
    struct rt_span text;

    return rt_read_kind(&reader) == RT_KIND_STR && rt_read_str(&reader, &text) &&
           rt_span_is(text, name);
}

static void options_find(struct rt_reader reader, uint32_t pairs, struct options *options)
{
    *options = (struct options){0};
    for (uint32_t i = 0; i < pairs; i++) {
        struct rt_span key = {0}, value = {0};

        rt_read_skip(&reader, &key);
        rt_read_skip(&reader, &value);
        if (ends_in(key, "events", 6) && is_name(key, "events"))
            option_note(&options->events, value, "events", options);
        else if (ends_in(key, "quiet", 5) && is_name(key, "quiet"))
            option_note(&options->quiet, value, "quiet", options);
    }
}

/* nil is an absent key. */
static bool is_nil(struct rt_span value)
{
    struct rt_reader reader = rt_reader(value);

    return rt_read_kind(&reader) == RT_KIND_NIL;
}

static enum rt_error quiet_read(struct rt_span value, bool *quiet, struct rt_fault *fault)
{
    struct rt_reader reader = rt_reader(value);

    if (value.data == NULL || is_nil(value))
        return RT_OK;
    if (!rt_read_bool(&reader, quiet))
        return rt_fault_set(fault, RT_BAD_REQUEST, "quiet: must be a bool");
    return RT_OK;
}

/* `array` has passed the check: its entries become the events. */
static enum rt_error events_open(struct rt_span array, struct rt_batch *batch,
                                 struct rt_fault *fault)
{
    batch->whole = false;
    batch->events = rt_reader(array);
    if (!rt_read_array(&batch->events, &batch->count))
        return rt_fault_set(fault, RT_BAD_REQUEST, "events: must be an array");
    if (batch->count > RT_BATCH_EVENTS)
        return rt_fault_set(fault, RT_TOO_LARGE, "events: more than %d in one payload",
                            RT_BATCH_EVENTS);
    return RT_OK;
}

static enum rt_error map_open(struct rt_span payload, struct rt_batch *batch,
                              struct rt_fault *fault)
{
    struct rt_reader entries = rt_reader(payload);
    struct options options;
    uint32_t pairs;

    if (!rt_read_map(&entries, &pairs))
        return rt_fault_set(fault, RT_BAD_MSGPACK, "payload: is no readable map");
    options_find(entries, pairs, &options);
    if (options.events.data == NULL)
        return RT_OK;
    if (options.twice != NULL)
        return rt_fault_set(fault, RT_BAD_REQUEST, "%s: given twice", options.twice);
    if (is_nil(options.events))
        return RT_OK;
    if (quiet_read(options.quiet, &batch->quiet, fault) != RT_OK)
        return fault->code;
    return events_open(options.events, batch, fault);
}

enum rt_error rt_batch_open(struct rt_span payload, size_t limit, struct rt_batch *batch,
                            struct rt_fault *fault)
{
    if (payload.size > limit)
        return rt_fault_set(fault, RT_TOO_LARGE, "payload: larger than %zu bytes", limit);
    if (payload.size == 0)
        return rt_fault_set(fault, RT_BAD_MSGPACK, "payload: is empty");
    if (!rt_msgpack_check(payload, RT_NESTING))
        return rt_fault_set(fault, RT_BAD_MSGPACK,
                            "payload: must be one MessagePack object, nested at most %d deep",
                            RT_NESTING);
    *batch = (struct rt_batch){.events = rt_reader(payload), .count = 1, .whole = true};
    switch (rt_read_kind(&batch->events)) {
    case RT_KIND_ARRAY:
        return events_open(payload, batch, fault);
    case RT_KIND_MAP:
        return map_open(payload, batch, fault);
    default:
        return RT_OK;
    }
}

bool rt_batch_next(struct rt_batch *batch, struct rt_span *event)
{
    if (batch->whole) {
        *event = rt_span(batch->events.at, (size_t)(batch->events.end - batch->events.at));
        batch->whole = false;
        batch->events.at = batch->events.end;
        return true;
    }
    return batch->events.at != batch->events.end && rt_read_skip(&batch->events, event);
}

/* The reply to a small payload, which is nearly every reply where a producer sends one event a
 * message: the same bytes as below, counts patched in. */
static void small_reply_begin(struct rt_buffer *out, uint8_t accepted, uint8_t duplicate,
                              uint8_t rejected)
{
    uint8_t bytes[] = "\x83\xa8"
                      "accepted\0\xa9"
                      "duplicate\0\xa8"
                      "rejected\x90";
    enum { ACCEPTED = 10, DUPLICATE = 21, REJECTED = 31, SIZE = 32 };

    _Static_assert(sizeof(bytes) == SIZE + 1, "the places of the counts");
    bytes[ACCEPTED] = accepted;
    bytes[DUPLICATE] = duplicate;
    bytes[REJECTED] |= rejected;
    rt_buffer_append(out, bytes, SIZE);
}

void rt_push_reply_begin(struct rt_buffer *out, uint32_t accepted, uint32_t duplicate,
                         uint32_t rejected)
{
    if (accepted < 128 && duplicate < 128 && rejected < 16) {
        small_reply_begin(out, (uint8_t)accepted, (uint8_t)duplicate, (uint8_t)rejected);
        return;
    }
    rt_write_map(out, 3);
    rt_write_key_int(out, "accepted", accepted);
    rt_write_key_int(out, "duplicate", duplicate);
    rt_write_text(out, "rejected");
    rt_write_array(out, rejected);
}

void rt_push_reply_rejection(struct rt_buffer *out, uint32_t index, enum rt_error code,
                             struct rt_span text)
{
    rt_write_map(out, 3);
    rt_write_key_int(out, "index", index);
    rt_write_key_text(out, "code", rt_error_name(code));
    rt_write_key_str(out, "error", text);
}

void rt_push_refusal(struct rt_buffer *out, enum rt_error code, const char *message)
{
    rt_write_map(out, 2);
    rt_write_key_text(out, "error", rt_error_name(code));
    rt_write_key_text(out, "message", message);
}

static bool read_count(struct rt_reader *reader, uint32_t *count)
{
    int64_t value;

    if (!rt_read_int(reader, &value) || value < 0 || value > UINT32_MAX)
        return false;
    *count = (uint32_t)value;
    return true;
}

static bool code_read(struct rt_reader *reader, enum rt_error unknown, enum rt_error *code)
{
    struct rt_span name;

    if (!rt_read_str(reader, &name))
        return false;
    if (!rt_error_parse((const char *)name.data, name.size, code) || *code == RT_OK)
        *code = unknown;
    return true;
}

/* The array of rejections, bounded to itself. */
static bool rejections_read(struct rt_reader *reader, struct rt_push_reply *reply)
{
    struct rt_reader entries = *reader;
    struct rt_span whole;

    if (!rt_read_array(&entries, &reply->rejected) || !rt_read_skip(reader, &whole))
        return false;
    reply->rejections = (struct rt_reader){.at = entries.at, .end = whole.data + whole.size};
    return true;
}

enum { SEEN_ERROR = 1, SEEN_ACCEPTED = 2, SEEN_DUPLICATE = 4, SEEN_REJECTED = 8, SEEN_COUNTS = 14 };

static bool reply_pair(struct rt_reader *reader, struct rt_push_reply *reply, unsigned *seen)
{
    struct rt_span key;

    if (rt_read_kind(reader) != RT_KIND_STR)
        return rt_read_skip(reader, NULL) && rt_read_skip(reader, NULL);
    if (!rt_read_str(reader, &key))
        return false;
    if (rt_span_is(key, "error")) {
        *seen |= SEEN_ERROR;
        return code_read(reader, RT_BAD_REQUEST, &reply->error);
    }
    if (rt_span_is(key, "message"))
        return rt_read_str(reader, &reply->message);
    if (rt_span_is(key, "accepted")) {
        *seen |= SEEN_ACCEPTED;
        return read_count(reader, &reply->accepted);
    }
    if (rt_span_is(key, "duplicate")) {
        *seen |= SEEN_DUPLICATE;
        return read_count(reader, &reply->duplicate);
    }
    if (rt_span_is(key, "rejected")) {
        *seen |= SEEN_REJECTED;
        return rejections_read(reader, reply);
    }
    return rt_read_skip(reader, NULL);
}

bool rt_push_reply_decode(struct rt_span payload, struct rt_push_reply *reply)
{
    struct rt_reader reader = rt_reader(payload);
    unsigned seen = 0;
    uint32_t pairs;

    *reply = (struct rt_push_reply){.message = rt_span_text(""), .rejections = {.failed = true}};
    if (!rt_msgpack_check(payload, RT_REPLY_NESTING) || !rt_read_map(&reader, &pairs))
        return false;
    for (uint32_t i = 0; i < pairs; i++) {
        if (!reply_pair(&reader, reply, &seen))
            return false;
    }
    return (seen & SEEN_ERROR) != 0 || (seen & SEEN_COUNTS) == SEEN_COUNTS;
}

static bool rejection_pair(struct rt_reader *reader, uint32_t *index, enum rt_error *code,
                           struct rt_span *text)
{
    struct rt_span key;

    if (rt_read_kind(reader) != RT_KIND_STR)
        return rt_read_skip(reader, NULL) && rt_read_skip(reader, NULL);
    if (!rt_read_str(reader, &key))
        return false;
    if (rt_span_is(key, "index"))
        return read_count(reader, index);
    if (rt_span_is(key, "code"))
        return code_read(reader, RT_BAD_EVENT, code);
    if (rt_span_is(key, "error"))
        return rt_read_str(reader, text);
    return rt_read_skip(reader, NULL);
}

bool rt_push_reply_next(struct rt_push_reply *reply, uint32_t *index, enum rt_error *code,
                        struct rt_span *text)
{
    struct rt_reader *reader = &reply->rejections;
    uint32_t pairs;

    if (reader->failed || reader->at == reader->end || !rt_read_map(reader, &pairs))
        return false;
    *index = UINT32_MAX;
    *code = RT_BAD_EVENT;
    *text = rt_span_text("");
    for (uint32_t i = 0; i < pairs; i++) {
        if (!rejection_pair(reader, index, code, text))
            return false;
    }
    return *index != UINT32_MAX;
}

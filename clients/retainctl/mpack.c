/* A stream of MessagePack objects: maps are events, arrays of maps are many.
 *
 * Failure: an object that is no map is bad, with its number; bytes that are no MessagePack, an
 * object beyond 64 MiB, or an end in the middle of one: nothing behind it can be read. */
#include "clients/retainctl/input.h"

#include <stdio.h>
#include <stdlib.h>

#include "protocol/limits.h"

enum { OBJECT_BYTES = 64 << 20 };

struct rt_mpack {
    struct rt_input_common *common;
    struct rt_buffer pending; /* begins with an object that is not whole yet */
    uint64_t number;
    size_t wanted; /* do not look again before so many bytes are there */
};

struct rt_mpack *rt_mpack_new(struct rt_input_common *common)
{
    struct rt_mpack *mpack = calloc(1, sizeof(*mpack));

    if (mpack != NULL)
        mpack->common = common;
    return mpack;
}

void rt_mpack_free(struct rt_mpack *mpack)
{
    if (mpack == NULL)
        return;
    rt_buffer_free(&mpack->pending);
    free(mpack);
}

static enum rt_input_result fail(struct rt_mpack *mpack, const char *text)
{
    snprintf(mpack->common->error, sizeof(mpack->common->error), "object %llu: %s",
             (unsigned long long)mpack->number + 1, text);
    return RT_INPUT_FAILED;
}

static enum rt_input_result event_take(struct rt_mpack *mpack, struct rt_span object)
{
    struct rt_reader reader = rt_reader(object);
    const struct rt_sink *sink = mpack->common->sink;
    const char *fault = NULL;

    mpack->number++;
    if (rt_read_kind(&reader) != RT_KIND_MAP)
        fault = "is no map";
    else if (!rt_msgpack_check(object, RT_NESTING - 2))
        fault = "is nested too deep";
    if (fault != NULL)
        return sink->bad(sink->arg, mpack->number, fault) ? RT_INPUT_OK : RT_INPUT_STOPPED;
    return rt_record_emit(mpack->common, mpack->number, object, object);
}

static enum rt_input_result object_take(struct rt_mpack *mpack, struct rt_span object)
{
    struct rt_reader reader = rt_reader(object);
    enum rt_input_result result = RT_INPUT_OK;
    struct rt_span entry;
    uint32_t count;

    if (rt_read_kind(&reader) != RT_KIND_ARRAY)
        return event_take(mpack, object);
    if (!rt_read_array(&reader, &count))
        return fail(mpack, "is no MessagePack");
    for (uint32_t i = 0; i < count && result == RT_INPUT_OK; i++) {
        if (!rt_read_skip(&reader, &entry))
            return fail(mpack, "is no MessagePack");
        result = event_take(mpack, entry);
    }
    return result;
}

static void drop_front(struct rt_buffer *buffer, size_t size)
{
    memmove(buffer->data, buffer->data + size, buffer->size - size);
    buffer->size -= size;
}

/* Takes whole objects from the front; what is left waits for more bytes. */
static enum rt_input_result objects_take(struct rt_mpack *mpack)
{
    struct rt_reader reader = rt_reader(rt_buffer_span(&mpack->pending));
    enum rt_input_result result = RT_INPUT_OK;
    struct rt_span object;
    size_t taken = 0;

    while (result == RT_INPUT_OK && reader.at < reader.end) {
        if (*reader.at == 0xc1)
            return fail(mpack, "is no MessagePack");
        if (!rt_read_skip(&reader, &object))
            break;
        taken += object.size;
        result = object_take(mpack, object);
    }
    if (taken > 0)
        drop_front(&mpack->pending, taken);
    if (mpack->pending.size > OBJECT_BYTES)
        return fail(mpack, "is larger than 64 MiB, or no MessagePack");
    mpack->wanted = taken > 0 ? 0 : mpack->pending.size * 2;
    return result;
}

enum rt_input_result rt_mpack_feed(struct rt_mpack *mpack, const uint8_t *data, size_t size)
{
    rt_buffer_append(&mpack->pending, data, size);
    if (mpack->pending.failed)
        return fail(mpack, "out of memory");
    /* an object that grows is looked at when it has doubled: the work stays linear */
    return mpack->pending.size < mpack->wanted ? RT_INPUT_OK : objects_take(mpack);
}

enum rt_input_result rt_mpack_end(struct rt_mpack *mpack)
{
    enum rt_input_result result = mpack->pending.size == 0 ? RT_INPUT_OK : objects_take(mpack);

    if (result == RT_INPUT_OK && mpack->pending.size > 0)
        return fail(mpack, "the stream ends in the middle of it");
    return result;
}

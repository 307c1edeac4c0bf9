/* Packing with msgpack-c through a write callback into rt_buffer, and fixed-width little-endian
 * integers.
 *
 * Failure: without memory the buffer is marked failed and every later write does nothing; what was
 * written before stays valid memory and is given back by rt_buffer_free. */
#include "protocol/writer.h"

#include <endian.h>
#include <stdlib.h>

#include <msgpack.h>

#include "protocol/assert.h"
#include "protocol/reader.h"

enum { FIRST_CAPACITY = 256, COUNT_BYTES = 5 };

void rt_buffer_free(struct rt_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct rt_buffer){0};
}

void rt_buffer_clear(struct rt_buffer *buffer)
{
    buffer->size = 0;
    buffer->failed = false;
}

static bool grow(struct rt_buffer *buffer, size_t more)
{
    size_t capacity = buffer->capacity != 0 ? buffer->capacity : FIRST_CAPACITY;
    uint8_t *data;

    if (more > SIZE_MAX / 4 - buffer->size) {
        buffer->failed = true;
        return false;
    }
    while (capacity - buffer->size < more)
        capacity *= 2;
    data = realloc(buffer->data, capacity);
    if (data == NULL) {
        buffer->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

bool rt_buffer_reserve(struct rt_buffer *buffer, size_t more)
{
    if (buffer->failed)
        return false;
    return (buffer->data != NULL && buffer->capacity - buffer->size >= more) || grow(buffer, more);
}

void rt_buffer_append(struct rt_buffer *buffer, const void *data, size_t size)
{
    if (size == 0 || !rt_buffer_reserve(buffer, size))
        return;
    memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
}

struct rt_span rt_buffer_span(const struct rt_buffer *buffer)
{
    return rt_span(buffer->data, buffer->size);
}

static int pack_bytes(void *buffer, const char *data, size_t size)
{
    rt_buffer_append(buffer, data, size);
    return ((struct rt_buffer *)buffer)->failed ? -1 : 0;
}

static inline msgpack_packer packer(struct rt_buffer *buffer)
{
    return (msgpack_packer){.data = buffer, .callback = pack_bytes};
}

void rt_write_nil(struct rt_buffer *buffer)
{
    msgpack_packer to = packer(buffer);

    msgpack_pack_nil(&to);
}

void rt_write_bool(struct rt_buffer *buffer, bool value)
{
    msgpack_packer to = packer(buffer);

    if (value)
        msgpack_pack_true(&to);
    else
        msgpack_pack_false(&to);
}

void rt_write_int(struct rt_buffer *buffer, int64_t value)
{
    msgpack_packer to = packer(buffer);

    msgpack_pack_int64(&to, value);
}

void rt_write_double(struct rt_buffer *buffer, double value)
{
    msgpack_packer to = packer(buffer);

    msgpack_pack_double(&to, value);
}

void rt_write_str(struct rt_buffer *buffer, struct rt_span value)
{
    msgpack_packer to = packer(buffer);

    RT_ASSERT(value.size <= UINT32_MAX);
    msgpack_pack_str(&to, value.size);
    rt_buffer_append(buffer, value.data, value.size);
}

void rt_write_text(struct rt_buffer *buffer, const char *value)
{
    rt_write_str(buffer, rt_span_text(value));
}

void rt_write_bin(struct rt_buffer *buffer, struct rt_span value)
{
    msgpack_packer to = packer(buffer);

    RT_ASSERT(value.size <= UINT32_MAX);
    msgpack_pack_bin(&to, value.size);
    rt_buffer_append(buffer, value.data, value.size);
}

void rt_write_array(struct rt_buffer *buffer, uint32_t count)
{
    msgpack_packer to = packer(buffer);

    msgpack_pack_array(&to, count);
}

void rt_write_map(struct rt_buffer *buffer, uint32_t pairs)
{
    msgpack_packer to = packer(buffer);

    msgpack_pack_map(&to, pairs);
}

void rt_write_raw(struct rt_buffer *buffer, struct rt_span object)
{
    rt_buffer_append(buffer, object.data, object.size);
}

void rt_write_optional(struct rt_buffer *buffer, struct rt_span value)
{
    if (value.data == NULL)
        rt_write_nil(buffer);
    else
        rt_write_str(buffer, value);
}

void rt_write_key_int(struct rt_buffer *buffer, const char *key, int64_t value)
{
    rt_write_text(buffer, key);
    rt_write_int(buffer, value);
}

void rt_write_key_double(struct rt_buffer *buffer, const char *key, double value)
{
    rt_write_text(buffer, key);
    rt_write_double(buffer, value);
}

void rt_write_key_bool(struct rt_buffer *buffer, const char *key, bool value)
{
    rt_write_text(buffer, key);
    rt_write_bool(buffer, value);
}

void rt_write_key_str(struct rt_buffer *buffer, const char *key, struct rt_span value)
{
    rt_write_text(buffer, key);
    rt_write_str(buffer, value);
}

void rt_write_key_text(struct rt_buffer *buffer, const char *key, const char *value)
{
    rt_write_text(buffer, key);
    rt_write_text(buffer, value);
}

void rt_write_key_nil(struct rt_buffer *buffer, const char *key)
{
    rt_write_text(buffer, key);
    rt_write_nil(buffer);
}

/* The 32-bit form leaves room for any count, so nothing has to move at the end. */
static size_t begin(struct rt_buffer *buffer, uint8_t format)
{
    const uint8_t head[COUNT_BYTES] = {format};
    size_t mark = buffer->size;

    rt_buffer_append(buffer, head, sizeof(head));
    return mark;
}

size_t rt_write_map_begin(struct rt_buffer *buffer)
{
    return begin(buffer, 0xdf);
}

size_t rt_write_array_begin(struct rt_buffer *buffer)
{
    return begin(buffer, 0xdd);
}

void rt_write_end(struct rt_buffer *buffer, size_t mark, uint32_t count)
{
    if (buffer->failed)
        return;
    RT_ASSERT(mark + COUNT_BYTES <= buffer->size);
    for (int i = 0; i < 4; i++)
        buffer->data[mark + 1 + (size_t)i] = (uint8_t)(count >> (24 - 8 * i));
}

static void put(struct rt_buffer *buffer, uint64_t value, size_t size)
{
    uint64_t little = htole64(value);

    rt_buffer_append(buffer, &little, size);
}

void rt_put_u8(struct rt_buffer *buffer, uint8_t value)
{
    put(buffer, value, sizeof(value));
}

void rt_put_u16(struct rt_buffer *buffer, uint16_t value)
{
    put(buffer, value, sizeof(value));
}

void rt_put_u32(struct rt_buffer *buffer, uint32_t value)
{
    put(buffer, value, sizeof(value));
}

void rt_put_u64(struct rt_buffer *buffer, uint64_t value)
{
    put(buffer, value, sizeof(value));
}

void rt_put_bytes(struct rt_buffer *buffer, struct rt_span bytes)
{
    RT_ASSERT(bytes.size <= UINT32_MAX);
    rt_put_u32(buffer, (uint32_t)bytes.size);
    rt_buffer_append(buffer, bytes.data, bytes.size);
}

static bool get(struct rt_reader *reader, uint64_t *value, size_t size)
{
    uint64_t little = 0;

    if (reader->failed || (size_t)(reader->end - reader->at) < size) {
        reader->failed = true;
        return false;
    }
    memcpy(&little, reader->at, size);
    reader->at += size;
    *value = le64toh(little);
    return true;
}

bool rt_get_u8(struct rt_reader *reader, uint8_t *value)
{
    uint64_t wide;

    if (!get(reader, &wide, sizeof(*value)))
        return false;
    *value = (uint8_t)wide;
    return true;
}

bool rt_get_u16(struct rt_reader *reader, uint16_t *value)
{
    uint64_t wide;

    if (!get(reader, &wide, sizeof(*value)))
        return false;
    *value = (uint16_t)wide;
    return true;
}

bool rt_get_u32(struct rt_reader *reader, uint32_t *value)
{
    uint64_t wide;

    if (!get(reader, &wide, sizeof(*value)))
        return false;
    *value = (uint32_t)wide;
    return true;
}

bool rt_get_u64(struct rt_reader *reader, uint64_t *value)
{
    return get(reader, value, sizeof(*value));
}

bool rt_get_bytes(struct rt_reader *reader, struct rt_span *bytes)
{
    uint32_t size;

    if (!rt_get_u32(reader, &size))
        return false;
    if ((size_t)(reader->end - reader->at) < size) {
        reader->failed = true;
        return false;
    }
    *bytes = rt_span(reader->at, size);
    reader->at += size;
    return true;
}

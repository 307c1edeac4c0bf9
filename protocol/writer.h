/* Builds MessagePack (packed by msgpack-c) and other bytes into a growing buffer.
 *
 * The buffer carries a sticky `failed`: after an allocation failure every write does nothing; check
 * it once at the end. Zero-initialise, release with rt_buffer_free (takes half-built ones). */
#ifndef RT_PROTOCOL_WRITER_H
#define RT_PROTOCOL_WRITER_H

#include "protocol/span.h"

struct rt_buffer {
    uint8_t *data;
    size_t size;
    size_t capacity;
    bool failed;
};

void rt_buffer_free(struct rt_buffer *buffer);
/* Forgets the content, keeps the memory. */
void rt_buffer_clear(struct rt_buffer *buffer);
/* Room for `more` bytes at data + size; false (and failed) without memory. */
bool rt_buffer_reserve(struct rt_buffer *buffer, size_t more);
void rt_buffer_append(struct rt_buffer *buffer, const void *data, size_t size);
struct rt_span rt_buffer_span(const struct rt_buffer *buffer);

void rt_write_nil(struct rt_buffer *buffer);
void rt_write_bool(struct rt_buffer *buffer, bool value);
void rt_write_int(struct rt_buffer *buffer, int64_t value);
void rt_write_double(struct rt_buffer *buffer, double value);
void rt_write_str(struct rt_buffer *buffer, struct rt_span value);
void rt_write_text(struct rt_buffer *buffer, const char *value);
void rt_write_bin(struct rt_buffer *buffer, struct rt_span value);
void rt_write_array(struct rt_buffer *buffer, uint32_t count);
void rt_write_map(struct rt_buffer *buffer, uint32_t pairs);
/* An object that is packed already. */
void rt_write_raw(struct rt_buffer *buffer, struct rt_span object);

/* A str or nil if its data is NULL. */
void rt_write_optional(struct rt_buffer *buffer, struct rt_span value);

/* A key and its value in one call. */
void rt_write_key_int(struct rt_buffer *buffer, const char *key, int64_t value);
void rt_write_key_double(struct rt_buffer *buffer, const char *key, double value);
void rt_write_key_bool(struct rt_buffer *buffer, const char *key, bool value);
void rt_write_key_str(struct rt_buffer *buffer, const char *key, struct rt_span value);
void rt_write_key_text(struct rt_buffer *buffer, const char *key, const char *value);
void rt_write_key_nil(struct rt_buffer *buffer, const char *key);

/* A map or array whose number of entries is known only at its end: begin returns a mark, end writes
 * the count there (always the 32-bit form). */
size_t rt_write_map_begin(struct rt_buffer *buffer);
size_t rt_write_array_begin(struct rt_buffer *buffer);
void rt_write_end(struct rt_buffer *buffer, size_t mark, uint32_t count);

/* Fixed-width little-endian integers, for frames and records. */
void rt_put_u8(struct rt_buffer *buffer, uint8_t value);
void rt_put_u16(struct rt_buffer *buffer, uint16_t value);
void rt_put_u32(struct rt_buffer *buffer, uint32_t value);
void rt_put_u64(struct rt_buffer *buffer, uint64_t value);
/* u32 size, then the bytes. */
void rt_put_bytes(struct rt_buffer *buffer, struct rt_span bytes);

/* The same, read back: false and failed when the bytes end too early. */
struct rt_reader;
bool rt_get_u8(struct rt_reader *reader, uint8_t *value);
bool rt_get_u16(struct rt_reader *reader, uint16_t *value);
bool rt_get_u32(struct rt_reader *reader, uint32_t *value);
bool rt_get_u64(struct rt_reader *reader, uint64_t *value);
bool rt_get_bytes(struct rt_reader *reader, struct rt_span *bytes);

#endif

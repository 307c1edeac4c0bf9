/* A checked cursor over MessagePack bytes: no allocation, no recursion, no trust.
 *
 * Whole messages are checked once with rt_msgpack_check(); the cursor checks bounds again on its
 * own, so that it is safe on any bytes. A read that fails returns false, sets `failed`, and leaves
 * the output untouched; after that every read fails. */
#ifndef RT_PROTOCOL_READER_H
#define RT_PROTOCOL_READER_H

#include "protocol/span.h"

enum rt_kind {
    RT_KIND_NIL,
    RT_KIND_BOOL,
    RT_KIND_INT,   /* any integer format */
    RT_KIND_FLOAT, /* float 32 or 64 */
    RT_KIND_STR,
    RT_KIND_BIN,
    RT_KIND_ARRAY,
    RT_KIND_MAP,
    RT_KIND_EXT,
    RT_KIND_END, /* no more bytes, or 0xc1 */
};

struct rt_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

/* True if the bytes are exactly one object, nested at most `depth` containers deep, without the
 * reserved byte, every length within the bytes. */
bool rt_msgpack_check(struct rt_span bytes, unsigned depth);

/* True if every byte is below 128. Overlapping words instead of a loop over the rest. */
static inline bool rt_ascii(struct rt_span bytes)
{
    uint64_t word, high = 0;
    uint32_t half, last;

    if (bytes.size >= sizeof(word)) {
        for (size_t at = 0; at < bytes.size - sizeof(word); at += sizeof(word)) {
            memcpy(&word, bytes.data + at, sizeof(word));
            high |= word;
        }
        memcpy(&word, bytes.data + bytes.size - sizeof(word), sizeof(word));
        return ((high | word) & UINT64_C(0x8080808080808080)) == 0;
    }
    if (bytes.size >= sizeof(half)) {
        memcpy(&half, bytes.data, sizeof(half));
        memcpy(&last, bytes.data + bytes.size - sizeof(last), sizeof(last));
        return ((half | last) & UINT32_C(0x80808080)) == 0;
    }
    if (bytes.size == 0)
        return true;
    return ((bytes.data[0] | bytes.data[bytes.size / 2] | bytes.data[bytes.size - 1]) & 0x80) == 0;
}

/* True if the bytes are valid UTF-8 (no surrogates, no overlong forms, at most U+10FFFF). */
bool rt_utf8_valid_any(struct rt_span bytes);
static inline bool rt_utf8_valid(struct rt_span bytes)
{
    return rt_ascii(bytes) || rt_utf8_valid_any(bytes);
}

struct rt_reader rt_reader(struct rt_span bytes);

/* What the first byte of an object tells: its kind, and its whole size if that is all it takes to
 * know it (a scalar or a short string), else 0. The ways that most objects go are inline on top of
 * these. */
struct rt_format {
    uint8_t kind, size;
};
extern const struct rt_format rt_formats[256];

/* Kind of the next object, RT_KIND_END if there is none. Moves nothing. */
static inline enum rt_kind rt_read_kind(const struct rt_reader *reader)
{
    if (reader->failed || reader->at == reader->end)
        return RT_KIND_END;
    return (enum rt_kind)rt_formats[*reader->at].kind;
}

bool rt_read_nil(struct rt_reader *reader);
bool rt_read_bool(struct rt_reader *reader, bool *value);
/* Integers of any format. Unsigned values beyond INT64_MAX become INT64_MAX. */
bool rt_read_int(struct rt_reader *reader, int64_t *value);
/* A finite integer or float. */
bool rt_read_number(struct rt_reader *reader, double *value);
bool rt_read_str_any(struct rt_reader *reader, struct rt_span *value);
static inline bool rt_read_str(struct rt_reader *reader, struct rt_span *value)
{
    size_t left = (size_t)(reader->end - reader->at);

    if (!reader->failed && left > 0 && (*reader->at & 0xe0) == 0xa0) {
        size_t size = *reader->at & 0x1f;

        if (size < left) {
            *value = rt_span(reader->at + 1, size);
            reader->at += 1 + size;
            return true;
        }
    }
    return rt_read_str_any(reader, value);
}
bool rt_read_bin(struct rt_reader *reader, struct rt_span *value);
bool rt_read_array(struct rt_reader *reader, uint32_t *count);
bool rt_read_map(struct rt_reader *reader, uint32_t *pairs);
/* A MessagePack timestamp (ext -1), cut to milliseconds (towards minus infinity). */
bool rt_read_timestamp(struct rt_reader *reader, int64_t *ms);

/* Steps over one whole object; its bytes in *bytes if that is not NULL. */
bool rt_read_skip_any(struct rt_reader *reader, struct rt_span *bytes);
static inline bool rt_read_skip(struct rt_reader *reader, struct rt_span *bytes)
{
    size_t left = (size_t)(reader->end - reader->at);
    size_t size = reader->failed || left == 0 ? 0 : rt_formats[*reader->at].size;

    if (size == 0 || size > left)
        return rt_read_skip_any(reader, bytes);
    if (bytes != NULL)
        *bytes = rt_span(reader->at, size);
    reader->at += size;
    return true;
}

/* True if nothing failed and no byte is left. */
bool rt_read_done(const struct rt_reader *reader);

#endif

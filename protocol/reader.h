/* A checked cursor over MessagePack bytes: no allocation, no recursion, no trust.
 *
 * Whole messages are checked once with rt_msgpack_check(); the cursor checks bounds again on its own, so
 * that it is safe on any bytes. A read that fails returns false, sets `failed`, and leaves the output untouched;
 * after that every read fails. */
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

/* True if the bytes are exactly one object, nested at most `depth` containers deep, without the reserved
 * byte, every length within the bytes. */
bool rt_msgpack_check(struct rt_span bytes, unsigned depth);

/* True if the bytes are valid UTF-8 (no surrogates, no overlong forms, at most U+10FFFF). */
bool rt_utf8_valid(struct rt_span bytes);

struct rt_reader rt_reader(struct rt_span bytes);

/* Kind of the next object, RT_KIND_END if there is none. Moves nothing. */
enum rt_kind rt_read_kind(const struct rt_reader *reader);

bool rt_read_nil(struct rt_reader *reader);
bool rt_read_bool(struct rt_reader *reader, bool *value);
/* Integers of any format. Unsigned values beyond INT64_MAX become INT64_MAX. */
bool rt_read_int(struct rt_reader *reader, int64_t *value);
/* A finite integer or float. */
bool rt_read_number(struct rt_reader *reader, double *value);
bool rt_read_str(struct rt_reader *reader, struct rt_span *value);
bool rt_read_bin(struct rt_reader *reader, struct rt_span *value);
bool rt_read_array(struct rt_reader *reader, uint32_t *count);
bool rt_read_map(struct rt_reader *reader, uint32_t *pairs);
/* A MessagePack timestamp (ext -1), cut to milliseconds (towards minus infinity). */
bool rt_read_timestamp(struct rt_reader *reader, int64_t *ms);

/* Steps over one whole object; its bytes in *bytes if that is not NULL. */
bool rt_read_skip(struct rt_reader *reader, struct rt_span *bytes);

/* True if nothing failed and no byte is left. */
bool rt_read_done(const struct rt_reader *reader);

#endif

/* The checked cursor over MessagePack bytes.
 *
 * One function, object_read, knows the formats and their bounds; everything else is built on it.
 * Nothing recurs and nothing is allocated: skipping counts the objects that are still owed,
 * checking keeps one counter for each open container.
 *
 * Failure: a read beyond the end, of another kind or of the reserved byte marks the reader failed.
 */
#include "protocol/reader.h"

#include <math.h>

#include "protocol/assert.h"
#include "protocol/limits.h"

#define SAME8(kind, size)                                                                          \
    {kind, size}, {kind, size}, {kind, size}, {kind, size}, {kind, size}, {kind, size},            \
        {kind, size},                                                                              \
    {                                                                                              \
        kind, size                                                                                 \
    }
#define SAME16(kind, size) SAME8(kind, size), SAME8(kind, size)
#define SAME32(kind, size) SAME16(kind, size), SAME16(kind, size)
#define STRINGS(size)                                                                              \
    {RT_KIND_STR, size}, {RT_KIND_STR, size + 1}, {RT_KIND_STR, size + 2},                         \
    {                                                                                              \
        RT_KIND_STR, size + 3                                                                      \
    }

/* The MessagePack specification's table of formats. */
const struct rt_format rt_formats[256] = {
    /* 0x00 */ SAME32(RT_KIND_INT, 1),
    SAME32(RT_KIND_INT, 1),
    SAME32(RT_KIND_INT, 1),
    SAME32(RT_KIND_INT, 1),
    /* 0x80 */ SAME16(RT_KIND_MAP, 0),
    /* 0x90 */ SAME16(RT_KIND_ARRAY, 0),
    /* 0xa0 */ STRINGS(1),
    STRINGS(5),
    STRINGS(9),
    STRINGS(13),
    STRINGS(17),
    STRINGS(21),
    STRINGS(25),
    STRINGS(29),
    /* 0xc0 */ {RT_KIND_NIL, 1},
    {RT_KIND_END, 0},
    {RT_KIND_BOOL, 1},
    {RT_KIND_BOOL, 1},
    {RT_KIND_BIN, 0},
    {RT_KIND_BIN, 0},
    {RT_KIND_BIN, 0},
    {RT_KIND_EXT, 0},
    {RT_KIND_EXT, 0},
    {RT_KIND_EXT, 0},
    {RT_KIND_FLOAT, 5},
    {RT_KIND_FLOAT, 9},
    {RT_KIND_INT, 2},
    {RT_KIND_INT, 3},
    {RT_KIND_INT, 5},
    {RT_KIND_INT, 9},
    {RT_KIND_INT, 2},
    {RT_KIND_INT, 3},
    {RT_KIND_INT, 5},
    {RT_KIND_INT, 9},
    {RT_KIND_EXT, 3},
    {RT_KIND_EXT, 4},
    {RT_KIND_EXT, 6},
    {RT_KIND_EXT, 10},
    {RT_KIND_EXT, 18},
    {RT_KIND_STR, 0},
    {RT_KIND_STR, 0},
    {RT_KIND_STR, 0},
    {RT_KIND_ARRAY, 0},
    {RT_KIND_ARRAY, 0},
    {RT_KIND_MAP, 0},
    {RT_KIND_MAP, 0},
    /* 0xe0 */ SAME32(RT_KIND_INT, 1),
};

/* The formats 0xc0..0xdf: how many bytes hold their length, and how many follow in any case. */
static const struct {
    uint8_t length, fixed;
} headers[32] = {
    {0, 0}, {0, 0}, {0, 0},  {0, 0}, {1, 0}, {2, 0}, {4, 0}, {1, 1}, {2, 1}, {4, 1}, {0, 4},
    {0, 8}, {0, 1}, {0, 2},  {0, 4}, {0, 8}, {0, 1}, {0, 2}, {0, 4}, {0, 8}, {0, 2}, {0, 3},
    {0, 5}, {0, 9}, {0, 17}, {1, 0}, {2, 0}, {4, 0}, {2, 0}, {4, 0}, {2, 0}, {4, 0},
};

/* An object that is not over with its first byte or a few. */
struct object {
    enum rt_kind kind;
    const uint8_t *data; /* behind format and length */
    uint64_t size;       /* bytes of its own at data: 0 for containers */
    uint64_t children;   /* objects that follow as its entries */
};

static inline uint32_t big_endian_4(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Of 0, 1, 2, 4 or 8 bytes. */
static inline uint64_t big_endian(const uint8_t *at, size_t size)
{
    switch (size) {
    case 0:
        return 0;
    case 1:
        return at[0];
    case 2:
        return (uint64_t)at[0] << 8 | at[1];
    case 4:
        return big_endian_4(at);
    default:
        return (uint64_t)big_endian_4(at) << 32 | big_endian_4(at + 4);
    }
}

/* The number in the header of an object: its bytes, or the entries of a container. */
static inline bool header_read(const uint8_t **at, const uint8_t *end, enum rt_kind kind,
                               uint64_t *number)
{
    uint8_t byte = *(*at)++;
    size_t length;

    if (byte < 0xc0 || byte >= 0xe0) {
        *number = kind == RT_KIND_INT ? 0 : kind == RT_KIND_STR ? (byte & 31u) : (byte & 15u);
        return true;
    }
    length = headers[byte - 0xc0].length;
    if ((size_t)(end - *at) < length)
        return false;
    *number = big_endian(*at, length) + headers[byte - 0xc0].fixed;
    *at += length;
    return true;
}

/* Every entry of a container takes a byte at least, so a count beyond the bytes that are left is a
 * lie. */
static inline bool object_read(const uint8_t *at, const uint8_t *end, struct object *object)
{
    uint64_t number;

    if (at == end)
        return false;
    object->kind = (enum rt_kind)rt_formats[*at].kind;
    if (object->kind == RT_KIND_END || !header_read(&at, end, object->kind, &number))
        return false;
    object->data = at;
    object->size = 0;
    object->children = 0;
    if (object->kind == RT_KIND_MAP)
        object->children = 2 * number;
    else if (object->kind == RT_KIND_ARRAY)
        object->children = number;
    else
        object->size = number;
    return object->size + object->children <= (uint64_t)(end - at);
}

/* Steps over objects that are no containers, at most *owed of them, as long as the first byte tells
 * the size. */
static inline const uint8_t *scalars_skip(const uint8_t *at, const uint8_t *end, uint64_t *owed)
{
    uint64_t left = *owed; /* a register: bytes may alias anything */

    while (left > 0 && at != end) {
        uint8_t byte = *at;
        /* Most are short strings: their size without a look at the table is the shorter chain. */
        size_t size = (byte & 0xe0) == 0xa0 ? 1 + (byte & 0x1fu) : rt_formats[byte].size;

        if (size == 0 || size > (size_t)(end - at))
            break;
        at += size;
        left--;
    }
    *owed = left;
    return at;
}

bool rt_msgpack_check(struct rt_span bytes, unsigned depth)
{
    const struct rt_reader all = rt_reader(bytes);
    const uint8_t *at = all.at;
    uint64_t outer[RT_NESTING_MAX]; /* objects still to come in the containers around this one */
    uint64_t owed = 1;
    unsigned open = 0;
    struct object object;

    RT_ASSERT(depth <= RT_NESTING_MAX);
    for (;;) {
        at = scalars_skip(at, all.end, &owed);
        while (owed == 0) {
            if (open == 0)
                return at == all.end;
            owed = outer[--open];
        }
        if (!object_read(at, all.end, &object))
            return false;
        at = object.data + object.size;
        owed--;
        if (object.kind == RT_KIND_ARRAY || object.kind == RT_KIND_MAP) {
            if (open == depth)
                return false;
            outer[open++] = owed;
            owed = object.children;
        }
    }
}

static inline bool continues(const uint8_t *at, size_t left, size_t size)
{
    if (left < size)
        return false;
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return false;
    }
    return true;
}

/* Bytes of the character that begins with `at`, which is no ASCII; 0 if it is malformed (RFC 3629,
 * section 4). */
static size_t character_size(const uint8_t *at, size_t left)
{
    uint8_t first = at[0];

    if (first >= 0xc2 && first <= 0xdf)
        return continues(at, left, 2) ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef) {
        if (!continues(at, left, 3) || (first == 0xe0 && at[1] < 0xa0) ||
            (first == 0xed && at[1] > 0x9f))
            return 0;
        return 3;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        if (!continues(at, left, 4) || (first == 0xf0 && at[1] < 0x90) ||
            (first == 0xf4 && at[1] > 0x8f))
            return 0;
        return 4;
    }
    return 0;
}

static inline bool eight_ascii(const uint8_t *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return (word & UINT64_C(0x8080808080808080)) == 0;
}

bool rt_utf8_valid_any(struct rt_span bytes)
{
    const uint8_t *at = bytes.data;
    size_t left = bytes.size;

    while (left > 0) {
        size_t size;

        if (left >= 8 && eight_ascii(at))
            size = 8;
        else if (at[0] < 0x80)
            size = 1;
        else
            size = character_size(at, left);
        if (size == 0)
            return false;
        at += size;
        left -= size;
    }
    return true;
}

struct rt_reader rt_reader(struct rt_span bytes)
{
    const uint8_t *end = bytes.size == 0 ? bytes.data : bytes.data + bytes.size;

    return (struct rt_reader){.at = bytes.data, .end = end};
}

static bool fail(struct rt_reader *reader)
{
    reader->failed = true;
    return false;
}

/* The next object, if it is of this kind. */
static inline bool next(struct rt_reader *reader, enum rt_kind kind, struct object *object)
{
    if (reader->failed || !object_read(reader->at, reader->end, object) || object->kind != kind)
        return fail(reader);
    return true;
}

bool rt_read_nil(struct rt_reader *reader)
{
    struct object object;

    if (!next(reader, RT_KIND_NIL, &object))
        return false;
    reader->at = object.data;
    return true;
}

bool rt_read_bool(struct rt_reader *reader, bool *value)
{
    struct object object;

    if (!next(reader, RT_KIND_BOOL, &object))
        return false;
    *value = *reader->at == 0xc3;
    reader->at = object.data;
    return true;
}

/* An integer as its 64 bits; `huge` tells an unsigned one beyond INT64_MAX. */
static bool read_integer(struct rt_reader *reader, uint64_t *bits, bool *huge)
{
    struct object object;
    uint8_t byte;

    if (!next(reader, RT_KIND_INT, &object))
        return false;
    byte = *reader->at;
    *huge = false;
    if (object.size == 0) {
        *bits = (uint64_t)(int64_t)(int8_t)byte;
    } else {
        *bits = big_endian(object.data, object.size);
        if (byte >= 0xd0 && object.size < 8 && (*bits >> (8 * object.size - 1)) != 0)
            *bits |= UINT64_MAX << (8 * object.size);
        *huge = byte == 0xcf && *bits > INT64_MAX;
    }
    reader->at = object.data + object.size;
    return true;
}

bool rt_read_int(struct rt_reader *reader, int64_t *value)
{
    uint64_t bits;
    bool huge;

    if (!read_integer(reader, &bits, &huge))
        return false;
    *value = huge ? INT64_MAX : (int64_t)bits;
    return true;
}

static bool read_float(struct rt_reader *reader, double *value)
{
    struct object object;
    double wide;

    if (!next(reader, RT_KIND_FLOAT, &object))
        return false;
    if (object.size == 4) {
        uint32_t bits = (uint32_t)big_endian(object.data, 4);
        float narrow;

        memcpy(&narrow, &bits, sizeof(narrow));
        wide = narrow;
    } else {
        uint64_t bits = big_endian(object.data, 8);

        memcpy(&wide, &bits, sizeof(wide));
    }
    if (!isfinite(wide))
        return fail(reader);
    *value = wide;
    reader->at = object.data + object.size;
    return true;
}

bool rt_read_number(struct rt_reader *reader, double *value)
{
    uint64_t bits;
    bool huge;

    if (rt_read_kind(reader) == RT_KIND_FLOAT)
        return read_float(reader, value);
    if (!read_integer(reader, &bits, &huge))
        return false;
    *value = huge ? (double)bits : (double)(int64_t)bits;
    return true;
}

static inline bool read_bytes(struct rt_reader *reader, enum rt_kind kind, struct rt_span *value)
{
    struct object object;

    if (!next(reader, kind, &object))
        return false;
    *value = rt_span(object.data, (size_t)object.size);
    reader->at = object.data + object.size;
    return true;
}

bool rt_read_str_any(struct rt_reader *reader, struct rt_span *value)
{
    return read_bytes(reader, RT_KIND_STR, value);
}

bool rt_read_bin(struct rt_reader *reader, struct rt_span *value)
{
    return read_bytes(reader, RT_KIND_BIN, value);
}

bool rt_read_array(struct rt_reader *reader, uint32_t *count)
{
    struct object object;

    if (!next(reader, RT_KIND_ARRAY, &object))
        return false;
    *count = (uint32_t)object.children;
    reader->at = object.data;
    return true;
}

bool rt_read_map(struct rt_reader *reader, uint32_t *pairs)
{
    struct object object;

    if (!next(reader, RT_KIND_MAP, &object))
        return false;
    *pairs = (uint32_t)(object.children / 2);
    reader->at = object.data;
    return true;
}

/* Seconds and nanoseconds as milliseconds, held within what an int64_t can say. */
static int64_t to_ms(int64_t seconds, uint32_t nanoseconds)
{
    if (seconds >= INT64_MAX / 1000)
        return INT64_MAX;
    if (seconds <= INT64_MIN / 1000)
        return INT64_MIN;
    return seconds * 1000 + nanoseconds / 1000000;
}

/* The MessagePack specification's timestamp 32, 64 and 96. */
bool rt_read_timestamp(struct rt_reader *reader, int64_t *ms)
{
    struct object object;
    int64_t seconds;
    uint32_t nanoseconds = 0;

    if (!next(reader, RT_KIND_EXT, &object) || object.data[0] != 0xff)
        return fail(reader);
    if (object.size == 1 + 4) {
        seconds = (int64_t)big_endian(object.data + 1, 4);
    } else if (object.size == 1 + 8) {
        uint64_t both = big_endian(object.data + 1, 8);

        nanoseconds = (uint32_t)(both >> 34);
        seconds = (int64_t)(both & ((UINT64_C(1) << 34) - 1));
    } else if (object.size == 1 + 12) {
        nanoseconds = (uint32_t)big_endian(object.data + 1, 4);
        seconds = (int64_t)big_endian(object.data + 5, 8);
    } else {
        return fail(reader);
    }
    if (nanoseconds > 999999999)
        return fail(reader);
    *ms = to_ms(seconds, nanoseconds);
    reader->at = object.data + object.size;
    return true;
}

bool rt_read_skip_any(struct rt_reader *reader, struct rt_span *bytes)
{
    const uint8_t *at = reader->at;
    uint64_t owed = 1;
    struct object object;

    if (reader->failed)
        return false;
    while (at = scalars_skip(at, reader->end, &owed), owed > 0) {
        if (!object_read(at, reader->end, &object))
            return fail(reader);
        at = object.data + object.size;
        owed += object.children - 1;
    }
    if (bytes != NULL)
        *bytes = rt_span(reader->at, (size_t)(at - reader->at));
    reader->at = at;
    return true;
}

bool rt_read_done(const struct rt_reader *reader)
{
    return !reader->failed && reader->at == reader->end;
}

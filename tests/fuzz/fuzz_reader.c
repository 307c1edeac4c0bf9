/* Our reader against msgpack-c's: both find the same bytes readable, and the same values in them.
 *
 * They differ where this says so and nowhere else: msgpack-c gives up beyond 32 containers within
 * each other (ours is told how deep it may go); ours reads no infinite number as a number, and an
 * int beyond INT64_MAX as that. What msgpack-c reserves for a count that is a lie, more than a
 * message this small can need, it does not get: then it cannot read it either. */
#include <msgpack.h>

#include "protocol/assert.h"
#include "protocol/limits.h"
#include "protocol/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { THEIR_NESTING = 31, SIZE = 4096 };

/* AddressSanitizer asks for this. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1:max_allocation_size_mb=64";
}

static void same(struct rt_reader *ours, const msgpack_object *theirs);

static void same_int(struct rt_reader *ours, const msgpack_object *theirs)
{
    struct rt_reader number = *ours;
    double value;
    int64_t integer;

    RT_ASSERT(rt_read_int(ours, &integer) && rt_read_number(&number, &value));
    if (theirs->type == MSGPACK_OBJECT_NEGATIVE_INTEGER) {
        RT_ASSERT(integer == theirs->via.i64 && value == (double)theirs->via.i64);
    } else {
        RT_ASSERT(integer == (theirs->via.u64 > INT64_MAX ? INT64_MAX : (int64_t)theirs->via.u64));
        RT_ASSERT(value == (double)theirs->via.u64);
    }
}

static void same_float(struct rt_reader *ours, const msgpack_object *theirs)
{
    struct rt_reader number = *ours;
    double value = 0;
    bool finite = rt_read_number(&number, &value);

    RT_ASSERT(finite == (theirs->via.f64 - theirs->via.f64 == 0));
    RT_ASSERT(!finite || value == theirs->via.f64);
    RT_ASSERT(rt_read_skip(ours, NULL));
}

static void same_bytes(struct rt_span ours, const char *data, uint32_t size)
{
    RT_ASSERT(ours.size == size && (size == 0 || memcmp(ours.data, data, size) == 0));
}

static void same_timestamp(struct rt_reader *ours, const msgpack_object *theirs)
{
    struct rt_reader reader = *ours;
    msgpack_timestamp stamp;
    int64_t ms;
    bool read = rt_read_timestamp(&reader, &ms);

    if (theirs->via.ext.type == -1 && msgpack_object_to_timestamp(theirs, &stamp)) {
        RT_ASSERT(read == (stamp.tv_nsec <= 999999999));
        if (read && stamp.tv_sec > INT64_MIN / 1001 && stamp.tv_sec < INT64_MAX / 1001)
            RT_ASSERT(ms == stamp.tv_sec * 1000 + stamp.tv_nsec / 1000000);
    } else {
        RT_ASSERT(!read);
    }
    RT_ASSERT(rt_read_skip(ours, NULL));
}

static void same_array(struct rt_reader *ours, const msgpack_object_array *theirs)
{
    uint32_t count;

    RT_ASSERT(rt_read_array(ours, &count) && count == theirs->size);
    for (uint32_t i = 0; i < count; i++)
        same(ours, &theirs->ptr[i]);
}

static void same_map(struct rt_reader *ours, const msgpack_object_map *theirs)
{
    uint32_t pairs;

    RT_ASSERT(rt_read_map(ours, &pairs) && pairs == theirs->size);
    for (uint32_t i = 0; i < pairs; i++) {
        same(ours, &theirs->ptr[i].key);
        same(ours, &theirs->ptr[i].val);
    }
}

static void same(struct rt_reader *ours, const msgpack_object *theirs)
{
    struct rt_span bytes;
    bool boolean;

    switch (theirs->type) {
    case MSGPACK_OBJECT_NIL:
        RT_ASSERT(rt_read_nil(ours));
        break;
    case MSGPACK_OBJECT_BOOLEAN:
        RT_ASSERT(rt_read_bool(ours, &boolean) && boolean == theirs->via.boolean);
        break;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        same_int(ours, theirs);
        break;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        same_float(ours, theirs);
        break;
    case MSGPACK_OBJECT_STR:
        RT_ASSERT(rt_read_str(ours, &bytes));
        same_bytes(bytes, theirs->via.str.ptr, theirs->via.str.size);
        break;
    case MSGPACK_OBJECT_BIN:
        RT_ASSERT(rt_read_bin(ours, &bytes));
        same_bytes(bytes, theirs->via.bin.ptr, theirs->via.bin.size);
        break;
    case MSGPACK_OBJECT_EXT:
        same_timestamp(ours, theirs);
        break;
    case MSGPACK_OBJECT_ARRAY:
        same_array(ours, &theirs->via.array);
        break;
    case MSGPACK_OBJECT_MAP:
        same_map(ours, &theirs->via.map);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct rt_span bytes = rt_span(data, size);
    struct rt_reader reader = rt_reader(bytes);
    bool whole = rt_read_skip(&reader, NULL) && rt_read_done(&reader);
    bool shallow = rt_msgpack_check(bytes, THEIR_NESTING);
    msgpack_unpacked theirs;
    size_t offset = 0;
    bool readable;

    RT_ASSERT(whole || !shallow);
    if (size == 0 || size > SIZE || (whole && !shallow))
        return 0;
    msgpack_unpacked_init(&theirs);
    readable =
        msgpack_unpack_next(&theirs, (const char *)data, size, &offset) == MSGPACK_UNPACK_SUCCESS &&
        offset == size;
    RT_ASSERT(readable == whole);
    if (readable) {
        reader = rt_reader(bytes);
        same(&reader, &theirs.data);
        RT_ASSERT(rt_read_done(&reader));
    }
    msgpack_unpacked_destroy(&theirs);
    return 0;
}

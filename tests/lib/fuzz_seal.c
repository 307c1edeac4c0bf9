#include "tests/lib/fuzz_seal.h"

#include <xxhash.h>

#include "protocol/assert.h"

/* ---- segments --------------------------------------------------------------------------------- */

static void seal_records(uint8_t *bytes, size_t size)
{
    size_t at = 0;

    while (size - at >= RT_RECORD_HEADER) {
        size_t claim = rt_record_claim(bytes + at);
        size_t space = claim == 0 ? 0 : rt_record_space(claim - RT_RECORD_HEADER);

        if (space == 0 || space > size - at)
            return;
        rt_record_seal(bytes + at, FUZZ_EPOCH, RT_SEGMENT_FIRST + at);
        at += space;
    }
}

void fuzz_seal_segment(struct rt_buffer *file, uint32_t log, uint32_t number, struct rt_span bytes)
{
    const struct rt_segment_header header = {
        .log = log, .number = number, .size = RT_SEGMENT_BYTES_MIN, .epoch = FUZZ_EPOCH};
    size_t most = RT_SEGMENT_BYTES_MIN - RT_SEGMENT_FIRST, start = file->size, padded;

    bytes.size = bytes.size < most ? bytes.size : most;
    padded = (bytes.size + RT_RECORD_ALIGN - 1) & ~(size_t)(RT_RECORD_ALIGN - 1);
    RT_ASSERT(rt_buffer_reserve(file, RT_SEGMENT_FIRST + padded));
    rt_segment_encode(file->data + start, &header);
    memset(file->data + start + RT_SEGMENT_FIRST, 0, padded);
    if (bytes.size > 0)
        memcpy(file->data + start + RT_SEGMENT_FIRST, bytes.data, bytes.size);
    seal_records(file->data + start + RT_SEGMENT_FIRST, padded);
    file->size = start + RT_SEGMENT_FIRST + padded;
}

/* ---- snapshots and intents (the formats stand in snapshot.c, journal_scrub.c) ------------------ */

void fuzz_seal_snapshot(struct rt_buffer *file, uint32_t partition, rt_position position,
                        struct rt_span content)
{
    XXH128_hash_t hash = XXH3_128bits(content.data, content.size);
    size_t start = file->size;

    rt_buffer_append(file, "rtsnap\r\n", 8);
    rt_put_u32(file, 1);
    rt_put_u32(file, partition);
    rt_put_u64(file, position);
    rt_put_u64(file, 0);
    rt_put_u64(file, 0);
    rt_put_u64(file, content.size);
    rt_put_u64(file, hash.low64);
    rt_put_u64(file, hash.high64);
    rt_put_u64(file, XXH3_64bits(file->data + start, file->size - start));
    rt_buffer_append(file, content.data, content.size);
    RT_ASSERT(!file->failed);
}

void fuzz_seal_intent(struct rt_buffer *file, struct rt_span entries)
{
    enum { ENTRY = 24 };
    uint32_t count = (uint32_t)(entries.size / ENTRY);
    size_t start = file->size;

    rt_buffer_append(file, "rtscrub\n", 8);
    rt_put_u32(file, 1);
    rt_put_u32(file, count);
    rt_buffer_append(file, entries.data, (size_t)count * ENTRY);
    rt_put_u64(file, XXH3_64bits(file->data + start, file->size - start));
    RT_ASSERT(!file->failed);
}

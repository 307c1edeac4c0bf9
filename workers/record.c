#include "workers/record.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "protocol/assert.h"

static uint32_t checksum(const uint8_t *at, size_t space, uint64_t epoch, uint64_t offset)
{
    return (uint32_t)XXH3_64bits_withSeed(at + 4, space - 4, epoch + offset);
}

void rt_record_encode(uint8_t *at, uint64_t epoch, uint64_t offset, const struct rt_record *record)
{
    size_t size = RT_RECORD_HEADER + record->body.size;
    size_t space = rt_record_space(record->body.size);

    RT_ASSERT(record->partition <= UINT16_MAX && record->body.size <= RT_RECORD_BODY_MAX);
    memset(at + space - RT_RECORD_ALIGN, 0, RT_RECORD_ALIGN);
    rt_store_u32(at + 4, (uint32_t)size);
    at[8] = (uint8_t)record->partition;
    at[9] = (uint8_t)(record->partition >> 8);
    at[10] = (uint8_t)record->type;
    at[11] = record->flags;
    rt_store_u64(at + 12, record->previous);
    if (record->body.size > 0) {
        memcpy(at + RT_RECORD_HEADER, record->body.data, record->body.size);
    }
    rt_store_u32(at, checksum(at, space, epoch, offset));
}

void rt_record_seal(uint8_t *at, uint64_t epoch, uint64_t offset)
{
    size_t space = rt_record_space(rt_load_u32(at + 4) - RT_RECORD_HEADER);

    rt_store_u32(at, checksum(at, space, epoch, offset));
}

size_t rt_record_claim(const uint8_t *at)
{
    size_t size = rt_load_u32(at + 4);
    bool known = at[10] >= RT_RECORD_EVENT && at[10] <= RT_RECORD_END;

    return known && size >= RT_RECORD_HEADER && size <= RT_RECORD_HEADER + RT_RECORD_BODY_MAX ? size
                                                                                              : 0;
}

enum rt_record_state rt_record_decode(const uint8_t *at, size_t available, uint64_t epoch,
                                      uint64_t offset, struct rt_record *record, size_t *space)
{
    size_t size, needed;

    if (available < RT_RECORD_HEADER) {
        return RT_RECORD_BAD;
    }
    if (rt_load_u64(at) == 0) {
        return RT_RECORD_NONE;
    }
    size = rt_record_claim(at);
    if (size == 0) {
        return RT_RECORD_BAD;
    }
    needed = rt_record_space(size - RT_RECORD_HEADER);
    if (needed > available || rt_load_u32(at) != checksum(at, needed, epoch, offset)) {
        return RT_RECORD_BAD;
    }
    record->partition = (uint32_t)at[8] | (uint32_t)at[9] << 8;
    record->type = at[10];
    record->flags = at[11];
    record->previous = rt_load_u64(at + 12);
    record->body = rt_span(at + RT_RECORD_HEADER, size - RT_RECORD_HEADER);
    *space = needed;
    return RT_RECORD_GOOD;
}

void rt_commit_encode(uint8_t body[RT_COMMIT_BODY], int64_t time, uint64_t config_epoch)
{
    rt_store_u64(body, (uint64_t)time);
    rt_store_u64(body + 8, config_epoch);
}

bool rt_commit_decode(struct rt_span body, int64_t *time, uint64_t *config_epoch)
{
    if (body.size != RT_COMMIT_BODY) {
        return false;
    }
    *time = (int64_t)rt_load_u64(body.data);
    *config_epoch = rt_load_u64(body.data + 8);
    return true;
}

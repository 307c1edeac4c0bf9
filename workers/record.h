/* The bytes of one journal record. Pure.
 *
 *     offset  size
 *          0     4  checksum: low half of XXH3-64 over everything after it, padding too;
 *                   seed: epoch + offset
 *          4     4  size: header and body, without padding
 *          8     2  partition
 *         10     1  type: enum rt_record_type
 *         11     1  flags
 *         12     8  previous
 *         20        body, then zeroes up to a multiple of 8
 *
 * All integers are little-endian. The seed makes a record valid at its own place in its own
 * segment's life only: stale bytes, copies elsewhere and bodies that contain records do not pass.
 * Bytes that do not pass are never an assertion: they are RT_RECORD_BAD.
 *
 * To change the format: raise RT_SEGMENT_VERSION (segment.h) and keep reading the old one;
 * docs/FORMATS.md. */
#ifndef RT_WORKERS_RECORD_H
#define RT_WORKERS_RECORD_H

#include <endian.h>

#include "workers/journal.h"

enum {
    RT_RECORD_HEADER = 20,
    RT_RECORD_ALIGN = 8,
    RT_RECORD_BODY_MAX = 8 << 20, /* and a quarter of the segment */
    RT_COMMIT_BODY = 16,
    RT_START_BODY = 8,
};

/* Bytes a body of `size` takes in the segment. */
static inline size_t rt_record_space(size_t size)
{
    return (RT_RECORD_HEADER + size + RT_RECORD_ALIGN - 1) & ~(size_t)(RT_RECORD_ALIGN - 1);
}

static inline rt_position rt_position_make(uint32_t log, uint32_t segment, uint64_t offset)
{
    return (uint64_t)log << 48 | (uint64_t)segment << 26 | offset / RT_RECORD_ALIGN;
}

static inline uint32_t rt_position_segment(rt_position position)
{
    return (uint32_t)(position >> 26) & 0x3fffff;
}

static inline uint64_t rt_position_offset(rt_position position)
{
    return (position & 0x3ffffff) * RT_RECORD_ALIGN;
}

static inline uint32_t rt_load_u32(const uint8_t *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof(value));
    return le32toh(value);
}

static inline uint64_t rt_load_u64(const uint8_t *at)
{
    uint64_t value;

    memcpy(&value, at, sizeof(value));
    return le64toh(value);
}

static inline void rt_store_u32(uint8_t *at, uint32_t value)
{
    value = htole32(value);
    memcpy(at, &value, sizeof(value));
}

static inline void rt_store_u64(uint8_t *at, uint64_t value)
{
    value = htole64(value);
    memcpy(at, &value, sizeof(value));
}

/* Writes a record with its checksum at `at`, rt_record_space(record->body.size) bytes, which stand
 * at `offset` in a segment of that epoch. Takes partition (< 65536), type, flags, previous and body
 * from *record. */
void rt_record_encode(uint8_t *at, uint64_t epoch, uint64_t offset, const struct rt_record *record);

/* Fills the checksum again after the body was changed in place. */
void rt_record_seal(uint8_t *at, uint64_t epoch, uint64_t offset);

/* The size a header claims, header and body, 0 if it cannot be that of a record (too small or
 * large, an unknown type). `at` has RT_RECORD_HEADER bytes. */
size_t rt_record_claim(const uint8_t *at);

enum rt_record_state { RT_RECORD_GOOD, RT_RECORD_BAD, RT_RECORD_NONE /* a header of zeroes */ };

/* Checks the record at `at` with `available` bytes behind it. If it is GOOD *record is filled (not
 * its position) and *space is what it takes; else both are untouched. */
enum rt_record_state rt_record_decode(const uint8_t *at, size_t available, uint64_t epoch,
                                      uint64_t offset, struct rt_record *record, size_t *space);

/* The bodies of the journal's own records. */
void rt_commit_encode(uint8_t body[RT_COMMIT_BODY], int64_t time, uint64_t config_epoch);
/* False if the body has another size. */
bool rt_commit_decode(struct rt_span body, int64_t *time, uint64_t *config_epoch);

#endif

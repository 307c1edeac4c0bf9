/* Segment files: their names, their header, and how a new one comes to be.
 *
 * A segment is a file of fixed size, LLLL-SSSSSS.seg in the journal's folder. Its first page holds
 * the header twice (one damaged copy loses nothing); records follow from RT_SEGMENT_FIRST on, then
 * zeroes. New ones are written under a temporary name, allocated, zeroed, synced, renamed, and the
 * folder synced: a file with a segment's name is whole.
 *
 *     offset  size
 *          0     8  magic "rtjrnl\r\n"
 *          8     4  version
 *         12     4  log
 *         16     4  segment
 *         20     4  offset of the first record
 *         24     8  size of the file
 *         32     8  epoch: random, seeds the checksums of its records
 *         40     8  zero
 *         48     8  XXH3-64 of the 48 bytes before
 *       2048        the same again
 *
 * Version 1 has no COMMAND records of the kinds OVERRIDE, OVERRIDE_END and VOID (command.h); else it is the
 * same, and a segment of it is written on.
 *
 * To change it: raise RT_SEGMENT_VERSION, decode the old version into the same struct;
 * docs/FORMATS.md. */
#ifndef RT_WORKERS_SEGMENT_H
#define RT_WORKERS_SEGMENT_H

#include "workers/disk.h"
#include "workers/record.h"

enum {
    RT_SEGMENT_VERSION = 2,
    RT_SEGMENT_VERSION_OLDEST = 1,
    RT_SEGMENT_FIRST = 4096,
    RT_SEGMENT_COPY = 2048,
    RT_SEGMENT_HEADER = 56,
    RT_SEGMENT_NAME = 32,
    RT_SEGMENT_BYTES_MIN = 64 << 10,
    RT_SEGMENT_BYTES_MAX = 512 << 20,
    RT_SEGMENT_NUMBER_MAX = 0x3fffff,
};

struct rt_segment_header {
    uint32_t log, number;
    uint64_t size, epoch;
    uint32_t version; /* as read: it is written again so; 0: the newest */
};

/* Fills a page of RT_SEGMENT_FIRST bytes. */
void rt_segment_encode(uint8_t *page, const struct rt_segment_header *header);

/* True if one of the two copies is good and is of this log and number. */
bool rt_segment_decode(const uint8_t *page, struct rt_segment_header *header);

/* True if a copy is good but of a version that this program does not know: such a file is neither
 * damaged nor ours to change. */
bool rt_segment_unknown(const uint8_t *page);

void rt_segment_name(char name[RT_SEGMENT_NAME], uint32_t log, uint32_t number);
/* False if it is no name of a segment. */
bool rt_segment_name_parse(const char *name, uint32_t *log, uint32_t *number);

/* Makes a segment file of header->size bytes. Returns a descriptor open for reading and writing, or
 * -1 with errno; nothing is left then. */
int rt_segment_create(int folder, const struct rt_segment_header *header);

/* A random epoch; 0 if the system has no randomness to give. */
uint64_t rt_segment_epoch(void);

#endif

/* A run: the identities of a range of a log, sorted, immutable, in a file that is mapped. The
 * filter and the fences (the first identity of each block) are in memory; an identity is looked for
 * in one or two blocks, each with a checksum of its own that is checked when it is read. A run that
 * does not pass is no loss: it is built again from the log.
 *
 * File LLLL-FROM-TO.idx (log; offsets of its first and behind its last position within the log,
 * hexadecimal):
 *
 *     offset  size
 *          0     8  magic "rtindex\n"
 *          8     4  version
 *         12     4  log
 *         16     8  from: it holds every event at or after this position
 *         24     8  to: and before this one
 *         32     8  newest: no commit in it is newer (ms)
 *         40     8  count of entries
 *         48     8  count of filter blocks
 *         56     8  XXH3-64 of filter and fences
 *         64   512  a bit for each partition it has events of
 *        576     8  XXH3-64 of the 576 bytes before
 *       4096        filter: blocks of 32 bytes; fences: u64 for each block of entries; zeroes up to
 *                   a multiple of 4096
 *                   blocks of 4096 bytes: XXH3-64 of the rest, then up to 255 x (u64 identity, u64
 *                   position), by both ascending
 *
 * To change it: raise RT_RUN_VERSION; runs of another version are removed and built again. */
#ifndef RT_WORKERS_DEDUPE_RUN_H
#define RT_WORKERS_DEDUPE_RUN_H

#include "protocol/limits.h"
#include "workers/dedupe_filter.h"
#include "workers/record.h"

enum {
    RT_RUN_VERSION = 1,
    RT_RUN_PAGE = 4096,
    RT_RUN_ENTRIES = 255, /* in a block */
    RT_RUN_NAME = 48,
    RT_RUN_PARTITIONS = RT_PARTITIONS_MAX / 8,
};

struct rt_entry {
    uint64_t identity;
    rt_position position;
};

struct rt_run_header {
    uint32_t log;
    rt_position from, to;
    int64_t newest;
    uint64_t count;
    uint8_t partitions[RT_RUN_PARTITIONS];
};

struct rt_run {
    struct rt_run_header header;
    struct rt_filter_block *filter;
    size_t filter_blocks;
    uint64_t *fences;
    size_t blocks;
    uint8_t *checked;   /* a bit for each block that has passed */
    const uint8_t *map; /* the file */
    size_t mapped;
    bool young;    /* the front filter answers for it */
    bool damaged;  /* a block did not pass: do not merge it, do not open it again */
    bool disowned; /* its file was removed for that */
};

void rt_run_name(char name[RT_RUN_NAME], const struct rt_run_header *header);
/* False if it is no name of a run. Fills log, from and to. */
bool rt_run_name_parse(const char *name, struct rt_run_header *header);

/* Gives entries in order, by (identity, position). False at the end or on failure. */
typedef bool rt_run_next(void *source, struct rt_entry *entry);

/* Writes a run of header->count entries (fewer or more from `next` is a failure) and opens it. NULL
 * with errno, no file is left then. */
struct rt_run *rt_run_write(int folder, const struct rt_run_header *header, rt_run_next *next,
                            void *source);

/* NULL with errno; EBADMSG: damaged, cut short, or of another version. */
struct rt_run *rt_run_open(int folder, const char *name);
void rt_run_free(struct rt_run *run); /* takes NULL */

/* Reads a run from its first byte to its last. NULL, or what is wrong with it and in *offset where;
 * *entries: how many it holds. */
const char *rt_run_check(int folder, const char *name, uint64_t *offset, uint64_t *entries);

/* Memory it occupies beside the mapping. */
size_t rt_run_bytes(const struct rt_run *run);

/* Adds the positions of an identity to found[*count], up to `max` of them; *count goes on. False if
 * a block is damaged: nothing is known then. */
bool rt_run_find(struct rt_run *run, uint64_t identity, rt_position *found, size_t *count,
                 size_t max);

/* Entries one after the other, for merging. */
struct rt_run_cursor {
    const struct rt_run *run;
    size_t block, within;
    const uint8_t *bytes; /* of the block, once its first entry was taken */
    size_t entries;
    bool damaged;
};
/* False at the end or at a damaged block. */
bool rt_run_cursor_next(struct rt_run_cursor *cursor, struct rt_entry *entry);

#endif

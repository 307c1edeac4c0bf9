/* Reads one segment's records in order, and finds its way again after damage: the next record that
 * can be trusted is looked for at every multiple of 8 behind the bad one (its checksum depends on
 * its place, so that what happens to look like a record in a body does not pass).
 *
 * Reads through a buffer of its own, not a mapping: a bad sector is then an error and no signal. */
#ifndef RT_WORKERS_SEGMENT_SCAN_H
#define RT_WORKERS_SEGMENT_SCAN_H

#include "workers/segment.h"

struct rt_segment_scan {
    int fd;
    struct rt_segment_header header;
    uint64_t limit;  /* scan up to here: the size of the file or the end of the log */
    uint64_t offset; /* of the next record */
    uint8_t *buffer; /* bytes [start, start + filled) of the file */
    size_t capacity, filled;
    uint64_t start;
    bool ended; /* the file ended before `limit` */
};

enum rt_segment_result {
    RT_SCAN_RECORD,
    RT_SCAN_GAP,   /* bytes that are no record; the scan goes on behind them */
    RT_SCAN_END,   /* the limit, the END record, or nothing but zeroes up to the limit */
    RT_SCAN_ERROR, /* errno: EIO and the like, ENOMEM */
};

struct rt_segment_found {
    struct rt_record record;
    uint64_t offset, space; /* of the record or gap */
    bool sealed;            /* END: there was an END record */
    bool torn; /* GAP: looks like a write that was cut off: zeroes from a sector's border on */
};

/* Opens a segment for scanning from `offset` on (0: its first record). A limit of 0 or beyond the
 * file is the file's size. False with errno; EBADMSG: neither copy of the header is good;
 * EPROTONOSUPPORT: it is of a version that this program does not know. */
bool rt_segment_scan_open(struct rt_segment_scan *scan, int folder, uint32_t log, uint32_t number,
                          uint64_t offset, uint64_t limit);
/* Takes one that failed to open. */
void rt_segment_scan_close(struct rt_segment_scan *scan);

/* Spans of the record are valid until the next call. END records are not given out, START records
 * are. */
enum rt_segment_result rt_segment_scan_next(struct rt_segment_scan *scan,
                                            struct rt_segment_found *found);

#endif

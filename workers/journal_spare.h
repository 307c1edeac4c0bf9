/* The thread that makes segments ahead of need, so that lack of space is met before anything
 * changed and rotation costs nothing. When a segment cannot be made (disk full, max_bytes) it tries
 * again five times a second, for as long as more are wanted. */
#ifndef RT_WORKERS_JOURNAL_SPARE_H
#define RT_WORKERS_JOURNAL_SPARE_H

#include "workers/segment.h"

enum { RT_SPARES_MAX = 64 };

struct rt_spare {
    struct rt_segment_header header;
    int fd; /* the taker's */
};

struct rt_spares;

/* Segments of `log` with numbers from `next` on, of segment_bytes each. `bytes`: what the log
 * occupies already (spares that are put in not counted); no more than max_bytes altogether (0: no
 * limit). NULL without memory or threads. */
struct rt_spares *rt_spares_new(int folder, uint32_t log, uint32_t next, uint64_t segment_bytes,
                                uint64_t bytes, uint64_t max_bytes);
void rt_spares_free(struct rt_spares *spares); /* waits for one being made; takes NULL */

/* Puts in one that was found on disk. False if there are too many. */
bool rt_spares_put(struct rt_spares *spares, struct rt_spare spare);

/* Wants `count` ready from now on. True if they are; waits for them if `wait`, as long as there is
 * space. False for more than RT_SPARES_MAX. */
bool rt_spares_want(struct rt_spares *spares, size_t count, bool wait);

/* Takes the next one in order; false if none is ready. */
bool rt_spares_take(struct rt_spares *spares, struct rt_spare *spare);

/* Segments that went make room under max_bytes. */
void rt_spares_freed(struct rt_spares *spares, uint64_t bytes);

/* Bytes the log occupies, spares too, and may occupy (0: no limit). */
void rt_spares_size(struct rt_spares *spares, uint64_t *bytes, uint64_t *max_bytes);

/* Another limit, from now on. */
void rt_spares_limit(struct rt_spares *spares, uint64_t max_bytes);

#endif

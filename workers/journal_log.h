/* One log as it lies on disk: its segments in order, mapped when they are read. */
#ifndef RT_WORKERS_JOURNAL_LOG_H
#define RT_WORKERS_JOURNAL_LOG_H

#include "workers/segment.h"

struct rt_segment {
    uint32_t number;
    bool known;  /* size and epoch are read from its header */
    bool broken; /* its header cannot be read */
    bool cut;    /* its file is shorter than its header says; known as `used` is */
    bool used;   /* something stands in it: known of those that rt_log_find_end has scanned */
    uint64_t size, epoch;
    const uint8_t *map; /* NULL: not mapped */
    size_t mapped;
    bool has_begun;
    int64_t begun; /* judging time of the group it began in: no commit in the segment before it is
                      newer */
};

struct rt_log {
    uint32_t id;
    int folder;                  /* of the journal; not owned */
    struct rt_segment *segments; /* ascending */
    size_t count, capacity;
    bool end_known;
    rt_position end;   /* after the last committed record */
    rt_position group; /* where the last whole group begins, 0: unknown */
    bool unfinished;   /* something stands behind the end, or the file ends there */
    int64_t time;      /* newest judging time, 0: none */
};

/* Releases what the log holds; the log itself is the caller's. */
void rt_log_free(struct rt_log *log);

/* Room for one more segment, so that the next add cannot fail. False without memory. */
bool rt_log_reserve(struct rt_log *log);

/* Adds a segment in its place (one that is there already stays as it is). NULL without memory.
 * Pointers to segments end with the next add or remove. */
struct rt_segment *rt_log_add(struct rt_log *log, uint32_t number);
/* Unmaps and forgets it; the file is the caller's matter. */
void rt_log_remove(struct rt_log *log, size_t index);

/* NULL if there is none. */
struct rt_segment *rt_log_segment(struct rt_log *log, uint32_t number);

/* The first segment whose number is at least `number`; log->count if there is none. */
size_t rt_log_from(const struct rt_log *log, uint32_t number);

enum rt_log_read {
    RT_LOG_READ,
    RT_LOG_ERASED,
    RT_LOG_GONE,       /* trimmed, damaged, or never there */
    RT_LOG_UNREADABLE, /* the system refuses to read the file (errno): nothing is known of it */
};

/* Reads a record through a mapping; of an erased one *record without its body. Spans live until the
 * segment is removed. */
enum rt_log_read rt_log_read(struct rt_log *log, rt_position position, struct rt_record *record);

/* The judging time of the group in which the segment at `index` began. False if it has not begun or
 * cannot be read. */
bool rt_log_begun(struct rt_log *log, size_t index, int64_t *time);

/* All logs of a folder. */
struct rt_logs {
    struct rt_log *logs; /* ascending */
    size_t count;
};

/* Lists the segments in the folder; journal_end.h finds their ends. False with errno. */
bool rt_logs_list(struct rt_logs *logs, int folder);
void rt_logs_free(struct rt_logs *logs);
/* Added empty if it is not there and `add` is true; else NULL. NULL without memory, too. Pointers
 * end with an add. */
struct rt_log *rt_logs_get(struct rt_logs *logs, int folder, uint32_t id, bool add);

#endif

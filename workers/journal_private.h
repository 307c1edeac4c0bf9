/* What the files of the journal share; nobody else includes this. */
#ifndef RT_WORKERS_JOURNAL_PRIVATE_H
#define RT_WORKERS_JOURNAL_PRIVATE_H

#include "workers/journal_log.h"
#include "workers/journal_spare.h"
#include "workers/journal_writer.h"

/* The segment that is being filled. */
struct rt_current {
    int fd;
    struct rt_segment_header header;
    uint64_t
        offset; /* of the next record; RT_SEGMENT_FIRST: nothing stands in it, not even its START */
};

/* A record that is to be scrubbed. */
struct rt_scrub {
    rt_position position;
    rt_position previous;
    uint32_t size; /* of the body */
    uint16_t partition;
    uint8_t type, flags;
};

struct rt_scrubs {
    struct rt_scrub *at;
    size_t count, capacity;
};

struct rt_journal {
    char *state_dir;
    int folder, lock;
    uint32_t id;
    uint32_t
        siblings; /* logs from it on are of this generation, those before it are earlier generations': rt_journal_inherited */
    uint64_t segment_bytes;
    struct rt_logs logs;
    struct rt_log *own; /* in logs */
    struct rt_spares *spares;
    struct rt_writer *writer;
    struct rt_current current;

    struct rt_group groups[2];
    unsigned filling;  /* which of them; the other may be in flight */
    rt_position first; /* where the group that is being filled begins */
    int64_t time;      /* newest judging time, of the group in flight too */
    bool in_flight;
    rt_position flight_end;
    int64_t flight_time;

    struct rt_scrubs scrubs;
    bool failed; /* for good; failure says why */
    char failure[RT_JOURNAL_ERROR];
    char note[RT_JOURNAL_ERROR];
};

/* Fails for good. */
void rt_journal_fail(struct rt_journal *journal, const char *what, int fault);

/* Makes a spare the segment that is filled. rt_log_reserve must have been called. */
void rt_journal_begin_segment(struct rt_journal *journal, const struct rt_spare *spare);

/* journal_scrub.c: what an intent lists, the caller's to free. False with errno (EBADMSG: damaged,
 * or of another version). */
bool rt_scrub_read(int folder, const char *name, struct rt_scrubs *scrubs);

/* journal_scrub.c: finishes the scrubs whose intents lie in the folder, of logs that nobody else
 * writes. */
bool rt_scrub_redo(struct rt_journal *journal, char *error);

#endif

/* The worker's shell: it moves bytes between the link, the core, the journal and the snapshots, and
 * holds no opinion.
 *
 * One commit group at a time is being written while the next is filled. What was said about a group
 * (alerts, then answers) waits in its outbox until it is on disk. */
#ifndef RT_WORKERS_WORKER_H
#define RT_WORKERS_WORKER_H

#include "workers/clock.h"
#include "workers/core.h"
#include "workers/dedupe.h"
#include "workers/scan.h"
#include "workers/snapshot.h"
#include "workers/wire.h"

/* What leaves when a group is on disk. */
struct rt_outbox {
    struct rt_buffer alerts, answers;
};

/* Alerts that are too old for the list and still stand in the journal. */
struct rt_past_alert {
    rt_position position;
    uint32_t partition;
};

struct rt_past_alerts {
    struct rt_past_alert *all;
    size_t count;
};

struct rt_worker {
    struct rt_wire wire;
    struct rt_link_setup setup;
    char state_dir[RT_PATH];
    struct rt_config configs[2]; /* the one in force and the one before */
    struct rt_config *config;
    struct rt_core core;
    struct rt_journal *journal;
    struct rt_dedupe *dedupe;
    struct rt_clock clock;
    uint64_t secret;
    int commit_fd; /* eventfd: a commit or a snapshot is done */
    int timer_fd;  /* the next moment something is due */

    struct rt_outbox filling, flying;
    struct rt_buffer rejections; /* scratch of ingest.c */
    int64_t last_quiet;          /* judging time of the newest quiet event */
    struct rt_scan *scans;       /* under way, oldest first */
    bool busy;                   /* there is work that waits for nobody: do not sleep */
    bool stopping;
    bool disk_full, disk_low;
    uint64_t wanted_bytes; /* disk_full: the largest that was refused */
    uint32_t wanted_records;
    uint64_t disk_left; /* bytes */
    int hold;           /* against backups, while an erase is done again at start; -1: none */

    struct rt_past_alerts past_alerts;
    struct rt_snapshot_writer *writer;
    struct rt_snapshot taken; /* in memory, waits for its group to be on disk */
    bool has_taken;
    uint32_t cycle;       /* next partition of the cycle; partitions: none under way */
    int64_t next_cycle;   /* judging time */
    uint64_t cycle_bytes; /* bytes of the journal when the last cycle began */
    uint64_t appended;    /* bytes appended since start */
};

/* Runs until the daemon says stop or goes away. The exit status of the process. */
int rt_worker_run(struct rt_worker *worker);

/* ---- between the files of the shell ---------------------------------------------------------- */

int64_t rt_worker_now(struct rt_worker *worker);

/* Where an answer goes: the outbox of the group whose state it saw, or straight out if all of it is
 * on disk. */
struct rt_buffer *rt_worker_answers(struct rt_worker *worker);

/* ingest.c: an EVENTS frame with those of its kind that stand right behind it; one BURY frame. */
void rt_ingest(struct rt_worker *worker, const struct rt_link_header *header, struct rt_span body);
void rt_bury(struct rt_worker *worker, const struct rt_link_header *header, struct rt_span body);

/* room.c: space for what is about to be appended; a look at how much is left. */
bool rt_room_for(struct rt_worker *worker, uint64_t bytes, uint32_t records);
void rt_room_watch(struct rt_worker *worker);

/* ask.c: one QUERY frame; scans under way. */
void rt_ask(struct rt_worker *worker, const struct rt_link_header *header, struct rt_span body);
void rt_scan_on(struct rt_worker *worker);

/* keep.c: snapshots and what is done away with for its age. */
void rt_keep_after_commit(struct rt_worker *worker); /* a group was handed over */
void rt_keep_poll(struct rt_worker *worker);
void rt_keep_all(struct rt_worker *worker); /* at a clean stop; waits */
void rt_keep_wait(struct rt_worker *worker);
/* Alerts and dead letters that are too old, or too many, are listed no more. */
void rt_keep_expire(struct rt_worker *worker);
/* Dead letters beyond limits.dead_bytes go, the oldest first; of `spared` (or NULL) the newest
 * stays. */
void rt_keep_dead(struct rt_worker *worker, const struct rt_shard *spared);

/* forget.c: overwrites what has left the lists. False if it could not be done now: no snapshot then. */
bool rt_forget(struct rt_worker *worker);
/* Drops alerts published before `before` from the list and keeps them for rt_forget. */
void rt_forget_alerts(struct rt_worker *worker, int64_t before);

/* Closes the group, writes it and waits: erase, stop. */
void rt_worker_flush(struct rt_worker *worker);

/* A line for the log, with the worker's number; the worker's end if `fatal`. */
void rt_worker_log(const struct rt_worker *worker, const char *level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
_Noreturn void rt_worker_die(const struct rt_worker *worker, const char *what, const char *why);

#endif

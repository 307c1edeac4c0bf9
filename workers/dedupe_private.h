/* What the files of the index share; nobody else includes this. */
#ifndef RT_WORKERS_DEDUPE_PRIVATE_H
#define RT_WORKERS_DEDUPE_PRIVATE_H

#include "workers/dedupe.h"
#include "workers/dedupe_job.h"

/* Identities in a new run, and the factor between the sizes of runs that are merged. */
enum { RT_SEAL_ENTRIES = 32 << 10, RT_MERGE_FACTOR = RT_MERGE_RUNS };

/* One filter over everything new: the lists, and the runs sealed since it was last emptied, until
 * they are merged. Nearly all lookups end at it and at the filters of the few larger runs. */
struct rt_front {
    struct rt_filter_block *filter;
    size_t blocks;
    uint64_t count, capacity; /* identities */
};

struct rt_dedupe {
    struct rt_journal *journal;
    int folder; /* the journal's */
    uint32_t log;

    rt_journal_damaged *damaged; /* of the opener, for opening */
    void *context;

    uint64_t seal;         /* RT_SEAL_ENTRIES; tests take fewer */
    struct rt_fresh fresh; /* of [fresh_from, now) of the own log */
    rt_position fresh_from;
    struct rt_fresh
        sealing; /* the list the thread writes as a run, [sealing_from, fresh_from); empty: none */
    rt_position sealing_from;
    int64_t sealing_newest;
    struct rt_fresh
        held; /* of any log: runs that could not be written at opening; they stay in memory */

    struct rt_front front;

    struct rt_run **runs; /* ascending by log and from */
    size_t run_count, run_capacity;
    struct rt_jobs *jobs;
    bool merge_next; /* the last job was a seal */
    bool merging;    /* inputs of the job under way: these runs must stay */
    size_t merge_first;
    uint8_t own[RT_RUN_PARTITIONS]; /* this worker's partitions */
    unsigned pause;                 /* maintains to let pass after a job failed */
};

/* Puts a run in its place; it is the index's then. False without memory. */
bool rt_dedupe_put(struct rt_dedupe *dedupe, struct rt_run *run);

/* Empties the front filter but for the lists; the runs answer for themselves from here on. Makes it
 * larger if the lists alone fill half of it. False without memory; unchanged then. */
bool rt_dedupe_renew_front(struct rt_dedupe *dedupe);

/* dedupe_open.c: opens runs of all logs, builds what is missing. */
bool rt_dedupe_fill(struct rt_dedupe *dedupe, int64_t not_before, char *error);

#endif

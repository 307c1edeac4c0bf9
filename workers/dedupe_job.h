/* The thread that writes runs: one job at a time, a seal (a list of new entries) or a merge (of
 * runs). It shares nothing but the job: the lookup goes on in what was there before until the owner
 * takes the result over. */
#ifndef RT_WORKERS_DEDUPE_JOB_H
#define RT_WORKERS_DEDUPE_JOB_H

#include "workers/dedupe_fresh.h"

enum { RT_MERGE_RUNS = 8 };

struct rt_job {
    struct rt_run_header header;
    struct rt_entry
        *entries; /* a seal: header.count of them, the job's own, in any order; else NULL */
    const struct rt_run
        *inputs[RT_MERGE_RUNS]; /* a merge: the owner's, who keeps them until it is over */
    size_t input_count;
    struct rt_run *result; /* NULL: failed */
    bool input_damaged[RT_MERGE_RUNS];
};

/* Does a job in the calling thread. */
void rt_job_do(struct rt_job *job, int folder);

struct rt_jobs;

/* NULL without memory or threads. */
struct rt_jobs *rt_jobs_new(int folder);
void rt_jobs_free(struct rt_jobs *jobs); /* waits; drops the result; takes NULL */

bool rt_jobs_busy(const struct rt_jobs *jobs);
/* Takes over job->entries. Not while busy. */
void rt_jobs_start(struct rt_jobs *jobs, const struct rt_job *job);
/* True once for each finished job, which is then the caller's (its result; the entries are freed).
 * Waits for it if `wait`. */
bool rt_jobs_finished(struct rt_jobs *jobs, struct rt_job *job, bool wait);

#endif

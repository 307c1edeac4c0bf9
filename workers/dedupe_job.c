#include "workers/dedupe_job.h"

#include <pthread.h>
#include <stdlib.h>

#include "protocol/assert.h"

/* ---- the work ----------------------------------------------------------------------------- */

struct list {
    const struct rt_entry *entries;
    uint64_t at, count;
};

static bool next_in_list(void *source, struct rt_entry *entry)
{
    struct list *list = source;

    if (list->at == list->count) {
        return false;
    }
    *entry = list->entries[list->at++];
    return true;
}

static void seal(struct rt_job *job, int folder)
{
    struct list list = {.entries = job->entries, .count = job->header.count};

    if (rt_entries_sort(job->entries, (size_t)job->header.count)) {
        job->result = rt_run_write(folder, &job->header, next_in_list, &list);
    }
}

struct merge {
    struct rt_run_cursor cursors[RT_MERGE_RUNS];
    struct rt_entry heads[RT_MERGE_RUNS];
    bool has[RT_MERGE_RUNS];
    size_t count;
    bool damaged;
};

static void advance(struct merge *merge, size_t i)
{
    merge->has[i] = rt_run_cursor_next(&merge->cursors[i], &merge->heads[i]);
    merge->damaged = merge->damaged || merge->cursors[i].damaged;
}

static bool before(const struct rt_entry *a, const struct rt_entry *b)
{
    return a->identity < b->identity || (a->identity == b->identity && a->position < b->position);
}

static bool next_in_merge(void *source, struct rt_entry *entry)
{
    struct merge *merge = source;
    size_t least = RT_MERGE_RUNS;

    for (size_t i = 0; i < merge->count; i++) {
        if (merge->has[i] &&
            (least == RT_MERGE_RUNS || before(&merge->heads[i], &merge->heads[least]))) {
            least = i;
        }
    }
    if (merge->damaged || least == RT_MERGE_RUNS) {
        return false;
    }
    *entry = merge->heads[least];
    advance(merge, least);
    return true;
}

static void merge_runs(struct rt_job *job, int folder)
{
    struct merge merge = {.count = job->input_count};

    for (size_t i = 0; i < merge.count; i++) {
        merge.cursors[i].run = job->inputs[i];
        advance(&merge, i);
    }
    job->result = rt_run_write(folder, &job->header, next_in_merge, &merge);
    for (size_t i = 0; i < merge.count; i++) {
        job->input_damaged[i] = merge.cursors[i].damaged;
    }
}

void rt_job_do(struct rt_job *job, int folder)
{
    if (job->entries != NULL) {
        seal(job, folder);
    } else {
        merge_runs(job, folder);
    }
    free(job->entries);
    job->entries = NULL;
}

/* ---- the thread --------------------------------------------------------------------------- */

enum stage { IDLE, STARTED, FINISHED };

struct rt_jobs {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int folder;
    bool stop;
    enum stage stage;
    struct rt_job job; /* the thread's while STARTED */
};

static void *run(void *context)
{
    struct rt_jobs *jobs = context;

    pthread_mutex_lock(&jobs->lock);
    for (;;) {
        while (jobs->stage != STARTED && !jobs->stop) {
            pthread_cond_wait(&jobs->changed, &jobs->lock);
        }
        if (jobs->stage != STARTED) {
            break;
        }
        pthread_mutex_unlock(&jobs->lock);
        rt_job_do(&jobs->job, jobs->folder);
        pthread_mutex_lock(&jobs->lock);
        jobs->stage = FINISHED;
        pthread_cond_broadcast(&jobs->changed);
    }
    pthread_mutex_unlock(&jobs->lock);
    return NULL;
}

struct rt_jobs *rt_jobs_new(int folder)
{
    struct rt_jobs *jobs = calloc(1, sizeof(*jobs));

    if (jobs == NULL) {
        return NULL;
    }
    jobs->folder = folder;
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_cond_init(&jobs->changed, NULL);
    if (pthread_create(&jobs->thread, NULL, run, jobs) != 0) {
        free(jobs);
        return NULL;
    }
    return jobs;
}

void rt_jobs_free(struct rt_jobs *jobs)
{
    if (jobs == NULL) {
        return;
    }
    pthread_mutex_lock(&jobs->lock);
    jobs->stop = true;
    pthread_cond_broadcast(&jobs->changed);
    pthread_mutex_unlock(&jobs->lock);
    pthread_join(jobs->thread, NULL);
    rt_run_free(jobs->job.result);
    pthread_cond_destroy(&jobs->changed);
    pthread_mutex_destroy(&jobs->lock);
    free(jobs);
}

static enum stage stage_of(const struct rt_jobs *jobs)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&jobs->lock;
    enum stage stage;

    pthread_mutex_lock(lock);
    stage = jobs->stage;
    pthread_mutex_unlock(lock);
    return stage;
}

bool rt_jobs_busy(const struct rt_jobs *jobs)
{
    return stage_of(jobs) != IDLE;
}

void rt_jobs_start(struct rt_jobs *jobs, const struct rt_job *job)
{
    RT_ASSERT(stage_of(jobs) == IDLE);
    pthread_mutex_lock(&jobs->lock);
    jobs->job = *job;
    jobs->stage = STARTED;
    pthread_cond_broadcast(&jobs->changed);
    pthread_mutex_unlock(&jobs->lock);
}

bool rt_jobs_finished(struct rt_jobs *jobs, struct rt_job *job, bool wait)
{
    bool finished;

    pthread_mutex_lock(&jobs->lock);
    while (wait && jobs->stage == STARTED) {
        pthread_cond_wait(&jobs->changed, &jobs->lock);
    }
    finished = jobs->stage == FINISHED;
    if (finished) {
        *job = jobs->job;
        jobs->job = (struct rt_job){0};
        jobs->stage = IDLE;
    }
    pthread_mutex_unlock(&jobs->lock);
    return finished;
}

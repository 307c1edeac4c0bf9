/* Looking up, remembering, and keeping house.
 *
 * Every event on disk that is young enough is in exactly one of: a run, the list being sealed, the
 * fresh list (or, if a run could not be written at opening, the held list). Work of the thread
 * replaces one by another between two lookups, so a lookup never misses.
 *
 * Failures: a job that fails (disk full) leaves its input where it was and is tried again later;
 * memory grows meanwhile. A damaged block makes the lookup say 'look along the chain'; the run's
 * file is removed, so that the next start builds it again. */
#include "workers/dedupe_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "protocol/assert.h"
#include "workers/disk.h"
#include "workers/journal_range.h"

enum {
    PAUSE = 256,                       /* maintains after a failure */
    FRONT_SEALS = RT_MERGE_FACTOR + 2, /* runs that are sealed between two merges */
};

/* ---- identity ----------------------------------------------------------------------------- */

static size_t put_part(uint8_t *at, struct rt_span part)
{
    RT_ASSERT(part.size <= UINT8_MAX);
    at[0] = (uint8_t)part.size;
    if (part.size > 0) {
        memcpy(at + 1, part.data, part.size);
    }
    return part.size + 1;
}

_Static_assert(RT_SOURCE_BYTES <= UINT8_MAX && RT_ACCOUNT_BYTES <= UINT8_MAX &&
                   RT_ID_BYTES <= UINT8_MAX,
               "lengths of the parts of an identity fit into a byte");

uint64_t rt_identity(const struct rt_event *event)
{
    uint8_t bytes[3 * (UINT8_MAX + 1)];
    size_t size = put_part(bytes, event->source);

    size += put_part(bytes + size, event->account);
    size += put_part(bytes + size, event->id);
    return XXH3_64bits(bytes, size);
}

bool rt_identity_equal(const struct rt_event *a, const struct rt_event *b)
{
    return rt_span_equal(a->source, b->source) && rt_span_equal(a->account, b->account) &&
           rt_span_equal(a->id, b->id);
}

/* ---- lookups ------------------------------------------------------------------------------ */

/* An insertion into at most nine. */
static void sort_newest_first(rt_position *found, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        rt_position position = found[i];
        size_t k = i;

        for (; k > 0 && found[k - 1] < position; k--) {
            found[k] = found[k - 1];
        }
        found[k] = position;
    }
}

/* What the front filter answers for. False: a run is damaged. */
static bool find_new(struct rt_dedupe *dedupe, uint64_t identity, rt_position *found, size_t *count,
                     size_t max)
{
    rt_fresh_find(&dedupe->fresh, identity, found, count, max);
    rt_fresh_find(&dedupe->sealing, identity, found, count, max);
    rt_fresh_find(&dedupe->held, identity, found, count, max);
    for (size_t i = dedupe->run_count; i-- > 0;) {
        if (dedupe->runs[i]->young && !rt_run_find(dedupe->runs[i], identity, found, count, max)) {
            return false;
        }
    }
    return true;
}

size_t rt_dedupe_find(struct rt_dedupe *dedupe, uint64_t identity,
                      rt_position found[RT_DEDUPE_CANDIDATES])
{
    rt_position all[RT_DEDUPE_CANDIDATES + 1];
    size_t count = 0, max = RT_DEDUPE_CANDIDATES + 1;

    if (rt_filter_has(dedupe->front.filter, dedupe->front.blocks, identity) &&
        !find_new(dedupe, identity, all, &count, max)) {
        return max;
    }
    for (size_t i = dedupe->run_count; i-- > 0;) {
        if (!dedupe->runs[i]->young && !rt_run_find(dedupe->runs[i], identity, all, &count, max)) {
            return max;
        }
    }
    if (count == max) {
        return max;
    }
    sort_newest_first(all, count);
    memcpy(found, all, count * sizeof(*found));
    return count;
}

void rt_dedupe_touch(const struct rt_dedupe *dedupe, uint64_t identity)
{
    const struct rt_front *front = &dedupe->front;

    __builtin_prefetch(&front->filter[rt_filter_place(identity, front->blocks)]);
    rt_fresh_touch(&dedupe->fresh, identity); /* for the add that will mostly follow */
    for (size_t i = 0; i < dedupe->run_count; i++) {
        const struct rt_run *run = dedupe->runs[i];

        if (!run->young) {
            __builtin_prefetch(&run->filter[rt_filter_place(identity, run->filter_blocks)]);
        }
    }
}

/* ---- the front filter --------------------------------------------------------------------- */

static void show(struct rt_front *front, const struct rt_fresh *fresh)
{
    for (size_t i = 0; i < fresh->count; i++) {
        rt_filter_add(front->filter, front->blocks, fresh->entries[i].identity);
    }
    front->count += fresh->count;
}

bool rt_dedupe_renew_front(struct rt_dedupe *dedupe)
{
    struct rt_front *front = &dedupe->front, next = {.capacity = FRONT_SEALS * dedupe->seal};
    uint64_t lists = dedupe->fresh.count + dedupe->sealing.count + dedupe->held.count;

    while (next.capacity < 2 * lists) {
        next.capacity *= 2;
    }
    next.blocks = rt_filter_blocks(next.capacity);
    next.filter = aligned_alloc(64, (next.blocks * sizeof(*next.filter) + 63) / 64 * 64);
    if (next.filter == NULL) {
        return false;
    }
    memset(next.filter, 0, next.blocks * sizeof(*next.filter));
    show(&next, &dedupe->fresh);
    show(&next, &dedupe->sealing);
    show(&next, &dedupe->held);
    free(front->filter);
    *front = next;
    for (size_t i = 0; i < dedupe->run_count; i++) {
        dedupe->runs[i]->young = false;
    }
    return true;
}

bool rt_dedupe_add(struct rt_dedupe *dedupe, uint64_t identity, rt_position position)
{
    struct rt_front *front = &dedupe->front;

    if ((front->count >= front->capacity && !rt_dedupe_renew_front(dedupe)) ||
        !rt_fresh_add(&dedupe->fresh, identity, position)) {
        return false;
    }
    rt_filter_add(front->filter, front->blocks, identity);
    front->count++;
    return true;
}

/* ---- runs --------------------------------------------------------------------------------- */

bool rt_dedupe_put(struct rt_dedupe *dedupe, struct rt_run *run)
{
    size_t at = dedupe->run_count;

    if (dedupe->run_count == dedupe->run_capacity) {
        size_t capacity = dedupe->run_capacity == 0 ? 32 : 2 * dedupe->run_capacity;
        struct rt_run **larger = realloc(dedupe->runs, capacity * sizeof(struct rt_run *));

        if (larger == NULL) {
            return false;
        }
        dedupe->runs = larger;
        dedupe->run_capacity = capacity;
    }
    while (at > 0 && dedupe->runs[at - 1]->header.from >= run->header.from) {
        at--;
    }
    memmove(dedupe->runs + at + 1, dedupe->runs + at,
            (dedupe->run_count - at) * sizeof(struct rt_run *));
    dedupe->runs[at] = run;
    dedupe->run_count++;
    return true;
}

static void remove_file(const struct rt_dedupe *dedupe, const struct rt_run *run)
{
    char name[RT_RUN_NAME];

    rt_run_name(name, &run->header);
    rt_disk_unlink(dedupe->folder,
                   name); /* left over it is found again, and removed, at the next start */
}

static void drop_runs(struct rt_dedupe *dedupe, size_t at, size_t count)
{
    for (size_t i = at; i < at + count; i++) {
        remove_file(dedupe, dedupe->runs[i]);
        rt_run_free(dedupe->runs[i]);
    }
    dedupe->run_count -= count;
    memmove(dedupe->runs + at, dedupe->runs + at + count,
            (dedupe->run_count - at) * sizeof(struct rt_run *));
}

static void expire(struct rt_dedupe *dedupe, int64_t not_before)
{
    for (size_t i = dedupe->run_count; i-- > 0;) {
        if (dedupe->runs[i]->header.newest < not_before) {
            drop_runs(dedupe, i, 1);
        }
    }
}

/* ---- work for the thread ------------------------------------------------------------------ */

/* How many of the fresh list are on disk: positions ascend. */
static size_t on_disk(const struct rt_dedupe *dedupe)
{
    rt_position end = rt_journal_end(dedupe->journal);
    size_t low = 0, high = dedupe->fresh.count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (dedupe->fresh.entries[middle].position < end) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Hands the sealing list to the thread; it keeps its copy, so lookups go on. */
static bool start_seal(struct rt_dedupe *dedupe)
{
    struct rt_job job = {.header = {.log = dedupe->log,
                                    .from = dedupe->sealing_from,
                                    .to = dedupe->fresh_from,
                                    .newest = dedupe->sealing_newest,
                                    .count = dedupe->sealing.count}};

    job.entries = malloc(dedupe->sealing.count * sizeof(*job.entries));
    if (job.entries == NULL) {
        return false;
    }
    memcpy(job.entries, dedupe->sealing.entries, dedupe->sealing.count * sizeof(*job.entries));
    memcpy(job.header.partitions, dedupe->own, RT_RUN_PARTITIONS);
    rt_jobs_start(dedupe->jobs, &job);
    return true;
}

/* Moves what is on disk from the fresh list to the sealing one; what is not begins a new fresh
 * list. */
static bool cut_fresh(struct rt_dedupe *dedupe, size_t count)
{
    struct rt_fresh rest = {0};

    for (size_t i = count; i < dedupe->fresh.count; i++) {
        const struct rt_entry *entry = &dedupe->fresh.entries[i];

        if (!rt_fresh_add(&rest, entry->identity, entry->position)) {
            rt_fresh_free(&rest);
            return false;
        }
    }
    dedupe->sealing = dedupe->fresh;
    rt_fresh_cut(&dedupe->sealing, count);
    dedupe->sealing_from = dedupe->fresh_from;
    dedupe->sealing_newest = rt_journal_time(dedupe->journal);
    dedupe->fresh = rest;
    dedupe->fresh_from = rt_journal_end(dedupe->journal);
    return true;
}

static unsigned level(const struct rt_dedupe *dedupe, const struct rt_run *run)
{
    unsigned rank = 0;

    for (uint64_t n = run->header.count / dedupe->seal; n >= RT_MERGE_FACTOR;
         n /= RT_MERGE_FACTOR) {
        rank++;
    }
    return rank;
}

/* The newest group of neighbours of one log and one size; *first of them. */
static bool find_merge(const struct rt_dedupe *dedupe, size_t *first)
{
    size_t same = 0;

    for (size_t i = dedupe->run_count; i-- > 0;) {
        const struct rt_run *run = dedupe->runs[i], *next = same > 0 ? dedupe->runs[i + 1] : NULL;

        if (run->damaged) {
            same = 0;
            continue;
        }
        same = next != NULL && next->header.log == run->header.log &&
                       run->header.to == next->header.from &&
                       level(dedupe, next) == level(dedupe, run)
                   ? same + 1
                   : 1;
        if (same == RT_MERGE_RUNS) {
            *first = i;
            return true;
        }
    }
    return false;
}

static void start_merge(struct rt_dedupe *dedupe, size_t first)
{
    struct rt_job job = {.input_count = RT_MERGE_RUNS,
                         .header = {.log = dedupe->runs[first]->header.log,
                                    .from = dedupe->runs[first]->header.from}};

    for (size_t i = 0; i < RT_MERGE_RUNS; i++) {
        const struct rt_run_header *header = &dedupe->runs[first + i]->header;

        job.inputs[i] = dedupe->runs[first + i];
        job.header.to = header->to;
        job.header.count += header->count;
        job.header.newest = header->newest > job.header.newest ? header->newest : job.header.newest;
        for (size_t k = 0; k < RT_RUN_PARTITIONS; k++) {
            job.header.partitions[k] |= header->partitions[k];
        }
    }
    dedupe->merging = true;
    dedupe->merge_first = first;
    rt_jobs_start(dedupe->jobs, &job);
}

/* A list to seal, if there are enough events or one could not be written before. */
static bool want_seal(struct rt_dedupe *dedupe)
{
    size_t count;

    if (dedupe->sealing.count > 0) {
        return true;
    }
    count = dedupe->fresh.count < dedupe->seal ? 0 : on_disk(dedupe);
    return count >= dedupe->seal && cut_fresh(dedupe, count);
}

/* Seals and merges take turns: else a busy time would leave one small run after the other. */
static void start_work(struct rt_dedupe *dedupe)
{
    size_t first;

    if (dedupe->pause > 0) {
        dedupe->pause--;
    } else if (dedupe->merge_next && find_merge(dedupe, &first)) {
        dedupe->merge_next = false;
        start_merge(dedupe, first);
    } else if (want_seal(dedupe)) {
        dedupe->merge_next = true;
        dedupe->pause = start_seal(dedupe) ? 0 : PAUSE;
    } else {
        dedupe->merge_next = true;
    }
}

/* The run covers its positions from here on, its inputs no more. */
static void take_seal(struct rt_dedupe *dedupe, struct rt_job *job)
{
    if (job->result == NULL || !rt_dedupe_put(dedupe, job->result)) {
        rt_run_free(job->result);
        dedupe->pause = PAUSE;
        return;
    }
    job->result->young = true; /* it was in the lists, so it is in the front filter */
    rt_fresh_free(&dedupe->sealing);
}

static void take_merge(struct rt_dedupe *dedupe, struct rt_job *job)
{
    size_t first = dedupe->merge_first;

    dedupe->merging = false;
    if (job->result == NULL) {
        for (size_t i = 0; i < job->input_count; i++) {
            if (job->input_damaged[i]) {
                dedupe->runs[first + i]->damaged = true;
            }
        }
        dedupe->pause = PAUSE;
        return;
    }
    drop_runs(dedupe, first, job->input_count);
    RT_ASSERT(rt_dedupe_put(dedupe, job->result)); /* eight places were freed */
    if (dedupe->front.count > dedupe->front.capacity / 2) {
        rt_dedupe_renew_front(dedupe); /* without memory the old one goes on, fuller */
    }
}

static void take_job(struct rt_dedupe *dedupe, struct rt_job *job)
{
    if (job->input_count > 0) {
        take_merge(dedupe, job);
    } else {
        take_seal(dedupe, job);
    }
}

/* So that the next start does not open it but builds it again. */
static void disown_damaged(struct rt_dedupe *dedupe)
{
    for (size_t i = 0; i < dedupe->run_count; i++) {
        if (dedupe->runs[i]->damaged && !dedupe->runs[i]->disowned) {
            remove_file(dedupe, dedupe->runs[i]);
            dedupe->runs[i]->disowned = true;
        }
    }
}

void rt_dedupe_maintain(struct rt_dedupe *dedupe, int64_t not_before)
{
    struct rt_job job;

    if (rt_jobs_finished(dedupe->jobs, &job, false)) {
        take_job(dedupe, &job);
    }
    if (rt_jobs_busy(dedupe->jobs)) {
        return;
    }
    disown_damaged(dedupe);
    expire(dedupe, not_before);
    start_work(dedupe);
}

void rt_dedupe_size(const struct rt_dedupe *dedupe, uint64_t *bytes, uint64_t *identities)
{
    *bytes = sizeof(*dedupe) + rt_fresh_bytes(&dedupe->fresh) + rt_fresh_bytes(&dedupe->sealing) +
             rt_fresh_bytes(&dedupe->held) + dedupe->run_capacity * sizeof(struct rt_run *) +
             dedupe->front.blocks * sizeof(*dedupe->front.filter);
    if (dedupe->sealing.count > 0 && rt_jobs_busy(dedupe->jobs)) {
        *bytes += dedupe->sealing.count * sizeof(struct rt_entry);
    }
    *identities = dedupe->fresh.count + dedupe->sealing.count + dedupe->held.count;
    for (size_t i = 0; i < dedupe->run_count; i++) {
        *bytes += rt_run_bytes(dedupe->runs[i]);
        *identities += dedupe->runs[i]->header.count;
    }
}

/* ---- opening and closing ------------------------------------------------------------------ */

struct rt_dedupe *rt_dedupe_open(struct rt_journal *journal, int64_t not_before,
                                 rt_dedupe_owns *owns, rt_journal_damaged *damaged, void *context,
                                 char *error)
{
    struct rt_dedupe *dedupe = calloc(1, sizeof(*dedupe));

    error[0] = '\0';
    if (dedupe == NULL) {
        snprintf(error, RT_JOURNAL_ERROR, "index of identities: out of memory");
        return NULL;
    }
    dedupe->journal = journal;
    dedupe->seal = RT_SEAL_ENTRIES;
    dedupe->folder = rt_journal_folder(journal);
    dedupe->log = rt_journal_log(journal);
    dedupe->damaged = damaged;
    dedupe->context = context;
    for (uint32_t i = 0; i < RT_PARTITIONS_MAX; i++) {
        dedupe->own[i / 8] |= (uint8_t)(owns(context, i) << i % 8);
    }
    dedupe->jobs = rt_jobs_new(dedupe->folder);
    if (dedupe->jobs == NULL) {
        snprintf(error, RT_JOURNAL_ERROR, "index of identities: no thread can be started");
    }
    if (dedupe->jobs != NULL && !rt_dedupe_renew_front(dedupe)) {
        snprintf(error, RT_JOURNAL_ERROR, "index of identities: out of memory");
    }
    if (dedupe->front.filter == NULL || !rt_dedupe_fill(dedupe, not_before, error)) {
        rt_dedupe_close(dedupe);
        return NULL;
    }
    return dedupe;
}

void rt_dedupe_close(struct rt_dedupe *dedupe)
{
    if (dedupe == NULL) {
        return;
    }
    rt_jobs_free(dedupe->jobs);
    for (size_t i = 0; i < dedupe->run_count; i++) {
        rt_run_free(dedupe->runs[i]);
    }
    free(dedupe->runs);
    rt_fresh_free(&dedupe->fresh);
    rt_fresh_free(&dedupe->sealing);
    rt_fresh_free(&dedupe->held);
    free(dedupe->front.filter);
    free(dedupe);
}

/* Opening: the runs of each log that may hold this worker's partitions, and what they do not cover
 * built from the log. Runs that are contained in another (a stop between a merge and the removal of
 * its inputs), that reach beyond the end of the log (its tail was cut), that are too old or
 * damaged, go. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "workers/dedupe_private.h"
#include "workers/disk.h"
#include "workers/journal_range.h"

enum { BUILD_ENTRIES = 8 * RT_SEAL_ENTRIES };

/* ---- names -------------------------------------------------------------------------------- */

struct names {
    struct rt_run_header *all;
    size_t count, capacity;
};

static bool add_name(struct names *names, const struct rt_run_header *header)
{
    if (names->count == names->capacity) {
        size_t capacity = names->capacity == 0 ? 64 : 2 * names->capacity;
        struct rt_run_header *larger = realloc(names->all, capacity * sizeof(*larger));

        if (larger == NULL) {
            return false;
        }
        names->all = larger;
        names->capacity = capacity;
    }
    names->all[names->count++] = *header;
    return true;
}

/* By from, the longest first. */
static int compare(const void *left, const void *right)
{
    const struct rt_run_header *a = left, *b = right;

    if (a->from != b->from) {
        return a->from < b->from ? -1 : 1;
    }
    return (a->to < b->to) - (a->to > b->to);
}

/* The runs of a log that the folder names, in order. */
static bool list_names(int folder, uint32_t log, struct names *names)
{
    int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = again < 0 ? NULL : fdopendir(again);
    struct dirent *entry;
    struct rt_run_header header;
    bool listed = listing != NULL;

    if (listing == NULL) {
        rt_disk_close(again);
        return false;
    }
    while (listed && (entry = readdir(listing)) != NULL) {
        if (rt_run_name_parse(entry->d_name, &header) && header.log == log) {
            listed = add_name(names, &header);
        }
    }
    closedir(listing);
    if (names->count > 0) {
        qsort(names->all, names->count, sizeof(*names->all), compare);
    }
    return listed;
}

/* ---- building ----------------------------------------------------------------------------- */

struct build {
    struct rt_dedupe *dedupe;
    struct rt_run_header header; /* of the run that is being gathered */
    struct rt_entry *entries;
    size_t capacity;
    bool failed;
};

/* The own log's runs are; those of others if they hold partitions of this worker. */
static bool wanted(const struct rt_dedupe *dedupe, const struct rt_run_header *header)
{
    for (size_t i = 0; i < RT_RUN_PARTITIONS; i++) {
        if (dedupe->own[i] & header->partitions[i]) {
            return true;
        }
    }
    return header->log == dedupe->log;
}

static bool hold(struct rt_dedupe *dedupe, const struct rt_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!rt_fresh_add(&dedupe->held, entries[i].identity, entries[i].position)) {
            return false;
        }
    }
    return rt_dedupe_renew_front(dedupe);
}

/* Writes what was gathered as a run up to `to`. A run that cannot be written (disk full) is held in
 * memory. */
static bool flush(struct build *build, rt_position to)
{
    struct rt_job job = {.header = build->header};
    size_t size = (size_t)job.header.count * sizeof(*job.entries);
    bool done;

    job.header.to = to;
    job.entries = malloc(size + 1);
    if (job.entries == NULL) {
        return false;
    }
    if (size > 0) {
        memcpy(job.entries, build->entries, size);
    }
    rt_job_do(&job, build->dedupe->folder);
    if (!wanted(build->dedupe, &job.header)) {
        rt_run_free(job.result);
        done = true;
    } else if (job.result == NULL) {
        done = hold(build->dedupe, build->entries, (size_t)job.header.count);
    } else {
        done = rt_dedupe_put(build->dedupe, job.result);
    }
    build->header = (struct rt_run_header){.log = job.header.log, .from = to};
    return done;
}

static bool gather(struct build *build, const struct rt_record *record)
{
    struct rt_event event;
    struct rt_fault fault;

    if (rt_event_decode_accepted(record->body, &event, &fault) != RT_OK) {
        return true; /* recovery reports it; nobody can send what cannot be decoded */
    }
    if (build->header.count == build->capacity) {
        size_t capacity = build->capacity == 0 ? RT_SEAL_ENTRIES : 2 * build->capacity;
        struct rt_entry *larger = realloc(build->entries, capacity * sizeof(*larger));

        if (larger == NULL) {
            return false;
        }
        build->entries = larger;
        build->capacity = capacity;
    }
    build->entries[build->header.count++] =
        (struct rt_entry){.identity = rt_identity(&event), .position = record->position};
    build->header.partitions[record->partition % RT_PARTITIONS_MAX / 8] |=
        (uint8_t)(1 << record->partition % 8);
    return true;
}

static bool take(void *context, const struct rt_record *record)
{
    struct build *build = context;
    uint64_t epoch;
    int64_t time;

    if (record->type == RT_RECORD_EVENT) {
        build->failed = !gather(build, record);
    } else if (record->type == RT_RECORD_COMMIT && rt_commit_decode(record->body, &time, &epoch)) {
        build->header.newest = time > build->header.newest ? time : build->header.newest;
        if (build->header.count >= BUILD_ENTRIES) {
            rt_position after =
                record->position + rt_record_space(record->body.size) / RT_RECORD_ALIGN;

            build->failed = !flush(build, after);
        }
    }
    return !build->failed;
}

/* The rest of the own log becomes the fresh list. */
static bool keep_fresh(struct build *build)
{
    struct rt_dedupe *dedupe = build->dedupe;

    for (size_t i = 0; i < build->header.count; i++) {
        if (!rt_dedupe_add(dedupe, build->entries[i].identity, build->entries[i].position)) {
            return false;
        }
    }
    dedupe->fresh_from = build->header.from;
    return true;
}

/* Stops at the first COMMIT at or behind `to`. */
struct bounded {
    struct build *build;
    rt_position to;
    bool over;
};

static bool take_before(void *context, const struct rt_record *record)
{
    struct bounded *bounded = context;

    bounded->over = record->position >= bounded->to;
    return !bounded->over && take(bounded->build, record);
}

static void damaged(void *context, const char *file, uint64_t offset, const char *what)
{
    const struct bounded *bounded = context;
    const struct rt_dedupe *dedupe = bounded->build->dedupe;

    if (dedupe->damaged != NULL) {
        dedupe->damaged(dedupe->context, file, offset, what);
    }
}

/* Indexes [from, to) of a log; `tail`: it is what the own log ends with. */
static bool build_range(struct rt_dedupe *dedupe, uint32_t log, rt_position from, rt_position to,
                        bool tail, char *error)
{
    struct build build = {.dedupe = dedupe, .header = {.log = log, .from = from}};
    struct bounded bounded = {.build = &build, .to = to};
    bool done =
        rt_journal_walk(dedupe->journal, log, from, take_before, damaged, &bounded, error) ||
        bounded.over;

    if (done) {
        done = tail ? keep_fresh(&build) : flush(&build, to);
    }
    if (!done && (build.failed || error[0] == '\0')) {
        snprintf(error, RT_JOURNAL_ERROR, "index of identities: out of memory");
    }
    free(build.entries);
    return done;
}

/* ---- a log -------------------------------------------------------------------------------- */

static void remove_run(const struct rt_dedupe *dedupe, const struct rt_run_header *header)
{
    char name[RT_RUN_NAME];

    rt_run_name(name, header);
    rt_disk_unlink(dedupe->folder, name);
}

enum opened { OPENED, USELESS, NO_MEMORY };

static enum opened open_run(struct rt_dedupe *dedupe, const struct rt_run_header *named,
                            int64_t not_before)
{
    char name[RT_RUN_NAME];
    struct rt_run *run;

    rt_run_name(name, named);
    run = rt_run_open(dedupe->folder, name);
    if (run == NULL) {
        return errno == ENOMEM ? NO_MEMORY : USELESS;
    }
    if (run->header.newest < not_before || !wanted(dedupe, &run->header)) {
        enum opened result = run->header.newest < not_before ? USELESS : OPENED;

        rt_run_free(run);
        return result;
    }
    if (!rt_dedupe_put(dedupe, run)) {
        rt_run_free(run);
        return NO_MEMORY;
    }
    return OPENED;
}

/* Opens what covers [*from, to) without gap or overlap as far as it goes; gaps are built. *from:
 * where the tail begins. */
static bool open_runs(struct rt_dedupe *dedupe, const struct names *names, int64_t not_before,
                      rt_position *from, rt_position to, char *error)
{
    for (size_t i = 0; i < names->count; i++) {
        const struct rt_run_header *named = &names->all[i];

        if (named->to > to || named->to <= *from || named->to <= named->from) {
            remove_run(dedupe, named);
            continue;
        }
        switch (open_run(dedupe, named, not_before)) {
        case NO_MEMORY:
            snprintf(error, RT_JOURNAL_ERROR, "index of identities: out of memory");
            return false;
        case USELESS:
            remove_run(dedupe, named);
            continue;
        case OPENED:
            break;
        }
        if (named->from > *from &&
            !build_range(dedupe, named->log, *from, named->from, false, error)) {
            return false;
        }
        *from = named->to;
    }
    return true;
}

static bool open_log(struct rt_dedupe *dedupe, uint32_t log, int64_t not_before, char *error)
{
    struct names names = {0};
    bool own = log == dedupe->log, done;
    rt_position from, to;

    if (!rt_journal_range(dedupe->journal, log, not_before, &from, &to, error)) {
        return false;
    }
    done = list_names(dedupe->folder, log, &names);
    if (!done) {
        snprintf(error, RT_JOURNAL_ERROR, "index of identities: listing failed: %s",
                 strerror(errno));
    }
    done = done && open_runs(dedupe, &names, not_before, &from, to, error);
    if (done && (own || from < to)) {
        done = build_range(dedupe, log, from, to, own, error);
    }
    free(names.all);
    return done;
}

bool rt_dedupe_fill(struct rt_dedupe *dedupe, int64_t not_before, char *error)
{
    size_t count = rt_journal_logs(dedupe->journal, NULL, 0);
    uint32_t *logs = calloc(count + 1, sizeof(*logs));
    bool done = logs != NULL;

    if (!done) {
        snprintf(error, RT_JOURNAL_ERROR, "index of identities: out of memory");
        return false;
    }
    rt_journal_logs(dedupe->journal, logs, count);
    for (size_t i = 0; done && i < count; i++) {
        if (!rt_journal_foreign(dedupe->journal, logs[i])) {
            done = open_log(dedupe, logs[i], not_before, error);
        }
    }
    free(logs);
    return done;
}

/* Opening and closing a journal: lock, list, find the end, cut, take over what lies ready. */
#include "workers/journal_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "protocol/assert.h"
#include "workers/journal_end.h"
#include "workers/journal_settle.h"
#include "workers/snapshot.h"

static bool say(char *error, const char *what)
{
    snprintf(error, RT_JOURNAL_ERROR, "journal: %s: %s", what, strerror(errno));
    return false;
}

/* Others look whether the log is written by holding its lock for a moment (rt_journal_foreign): that
 * must not fail a start. */
static bool take_lock(int fd)
{
    enum { TRIES = 20, STEP_MS = 10 };
    bool taken = false;

    for (int i = 0; i < TRIES && !taken; i++) {
        taken = flock(fd, LOCK_EX | LOCK_NB) == 0;
        if (!taken) {
            poll(NULL, 0, STEP_MS);
        }
    }
    return taken;
}

static bool lock_log(struct rt_journal *journal, char *error)
{
    char name[RT_SEGMENT_NAME];

    snprintf(name, sizeof(name), "%04x.lock", journal->id);
    journal->lock = rt_disk_open(journal->folder, name, O_RDWR | O_CREAT);
    if (journal->lock < 0) {
        return say(error, name);
    }
    if (!take_lock(journal->lock)) {
        snprintf(error, RT_JOURNAL_ERROR, "journal/%s: the log is written by another process",
                 name);
        return false;
    }
    return true;
}

/* Half-made segments of this log. */
static void remove_unfinished(struct rt_journal *journal)
{
    int again = openat(journal->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = again < 0 ? NULL : fdopendir(again);
    struct dirent *entry;
    char start[8];

    if (listing == NULL) {
        rt_disk_close(again);
        return;
    }
    snprintf(start, sizeof(start), "%04x-", journal->id);
    while ((entry = readdir(listing)) != NULL) {
        size_t size = strlen(entry->d_name);

        if (strncmp(entry->d_name, start, 5) == 0 && size > 4 &&
            strcmp(entry->d_name + size - 4, ".new") == 0) {
            rt_disk_unlink(journal->folder, entry->d_name);
        }
    }
    closedir(listing);
}

/* Sizes of segments that nobody has read yet, for rt_journal_bytes and the limit. */
static void measure(struct rt_journal *journal)
{
    for (size_t i = 0; i < journal->logs.count; i++) {
        struct rt_log *log = &journal->logs.logs[i];

        for (size_t k = 0; k < log->count; k++) {
            char name[RT_SEGMENT_NAME];
            struct stat status;

            rt_segment_name(name, log->id, log->segments[k].number);
            if (!log->segments[k].known && fstatat(log->folder, name, &status, 0) == 0) {
                log->segments[k].size = (uint64_t)status.st_size;
            }
        }
    }
}

static int open_segment(const struct rt_log *log, const struct rt_segment *segment,
                        struct rt_segment_header *header)
{
    char name[RT_SEGMENT_NAME];

    *header = (struct rt_segment_header){
        .log = log->id, .number = segment->number, .size = segment->size, .epoch = segment->epoch};
    rt_segment_name(name, log->id, segment->number);
    return rt_disk_open(log->folder, name, O_RDWR);
}

static bool whole(const struct rt_log *log, const char *name, uint64_t size)
{
    struct stat status;

    return fstatat(log->folder, name, &status, 0) == 0 && (uint64_t)status.st_size == size;
}

/* Segments behind the end are spares; those of another size than now asked for go. */
static bool take_spares(struct rt_journal *journal, size_t from, char *error)
{
    struct rt_log *log = journal->own;

    while (log->count > from) {
        const struct rt_segment *segment = &log->segments[from];
        struct rt_spare spare;
        char name[RT_SEGMENT_NAME];

        rt_segment_name(name, log->id, segment->number);
        if (segment->size == journal->segment_bytes && whole(log, name, segment->size)) {
            spare.fd = open_segment(log, segment, &spare.header);
            if (spare.fd < 0) {
                return say(error, name);
            }
            if (!rt_spares_put(journal->spares, spare)) {
                rt_disk_close(spare.fd);
            }
        } else if (!rt_disk_unlink(log->folder, name)) {
            return say(error, name);
        }
        rt_log_remove(log, from);
    }
    return true;
}

static bool start_spares(struct rt_journal *journal, size_t from, uint64_t max_bytes, char *error)
{
    const struct rt_log *log = journal->own;
    uint32_t next = log->end == 0 ? 1 : rt_position_segment(log->end) + 1;
    uint64_t bytes = 0;

    if (log->count > 0 && log->segments[log->count - 1].number >= next) {
        next = log->segments[log->count - 1].number + 1;
    }
    for (size_t i = 0; i < from; i++) {
        bytes += log->segments[i].size;
    }
    if (max_bytes > 0 && max_bytes < journal->segment_bytes) {
        max_bytes = journal->segment_bytes;
    }
    journal->spares =
        rt_spares_new(journal->folder, journal->id, next, journal->segment_bytes, bytes, max_bytes);
    return journal->spares != NULL || say(error, "starting a thread");
}

/* The log ends in a segment that is there: goes on in it. */
static bool resume(struct rt_journal *journal, const struct rt_segment *segment, char *error)
{
    struct rt_current *current = &journal->current;

    current->fd = open_segment(journal->own, segment, &current->header);
    current->offset = rt_position_offset(journal->own->end);
    return current->fd >= 0 || say(error, "opening the newest segment");
}

/* A new log, or one whose newest segment is lost. */
static bool begin(struct rt_journal *journal, char *error)
{
    struct rt_spare spare;

    if (!rt_log_reserve(journal->own) || !rt_spares_want(journal->spares, 1, true) ||
        !rt_spares_take(journal->spares, &spare)) {
        errno = ENOSPC;
        return say(error, "no segment can be made");
    }
    rt_journal_begin_segment(journal, &spare);
    journal->own->end = rt_position_make(journal->id, spare.header.number, RT_SEGMENT_FIRST);
    return true;
}

static bool open_end(struct rt_journal *journal, const struct rt_journal_options *options,
                     char *error)
{
    struct rt_log *log = journal->own;
    rt_position covered = rt_snapshot_covered(options->state_dir, journal->id);
    const struct rt_segment *last;
    size_t spare;

    if (!rt_log_find_end(log, covered, error) || !rt_log_cut(log, journal->note, error) ||
        !rt_log_settle(log, error)) {
        return false;
    }
    measure(journal);
    spare = log->end == 0 ? 0 : rt_log_from(log, rt_position_segment(log->end) + 1);
    if (!start_spares(journal, spare, options->max_bytes, error) ||
        !take_spares(journal, spare, error)) {
        return false;
    }
    last = log->end == 0 ? NULL : rt_log_segment(log, rt_position_segment(log->end));
    journal->time = log->time;
    return last != NULL && last->known && !last->broken ? resume(journal, last, error)
                                                        : begin(journal, error);
}

static bool alloc_group(struct rt_group *group)
{
    enum { BYTES = 64 << 10, CHUNKS = 8 };

    group->bytes = malloc(BYTES);
    group->chunks = malloc(CHUNKS * sizeof(*group->chunks));
    group->capacity = BYTES;
    group->chunk_capacity = CHUNKS;
    return group->bytes != NULL && group->chunks != NULL;
}

static bool open_journal(struct rt_journal *journal, const struct rt_journal_options *options,
                         char *error)
{
    journal->state_dir = strdup(options->state_dir);
    journal->folder =
        journal->state_dir == NULL ? -1 : rt_disk_folder(options->state_dir, "journal");
    if (journal->folder < 0) {
        return say(error, "opening the folder");
    }
    if (!lock_log(journal, error)) {
        return false;
    }
    remove_unfinished(journal);
    if (!rt_logs_list(&journal->logs, journal->folder)) {
        return say(error, "listing the folder");
    }
    journal->own = rt_logs_get(&journal->logs, journal->folder, journal->id, true);
    if (journal->own == NULL || !alloc_group(&journal->groups[0]) ||
        !alloc_group(&journal->groups[1])) {
        errno = ENOMEM;
        return say(error, "opening");
    }
    if (!rt_scrub_redo(journal, error) || !open_end(journal, options, error)) {
        return false;
    }
    journal->writer = rt_writer_new(options->notify_fd);
    return journal->writer != NULL || say(error, "starting a thread");
}

struct rt_journal *rt_journal_open(const struct rt_journal_options *options, char *error)
{
    struct rt_journal *journal = calloc(1, sizeof(*journal));

    error[0] = '\0';
    if (journal == NULL) {
        errno = ENOMEM;
        say(error, "opening");
        return NULL;
    }
    RT_ASSERT(options->log <= UINT16_MAX);
    journal->folder = journal->lock = journal->current.fd = -1;
    journal->id = options->log;
    journal->siblings = UINT32_MAX;
    journal->segment_bytes = options->segment_bytes;
    if (!open_journal(journal, options, error)) {
        rt_journal_close(journal);
        return NULL;
    }
    rt_spares_want(journal->spares, 1, false);
    return journal;
}

static void close_group(struct rt_group *group)
{
    for (size_t i = 0; i < group->chunk_count; i++) {
        if (group->chunks[i].ends) {
            rt_disk_close(group->chunks[i].fd);
        }
    }
    rt_group_free(group);
}

void rt_journal_close(struct rt_journal *journal)
{
    if (journal == NULL) {
        return;
    }
    rt_writer_free(journal->writer);
    rt_spares_free(journal->spares);
    rt_disk_close(journal->current.fd);
    close_group(&journal->groups[0]);
    close_group(&journal->groups[1]);
    rt_logs_free(&journal->logs);
    free(journal->scrubs.at);
    free(journal->state_dir);
    rt_disk_close(journal->lock);
    rt_disk_close(journal->folder);
    free(journal);
}

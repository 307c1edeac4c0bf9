/* Walking a log from its beginning or a position to its end, and trimming what is too old. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

#include "workers/journal_end.h"
#include "workers/journal_settle.h"
#include "workers/journal_private.h"
#include "workers/journal_range.h"
#include "workers/segment_scan.h"
#include "workers/snapshot.h"

struct walk {
    struct rt_log *log;
    bool own; /* nobody else trims it */
    rt_journal_take *take;
    rt_journal_damaged *damaged;
    void *context;
    char *error;
};

static void report(const struct walk *walk, uint32_t number, uint64_t offset, const char *what)
{
    char file[sizeof("journal/") + RT_SEGMENT_NAME];

    if (walk->damaged != NULL) {
        snprintf(file, sizeof(file), "journal/%04x-%06x.seg", walk->log->id, number);
        walk->damaged(walk->context, file, offset, what);
    }
}

static bool give(const struct walk *walk, uint32_t number, struct rt_segment_found *found)
{
    struct rt_record *record = &found->record;

    if (record->type == RT_RECORD_START || (record->flags & RT_RECORD_SCRUBBED)) {
        return true;
    }
    record->position = rt_position_make(walk->log->id, number, found->offset);
    if (walk->take(walk->context, record)) {
        return true;
    }
    snprintf(walk->error, RT_JOURNAL_ERROR, "journal/%04x-%06x.seg: stopped at offset %llu",
             walk->log->id, number, (unsigned long long)found->offset);
    return false;
}

static void report_gap(const struct walk *walk, uint32_t number,
                       const struct rt_segment_found *found)
{
    char what[96];

    snprintf(what, sizeof(what), "%llu bytes that are no record", (unsigned long long)found->space);
    report(walk, number, found->offset, what);
}

/* `last`: the segment in which the log ends; it needs no END. */
static bool walk_records(const struct walk *walk, struct rt_segment_scan *scan, bool last)
{
    uint32_t number = scan->header.number;
    struct rt_segment_found found;

    for (;;) {
        switch (rt_segment_scan_next(scan, &found)) {
        case RT_SCAN_RECORD:
            if (!give(walk, number, &found)) {
                return false;
            }
            break;
        case RT_SCAN_GAP:
            report_gap(walk, number, &found);
            break;
        case RT_SCAN_END:
            if (!last && !found.sealed) {
                report(walk, number, found.offset, "the end of a full segment is missing");
            }
            return true;
        case RT_SCAN_ERROR:
            snprintf(walk->error, RT_JOURNAL_ERROR, "journal/%04x-%06x.seg: reading failed: %s",
                     walk->log->id, number, strerror(errno));
            return false;
        }
    }
}

static bool walk_segment(const struct walk *walk, uint32_t number, rt_position from)
{
    bool first = rt_position_segment(from) == number;
    bool last = rt_position_segment(walk->log->end) == number;
    struct rt_segment_scan scan;
    bool walked;

    if (rt_segment_scan_open(&scan, walk->log->folder, walk->log->id, number,
                             first ? rt_position_offset(from) : 0,
                             last ? rt_position_offset(walk->log->end) : 0)) {
        walked = walk_records(walk, &scan, last);
    } else if (errno == ENOENT && !walk->own) {
        walked = true; /* trimmed by another worker since it was listed: nothing in it is needed */
    } else if (errno == EBADMSG || errno == ENOENT) {
        report(walk, number, 0, errno == ENOENT ? "the file is missing" : "no header can be read");
        walked = true;
    } else {
        snprintf(walk->error, RT_JOURNAL_ERROR, "journal/%04x-%06x.seg: opening failed: %s",
                 walk->log->id, number, strerror(errno));
        walked = false;
    }
    rt_segment_scan_close(&scan);
    return walked;
}

/* Numbers between two segments that have no file: said once, however many they are. */
static void report_missing(const struct walk *walk, uint32_t from, uint32_t to)
{
    char what[64];

    if (to == from + 1) {
        report(walk, from, 0, "the file is missing");
    } else if (to > from) {
        snprintf(what, sizeof(what), "the file is missing, and %u after it", to - from - 1);
        report(walk, from, 0, what);
    }
}

static bool find_end(struct rt_journal *journal, struct rt_log *log, char *error)
{
    if (log->end_known) {
        return true;
    }
    if (rt_journal_foreign(journal, log->id)) {
        snprintf(error, RT_JOURNAL_ERROR,
                 "journal/%04x: the log is still written by another process", log->id);
        return false;
    }
    if (rt_log_find_end(log, rt_snapshot_covered(journal->state_dir, log->id), error) &&
        (log->id >= journal->siblings || rt_log_settle(log, error))) {
        return true;
    }
    log->end_known = false;
    return false;
}

/* What was written to a log that nobody writes any more and has no commit is not cut off: it is told. */
static void report_unfinished(const struct walk *walk)
{
    rt_position end = walk->log->end;
    bool empty = end == 0;

    if (walk->log->unfinished) {
        report(walk, empty ? walk->log->segments[0].number : rt_position_segment(end),
               empty ? RT_SEGMENT_FIRST : rt_position_offset(end),
               "the file ends here, or what follows has no commit: never acknowledged, unless that "
               "was damaged");
    }
    for (size_t i = 0; i < walk->log->count; i++) {
        const struct rt_segment *segment = &walk->log->segments[i];

        if (segment->cut && segment->number >= rt_position_segment(end)) {
            report(walk, segment->number, 0, "the file is cut short");
        } else if (segment->broken && segment->number > rt_position_segment(end)) {
            report(walk, segment->number, 0, "no header can be read");
        }
    }
}

bool rt_journal_walk(struct rt_journal *journal, uint32_t log, rt_position from,
                     rt_journal_take *take, rt_journal_damaged *damaged, void *context, char *error)
{
    struct walk walk = {.take = take, .damaged = damaged, .context = context, .error = error};
    uint32_t end, previous = 0;

    walk.log = rt_logs_get(&journal->logs, journal->folder, log, false);
    walk.own = walk.log == journal->own;
    error[0] = '\0';
    if (walk.log == NULL) {
        return true;
    }
    if (!find_end(journal, walk.log, error)) {
        return false;
    }
    end = rt_position_segment(walk.log->end);
    for (size_t i = rt_log_from(walk.log, rt_position_segment(from)); i < walk.log->count; i++) {
        uint32_t number = walk.log->segments[i].number;

        if (number > end || (number == end && from >= walk.log->end)) {
            break;
        }
        if (previous != 0) {
            report_missing(&walk, previous + 1, number);
        }
        previous = number;
        if (!walk_segment(&walk, number, from)) {
            return false;
        }
    }
    if (walk.log != journal->own) {
        report_unfinished(&walk);
    }
    return true;
}

/* ---- ranges ------------------------------------------------------------------------------- */

int rt_journal_folder(const struct rt_journal *journal)
{
    return journal->folder;
}

uint32_t rt_journal_log(const struct rt_journal *journal)
{
    return journal->id;
}

bool rt_journal_foreign(const struct rt_journal *journal, uint32_t log)
{
    char name[RT_SEGMENT_NAME];
    bool held;
    int fd;

    if (log == journal->id) {
        return false;
    }
    snprintf(name, sizeof(name), "%04x.lock", log);
    fd = rt_disk_open(journal->folder, name, O_RDWR);
    held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0;
    rt_disk_close(fd);
    return held;
}

bool rt_journal_cut_others(struct rt_journal *journal, char *error)
{
    char note[RT_JOURNAL_ERROR];
    bool done = true;

    for (size_t i = 0; done && i < journal->logs.count; i++) {
        struct rt_log *log = &journal->logs.logs[i];

        /* Never a sibling's, also while it is not there: it has gone on behind the end we know, and
         * cuts its own. */
        if (log == journal->own || log->id >= journal->siblings ||
            rt_journal_foreign(journal, log->id)) {
            continue;
        }
        done = find_end(journal, log, error);
        if (done && log->unfinished) {
            done = rt_log_cut(log, note, error);
            log->unfinished = !done;
        }
    }
    return done;
}

bool rt_journal_inherited(struct rt_journal *journal, uint32_t first, char *error)
{
    journal->siblings = first;
    for (size_t i = 0; i < journal->logs.count && journal->logs.logs[i].id < first; i++) {
        if (rt_journal_foreign(journal, journal->logs.logs[i].id)) {
            snprintf(error, RT_JOURNAL_ERROR,
                     "journal/%04x: the log is still written by another process",
                     journal->logs.logs[i].id);
            return false;
        }
    }
    return true;
}

/* The oldest segment that may hold a commit at or after `since`: the one before the first that
 * began at or after it. */
static size_t first_since(struct rt_log *log, int64_t since)
{
    size_t low = 0, high = log->count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        int64_t begun;

        if (rt_log_begun(log, middle, &begun) && begun < since) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > 0 ? low - 1 : 0;
}

bool rt_journal_range(struct rt_journal *journal, uint32_t log, int64_t since, rt_position *from,
                      rt_position *to, char *error)
{
    struct rt_log *ranged = rt_logs_get(&journal->logs, journal->folder, log, false);

    *from = *to = 0;
    if (ranged == NULL || ranged->count == 0) {
        return true;
    }
    if (!find_end(journal, ranged, error)) {
        return false;
    }
    *to = ranged->end;
    *from = rt_position_make(log, ranged->segments[first_since(ranged, since)].number,
                             RT_SEGMENT_FIRST);
    *from = *from < *to ? *from : *to;
    return true;
}

/* ---- trimming ----------------------------------------------------------------------------- */

/* No commit in the segment at `index` is newer than *time. False if that cannot be known yet. */
static bool newest_commit(struct rt_log *log, size_t index, bool closed, int64_t *time)
{
    for (size_t i = index + 1; i < log->count; i++) {
        if (rt_log_begun(log, i, time)) {
            return true;
        }
    }
    *time = log->time;
    return closed;
}

/* `closed`: nobody writes the log any more, so its last segment may go too. */
static bool may_go(struct rt_log *log, bool closed, rt_position covered, int64_t older_than)
{
    bool last = log->count == 1;
    rt_position end =
        last ? log->end : rt_position_make(log->id, log->segments[1].number, RT_SEGMENT_FIRST);
    int64_t newest;

    return (!last || closed) && end <= covered && newest_commit(log, 0, closed, &newest) &&
           newest < older_than;
}

size_t rt_journal_trim(struct rt_journal *journal, uint32_t log, rt_position covered,
                       int64_t older_than)
{
    struct rt_log *trimmed = rt_logs_get(&journal->logs, journal->folder, log, false);
    bool own = trimmed == journal->own;
    char name[RT_SEGMENT_NAME], error[RT_JOURNAL_ERROR];
    size_t gone = 0;

    if (trimmed == NULL || (!own && !find_end(journal, trimmed, error))) {
        return 0;
    }
    while (trimmed->count > 0 && may_go(trimmed, !own, covered, older_than)) {
        uint64_t size = trimmed->segments[0].size;

        rt_segment_name(name, trimmed->id, trimmed->segments[0].number);
        if (!rt_disk_unlink(journal->folder, name)) {
            break;
        }
        rt_log_remove(trimmed, 0);
        if (own) {
            rt_spares_freed(journal->spares, size);
        }
        gone++;
    }
    if (gone > 0) {
        rt_disk_sync_folder(journal->folder);
    }
    return gone;
}

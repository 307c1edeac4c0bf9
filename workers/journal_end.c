#include "workers/journal_end.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "workers/segment_scan.h"

enum { STAT_BLOCK = 512 }; /* unit of st_blocks */

/* ---- finding it --------------------------------------------------------------------------- */

struct group {
    bool is;
    rt_position first, end; /* of its records; after its COMMIT */
    int64_t time;
    bool torn;
};

struct search {
    struct rt_log *log;
    rt_position committed;
    struct group last, before;
    bool behind; /* something stands behind the last COMMIT */
    /* First place since the last COMMIT that looks like a cut-off write, 0: none. A gap, or, where a group
     * goes on in the next segment, the zeroes in which the end of this one is missing. */
    rt_position hole;
};

static void take_commit(struct search *search, uint32_t number,
                        const struct rt_segment_found *found)
{
    uint32_t id = search->log->id;
    rt_position at = rt_position_make(id, number, found->offset);
    struct group group = {.is = true, .first = found->record.previous};
    uint64_t epoch;

    if (!rt_commit_decode(found->record.body, &group.time, &epoch)) {
        return;
    }
    if (rt_position_log(group.first) != id || group.first > at) {
        group.first = at;
    }
    group.end = rt_position_make(id, number, found->offset + found->space);
    group.torn =
        search->hole >= group.first && search->hole >= search->committed && search->hole != 0;
    search->before = search->last;
    search->last = group;
    search->hole = 0;
    search->behind = false;
}

static bool scan_segment(struct search *search, struct rt_segment *segment, char *error)
{
    uint32_t id = search->log->id;
    struct rt_segment_found found;
    enum rt_segment_result result;
    struct rt_segment_scan scan;
    int fault;

    if (!rt_segment_scan_open(&scan, search->log->folder, id, segment->number, 0, 0)) {
        fault = errno;
        rt_segment_scan_close(&scan);
        segment->broken = segment->used = fault == EBADMSG;
        if (fault == ENOENT) {
            return true; /* trimmed by another worker since it was listed */
        }
        if (!segment->broken) {
            snprintf(error, RT_JOURNAL_ERROR, "journal/%04x-%06x.seg: %s", id, segment->number,
                     strerror(fault));
        }
        return segment->broken;
    }
    segment->known = true;
    segment->size = scan.header.size;
    segment->epoch = scan.header.epoch;
    segment->used = false;
    while ((result = rt_segment_scan_next(&scan, &found)) == RT_SCAN_RECORD ||
           result == RT_SCAN_GAP) {
        segment->used = search->behind = true;
        if (result == RT_SCAN_RECORD && found.record.type == RT_RECORD_COMMIT) {
            take_commit(search, segment->number, &found);
        } else if (result == RT_SCAN_GAP && found.torn && search->hole == 0) {
            search->hole = rt_position_make(id, segment->number, found.offset);
        }
    }
    fault = errno;
    if (result == RT_SCAN_END && !found.sealed && search->hole == 0) {
        search->hole = rt_position_make(id, segment->number, found.offset);
    }
    segment->cut = scan.ended;
    rt_segment_scan_close(&scan);
    if (result == RT_SCAN_ERROR) {
        snprintf(error, RT_JOURNAL_ERROR, "journal/%04x-%06x.seg: reading failed: %s", id,
                 segment->number, strerror(fault));
    }
    return result == RT_SCAN_END;
}

/* Scans from the segment at `from` to the last. */
static bool scan_from(struct search *search, size_t from, char *error)
{
    search->last = search->before = (struct group){0};
    search->hole = 0;
    search->behind = false;
    for (size_t i = from; i < search->log->count; i++) {
        if (!scan_segment(search, &search->log->segments[i], error)) {
            return false;
        }
    }
    return true;
}

/* All of the last group was seen, and if it is torn, where the one before it ends. */
static bool enough(const struct search *search, size_t from)
{
    return search->last.is &&
           rt_position_segment(search->last.first) >= search->log->segments[from].number &&
           (!search->last.torn || search->before.is);
}

bool rt_log_find_end(struct rt_log *log, rt_position committed, char *error)
{
    struct search search = {.log = log, .committed = committed};
    size_t from = log->count;

    do {
        from -= from > 0;
        if (!scan_from(&search, from, error)) {
            return false;
        }
    } while (from > 0 && !enough(&search, from));
    log->end = log->group = 0;
    log->time = 0;
    if (search.last.is && !search.last.torn) {
        log->end = search.last.end;
        log->group = search.last.first;
        log->time = search.last.time;
    } else if (search.last.is) {
        log->end = search.last.first;
        log->time = search.before.time;
    }
    log->unfinished = search.behind || (search.last.is && search.last.torn);
    if (rt_position_log(committed) == log->id && committed > log->end) {
        log->end = committed;
        log->group = 0; /* damaged, and older than a snapshot: it was synced */
    }
    log->end_known = true;
    return true;
}

/* ---- cutting there ------------------------------------------------------------------------ */

__attribute__((format(printf, 2, 3))) static void add_note(char *note, const char *format, ...)
{
    size_t used = strlen(note);
    va_list args;

    if (used > 0 && used + 2 < RT_JOURNAL_ERROR) {
        memcpy(note + used, "; ", 3);
        used += 2;
    }
    va_start(args, format);
    vsnprintf(note + used, RT_JOURNAL_ERROR - used, format, args);
    va_end(args);
}

static bool set_aside(struct rt_log *log, const char *name, char *note)
{
    char bad[RT_SEGMENT_NAME + 4];

    snprintf(bad, sizeof(bad), "%.*s.bad", (int)(strlen(name) - 4), name);
    add_note(note, "journal/%s: no header can be read, set aside as %s", name, bad);
    return rt_disk_rename(log->folder, name, bad);
}

/* Segments behind the end: from the last back to the first, so that a crash leaves no hole among
 * them. */
static bool remove_behind(struct rt_log *log, size_t keep, char *note, char *error)
{
    char name[RT_SEGMENT_NAME];
    bool used = false, changed = false, done = true;

    for (size_t i = keep; i < log->count; i++) {
        used = used || (log->segments[i].used && !log->segments[i].broken);
    }
    for (size_t i = log->count; done && i-- > keep;) {
        const struct rt_segment *segment = &log->segments[i];

        rt_segment_name(name, log->id, segment->number);
        if (segment->broken) {
            done = set_aside(log, name, note);
        } else if (used) {
            if (segment->used) {
                add_note(note, "journal/%s: begun by a group without a commit, removed", name);
            }
            done = rt_disk_unlink(log->folder, name);
        } else {
            continue;
        }
        changed = true;
        if (done) {
            rt_log_remove(log, i);
        }
    }
    done = done && (!changed || rt_disk_sync_folder(log->folder));
    if (!done) {
        snprintf(error, RT_JOURNAL_ERROR, "journal/%s: removing failed: %s", name, strerror(errno));
    }
    return done;
}

/* Number of bytes up to the last one that is not zero. */
static size_t used_size(const uint8_t *bytes, size_t size)
{
    while (size >= 8 && rt_load_u64(bytes + size - 8) == 0) {
        size -= 8;
    }
    while (size > 0 && bytes[size - 1] == 0) {
        size--;
    }
    return size;
}

/* Zeroes [from, size) of the file where it is not; *cut: up to where something stood. False with
 * errno. */
static bool zero_tail(int fd, uint64_t from, uint64_t size, uint64_t *cut)
{
    enum { STEP = 1 << 20 };
    uint8_t *bytes = malloc(STEP);
    bool done = bytes != NULL;

    *cut = from;
    for (uint64_t at = from; done && at < size; at += STEP) {
        size_t want = size - at < STEP ? (size_t)(size - at) : STEP, got, used;

        done = rt_disk_read(fd, bytes, want, at, &got);
        used = done ? used_size(bytes, got) : 0;
        if (used > 0) {
            *cut = at + used;
            memset(bytes, 0, used);
            done = rt_disk_write(fd, bytes, used, at);
        }
    }
    free(bytes);
    return done && (*cut == from || rt_disk_sync_data(fd));
}

/* A copy may be shorter than its segment, or have holes in which a commit could run out of space. */
static bool whole_size(int fd, uint64_t size, bool *grown)
{
    struct stat status;

    if (fstat(fd, &status) != 0) {
        return false;
    }
    *grown = (uint64_t)status.st_size < size;
    if ((uint64_t)status.st_blocks * STAT_BLOCK >= size) {
        return true;
    }
    return rt_disk_allocate(fd, size) && rt_disk_sync(fd);
}

static bool cut_tail(struct rt_log *log, const struct rt_segment *segment, char *note, char *error)
{
    uint64_t from = rt_position_offset(log->end), cut = from;
    char name[RT_SEGMENT_NAME];
    bool grown = false, done;
    int fd;

    rt_segment_name(name, log->id, segment->number);
    fd = rt_disk_open(log->folder, name, O_RDWR);
    done = fd >= 0 && whole_size(fd, segment->size, &grown) &&
           zero_tail(fd, from, segment->size, &cut);
    if (!done) {
        snprintf(error, RT_JOURNAL_ERROR, "journal/%s: cutting the tail failed: %s", name,
                 strerror(errno));
    }
    rt_disk_close(fd);
    if (grown) {
        add_note(note, "journal/%s: the file was shorter than its segment", name);
    }
    if (cut > from) {
        add_note(note, "journal/%s: %llu bytes without a commit cut off at offset %llu", name,
                 (unsigned long long)(cut - from), (unsigned long long)from);
    }
    return done;
}

bool rt_log_cut(struct rt_log *log, char *note, char *error)
{
    const struct rt_segment *last;
    size_t keep = log->end == 0 ? 0 : rt_log_from(log, rt_position_segment(log->end) + 1);

    note[0] = '\0';
    if (!remove_behind(log, keep, note, error)) {
        return false;
    }
    last = log->end == 0 ? NULL : rt_log_segment(log, rt_position_segment(log->end));
    return last == NULL || last->broken || cut_tail(log, last, note, error);
}

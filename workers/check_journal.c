/* Checks the folder `journal`. For each log: where it ends (as the next start will see it), then
 * every segment up to there: both headers, each record's checksum and whether it can be understood,
 * the END, and that all else is zero. Then the indexes, and what a stop may have left behind.
 *
 * A file that cannot be read at all (EIO) ends the check: that is a disk to look after, and no
 * statement about the rest. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "workers/check.h"
#include "workers/dedupe_run.h"
#include "workers/journal_end.h"
#include "workers/journal_private.h"
#include "workers/segment_scan.h"
#include "workers/snapshot.h"

struct journal {
    struct rt_check *check;
    int folder;
    struct rt_log *log;      /* the one being checked */
    rt_position end;         /* of it */
    struct rt_scrubs scrubs; /* what intents say is being overwritten */
    bool misplaced;          /* told once a log */
};

static void found(struct journal *journal, enum rt_weight weight, uint32_t number, uint64_t offset,
                  const char *what)
{
    char file[sizeof("journal/") + RT_SEGMENT_NAME];

    snprintf(file, sizeof(file), "journal/%04x-%06x.seg", journal->log->id, number);
    rt_check_found(journal->check, weight, file, offset, what);
}

static bool say(struct journal *journal, uint32_t number, const char *what)
{
    snprintf(journal->check->error, sizeof(journal->check->error), "journal/%04x-%06x.seg: %s: %s",
             journal->log->id, number, what, strerror(errno));
    return false;
}

/* ---- records ------------------------------------------------------------------------------ */

/* True if an erase that a stop cut short was overwriting there. */
static bool is_being_scrubbed(const struct journal *journal, uint32_t number,
                              const struct rt_segment_found *gap)
{
    for (size_t i = 0; i < journal->scrubs.count; i++) {
        rt_position at = journal->scrubs.at[i].position;

        if (rt_position_log(at) == journal->log->id && rt_position_segment(at) == number &&
            rt_position_offset(at) >= gap->offset &&
            rt_position_offset(at) < gap->offset + gap->space) {
            return true;
        }
    }
    return false;
}

static void check_gap(struct journal *journal, uint32_t number, const struct rt_segment_found *gap)
{
    char what[96];

    if (is_being_scrubbed(journal, number, gap)) {
        found(journal, RT_FOUND_NOTE, number, gap->offset, "half overwritten by an erase");
        return;
    }
    snprintf(what, sizeof(what), "%llu bytes that are no record", (unsigned long long)gap->space);
    found(journal, RT_FOUND_LOST, number, gap->offset, what);
}

/* Offset of a generation's line in the file. */
static uint64_t line_offset(const struct rt_log_history *generations, size_t index)
{
    uint64_t offset = 0;

    for (size_t i = 0; i < index; i++) {
        char line[RT_GENERATION_LINE];

        offset += (uint64_t)rt_generation_write(line, &generations->all[i]);
    }
    return offset;
}

/* The log of an event's partition is a matter of the number of workers of its generation. */
static void check_place(struct journal *journal, const struct rt_record *record)
{
    const struct rt_log_history *generations = &journal->check->generations;
    uint32_t id = journal->log->id;

    for (size_t i = 0; i < generations->count && !journal->misplaced; i++) {
        const struct rt_generation *generation = &generations->all[i];
        char what[128];

        if (id < generation->log || id >= generation->log + generation->workers ||
            record->partition % generation->workers == id - generation->log) {
            continue;
        }
        snprintf(what, sizeof(what), "%u workers do not explain partition %u in log %u",
                 generation->workers, record->partition, id);
        rt_check_found(journal->check, RT_FOUND_LOST, "generations", line_offset(generations, i),
                       what);
        journal->misplaced = true;
    }
}

static void check_record(struct journal *journal, uint32_t number,
                         const struct rt_segment_found *taken)
{
    struct rt_checked *checked = &journal->check->checked;
    const struct rt_record *record = &taken->record;
    const char *wrong = rt_check_record(record, journal->check->partitions);

    checked->records++;
    checked->bytes += taken->space;
    checked->alerts += record->type == RT_RECORD_ALERT && !(record->flags & RT_RECORD_SCRUBBED);
    if (record->type == RT_RECORD_EVENT && !(record->flags & RT_RECORD_SCRUBBED)) {
        checked->events++;
        check_place(journal, record);
    }
    if (wrong != NULL) {
        found(journal, RT_FOUND_LOST, number, taken->offset, wrong);
    }
}

/* ---- a segment ---------------------------------------------------------------------------- */

/* Where the first byte that is not zero stands in [from, to); to if there is none. False with
 * errno. */
static bool first_byte(int fd, uint64_t from, uint64_t to, uint64_t *at)
{
    enum { STEP = 64 << 10 };
    static const uint8_t zeroes[STEP];
    uint8_t bytes[STEP];

    for (*at = from; *at < to;) {
        size_t want = to - *at < STEP ? (size_t)(to - *at) : STEP, got, i = 0;

        if (!rt_disk_read(fd, bytes, want, *at, &got)) {
            return false;
        }
        if (got == 0) {
            break;
        }
        if (memcmp(bytes, zeroes, got) != 0) {
            while (bytes[i] == 0) {
                i++;
            }
            *at += i;
            return true;
        }
        *at += got;
    }
    *at = to;
    return true;
}

/* Behind the last record. */
static bool check_tail(struct journal *journal, int fd, uint32_t number, uint64_t from,
                       uint64_t size, bool last)
{
    uint64_t at;

    if (!first_byte(fd, from, size, &at)) {
        return say(journal, number, "reading failed");
    }
    if (at < size) {
        found(journal, last ? RT_FOUND_NOTE : RT_FOUND_MENDED, number, at,
              last
                  ? "bytes without a commit: never acknowledged, unless the commit behind them was "
                    "damaged; cut off at the next start"
                  : "bytes behind the end of a full segment");
    }
    return true;
}

static bool check_records(struct journal *journal, struct rt_segment_scan *scan, bool last)
{
    uint32_t number = scan->header.number;
    struct rt_segment_found taken;

    for (;;) {
        switch (rt_segment_scan_next(scan, &taken)) {
        case RT_SCAN_RECORD:
            check_record(journal, number, &taken);
            break;
        case RT_SCAN_GAP:
            check_gap(journal, number, &taken);
            break;
        case RT_SCAN_END:
            if (!last && !taken.sealed) {
                found(journal, RT_FOUND_LOST, number, taken.offset,
                      "the end of a full segment is missing");
            }
            return check_tail(journal, scan->fd, number, taken.offset + taken.space,
                              scan->header.size, last);
        case RT_SCAN_ERROR:
            return say(journal, number, "reading failed");
        }
    }
}

/* Both copies of the header, and the zeroes around them. */
static void check_page(struct journal *journal, uint32_t number, const uint8_t *page,
                       const struct rt_segment_header *header)
{
    uint8_t wanted[RT_SEGMENT_FIRST];
    bool told[2] = {false, false};

    rt_segment_encode(wanted, header);
    for (size_t at = 0; at < sizeof(wanted); at++) {
        size_t copy = at / RT_SEGMENT_COPY;

        if (page[at] != wanted[at] && !told[copy]) {
            found(journal, RT_FOUND_MENDED, number, at,
                  at % RT_SEGMENT_COPY < RT_SEGMENT_HEADER ? "one of the two headers is damaged"
                                                           : "bytes that should be zero");
            told[copy] = true;
        }
    }
}

enum header { HEADER_GOOD, HEADER_BAD, HEADER_UNREADABLE };

static enum header check_header(struct journal *journal, uint32_t number)
{
    char name[RT_SEGMENT_NAME];
    uint8_t page[RT_SEGMENT_FIRST] = {0};
    struct rt_segment_header header;
    struct stat status;
    size_t got = 0;
    int fd;

    rt_segment_name(name, journal->log->id, number);
    fd = rt_disk_open(journal->folder, name, O_RDONLY);
    if (fd < 0 || fstat(fd, &status) != 0 || !rt_disk_read(fd, page, sizeof(page), 0, &got)) {
        say(journal, number, "reading failed");
        rt_disk_close(fd);
        return HEADER_UNREADABLE;
    }
    rt_disk_close(fd);
    journal->check->checked.segments++;
    if (got < sizeof(page) || !rt_segment_decode(page, &header) || header.log != journal->log->id ||
        header.number != number) {
        found(journal, RT_FOUND_LOST, number, 0,
              got == sizeof(page) && rt_segment_unknown(page)
                  ? "of a version that this program does not know"
                  : "no header can be read");
        return HEADER_BAD;
    }
    check_page(journal, number, page, &header);
    if ((uint64_t)status.st_size != header.size) {
        bool cut = (uint64_t)status.st_size < header.size;

        found(journal, RT_FOUND_MENDED, number, cut ? (uint64_t)status.st_size : header.size,
              cut ? "the file is cut short" : "bytes behind the end of the segment");
    }
    return HEADER_GOOD;
}

/* A segment up to the log's end, or one that is ready behind it. */
static bool check_segment(struct journal *journal, uint32_t number)
{
    uint32_t end = rt_position_segment(journal->end);
    bool last = number == end, spare = journal->end == 0 || number > end, checked;
    struct rt_segment_scan scan;

    switch (check_header(journal, number)) {
    case HEADER_UNREADABLE:
        return false;
    case HEADER_BAD:
        return true;
    case HEADER_GOOD:
        break;
    }
    if (!rt_segment_scan_open(&scan, journal->folder, journal->log->id, number, 0,
                              last ? rt_position_offset(journal->end) : 0)) {
        rt_segment_scan_close(&scan);
        return say(journal, number, "opening failed");
    }
    if (spare || (last && rt_position_offset(journal->end) <= RT_SEGMENT_FIRST)) {
        checked = check_tail(journal, scan.fd, number, RT_SEGMENT_FIRST, scan.header.size, true);
    } else {
        checked = check_records(journal, &scan, last);
    }
    rt_segment_scan_close(&scan);
    return checked;
}

/* ---- a log -------------------------------------------------------------------------------- */

/* Said once, however many they are. */
static void report_missing(struct journal *journal, uint32_t from, uint32_t to)
{
    char what[64];

    if (to == from + 1) {
        found(journal, RT_FOUND_LOST, from, 0, "the file is missing");
    } else if (to > from) {
        snprintf(what, sizeof(what), "the file is missing, and %u after it", to - from - 1);
        found(journal, RT_FOUND_LOST, from, 0, what);
    }
}

/* Where recovery begins to read the log: the oldest snapshot of those that stand in it. 0: none
 * does. */
static rt_position needed_from(const struct rt_check *check, uint32_t log)
{
    rt_position from = 0;

    for (uint32_t p = 0; p < check->partitions; p++) {
        rt_position covered = check->covered[p];

        if (covered != 0 && rt_position_log(covered) == log && (from == 0 || covered < from)) {
            from = covered;
        }
    }
    return from;
}

static bool is_known(const struct rt_log_history *generations, uint32_t log)
{
    for (size_t i = 0; i < generations->count; i++) {
        if (log >= generations->all[i].log &&
            log < generations->all[i].log + generations->all[i].workers) {
            return true;
        }
    }
    return false;
}

static bool check_log(struct journal *journal)
{
    struct rt_check *check = journal->check;
    struct rt_log *log = journal->log;
    rt_position needed = needed_from(check, log->id);
    uint32_t next = needed == 0 ? log->segments[0].number : rt_position_segment(needed);

    if (!rt_log_find_end(log, rt_snapshot_covered(check->state_dir, log->id), check->error)) {
        return false;
    }
    journal->end = log->end;
    journal->misplaced = false;
    if (!is_known(&check->generations, log->id)) {
        found(journal, RT_FOUND_LOST, log->segments[0].number, 0,
              "a log that the file generations does not name");
    }
    for (size_t i = 0; i < log->count; i++) {
        uint32_t number = log->segments[i].number;

        report_missing(journal, next, number);
        next = number >= next ? number + 1 : next;
        if (!check_segment(journal, number)) {
            return false;
        }
    }
    if (log->end != 0) {
        report_missing(journal, next, rt_position_segment(log->end) + 1);
    }
    return true;
}

/* ---- other files -------------------------------------------------------------------------- */

static bool ends_with(const char *name, const char *ending)
{
    size_t size = strlen(name), tail = strlen(ending);

    return size > tail && strcmp(name + size - tail, ending) == 0;
}

static void check_index(struct rt_check *check, int folder, const char *name, const char *file)
{
    uint64_t offset, entries;
    const char *wrong = rt_run_check(folder, name, &offset, &entries);

    check->checked.indexes++;
    check->checked.identities += entries;
    if (wrong != NULL) {
        rt_check_found(check, RT_FOUND_MENDED, file, offset, wrong);
    }
}

/* Keeps what the intent lists. */
static bool take_intent(struct journal *journal, const char *name, const char *file)
{
    struct rt_scrubs read = {0};
    struct rt_scrub *larger;

    if (!rt_scrub_read(journal->folder, name, &read)) {
        rt_check_found(journal->check, RT_FOUND_LOST, file, 0,
                       errno == EBADMSG ? "an erase that cannot be finished: damaged, or of a "
                                          "version that this program does not know"
                                        : strerror(errno));
        return true;
    }
    rt_check_found(journal->check, RT_FOUND_NOTE, file, 0,
                   "an erase that a stop cut short: finished at the next start");
    larger =
        realloc(journal->scrubs.at, (journal->scrubs.count + read.count + 1) * sizeof(*larger));
    if (larger == NULL) {
        free(read.at);
        snprintf(journal->check->error, sizeof(journal->check->error), "out of memory");
        return false;
    }
    memcpy(larger + journal->scrubs.count, read.at, read.count * sizeof(*larger));
    journal->scrubs.at = larger;
    journal->scrubs.count += read.count;
    free(read.at);
    return true;
}

static bool check_other(struct journal *journal, const char *name)
{
    struct rt_check *check = journal->check;
    char file[sizeof("journal/") + NAME_MAX];
    struct rt_run_header run;
    uint32_t log, number;

    snprintf(file, sizeof(file), "journal/%s", name);
    if (rt_segment_name_parse(name, &log, &number) || ends_with(name, ".lock")) {
        return true;
    }
    if (rt_run_name_parse(name, &run)) {
        check_index(check, journal->folder, name, file);
        return true;
    }
    if (ends_with(name, ".scrub")) {
        return take_intent(journal, name, file);
    }
    rt_check_found(check, RT_FOUND_NOTE, file, 0,
                   ends_with(name, ".new")   ? "a file that a stop left unfinished"
                   : ends_with(name, ".bad") ? "a segment that was set aside: no header can be read"
                                             : "a file that is none of retaind's");
    return true;
}

static int by_name(const struct dirent **left, const struct dirent **right)
{
    return strcmp((*left)->d_name, (*right)->d_name);
}

static bool check_others(struct journal *journal)
{
    struct dirent **entries = NULL;
    int count = scandirat(journal->folder, ".", &entries, NULL, by_name);
    bool checked = count >= 0;

    if (!checked) {
        snprintf(journal->check->error, sizeof(journal->check->error),
                 "journal: listing failed: %s", strerror(errno));
    }
    for (int i = 0; i < count; i++) {
        if (checked && entries[i]->d_name[0] != '.') {
            checked = check_other(journal, entries[i]->d_name);
        }
        free(entries[i]);
    }
    free(entries);
    return checked;
}

bool rt_check_journal(struct rt_check *check, int folder)
{
    struct journal journal = {.check = check, .folder = folder};
    struct rt_logs logs;
    bool checked;

    if (!rt_logs_list(&logs, folder)) {
        snprintf(check->error, sizeof(check->error), "journal: listing failed: %s",
                 strerror(errno));
        return false;
    }
    checked = check_others(&journal); /* first: it knows what is being overwritten */
    for (size_t i = 0; checked && i < logs.count; i++) {
        journal.log = &logs.logs[i];
        checked = check_log(&journal);
    }
    rt_logs_free(&logs);
    free(journal.scrubs.at);
    return checked;
}

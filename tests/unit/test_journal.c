/* The journal: what was committed is there after whatever happened, and nothing else is. The
 * stories with a crash write numbered events in groups and stop the disk at every call in turn. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "protocol/assert.h"
#include "tests/lib/bad_disk.h"
#include "tests/lib/fuzz_seal.h"
#include "workers/journal_private.h"
#include "workers/journal_range.h"
#include "workers/segment.h"
#include "workers/snapshot.h"

enum { SEGMENT = 64 << 10, LOG = 3, BODY = 3000, EACH = 5 };

/* ---- numbered events ---------------------------------------------------------------------- */

static struct rt_journal *open_log(const char *folder, uint32_t log, char *error)
{
    const struct rt_journal_options options = {
        .state_dir = folder, .log = log, .segment_bytes = SEGMENT, .notify_fd = -1};

    return rt_journal_open(&options, error);
}

static struct rt_journal *must_open(const char *folder)
{
    char error[RT_JOURNAL_ERROR] = "";
    struct rt_journal *journal = open_log(folder, LOG, error);

    if (journal == NULL)
        print_error("%s\n", error);
    assert_non_null(journal);
    return journal;
}

/* Event n: its number, then bytes that depend on it. */
static struct rt_span numbered(uint32_t n, uint8_t body[BODY])
{
    memset(body, (int)(n % 251), BODY);
    memcpy(body, &n, sizeof(n));
    return rt_span(body, BODY - n % 7);
}

static rt_position add(struct rt_journal *journal, uint32_t n, rt_position previous)
{
    uint8_t body[BODY];

    return rt_journal_append(journal, RT_RECORD_EVENT, 0, n % 256, previous, numbered(n, body));
}

/* One group of EACH events from `first` on. False if there was no space or the disk failed. */
static bool add_group(struct rt_journal *journal, uint32_t first)
{
    char error[RT_JOURNAL_ERROR];

    if (!rt_journal_reserve(journal, (uint64_t)EACH * BODY, EACH))
        return false;
    for (uint32_t n = first; n < first + EACH; n++)
        if (add(journal, n, 0) == 0)
            return false;
    rt_journal_commit(journal, first, 9);
    return rt_journal_wait(journal, error) == RT_JOURNAL_DONE;
}

static void must_add_group(struct rt_journal *journal, uint32_t first)
{
    assert_true(add_group(journal, first));
}

struct seen {
    uint32_t next;     /* the number that must come next */
    uint32_t in_group; /* events since the last commit */
    uint32_t groups;
    uint32_t missing; /* numbers that were skipped */
    uint32_t damaged; /* reports */
    char file[64];    /* of the last report */
    uint64_t offset;
    rt_position last;
    bool wrong;
};

static bool see(void *context, const struct rt_record *record)
{
    struct seen *seen = context;
    uint8_t body[BODY];
    uint32_t n;

    seen->wrong |= record->position <= seen->last;
    seen->last = record->position;
    if (record->type == RT_RECORD_COMMIT) {
        seen->groups++;
        seen->in_group = 0;
        return true;
    }
    memcpy(&n, record->body.data, sizeof(n));
    seen->wrong |= record->type != RT_RECORD_EVENT || n < seen->next ||
                   record->partition != n % 256 || !rt_span_equal(record->body, numbered(n, body));
    seen->missing += n - seen->next;
    seen->next = n + 1;
    seen->in_group++;
    return true;
}

static void see_damage(void *context, const char *file, uint64_t offset, const char *what)
{
    struct seen *seen = context;

    assert_true(what[0] != '\0');
    seen->damaged++;
    snprintf(seen->file, sizeof(seen->file), "%s", file);
    seen->offset = offset;
}

static struct seen walk(struct rt_journal *journal)
{
    char error[RT_JOURNAL_ERROR];
    struct seen seen = {0};

    assert_true(rt_journal_walk(journal, LOG, 0, see, see_damage, &seen, error));
    assert_false(seen.wrong);
    return seen;
}

/* Whole groups only, in order, nothing reported. Returns their number. */
static uint32_t whole_groups(struct rt_journal *journal)
{
    struct seen seen = walk(journal);

    assert_int_equal(seen.damaged, 0);
    assert_int_equal(seen.missing, 0);
    assert_int_equal(seen.in_group, 0);
    assert_int_equal(seen.next, seen.groups * EACH);
    return seen.groups;
}

/* ---- refusals ----------------------------------------------------------------------------- */

static void a_second_writer_is_refused(void **state)
{
    char *folder = rt_scratch_new(), error[RT_JOURNAL_ERROR];
    struct rt_journal *journal = must_open(folder), *other;

    (void)state;
    assert_null(open_log(folder, LOG, error));
    assert_non_null(strstr(error, "0003.lock"));
    other = open_log(folder, LOG + 1, error);
    assert_non_null(other);
    rt_journal_close(other);
    rt_journal_close(journal);
    rt_journal_close(must_open(folder));
    rt_scratch_remove(folder);
}

static void a_missing_state_directory_is_said(void **state)
{
    char error[RT_JOURNAL_ERROR] = "";

    (void)state;
    assert_null(open_log("/nonexistent/retain", LOG, error));
    assert_non_null(strstr(error, "No such file"));
}

static void a_body_that_is_too_large_is_refused(void **state)
{
    char *folder = rt_scratch_new();
    struct rt_journal *journal = must_open(folder);
    size_t max = rt_journal_body_max(journal);
    uint8_t *body = calloc(1, max + 1);
    struct rt_record record;
    rt_position position;

    (void)state;
    assert_int_equal(rt_journal_append(journal, RT_RECORD_EVENT, 0, 0, 0, rt_span(body, max + 1)),
                     0);
    assert_int_equal(rt_journal_pending(journal), 0);
    position = rt_journal_append(journal, RT_RECORD_EVENT, 0, 0, 0, rt_span(body, max));
    assert_true(rt_journal_read(journal, position, &record));
    assert_int_equal(record.body.size, max);
    free(body);
    rt_journal_close(journal);
    rt_scratch_remove(folder);
}

static void positions_of_nothing_cannot_be_read(void **state)
{
    char *folder = rt_scratch_new();
    struct rt_journal *journal = must_open(folder);
    struct rt_record record = {.previous = 7};
    rt_position position;

    (void)state;
    position = add(journal, 0, 0);
    assert_false(rt_journal_read(journal, 0, &record));
    assert_int_equal(record.previous, 0);
    assert_false(rt_journal_read(journal, position + 1, &record));
    assert_false(rt_journal_read(journal, rt_position_make(LOG + 1, 1, 4096), &record));
    assert_false(rt_journal_read(journal, rt_position_make(LOG, 999, 4096), &record));
    assert_false(rt_journal_read(journal, rt_position_make(LOG, 1, 0), &record));
    assert_false(rt_journal_scrub(journal, position)); /* not committed yet */
    rt_journal_close(journal);
    rt_scratch_remove(folder);
}

static void the_limit_is_kept_and_room_comes_back(void **state)
{
    char *folder = rt_scratch_new(), error[RT_JOURNAL_ERROR];
    const struct rt_journal_options options = {.state_dir = folder,
                                               .log = LOG,
                                               .segment_bytes = SEGMENT,
                                               .max_bytes = 5 * SEGMENT,
                                               .notify_fd = -1};
    struct rt_journal *journal = rt_journal_open(&options, error);
    uint32_t n = 0, before;

    (void)state;
    assert_non_null(journal);
    while (add_group(journal, n))
        n += EACH;
    assert_true(rt_journal_bytes(journal) <= 5 * SEGMENT);
    assert_true((uint64_t)n * BODY > 3 * SEGMENT);
    assert_true(add(journal, n, 0) != 0); /* what may not wait has its slack */
    n++;
    rt_journal_commit(journal, n, 9);
    assert_int_equal(rt_journal_wait(journal, error), RT_JOURNAL_DONE);
    assert_true(rt_journal_trim(journal, LOG, rt_journal_end(journal), INT64_MAX) > 0);
    for (before = n; !add_group(journal, n);)
        usleep(1000); /* the thread makes a segment */
    assert_int_equal(before, n);
    rt_journal_close(journal);
    rt_scratch_remove(folder);
}

/* A real full disk: reserve says no, nothing is lost, and it goes on by itself when there is room.
 */
static void a_full_disk_is_met_before_anything_changes(void **state)
{
    char *folder = rt_scratch_new(), path[256];
    struct rt_journal *journal;
    uint32_t groups = 0;

    (void)state;
    if (geteuid() != 0 || mount("tmpfs", folder, "tmpfs", 0, "size=400k") != 0) {
        rt_scratch_remove(folder);
        print_message("skipped: needs root and a tmpfs\n");
        skip();
    }
    snprintf(path, sizeof(path), "%s/ballast", folder);
    journal = must_open(folder);
    while (add_group(journal, groups * EACH))
        groups++;
    assert_true(groups > 5);
    assert_false(rt_journal_reserve(journal, (uint64_t)EACH * BODY, EACH));
    assert_int_equal(whole_groups(journal), groups);
    assert_int_equal(mount("tmpfs", folder, "tmpfs", MS_REMOUNT, "size=2m"), 0);
    for (int tries = 0; !add_group(journal, groups * EACH); tries++) {
        assert_true(tries < 5000);
        usleep(1000); /* tried again five times a second */
    }
    assert_int_equal(whole_groups(journal), groups + 1);
    rt_journal_close(journal);
    assert_int_equal(umount(folder), 0);
    rt_scratch_remove(folder);
}

/* ---- the ordinary life -------------------------------------------------------------------- */

static void what_was_committed_is_walked_and_read(void **state)
{
    char *folder = rt_scratch_new();
    struct rt_journal *journal = must_open(folder);
    uint32_t logs[4];

    (void)state;
    for (uint32_t i = 0; i < 40; i++)
        must_add_group(journal, i * EACH);
    assert_int_equal(whole_groups(journal), 40);
    assert_int_equal(rt_journal_time(journal), 39 * EACH);
    rt_journal_close(journal);
    journal = must_open(folder);
    assert_string_equal(rt_journal_note(journal), "");
    assert_int_equal(rt_journal_time(journal), 39 * EACH);
    assert_int_equal(whole_groups(journal), 40);
    must_add_group(journal, 40 * EACH);
    assert_int_equal(whole_groups(journal), 41);
    assert_int_equal(rt_journal_logs(journal, logs, 4), 1);
    assert_int_equal(logs[0], LOG);
    rt_journal_close(journal);
    rt_scratch_remove(folder);
}

static void records_are_read_before_and_after_their_commit(void **state)
{
    char *folder = rt_scratch_new(), error[RT_JOURNAL_ERROR];
    struct rt_journal *journal = must_open(folder);
    rt_position at[60] = {0};
    struct rt_record record;
    uint8_t body[BODY];

    (void)state;
    for (uint32_t n = 0; n < 60; n++) { /* three segments, one group in flight, one being filled */
        assert_true(rt_journal_reserve(journal, BODY, 1));
        at[n] = add(journal, n, n > 0 ? at[n - 1] : 0);
        if (n == 20)
            rt_journal_commit(journal, 1, 9);
        if (n == 40) {
            assert_int_equal(rt_journal_wait(journal, error), RT_JOURNAL_DONE);
            rt_journal_commit(journal, 2, 9);
        }
        for (uint32_t k = 0; k <= n; k++) {
            assert_true(rt_journal_read(journal, at[k], &record));
            assert_true(rt_span_equal(record.body, numbered(k, body)));
            assert_int_equal(record.previous, k > 0 ? at[k - 1] : 0);
            assert_int_equal(record.position, at[k]);
        }
    }
    assert_true(rt_journal_end(journal) < rt_journal_next(journal));
    rt_journal_close(journal);
    rt_scratch_remove(folder);
}

static void a_walk_begins_where_it_is_told(void **state)
{
    char *folder = rt_scratch_new(), error[RT_JOURNAL_ERROR];
    struct rt_journal *journal = must_open(folder);
    rt_position ends[20];

    (void)state;
    for (uint32_t i = 0; i < 20; i++) {
        must_add_group(journal, i * EACH);
        ends[i] = rt_journal_end(journal);
    }
    for (uint32_t i = 0; i < 20; i++) {
        struct seen seen = {.next = (i + 1) * EACH};

        assert_true(rt_journal_walk(journal, LOG, ends[i], see, see_damage, &seen, error));
        assert_false(seen.wrong);
        assert_int_equal(seen.groups, 19 - i);
        assert_int_equal(seen.missing + seen.damaged, 0);
    }
    rt_journal_close(journal);
    rt_scratch_remove(folder);
}

static void what_was_not_committed_is_gone(void **state)
{
    char *folder = rt_scratch_new();
    struct rt_journal *journal = must_open(folder);

    (void)state;
    must_add_group(journal, 0);
    add(journal, EACH, 0);
    assert_true(rt_journal_pending(journal) > 0);
    rt_journal_close(journal);
    journal = must_open(folder);
    assert_int_equal(whole_groups(journal), 1);
    rt_journal_close(journal);
    rt_scratch_remove(folder);
}

static void an_empty_group_keeps_the_time(void **state)
{
    char *folder = rt_scratch_new(), error[RT_JOURNAL_ERROR];
    struct rt_journal *journal = must_open(folder);

    (void)state;
    rt_journal_commit(journal, 1234, 9);
    assert_true(rt_journal_in_flight(journal));
    assert_int_equal(rt_journal_wait(journal, error), RT_JOURNAL_DONE);
    assert_int_equal(rt_journal_wait(journal, error), RT_JOURNAL_IDLE);
    rt_journal_close(journal);
    journal = must_open(folder);
    assert_int_equal(rt_journal_time(journal), 1234);
    rt_journal_close(journal);
    rt_scratch_remove(folder);
}

static void trimming_waits_for_snapshots_and_age(void **state)
{
    char *folder = rt_scratch_new();
    struct rt_journal *journal = must_open(folder);
    rt_position first = rt_journal_end(journal), end;
    struct seen seen;

    (void)state;
    for (uint32_t i = 0; i < 40; i++)
        must_add_group(journal, i * EACH);
    end = rt_journal_end(journal);
    assert_int_equal(rt_journal_trim(journal, LOG, first, INT64_MAX), 0);
    assert_int_equal(rt_journal_trim(journal, LOG, end, 0), 0);
    assert_int_equal(rt_journal_trim(journal, LOG, end, 10 * EACH), 2);
    seen = walk(journal);
    assert_int_equal(seen.damaged, 0);
    assert_int_equal(seen.next, 40 * EACH);
    assert_true(seen.missing > 0 && seen.missing <= 10 * EACH);
    assert_true(rt_journal_trim(journal, LOG, end, INT64_MAX) > 5);
    rt_journal_close(journal);
    journal = must_open(folder);
    assert_int_equal(rt_journal_end(journal), end);
    assert_int_equal(rt_journal_time(journal), 39 * EACH);
    must_add_group(journal, 40 * EACH);
    rt_journal_close(journal);
    rt_scratch_remove(folder);
}

static void logs_of_earlier_generations_are_read_and_trimmed(void **state)
{
    char *folder = rt_scratch_new(), error[RT_JOURNAL_ERROR];
    struct rt_journal *journal = must_open(folder);
    rt_position at = 0;
    struct rt_record record;
    uint32_t logs[4];

    (void)state;
    for (uint32_t i = 0; i < 10; i++)
        must_add_group(journal, i * EACH);
    at = add(journal, 50, 0);
    rt_journal_commit(journal, 99, 9);
    rt_journal_wait(journal, error);
    rt_journal_close(journal);
    journal = open_log(folder, LOG + 4, error);
    assert_non_null(journal);
    assert_int_equal(rt_journal_logs(journal, logs, 4), 2);
    assert_int_equal(walk(journal).next, 51);
    assert_true(rt_journal_read(journal, at, &record));
    assert_int_equal(rt_journal_trim(journal, LOG, at, INT64_MAX), 2);
    assert_true(rt_journal_trim(journal, LOG, rt_journal_end(journal), 99) == 0);
    assert_true(rt_journal_trim(journal, LOG, rt_journal_end(journal), 100) > 0);
    assert_false(rt_journal_read(journal, at, &record));
    rt_journal_close(journal);
    rt_scratch_remove(folder);
}

/* Another worker trims a log of before while this one starts. */
static void a_segment_that_is_trimmed_meanwhile_is_no_damage(void **state)
{
    for (int gone = 1; gone <= 4; gone++) {
        char *folder = rt_scratch_new(), error[RT_JOURNAL_ERROR], path[256];
        struct rt_journal *journal = must_open(folder);
        struct seen seen;
        rt_position from, to;

        (void)state;
        for (uint32_t i = 0; i < 10; i++)
            must_add_group(journal, i * EACH);
        rt_journal_close(journal);
        journal = open_log(folder, LOG + 4, error);
        assert_non_null(journal);
        for (int number = 1; number <= gone; number++) {
            snprintf(path, sizeof(path), "%s/journal/0003-00000%d.seg", folder, number);
            unlink(path);
        }
        assert_true(rt_journal_range(journal, LOG, 0, &from, &to, error));
        seen = walk(journal);
        assert_int_equal(seen.damaged, 0);
        assert_false(seen.wrong);
        rt_journal_close(journal);
        rt_scratch_remove(folder);
    }
}

/* A name far behind the others must not fill the log with what lies between. */
static void segments_that_are_missing_are_said_once(void **state)
{
    char *folder = rt_scratch_new(), path[256];
    struct rt_journal *journal = must_open(folder);
    struct seen seen;

    (void)state;
    for (uint32_t i = 0; i < 40; i++)
        must_add_group(journal, i * EACH);
    rt_journal_close(journal);
    for (int number = 2; number <= 4; number++) {
        snprintf(path, sizeof(path), "%s/journal/0003-00000%d.seg", folder, number);
        assert_int_equal(unlink(path), 0);
    }
    journal = must_open(folder);
    seen = walk(journal);
    assert_int_equal(seen.damaged, 1);
    assert_string_equal(seen.file, "journal/0003-000002.seg");
    assert_int_equal(seen.next, 40 * EACH);
    rt_journal_close(journal);
    rt_scratch_remove(folder);
}

/* ---- erasing ------------------------------------------------------------------------------ */

static bool file_contains(const char *folder, const char *name, const void *what, size_t size)
{
    size_t length;
    uint8_t *bytes = rt_scratch_read(folder, name, &length);
    bool contains = memmem(bytes, length, what, size) != NULL;

    free(bytes);
    return contains;
}

static void scrubbed_records_are_gone_from_disk_but_not_from_chains(void **state)
{
    char *folder = rt_scratch_new(), error[RT_JOURNAL_ERROR];
    struct rt_journal *journal = must_open(folder);
    rt_position first, second, third;
    struct rt_record record;
    struct seen seen = {0};

    (void)state;
    first = rt_journal_append(journal, RT_RECORD_EVENT, 0, 7, 0, rt_span_text("aaaa left alone"));
    second = rt_journal_append(journal, RT_RECORD_EVENT, 0, 7, first, rt_span_text("bbbb secret"));
    third = rt_journal_append(journal, RT_RECORD_EVENT, 0, 7, second, rt_span_text("cccc left"));
    rt_journal_commit(journal, 5, 9);
    rt_journal_wait(journal, error);
    assert_false(rt_journal_scrub(journal, third + 4)); /* the COMMIT's, and what is no record */
    assert_true(file_contains(folder, "journal/0003-000001.seg", "bbbb", 4));
    assert_true(rt_journal_scrub(journal, second));
    assert_true(rt_journal_scrub_sync(journal, error));
    assert_false(file_contains(folder, "journal/0003-000001.seg", "bbbb", 4));
    assert_false(file_contains(folder, "journal/0003-000001.seg", "secret", 6));
    assert_false(rt_journal_read(journal, second, &record));
    assert_int_equal(record.previous, first);
    assert_true(rt_journal_read(journal, third, &record));
    assert_true(rt_journal_scrub(journal, second)); /* again */
    assert_true(rt_journal_scrub_sync(journal, error));
    rt_journal_close(journal);
    journal = must_open(folder);
    assert_true(rt_journal_walk(journal, LOG, third, see, see_damage, &seen, error));
    assert_int_equal(seen.damaged, 0);
    assert_true(rt_journal_read(journal, first, &record));
    assert_false(rt_journal_read(journal, second, &record));
    rt_journal_close(journal);
    rt_scratch_remove(folder);
}

/* All or nothing, at every call: an erase that was begun is finished at the next start. */
/* An intent whose checksum is right and whose entries are no records of ours: refused with its name,
 * and not a byte is overwritten. */
static void an_intent_that_cannot_be_ours_overwrites_nothing(void **state)
{
    static const struct {
        uint64_t offset;
        uint32_t size;
        uint8_t type;
    } bad[] = {
        {0, 60, RT_RECORD_EVENT},
        {RT_SEGMENT_FIRST - 8, 60, RT_RECORD_EVENT},
        {RT_SEGMENT_FIRST, RT_RECORD_BODY_MAX + 1, RT_RECORD_EVENT},
        {RT_SEGMENT_FIRST, 60, 0},
        {RT_SEGMENT_FIRST, 60, RT_RECORD_COMMIT},
        {RT_SEGMENT_FIRST, 60, RT_RECORD_END},
    };
    char *folder = rt_scratch_new(), error[RT_JOURNAL_ERROR];
    struct rt_journal *journal = must_open(folder);
    size_t size, size_after;
    uint8_t *before, *after;

    (void)state;
    must_add_group(journal, 0);
    rt_journal_close(journal);
    before = rt_scratch_read(folder, "journal/0003-000001.seg", &size);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct rt_buffer entry = {0}, file = {0};

        rt_put_u64(&entry, rt_position_make(LOG, 1, bad[i].offset));
        rt_put_u64(&entry, 0);
        rt_put_u32(&entry, bad[i].size);
        rt_put_u32(&entry, (uint32_t)bad[i].type << 16);
        fuzz_seal_intent(&file, rt_buffer_span(&entry));
        rt_scratch_write(folder, "journal/0003.scrub", file.data, file.size);
        assert_null(open_log(folder, LOG, error));
        assert_non_null(strstr(error, "journal/0003.scrub"));
        after = rt_scratch_read(folder, "journal/0003-000001.seg", &size_after);
        assert_int_equal(size, size_after);
        assert_memory_equal(before, after, size);
        free(after);
        rt_buffer_free(&entry);
        rt_buffer_free(&file);
    }
    free(before);
    rt_scratch_remove(folder);
}

static bool scrub_with(enum rt_bad_mode mode, long at, uint64_t seed)
{
    char *folder = rt_scratch_new(), error[RT_JOURNAL_ERROR];
    struct rt_journal *journal = must_open(folder);
    rt_position at_events[20];
    struct rt_record record;
    bool scrubbed;
    size_t left = 0;
    long calls;

    for (uint32_t n = 0; n < 20; n++) {
        at_events[n] = add(journal, n, 0);
        if (n % 2 == 0)
            assert_true(at_events[n] != 0);
    }
    rt_journal_commit(journal, 5, 9);
    assert_int_equal(rt_journal_wait(journal, error), RT_JOURNAL_DONE);
    assert_true(rt_journal_reserve(journal, SEGMENT, 1)); /* the thread is done */
    for (uint32_t n = 0; n < 20; n += 2)
        assert_true(rt_journal_scrub(journal, at_events[n]));
    rt_bad_disk_begin(mode, at, EIO);
    scrubbed = rt_journal_scrub_sync(journal, error);
    rt_journal_close(journal);
    calls = rt_bad_disk_end();
    if (mode == RT_BAD_POWER)
        rt_bad_disk_restore(seed);
    journal = must_open(folder);
    assert_int_equal(walk(journal).damaged, 0);
    for (uint32_t n = 0; n < 20; n++) {
        left += rt_journal_read(journal, at_events[n], &record);
        if (n % 2 == 1)
            assert_true(rt_journal_read(journal, at_events[n], &record));
    }
    assert_true(left == 10 || left == 20);
    assert_true(left == 10 || !scrubbed);
    rt_journal_close(journal);
    rt_scratch_remove(folder);
    return calls >= at;
}

static void an_erase_is_all_or_nothing(void **state)
{
    (void)state;
    for (long at = 1; scrub_with(RT_BAD_STOP, at, 0); at++) {
    }
    for (long at = 1; scrub_with(RT_BAD_POWER, at, (uint64_t)at); at++) {
    }
    for (long at = 1; scrub_with(RT_BAD_FAIL, at, 0); at++) {
    }
    for (long at = 1; scrub_with(RT_BAD_SHORT, at, 0); at++) {
    }
}

/* ---- a disk that fails -------------------------------------------------------------------- */

struct trial {
    enum rt_bad_mode mode;
    long at;
    int fault;
    uint64_t seed;
    uint32_t groups;       /* to write */
    uint32_t acknowledged; /* were reported DONE */
    uint32_t begun;        /* were handed over */
    long calls;
};

/* Writes groups until all are written or the disk refuses. */
static void write_until(struct trial *trial, const char *folder)
{
    char error[RT_JOURNAL_ERROR];
    struct rt_journal *journal;

    rt_bad_disk_begin(trial->mode, trial->at, trial->fault);
    journal = open_log(folder, LOG, error);
    if (journal != NULL) {
        while (trial->begun < trial->groups) {
            trial->begun++;
            if (!add_group(journal, trial->acknowledged * EACH))
                break;
            trial->acknowledged++;
        }
    }
    rt_journal_close(journal);
    trial->calls = rt_bad_disk_end();
    if (trial->mode == RT_BAD_POWER)
        rt_bad_disk_restore(trial->seed);
}

/* What was acknowledged is there, at most the group in flight beside it; and it stays so when more
 * is written. */
static void check_and_go_on(const struct trial *trial, const char *folder)
{
    struct rt_journal *journal = must_open(folder);
    uint32_t groups = whole_groups(journal);

    if (groups < trial->acknowledged || groups > trial->begun)
        print_error("mode %d call %ld seed %llu: %u groups of %u acknowledged\n", trial->mode,
                    trial->at, (unsigned long long)trial->seed, groups, trial->acknowledged);
    assert_in_range(groups, trial->acknowledged, trial->begun);
    for (uint32_t i = 0; i < 6; i++)
        must_add_group(journal, (groups + i) * EACH);
    assert_int_equal(whole_groups(journal), groups + 6);
    rt_journal_close(journal);
    journal = must_open(folder);
    assert_string_equal(rt_journal_note(journal), "");
    assert_int_equal(whole_groups(journal), groups + 6);
    rt_journal_close(journal);
}

static bool try_at(enum rt_bad_mode mode, long at, int fault, uint64_t seed)
{
    struct trial trial = {.mode = mode, .at = at, .fault = fault, .seed = seed, .groups = 14};
    char *folder = rt_scratch_new();

    write_until(&trial, folder);
    check_and_go_on(&trial, folder);
    rt_scratch_remove(folder);
    return trial.calls >= at;
}

static void a_process_killed_at_any_call_loses_nothing(void **state)
{
    (void)state;
    for (long at = 1; try_at(RT_BAD_STOP, at, 0, 0); at++) {
    }
}

static void a_power_cut_at_any_call_loses_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++)
        for (long at = 1; try_at(RT_BAD_POWER, at, 0, seed * 1000 + (uint64_t)at); at++) {
        }
}

static void a_call_that_fails_is_never_acknowledged(void **state)
{
    (void)state;
    for (long at = 1; try_at(RT_BAD_FAIL, at, EIO, 0); at++) {
    }
    for (long at = 1; try_at(RT_BAD_FAIL, at, ENOSPC, 0); at++) {
    }
}

static void short_writes_are_continued(void **state)
{
    (void)state;
    for (long at = 1;; at++) {
        struct trial trial = {.mode = RT_BAD_SHORT, .at = at, .groups = 14};
        char *folder = rt_scratch_new();

        write_until(&trial, folder);
        assert_int_equal(trial.acknowledged, trial.groups);
        check_and_go_on(&trial, folder);
        rt_scratch_remove(folder);
        if (trial.calls < at)
            break;
    }
}

static int fail_syncs(void *context, const struct rt_disk_call *call)
{
    (void)context;
    return call->op == RT_DISK_SYNC ? EIO : 0;
}

static void a_failed_sync_ends_it_for_good(void **state)
{
    char *folder = rt_scratch_new(), error[RT_JOURNAL_ERROR] = "";
    struct rt_journal *journal = must_open(folder);

    (void)state;
    must_add_group(journal, 0);
    assert_true(rt_journal_reserve(journal, SEGMENT, 1)); /* the thread is done */
    add(journal, EACH, 0);
    rt_disk_set_hook(fail_syncs, NULL);
    rt_journal_commit(journal, 1, 9);
    assert_int_equal(rt_journal_wait(journal, error), RT_JOURNAL_FAILED);
    rt_disk_set_hook(NULL, NULL);
    assert_non_null(strstr(error, "Input/output error"));
    error[0] = '\0';
    assert_int_equal(rt_journal_poll(journal, error), RT_JOURNAL_FAILED);
    assert_non_null(strstr(error, "Input/output error"));
    assert_false(rt_journal_reserve(journal, 1, 1));
    rt_journal_close(journal);
    rt_scratch_remove(folder);
}

/* Which of a file's bytes were written, and that a sync came after. */
struct watch {
    uint64_t from, to;
    bool synced;
    int sync_fault;
};

static int watch_call(void *context, const struct rt_disk_call *call)
{
    struct watch *watch = context;

    if (gettid() != getpid())
        return 0; /* the journal's own thread makes a segment ready meanwhile */
    if (call->op == RT_DISK_WRITE) {
        watch->from = call->offset;
        watch->to = call->offset + call->size;
        watch->synced = false;
    }
    if (call->op != RT_DISK_SYNC || watch->to == 0)
        return 0;
    watch->synced = watch->sync_fault == 0;
    return watch->sync_fault;
}

/* A journal of two groups that are on disk and one that was written and not synced: [*from, *to). */
static char *killed_before_its_sync(uint64_t *from, uint64_t *to)
{
    char *folder = rt_scratch_new();
    struct rt_journal *journal = must_open(folder);

    must_add_group(journal, 0);
    must_add_group(journal, EACH);
    assert_true(rt_journal_reserve(journal, (uint64_t)EACH * BODY, EACH)); /* the thread is done */
    *from = rt_position_offset(rt_journal_end(journal));
    rt_bad_disk_begin(RT_BAD_STOP, 2, 0);
    assert_false(add_group(journal, 2 * EACH));
    *to = rt_position_offset(rt_journal_next(journal));
    rt_journal_close(journal);
    rt_bad_disk_end();
    return folder;
}

/* What a killed process wrote and did not sync can be read and may not be on disk: it is written
 * again and synced before anybody is told of it. */
static void the_last_group_is_on_disk_before_it_is_trusted(void **state)
{
    uint64_t from, to;
    char *folder = killed_before_its_sync(&from, &to);
    struct watch watch = {0};
    struct rt_journal *journal;

    (void)state;
    rt_disk_set_hook(watch_call, &watch);
    journal = must_open(folder);
    rt_disk_set_hook(NULL, NULL);
    assert_int_equal(whole_groups(journal), 3);
    assert_int_equal(watch.from, from);
    assert_int_equal(watch.to, to);
    assert_true(watch.synced);
    rt_journal_close(journal);
    rt_scratch_remove(folder);
}

static void a_log_whose_last_group_cannot_be_synced_is_not_opened(void **state)
{
    uint64_t from, to;
    char *folder = killed_before_its_sync(&from, &to), error[RT_JOURNAL_ERROR];
    struct watch watch = {.sync_fault = EIO};

    (void)state;
    rt_disk_set_hook(watch_call, &watch);
    assert_null(open_log(folder, LOG, error));
    assert_non_null(strstr(error, "writing the last group again failed"));
    rt_disk_set_hook(NULL, NULL);
    rt_scratch_remove(folder);
}

/* The same for the log of an earlier generation, which the worker of a new one only reads. */
static void a_log_that_is_only_read_is_settled_too(void **state)
{
    uint64_t from, to;
    char *folder = killed_before_its_sync(&from, &to), error[RT_JOURNAL_ERROR] = "";
    struct rt_journal *journal = open_log(folder, LOG + 1, error);
    struct watch watch = {.sync_fault = EIO};
    struct seen seen = {0};

    (void)state;
    assert_non_null(journal);
    assert_true(rt_journal_reserve(journal, 1, 1)); /* the thread is done */
    rt_disk_set_hook(watch_call, &watch);
    assert_false(rt_journal_walk(journal, LOG, 0, see, see_damage, &seen, error));
    watch = (struct watch){0};
    assert_int_equal(whole_groups(journal), 3);
    assert_int_equal(watch.from, from);
    assert_int_equal(watch.to, to);
    assert_true(watch.synced);
    rt_disk_set_hook(NULL, NULL);
    rt_journal_close(journal);
    rt_scratch_remove(folder);
}

/* A worker of the generation before that is still there would go on writing behind our back. */
static void a_log_that_is_still_written_is_not_read(void **state)
{
    char *folder = rt_scratch_new(), error[RT_JOURNAL_ERROR] = "";
    struct rt_journal *writer = must_open(folder), *reader;
    struct seen seen = {0};

    (void)state;
    must_add_group(writer, 0);
    reader = open_log(folder, LOG + 1, error);
    assert_non_null(reader);
    assert_false(rt_journal_walk(reader, LOG, 0, see, see_damage, &seen, error));
    assert_non_null(strstr(error, "still written"));
    assert_false(rt_journal_inherited(reader, LOG + 1, error));
    assert_true(rt_journal_inherited(reader, LOG, error)); /* a sibling of today */
    rt_journal_close(writer);
    assert_true(rt_journal_inherited(reader, LOG + 1, error));
    assert_int_equal(whole_groups(reader), 1);
    rt_journal_close(reader);
    rt_scratch_remove(folder);
}

/* What a sibling wrote since we looked is not cut off, though it is not there just now. */
static void the_log_of_a_sibling_is_never_cut(void **state)
{
    char *folder = rt_scratch_new(), error[RT_JOURNAL_ERROR] = "";
    struct rt_journal *sibling = must_open(folder), *journal;

    (void)state;
    must_add_group(sibling, 0);
    add(sibling, EACH, 0); /* never committed: the log ends in what is no record */
    rt_journal_close(sibling);
    journal = open_log(folder, LOG + 1, error);
    assert_non_null(journal);
    assert_true(rt_journal_inherited(journal, LOG, error));
    assert_int_equal(whole_groups(journal), 1);
    sibling = must_open(folder);
    must_add_group(sibling, EACH);
    must_add_group(sibling, 2 * EACH);
    rt_journal_close(sibling);
    rt_logs_get(&journal->logs, journal->folder, LOG, false)->unfinished = true;
    assert_true(rt_journal_cut_others(journal, error));
    rt_journal_close(journal);
    sibling = must_open(folder);
    assert_int_equal(whole_groups(sibling), 3);
    rt_journal_close(sibling);
    rt_scratch_remove(folder);
}

static const char segment_name[] = "journal/0003-000001.seg";

/* A group that was torn in its first record, though its COMMIT arrived, is cut off. Should that
 * record be written again in the same place, the rest must not come to life behind it. */
static void what_was_cut_never_comes_to_life(void **state)
{
    char *folder = rt_scratch_new();
    struct rt_journal *journal = must_open(folder);
    uint8_t *whole, *torn, *cut;
    uint64_t first, end;
    size_t size;

    (void)state;
    must_add_group(journal, 0);
    first = rt_position_offset(rt_journal_end(journal));
    must_add_group(journal, EACH);
    end = rt_position_offset(rt_journal_end(journal));
    rt_journal_close(journal);
    whole = rt_scratch_read(folder, segment_name, &size);
    torn = rt_scratch_read(folder, segment_name, &size);
    memset(torn + first, 0, BODY);
    rt_scratch_write(folder, segment_name, torn, size);
    journal = must_open(folder);
    assert_non_null(strstr(rt_journal_note(journal), "cut off"));
    assert_int_equal(whole_groups(journal), 1);
    rt_journal_close(journal);
    cut = rt_scratch_read(folder, segment_name, &size);
    for (uint64_t i = first; i < end; i++)
        assert_int_equal(cut[i], 0);
    memcpy(cut + first, whole + first, BODY);
    rt_scratch_write(folder, segment_name, cut, size);
    journal = must_open(folder);
    assert_int_equal(whole_groups(journal), 1);
    rt_journal_close(journal);
    free(whole);
    free(torn);
    free(cut);
    rt_scratch_remove(folder);
}

/* Of a group that goes on in a second segment what stood in the first did not arrive, though it is less than
 * a sector with room for no gap: it is cut off whole, and nothing is taken for damage. */
static void a_group_torn_between_two_segments_is_no_damage(void **state)
{
    char *folder = rt_scratch_new();
    struct rt_journal *journal = must_open(folder);
    rt_position first = 0;
    uint32_t groups = 0;
    uint8_t *torn;
    size_t size;

    (void)state;
    while (rt_position_segment(rt_journal_end(journal)) < 2) {
        first = rt_journal_end(journal);
        must_add_group(journal, groups++ * EACH);
    }
    rt_journal_close(journal);
    assert_int_equal(rt_position_segment(first), 1);
    torn = rt_scratch_read(folder, segment_name, &size);
    memset(torn + rt_position_offset(first), 0, size - rt_position_offset(first));
    rt_scratch_write(folder, segment_name, torn, size);
    journal = must_open(folder);
    assert_non_null(strstr(rt_journal_note(journal), "begun by a group without a commit"));
    assert_int_equal(rt_journal_end(journal), first);
    assert_int_equal(whole_groups(journal), groups - 1);
    must_add_group(journal, (groups - 1) * EACH);
    assert_int_equal(whole_groups(journal), groups);
    rt_journal_close(journal);
    free(torn);
    rt_scratch_remove(folder);
}

/* ---- rot ---------------------------------------------------------------------------------- */

/* Four groups in one segment; its bytes. */
static uint8_t *small_journal(const char *folder, size_t *size, uint64_t *used)
{
    struct rt_journal *journal = must_open(folder);
    char error[RT_JOURNAL_ERROR];
    uint8_t body[BODY];

    for (uint32_t n = 0; n < 4 * EACH; n++) {
        struct rt_span span = numbered(n, body);

        span.size = 40 + n % 9;
        assert_true(rt_journal_append(journal, RT_RECORD_EVENT, 0, n % 256, 0, span) != 0);
        if (n % EACH == EACH - 1) {
            rt_journal_commit(journal, n, 9);
            assert_int_equal(rt_journal_wait(journal, error), RT_JOURNAL_DONE);
        }
    }
    *used = rt_position_offset(rt_journal_end(journal));
    rt_journal_close(journal);
    return rt_scratch_read(folder, segment_name, size);
}

static bool see_number(void *context, const struct rt_record *record)
{
    struct seen *seen = context;
    uint32_t n;

    if (record->type == RT_RECORD_COMMIT) {
        seen->groups++;
        return true;
    }
    memcpy(&n, record->body.data, sizeof(n));
    seen->wrong |= n < seen->next || n >= 4 * EACH;
    seen->missing += n - seen->next;
    seen->next = n + 1;
    return true;
}

/* One event or commit is missing at most (or the last group, if its COMMIT was hit), and it was
 * said where. */
static void check_flip(const char *folder, uint64_t at, uint64_t used)
{
    char error[RT_JOURNAL_ERROR];
    struct rt_journal *journal = must_open(folder);
    struct seen seen = {0};
    bool cut = strstr(rt_journal_note(journal), "0003-000001.seg") != NULL;
    uint32_t lost;

    assert_true(rt_journal_walk(journal, LOG, 0, see_number, see_damage, &seen, error));
    assert_false(seen.wrong);
    lost = 4 * EACH - seen.next + seen.missing + 4 - seen.groups;
    if (at < RT_SEGMENT_FIRST || at >= used) {
        assert_int_equal(lost, 0); /* the header stands twice; behind the end there is nothing */
        assert_int_equal(seen.damaged, 0);
    } else if (cut) {
        assert_int_equal(lost, EACH + 1);
        assert_in_range(at, used - 40, used - 1);
    } else {
        assert_true(lost <= 1); /* 0: the START */
        assert_int_equal(seen.damaged, 1);
        assert_string_equal(seen.file, segment_name);
        assert_true(seen.offset <= at && at < seen.offset + 80);
    }
    rt_journal_close(journal);
}

static void every_flipped_bit_is_found_and_costs_one_record(void **state)
{
    char *folder = rt_scratch_new();
    uint64_t used;
    size_t size;
    uint8_t *bytes = small_journal(folder, &size, &used);

    (void)state;
    for (uint64_t at = 0; at < used + 200; at += at >= 64 && at < 2048 ? 61 : 1) {
        uint8_t bit = (uint8_t)(1 << at % 8);

        bytes[at] ^= bit;
        rt_scratch_write(folder, segment_name, bytes, size);
        check_flip(folder, at, used);
        bytes[at] ^= bit;
    }
    free(bytes);
    rt_scratch_remove(folder);
}

static void a_cut_file_loses_only_what_was_cut(void **state)
{
    char *folder = rt_scratch_new();
    uint64_t used;
    size_t size;
    uint8_t *bytes = small_journal(folder, &size, &used);

    (void)state;
    for (uint64_t length = RT_SEGMENT_FIRST; length < used + 64; length += 7) {
        struct rt_journal *journal;
        struct seen seen = {0};
        char error[RT_JOURNAL_ERROR];

        rt_scratch_write(folder, segment_name, bytes, (size_t)length);
        journal = must_open(folder);
        assert_non_null(strstr(rt_journal_note(journal), "0003-000001.seg"));
        assert_true(rt_journal_walk(journal, LOG, 0, see_number, see_damage, &seen, error));
        assert_false(seen.wrong);
        assert_int_equal(seen.missing + seen.damaged, 0);
        assert_int_equal(seen.next, seen.groups * EACH);
        if (length >= used)
            assert_int_equal(seen.groups, 4);
        assert_true(rt_journal_reserve(journal, BODY, 1));
        assert_true(add(journal, 0, 0) != 0);
        rt_journal_commit(journal, 7, 9);
        assert_int_equal(rt_journal_wait(journal, error), RT_JOURNAL_DONE);
        rt_journal_close(journal);
    }
    free(bytes);
    rt_scratch_remove(folder);
}

static void a_lost_header_costs_its_segment_and_is_said(void **state)
{
    char *folder = rt_scratch_new();
    struct rt_journal *journal = must_open(folder);
    uint8_t *bytes;
    struct seen seen;
    size_t size;

    (void)state;
    for (uint32_t i = 0; i < 20; i++)
        must_add_group(journal, i * EACH);
    rt_journal_close(journal);
    bytes = rt_scratch_read(folder, "journal/0003-000002.seg", &size);
    memset(bytes, 0xff, RT_SEGMENT_FIRST);
    rt_scratch_write(folder, "journal/0003-000002.seg", bytes, size);
    free(bytes);
    journal = must_open(folder);
    seen = walk(journal);
    assert_int_equal(seen.damaged, 1);
    assert_string_equal(seen.file, "journal/0003-000002.seg");
    assert_int_equal(seen.next, 20 * EACH);
    assert_in_range(seen.missing, 15, 22);
    rt_journal_close(journal);
    rt_scratch_remove(folder);
}

static void a_missing_segment_is_said(void **state)
{
    char *folder = rt_scratch_new(), path[256];
    struct rt_journal *journal = must_open(folder);
    struct seen seen;

    (void)state;
    for (uint32_t i = 0; i < 20; i++)
        must_add_group(journal, i * EACH);
    rt_journal_close(journal);
    snprintf(path, sizeof(path), "%s/journal/0003-000003.seg", folder);
    assert_int_equal(unlink(path), 0);
    journal = must_open(folder);
    seen = walk(journal);
    assert_int_equal(seen.damaged, 1);
    assert_string_equal(seen.file, "journal/0003-000003.seg");
    rt_journal_close(journal);
    rt_scratch_remove(folder);
}

static void cover(const char *folder, rt_position position)
{
    const struct rt_snapshot snapshot = {.partition = 1, .position = position};
    char error[RT_JOURNAL_ERROR];

    assert_true(rt_snapshot_save(folder, &snapshot, error, sizeof(error)));
}

/* Damage at the very end looks torn; but what a snapshot covers was on disk, and its positions are
 * never given again. */
static void what_a_snapshot_covers_is_never_cut(void **state)
{
    char *folder = rt_scratch_new(), error[RT_JOURNAL_ERROR];
    struct rt_journal *journal = must_open(folder);
    struct seen seen;
    rt_position end;
    uint8_t *bytes;
    size_t size;

    (void)state;
    for (uint32_t i = 0; i < 3; i++)
        must_add_group(journal, i * EACH);
    end = rt_journal_end(journal);
    cover(folder, end);
    rt_journal_close(journal);
    bytes = rt_scratch_read(folder, segment_name, &size);
    bytes[rt_position_offset(end) - 10] ^= 1; /* in the last COMMIT */
    rt_scratch_write(folder, segment_name, bytes, size);
    journal = must_open(folder);
    assert_int_equal(rt_journal_end(journal), end);
    seen = walk(journal);
    assert_int_equal(seen.damaged, 1);
    assert_int_equal(seen.next, 3 * EACH); /* the group's events are all there */
    assert_true(add(journal, 3 * EACH, 0) >= end);
    rt_journal_close(journal);
    memset(bytes, 0, RT_SEGMENT_FIRST); /* the whole segment lost */
    rt_scratch_write(folder, segment_name, bytes, size);
    free(bytes);
    journal = must_open(folder);
    assert_true(add(journal, 3 * EACH, 0) > end);
    rt_journal_commit(journal, 1, 9);
    assert_int_equal(rt_journal_wait(journal, error), RT_JOURNAL_DONE);
    end = rt_journal_end(journal);
    rt_journal_close(journal);
    journal = must_open(folder);
    assert_string_equal(rt_journal_note(journal), "");
    assert_int_equal(rt_journal_end(journal), end);
    seen = walk(journal);
    assert_int_equal(seen.damaged, 1);
    assert_string_equal(seen.file, segment_name);
    assert_int_equal(seen.next, 3 * EACH + 1);
    rt_journal_close(journal);
    rt_scratch_remove(folder);
}

static void positions_of_lost_files_are_not_given_again(void **state)
{
    char *folder = rt_scratch_new(), path[256];
    struct rt_journal *journal = must_open(folder);
    rt_position end;

    (void)state;
    for (uint32_t i = 0; i < 10; i++)
        must_add_group(journal, i * EACH);
    end = rt_journal_end(journal);
    cover(folder, end);
    rt_journal_close(journal);
    for (uint32_t number = 1; number < 9; number++) {
        snprintf(path, sizeof(path), "%s/journal/0003-%06x.seg", folder, number);
        unlink(path);
    }
    journal = must_open(folder);
    assert_true(add(journal, 0, 0) > end);
    rt_journal_close(journal);
    rt_scratch_remove(folder);
}

/* The newest segment lost, and no snapshot: it is set aside, not written over. */
static void a_newest_segment_without_a_header_is_set_aside(void **state)
{
    char *folder = rt_scratch_new();
    struct rt_journal *journal = must_open(folder);
    struct stat status;
    uint8_t *bytes;
    char path[256];
    size_t size;

    (void)state;
    must_add_group(journal, 0);
    rt_journal_close(journal);
    bytes = rt_scratch_read(folder, segment_name, &size);
    memset(bytes, 0, RT_SEGMENT_FIRST);
    rt_scratch_write(folder, segment_name, bytes, size);
    free(bytes);
    journal = must_open(folder);
    assert_non_null(strstr(rt_journal_note(journal), "0003-000001.bad"));
    snprintf(path, sizeof(path), "%s/journal/0003-000001.bad", folder);
    assert_int_equal(stat(path, &status), 0);
    must_add_group(journal, 0);
    rt_journal_close(journal);
    rt_scratch_remove(folder);
}

/* A body that contains a copy of another record, byte for byte, is not taken for one when the
 * record around it is damaged. */
static void a_record_in_a_body_is_no_record(void **state)
{
    char *folder = rt_scratch_new(), error[RT_JOURNAL_ERROR];
    struct rt_journal *journal = must_open(folder);
    rt_position at = add(journal, 0, 0), outer;
    struct seen seen = {0};
    uint8_t *bytes;
    size_t size;

    (void)state;
    rt_journal_commit(journal, 1, 9);
    assert_int_equal(rt_journal_wait(journal, error), RT_JOURNAL_DONE);
    bytes = rt_scratch_read(folder, segment_name, &size);
    outer = rt_journal_append(journal, RT_RECORD_EVENT, 0, 0, 0,
                              rt_span(bytes + rt_position_offset(at) - 4, BODY + 100));
    rt_journal_commit(journal, 2, 9);
    assert_int_equal(rt_journal_wait(journal, error), RT_JOURNAL_DONE);
    must_add_group(journal, 1);
    rt_journal_close(journal);
    free(bytes);
    bytes = rt_scratch_read(folder, segment_name, &size);
    bytes[rt_position_offset(outer)] ^= 1;
    rt_scratch_write(folder, segment_name, bytes, size);
    free(bytes);
    journal = must_open(folder);
    assert_true(rt_journal_walk(journal, LOG, 0, see, see_damage, &seen, error));
    assert_false(seen.wrong);
    assert_int_equal(seen.damaged, 1);
    assert_int_equal(seen.offset, rt_position_offset(outer));
    assert_int_equal(seen.next, 1 + EACH);
    rt_journal_close(journal);
    rt_scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_writer_is_refused),
        cmocka_unit_test(a_missing_state_directory_is_said),
        cmocka_unit_test(a_body_that_is_too_large_is_refused),
        cmocka_unit_test(positions_of_nothing_cannot_be_read),
        cmocka_unit_test(the_limit_is_kept_and_room_comes_back),
        cmocka_unit_test(a_full_disk_is_met_before_anything_changes),
        cmocka_unit_test(what_was_committed_is_walked_and_read),
        cmocka_unit_test(records_are_read_before_and_after_their_commit),
        cmocka_unit_test(a_walk_begins_where_it_is_told),
        cmocka_unit_test(what_was_not_committed_is_gone),
        cmocka_unit_test(an_empty_group_keeps_the_time),
        cmocka_unit_test(trimming_waits_for_snapshots_and_age),
        cmocka_unit_test(logs_of_earlier_generations_are_read_and_trimmed),
        cmocka_unit_test(a_segment_that_is_trimmed_meanwhile_is_no_damage),
        cmocka_unit_test(scrubbed_records_are_gone_from_disk_but_not_from_chains),
        cmocka_unit_test(an_intent_that_cannot_be_ours_overwrites_nothing),
        cmocka_unit_test(segments_that_are_missing_are_said_once),
        cmocka_unit_test(an_erase_is_all_or_nothing),
        cmocka_unit_test(a_process_killed_at_any_call_loses_nothing),
        cmocka_unit_test(a_power_cut_at_any_call_loses_nothing),
        cmocka_unit_test(a_call_that_fails_is_never_acknowledged),
        cmocka_unit_test(short_writes_are_continued),
        cmocka_unit_test(a_failed_sync_ends_it_for_good),
        cmocka_unit_test(the_last_group_is_on_disk_before_it_is_trusted),
        cmocka_unit_test(a_log_whose_last_group_cannot_be_synced_is_not_opened),
        cmocka_unit_test(a_log_that_is_only_read_is_settled_too),
        cmocka_unit_test(a_log_that_is_still_written_is_not_read),
        cmocka_unit_test(the_log_of_a_sibling_is_never_cut),
        cmocka_unit_test(what_was_cut_never_comes_to_life),
        cmocka_unit_test(a_group_torn_between_two_segments_is_no_damage),
        cmocka_unit_test(every_flipped_bit_is_found_and_costs_one_record),
        cmocka_unit_test(a_cut_file_loses_only_what_was_cut),
        cmocka_unit_test(a_lost_header_costs_its_segment_and_is_said),
        cmocka_unit_test(a_missing_segment_is_said),
        cmocka_unit_test(what_a_snapshot_covers_is_never_cut),
        cmocka_unit_test(positions_of_lost_files_are_not_given_again),
        cmocka_unit_test(a_newest_segment_without_a_header_is_set_aside),
        cmocka_unit_test(a_record_in_a_body_is_no_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

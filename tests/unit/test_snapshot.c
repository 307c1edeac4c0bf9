/* Snapshot files: after whatever happened the newest good one is loaded, and there is one if there
 * ever was. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/bad_disk.h"
#include "workers/snapshot.h"

enum { PARTITION = 0x2a, CONTENT = 5000 };

static const char name[] = "snapshots/002a.snap", old_name[] = "snapshots/002a.old";

/* The n-th state of the partition. */
static struct rt_snapshot state_of(uint32_t n)
{
    struct rt_snapshot snapshot = {.partition = PARTITION,
                                   .position = UINT64_C(1) << 48 | (n + 1) << 10,
                                   .time = n * 1000,
                                   .config_epoch = n + 7};

    for (uint32_t i = 0; i < CONTENT + n; i++) {
        uint8_t byte = (uint8_t)(i * (n + 1));

        rt_buffer_append(&snapshot.content, &byte, 1);
    }
    return snapshot;
}

static bool save(const char *folder, uint32_t n)
{
    struct rt_snapshot snapshot = state_of(n);
    char error[RT_JOURNAL_ERROR] = "";
    bool saved = rt_snapshot_save(folder, &snapshot, error, sizeof(error));

    assert_true(saved || error[0] != '\0');
    rt_buffer_free(&snapshot.content);
    return saved;
}

/* Number of the state that is loaded, -1: none. It must be whole. */
static int load(const char *folder, char note[RT_JOURNAL_ERROR])
{
    struct rt_snapshot snapshot, expected;
    int n = -1;

    if (rt_snapshot_load(folder, PARTITION, &snapshot, note, RT_JOURNAL_ERROR)) {
        n = (int)(snapshot.time / 1000);
        expected = state_of((uint32_t)n);
        assert_int_equal(snapshot.partition, PARTITION);
        assert_int_equal(snapshot.position, expected.position);
        assert_int_equal(snapshot.config_epoch, expected.config_epoch);
        assert_true(
            rt_span_equal(rt_buffer_span(&snapshot.content), rt_buffer_span(&expected.content)));
        assert_true(snapshot.oldest != 0 && snapshot.oldest <= snapshot.position);
        rt_buffer_free(&expected.content);
    } else {
        assert_int_equal(snapshot.position, 0);
        assert_int_equal(snapshot.content.size, 0);
    }
    rt_buffer_free(&snapshot.content);
    return n;
}

static void nothing_is_loaded_where_nothing_is(void **state)
{
    char *folder = rt_scratch_new(), note[RT_JOURNAL_ERROR];

    (void)state;
    assert_int_equal(load(folder, note), -1);
    assert_string_equal(note, "");
    assert_int_equal(load("/nonexistent", note), -1);
    rt_scratch_remove(folder);
}

static void saving_nowhere_is_said(void **state)
{
    (void)state;
    assert_false(save("/nonexistent/retain", 0));
}

static void damage_anywhere_falls_back_to_the_one_before(void **state)
{
    char *folder = rt_scratch_new(), note[RT_JOURNAL_ERROR];
    uint8_t *bytes;
    size_t size;

    (void)state;
    assert_true(save(folder, 0) && save(folder, 1));
    bytes = rt_scratch_read(folder, name, &size);
    for (size_t at = 0; at < size; at += at < 80 ? 1 : 97) {
        bytes[at] ^= (uint8_t)(1 << at % 8);
        rt_scratch_write(folder, name, bytes, size);
        assert_int_equal(load(folder, note), 0);
        assert_non_null(strstr(note, name));
        bytes[at] ^= (uint8_t)(1 << at % 8);
    }
    for (size_t cut = 0; cut < size; cut += 61) {
        rt_scratch_write(folder, name, bytes, cut);
        assert_int_equal(load(folder, note), 0);
        assert_non_null(strstr(note, name));
    }
    rt_scratch_write(folder, old_name, bytes, 10);
    assert_int_equal(load(folder, note), -1);
    assert_non_null(strstr(note, old_name));
    free(bytes);
    rt_scratch_remove(folder);
}

static void a_file_of_another_partition_is_refused(void **state)
{
    char *folder = rt_scratch_new(), note[RT_JOURNAL_ERROR];
    struct rt_snapshot other;
    uint8_t *bytes;
    size_t size;

    (void)state;
    assert_true(save(folder, 0));
    bytes = rt_scratch_read(folder, name, &size);
    rt_scratch_write(folder, "snapshots/002b.snap", bytes, size);
    assert_false(rt_snapshot_load(folder, PARTITION + 1, &other, note, sizeof(note)));
    assert_non_null(strstr(note, "another partition"));
    free(bytes);
    rt_scratch_remove(folder);
}

static void the_newest_is_loaded_and_the_oldest_named(void **state)
{
    char *folder = rt_scratch_new(), note[RT_JOURNAL_ERROR];
    struct rt_snapshot snapshot;

    (void)state;
    for (uint32_t n = 0; n < 4; n++) {
        struct rt_snapshot expected = state_of(n > 0 ? n - 1 : 0), newest = state_of(n);

        assert_true(save(folder, n));
        assert_int_equal(load(folder, note), n);
        assert_string_equal(note, "");
        assert_true(rt_snapshot_load(folder, PARTITION, &snapshot, note, sizeof(note)));
        assert_int_equal(snapshot.oldest, expected.position);
        assert_int_equal(rt_snapshot_covered(folder, 1), newest.position);
        assert_int_equal(rt_snapshot_covered(folder, 2), 0);
        rt_buffer_free(&snapshot.content);
        rt_buffer_free(&expected.content);
        rt_buffer_free(&newest.content);
    }
    rt_scratch_remove(folder);
}

static bool save_with(enum rt_bad_mode mode, long at, uint64_t seed, uint32_t before)
{
    char *folder = rt_scratch_new(), note[RT_JOURNAL_ERROR];
    bool saved;
    long calls;
    int n;

    for (uint32_t i = 0; i < before; i++)
        assert_true(save(folder, i));
    rt_bad_disk_begin(mode, at, ENOSPC);
    saved = save(folder, before);
    calls = rt_bad_disk_end();
    if (mode == RT_BAD_POWER)
        rt_bad_disk_restore(seed);
    n = load(folder, note);
    assert_in_range(n + 1, saved ? before + 1 : before, before + 1);
    assert_true(save(folder, before + 1));
    assert_int_equal(load(folder, note), before + 1);
    assert_string_equal(note, "");
    rt_scratch_remove(folder);
    return calls >= at;
}

static void a_stop_at_any_call_leaves_a_good_one(void **state)
{
    static const enum rt_bad_mode modes[] = {RT_BAD_STOP, RT_BAD_POWER, RT_BAD_FAIL, RT_BAD_SHORT};

    (void)state;
    for (uint32_t before = 0; before < 3; before++)
        for (size_t m = 0; m < 4; m++)
            for (uint64_t seed = 0; seed < (modes[m] == RT_BAD_POWER ? 5 : 1); seed++)
                for (long at = 1; save_with(modes[m], at, seed, before); at++) {
                }
}

/* What a stop leaves while the current one is damaged and the one before is good: never fewer good
 * ones than there were. */
static void a_good_old_one_is_never_given_up_for_a_damaged_one(void **state)
{
    (void)state;
    for (long at = 1, more = 1; more; at++) {
        char *folder = rt_scratch_new(), note[RT_JOURNAL_ERROR];

        assert_true(save(folder, 0) && save(folder, 1));
        rt_scratch_write(folder, name, "damaged", 7);
        rt_bad_disk_begin(RT_BAD_POWER, at, EIO);
        save(folder, 2);
        more = rt_bad_disk_end() >= at;
        rt_bad_disk_restore((uint64_t)at);
        assert_in_range(load(folder, note), 0, 2);
        rt_scratch_remove(folder);
    }
}

static void the_thread_saves_and_says_so(void **state)
{
    char *folder = rt_scratch_new(), note[RT_JOURNAL_ERROR];
    int notify = eventfd(0, EFD_CLOEXEC);
    struct rt_snapshot_writer *writer = rt_snapshot_writer_new(folder, notify);

    (void)state;
    assert_non_null(writer);
    for (uint32_t n = 0; n < 5; n++) {
        struct rt_snapshot snapshot = state_of(n);
        struct pollfd finished = {.fd = notify, .events = POLLIN};
        struct rt_snapshot_done done;
        rt_position expected = snapshot.position;
        uint64_t count;

        assert_false(rt_snapshot_writer_busy(writer));
        rt_snapshot_writer_start(writer, &snapshot);
        assert_null(snapshot.content.data);
        assert_int_equal(poll(&finished, 1, 10000), 1);
        assert_int_equal(read(notify, &count, sizeof(count)), sizeof(count));
        while (!rt_snapshot_writer_finished(writer, &done))
            assert_true(rt_snapshot_writer_busy(writer));
        assert_true(done.saved);
        assert_int_equal(done.partition, PARTITION);
        assert_int_equal(done.position, expected);
        assert_int_equal(load(folder, note), n);
    }
    rt_snapshot_writer_free(writer);
    rt_snapshot_writer_free(NULL);
    close(notify);
    rt_scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_loaded_where_nothing_is),
        cmocka_unit_test(saving_nowhere_is_said),
        cmocka_unit_test(damage_anywhere_falls_back_to_the_one_before),
        cmocka_unit_test(a_file_of_another_partition_is_refused),
        cmocka_unit_test(the_newest_is_loaded_and_the_oldest_named),
        cmocka_unit_test(a_stop_at_any_call_leaves_a_good_one),
        cmocka_unit_test(a_good_old_one_is_never_given_up_for_a_damaged_one),
        cmocka_unit_test(the_thread_saves_and_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

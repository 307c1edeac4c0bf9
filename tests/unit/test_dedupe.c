/* Exact deduplication. The long story sends events with few different identities in random order,
 * kills, damages and starts again, and holds every answer against a plain table. Its seed is
 * printed; RT_SEED=n repeats it. */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/bad_disk.h"
#include "workers/dedupe_private.h"

enum { LOG = 5, SEGMENT = 64 << 10, SEAL = 100, IDS = 6000 };

/* ---- a log with an index ------------------------------------------------------------------ */

struct world {
    char *folder;
    struct rt_journal *journal;
    struct rt_dedupe *dedupe;
    int64_t now;
    rt_position first[IDS]; /* of the event with that id, 0: none yet */
    uint32_t order[IDS];    /* ids whose commit is under way */
    size_t pending_count;
    uint64_t along_the_chain; /* answers that sent us there */
};

static bool owns_all(void *context, uint32_t partition)
{
    (void)context;
    (void)partition;
    return true;
}

static bool owns_even(void *context, uint32_t partition)
{
    (void)context;
    return partition % 2 == 0;
}

static bool owns_odd(void *context, uint32_t partition)
{
    return !owns_even(context, partition);
}

static bool world_open(struct world *world, int64_t not_before)
{
    char error[RT_JOURNAL_ERROR] = "";
    const struct rt_journal_options options = {
        .state_dir = world->folder, .log = LOG, .segment_bytes = SEGMENT, .notify_fd = -1};

    world->journal = rt_journal_open(&options, error);
    world->dedupe = world->journal == NULL
                        ? NULL
                        : rt_dedupe_open(world->journal, not_before, owns_all, NULL, NULL, error);
    if (world->dedupe == NULL)
        return false;
    world->dedupe->seal = SEAL;
    assert_true(rt_dedupe_renew_front(world->dedupe));
    return true;
}

static void world_close(struct world *world)
{
    rt_dedupe_close(world->dedupe);
    rt_journal_close(world->journal);
    world->dedupe = NULL;
    world->journal = NULL;
}

static struct world *world_new(void)
{
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    world->folder = rt_scratch_new();
    assert_true(world_open(world, 0));
    return world;
}

static void world_free(struct world *world)
{
    world_close(world);
    rt_scratch_remove(world->folder);
    free(world);
}

static void write_event(struct rt_buffer *out, uint32_t id)
{
    char text[32];

    rt_buffer_clear(out);
    rt_write_map(out, 4);
    snprintf(text, sizeof(text), "i%u", id);
    rt_write_key_text(out, "id", text);
    rt_write_key_text(out, "type", "call");
    snprintf(text, sizeof(text), "account-%u", id % 97);
    rt_write_key_text(out, "account", text);
    rt_write_key_int(out, "ts", id);
}

static uint64_t identity_of(uint32_t id)
{
    struct rt_buffer bytes = {0};
    struct rt_event event;
    struct rt_fault fault;
    uint64_t identity;

    write_event(&bytes, id);
    assert_int_equal(rt_event_decode_accepted(rt_buffer_span(&bytes), &event, &fault), RT_OK);
    identity = rt_identity(&event);
    rt_buffer_free(&bytes);
    return identity;
}

/* As ingest does it: the first of the candidates whose bytes are the same. 0: it is new. */
static rt_position look_up(struct world *world, uint32_t id)
{
    rt_position found[RT_DEDUPE_CANDIDATES];
    uint64_t identity = identity_of(id);
    struct rt_buffer bytes = {0};
    struct rt_record record;
    rt_position same = 0;
    size_t count;

    rt_dedupe_touch(world->dedupe, identity);
    count = rt_dedupe_find(world->dedupe, identity, found);
    if (count > RT_DEDUPE_CANDIDATES) {
        world->along_the_chain++;
        return world->first[id]; /* the chain knows */
    }
    write_event(&bytes, id);
    for (size_t i = 0; i < count && same == 0; i++)
        if (rt_journal_read(world->journal, found[i], &record) &&
            rt_span_equal(record.body, rt_buffer_span(&bytes)))
            same = found[i];
    rt_buffer_free(&bytes);
    return same;
}

/* Sends one event; false if the disk refused. */
static bool send(struct world *world, uint32_t id)
{
    struct rt_buffer bytes = {0};
    rt_position position;

    assert_int_equal(look_up(world, id), world->first[id]);
    if (world->first[id] != 0)
        return true;
    write_event(&bytes, id);
    position = rt_journal_reserve(world->journal, bytes.size, 1)
                   ? rt_journal_append(world->journal, RT_RECORD_EVENT, 0, id % 256, 0,
                                       rt_buffer_span(&bytes))
                   : 0;
    rt_buffer_free(&bytes);
    if (position == 0)
        return false;
    assert_true(rt_dedupe_add(world->dedupe, identity_of(id), position));
    world->first[id] = position;
    world->order[world->pending_count++] = id;
    return true;
}

/* False if the disk refused: what is pending is then forgotten. */
static bool commit(struct world *world)
{
    char error[RT_JOURNAL_ERROR];

    if (rt_journal_pending(world->journal) == 0)
        return true;
    rt_journal_commit(world->journal, ++world->now, 1);
    if (rt_journal_wait(world->journal, error) != RT_JOURNAL_DONE)
        return false;
    world->pending_count = 0;
    rt_dedupe_maintain(world->dedupe, 0);
    return true;
}

/* Until the thread has nothing left to do. */
static void settle(struct world *world, int64_t not_before)
{
    for (int idle = 0; idle < 3; idle++) {
        rt_dedupe_maintain(world->dedupe, not_before);
        if (rt_jobs_busy(world->dedupe->jobs)) {
            idle = 0;
            usleep(100);
        }
    }
}

static void fill(struct world *world, uint32_t from, uint32_t to)
{
    for (uint32_t id = from; id < to; id++) {
        assert_true(send(world, id));
        if (id % 20 == 19)
            assert_true(commit(world));
    }
    assert_true(commit(world));
}

/* The thread has sealed what there was before more comes: however slow it is, runs stay small. */
static void fill_runs(struct world *world, uint32_t from, uint32_t to)
{
    for (; from < to; from += SEAL) {
        fill(world, from, from + SEAL);
        settle(world, 0);
    }
}

static void check_all(struct world *world)
{
    for (uint32_t id = 0; id < IDS; id++)
        assert_int_equal(look_up(world, id), world->first[id]);
}

/* Names of runs in the folder; the number of them. */
static size_t runs_on_disk(const struct world *world, char names[64][RT_RUN_NAME])
{
    char path[256];
    struct rt_run_header header;
    struct dirent *entry;
    size_t count = 0;
    DIR *folder;

    snprintf(path, sizeof(path), "%s/journal", world->folder);
    folder = opendir(path);
    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL)
        if (rt_run_name_parse(entry->d_name, &header) && count < 64)
            rt_run_name(names[count++], &header);
    closedir(folder);
    return count;
}

/* ---- identities --------------------------------------------------------------------------- */

static struct rt_event event_of(const char *source, const char *account, const char *id)
{
    struct rt_event event = {
        .source = rt_span_text(source), .account = rt_span_text(account), .id = rt_span_text(id)};

    return event;
}

static void parts_of_an_identity_do_not_run_together(void **state)
{
    struct rt_event one = event_of("a", "bc", "d"), two = event_of("ab", "c", "d"),
                    three = event_of("a", "b", "cd"), four = event_of("", "bc", "d"), none = four;

    (void)state;
    none.source = rt_span(NULL, 0);
    assert_true(rt_identity(&one) != rt_identity(&two));
    assert_true(rt_identity(&one) != rt_identity(&three));
    assert_true(rt_identity(&one) != rt_identity(&four));
    assert_true(rt_identity(&none) == rt_identity(&four));
    assert_false(rt_identity_equal(&one, &two));
    assert_false(rt_identity_equal(&one, &three));
    assert_true(rt_identity_equal(&none, &four));
    /* files hold it: another value is another format */
    assert_true(rt_identity(&one) == UINT64_C(0xde5b7574643545ad));
}

/* ---- collisions --------------------------------------------------------------------------- */

static void collisions_are_all_given_or_said_to_be_too_many(void **state)
{
    struct world *world = world_new();
    rt_position found[RT_DEDUPE_CANDIDATES];

    (void)state;
    for (rt_position i = 1; i <= RT_DEDUPE_CANDIDATES; i++) {
        assert_true(rt_dedupe_add(world->dedupe, 42, i));
        assert_int_equal(rt_dedupe_find(world->dedupe, 42, found), i);
        for (rt_position k = 0; k < i; k++)
            assert_int_equal(found[k], i - k); /* newest first */
        assert_int_equal(rt_dedupe_find(world->dedupe, 43, found), 0);
    }
    assert_true(rt_dedupe_add(world->dedupe, 42, 99));
    assert_int_equal(rt_dedupe_find(world->dedupe, 42, found), RT_DEDUPE_CANDIDATES + 1);
    world_free(world);
}

static bool next_entry(void *source, struct rt_entry *entry)
{
    struct rt_entry **at = source;

    if ((*at)->position == 0)
        return false;
    *entry = *(*at)++;
    return true;
}

/* One hash in many blocks of a run: whoever makes hashes collide gets the right answer, too. */
static void equal_hashes_may_fill_blocks(void **state)
{
    enum { COUNT = 2000 };
    struct world *world = world_new();
    struct rt_entry *entries = calloc(COUNT + 1, sizeof(*entries)), *at = entries;
    struct rt_run_header header = {.log = LOG, .from = 1, .to = 2, .count = COUNT};
    rt_position found[COUNT];
    struct rt_run *run;
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        uint64_t identity = i < 10 ? 5 : i < 1990 ? 7 : UINT64_MAX;

        entries[(i * 7919) % COUNT] = (struct rt_entry){.identity = identity, .position = i + 1};
    }
    assert_true(rt_entries_sort(entries, COUNT));
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(entries[i].position, i + 1);
    run = rt_run_write(world->dedupe->folder, &header, next_entry, &at);
    assert_non_null(run);
    assert_true(rt_run_find(run, 7, found, &count, COUNT));
    assert_int_equal(count, 1980);
    count = 0;
    assert_true(rt_run_find(run, 5, found, &count, COUNT));
    assert_int_equal(count, 10);
    count = 0;
    assert_true(rt_run_find(run, UINT64_MAX, found, &count, COUNT));
    assert_int_equal(count, 10);
    count = 0;
    for (uint64_t identity = 0; identity < 100; identity++)
        if (identity != 5 && identity != 7)
            assert_true(rt_run_find(run, identity, found, &count, COUNT));
    assert_int_equal(count, 0);
    rt_run_free(run);
    free(entries);
    world_free(world);
}

static void a_run_without_entries_holds_nothing(void **state)
{
    struct world *world = world_new();
    struct rt_entry none = {0}, *at = &none;
    struct rt_run_header header = {
        .log = LOG, .from = rt_position_make(LOG, 1, 4096), .to = rt_position_make(LOG, 1, 8192)};
    struct rt_run *run = rt_run_write(world->dedupe->folder, &header, next_entry, &at);
    char name[RT_RUN_NAME];
    rt_position found[1];
    size_t count = 0;

    (void)state;
    assert_non_null(run);
    assert_true(rt_run_find(run, 7, found, &count, 1));
    rt_run_free(run);
    rt_run_name(name, &header);
    run = rt_run_open(world->dedupe->folder, name);
    assert_non_null(run);
    assert_true(rt_run_find(run, 7, found, &count, 1));
    assert_int_equal(count, 0);
    rt_run_free(run);
    world_free(world);
}

/* ---- runs --------------------------------------------------------------------------------- */

static void runs_are_sealed_merged_and_found_again(void **state)
{
    struct world *world = world_new();
    uint64_t bytes, identities;
    bool merged = false;

    (void)state;
    fill_runs(world, 0, 1000);
    assert_true(world->dedupe->run_count >= 2);
    check_all(world);
    fill_runs(world, 1000, 4000);
    for (size_t i = 0; i < world->dedupe->run_count; i++)
        merged |= world->dedupe->runs[i]->header.count >= RT_MERGE_RUNS * SEAL;
    assert_true(merged);
    check_all(world);
    rt_dedupe_size(world->dedupe, &bytes, &identities);
    assert_int_equal(identities, 4000);
    assert_true(bytes > 4000);
    world_close(world);
    assert_true(world_open(world, 0));
    assert_true(world->dedupe->run_count > 0);
    check_all(world);
    rt_dedupe_size(world->dedupe, &bytes, &identities);
    assert_int_equal(identities, 4000);
    world_free(world);
}

static void what_is_too_old_is_not_asked_and_goes(void **state)
{
    struct world *world = world_new();
    char names[64][RT_RUN_NAME];

    (void)state;
    fill(world, 0, 1000);
    settle(world, 0);
    assert_true(runs_on_disk(world, names) > 0);
    settle(world, world->now + 1);
    assert_int_equal(world->dedupe->run_count, 0);
    assert_int_equal(runs_on_disk(world, names), 0);
    assert_int_equal(look_up(world, 0), 0);
    world_close(world);
    assert_true(world_open(world, world->now + 1)); /* builds no index of what is too old */
    assert_int_equal(look_up(world, 0), 0);
    assert_int_equal(world->dedupe->run_count, 0);
    world_close(world);
    assert_true(
        world_open(world, 0)); /* somebody raised the days: what the log still has counts again */
    check_all(world);
    world_free(world);
}

static void runs_beyond_the_end_of_the_log_are_not_believed(void **state)
{
    struct world *world = world_new();
    char names[64][RT_RUN_NAME];
    struct rt_entry none = {0}, *at = &none;
    rt_position end = rt_journal_end(world->journal);
    struct rt_run_header header = {.log = LOG, .from = end, .to = end + 1000, .newest = 5};

    (void)state;
    rt_run_free(rt_run_write(world->dedupe->folder, &header, next_entry, &at));
    assert_int_equal(runs_on_disk(world, names), 1);
    world_close(world);
    assert_true(world_open(world, 0));
    assert_int_equal(runs_on_disk(world, names), 0);
    fill(world, 0, 10);
    world_close(world);
    assert_true(world_open(world, 0));
    check_all(world);
    world_free(world);
}

static void every_flipped_bit_of_a_run_is_found(void **state)
{
    struct world *world = world_new();
    char names[64][RT_RUN_NAME], path[128];
    uint8_t *bytes;
    size_t size;

    (void)state;
    fill(world, 0, 300);
    settle(world, 0);
    assert_true(runs_on_disk(world, names) > 0);
    snprintf(path, sizeof(path), "journal/%s", names[0]);
    bytes = rt_scratch_read(world->folder, path, &size);
    for (size_t at = 0; at < size; at += at < 700 ? 7 : at >= 4096 && at < 5000 ? 3 : 101) {
        world_close(world);
        bytes[at] ^= (uint8_t)(1 << at % 8);
        rt_scratch_write(world->folder, path, bytes, size);
        bytes[at] ^= (uint8_t)(1 << at % 8);
        assert_true(world_open(world, 0));
        check_all(world);
    }
    assert_true(world->along_the_chain > 0);
    for (size_t cut = 0; cut < size; cut += 509) {
        world_close(world);
        rt_scratch_write(world->folder, path, bytes, cut);
        assert_true(world_open(world, 0));
        check_all(world);
    }
    free(bytes);
    world_free(world);
}

static void a_damaged_run_is_built_again_at_the_next_start(void **state)
{
    struct world *world = world_new();
    char names[64][RT_RUN_NAME], path[128];
    uint8_t *bytes;
    size_t size;

    (void)state;
    fill(world, 0, 300);
    settle(world, 0);
    world_close(world);
    assert_true(runs_on_disk(world, names) > 0);
    snprintf(path, sizeof(path), "journal/%s", names[0]);
    bytes = rt_scratch_read(world->folder, path, &size);
    bytes[size - 4096 + 100] ^= 1; /* a block of entries: found when it is looked at */
    rt_scratch_write(world->folder, path, bytes, size);
    free(bytes);
    assert_true(world_open(world, 0));
    check_all(world);
    assert_true(world->along_the_chain > 0);
    settle(world, 0);
    world_close(world);
    world->along_the_chain = 0;
    assert_true(world_open(world, 0));
    check_all(world);
    assert_int_equal(world->along_the_chain, 0);
    world_free(world);
}

static int no_room_for_runs(void *context, const struct rt_disk_call *call)
{
    (void)context;
    return call->op == RT_DISK_OPEN && strstr(call->name, ".idx.") != NULL ? ENOSPC : 0;
}

/* The oldest of them. */
static void remove_first_run(const struct world *world)
{
    char names[64][RT_RUN_NAME], path[256];
    size_t count = runs_on_disk(world, names), first = 0;

    assert_true(count > 1);
    for (size_t i = 1; i < count; i++)
        if (strcmp(names[i], names[first]) < 0)
            first = i;
    snprintf(path, sizeof(path), "%s/journal/%s", world->folder, names[first]);
    assert_int_equal(unlink(path), 0);
}

static void runs_that_cannot_be_written_stay_in_memory(void **state)
{
    struct world *world = world_new();

    (void)state;
    assert_true(rt_journal_reserve(world->journal, SEGMENT, 1)); /* the thread rests */
    rt_disk_set_hook(no_room_for_runs, NULL);
    fill(world, 0, 1500);
    for (int i = 0; i < 2000; i++)
        rt_dedupe_maintain(world->dedupe, 0);
    assert_int_equal(world->dedupe->run_count, 0);
    check_all(world);
    rt_disk_set_hook(NULL, NULL);
    for (int i = 0; i < 1000000 && world->dedupe->run_count == 0; i++)
        rt_dedupe_maintain(world->dedupe, 0);
    assert_true(world->dedupe->run_count > 0);
    check_all(world);
    settle(world, 0);
    fill(world, 1500, 1700);
    settle(world, 0);
    world_close(world);
    remove_first_run(world); /* a gap that must be built, and cannot be written either */
    rt_disk_set_hook(no_room_for_runs, NULL);
    assert_true(world_open(world, 0));
    assert_true(world->dedupe->held.count > 0);
    check_all(world);
    rt_disk_set_hook(NULL, NULL);
    world_free(world);
}

/* ---- logs of earlier generations ---------------------------------------------------------- */

static void logs_of_other_workers_are_asked_for_own_partitions_only(void **state)
{
    struct world *world = world_new();
    char error[RT_JOURNAL_ERROR];
    const struct rt_journal_options options = {
        .state_dir = world->folder, .log = LOG + 1, .segment_bytes = SEGMENT, .notify_fd = -1};
    rt_position found[RT_DEDUPE_CANDIDATES];
    struct rt_journal *journal;
    struct rt_dedupe *dedupe;

    (void)state;
    for (uint32_t id = 0; id < 2 * SEAL - 20; id += 2)
        assert_true(send(world, id)); /* even partitions alone */
    assert_true(commit(world));
    journal = rt_journal_open(&options, error);
    assert_non_null(journal);
    dedupe = rt_dedupe_open(journal, 0, owns_all, NULL, NULL, error);
    assert_int_equal(rt_dedupe_find(dedupe, identity_of(0), found), 0); /* it is being written */
    rt_dedupe_close(dedupe);
    world_close(world);
    for (int again = 0; again < 2; again++) { /* built, then read */
        dedupe = rt_dedupe_open(journal, 0, owns_even, NULL, NULL, error);
        assert_non_null(dedupe);
        assert_int_equal(rt_dedupe_find(dedupe, identity_of(0), found), 1);
        assert_int_equal(found[0], world->first[0]);
        assert_int_equal(dedupe->run_count, 1);
        rt_dedupe_close(dedupe);
    }
    dedupe = rt_dedupe_open(journal, 0, owns_odd, NULL, NULL, error);
    assert_non_null(dedupe);
    assert_int_equal(dedupe->run_count, 0);
    rt_dedupe_close(dedupe);
    rt_journal_close(journal);
    world_free(world);
}

/* ---- stops -------------------------------------------------------------------------------- */

/* After a stop: what was committed is known. A group that was not may be there in part, if the stop
 * came between two segments that it lies in: what is not there is new. */
static void forget_what_is_not_there(struct world *world, rt_position acknowledged)
{
    for (uint32_t id = 0; id < IDS; id++)
        if (world->first[id] >= acknowledged && look_up(world, id) == 0)
            world->first[id] = 0;
    world->pending_count = 0;
}

static bool stop_at(enum rt_bad_mode mode, long at)
{
    struct world *world = world_new();
    rt_position acknowledged;
    long calls;

    fill(world, 0, 790);
    settle(world, 0);
    rt_bad_disk_begin(mode, at, EIO);
    for (uint32_t id = 790; id < 960; id++) /* one more seal, then a merge */
        if (!send(world, id) || (id % 10 == 9 && !commit(world)))
            break;
    settle(world, 0);
    acknowledged = rt_journal_end(world->journal);
    world_close(world);
    calls = rt_bad_disk_end();
    if (mode == RT_BAD_POWER)
        rt_bad_disk_restore((uint64_t)at);
    assert_true(world_open(world, 0));
    forget_what_is_not_there(world, acknowledged);
    check_all(world);
    fill(world, 700, 1200);
    settle(world, 0);
    check_all(world);
    world_free(world);
    return calls >= at;
}

static void a_stop_at_any_call_leaves_it_exact(void **state)
{
    (void)state;
    for (long at = 1; stop_at(RT_BAD_STOP, at); at += 3) {
    }
    for (long at = 2; stop_at(RT_BAD_POWER, at); at += 3) {
    }
    for (long at = 3; stop_at(RT_BAD_FAIL, at); at += 3) {
    }
}

/* ---- the long story ----------------------------------------------------------------------- */

static uint64_t random_state;

static uint32_t draw(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 20) % below;
}

static void harm_a_run(const struct world *world)
{
    char names[64][RT_RUN_NAME], path[320];
    size_t count = runs_on_disk(world, names), size;
    uint8_t *bytes;

    if (count == 0)
        return;
    snprintf(path, sizeof(path), "journal/%s", names[draw((uint32_t)count)]);
    bytes = rt_scratch_read(world->folder, path, &size);
    bytes[draw((uint32_t)size)] ^= (uint8_t)(1 << draw(8));
    rt_scratch_write(world->folder, path, bytes, draw(4) == 0 ? draw((uint32_t)size) : size);
    free(bytes);
    if (draw(3) == 0) {
        char whole[600];

        snprintf(whole, sizeof(whole), "%s/%s", world->folder, path);
        unlink(whole);
    }
}

static void every_answer_is_the_plain_tables(void **state)
{
    const char *given = getenv("RT_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    struct world *world = world_new();

    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    random_state = seed * 2 + 1;
    for (int step = 0; step < 30000; step++) {
        assert_true(send(world, draw(1 + (uint32_t)step / 4 < IDS ? 1 + (uint32_t)step / 4 : IDS)));
        if (draw(10) == 0)
            assert_true(commit(world));
        if (draw(20) == 0)
            rt_dedupe_maintain(world->dedupe, 0); /* with events that are not on disk */
        if (draw(4000) == 0) {
            rt_position acknowledged;

            if (draw(2) == 0)
                assert_true(commit(world));
            acknowledged = rt_journal_end(world->journal);
            world_close(world);
            if (draw(2) == 0)
                harm_a_run(world);
            assert_true(world_open(world, 0));
            forget_what_is_not_there(world, acknowledged);
        }
    }
    assert_true(commit(world));
    settle(world, 0);
    check_all(world);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_of_an_identity_do_not_run_together),
        cmocka_unit_test(collisions_are_all_given_or_said_to_be_too_many),
        cmocka_unit_test(equal_hashes_may_fill_blocks),
        cmocka_unit_test(a_run_without_entries_holds_nothing),
        cmocka_unit_test(runs_are_sealed_merged_and_found_again),
        cmocka_unit_test(what_is_too_old_is_not_asked_and_goes),
        cmocka_unit_test(runs_beyond_the_end_of_the_log_are_not_believed),
        cmocka_unit_test(every_flipped_bit_of_a_run_is_found),
        cmocka_unit_test(a_damaged_run_is_built_again_at_the_next_start),
        cmocka_unit_test(runs_that_cannot_be_written_stay_in_memory),
        cmocka_unit_test(logs_of_other_workers_are_asked_for_own_partitions_only),
        cmocka_unit_test(a_stop_at_any_call_leaves_it_exact),
        cmocka_unit_test(every_answer_is_the_plain_tables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

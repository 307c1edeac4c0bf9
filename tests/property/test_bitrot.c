/* Bit rot: a state directory of two generations, with full segments, snapshots, indexes and alerts, is
 * damaged in one place, checked, and opened as a worker opens it.
 *
 *   1. nothing crashes, and whatever the place: verify names the file;
 *   2. after recovery no account counts more than was sent;
 *   3. each account counts all that was sent, or the log names the file;
 *   4. when all is sent again every account counts exactly all of it, or the log names the file.
 *
 * Headers and one record of each kind are walked byte by byte, a drawn bit of each, the rest is drawn.
 * RETAIN_SEED repeats a run; RETAIN_ROUNDS is the number of drawn places, and if it is given every
 * bit is walked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/bad_disk.h"
#include "tests/lib/history.h"
#include "workers/core.h"
#include "workers/dedupe_private.h"
#include "workers/duplicate.h"
#include "workers/export.h"
#include "workers/recover.h"
#include "workers/segment.h"
#include "workers/snapshot.h"
#include "workers/verify.h"

enum {
    PARTITIONS = 8,
    ACCOUNTS = 12,
    EVENTS = 900, /* in all */
    GROUP = 15,
    SEGMENT = 64 << 10,
    FILES = 128,
    NOTES = 16 << 10,
    SEAL = 200,
};

static const int64_t NOW = INT64_C(1763800000000);
static const uint64_t SECRET = 7;

static struct rt_config config;
static struct random source;

static unsigned rounds(void)
{
    const char *given = getenv("RETAIN_ROUNDS");

#if defined(__SANITIZE_ADDRESS__) /* these look for other faults, and take their time */
    const unsigned usual = 100;
#else
    const unsigned usual = 600;
#endif

    return given != NULL ? (unsigned)atoi(given) : usual;
}

/* ---- a worker's life, in process --------------------------------------------------------------- */

struct life {
    const char *folder;
    struct rt_journal *journal;
    struct rt_dedupe *dedupe;
    struct rt_core core;
    struct rt_recovery recovery;
    char notes[NOTES]; /* what the log would say */
};

static rt_position append(void *context, enum rt_record_type type, uint8_t flags,
                          uint32_t partition, rt_position previous, struct rt_span body)
{
    return rt_journal_append(context, type, flags, partition, previous, body);
}

static bool read_record(void *context, rt_position position, struct rt_record *record)
{
    return rt_journal_read(context, position, record);
}

static bool owns(void *context, uint32_t partition)
{
    (void)context;
    return partition < PARTITIONS;
}

static void progress(void *context, uint64_t records)
{
    (void)context;
    (void)records;
}

static void hold(void *context)
{
    (void)context;
}

static void note(void *context, const char *text)
{
    struct life *life = context;
    size_t used = strlen(life->notes);

    snprintf(life->notes + used, NOTES - used, "%s\n", text);
}

static void damaged(void *context, const char *file, uint64_t offset, const char *what)
{
    char text[256];

    snprintf(text, sizeof(text), "identities damaged file=%s offset=%llu what=\"%s\"", file,
             (unsigned long long)offset, what);
    note(context, text);
}

/* False: it refuses, with the reason among the notes. */
static bool life_open(struct life *life, const char *folder, uint32_t log)
{
    struct rt_journal_options options = {
        .state_dir = folder, .log = log, .segment_bytes = SEGMENT, .notify_fd = -1};
    struct rt_store store = {.append = append, .read = read_record};
    char error[RT_JOURNAL_ERROR] = "";
    bool open;

    *life = (struct life){.folder = folder};
    life->journal = rt_journal_open(&options, error);
    open = life->journal != NULL;
    if (open) {
        note(life, rt_journal_note(life->journal));
        store.context = life->journal;
        assert_true(
            rt_core_init(&life->core, &config, 0, 1, PARTITIONS, log, history_seed(), store));
        life->dedupe = rt_dedupe_open(life->journal, 0, owns, damaged, life, error);
        open =
            life->dedupe != NULL && rt_recover(&life->core, life->journal, folder, SECRET, progress,
                                               note, hold, life, &life->recovery, error);
    }
    note(life, error);
    return open;
}

static void life_close(struct life *life)
{
    rt_dedupe_close(life->dedupe);
    if (life->journal != NULL)
        rt_core_free(&life->core);
    rt_journal_close(life->journal);
}

static void commit(struct life *life)
{
    struct rt_buffer frames = {0};
    char error[RT_JOURNAL_ERROR];

    rt_core_close(&life->core, NOW, &frames);
    rt_buffer_free(&frames);
    rt_journal_commit(life->journal, NOW, life->core.config_epoch);
    assert_int_equal(rt_journal_wait(life->journal, error), RT_JOURNAL_DONE);
    rt_dedupe_maintain(life->dedupe, 0);
}

static unsigned account_of(unsigned id)
{
    return id * 7 % ACCOUNTS;
}

static void write_event(struct rt_buffer *out, unsigned id)
{
    char text[32];

    rt_buffer_clear(out);
    rt_write_map(out, 6);
    snprintf(text, sizeof(text), "i%u", id);
    rt_write_key_text(out, "id", text);
    rt_write_key_text(out, "type", id % 20 == 0 ? "ticket" : "call");
    snprintf(text, sizeof(text), "account-%u", account_of(id));
    rt_write_key_text(out, "account", text);
    rt_write_key_int(out, "ts", NOW - 20 * RT_DAY_MS + id);
    rt_write_key_text(out, "ticket", "T");
    rt_write_key_text(out, "action", "opened");
}

static void send_event(struct life *life, unsigned id)
{
    struct rt_buffer bytes = {0};
    struct rt_event event;
    struct rt_fault fault;
    struct rt_place place;
    rt_position position;

    write_event(&bytes, id);
    assert_int_equal(rt_event_decode_accepted(rt_buffer_span(&bytes), &event, &fault), RT_OK);
    assert_true(rt_journal_reserve(life->journal, 4096, 64));
    assert_true(rt_core_locate(&life->core, event.account, &place));
    assert_true(rt_core_event(&life->core, place, &event, NOW, false, &position));
    assert_true(rt_dedupe_add(life->dedupe, rt_identity(&event), position));
    rt_buffer_free(&bytes);
}

/* In the second generation every other partition: the rest has a longer way back. */
static void snapshot_some(struct life *life, uint32_t step)
{
    char error[RT_JOURNAL_ERROR];

    for (uint32_t p = 0; p < PARTITIONS; p += step) {
        struct rt_snapshot snapshot = {.partition = p,
                                       .position = rt_journal_end(life->journal),
                                       .time = NOW,
                                       .config_epoch = life->core.config_epoch};

        rt_core_export(&life->core, life->core.shards[p], &snapshot.content);
        assert_true(rt_snapshot_save(life->folder, &snapshot, error, sizeof(error)));
        rt_buffer_free(&snapshot.content);
    }
}

static void live(const char *folder, uint32_t log, unsigned from, unsigned to)
{
    struct life *life = calloc(1, sizeof(*life));

    assert_true(life_open(life, folder, log));
    life->dedupe->seal = SEAL;
    for (unsigned id = from; id < to; id++) {
        send_event(life, id);
        if ((id + 1) % GROUP == 0)
            commit(life);
        if (id == from + (to - from) / 3 || id == from + (to - from) / 2) {
            commit(life);
            snapshot_some(life, log);
        }
    }
    commit(life);
    life_close(life);
    free(life);
}

/* ---- the directory ---------------------------------------------------------------------------- */

struct file {
    char name[64];
    uint8_t *bytes;
    size_t size;
};

static struct file files[FILES];
static size_t file_count;

static void keep_files(const char *folder, const char *below)
{
    char path[256], name[300];
    struct dirent *entry;
    struct stat status;
    DIR *listing;

    snprintf(path, sizeof(path), "%s/%s", folder, below);
    listing = opendir(path);
    assert_non_null(listing);
    while ((entry = readdir(listing)) != NULL) {
        struct file *file = &files[file_count];

        snprintf(name, sizeof(name), "%s%s", below, entry->d_name);
        snprintf(path, sizeof(path), "%s/%s", folder, name);
        if (stat(path, &status) != 0 || !S_ISREG(status.st_mode) || strstr(name, ".lock") != NULL)
            continue;
        assert_true(file_count < FILES);
        snprintf(file->name, sizeof(file->name), "%s", name);
        file->bytes = rt_scratch_read(folder, name, &file->size);
        file_count++;
    }
    closedir(listing);
}

static void remove_files(const char *folder, const char *below)
{
    char path[256];
    struct dirent *entry;
    DIR *listing;

    snprintf(path, sizeof(path), "%s/%s", folder, below);
    listing = opendir(path);
    assert_non_null(listing);
    while ((entry = readdir(listing)) != NULL)
        unlinkat(dirfd(listing), entry->d_name, 0);
    closedir(listing);
}

/* As it was made. */
static void restore(const char *folder)
{
    remove_files(folder, "journal");
    remove_files(folder, "snapshots");
    for (size_t i = 0; i < file_count; i++)
        rt_scratch_write(folder, files[i].name, files[i].bytes, files[i].size);
}

static char *make(void)
{
    char *folder = rt_scratch_new();

    rt_config_init(&config);
    rt_scratch_state(folder, PARTITIONS,
                     "generation 1 workers 1 log 1\ngeneration 2 workers 1 log 2\n");
    live(folder, 1, 0, EVENTS * 2 / 3);
    live(folder, 2, EVENTS * 2 / 3, EVENTS);
    keep_files(folder, "");
    keep_files(folder, "journal/");
    keep_files(folder, "snapshots/");
    return folder;
}

/* ---- what must hold ---------------------------------------------------------------------------- */

struct place {
    const struct file *file;
    size_t offset; /* or where it is cut */
    unsigned bit;
    bool cut;
};

static _Noreturn void fail_at(const struct place *place, const char *what, const char *more)
{
    print_message("%s: %s of %s at %zu bit %u (RETAIN_SEED=%llu)\n%s\n", what,
                  place->cut ? "cut" : "flip", place->file->name, place->offset, place->bit,
                  (unsigned long long)history_seed(), more);
    abort();
}

struct named {
    const char *file;
    bool is;
};

static void found(void *context, const struct rt_finding *finding)
{
    struct named *named = context;

    named->is |= strcmp(finding->file, named->file) == 0;
}

static void check_verify(const char *folder, const struct place *place)
{
    struct named named = {.file = place->file->name};
    struct rt_checked checked;
    char error[RT_JOURNAL_ERROR] = "";

    if (!rt_verify_held(folder, found, &named, &checked, error, sizeof(error)))
        fail_at(place, "verify gave up", error);
    if (!named.is)
        fail_at(place, "verify does not name it", "");
}

/* Counts of each account; `unknown`: events that would be counted if they came again. */
static void count(struct life *life, uint64_t counted[ACCOUNTS], unsigned unknown[ACCOUNTS])
{
    struct rt_buffer bytes = {0};

    for (unsigned a = 0; a < ACCOUNTS; a++) {
        char name[32];
        int size = snprintf(name, sizeof(name), "account-%u", a);
        struct rt_account *account = rt_core_find(&life->core, rt_span(name, (size_t)size));

        counted[a] = unknown[a] = 0;
        for (int type = 0; account != NULL && type < RT_EVENT_TYPES; type++)
            counted[a] += rt_account_events(account, (enum rt_event_type)type);
    }
    for (unsigned id = 0; id < EVENTS; id++) {
        struct rt_event event;
        struct rt_fault fault;
        rt_position damaged;

        write_event(&bytes, id);
        assert_int_equal(rt_event_decode_accepted(rt_buffer_span(&bytes), &event, &fault), RT_OK);
        unknown[account_of(id)] += !rt_is_duplicate(&life->core, life->journal, life->dedupe,
                                                    &event, rt_identity(&event), &damaged);
    }
    rt_buffer_free(&bytes);
}

static void check_recovery(const char *folder, const struct place *place)
{
    struct life *life = calloc(1, sizeof(*life));
    bool open = life_open(life, folder, 2);
    bool named = strstr(life->notes, place->file->name) != NULL;
    uint64_t counted[ACCOUNTS];
    unsigned unknown[ACCOUNTS];

    if (!open && !named)
        fail_at(place, "it refuses without the name of the file", life->notes);
    if (open)
        count(life, counted, unknown);
    for (unsigned a = 0; open && a < ACCOUNTS; a++) {
        uint64_t sent = EVENTS / ACCOUNTS;

        if (counted[a] > sent)
            fail_at(place, "counted twice", life->notes);
        if (counted[a] < sent && !named)
            fail_at(place, "lost in silence", life->notes);
        if (counted[a] + unknown[a] != sent && !named)
            fail_at(place, "sending again does not mend it", life->notes);
    }
    life_close(life);
    free(life);
}

static void damage(const char *folder, const struct place *place)
{
    const struct file *file = place->file;
    uint8_t *bytes = malloc(file->size + 1);

    memcpy(bytes, file->bytes, file->size);
    if (!place->cut)
        bytes[place->offset] ^= (uint8_t)(1 << place->bit);
    rt_scratch_write(folder, file->name, bytes, place->cut ? place->offset : file->size);
    free(bytes);
    check_verify(folder, place);
    check_recovery(folder, place);
    restore(folder);
}

static bool ends_with(const struct file *file, const char *ending)
{
    size_t size = strlen(file->name), tail = strlen(ending);

    return size >= tail && strcmp(file->name + size - tail, ending) == 0;
}

/* The small texts: a daemon reads them, see test_verify. */
static bool is_binary(const struct file *file)
{
    return strchr(file->name, '/') != NULL;
}

/* ---- tests -------------------------------------------------------------------------------------- */

static void sound(void **state)
{
    struct life *life = calloc(1, sizeof(*life));
    const char *folder = *state;
    struct named named = {.file = ""};
    uint64_t counted[ACCOUNTS];
    unsigned unknown[ACCOUNTS], full = 0, indexes = 0, olds = 0;
    struct rt_checked checked;
    char error[RT_JOURNAL_ERROR];

    for (size_t i = 0; i < file_count; i++) {
        full += ends_with(&files[i], "0001-000002.seg");
        indexes += ends_with(&files[i], ".idx");
        olds += ends_with(&files[i], ".old");
    }
    assert_true(full > 0 && indexes > 1 && olds > 0);
    assert_true(rt_verify_held(folder, found, &named, &checked, error, sizeof(error)));
    assert_int_equal(checked.mended + checked.lost + checked.notes, 0);
    assert_int_equal(checked.events, EVENTS);
    assert_true(checked.alerts > 0);
    assert_true(life_open(life, folder, 2));
    assert_true(life->recovery.replayed > 0);
    count(life, counted, unknown);
    for (unsigned a = 0; a < ACCOUNTS; a++) {
        assert_int_equal(counted[a], EVENTS / ACCOUNTS);
        assert_int_equal(unknown[a], 0);
    }
    life_close(life);
    free(life);
    restore(folder);
}

static void flip_each(const char *folder, const struct file *file, size_t from, size_t to)
{
    bool all = getenv("RETAIN_ROUNDS") != NULL;

    for (size_t at = from; at < to && at < file->size; at++)
        for (unsigned bit = 0; bit < (all ? 8 : 1); bit++)
            damage(folder, &(struct place){.file = file,
                                           .offset = at,
                                           .bit = all ? bit : (unsigned)random_below(&source, 8)});
}

static void every_byte_of_the_headers(void **state)
{
    bool segment = false, snapshot = false, old = false, index = false;

    for (size_t i = 0; i < file_count; i++) {
        const struct file *file = &files[i];

        if (ends_with(file, ".seg") && !segment) {
            flip_each(*state, file, 0, RT_SEGMENT_HEADER);
            flip_each(*state, file, RT_SEGMENT_COPY, RT_SEGMENT_COPY + RT_SEGMENT_HEADER);
            segment = true;
        }
        if (ends_with(file, ".snap") && !snapshot) {
            flip_each(*state, file, 0, 80);
            snapshot = true;
        }
        if (ends_with(file, ".old") && !old) {
            flip_each(*state, file, 16, 24);
            old = true;
        }
        if (ends_with(file, ".idx") && !index) {
            flip_each(*state, file, 0, 64);
            index = true;
        }
    }
    assert_true(segment && snapshot && old && index);
}

static void every_byte_of_a_record_of_each_kind(void **state)
{
    bool walked[RT_RECORD_END + 1] = {false};

    for (size_t i = 0; i < file_count; i++) {
        const struct file *file = &files[i];
        size_t at = RT_SEGMENT_FIRST;

        while (ends_with(file, ".seg") && at + RT_RECORD_HEADER < file->size &&
               rt_record_claim(file->bytes + at) > 0) {
            size_t space = rt_record_space(rt_record_claim(file->bytes + at) - RT_RECORD_HEADER);
            uint8_t type = file->bytes[at + 10];

            if (!walked[type]) {
                flip_each(*state, file, at, at + (space < 48 ? space : 48));
                walked[type] = true;
            }
            at += space;
        }
    }
    assert_true(walked[RT_RECORD_EVENT] && walked[RT_RECORD_ALERT] && walked[RT_RECORD_COMMIT] &&
                walked[RT_RECORD_START] && walked[RT_RECORD_END]);
}

static const struct file *draw_file(void)
{
    const struct file *file;

    do {
        file = &files[random_below(&source, file_count)];
    } while (!is_binary(file) || file->size == 0);
    return file;
}

static void anywhere(void **state)
{
    for (unsigned i = 0; i < rounds(); i++) {
        const struct file *file = draw_file();

        damage(*state, &(struct place){.file = file,
                                       .offset = random_below(&source, file->size),
                                       .bit = (unsigned)random_below(&source, 8)});
    }
}

static void cut_anywhere(void **state)
{
    for (unsigned i = 0; i < rounds() / 5; i++) {
        const struct file *file = draw_file();

        damage(*state, &(struct place){
                           .file = file, .offset = random_below(&source, file->size), .cut = true});
    }
}

static int set_up(void **state)
{
    source = random_from(history_seed());
    *state = make();
    return 0;
}

static int tear_down(void **state)
{
    for (size_t i = 0; i < file_count; i++)
        free(files[i].bytes);
    rt_scratch_remove(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound),
        cmocka_unit_test(every_byte_of_the_headers),
        cmocka_unit_test(every_byte_of_a_record_of_each_kind),
        cmocka_unit_test(anywhere),
        cmocka_unit_test(cut_anywhere),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

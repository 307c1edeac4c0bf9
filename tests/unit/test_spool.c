/* The spool: bounded, whole or not at all, safe against kill -9 of the writer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clients/libretain/spool.h"
#include "protocol/limits.h"
#include "protocol/reader.h"
#include "retain.h"

static char directory[64];

static int setup(void **state)
{
    (void)state;
    snprintf(directory, sizeof(directory), "/tmp/test_spool.XXXXXX");
    return mkdtemp(directory) == NULL;
}

static int teardown(void **state)
{
    DIR *dir = opendir(directory);
    struct dirent *entry;
    char name[512];

    (void)state;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        snprintf(name, sizeof(name), "%s/%s", directory, entry->d_name);
        (void)unlink(name);
    }
    if (dir != NULL)
        closedir(dir);
    return rmdir(directory);
}

static retain_spool *spool_open(uint64_t bytes)
{
    retain_spool *spool = NULL;

    assert_int_equal(retain_spool_open(&spool, directory, bytes), RETAIN_OK);
    return spool;
}

static int put(retain_spool *spool, const char *id)
{
    retain_map *event = retain_event_new("call", "ACME", id, 1);
    int code = retain_spool_put_map(spool, event);

    retain_map_free(event);
    return code;
}

static void places_that_cannot_be_are_refused(void **state)
{
    retain_spool *spool = NULL;
    char file[128];

    (void)state;
    assert_int_equal(retain_spool_open(NULL, directory, 0), RETAIN_BAD_ARGUMENT);
    assert_int_equal(retain_spool_open(&spool, "", 0), RETAIN_BAD_ARGUMENT);
    assert_int_equal(retain_spool_open(&spool, "/tmp/test_spool.none/deeper", 0), RETAIN_SYSTEM);
    assert_int_equal(errno, ENOENT);
    snprintf(file, sizeof(file), "%s/file", directory);
    close(open(file, O_CREAT | O_WRONLY, 0600));
    assert_int_equal(retain_spool_open(&spool, file, 0), RETAIN_SYSTEM);
    assert_int_equal(errno, ENOTDIR);
    assert_null(spool);
    retain_spool_close(NULL);
}

static void what_is_no_event_is_refused(void **state)
{
    retain_spool *spool = spool_open(0);
    struct retain_spool_usage usage;

    (void)state;
    assert_int_equal(retain_spool_put(spool, "\xc1", 1), RETAIN_BAD_ARGUMENT);
    assert_int_equal(retain_spool_put(spool, NULL, 0), RETAIN_BAD_ARGUMENT);
    assert_int_equal(retain_spool_put_map(spool, NULL), RETAIN_NO_MEMORY);
    assert_int_equal(retain_spool_usage(spool, &usage), RETAIN_OK);
    assert_int_equal(usage.waiting, 0);
    assert_int_equal(usage.bytes, 0);
    retain_spool_close(spool);
}

static void a_full_spool_says_so_and_leaves_nothing(void **state)
{
    retain_spool *spool = spool_open(200), *other = spool_open(200);
    struct retain_spool_usage before, after;
    int code, count = 0;

    (void)state;
    while ((code = put(count % 2 == 0 ? spool : other, "id")) == RETAIN_OK)
        count++;
    assert_int_equal(code, RETAIN_SPOOL_FULL);
    assert_in_range(count, 2, 8);
    assert_int_equal(retain_spool_usage(spool, &before), RETAIN_OK);
    assert_int_equal(before.waiting, count);
    assert_true(before.bytes <= 200);
    assert_int_equal(put(other, "id"), RETAIN_SPOOL_FULL);
    assert_int_equal(retain_spool_usage(spool, &after), RETAIN_OK);
    assert_int_equal(after.bytes, before.bytes);
    retain_spool_close(spool);
    retain_spool_close(other);
}

static void only_finished_names_are_sent(void **state)
{
    (void)state;
    assert_true(rt_spool_name("000001-ab.event"));
    assert_false(rt_spool_name(".000001-ab.event.tmp"));
    assert_false(rt_spool_name(".000001-ab.event"));
    assert_false(rt_spool_name("000001-ab.rejected"));
    assert_false(rt_spool_name(".event"));
    assert_false(rt_spool_name(""));
}

/* The ids of all events that wait; every file must be whole. */
static size_t ids_read(unsigned char *found, size_t count)
{
    DIR *dir = opendir(directory);
    struct dirent *entry;
    size_t files = 0;

    while ((entry = readdir(dir)) != NULL) {
        char name[512], bytes[512], id[32];
        FILE *file;
        size_t size;

        if (!rt_spool_name(entry->d_name))
            continue;
        snprintf(name, sizeof(name), "%s/%s", directory, entry->d_name);
        file = fopen(name, "re");
        size = fread(bytes, 1, sizeof(bytes), file);
        fclose(file);
        assert_true(rt_msgpack_check(rt_span(bytes, size), RT_NESTING));
        retain_value_copy(retain_value_get(retain_value_of(bytes, size), "id"), id, sizeof(id));
        assert_true(strtoul(id, NULL, 10) < count);
        found[strtoul(id, NULL, 10)] = 1;
        files++;
    }
    closedir(dir);
    return files;
}

/* A child puts events and tells of each that was said to be on disk; it is killed at any moment. */
static void a_killed_writer_loses_nothing_it_was_told_is_there(void **state)
{
    enum { EVENTS = 100000, ROUNDS = 8 };
    static unsigned char promised[EVENTS], found[EVENTS];
    uint32_t number, last = 0;

    (void)state;
    memset(promised, 0, sizeof(promised));
    for (int round = 0; round < ROUNDS; round++) {
        int pipes[2], told = 0;
        pid_t child;

        assert_int_equal(pipe(pipes), 0);
        child = fork();
        if (child == 0) {
            retain_spool *spool = NULL;

            close(pipes[0]);
            if (retain_spool_open(&spool, directory, 0) != RETAIN_OK)
                _exit(1);
            for (number = last; number < EVENTS; number++) {
                char id[16];

                snprintf(id, sizeof(id), "%u", number);
                if (put(spool, id) != RETAIN_OK ||
                    write(pipes[1], &number, sizeof(number)) != sizeof(number))
                    _exit(1);
            }
            _exit(0);
        }
        close(pipes[1]);
        while (read(pipes[0], &number, sizeof(number)) == sizeof(number)) {
            promised[number] = 1;
            last = number + 1;
            if (++told == 10 + round * 3)
                kill(child, SIGKILL);
        }
        close(pipes[0]);
        assert_int_equal(waitpid(child, NULL, 0), child);
    }
    assert_in_range(ids_read(found, EVENTS), last, EVENTS);
    for (uint32_t i = 0; i < EVENTS; i++)
        assert_true(found[i] >= promised[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(places_that_cannot_be_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_event_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_spool_says_so_and_leaves_nothing, setup, teardown),
        cmocka_unit_test(only_finished_names_are_sent),
        cmocka_unit_test_setup_teardown(a_killed_writer_loses_nothing_it_was_told_is_there, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

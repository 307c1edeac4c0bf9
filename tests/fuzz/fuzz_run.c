/* Any bytes as a file of identities: refused, or looked up and walked without leaving it.
 *
 * The first byte of the input: even, the rest is the file as it stands; odd, the rest are entries
 * (u64 identity, u64 position) of which, sorted, a run is written and found again, and then one byte
 * of its file is changed. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "protocol/assert.h"
#include "tests/lib/fuzz_folder.h"
#include "workers/dedupe_run.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LOG = 1, FOUND_MAX = 8 };

static const struct rt_run_header named = {
    .log = LOG, .from = (uint64_t)LOG << 48 | 1, .to = (uint64_t)LOG << 48 | 0xffff};

static void walk(struct rt_run *run)
{
    struct rt_run_cursor cursor = {.run = run};
    rt_position found[FOUND_MAX];
    struct rt_entry entry;
    uint64_t count = 0;

    while (rt_run_cursor_next(&cursor, &entry)) {
        size_t some = 0;

        (void)rt_run_find(run, entry.identity, found, &some, FOUND_MAX);
        RT_ASSERT(some <= FOUND_MAX);
        count++;
    }
    RT_ASSERT(cursor.damaged ? count < run->header.count : count == run->header.count);
}

static void open_file(const char *name)
{
    struct rt_run *run = rt_run_open(fuzz_folder(), name);

    if (run == NULL) {
        RT_ASSERT(errno == EBADMSG);
        return;
    }
    walk(run);
    rt_run_free(run);
}

/* ---- a run of ours ---------------------------------------------------------------------------- */

struct list {
    struct rt_entry *entries;
    size_t count, next;
};

static bool next_entry(void *source, struct rt_entry *entry)
{
    struct list *list = source;

    if (list->next == list->count)
        return false;
    *entry = list->entries[list->next++];
    return true;
}

static int ascending(const void *left, const void *right)
{
    const struct rt_entry *a = left, *b = right;

    if (a->identity != b->identity)
        return a->identity < b->identity ? -1 : 1;
    return (a->position > b->position) - (a->position < b->position);
}

/* Up to FOUND_MAX positions of each identity are found, the lowest first. */
static void all_are_found(struct rt_run *run, const struct list *list)
{
    for (size_t i = 0, same = 0; i < list->count; i++) {
        rt_position found[FOUND_MAX];
        size_t count = 0;

        same = i > 0 && list->entries[i].identity == list->entries[i - 1].identity ? same + 1 : 0;
        RT_ASSERT(rt_run_find(run, list->entries[i].identity, found, &count, FOUND_MAX));
        RT_ASSERT(count > same || count == FOUND_MAX);
        RT_ASSERT(same >= FOUND_MAX || found[same] == list->entries[i].position);
    }
}

static void change_byte(const char *name, uint64_t where, uint8_t by)
{
    int fd = openat(fuzz_folder(), name, O_RDWR | O_CLOEXEC);
    off_t size = lseek(fd, 0, SEEK_END);
    uint8_t byte;

    RT_ASSERT(size > 0 && pread(fd, &byte, 1, (off_t)(where % (uint64_t)size)) == 1);
    byte ^= by;
    RT_ASSERT(pwrite(fd, &byte, 1, (off_t)(where % (uint64_t)size)) == 1);
    close(fd);
}

static void write_run(struct rt_span bytes, uint8_t change)
{
    struct list list = {.count = bytes.size / 16};
    struct rt_run_header header = named;
    char name[RT_RUN_NAME];
    struct rt_run *run;

    list.entries = calloc(list.count + 1, sizeof(*list.entries));
    RT_ASSERT(list.entries != NULL);
    for (size_t i = 0; i < list.count; i++)
        list.entries[i] = (struct rt_entry){.identity = rt_load_u64(bytes.data + 16 * i),
                                            .position = rt_load_u64(bytes.data + 16 * i + 8)};
    qsort(list.entries, list.count, sizeof(*list.entries), ascending);
    header.count = list.count;
    run = rt_run_write(fuzz_folder(), &header, next_entry, &list);
    RT_ASSERT(run != NULL);
    rt_run_free(run);
    rt_run_name(name, &header);
    run = rt_run_open(fuzz_folder(), name);
    RT_ASSERT(run != NULL && run->header.count == list.count);
    all_are_found(run, &list);
    walk(run);
    rt_run_free(run);
    if (bytes.size >= 8)
        change_byte(name, rt_load_u64(bytes.data), change);
    open_file(name);
    free(list.entries);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char name[RT_RUN_NAME];

    if (size == 0)
        return 0;
    rt_run_name(name, &named);
    if (data[0] % 2 == 1) {
        write_run(rt_span(data + 1, size - 1), data[0]);
    } else {
        fuzz_folder_write(name, rt_span(data + 1, size - 1));
        open_file(name);
    }
    return 0;
}

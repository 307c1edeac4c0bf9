#include "tests/lib/bad_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/assert.h"

enum { SECTOR = 512, CHANGES = 1 << 16, PATH_BYTES = 512 };

/* What can be undone: bytes of a file, or a name. */
struct change {
    enum rt_disk_op op;
    char path[PATH_BYTES], to[PATH_BYTES]; /* of the folder and name, also after it was closed */
    char kept[PATH_BYTES]; /* a second name for what a rename or unlink takes away */
    uint64_t offset;
    size_t size;
    uint8_t *before;
    bool synced;
};

static struct {
    pthread_mutex_t lock;
    enum rt_bad_mode mode;
    long at, calls;
    int fault;
    struct change *changes;
    size_t count;
    struct rt_bad_log *log;
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void path_of(int fd, const char *name, char *path)
{
    char link[64];
    ssize_t size;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    size = readlink(link, path, PATH_BYTES - 1);
    RT_ASSERT(size > 0);
    path[size] = '\0';
    if (name != NULL) {
        snprintf(path + size, (size_t)(PATH_BYTES - size), "/%s", name);
    }
}

static struct change *add_change(const struct rt_disk_call *call)
{
    struct change *change = &disk.changes[disk.count++];

    RT_ASSERT(disk.count < CHANGES);
    *change = (struct change){.op = call->op, .offset = call->offset, .size = call->size};
    path_of(call->fd, call->name, change->path);
    if (call->to != NULL) {
        path_of(call->fd, call->to, change->to);
    }
    return change;
}

static void note_write(const struct rt_disk_call *call)
{
    struct change *change = add_change(call);
    char path[64];
    int fd;

    change->before = calloc(1, call->size);
    RT_ASSERT(change->before != NULL);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", call->fd);
    fd = open(path, O_RDONLY);
    RT_ASSERT(fd >= 0 && pread(fd, change->before, call->size, (off_t)call->offset) >= 0);
    close(fd);
}

/* Keeps what the call takes away under another name. */
static void keep(struct change *change, const char *lost)
{
    snprintf(change->kept, sizeof(change->kept), "%.480s.%zu.kept", lost, disk.count);
    if (link(lost, change->kept) != 0) {
        change->kept[0] = '\0';
    }
}

static void note_open(const struct rt_disk_call *call)
{
    struct stat status;

    if ((call->flags & O_CREAT) && fstatat(call->fd, call->name, &status, 0) != 0) {
        add_change(call);
    }
}

static void sync_file(int fd)
{
    char path[PATH_BYTES];

    path_of(fd, NULL, path);
    for (size_t i = 0; i < disk.count; i++) {
        struct change *change = &disk.changes[i];

        if (change->op == RT_DISK_WRITE && strcmp(change->path, path) == 0) {
            change->synced = true;
        }
    }
}

/* A rename moves the file's pending writes with it. */
static void follow_rename(const struct change *rename)
{
    for (size_t i = 0; i < disk.count; i++) {
        struct change *change = &disk.changes[i];

        if (change->op == RT_DISK_WRITE && strcmp(change->path, rename->path) == 0) {
            snprintf(change->path, sizeof(change->path), "%s", rename->to);
        }
    }
}

static bool lies_in(const char *path, const char *folder)
{
    size_t size = strlen(folder);

    return strncmp(path, folder, size) == 0 && path[size] == '/' &&
           strchr(path + size + 1, '/') == NULL;
}

static void sync_names(int fd)
{
    char folder[PATH_BYTES];

    path_of(fd, NULL, folder);
    for (size_t i = 0; i < disk.count; i++) {
        if (disk.changes[i].op != RT_DISK_WRITE && lies_in(disk.changes[i].path, folder)) {
            disk.changes[i].synced = true;
        }
    }
}

static void note(const struct rt_disk_call *call)
{
    struct change *change;

    switch (call->op) {
    case RT_DISK_WRITE:
        note_write(call);
        break;
    case RT_DISK_OPEN:
        note_open(call);
        break;
    case RT_DISK_RENAME:
        change = add_change(call);
        keep(change, change->to);
        follow_rename(change);
        break;
    case RT_DISK_UNLINK:
        change = add_change(call);
        keep(change, change->path);
        break;
    case RT_DISK_SYNC:
        sync_file(call->fd);
        break;
    case RT_DISK_SYNC_FOLDER:
        sync_names(call->fd);
        break;
    default:
        break;
    }
}

/* ---- the power is gone -------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Sectors arrive in any order: of each it is drawn whether it did. */
static void undo_write(const struct change *change, uint64_t *seed)
{
    int fd = open(change->path, O_RDWR);

    for (uint64_t at = change->offset; fd >= 0 && at < change->offset + change->size;) {
        uint64_t border = (at / SECTOR + 1) * SECTOR, end = change->offset + change->size;
        size_t size = (size_t)((border < end ? border : end) - at);

        if (*seed == 0 || next_random(seed) % 3 != 0) {
            RT_ASSERT(pwrite(fd, change->before + (at - change->offset), size, (off_t)at) > 0);
        }
        at += size;
    }
    if (fd >= 0) {
        close(fd);
    }
}

/* What was written to the file before it was renamed is in it under its old name again. */
static void follow_back(const struct change *rename)
{
    for (struct change *change = disk.changes; change < rename; change++) {
        if (change->op == RT_DISK_WRITE && strcmp(change->path, rename->to) == 0) {
            snprintf(change->path, sizeof(change->path), "%s", rename->path);
        }
    }
}

static void undo_name(const struct change *change)
{
    if (change->op == RT_DISK_OPEN) {
        unlink(change->path);
    } else if (change->op == RT_DISK_RENAME) {
        rename(change->to, change->path);
        follow_back(change);
        if (change->kept[0] != '\0') {
            rename(change->kept, change->to);
        }
    } else if (change->kept[0] != '\0') {
        rename(change->kept, change->path);
    }
}

void rt_bad_disk_restore(uint64_t seed)
{
    size_t names = 0, undone = 0;

    if (seed != 0) {
        seed = seed * 2 + 1;
        next_random(&seed);
    }
    for (size_t i = 0; i < disk.count; i++) {
        names += disk.changes[i].op != RT_DISK_WRITE && !disk.changes[i].synced;
    }
    if (seed != 0) {
        names = names == 0 ? 0 : next_random(&seed) % (names + 1);
    }
    for (size_t i = disk.count; i-- > 0;) {
        struct change *change = &disk.changes[i];

        if (change->op == RT_DISK_WRITE) {
            if (!change->synced) {
                undo_write(change, &seed);
            }
        } else if (!change->synced && undone < names) {
            undo_name(change);
            undone++;
            continue;
        }
        if (change->kept[0] != '\0') {
            unlink(change->kept);
        }
    }
    for (size_t i = 0; i < disk.count; i++) {
        free(disk.changes[i].before);
    }
    disk.count = 0;
}

/* ---- what the disk says -------------------------------------------------------------------- */

/* Any part of what was on its way may have arrived. */
static void note_last(const struct rt_disk_call *call)
{
    if (call->op == RT_DISK_WRITE) {
        note(call);
        RT_ASSERT(pwrite(call->fd, call->data, call->size, (off_t)call->offset) > 0);
    }
}

static int cut_power(const struct rt_disk_call *call)
{
    note_last(call);
    rt_bad_disk_restore((uint64_t)disk.fault);
    return kill(getpid(), SIGKILL);
}

/* What was written since the last sync is gone, and the kernel has told so once. */
static int lose(const struct rt_disk_call *call)
{
    uint64_t seed = 0;
    char path[PATH_BYTES];

    path_of(call->fd, NULL, path);
    for (size_t i = disk.count; i-- > 0;) {
        struct change *change = &disk.changes[i];

        if (change->op == RT_DISK_WRITE && !change->synced && strcmp(change->path, path) == 0) {
            undo_write(change, &seed);
            change->synced = true;
        }
    }
    return EIO;
}

/* Space that is there already (a journal's segment) can be written to. */
static bool needs_space(const struct rt_disk_call *call)
{
    char path[PATH_BYTES];

    if (call->op == RT_DISK_WRITE) {
        path_of(call->fd, NULL, path);
        return strlen(path) < 4 || strcmp(path + strlen(path) - 4, ".seg") != 0;
    }
    return call->op == RT_DISK_ALLOCATE || call->op == RT_DISK_FOLDER ||
           (call->op == RT_DISK_OPEN && (call->flags & O_CREAT));
}

static int answer(const struct rt_disk_call *call)
{
    bool hit = disk.calls == disk.at;

    switch (disk.mode) {
    case RT_BAD_FAIL:
        return hit ? disk.fault : 0;
    case RT_BAD_SHORT:
        return hit && call->op == RT_DISK_WRITE ? RT_DISK_SHORT : 0;
    case RT_BAD_STOP:
        return disk.calls >= disk.at ? EIO : 0;
    case RT_BAD_POWER:
        if (disk.calls < disk.at) {
            note(call);
            return 0;
        }
        if (hit) {
            note_last(call);
        }
        return EIO;
    case RT_BAD_KILL:
        return hit ? kill(getpid(), SIGKILL) : 0;
    case RT_BAD_CUT:
        if (hit) {
            return cut_power(call);
        }
        note(call);
        return 0;
    case RT_BAD_LOST:
        if (hit && call->op == RT_DISK_SYNC) {
            return lose(call);
        }
        note(call);
        return 0;
    case RT_BAD_FULL:
        return disk.calls >= disk.at && disk.calls < disk.at + RT_BAD_FULL_CALLS &&
                       needs_space(call)
                   ? ENOSPC
                   : 0;
    case RT_BAD_COUNT:
    case RT_BAD_MODES:
        break;
    }
    return 0;
}

static void tell(const struct rt_disk_call *call)
{
    if (disk.log == NULL) {
        return;
    }
    if (disk.calls <= RT_BAD_LOG) {
        disk.log->op[disk.calls - 1] = (unsigned char)call->op;
    }
    disk.log->calls = disk.calls;
    disk.log->hit = disk.log->hit || disk.calls == disk.at;
}

void rt_bad_disk_tell(struct rt_bad_log *log)
{
    disk.log = log;
}

int rt_bad_disk_ask(const struct rt_disk_call *call)
{
    int result;

    pthread_mutex_lock(&disk.lock);
    disk.calls++;
    tell(call);
    result = answer(call);
    pthread_mutex_unlock(&disk.lock);
    return result;
}

static int hook(void *context, const struct rt_disk_call *call)
{
    (void)context;
    return rt_bad_disk_ask(call);
}

void rt_bad_disk_begin(enum rt_bad_mode mode, long at, int fault)
{
    if (disk.changes == NULL) {
        disk.changes = calloc(CHANGES, sizeof(*disk.changes));
        RT_ASSERT(disk.changes != NULL);
    }
    disk.mode = mode;
    disk.at = at;
    disk.fault = fault;
    disk.calls = 0;
    disk.count = 0;
    rt_disk_set_hook(hook, NULL);
}

long rt_bad_disk_end(void)
{
    rt_disk_set_hook(NULL, NULL);
    return disk.calls;
}

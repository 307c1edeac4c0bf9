/* The disk: real files in a folder of the host's memory, behind the hook of workers/disk.h. What was
 * written since the last sync of its file, and names made, moved or removed since the last sync of
 * their folder, are remembered with what they replaced: a power cut undoes of the contents any
 * sectors, of the names any number of the newest. Small files that the daemon writes without that
 * hook (generations, format, endpoints) and the secret are on disk at once. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/sim/system/os.h"
#include "workers/disk.h"

enum { SECTOR = 512, FILES = 256, NAMES = 1024, PATH = 512, MS = 1000000 };

struct piece { /* of a file, before it was overwritten */
    struct piece *before;
    uint64_t offset, serial;
    size_t size;
    bool is_stuck;     /* its sync failed: the kernel holds it for clean, and it is not on disk */
    size_t stuck_left; /* bytes that were not written again since */
    uint8_t bytes[];
};

struct dirty {
    ino_t inode; /* 0: free */
    int fd;
    struct piece *newest;
};

struct name_change {
    enum rt_disk_op op;
    ino_t folder;
    uint64_t serial;
    char path[PATH], to[PATH], kept[PATH];
};

struct fault {
    struct os_process *process; /* NULL: none is planned */
    unsigned calls;
};

static struct {
    char kept[PATH];
    struct dirty files[FILES];
    struct name_change names[NAMES];
    unsigned name_count;
    uint64_t serial, calls, kept_count;
    struct fault kill, fail;
    bool power; /* the kill is a power cut */
    bool full;
    void (*cut)(void);
} disk;

/* ---- what can be undone ---------------------------------------------------------------------- */

static ino_t inode_of(int fd)
{
    struct stat status;

    OS_CHECK(fstat(fd, &status) == 0, "fstat: %m");
    return status.st_ino;
}

static int open_again(int fd, int flags)
{
    char path[64];
    int again;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    again = open(path, flags | O_CLOEXEC);
    OS_CHECK(again >= 0, "opening a file again: %m");
    return again;
}

static struct dirty *dirty_of(ino_t inode)
{
    for (unsigned i = 0; i < FILES; i++)
        if (disk.files[i].inode == inode)
            return &disk.files[i];
    return NULL;
}

static uint64_t overlap(const struct piece *piece, uint64_t offset, uint64_t size)
{
    uint64_t from = piece->offset > offset ? piece->offset : offset;
    uint64_t to =
        piece->offset + piece->size < offset + size ? piece->offset + piece->size : offset + size;

    return to > from ? to - from : 0;
}

/* What is written again will be on disk after the next sync. */
static void unstick(struct dirty *file, uint64_t offset, uint64_t size)
{
    for (struct piece *piece = file->newest; piece != NULL; piece = piece->before)
        if (piece->is_stuck) {
            uint64_t again = overlap(piece, offset, size);

            piece->stuck_left -= again < piece->stuck_left ? again : piece->stuck_left;
            piece->is_stuck = piece->stuck_left > 0;
        }
}

static void stick(struct dirty *file)
{
    for (struct piece *piece = file == NULL ? NULL : file->newest; piece != NULL;
         piece = piece->before)
        if (!piece->is_stuck) {
            piece->is_stuck = true;
            piece->stuck_left = piece->size;
        }
}

static void note_write(const struct rt_disk_call *call)
{
    struct dirty *file = dirty_of(inode_of(call->fd));
    struct piece *piece = calloc(1, sizeof(*piece) + call->size);

    if (file == NULL) {
        file = dirty_of(0);
        OS_CHECK(file != NULL, "too many files with unsynced bytes");
        *file = (struct dirty){.inode = inode_of(call->fd), .fd = open_again(call->fd, O_RDWR)};
    }
    OS_CHECK(piece != NULL, "no memory for what was overwritten");
    unstick(file, call->offset, call->size);
    piece->offset = call->offset;
    piece->size = call->size;
    piece->serial = ++disk.serial;
    OS_CHECK(pread(file->fd, piece->bytes, call->size, (off_t)call->offset) >= 0, "pread: %m");
    piece->before = file->newest;
    file->newest = piece;
}

/* Pieces up to `serial` are on disk. */
static void forget_pieces(struct dirty *file, uint64_t serial)
{
    struct piece **at = &file->newest;

    while (*at != NULL) {
        struct piece *piece = *at;

        if (piece->serial > serial || (piece->is_stuck && serial != UINT64_MAX)) {
            at = &piece->before;
            continue;
        }
        *at = piece->before;
        free(piece);
    }
    if (file->newest == NULL) {
        close(file->fd);
        file->inode = 0;
    }
}

static void path_of(int folder, const char *name, char path[PATH])
{
    char link[64];
    ssize_t size;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", folder);
    size = readlink(link, path, PATH - 1);
    OS_CHECK(size > 0 && size + strlen(name) + 2 < PATH, "a path is too long");
    snprintf(path + size, PATH - (size_t)size, "/%s", name);
}

static struct name_change *note_name(const struct rt_disk_call *call)
{
    struct name_change *change = &disk.names[disk.name_count++];

    OS_CHECK(disk.name_count < NAMES, "too many names that are not synced");
    *change =
        (struct name_change){.op = call->op, .folder = inode_of(call->fd), .serial = ++disk.serial};
    path_of(call->fd, call->name, change->path);
    if (call->to != NULL)
        path_of(call->fd, call->to, change->to);
    return change;
}

/* A second name for what the call takes away. */
static void keep(struct name_change *change, const char *lost)
{
    snprintf(change->kept, sizeof(change->kept), "%.400s/%llu", disk.kept,
             (unsigned long long)++disk.kept_count);
    if (link(lost, change->kept) != 0)
        change->kept[0] = '\0';
}

static void forget_names(ino_t folder, uint64_t serial)
{
    unsigned left = 0;

    for (unsigned i = 0; i < disk.name_count; i++) {
        struct name_change *change = &disk.names[i];

        if (change->folder != folder || change->serial > serial)
            disk.names[left++] = *change;
        else if (change->kept[0] != '\0')
            unlink(change->kept);
    }
    disk.name_count = left;
}

static void note(const struct rt_disk_call *call)
{
    struct stat status;
    struct name_change *change;

    switch (call->op) {
    case RT_DISK_WRITE:
        note_write(call);
        break;
    case RT_DISK_OPEN:
        if ((call->flags & O_CREAT) && fstatat(call->fd, call->name, &status, 0) != 0)
            note_name(call);
        break;
    case RT_DISK_RENAME:
        change = note_name(call);
        keep(change, change->to);
        break;
    case RT_DISK_UNLINK:
        if (fstatat(call->fd, call->name, &status, 0) == 0) {
            change = note_name(call);
            keep(change, change->path);
        }
        break;
    default:
        break;
    }
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* Syncs take milliseconds, now and then many. Only what was there when one began is on disk after
 * it. */
static void take_time(const struct rt_disk_call *call)
{
    uint64_t serial = disk.serial;
    struct dirty *file;

    if (call->op != RT_DISK_SYNC && call->op != RT_DISK_SYNC_FOLDER) {
        os_yield();
        return;
    }
    os_sleep((int64_t)os_draw(os_chance(50) ? 300 * MS : os_chance(2) ? 3 * MS : MS / 10));
    file = call->op == RT_DISK_SYNC ? dirty_of(inode_of(call->fd)) : NULL;
    if (file != NULL)
        forget_pieces(file, serial);
    if (call->op == RT_DISK_SYNC_FOLDER)
        forget_names(inode_of(call->fd), serial);
}

static bool strikes(struct fault *fault)
{
    if (fault->process == NULL || fault->process != os_running() || --fault->calls > 0)
        return false;
    fault->process = NULL;
    return true;
}

/* The call that is the last one: of a write any part was done. */
static void last_call(const struct rt_disk_call *call)
{
    if (call->op == RT_DISK_WRITE) {
        note(call);
        OS_CHECK(
            pwrite(call->fd, call->data, 1 + (size_t)os_draw(call->size), (off_t)call->offset) > 0,
            "pwrite: %m");
    }
    os_trace("%s at a call of the disk (%d)", disk.power ? "the power goes" : "killed", call->op);
    if (disk.power)
        disk.cut();
    os_end(os_running(), SIGKILL);
}

static bool can_fail(enum rt_disk_op op)
{
    return op != RT_DISK_OPEN && op != RT_DISK_READ && op != RT_DISK_FOLDER && op != RT_DISK_UNLINK;
}

static int on_call(void *context, const struct rt_disk_call *call)
{
    (void)context;
    disk.calls++;
    if (strikes(&disk.kill))
        last_call(call);
    if (call->op == RT_DISK_ALLOCATE && disk.full)
        return ENOSPC;
    if (can_fail(call->op) && strikes(&disk.fail)) {
        os_trace("a call of the disk fails (%d)", call->op);
        if (call->op == RT_DISK_SYNC)
            stick(dirty_of(inode_of(call->fd)));
        return EIO;
    }
    take_time(call);
    note(call);
    return call->op == RT_DISK_WRITE && os_chance(50) ? RT_DISK_SHORT : 0;
}

/* ---- for the driver -------------------------------------------------------------------------- */

void os_disk_begin(const char *folder, const char *kept)
{
    (void)folder;
    snprintf(disk.kept, sizeof(disk.kept), "%s", kept);
    rt_disk_set_hook(on_call, NULL);
}

void os_disk_on_cut(void (*cut)(void))
{
    disk.cut = cut;
}

void os_disk_kill_at(struct os_process *process, unsigned calls, bool power)
{
    disk.kill = (struct fault){process, calls};
    disk.power = power;
}

void os_disk_fail_at(struct os_process *process, unsigned calls)
{
    disk.fail = (struct fault){process, calls};
}

void os_disk_full(bool full)
{
    disk.full = full;
}

uint64_t os_disk_calls(void)
{
    return disk.calls;
}

bool os_disk_is_synced(const char *path, uint64_t offset, uint64_t size)
{
    struct stat status;
    struct dirty *file = stat(path, &status) == 0 ? dirty_of(status.st_ino) : NULL;

    for (struct piece *piece = file == NULL ? NULL : file->newest; piece != NULL;
         piece = piece->before)
        if (piece->offset < offset + size && offset < piece->offset + piece->size)
            return false;
    return true;
}

/* Newest first, so that of a sector that was written twice any state may be left. */
static void undo_pieces(struct dirty *file)
{
    for (struct piece *piece = file->newest; piece != NULL; piece = piece->before) {
        uint64_t end = piece->offset + piece->size;

        for (uint64_t at = piece->offset; at < end;) {
            uint64_t border = (at / SECTOR + 1) * SECTOR;
            size_t size = (size_t)((border < end ? border : end) - at);

            if (os_draw(3) != 0)
                OS_CHECK(pwrite(file->fd, piece->bytes + (at - piece->offset), size, (off_t)at) > 0,
                         "pwrite: %m");
            at += size;
        }
    }
    forget_pieces(file, UINT64_MAX);
}

static void undo_name(const struct name_change *change)
{
    if (change->op == RT_DISK_OPEN) {
        unlink(change->path);
    } else if (change->op == RT_DISK_RENAME) {
        rename(change->to, change->path);
        if (change->kept[0] != '\0')
            rename(change->kept, change->to);
    } else if (change->kept[0] != '\0') {
        rename(change->kept, change->path);
    }
}

void os_disk_cut(void)
{
    unsigned names = disk.name_count == 0 ? 0 : (unsigned)os_draw(disk.name_count + 1);

    disk.kill.process = disk.fail.process = NULL;
    for (unsigned i = 0; i < FILES; i++)
        if (disk.files[i].inode != 0)
            undo_pieces(&disk.files[i]);
    for (; names > 0; names--)
        undo_name(&disk.names[--disk.name_count]);
    for (unsigned i = 0; i < disk.name_count; i++)
        if (disk.names[i].kept[0] != '\0')
            unlink(disk.names[i].kept);
    disk.name_count = 0;
}

#include "workers/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static struct {
    rt_disk_hook *ask;
    void *context;
} hook;

void rt_disk_set_hook(rt_disk_hook *ask, void *context)
{
    hook.ask = ask;
    hook.context = context;
}

/* 0, RT_DISK_SHORT, or an errno, which is then set. */
static int asked(const struct rt_disk_call *call)
{
    int answer = hook.ask == NULL ? 0 : hook.ask(hook.context, call);

    if (answer > 0) {
        errno = answer;
    }
    return answer;
}

int rt_disk_open(int folder, const char *name, int flags)
{
    const struct rt_disk_call call = {
        .op = RT_DISK_OPEN, .fd = folder, .name = name, .flags = flags};

    return asked(&call) > 0 ? -1 : openat(folder, name, flags | O_CLOEXEC, 0600);
}

void rt_disk_close(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

int rt_disk_folder(const char *parent, const char *name)
{
    int above = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct rt_disk_call call = {.op = RT_DISK_FOLDER, .fd = above, .name = name};
    int folder = -1;

    if (above < 0) {
        return -1;
    }
    if (asked(&call) <= 0 && (mkdirat(above, name, 0700) == 0 || errno == EEXIST) &&
        rt_disk_sync_folder(above)) {
        folder = openat(above, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    close(above);
    return folder;
}

bool rt_disk_allocate(int fd, uint64_t size)
{
    const struct rt_disk_call call = {.op = RT_DISK_ALLOCATE, .fd = fd, .size = (size_t)size};

    if (asked(&call) > 0) {
        return false;
    }
    errno = posix_fallocate(fd, 0, (off_t)size);
    return errno == 0;
}

bool rt_disk_write(int fd, const void *data, size_t size, uint64_t offset)
{
    const char *at = data;

    while (size > 0) {
        const struct rt_disk_call call = {
            .op = RT_DISK_WRITE, .fd = fd, .data = at, .size = size, .offset = offset};
        int answer = asked(&call);
        size_t want = answer == RT_DISK_SHORT ? (size + 1) / 2 : size;
        ssize_t done = answer > 0 ? -1 : pwrite(fd, at, want, (off_t)offset);

        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            errno = done == 0 ? EIO : errno;
            return false;
        }
        at += done;
        size -= (size_t)done;
        offset += (uint64_t)done;
    }
    return true;
}

bool rt_disk_read(int fd, void *data, size_t size, uint64_t offset, size_t *got)
{
    const struct rt_disk_call call = {.op = RT_DISK_READ, .fd = fd, .size = size, .offset = offset};
    char *at = data;

    *got = 0;
    if (asked(&call) > 0) {
        return false;
    }
    while (*got < size) {
        ssize_t done = pread(fd, at + *got, size - *got, (off_t)(offset + *got));

        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return false;
        }
        if (done == 0) {
            break;
        }
        *got += (size_t)done;
    }
    return true;
}

bool rt_disk_sync_data(int fd)
{
    const struct rt_disk_call call = {.op = RT_DISK_SYNC, .fd = fd};

    return asked(&call) <= 0 && fdatasync(fd) == 0;
}

bool rt_disk_sync(int fd)
{
    const struct rt_disk_call call = {.op = RT_DISK_SYNC, .fd = fd};

    return asked(&call) <= 0 && fsync(fd) == 0;
}

bool rt_disk_sync_folder(int fd)
{
    const struct rt_disk_call call = {.op = RT_DISK_SYNC_FOLDER, .fd = fd};

    return asked(&call) <= 0 && fsync(fd) == 0;
}

bool rt_disk_space(int fd, uint64_t *available, uint64_t *total)
{
    struct statvfs space;

    if (fstatvfs(fd, &space) != 0) {
        return false;
    }
    *available = (uint64_t)space.f_bavail * space.f_frsize;
    *total = (uint64_t)space.f_blocks * space.f_frsize;
    return true;
}

bool rt_disk_rename(int folder, const char *from, const char *to)
{
    const struct rt_disk_call call = {.op = RT_DISK_RENAME, .fd = folder, .name = from, .to = to};

    return asked(&call) <= 0 && renameat(folder, from, folder, to) == 0;
}

bool rt_disk_unlink(int folder, const char *name)
{
    const struct rt_disk_call call = {.op = RT_DISK_UNLINK, .fd = folder, .name = name};

    return asked(&call) <= 0 && (unlinkat(folder, name, 0) == 0 || errno == ENOENT);
}

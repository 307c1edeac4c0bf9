/* See unused.h. */
#include "workers/unused.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "workers/disk.h"

/* A lock that is not there is held by nobody. *fd is -1 then. */
static bool take_lock(int folder, const char *name, int how, int *fd)
{
    *fd = rt_disk_open(folder, name, O_RDONLY);
    if (*fd < 0) {
        return errno == ENOENT;
    }
    if (flock(*fd, how | LOCK_NB) == 0) {
        return true;
    }
    rt_disk_close(*fd);
    *fd = -1;
    return false;
}

/* A worker outlives its daemon by a moment. */
static bool workers_gone(int state)
{
    int folder = openat(state, "journal", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = folder < 0 ? NULL : fdopendir(folder);
    struct dirent *entry;
    bool gone = true;

    while (gone && listing != NULL && (entry = readdir(listing)) != NULL) {
        size_t size = strlen(entry->d_name);
        int fd = -1;

        if (size > 5 && strcmp(entry->d_name + size - 5, ".lock") == 0) {
            gone = take_lock(dirfd(listing), entry->d_name, LOCK_SH, &fd);
            rt_disk_close(fd);
        }
    }
    if (listing != NULL) {
        closedir(listing);
    } else {
        rt_disk_close(folder);
    }
    return gone;
}

bool rt_unused_hold(const char *state_dir, int *lock, char *error, size_t error_size)
{
    int state = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool held = false;

    *lock = -1;
    if (state < 0) {
        snprintf(error, error_size, "%s: %s", state_dir, strerror(errno));
    } else if (!take_lock(state, "lock", LOCK_EX, lock) || !workers_gone(state)) {
        snprintf(error, error_size,
                 errno == EWOULDBLOCK ? "%s is used by a running daemon: stop it, or take a backup"
                                      : "%s: its locks cannot be taken",
                 state_dir);
        rt_disk_close(*lock);
    } else {
        held = true;
    }
    rt_disk_close(state);
    return held;
}

void rt_unused_release(int lock)
{
    rt_disk_close(lock);
}

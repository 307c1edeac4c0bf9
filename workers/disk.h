/* The system calls by which the worker touches files, one function each, so that a test can make
 * the n-th of them fail, fall short or be the last before a crash. Nothing here decides anything.
 *
 * Functions that return bool leave errno as the call left it. Names are relative to an open folder.
 */
#ifndef RT_WORKERS_DISK_H
#define RT_WORKERS_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rt_disk_op {
    RT_DISK_OPEN,
    RT_DISK_ALLOCATE,
    RT_DISK_READ,
    RT_DISK_WRITE,
    RT_DISK_SYNC,
    RT_DISK_SYNC_FOLDER,
    RT_DISK_RENAME,
    RT_DISK_UNLINK,
    RT_DISK_FOLDER,
};

/* What is about to be done. Fields that an operation has not are 0. */
struct rt_disk_call {
    enum rt_disk_op op;
    int fd; /* the file, or the folder of `name` */
    const char *name;
    const char *to;
    int flags; /* open */
    const void *data;
    size_t size;
    uint64_t offset;
};

/* For tests: asked before each call, from whichever thread makes it. Returns 0 to go on,
 * RT_DISK_SHORT to write a part only (a short write, which is then continued), or the errno to fail
 * with. */
enum { RT_DISK_SHORT = -1 };
typedef int rt_disk_hook(void *context, const struct rt_disk_call *call);
void rt_disk_set_hook(rt_disk_hook *hook, void *context); /* NULL: none */

/* Opens with O_CLOEXEC; -1 on failure. New files have mode 0600. */
int rt_disk_open(int folder, const char *name, int flags);
void rt_disk_close(int fd); /* takes -1 */

/* Makes the folder (mode 0700) unless it is there, and makes it durable in `parent`; opens it. -1
 * on failure. */
int rt_disk_folder(const char *parent, const char *name);

/* Reserves the space for good: a later write within it cannot meet ENOSPC. */
bool rt_disk_allocate(int fd, uint64_t size);

/* Writes all of it; goes on after short writes and interruptions. */
bool rt_disk_write(int fd, const void *data, size_t size, uint64_t offset);

/* Reads until `size` bytes or the end of the file; the number read in *got. */
bool rt_disk_read(int fd, void *data, size_t size, uint64_t offset, size_t *got);

/* Data is on disk when these return true. After a false nothing is known of it: never try again and
 * hope. */
bool rt_disk_sync_data(int fd); /* fdatasync */
bool rt_disk_sync(int fd);      /* fsync */
bool rt_disk_sync_folder(int fd);

/* Bytes of the file system on which the file or folder lies: what an ordinary user may still take,
 * and all. */
bool rt_disk_space(int fd, uint64_t *available, uint64_t *total);

bool rt_disk_rename(int folder, const char *from, const char *to);
bool rt_disk_unlink(int folder, const char *name); /* a missing file is fine */

#endif

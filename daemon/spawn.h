/* Starting a worker process. */
#ifndef RT_DAEMON_SPAWN_H
#define RT_DAEMON_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Which program workers are: `configured` if not "", else retain-worker beside this program, else
 * in libexec. False with a sentence in error if it cannot be run. `path` has `size` bytes. */
bool rt_spawn_find(const char *configured, char *path, size_t size, char *error, size_t error_size);

/* Starts it with the other end of a socket as descriptor RT_LINK_FD and no more than standard
 * input, output and error besides. Returns its process and our end (non-blocking) in *descriptor; 0
 * with errno set if that failed. */
pid_t rt_spawn_worker(const char *path, int *descriptor);

#endif

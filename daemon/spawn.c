/* See spawn.h. fork and exec in one call (posix_spawn): libzmq's threads and sockets never see the
 * child. */
#include "daemon/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/link.h"

#ifndef RT_LIBEXECDIR
#define RT_LIBEXECDIR "/usr/libexec/retaind"
#endif

enum { SOCKET_BYTES = 4 << 20, PATH_BYTES = 1024 };

static const char worker_name[] = "retain-worker";

/* Beside this program, or in the libexec that was installed with it, wherever that has been moved
 * to. */
static bool near_us(char *path, size_t size)
{
    static const char *const folders[] = {"", "/../libexec/retaind"};
    char self[PATH_BYTES];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    const char *here;

    if (length < 0) {
        return false;
    }
    self[length] = '\0';
    here = dirname(self);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        if ((size_t)snprintf(path, size, "%s%s/%s", here, folders[i], worker_name) < size &&
            access(path, X_OK) == 0) {
            return true;
        }
    }
    return false;
}

bool rt_spawn_find(const char *configured, char *path, size_t size, char *error, size_t error_size)
{
    if (configured[0] != '\0') {
        snprintf(path, size, "%s", configured);
    } else if (!near_us(path, size)) {
        snprintf(path, size, "%s/%s", RT_LIBEXECDIR, worker_name);
    }
    if (access(path, X_OK) == 0) {
        return true;
    }
    snprintf(error, error_size, "cannot run the worker program %s: %s (workers.program)", path,
             strerror(errno));
    return false;
}

/* As large as the system lets us; the forced form needs a privilege. */
static void enlarge(int descriptor)
{
    int size = SOCKET_BYTES;

    if (setsockopt(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0) {
        setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    }
}

static int prepare(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, int theirs)
{
    sigset_t all, none;

    sigfillset(&all);
    sigemptyset(&none);
    if (posix_spawn_file_actions_init(actions) != 0) {
        return ENOMEM;
    }
    if (posix_spawnattr_init(attributes) != 0) {
        posix_spawn_file_actions_destroy(actions);
        return ENOMEM;
    }
    posix_spawn_file_actions_adddup2(actions, theirs, RT_LINK_FD);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    return 0;
}

static int spawn_with(const char *path, int theirs, pid_t *pid)
{
    extern char **environ;
    char *arguments[] = {(char *)worker_name, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failure = prepare(&actions, &attributes, theirs);

    if (failure != 0) {
        return failure;
    }
    failure = posix_spawn(pid, path, &actions, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return failure;
}

pid_t rt_spawn_worker(const char *path, int *descriptor)
{
    int ends[2], failure;
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return 0;
    }
    enlarge(ends[0]);
    enlarge(ends[1]);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    failure = spawn_with(path, ends[1], &pid);
    close(ends[1]);
    if (failure != 0) {
        close(ends[0]);
        errno = failure;
        return 0;
    }
    *descriptor = ends[0];
    return pid;
}

/* The programs of the machine: retaind and its workers, and the calls by which they start, end and
 * look at each other, at the clock and at chance. */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/spawn.h"
#include "tests/sim/system/daemon.h"
#include "tests/sim/system/os.h"
#include "workers/worker.h"

enum { LOCKS = 256, OVERRIDES = 64 };

/* ---- clock, chance, identity ----------------------------------------------------------------- */

int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
ssize_t __wrap_getrandom(void *bytes, size_t size, unsigned flags);
pid_t __wrap_getpid(void);

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
    int64_t ns = clock == CLOCK_REALTIME ? os_wall_ns() : os_now_ns();

    if (os_running() == NULL)
        return __real_clock_gettime(clock, time);
    time->tv_sec = (time_t)(ns / 1000000000);
    time->tv_nsec = (long)(ns % 1000000000);
    return 0;
}

ssize_t __wrap_getrandom(void *bytes, size_t size, unsigned flags)
{
    (void)flags;
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)bytes)[i] = (uint8_t)os_draw(256);
    return (ssize_t)size;
}

pid_t __real_getpid(void);

pid_t __wrap_getpid(void)
{
    return os_running() == NULL ? __real_getpid() : os_pid(os_running());
}

/* ---- locks of files -------------------------------------------------------------------------- */

/* A process that is gone holds nothing, though its descriptors stay open in this one. */
struct file_lock {
    ino_t inode; /* 0: free */
    struct os_process *process;
    int fd;
    bool shared;
};

static struct file_lock locks[LOCKS];

int __wrap_flock(int fd, int how);
int __real_close(int fd);

static bool is_held(const struct file_lock *lock)
{
    return lock->inode != 0 && os_alive(lock->process);
}

static bool is_mine(const struct file_lock *lock, int fd)
{
    return is_held(lock) && lock->process == os_running() && lock->fd == fd;
}

static bool collides(ino_t inode, int fd, bool shared)
{
    for (unsigned i = 0; i < LOCKS; i++)
        if (is_held(&locks[i]) && locks[i].inode == inode && !is_mine(&locks[i], fd) &&
            !(shared && locks[i].shared))
            return true;
    return false;
}

void os_unlock(int fd)
{
    for (unsigned i = 0; i < LOCKS; i++)
        if (is_mine(&locks[i], fd))
            locks[i].inode = 0;
}

int __wrap_flock(int fd, int how)
{
    struct stat status;
    unsigned i = 0;

    OS_CHECK(fstat(fd, &status) == 0, "fstat: %m");
    if (how & LOCK_UN) {
        os_unlock(fd);
        return 0;
    }
    OS_CHECK(how & LOCK_NB, "a lock that waits");
    if (collides(status.st_ino, fd, how & LOCK_SH)) {
        errno = EWOULDBLOCK;
        return -1;
    }
    os_unlock(fd);
    while (i < LOCKS && is_held(&locks[i]))
        i++;
    OS_CHECK(i < LOCKS, "too many locks");
    locks[i] = (struct file_lock){status.st_ino, os_running(), fd, how & LOCK_SH};
    return 0;
}

/* ---- ends of processes ----------------------------------------------------------------------- */

_Noreturn void __wrap__exit(int status);
_Noreturn void __wrap_exit(int status);
_Noreturn void __wrap_abort(void);
int __wrap_kill(pid_t pid, int signal);
pid_t __real_waitpid(pid_t pid, int *status, int options);
pid_t __wrap_waitpid(pid_t pid, int *status, int options);
_Noreturn void __real__exit(int status);
_Noreturn void __real_exit(int status);

_Noreturn void __wrap__exit(int status)
{
    if (os_running() == NULL)
        __real__exit(status);
    os_end(os_running(), status << 8);
    os_fail("a process goes on after its end");
}

_Noreturn void __wrap_exit(int status)
{
    if (os_running() == NULL)
        __real_exit(status);
    __wrap__exit(status);
}

/* An invariant of the programs is broken: that is what the simulation looks for. */
_Noreturn void __wrap_abort(void)
{
    os_fail("%s aborts", os_running() == NULL ? "the driver" : os_name(os_running()));
}

int __wrap_kill(pid_t pid, int signal)
{
    struct os_process *process = os_find(pid);

    OS_CHECK(signal == SIGKILL, "signal %d is not simulated", signal);
    if (process == NULL) {
        errno = ESRCH;
        return -1;
    }
    os_end(process, signal);
    return 0;
}

pid_t __wrap_waitpid(pid_t pid, int *status, int options)
{
    int result;

    if (os_running() == NULL)
        return __real_waitpid(pid, status, options);
    result = os_wait_for(pid, status);
    OS_CHECK(options & WNOHANG, "a wait that waits");
    if (result < 0)
        errno = ECHILD;
    return result;
}

/* ---- workers --------------------------------------------------------------------------------- */

bool __wrap_rt_spawn_find(const char *configured, char *path, size_t size, char *error,
                          size_t error_size);
pid_t __wrap_rt_spawn_worker(const char *path, int *descriptor);

_Static_assert(__builtin_types_compatible_p(__typeof__(rt_spawn_find),
                                            __typeof__(__wrap_rt_spawn_find)) &&
                   __builtin_types_compatible_p(__typeof__(rt_spawn_worker),
                                                __typeof__(__wrap_rt_spawn_worker)),
               "stands in for daemon/spawn.c");

bool __wrap_rt_spawn_find(const char *configured, char *path, size_t size, char *error,
                          size_t error_size)
{
    (void)configured;
    (void)error;
    (void)error_size;
    snprintf(path, size, "retain-worker");
    return true;
}

/* What the programs print on their standard error is a line of the trace. */
static ssize_t print(void *context, const char *text, size_t size)
{
    (void)context;
    os_trace("| %.*s", (int)size, text);
    return (ssize_t)size;
}

static void redirect(void)
{
    static FILE *stream;

    if (stream == NULL) {
        stream = fopencookie(NULL, "w", (cookie_io_functions_t){.write = print});
        OS_CHECK(stream != NULL, "no memory for the log");
        setvbuf(stream, NULL, _IOLBF, 0);
        stderr = stream;
    }
}

bool __real_rt_core_event(struct rt_core *core, struct rt_place place, const struct rt_event *event,
                          int64_t now, bool quiet, rt_position *position);
bool __wrap_rt_core_event(struct rt_core *core, struct rt_place place, const struct rt_event *event,
                          int64_t now, bool quiet, rt_position *position);
_Static_assert(__builtin_types_compatible_p(__typeof__(rt_core_event),
                                            __typeof__(__wrap_rt_core_event)),
               "stands in for workers/core.c");

/* There are events that no worker survives. */
bool __wrap_rt_core_event(struct rt_core *core, struct rt_place place, const struct rt_event *event,
                          int64_t now, bool quiet, rt_position *position)
{
    if (event->id.size > 6 && memcmp(event->id.data, "poison", 6) == 0) {
        os_trace("a bite of poison");
        os_end(os_running(), SIGSEGV);
    }
    return __real_rt_core_event(core, place, event, now, quiet, position);
}

static void run_worker(void *context)
{
    struct rt_worker *worker = calloc(1, sizeof(*worker));

    (void)context;
    OS_CHECK(worker != NULL, "no memory for a worker");
    __wrap_exit(rt_worker_run(worker));
}

pid_t __wrap_rt_spawn_worker(const char *path, int *descriptor)
{
    static unsigned count;
    struct os_process *process;
    char name[24];
    int ends[2];

    (void)path;
    snprintf(name, sizeof(name), "worker/%u", ++count);
    os_pair(ends);
    process = os_start(name, run_worker, NULL);
    os_adopt(process, os_running());
    os_set_link(process, ends[1]);
    os_give(ends[1], process);
    *descriptor = ends[0];
    return os_pid(process);
}

struct os_process *os_worker(uint32_t index)
{
    int pid = sim_worker_pid(index);
    struct os_process *process = pid > 0 ? os_find(pid) : NULL;

    return os_alive(process) ? process : NULL;
}

/* ---- the daemon ------------------------------------------------------------------------------ */

struct daemon_start {
    char *arguments[2 * OVERRIDES + 6];
    int count;
};

static void run_daemon(void *context)
{
    struct daemon_start *start = context;

    __wrap_exit(sim_daemon_main(start->count, start->arguments));
}

static void add_argument(struct daemon_start *start, const char *text)
{
    start->arguments[start->count] = strdup(text);
    OS_CHECK(start->arguments[start->count] != NULL, "no memory for an argument");
    start->count++;
}

struct os_process *os_start_daemon(const char *config_file, const char *state_dir,
                                   const char *const *overrides, size_t count)
{
    struct daemon_start *start = calloc(1, sizeof(*start));

    redirect();
    OS_CHECK(start != NULL && count <= OVERRIDES, "too many overrides");
    add_argument(start, "retaind");
    add_argument(start, "-c");
    add_argument(start, config_file);
    add_argument(start, "--state-dir");
    add_argument(start, state_dir);
    for (size_t i = 0; i < count; i++) {
        add_argument(start, "-o");
        add_argument(start, overrides[i]);
    }
    return os_start("retaind", run_daemon, start);
}

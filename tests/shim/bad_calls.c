/* Preloaded into a real retaind or retain-worker: the n-th system call on a file of the state
 * directory fails, falls short, or is never made because the process is killed before it. The next
 * process finds all well.
 *
 * RETAIND_BAD_PROGRAM names the program, RETAIND_BAD_STATE the directories (absolute, `:` between them;
 * names that begin like one count too), RETAIND_BAD_PLAN a file with struct plan, which all processes
 * share and the test reads. Without them, and in other
 * programs, nothing happens. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CALLS_KNOWN = 8192 };
enum { COUNT, KILL, FAIL, SHORT };

/* tests/lib/bad_calls.py reads and writes this. */
struct plan {
    int64_t at, calls;
    int32_t mode, fault, hit, unused;
    char what[CALLS_KNOWN]; /* one letter for each call: the first of its name */
};

static struct plan *plan;
static char state[1024];

#define VISIBLE __attribute__((visibility("default")))
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void)
{
    const char *program = getenv("RETAIND_BAD_PROGRAM"), *file = getenv("RETAIND_BAD_PLAN");
    int fd;

    if (program == NULL || file == NULL || getenv("RETAIND_BAD_STATE") == NULL ||
        strcmp(program, program_invocation_short_name) != 0)
        return;
    fd = REAL(open)(file, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    snprintf(state, sizeof(state), "%s", getenv("RETAIND_BAD_STATE"));
    plan = REAL(mmap)(NULL, sizeof(*plan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (plan == MAP_FAILED)
        plan = NULL;
    close(fd);
}

static int is_below(const char *path)
{
    for (const char *one = state; *one != '\0'; one += strcspn(one, ":"), one += *one == ':') {
        size_t size = strcspn(one, ":");

        if (strncmp(path, one, size) == 0)
            return 1;
    }
    return 0;
}

static int is_file_of_it(int fd)
{
    char link[64], path[512];
    ssize_t size;

    if (plan == NULL || fd < 0)
        return 0;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    size = readlink(link, path, sizeof(path) - 1);
    path[size < 0 ? 0 : size] = '\0';
    return is_below(path);
}

static int is_name_in_it(int folder, const char *path)
{
    return plan != NULL && (path[0] == '/' ? is_below(path) : is_file_of_it(folder));
}

/* 0: make the call. 1: it falls short. -1: it fails, with errno. */
static int next_call(char what)
{
    int64_t call = __atomic_add_fetch(&plan->calls, 1, __ATOMIC_SEQ_CST);

    if (call <= CALLS_KNOWN)
        plan->what[call - 1] = what;
    if (call != plan->at || plan->mode == COUNT)
        return 0;
    plan->hit = 1;
    if (plan->mode == KILL)
        kill(getpid(), SIGKILL);
    if (plan->mode == SHORT)
        return 1;
    errno = plan->fault;
    return -1;
}

VISIBLE int open(const char *path, int flags, ...)
{
    va_list arguments;
    mode_t mode;

    va_start(arguments, flags);
    mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    if (is_name_in_it(-1, path) && next_call('o') < 0)
        return -1;
    return REAL(open)(path, flags, mode);
}

VISIBLE int openat(int folder, const char *path, int flags, ...)
{
    va_list arguments;
    mode_t mode;

    va_start(arguments, flags);
    mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    if (is_name_in_it(folder, path) && next_call('o') < 0)
        return -1;
    return REAL(openat)(folder, path, flags, mode);
}

VISIBLE FILE *fopen(const char *path, const char *mode)
{
    return is_name_in_it(-1, path) && next_call('o') < 0 ? NULL : REAL(fopen)(path, mode);
}

VISIBLE ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    int answer = is_file_of_it(fd) ? next_call('w') : 0;

    if (answer < 0)
        return -1;
    return REAL(pwrite)(fd, data, answer > 0 ? (size + 1) / 2 : size, offset);
}

VISIBLE ssize_t write(int fd, const void *data, size_t size)
{
    int answer = is_file_of_it(fd) ? next_call('w') : 0;

    if (answer < 0)
        return -1;
    return REAL(write)(fd, data, answer > 0 ? (size + 1) / 2 : size);
}

VISIBLE ssize_t pread(int fd, void *data, size_t size, off_t offset)
{
    return is_file_of_it(fd) && next_call('p') < 0 ? -1 : REAL(pread)(fd, data, size, offset);
}

VISIBLE int fdatasync(int fd)
{
    return is_file_of_it(fd) && next_call('s') < 0 ? -1 : REAL(fdatasync)(fd);
}

VISIBLE int fsync(int fd)
{
    return is_file_of_it(fd) && next_call('s') < 0 ? -1 : REAL(fsync)(fd);
}

VISIBLE int rename(const char *from, const char *to)
{
    return is_name_in_it(-1, from) && next_call('r') < 0 ? -1 : REAL(rename)(from, to);
}

VISIBLE int renameat(int folder, const char *from, int into, const char *to)
{
    return is_name_in_it(folder, from) && next_call('r') < 0
               ? -1
               : REAL(renameat)(folder, from, into, to);
}

VISIBLE int unlink(const char *path)
{
    return is_name_in_it(-1, path) && next_call('u') < 0 ? -1 : REAL(unlink)(path);
}

VISIBLE int unlinkat(int folder, const char *path, int flags)
{
    return is_name_in_it(folder, path) && next_call('u') < 0 ? -1
                                                             : REAL(unlinkat)(folder, path, flags);
}

VISIBLE int link(const char *from, const char *to)
{
    return is_name_in_it(-1, from) && next_call('l') < 0 ? -1 : REAL(link)(from, to);
}

VISIBLE int ftruncate(int fd, off_t size)
{
    return is_file_of_it(fd) && next_call('t') < 0 ? -1 : REAL(ftruncate)(fd, size);
}

VISIBLE int posix_fallocate(int fd, off_t offset, off_t size)
{
    return is_file_of_it(fd) && next_call('a') < 0 ? errno
                                                   : REAL(posix_fallocate)(fd, offset, size);
}

VISIBLE int mkdir(const char *path, mode_t mode)
{
    return is_name_in_it(-1, path) && next_call('d') < 0 ? -1 : REAL(mkdir)(path, mode);
}

VISIBLE int mkdirat(int folder, const char *path, mode_t mode)
{
    return is_name_in_it(folder, path) && next_call('d') < 0 ? -1
                                                             : REAL(mkdirat)(folder, path, mode);
}

VISIBLE int rmdir(const char *path)
{
    return is_name_in_it(-1, path) && next_call('u') < 0 ? -1 : REAL(rmdir)(path);
}

VISIBLE void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    return is_file_of_it(fd) && next_call('m') < 0
               ? MAP_FAILED
               : REAL(mmap)(at, size, protection, flags, fd, offset);
}

/* Preloaded into servers: a disk whose sync takes as long as BENCH_SYNC_US says (microseconds), the
 * time of the real one counted in. Without that variable nothing changes. It reaches programs that
 * sync through the C library; Go's do not. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define VISIBLE __attribute__((visibility("default")))
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int64_t sync_ns;

__attribute__((constructor)) static void begin(void)
{
    const char *microseconds = getenv("BENCH_SYNC_US");

    if (microseconds != NULL)
        sync_ns = strtoll(microseconds, NULL, 10) * 1000;
}

static struct timespec deadline(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_nsec += sync_ns;
    at.tv_sec += at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    return at;
}

static void sleep_until(struct timespec at)
{
    while (sync_ns > 0 && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0)
        ;
}

VISIBLE int fdatasync(int file)
{
    struct timespec at = deadline();
    int result = REAL(fdatasync)(file);

    sleep_until(at);
    return result;
}

VISIBLE int fsync(int file)
{
    struct timespec at = deadline();
    int result = REAL(fsync)(file);

    sleep_until(at);
    return result;
}

VISIBLE ssize_t pwritev2(int file, const struct iovec *parts, int count, off_t offset, int flags)
{
    struct timespec at = deadline();
    ssize_t result = REAL(pwritev2)(file, parts, count, offset, flags);

    if (flags & (RWF_DSYNC | RWF_SYNC))
        sleep_until(at);
    return result;
}

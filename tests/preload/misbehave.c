/* Preloaded into the programs under test (LD_PRELOAD) to let the outside misbehave:
 *
 * RETAIND_TEST_CLOCK=FILE: the wall clock is wrong by the i64 of milliseconds that stands in the file
 *     at the moment; CLOCK_BOOTTIME and CLOCK_MONOTONIC are right, as when somebody sets a clock.
 * RETAIND_TEST_CRASH=MARK: a worker that reads an event holding the mark aborts. A dead letter with
 *     it is let through: it says why it is one. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *wrong_by_ms;
static const char *mark;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("RETAIND_TEST_CLOCK");
    int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);

    mark = getenv("RETAIND_TEST_CRASH");
    if (file >= 0) {
        void *map = mmap(NULL, sizeof *wrong_by_ms, PROT_READ, MAP_SHARED, file, 0);

        wrong_by_ms = map == MAP_FAILED ? NULL : map;
        close(file);
    }
}

static void add_ms(struct timespec *time, int64_t ms)
{
    time->tv_sec += ms / 1000;
    time->tv_nsec += ms % 1000 * 1000000;
    if (time->tv_nsec < 0) {
        time->tv_nsec += 1000000000;
        time->tv_sec--;
    } else if (time->tv_nsec >= 1000000000) {
        time->tv_nsec -= 1000000000;
        time->tv_sec++;
    }
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    static int (*real)(clockid_t, struct timespec *);
    int result;

    if (real == NULL) {
        real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    }
    result = real(clock, time);
    if (result == 0 && clock == CLOCK_REALTIME && wrong_by_ms != NULL) {
        add_ms(time, *wrong_by_ms);
    }
    return result;
}

/* A moment of the wrong clock is another one of the machine's. */
int timerfd_settime(int fd, int flags, const struct itimerspec *when, struct itimerspec *before)
{
    static int (*real)(int, int, const struct itimerspec *, struct itimerspec *);
    struct itimerspec then = *when;

    if (real == NULL) {
        real = (int (*)(int, int, const struct itimerspec *, struct itimerspec *))dlsym(
            RTLD_NEXT, "timerfd_settime");
    }
    if ((flags & TFD_TIMER_ABSTIME) != 0 && wrong_by_ms != NULL && then.it_value.tv_sec > 0) {
        add_ms(&then.it_value, -*wrong_by_ms);
        if (then.it_value.tv_sec < 1) {
            then.it_value.tv_sec = 1;
        }
    }
    return real(fd, flags, &then, before);
}

static int holds(const void *bytes, size_t size, const char *text)
{
    return memmem(bytes, size, text, strlen(text)) != NULL;
}

ssize_t read(int fd, void *bytes, size_t size)
{
    static ssize_t (*real)(int, void *, size_t);
    ssize_t got;

    if (real == NULL) {
        real = (ssize_t(*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
    }
    got = real(fd, bytes, size);
    if (got > 0 && mark != NULL && fd == 3 && holds(bytes, (size_t)got, mark) &&
        !holds(bytes, (size_t)got, "poison: ")) {
        abort();
    }
    return got;
}

/* The two clocks of the shell. Pure parts never read them: they are given times. */
#ifndef RT_DAEMON_CLOCK_H
#define RT_DAEMON_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Monotonic, for pauses and latencies. */
static inline int64_t rt_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline int64_t rt_now_ms(void)
{
    return rt_now_ns() / 1000000;
}

/* Milliseconds since the epoch, as the administrator's clock says. */
/* Microseconds since the epoch: publication numbers. */
static inline uint64_t rt_wall_us(void)
{
    struct timespec time;

    clock_gettime(CLOCK_REALTIME, &time);
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

static inline int64_t rt_wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#endif

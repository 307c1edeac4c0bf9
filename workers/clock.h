/* The judging time: the wall clock plus debug.clock_offset_ms, never before what was judged
 * already.
 *
 * A wall clock that jumps (more than RT_CLOCK_JUMP_MS against CLOCK_BOOTTIME) holds what time alone
 * would bring for RT_CLOCK_HOLD_MS: a wrong clock must not alarm every customer. */
#ifndef RT_WORKERS_CLOCK_H
#define RT_WORKERS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum { RT_CLOCK_JUMP_MS = 5 * 60 * 1000, RT_CLOCK_HOLD_MS = 10 * 60 * 1000 };

/* Pure: the readings are arguments. */
struct rt_clock {
    int64_t offset; /* ms */
    int64_t judged; /* newest time that was given out */
    int64_t drift;  /* wall - boot at the last reading */
    bool started;
    int64_t held_until; /* boot time; 0: not held */
};

/* Takes a reading of CLOCK_REALTIME and CLOCK_BOOTTIME (ms) and gives the judging time. */
int64_t rt_clock_advance(struct rt_clock *clock, int64_t wall, int64_t boot);

/* True while time-driven judging waits after a jump. */
bool rt_clock_is_held(const struct rt_clock *clock, int64_t boot);

#endif

#include "workers/clock.h"

int64_t rt_clock_advance(struct rt_clock *clock, int64_t wall, int64_t boot)
{
    int64_t drift = wall - boot;
    int64_t now = wall + clock->offset;

    if (clock->started &&
        (drift - clock->drift > RT_CLOCK_JUMP_MS || clock->drift - drift > RT_CLOCK_JUMP_MS))
        clock->held_until = boot + RT_CLOCK_HOLD_MS;
    clock->started = true;
    clock->drift = drift;
    if (now > clock->judged)
        clock->judged = now;
    return clock->judged;
}

bool rt_clock_is_held(const struct rt_clock *clock, int64_t boot)
{
    return boot < clock->held_until;
}

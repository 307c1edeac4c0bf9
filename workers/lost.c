#include "workers/lost.h"

void rt_lost_add(struct rt_lost *lost, rt_position from, rt_position to)
{
    if (lost->count == RT_LOST_MAX) {
        lost->ranges[RT_LOST_MAX - 1].to = to;
        return;
    }
    lost->ranges[lost->count].from = from;
    lost->ranges[lost->count++].to = to;
}

bool rt_lost_has(const struct rt_lost *lost, rt_position position)
{
    for (size_t i = 0; i < lost->count; i++)
        if (position >= lost->ranges[i].from && position < lost->ranges[i].to)
            return true;
    return false;
}

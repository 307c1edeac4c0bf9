/* Ranges of the journal that recovery could not read: what stood there is not counted, unless a snapshot
 * had counted it before. Ascending, few; when there are too many the last grows. Pure. */
#ifndef RT_WORKERS_LOST_H
#define RT_WORKERS_LOST_H

#include "workers/journal.h"

enum { RT_LOST_MAX = 64 };

struct rt_lost {
    struct {
        rt_position from, to;
    } ranges[RT_LOST_MAX];
    size_t count;
};

/* [from, to), behind all that was added before. */
void rt_lost_add(struct rt_lost *lost, rt_position from, rt_position to);
bool rt_lost_has(const struct rt_lost *lost, rt_position position);

#endif

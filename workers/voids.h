/* Events that were taken back, as the account's chain tells them: each VOID command names the position
 * of its event and is newer, so a walk back along the chain meets it first. Pure. */
#ifndef RT_WORKERS_VOIDS_H
#define RT_WORKERS_VOIDS_H

#include "workers/record.h"

struct rt_void {
    rt_position event, command;
};

/* Zero-initialise. By event, ascending. */
struct rt_voids {
    struct rt_void *all;
    size_t count, capacity;
};

void rt_voids_free(struct rt_voids *voids);

/* Notes the record if it is a VOID command (one whose event has another is no news). False without
 * memory. */
bool rt_voids_note(struct rt_voids *voids, const struct rt_record *record);

/* NULL: the event at that position counts. Valid until the next note. */
const struct rt_void *rt_voids_find(const struct rt_voids *voids, rt_position event);

#endif

/* What an account would be without one of its events: its facts made anew from all others, which the
 * journal must still have. The state is bounded and keeps no way back, so this is the only one.
 *
 * Failure: an event whose bytes are no longer kept, or cannot be read, makes it impossible; nothing is
 * changed before everything is there. */
#ifndef RT_WORKERS_REBUILD_H
#define RT_WORKERS_REBUILD_H

#include "workers/core.h"

struct rt_rebuild {
    struct rt_account *facts; /* NULL: the event counts no more as it is; else the caller's */
    rt_position event;        /* where it stands */
    enum rt_event_type type;
};

/* `wanted`: source, account and id; NULL: the event at `position`. RT_OK; RT_NOT_FOUND: there is no
 * such event (any more); RT_TOO_OLD: others of the account are not kept or not readable; RT_BUSY: no
 * memory. */
enum rt_error rt_rebuild_without(const struct rt_core *core, const struct rt_account *account,
                                 const struct rt_event *wanted, rt_position position,
                                 struct rt_rebuild *rebuild);

/* The account has these facts from now on, its deadline is set, and the scores noted before are no
 * measure of a fall. Takes over rebuild->facts. Cannot fail. `position`: of the command, which joins
 * the chain. */
void rt_rebuild_take(struct rt_core *core, struct rt_shard *shard, struct rt_account *account,
                     struct rt_rebuild *rebuild, int64_t now, rt_position position);

#endif

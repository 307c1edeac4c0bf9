/* Whether an event has been counted before. Exact: what the index of identities proposes is held against
 * the bytes. */
#ifndef RT_WORKERS_DUPLICATE_H
#define RT_WORKERS_DUPLICATE_H

#include "workers/core.h"
#include "workers/dedupe.h"

/* A record that is damaged cannot be held against anything: its identity (64 bits) is believed, for the
 * account counts it; unless recovery met the damage first. *damaged: the position of one that was
 * believed, 0: none. */
bool rt_is_duplicate(struct rt_core *core, struct rt_journal *journal, struct rt_dedupe *dedupe,
                     const struct rt_event *event, uint64_t identity, rt_position *damaged);

#endif

/* Forgetting an account for good: its records, its alerts, dead letters that name it, its
 * partition's snapshots.
 *
 * Order: an intent (keyed hash of the name, no name) is committed; the records are overwritten in
 * place, oldest first; the curve goes; the snapshot before the partition's newest is removed and the newest replaced. A
 * crash in the middle is met in recovery: the intent is found and all of it done again.
 *
 * Body of an ERASE record: u64 low, u64 high of XXH3-128(name, seed of the state directory). */
#ifndef RT_WORKERS_ERASE_H
#define RT_WORKERS_ERASE_H

#include "workers/core.h"

void rt_erase_encode(struct rt_buffer *out, struct rt_span name, uint64_t seed);

/* The account of the shard that the intent names, NULL if it is not there. */
struct rt_account *rt_erase_find(const struct rt_shard *shard, struct rt_span body, uint64_t seed);

/* Overwrites all records of the account (which stays in memory). False on an I/O error. */
bool rt_erase_scrub(struct rt_core *core, struct rt_journal *journal, struct rt_shard *shard,
                    const struct rt_account *account, char *error);

/* Overwrites all dead letters of this worker that hold the name; the account may be another's. False
 * on an I/O error. */
bool rt_erase_letters(struct rt_core *core, struct rt_journal *journal, struct rt_span name,
                      char *error);

/* Takes the account out of the partition's curves, on disk and waiting. False with error. */
bool rt_erase_curve(struct rt_core *core, struct rt_shard *shard, struct rt_span name,
                    const char *state_dir, char *error);

/* Saves the partition without the account and removes older snapshots. False with error. */
bool rt_erase_snapshot(struct rt_core *core, struct rt_journal *journal, struct rt_shard *shard,
                       const char *state_dir, int64_t now, char *error);

#endif

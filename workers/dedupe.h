/* Exact deduplication: from a 64-bit identity to the records that may hold the same event.
 * Candidates are confirmed on their bytes by the caller, so that a collision costs a read and never
 * an event.
 *
 * The newest identities live in a hash table in memory. When there are enough of them and they are
 * on disk, a thread writes them as an immutable sorted run (STATE_DIR/journal/LLLL-FROM-TO.idx: the
 * positions of the log it covers) with a small filter, and merges eight runs of a size into one, so
 * that a lookup asks few filters. Runs are an index only: missing or damaged ones are built again
 * from the log. Runs whose newest commit is older than dedupe_days are not consulted and their
 * files go.
 *
 * Recovery: rt_dedupe_open indexes everything that is on disk, whatever the snapshots cover. The
 * shell adds nothing while it replays; it calls rt_dedupe_add for newly appended events only. */
#ifndef RT_WORKERS_DEDUPE_H
#define RT_WORKERS_DEDUPE_H

#include "protocol/event.h"
#include "workers/journal.h"

struct rt_dedupe;

/* Identity of an event: a 64-bit hash over source, account and id with their lengths. */
uint64_t rt_identity(const struct rt_event *event);

/* True if both have the same source, account and id. */
bool rt_identity_equal(const struct rt_event *a, const struct rt_event *b);

/* Indexes all events on disk whose commit is at or after `not_before` (ms): of the journal's own
 * log and of those of earlier generations that hold partitions of this worker (`owns` decides).
 * Logs that another worker is writing are left alone. What cannot be read where a log has no run is told
 * through `damaged` (may be NULL): nobody will recognise what stood there. NULL with error (no memory, a log that cannot
 * be read). */
typedef bool rt_dedupe_owns(void *context, uint32_t partition);
struct rt_dedupe *rt_dedupe_open(struct rt_journal *journal, int64_t not_before,
                                 rt_dedupe_owns *owns, rt_journal_damaged *damaged, void *context,
                                 char *error);
void rt_dedupe_close(struct rt_dedupe *dedupe); /* takes NULL */

enum { RT_DEDUPE_CANDIDATES = 8 };

/* Positions of records that may hold this identity, newest first; their number.
 * RT_DEDUPE_CANDIDATES + 1: there are more than could be stored (an attack on the hash, or an
 * account erased and loaded again many times): look along the account's chain instead. */
size_t rt_dedupe_find(struct rt_dedupe *dedupe, uint64_t identity,
                      rt_position found[RT_DEDUPE_CANDIDATES]);

/* Hints that a find for this identity comes soon (prefetch). */
void rt_dedupe_touch(const struct rt_dedupe *dedupe, uint64_t identity);

/* Remembers an appended event; positions ascend. False without memory. */
bool rt_dedupe_add(struct rt_dedupe *dedupe, uint64_t identity, rt_position position);

/* To be called after a commit is DONE: starts and takes over work of the thread (runs sealed,
 * merged), drops what has expired. */
void rt_dedupe_maintain(struct rt_dedupe *dedupe, int64_t not_before);

/* Memory, all counted, and identities held. */
void rt_dedupe_size(const struct rt_dedupe *dedupe, uint64_t *bytes, uint64_t *identities);

#endif

/* Exact deduplication: from a 64-bit identity to the records that may hold the same event. Candidates are confirmed on their bytes by the
 * caller, so that a collision costs a read and never an event.
 *
 * Identities of the open segment live in a hash table; each sealed segment has an immutable sorted index file
 * (STATE_DIR/journal/LLLL-SSSSSS.idx) with a small filter, mapped at start. Missing or damaged indexes are built again from
 * the segment. Indexes whose newest commit is older than dedupe_days are not consulted. */
#ifndef RT_WORKERS_DEDUPE_H
#define RT_WORKERS_DEDUPE_H

#include "protocol/event.h"
#include "workers/journal.h"

struct rt_dedupe;

/* Identity of an event: a 64-bit hash over source, account and id with their lengths. */
uint64_t rt_identity(const struct rt_event *event);

/* True if both have the same source, account and id. */
bool rt_identity_equal(const struct rt_event *a, const struct rt_event *b);

/* Opens the indexes of sealed segments whose newest commit is at or after `not_before` (ms), of every log that may hold partitions of
 * this worker (`owns` decides). NULL with error. */
typedef bool rt_dedupe_owns(void *context, uint32_t partition);
struct rt_dedupe *rt_dedupe_open(struct rt_journal *journal, int64_t not_before,
                                 rt_dedupe_owns *owns, void *context, char *error);
void rt_dedupe_close(struct rt_dedupe *dedupe); /* takes NULL */

enum { RT_DEDUPE_CANDIDATES = 8 };

/* Positions of records that may hold this identity, newest first; their number (more than RT_DEDUPE_CANDIDATES collisions of one 64-bit
 * hash are cut: the rest is then found by the account's chain, see dedupe.c). */
size_t rt_dedupe_find(struct rt_dedupe *dedupe, uint64_t identity,
                      rt_position found[RT_DEDUPE_CANDIDATES]);

/* Hints that a find for this identity comes soon (prefetch). */
void rt_dedupe_touch(const struct rt_dedupe *dedupe, uint64_t identity);

/* Remembers an appended event; in recovery too. False without memory. */
bool rt_dedupe_add(struct rt_dedupe *dedupe, uint64_t identity, rt_position position);

/* To be called after a commit: seals the index of segments that are full (in the background), drops what has expired. */
void rt_dedupe_maintain(struct rt_dedupe *dedupe, int64_t not_before);

/* Memory, all counted, and identities held. */
void rt_dedupe_size(const struct rt_dedupe *dedupe, uint64_t *bytes, uint64_t *identities);

#endif

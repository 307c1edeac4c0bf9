/* The events of a state directory that nobody uses, as they were taken: the journal's logs, older
 * generations first, so that those of one account come in the order in which they were counted.
 * Those that were taken back are left
 * out, for which everything is read once before. Reads only. */
#ifndef RT_WORKERS_HISTORY_H
#define RT_WORKERS_HISTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "protocol/span.h"
#include "workers/journal.h"

/* One event as it was sent; valid during the call. False to stop. */
typedef bool rt_history_take(void *context, struct rt_span event);

/* False with a sentence in error: somebody uses the directory, it is none, a file cannot be read,
 * or `take` stopped. Damage is told through `damaged`, and reading goes on behind it. */
bool rt_history_walk(const char *state_dir, rt_history_take *take, rt_journal_damaged *damaged,
                     void *context, char *error, size_t error_size);

#endif

/* What the index of identities needs of the journal beyond journal.h: where a log begins and ends,
 * and the folder. */
#ifndef RT_WORKERS_JOURNAL_RANGE_H
#define RT_WORKERS_JOURNAL_RANGE_H

#include "workers/journal.h"

/* The open folder of segments and indexes; the journal's. */
int rt_journal_folder(const struct rt_journal *journal);

uint32_t rt_journal_log(const struct rt_journal *journal);

/* True if another process writes that log. */
bool rt_journal_foreign(const struct rt_journal *journal, uint32_t log);

/* True if nobody writes a log before `first` any more: those are earlier generations', and whoever
 * counts or looks for identities in them must have all of them. To be asked before anything is read:
 * a worker that is gone does not come back. From then on logs from `first` on are siblings', which
 * nobody but their worker ever changes. False with error: which log it is. */
bool rt_journal_inherited(struct rt_journal *journal, uint32_t first, char *error);

/* The positions of a log that are on disk: from the oldest segment that may hold a commit at or
 * after `since` (ms) to its end. Both 0 if there is no such log. False with a sentence in error if
 * it cannot be read. */
bool rt_journal_range(struct rt_journal *journal, uint32_t log, int64_t since, rt_position *from,
                      rt_position *to, char *error);

#endif

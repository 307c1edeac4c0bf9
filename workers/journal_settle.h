/* Before a log's last group is trusted it is written again and synced.
 *
 * A process that was killed between its write and its fdatasync, or whose fdatasync failed, leaves a
 * group that can be read (from the page cache) and may not be on disk. Whoever recovers from it
 * answers `duplicate` to what it holds, which promises that it is. The same bytes are written over
 * themselves, because after a failed sync the kernel takes pages for clean that never reached the
 * disk. Everything before that group was synced before the group was begun. */
#ifndef RT_WORKERS_JOURNAL_SETTLE_H
#define RT_WORKERS_JOURNAL_SETTLE_H

#include "workers/journal_log.h"

/* After rt_log_find_end, while nobody else writes the log. False with a sentence in error
 * (RT_JOURNAL_ERROR bytes): the log must not be used. */
bool rt_log_settle(const struct rt_log *log, char *error);

#endif

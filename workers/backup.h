/* A copy of a state directory that can be started, taken while its daemon runs.
 *
 * What goes into it: format, generations, secret; of each partition its newest good snapshot; of
 * each log its segments up to the last whole commit. Snapshots first: what they name was on disk
 * then, so the journal that is copied afterwards holds it. Every event that was acknowledged before
 * the copy began is in it. Indexes are left out (the first start makes them), as is what a stop
 * leaves behind.
 *
 * Made as DESTINATION.partial, checked there (verify.h), renamed when it passes: what has the name
 * DESTINATION is whole. */
#ifndef RT_WORKERS_BACKUP_H
#define RT_WORKERS_BACKUP_H

#include <stddef.h>

#include "workers/finding.h"

enum rt_backup {
    RT_BACKUP_DONE,
    RT_BACKUP_DAMAGED, /* something did not pass, and was told: the copy is kept as
                          DESTINATION.partial */
    RT_BACKUP_FAILED,  /* a sentence in error; nothing is left */
};

/* `found`: damage met in what was copied, in files that have the same names on both sides. An erase
 * that is under way is waited for, wait_ms at most; while the copy is made, another is refused. */
enum rt_backup rt_backup(const char *state_dir, const char *destination, int wait_ms,
                         rt_found *found, void *context, struct rt_checked *checked, char *error,
                         size_t error_size);

#endif

/* Where a log ends: after its last whole group. Everything behind that was never acknowledged.
 *
 * Only one group is ever being written, and the next is begun after the one before is on disk. So:
 * - what follows the last COMMIT is a torn group;
 * - if the last group has its COMMIT but a record in it does not pass, and sectors there are zero,
 * then the power went while the group was written, out of order: torn as well;
 * - any other record that does not pass was damaged later, and is no reason to give up the rest.
 * A snapshot is saved only when its records are on disk, so up to `committed`, the newest position
 * that a snapshot covers, nothing is torn, whatever it looks like. */
#ifndef RT_WORKERS_JOURNAL_END_H
#define RT_WORKERS_JOURNAL_END_H

#include "workers/journal_log.h"

/* Fills log->end, log->group and log->time. end is 0 if the log has no group. Reads only. False with a sentence
 * in error. */
bool rt_log_find_end(struct rt_log *log, rt_position committed, char *error);

/* Cuts off what lies behind log->end: removes the segments that a torn group began, sets broken
 * ones aside (renamed to .bad), overwrites the tail with zeroes, so that it never comes to life.
 * Tells in note (RT_JOURNAL_ERROR bytes) what was cut, "" if there was nothing. False with a
 * sentence in error. */
bool rt_log_cut(struct rt_log *log, char *note, char *error);

#endif

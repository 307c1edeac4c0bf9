/* What the files of the check share; nobody else includes this. */
#ifndef RT_WORKERS_CHECK_H
#define RT_WORKERS_CHECK_H

#include <stdbool.h>

#include "workers/finding.h"
#include "workers/recover.h"

struct rt_check {
    const char *state_dir;
    uint32_t partitions;
    struct rt_log_history generations;
    rt_position *covered; /* by partition: what its newest good snapshot holds, 0: none */
    rt_found *found;
    void *context;
    struct rt_checked checked;
    char error[RT_JOURNAL_ERROR];
};

/* Tells one finding and counts it. */
void rt_check_found(struct rt_check *check, enum rt_weight weight, const char *file,
                    uint64_t offset, const char *what);

/* check_journal.c: segments, intents to erase, indexes, and what else lies in the folder. False with
 * check->error. */
bool rt_check_journal(struct rt_check *check, int folder);

/* check_record.c: NULL, or why a record whose checksum passes cannot be understood. */
const char *rt_check_record(const struct rt_record *record, uint32_t partitions);

/* check_snapshot.c: all files of the folder. False with check->error. */
bool rt_check_snapshots(struct rt_check *check, int folder);

/* check_curve.c: all files of the folder. False with check->error. */
bool rt_check_curves(struct rt_check *check, int folder);

#endif

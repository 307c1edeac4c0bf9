/* The history of alerts, as an index into the journal: in the order of publication, bounded by
 * alerts.keep_days. */
#ifndef RT_WORKERS_ALERT_LOG_H
#define RT_WORKERS_ALERT_LOG_H

#include "protocol/cursor.h"
#include "workers/journal.h"

struct rt_alert_entry {
    rt_position position; /* names the log, too */
    uint64_t sequence;    /* within that log, from 1 */
    int64_t published;
    uint32_t partition;
};

struct rt_alert_log {
    struct rt_alert_entry *entries; /* by (published, position) once settled */
    size_t first, count, capacity;  /* entries[first .. count) are kept */
    struct rt_cursor gone;          /* newest that was dropped for its age, by log */
};

void rt_alert_log_free(struct rt_alert_log *log);
/* False without memory. */
bool rt_alert_log_add(struct rt_alert_log *log, const struct rt_alert_entry *entry);
/* Sorts after a recovery that added in the order of partitions, and drops doubles. */
void rt_alert_log_settle(struct rt_alert_log *log);
/* Drops entries published before `before`. */
void rt_alert_log_expire(struct rt_alert_log *log, int64_t before);
/* Takes one out (erase). */
void rt_alert_log_remove(struct rt_alert_log *log, rt_position position);

#endif

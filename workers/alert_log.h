/* The history of alerts, as an index into the journal: in the order of publication, bounded by
 * alerts.keep_days. */
#ifndef RT_WORKERS_ALERT_LOG_H
#define RT_WORKERS_ALERT_LOG_H

#include "workers/journal.h"

/* The highest number: what the link to the daemon can say. */
#define RT_PUBLICATION_MAX ((uint64_t)INT64_MAX)

struct rt_alert_entry {
    rt_position position;
    uint64_t number; /* of its publication; 0: it has none yet */
    int64_t published;
    uint32_t partition;
};

struct rt_alert_log {
    struct rt_alert_entry *entries; /* by number; those without one last, by position */
    size_t first, count, capacity;  /* entries[first .. count) are kept */
    uint64_t gone;                  /* highest number that is too old for the history */
    uint64_t newest;                /* highest number there is */
    size_t hint;                    /* where the next number is looked for first */
    bool settled;                   /* in order: kept so from then on */
};

void rt_alert_log_free(struct rt_alert_log *log);
/* Room for one more: the next add cannot fail. False without memory. */
bool rt_alert_log_reserve(struct rt_alert_log *log);
/* False without memory. */
bool rt_alert_log_add(struct rt_alert_log *log, const struct rt_alert_entry *entry);
/* Numbers come in the order in which alerts were added. NULL if there is no such alert. */
const struct rt_alert_entry *rt_alert_log_publish(struct rt_alert_log *log, rt_position position,
                                                  uint64_t number);
/* Sorts after a recovery that added in the order of partitions, and drops doubles. */
void rt_alert_log_settle(struct rt_alert_log *log);
/* Index of the first entry with a number beyond `number` or with none. */
size_t rt_alert_log_after(const struct rt_alert_log *log, uint64_t number);
/* What was published before `before` is no history any more; what `goes` lets go of it is dropped,
 * the rest stays, in order. */
typedef bool rt_alert_log_goes(void *context, const struct rt_alert_entry *entry);
void rt_alert_log_expire(struct rt_alert_log *log, int64_t before, rt_alert_log_goes *goes,
                         void *context);
/* Takes one out (erase). */
void rt_alert_log_remove(struct rt_alert_log *log, rt_position position);

#endif

/* alert.list without `open`: the history of alerts after a cursor, read from the journal a bounded
 * piece at a time, so that a filter that fits nothing holds up nobody. Alerts that are published
 * meanwhile are found too. */
#ifndef RT_WORKERS_ALERT_HISTORY_H
#define RT_WORKERS_ALERT_HISTORY_H

#include "protocol/query.h"
#include "workers/core.h"

struct rt_alert_history {
    bool from_cursor;       /* else from the oldest that is kept */
    uint64_t since, looked; /* publication numbers: asked after; all up to it have been looked at */
    uint32_t found;
    bool more;                /* than query->limit */
    struct rt_buffer entries; /* [number, map] each */
};

/* Begins anew, after `since` if from_cursor. */
void rt_alert_history_begin(struct rt_alert_history *history, const struct rt_core *core,
                            bool from_cursor, uint64_t since);
/* Looks at a bounded number of entries. True when that was all, or the limit is reached. */
bool rt_alert_history_step(struct rt_alert_history *history, const struct rt_core *core,
                           const struct rt_query *query);
/* This worker's part of the answer (protocol/query.h); what it lacks memory for is a failed `out`. */
void rt_alert_history_answer(const struct rt_alert_history *history, const struct rt_core *core,
                             struct rt_buffer *out);
void rt_alert_history_free(struct rt_alert_history *history);

#endif

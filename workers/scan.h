/* Questions about every account (account.list, alert.list with open, report.portfolio,
 * report.management) and about the history of alerts (alert.list), answered a piece at a time
 * between batches of events, a partition or some hundred alerts, so that a list over a million
 * accounts delays nobody's acknowledgement. The moment of the question holds for the whole answer.
 */
#ifndef RT_WORKERS_SCAN_H
#define RT_WORKERS_SCAN_H

#include "protocol/query.h"
#include "workers/alert_history.h"
#include "workers/core.h"
#include "workers/management.h"
#include "workers/report.h"

/* One candidate of a list: smaller keys come first, then names (bytes). */
struct rt_scan_item {
    double key;
    const struct rt_account *account; /* of the core: an erase starts the scan again */
    enum rt_alert_kind kind;          /* alert.list: the episode */
    uint64_t number;                  /* of the episode's message */
};

struct rt_scan {
    struct rt_scan *next;
    uint64_t tag;
    struct rt_buffer payload; /* and owners behind it: the query's spans point into it */
    struct rt_query query;
    int64_t now;
    uint32_t partition;         /* next one to look at */
    struct rt_scan_item *items; /* heap, the last in order at the top */
    size_t count, limit;
    uint64_t since; /* alert.list: publication number */
    double after_key;
    struct rt_span after_name;
    struct rt_report report;
    struct rt_alert_history history;  /* alert.list without `open` */
    struct rt_management *management; /* NULL: not asked for */
    struct rt_curve_table curves;     /* of the partition that is looked at, for it */
};

/* True for queries that scans answer. */
bool rt_scan_wanted(const struct rt_query *query);

/* Begins a scan on a copy of the payload, for one who may see what belongs to `owners`
 * (rt_link_query_encode). NULL with the fault: a bad `after`, or no memory (busy). */
struct rt_scan *rt_scan_new(const struct rt_core *core, struct rt_span payload,
                            struct rt_span owners, uint64_t tag, int64_t now,
                            struct rt_fault *fault);
void rt_scan_free(struct rt_scan *scan);

/* Looks at the accounts of one partition, or a part of the history. True when that was the last. */
bool rt_scan_step(struct rt_scan *scan, const struct rt_core *core);
/* From the beginning again: accounts have gone. */
void rt_scan_restart(struct rt_scan *scan, const struct rt_core *core);

/* This worker's part (protocol/query.h). */
void rt_scan_answer(struct rt_scan *scan, struct rt_core *core, struct rt_buffer *out);

#endif

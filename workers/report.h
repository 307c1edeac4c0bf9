/* report.portfolio: what an account manager asks on Monday morning, as numbers that add up over
 * workers and lists that merge.
 *
 * Part: {"ok": true, "numbers": {...}, "lists": {name: [[sort key, map], ...]}}: numbers are added
 * key by key, lists merged by their sort key. Churned accounts are counted and otherwise left out;
 * accounts nobody has been in touch with are counted apart. */
#ifndef RT_WORKERS_REPORT_H
#define RT_WORKERS_REPORT_H

#include "protocol/query.h"
#include "workers/core.h"

enum { RT_REPORT_LIST = 10, RT_HORIZONS = 3 };

extern const int rt_horizon_days[RT_HORIZONS]; /* of renewals: 30, 60, 90 */
extern const char *const rt_horizon_names[RT_HORIZONS];

struct rt_report_line {
    double key;
    const struct rt_account *account;
};

struct rt_report {
    uint64_t accounts, churned, never_contacted, scored;
    double score_sum;
    uint64_t bands[RT_BANDS];
    double value, value_at_risk;
    uint64_t renewals[RT_HORIZONS]; /* within 30, 60, 90 days */
    double renewal_value[RT_HORIZONS];
    uint64_t open_tickets;
    uint64_t alerts[RT_ALERT_KINDS];
    struct rt_report_line worst[RT_REPORT_LIST];   /* by score */
    struct rt_report_line soonest[RT_REPORT_LIST]; /* renewals by date */
    size_t worst_count, soonest_count;
};

void rt_report_take(struct rt_report *report, const struct rt_core *core,
                    const struct rt_account *account, int64_t now);
void rt_report_write(const struct rt_report *report, const struct rt_core *core, int64_t now,
                     struct rt_buffer *out);

/* Adds what contracts are worth: the sum stays a number, whatever they are said to be. */
void rt_report_add(double *sum, double value);

/* {"account", "score", "band", "owner", "tier", "value", "renewal"}: a line of a list; absent keys
 * are nil. */
void rt_report_line_write(const struct rt_core *core, const struct rt_account *account, int64_t now,
                          struct rt_buffer *out);
/* How many pairs that are, and the pairs alone, for a map that holds more. */
uint32_t rt_report_line_count(const struct rt_account *account, int64_t now);
void rt_report_line_pairs(const struct rt_core *core, const struct rt_account *account, int64_t now,
                          struct rt_buffer *out);

#endif

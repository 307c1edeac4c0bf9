/* report.management: how the accounts stand, for those who answer for many of them: sums, the same
 * by owner, tier, region and currency, and the accounts to look at in each respect.
 *
 * Part: {"ok": true, "numbers": {...}, "groups": {name: [[name or nil, {...}], ...]}, "lists": {name:
 * [[key, second key, map], ...]}}: numbers are added key by key, groups by name, lists merged by
 * their keys and then the account's name. */
#ifndef RT_WORKERS_MANAGEMENT_H
#define RT_WORKERS_MANAGEMENT_H

#include "workers/core.h"
#include "workers/curve_file.h"
#include "workers/groups.h"
#include "workers/report.h"
#include "workers/shortlist.h"

enum rt_grouping { RT_BY_OWNER, RT_BY_TIER, RT_BY_REGION, RT_BY_CURRENCY, RT_GROUPINGS };

enum rt_concern {
    RT_CONCERN_AT_RISK,
    RT_CONCERN_RENEWALS,
    RT_CONCERN_COMPLAINTS,
    RT_CONCERN_OVERDUE,
    RT_CONCERN_VISITS,
    RT_CONCERN_GROWTH,
    RT_CONCERNS,
};

enum { RT_TENS = 10, RT_BEFORE = 2 };
extern const int rt_before_days[RT_BEFORE]; /* 7, 30 */

/* The accounts of today as they stood at the end of a day. */
struct rt_past {
    uint64_t bands[RT_BANDS], unknown;
    uint64_t fell, rose; /* to the band of today */
};

struct rt_management {
    struct rt_sums sums;
    uint64_t tens[RT_TENS]; /* scores of 0 up to 10, ... 90 up to 100 and 100 */
    uint64_t ahead[RT_AHEAD][RT_BANDS];
    struct rt_past before[RT_BEFORE];
    uint64_t renewals[RT_HORIZONS][RT_BANDS]; /* within 30, 60, 90 days */
    uint64_t renewals_never_contacted[RT_HORIZONS];
    double renewal_value[RT_HORIZONS];
    uint64_t severities[RT_SEVERITIES]; /* open tickets */
    struct rt_pace responses, resolutions;
    uint64_t mails_waiting, visits, alerts[RT_ALERT_KINDS], acknowledged, lapsed, overrides;
    struct rt_groups groups[RT_GROUPINGS];
    struct rt_shortlist lists[RT_CONCERNS];
};

/* Lists of at most `limit` accounts. NULL without memory; the caller's. */
struct rt_management *rt_management_new(size_t limit);
void rt_management_free(struct rt_management *management); /* takes NULL */
/* As if nothing had been taken. */
void rt_management_reset(struct rt_management *management);

/* `curves`: what is kept of the account's partition (rt_core_curves). */
void rt_management_take(struct rt_management *management, const struct rt_core *core,
                        const struct rt_curve_table *curves, const struct rt_account *account,
                        int64_t now);

/* This worker's part; puts the lists in order. */
void rt_management_write(struct rt_management *management, const struct rt_core *core, int64_t now,
                         struct rt_buffer *out);

#endif

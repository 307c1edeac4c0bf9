/* The accounts of a back-test: what was known of each before a date, and whether it was heard of
 * after it. Memory is bounded by accounts (and their days), not by events. Pure. */
#ifndef RT_RETAINCTL_BACKTEST_COHORT_H
#define RT_RETAINCTL_BACKTEST_COHORT_H

#include "clients/retainctl/ranking.h"
#include "workers/account.h"

struct rt_cohort;

/* Events from `at` (ms) on, before `until` (INT64_MAX: to the end), tell who stayed. NULL without
 * memory; the caller owns it. */
struct rt_cohort *rt_cohort_new(int64_t at, int64_t until, size_t tickets_max);
void rt_cohort_free(struct rt_cohort *cohort); /* takes NULL */

/* Takes one event, in any order. False without memory. */
bool rt_cohort_event(struct rt_cohort *cohort, const struct rt_event *event);

/* The median over accounts of their own mean gap between active days before the date, in days, at
 * least 1; NAN if no account has two. */
double rt_cohort_rhythm(const struct rt_cohort *cohort);

/* What to rank by. */
enum rt_predictor {
    RT_BY_SCORE,
    RT_BY_SILENCE, /* time since the last contact */
    RT_BY_COUNT,   /* active days */
    RT_BY_LEVEL,   /* ln(active days) - silence / (2 rhythm) */
    RT_PREDICTORS,
};

/* One entry for each account with a contact before the date: malloc'ed, the caller's; NULL without
 * memory. `rhythm` is for LEVEL. */
struct rt_ranked *rt_cohort_rank(const struct rt_cohort *cohort, const struct rt_config *config,
                                 enum rt_predictor by, double rhythm, size_t *count);

#endif

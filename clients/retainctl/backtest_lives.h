/* What the alert rules would have said over a log, in event time: each account lives through its
 * events one by one, and what time alone brings in between is judged at its very moment, as a
 * worker does. Pure.
 *
 * An account's events are taken in the order they come. One that is older than the account's newest
 * is counted when it comes, as a daemon counts a late one; `late` says how many. */
#ifndef RT_RETAINCTL_BACKTEST_LIVES_H
#define RT_RETAINCTL_BACKTEST_LIVES_H

#include "protocol/alert.h"
#include "workers/account.h"

enum { RT_DATES_MAX = 64 };

struct rt_lives;

/* When alerts are looked at. */
struct rt_lives_dates {
    size_t count;                /* 1..RT_DATES_MAX */
    int64_t at[RT_DATES_MAX];    /* ascending */
    int64_t until[RT_DATES_MAX]; /* > at, ascending; INT64_MAX: the end of the log */
};

/* NULL without memory; the caller owns it. Both must outlive it. */
struct rt_lives *rt_lives_new(const struct rt_config *config, const struct rt_lives_dates *dates);
void rt_lives_free(struct rt_lives *lives); /* takes NULL */

/* The next event of the account of that number. False without memory. */
bool rt_lives_event(struct rt_lives *lives, size_t number, const struct rt_event *event);

/* As rt_cohort_hint. */
void rt_lives_hint(const struct rt_lives *lives, size_t number, int step);

/* Lets time pass up to `end`, the end of the log, for all. False without memory. */
bool rt_lives_end(struct rt_lives *lives, int64_t end);

/* The account's churn_risk or silence was open at date `i`. */
bool rt_lives_listed(const struct rt_lives *lives, size_t number, size_t date);
/* Since when it had been at the end of the date's horizon, without a break; INT64_MAX: it was not. */
int64_t rt_lives_listed_since(const struct rt_lives *lives, size_t number, size_t date);

/* Owners (an empty name: nobody's), the accounts each has at the end, and what was raised for them
 * from the first date to the end. Known after rt_lives_end. */
size_t rt_lives_owners(const struct rt_lives *lives);
struct rt_span rt_lives_owner(const struct rt_lives *lives, size_t owner);
uint64_t rt_lives_accounts(const struct rt_lives *lives, size_t owner);
uint64_t rt_lives_raised(const struct rt_lives *lives, size_t owner, enum rt_alert_kind kind);

uint64_t rt_lives_late(const struct rt_lives *lives);

#endif

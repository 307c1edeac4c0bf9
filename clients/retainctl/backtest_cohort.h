/* The accounts of one date of a back-test: what was known of each before it, and whether it was
 * heard of after it. Memory is bounded by accounts (and their days), not by events; order does not
 * matter. Pure. */
#ifndef RT_RETAINCTL_BACKTEST_COHORT_H
#define RT_RETAINCTL_BACKTEST_COHORT_H

#include "clients/retainctl/backtest_bgnbd.h"
#include "workers/account.h"

/* One account of a date; by number (backtest_names.h). */
struct rt_member {
    struct rt_account *account; /* NULL: no event of it before the date */
    uint64_t *days;             /* bit i: the day `first_word * 64 + i` was active */
    int64_t last;               /* contact before the date */
    int32_t first_word;
    uint32_t words;
    bool before, after; /* a contact before the date; one in the horizon */
    bool left;          /* a status: churned in the horizon */
};

struct rt_cohort {
    int64_t at, until; /* ms; the horizon is [at, until) */
    size_t tickets_max;
    struct rt_member *members;
    size_t count, capacity;
};

/* Release with rt_cohort_free. Events from `at` on, before `until` (INT64_MAX: to the end), tell who
 * stayed. */
void rt_cohort_init(struct rt_cohort *cohort, int64_t at, int64_t until, size_t tickets_max);
void rt_cohort_free(struct rt_cohort *cohort);

/* Takes one event of the account of that number, in any order. False without memory. */
bool rt_cohort_event(struct rt_cohort *cohort, size_t number, const struct rt_event *event);

/* Hints that the account of that number is wanted soon; the steps one after the other, with time in
 * between. */
void rt_cohort_hint(const struct rt_cohort *cohort, size_t number, int step);

/* Whether it is one to be foretold (a contact before the date), and whether it churned: no contact
 * in the horizon, or said to have left. */
static inline bool rt_member_counts(const struct rt_member *member)
{
    return member->account != NULL && member->before;
}
static inline bool rt_member_churned(const struct rt_member *member)
{
    return !member->after || member->left;
}

/* Active days before the date; at least 1 if it counts. */
size_t rt_member_days(const struct rt_member *member);

/* What BG/NBD looks at, in weeks. */
struct rt_bgnbd_customer rt_member_customer(const struct rt_cohort *cohort,
                                            const struct rt_member *member);

#endif

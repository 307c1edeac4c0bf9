/* The rhythm (g0) of accounts, from what they did before a date alone. Pure. */
#ifndef RT_RETAINCTL_BACKTEST_RHYTHM_H
#define RT_RETAINCTL_BACKTEST_RHYTHM_H

#include "clients/retainctl/backtest_cohort.h"

/* g0 is the median over accounts of their own mean gap between active days, times a multiple that
 * is not 1 only where the accounts' own past says so: of days in the middle of the history before
 * the date, who fell silent up to the date is foretold clearly better with it. */
struct rt_rhythm {
    double days;     /* 1..365; NAN: no account has two active days, or there is no memory */
    double multiple; /* that is in it */
};

/* With a name, of the accounts of that tier alone. `config` says all else that a score depends on. */
#define RT_EVERY_TIER rt_span(NULL, 0)
struct rt_rhythm rt_rhythm_of(const struct rt_cohort *cohort, const struct rt_config *config,
                              struct rt_span tier);

#endif

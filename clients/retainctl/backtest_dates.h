/* The dates of a back-test as they are asked for. What `backtest` and `calibrate` share. */
#ifndef RT_RETAINCTL_BACKTEST_DATES_H
#define RT_RETAINCTL_BACKTEST_DATES_H

#include "clients/retainctl/backtest_cohort.h"
#include "clients/retainctl/backtest_lives.h"
#include "clients/retainctl/backtest_past.h"

/* Targets of the shared options: RT_DATES_OPTIONS(&options) belongs into a command's table. */
struct rt_dates_options {
    struct rt_cli_texts at; /* none: the middle of the log */
    int64_t horizon;        /* days; 0: to the end of the log */
    const char *config;     /* NULL: the defaults */
};

#define RT_DATES_OPTIONS(options, configured)                                                      \
    {"at",                                                                                         \
     'a',                                                                                          \
     "DATE",                                                                                       \
     "judge at 00:00 UTC of this day (default: the middle of the log); may be given often",        \
     RT_CLI_TEXTS,                                                                                 \
     &(options)->at},                                                                              \
        {"horizon",    'H',                                                                        \
         "DAYS",       "how long after it somebody must be heard of (default: to the end)",        \
         RT_CLI_WHOLE, &(options)->horizon},                                                       \
    {                                                                                              \
        "config", 'c', "FILE", configured, RT_CLI_TEXT, &(options)->config                         \
    }

/* The configuration asked for: the defaults, or a file. RT_CLI_CONTINUE or the exit code. */
int rt_dates_config(const struct rt_dates_options *options, struct rt_config *config);

/* Reads the log for its span if no date is given. RT_CLI_CONTINUE or the exit code. */
int rt_dates_find(struct rt_lives_dates *dates, const struct rt_cli *cli,
                  const struct rt_dates_options *options, struct rt_past *past);

/* One cohort a date. What they come to own goes with rt_dates_release, which takes untouched ones
 * (zeroes) too. */
void rt_dates_cohorts(const struct rt_lives_dates *dates, struct rt_cohort *cohorts,
                      size_t tickets_max);
void rt_dates_release(const struct rt_lives_dates *dates, struct rt_cohort *cohorts);

/* Each cohort takes one event of the account of that number. False without memory. */
bool rt_dates_event(const struct rt_lives_dates *dates, struct rt_cohort *cohorts, size_t number,
                    const struct rt_event *event);

#endif

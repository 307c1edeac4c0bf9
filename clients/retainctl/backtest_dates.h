/* The dates of a back-test as they are asked for. What `backtest` and `calibrate` share. */
#ifndef RT_RETAINCTL_BACKTEST_DATES_H
#define RT_RETAINCTL_BACKTEST_DATES_H

#include "clients/retainctl/backtest_lives.h"
#include "clients/retainctl/backtest_past.h"

struct rt_dates_wanted {
    const struct rt_cli *cli;
    const struct rt_cli_texts *at; /* none: the middle of the log */
    int64_t horizon;               /* days; 0: to the end of the log */
};

/* Reads the log for its span if no date is given. RT_CLI_CONTINUE or the exit code. */
int rt_dates_find(struct rt_lives_dates *dates, struct rt_dates_wanted wanted,
                  struct rt_past *past);

#endif

/* See backtest_dates.h. */
#include "clients/retainctl/backtest_dates.h"

#include <stdlib.h>
#include <string.h>

#include "clients/retainctl/when.h"
#include "protocol/limits.h"

static bool take_nothing(void *context, size_t number, const struct rt_event *event)
{
    (void)context;
    (void)number;
    (void)event;
    return true;
}

static int64_t midnight(int64_t ms)
{
    return ms - ms % RT_DAY_MS;
}

static int by_time(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

static int dates_given(struct rt_lives_dates *dates, struct rt_dates_wanted wanted)
{
    const struct rt_cli_texts *at = wanted.at;

    for (size_t i = 0; i < at->count; i++) {
        if (!rt_when_parse(at->at[i], strlen(at->at[i]), &dates->at[i]))
            return rt_cli_usage(wanted.cli, "--at wants a date (1997-10-01), not '%s'", at->at[i]);
        dates->at[i] = midnight(dates->at[i]);
    }
    dates->count = at->count;
    qsort(dates->at, at->count, sizeof(dates->at[0]), by_time);
    for (size_t i = 1; i < at->count; i++) {
        if (dates->at[i] == dates->at[i - 1])
            return rt_cli_usage(wanted.cli, "--at is given twice for the same day");
    }
    return RT_CLI_CONTINUE;
}

static int date_found(struct rt_lives_dates *dates, struct rt_dates_wanted wanted,
                      struct rt_past *past)
{
    int code;

    if (!rt_past_rereads(past))
        return rt_cli_usage(wanted.cli, "--at DATE is needed with what can be read only once");
    code = rt_past_read(past, take_nothing, NULL, NULL);
    dates->at[0] = midnight(past->first + (past->last - past->first) / 2);
    dates->count = 1;
    return code;
}

int rt_dates_find(struct rt_lives_dates *dates, struct rt_dates_wanted wanted, struct rt_past *past)
{
    int code = wanted.at->count > 0 ? dates_given(dates, wanted) : date_found(dates, wanted, past);

    for (size_t i = 0; code == RT_CLI_CONTINUE && i < dates->count; i++)
        dates->until[i] =
            wanted.horizon > 0 ? dates->at[i] + wanted.horizon * RT_DAY_MS : INT64_MAX;
    return code;
}

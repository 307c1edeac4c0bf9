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

int rt_dates_config(const struct rt_dates_options *options, struct rt_config *config)
{
    char error[RT_CONFIG_ERROR];

    rt_config_init(config);
    if (options->config != NULL &&
        (!rt_config_read(config, options->config, true, error) || !rt_config_check(config, error)))
        return rt_cli_fail("%s", error);
    return RT_CLI_CONTINUE;
}

static int dates_given(struct rt_lives_dates *dates, const struct rt_cli *cli,
                       const struct rt_cli_texts *at)
{
    for (size_t i = 0; i < at->count; i++) {
        if (!rt_when_parse(at->at[i], strlen(at->at[i]), &dates->at[i]))
            return rt_cli_usage(cli, "--at wants a date (1997-10-01), not '%s'", at->at[i]);
        dates->at[i] = midnight(dates->at[i]);
    }
    dates->count = at->count;
    qsort(dates->at, at->count, sizeof(dates->at[0]), by_time);
    for (size_t i = 1; i < at->count; i++) {
        if (dates->at[i] == dates->at[i - 1])
            return rt_cli_usage(cli, "--at is given twice for the same day");
    }
    return RT_CLI_CONTINUE;
}

static int date_found(struct rt_lives_dates *dates, const struct rt_cli *cli, struct rt_past *past)
{
    int code;

    if (!rt_past_rereads(past))
        return rt_cli_usage(cli, "--at DATE is needed with what can be read only once");
    code = rt_past_read(past, take_nothing, NULL, NULL);
    dates->at[0] = midnight(past->first + (past->last - past->first) / 2);
    dates->count = 1;
    return code;
}

int rt_dates_find(struct rt_lives_dates *dates, const struct rt_cli *cli,
                  const struct rt_dates_options *options, struct rt_past *past)
{
    int code = options->at.count > 0 ? dates_given(dates, cli, &options->at)
                                     : date_found(dates, cli, past);

    for (size_t i = 0; code == RT_CLI_CONTINUE && i < dates->count; i++)
        dates->until[i] =
            options->horizon > 0 ? dates->at[i] + options->horizon * RT_DAY_MS : INT64_MAX;
    return code;
}

void rt_dates_cohorts(const struct rt_lives_dates *dates, struct rt_cohort *cohorts,
                      size_t tickets_max)
{
    for (size_t i = 0; i < dates->count; i++)
        rt_cohort_init(&cohorts[i], dates->at[i], dates->until[i], tickets_max);
}

void rt_dates_release(const struct rt_lives_dates *dates, struct rt_cohort *cohorts)
{
    for (size_t i = 0; i < dates->count; i++)
        rt_cohort_free(&cohorts[i]);
}

bool rt_dates_event(const struct rt_lives_dates *dates, struct rt_cohort *cohorts, size_t number,
                    const struct rt_event *event)
{
    for (size_t i = 0; i < dates->count; i++)
        if (!rt_cohort_event(&cohorts[i], number, event))
            return false;
    return true;
}

/* calibrate LOG...: a configuration proposed from history, beside today's, as a file to review.
 *
 * One reading says what was known at each date and what became of each account, a second one lets
 * the alert rules live through the log under both configurations. Failure modes: a log that can be
 * read only once; a date at which nobody left or nobody stayed (there is nothing to learn from); an
 * output that is there already. Nothing that is in force is ever changed. */
#include <stdlib.h>
#include <string.h>

#include "clients/retainctl/backtest_dates.h"
#include "clients/retainctl/calibrate_show.h"

struct options {
    struct rt_source_options source;
    struct rt_dates_options dates;
    const char *output;
};

/* All of a run. Not on the stack: it is large. */
struct run {
    struct rt_cli *cli;
    const struct options *options;
    struct rt_past past;
    struct rt_config config[RT_SIDES];
    struct rt_lives_dates dates;
    struct rt_cohort cohorts[RT_DATES_MAX];
    struct rt_samples samples;
    struct rt_lives *lives[RT_SIDES];
    struct rt_calibration told;
};

static int config_open(struct run *run)
{
    int code = rt_dates_config(&run->options->dates, &run->config[RT_TODAY]);

    run->config[RT_PROPOSED] = run->config[RT_TODAY];
    return code;
}

/* ---- readings -------------------------------------------------------------------------------- */

static bool take_facts(void *context, size_t number, const struct rt_event *event)
{
    struct run *run = context;

    return rt_dates_event(&run->dates, run->cohorts, number, event);
}

static void count_accounts(struct run *run)
{
    for (size_t date = 0; date < run->dates.count; date++) {
        for (size_t i = 0; i < run->cohorts[date].count; i++) {
            const struct rt_member *member = &run->cohorts[date].members[i];

            run->told.accounts += rt_member_counts(member);
            run->told.churned += rt_member_counts(member) && rt_member_churned(member);
        }
    }
}

static int facts_read(struct run *run)
{
    int code;

    rt_dates_cohorts(&run->dates, run->cohorts, (size_t)run->config[RT_TODAY].limits_tickets);
    code = rt_past_read(&run->past, take_facts, NULL, run);
    if (code != RT_CLI_CONTINUE)
        return code;
    count_accounts(run);
    if (run->told.churned == 0 || run->told.churned == run->told.accounts)
        return rt_cli_fail("of %zu accounts %zu churned: there is nothing to learn from that",
                           run->told.accounts, run->told.churned);
    return RT_CLI_CONTINUE;
}

static int propose(struct run *run)
{
    struct rt_figures *cross = run->told.cross;
    char error[RT_CONFIG_ERROR];

    if (!rt_samples_take(&run->samples, run->cohorts, run->dates.count, run->past.names,
                         &run->config[RT_TODAY]) ||
        !rt_samples_cross(&run->samples, &run->config[RT_TODAY], &cross[RT_TODAY],
                          &cross[RT_PROPOSED]) ||
        !rt_samples_propose(&run->samples, RT_ALL, &run->config[RT_PROPOSED]))
        return rt_cli_fail("out of memory");
    if (!rt_config_check(&run->config[RT_PROPOSED], error))
        return rt_cli_fail("the proposal is none: %s", error);
    return RT_CLI_CONTINUE;
}

static bool take_lives(void *context, size_t number, const struct rt_event *event)
{
    struct run *run = context;

    return rt_lives_event(run->lives[RT_TODAY], number, event) &&
           rt_lives_event(run->lives[RT_PROPOSED], number, event);
}

static int lives_read(struct run *run)
{
    int code;

    for (int side = 0; side < RT_SIDES; side++) {
        run->lives[side] = rt_lives_new(&run->config[side], &run->dates);
        if (run->lives[side] == NULL)
            return rt_cli_fail("out of memory");
    }
    code = rt_past_read(&run->past, take_lives, NULL, run);
    for (int side = 0; code == RT_CLI_CONTINUE && side < RT_SIDES; side++) {
        if (!rt_lives_end(run->lives[side], run->past.last))
            return rt_cli_fail("out of memory");
        run->told.load[side] = rt_alert_load(run->lives[side], run->dates.at[0], run->past.last);
    }
    return code;
}

/* ---- the command ----------------------------------------------------------------------------- */

static int say(struct run *run)
{
    char error[RT_CONFIG_ERROR];

    run->told.past = &run->past;
    run->told.dates = &run->dates;
    run->told.output = run->options->output;
    for (int side = 0; side < RT_SIDES; side++) {
        run->told.config[side] = &run->config[side];
        run->told.lives[side] = run->lives[side];
    }
    if (!rt_calibration_write(&run->told, error))
        return rt_cli_fail("%s", error);
    if (run->cli->json)
        rt_calibration_print_json(&run->told);
    else
        rt_calibration_print(&run->told);
    return RT_EXIT_OK;
}

static int run_all(struct run *run, char **files, int count)
{
    int code = rt_past_open(&run->past, run->cli, &run->options->source, files, count);

    if (code == RT_CLI_CONTINUE && !rt_past_rereads(&run->past))
        code = rt_cli_usage(run->cli, "a log is wanted that can be read more than once");
    if (code == RT_CLI_CONTINUE)
        code = config_open(run);
    if (code == RT_CLI_CONTINUE)
        code = rt_dates_find(&run->dates, run->cli, &run->options->dates, &run->past);
    if (code == RT_CLI_CONTINUE)
        code = facts_read(run);
    if (code == RT_CLI_CONTINUE)
        code = propose(run);
    if (code == RT_CLI_CONTINUE)
        code = lives_read(run);
    return code == RT_CLI_CONTINUE ? say(run) : code;
}

static void run_free(struct run *run)
{
    rt_samples_free(&run->samples);
    rt_dates_release(&run->dates, run->cohorts);
    for (int side = 0; side < RT_SIDES; side++)
        rt_lives_free(run->lives[side]);
    rt_past_close(&run->past);
    free(run);
}

int rt_cli_calibrate(struct rt_cli *cli, int argc, char **argv)
{
    struct options o = {.output = "retaind.conf.proposed"};
    const struct rt_cli_option options[] = {
        RT_SOURCE_OPTIONS(&o.source),
        RT_DATES_OPTIONS(&o.dates, "today's retaind.conf (default: the defaults)"),
        {"output", 'o', "FILE", "where the proposal goes (retaind.conf.proposed)", RT_CLI_TEXT,
         &o.output},
        {NULL, 0, NULL, NULL, RT_CLI_FLAG, NULL},
    };
    struct run *run;
    int count, code = rt_cli_parse(cli, options, argc, argv, &count);

    if (code != RT_CLI_CONTINUE)
        return code;
    if (count == 0)
        return rt_cli_usage(cli, "a file or a state directory is wanted");
    run = calloc(1, sizeof(*run));
    if (run == NULL)
        return rt_cli_fail("out of memory");
    run->cli = cli;
    run->options = &o;
    code = run_all(run, argv, count);
    run_free(run);
    return code;
}

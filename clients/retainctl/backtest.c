/* backtest LOG...: the scoring code and the alert rules of the workers over a log, in event time,
 * held against what happened afterwards.
 *
 * One reading says what was known at each date and who was heard of after it. The alert rules want
 * the rhythm first: unless it is given they take a second reading (and are left out where the log
 * can be read only once). Without --at a reading before all finds the span of the log. Failure
 * modes: an event that retaind would refuse (counted, the first ones shown, exit 1 only if nothing
 * is left to judge); a date with nobody before or after it (said; there is no AUC then). */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clients/retainctl/backtest_dates.h"
#include "clients/retainctl/backtest_rhythm.h"
#include "clients/retainctl/backtest_show.h"
#include "clients/retainctl/show.h"

struct options {
    struct rt_source_options source;
    struct rt_dates_options dates;
    const char *rows, *svg;
    int64_t seed;
    double rhythm;
    bool no_alerts;
};

/* All of a run. Not on the stack: it is large. */
struct run {
    struct rt_cli *cli;
    const struct options *options;
    struct rt_past past;
    struct rt_config config;
    struct rt_lives_dates dates;
    struct rt_cohort cohorts[RT_DATES_MAX];
    struct rt_lives *lives; /* NULL: not in this reading */
    struct rt_backtest test;
};

/* ---- readings -------------------------------------------------------------------------------- */

/* The configuration of the workers: the defaults, or a file; the rhythm as given, else as in the
 * file, else (NAN) as measured. */
static int config_open(struct run *run)
{
    int code = rt_dates_config(&run->options->dates, &run->config);

    if (run->options->rhythm > 0)
        run->config.tiers[0].rhythm_days = run->options->rhythm;
    return code;
}

static bool rhythm_known(const struct run *run)
{
    return run->options->rhythm > 0 || run->options->dates.config != NULL;
}

static bool take_facts(void *context, size_t number, const struct rt_event *event)
{
    struct run *run = context;

    return rt_dates_event(&run->dates, run->cohorts, number, event) &&
           (run->lives == NULL || rt_lives_event(run->lives, number, event));
}

static void hint_facts(void *context, size_t number, int step)
{
    const struct run *run = context;

    for (size_t i = 0; i < run->dates.count; i++)
        rt_cohort_hint(&run->cohorts[i], number, step);
    if (run->lives != NULL)
        rt_lives_hint(run->lives, number, step);
}

static void hint_life(void *context, size_t number, int step)
{
    const struct run *run = context;

    rt_lives_hint(run->lives, number, step);
}

static bool take_life(void *context, size_t number, const struct rt_event *event)
{
    struct run *run = context;

    return rt_lives_event(run->lives, number, event);
}

static int lives_open(struct run *run)
{
    run->lives = rt_lives_new(&run->config, &run->dates);
    return run->lives == NULL ? rt_cli_fail("out of memory") : RT_CLI_CONTINUE;
}

static int facts_read(struct run *run)
{
    int code;

    rt_dates_cohorts(&run->dates, run->cohorts, (size_t)run->config.limits_tickets);
    if (!run->options->no_alerts && rhythm_known(run) &&
        (code = lives_open(run)) != RT_CLI_CONTINUE)
        return code;
    code = rt_past_read(&run->past, take_facts, hint_facts, run);
    run->test.events = run->past.events;
    run->test.bad = run->past.bad;
    run->test.damaged = run->past.damaged;
    return code;
}

/* Each date is judged with the rhythm of before it. */
static int proofs_make(struct run *run)
{
    for (size_t i = 0; i < run->dates.count; i++) {
        struct rt_rhythm rhythm = {run->config.tiers[0].rhythm_days, 1};

        if (!rhythm_known(run)) {
            rt_config_init(&run->config);
            rhythm = rt_rhythm_of(&run->cohorts[i], &run->config, RT_EVERY_TIER);
            if (!isfinite(rhythm.days))
                rhythm.days = run->config.tiers[0].rhythm_days;
            run->config.tiers[0].rhythm_days = rhythm.days;
        }
        run->test.dates = i + 1;
        run->test.multiples[i] = rhythm.multiple;
        if (!rt_proof_make(&run->test.proofs[i], &run->cohorts[i], &run->config, rhythm.days,
                           run->past.last, run->test.seed))
            return rt_cli_fail("out of memory");
    }
    return RT_CLI_CONTINUE;
}

/* What the alert rules would have said, with the rhythm of the first date. */
static int alerts_read(struct run *run)
{
    int code = RT_CLI_CONTINUE;

    if (run->options->no_alerts || (run->lives == NULL && !rt_past_rereads(&run->past)))
        return RT_CLI_CONTINUE;
    run->config.tiers[0].rhythm_days = run->test.proofs[0].rhythm;
    if (run->lives == NULL) {
        code = lives_open(run);
        if (code == RT_CLI_CONTINUE)
            code = rt_past_read(&run->past, take_life, hint_life, run);
        if (code != RT_CLI_CONTINUE)
            return code;
    }
    if (!rt_lives_end(run->lives, run->past.last))
        return rt_cli_fail("out of memory");
    for (size_t i = 0; i < run->dates.count; i++)
        if (!rt_proof_alerts(&run->test.proofs[i], &run->cohorts[i], run->lives, i))
            return rt_cli_fail("out of memory");
    run->test.has_alerts = true;
    run->test.alert_rhythm = run->config.tiers[0].rhythm_days;
    run->test.load = rt_alert_load(run->lives, run->dates.at[0], run->past.last);
    run->test.late = rt_lives_late(run->lives);
    return code;
}

/* ---- the command ----------------------------------------------------------------------------- */

static int say(struct run *run)
{
    const struct options *o = run->options;
    size_t accounts = 0;

    if (run->cli->json)
        rt_backtest_print_json(&run->test);
    else
        rt_backtest_print(&run->test);
    if (o->rows != NULL && !rt_backtest_write_rows(&run->test, o->rows))
        return rt_cli_fail("%s: %s", o->rows, strerror(errno));
    if (o->svg != NULL && !rt_backtest_write_svg(&run->test, o->svg))
        return rt_cli_fail("%s: %s", o->svg, strerror(errno));
    if (run->test.bad > 0)
        fprintf(stderr, "%llu events were left out: retaind would refuse them\n",
                (unsigned long long)run->test.bad);
    for (size_t i = 0; i < run->test.dates; i++)
        accounts += run->test.proofs[i].accounts;
    return accounts > 0 ? RT_EXIT_OK : rt_cli_fail("no account had a contact before that date");
}

static int run_all(struct run *run, char **files, int count)
{
    int code = rt_past_open(&run->past, run->cli, &run->options->source, files, count);

    run->test.past = &run->past;
    run->test.seed = (uint64_t)run->options->seed;
    if (code == RT_CLI_CONTINUE)
        code = config_open(run);
    if (code == RT_CLI_CONTINUE)
        code = rt_dates_find(&run->dates, run->cli, &run->options->dates, &run->past);
    if (code == RT_CLI_CONTINUE)
        code = facts_read(run);
    if (code == RT_CLI_CONTINUE)
        code = proofs_make(run);
    if (code == RT_CLI_CONTINUE)
        code = alerts_read(run);
    return code == RT_CLI_CONTINUE ? say(run) : code;
}

static void run_free(struct run *run)
{
    for (size_t i = 0; i < run->test.dates; i++)
        rt_proof_free(&run->test.proofs[i]);
    rt_dates_release(&run->dates, run->cohorts);
    rt_lives_free(run->lives);
    rt_past_close(&run->past);
    free(run);
}

int rt_cli_backtest(struct rt_cli *cli, int argc, char **argv)
{
    struct options o = {.seed = 1};
    const struct rt_cli_option options[] = {
        RT_SOURCE_OPTIONS(&o.source),
        RT_DATES_OPTIONS(&o.dates, "tiers and weights of this retaind.conf, its rhythm too"),
        {"rhythm", 'r', "DAYS", "g0 (default: measured on the events before the date)",
         RT_CLI_DECIMAL, &o.rhythm},
        {"seed", 0, "N", "of the bootstrap (1)", RT_CLI_WHOLE, &o.seed},
        {"no-alerts", 0, NULL, "leave out what the alert rules would have said", RT_CLI_FLAG,
         &o.no_alerts},
        {"svg", 0, "FILE", "draw ROC curves and calibration", RT_CLI_TEXT, &o.svg},
        {"rows", 0, "FILE", "write each account's figures and what became of it as CSV",
         RT_CLI_TEXT, &o.rows},
        {NULL, 0, NULL, NULL, RT_CLI_FLAG, NULL},
    };
    struct run *run;
    int count, code = rt_cli_parse(cli, options, argc, argv, &count);

    if (code != RT_CLI_CONTINUE)
        return code;
    if (count == 0)
        return rt_cli_usage(cli, "a file or a state directory is wanted (- is standard input)");
    run = calloc(1, sizeof(*run));
    if (run == NULL)
        return rt_cli_fail("out of memory");
    run->cli = cli;
    run->options = &o;
    code = run_all(run, argv, count);
    run_free(run);
    return code;
}

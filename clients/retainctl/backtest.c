/* backtest FILE...: the scoring code of the workers over a log, in event time, held against what
 * happened afterwards.
 *
 * One pass (two without --at: the first finds the span of the log). Failure modes: an event that
 * retaind would refuse (counted, the first ones shown, exit 1 only if nothing is left to judge); a
 * date with nobody before or after it (said; there is no AUC then). */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clients/retainctl/backtest_cohort.h"
#include "clients/retainctl/json.h"
#include "clients/retainctl/show.h"
#include "clients/retainctl/source.h"
#include "clients/retainctl/when.h"

enum { SHOWN = 20 };

struct backtest {
    struct rt_cli *cli;
    const char *name;    /* of the file being read */
    int64_t first, last; /* span of the log */
    uint64_t events, bad;
    struct rt_cohort *cohort; /* NULL in the pass that finds the span */
    bool no_memory;
    double rhythm;
    int64_t at, until;
};

static bool on_bad(void *arg, uint64_t line, const char *text)
{
    struct backtest *test = arg;

    if (test->bad++ < SHOWN) {
        rt_terminal_text(stderr, test->name, strlen(test->name));
        fprintf(stderr, ":%llu: ", (unsigned long long)line);
        rt_terminal_text(stderr, text, strlen(text));
        fputc('\n', stderr);
    }
    return true;
}

static bool on_event(void *arg, uint64_t line, struct rt_span packed)
{
    struct backtest *test = arg;
    struct rt_event event;
    struct rt_fault fault;

    if (rt_event_decode_accepted(packed, &event, &fault) != RT_OK)
        return on_bad(arg, line, fault.text);
    if (test->events++ == 0 || event.ts < test->first)
        test->first = event.ts;
    if (event.ts > test->last)
        test->last = event.ts;
    if (test->cohort != NULL && !rt_cohort_event(test->cohort, &event))
        test->no_memory = true;
    return !test->no_memory;
}

static void on_begin(void *arg, const char *name)
{
    struct backtest *test = arg;

    test->name = name;
}

static int pass(struct backtest *test, struct rt_source *source, char **files, int count)
{
    bool stopped;
    size_t failed;

    test->events = test->bad = 0;
    test->last = 0;
    failed = rt_source_read(source, files, count, &stopped);
    if (test->no_memory)
        return rt_cli_fail("out of memory");
    return failed > 0 ? RT_EXIT_FAILED : RT_CLI_CONTINUE;
}

/* ---- what it says ---------------------------------------------------------------------------- */

struct verdict {
    size_t accounts, churned;
    double auc[RT_PREDICTORS], lift;
    size_t fifth_churned[5], fifth_all[5];
};

static bool judge(const struct backtest *test, const struct rt_config *config,
                  struct verdict *verdict)
{
    for (int by = 0; by < RT_PREDICTORS; by++) {
        size_t count = 0;
        struct rt_ranked *ranked =
            rt_cohort_rank(test->cohort, config, (enum rt_predictor)by, test->rhythm, &count);

        if (ranked == NULL)
            return false;
        verdict->auc[by] = rt_ranking_auc(ranked, count);
        if (by == RT_BY_SCORE) {
            verdict->accounts = count;
            verdict->churned = 0;
            for (size_t i = 0; i < count; i++)
                verdict->churned += ranked[i].churned;
            verdict->lift = rt_ranking_lift(ranked, count, 0.1);
            rt_ranking_fifths(ranked, count, verdict->fifth_churned, verdict->fifth_all);
        }
        free(ranked);
    }
    return true;
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static double base_rate(const struct verdict *verdict)
{
    return verdict->accounts == 0 ? NAN : (double)verdict->churned / (double)verdict->accounts;
}

static void print_json(const struct backtest *test, const struct verdict *verdict)
{
    char at[RT_WHEN_TEXT];
    json_t *json, *fifths = json_array();

    for (int i = 0; i < 5; i++)
        json_array_append_new(fifths,
                              json_pack("{s:I, s:I}", "accounts", (json_int_t)verdict->fifth_all[i],
                                        "churned", (json_int_t)verdict->fifth_churned[i]));
    json =
        json_pack("{s:o, s:I, s:I, s:o, s:o, s:o, s:s, s:o, s:{s:o, s:o, s:o}, s:o, s:I, s:I}",
                  "auc", number(verdict->auc[RT_BY_SCORE]), "accounts",
                  (json_int_t)verdict->accounts, "churned", (json_int_t)verdict->churned,
                  "lift_top_decile", number(verdict->lift), "g0", number(test->rhythm), "base_rate",
                  number(base_rate(verdict)), "at", rt_when_date(test->at, at), "horizon_days",
                  number((double)(test->until - test->at) / 86400000.0), "baselines", "silence",
                  number(verdict->auc[RT_BY_SILENCE]), "count", number(verdict->auc[RT_BY_COUNT]),
                  "level", number(verdict->auc[RT_BY_LEVEL]), "fifths", fifths, "events",
                  (json_int_t)test->events, "rejected", (json_int_t)test->bad);
    if (json != NULL)
        rt_json_print(stdout, json);
    json_decref(json);
}

static void auc_row(struct rt_grid *grid, const char *name, double auc)
{
    rt_grid_text(grid, RT_PLAIN, name);
    if (isfinite(auc))
        rt_grid_format(grid, RT_BOLD, "%.3f", auc);
    else
        rt_grid_text(grid, RT_PLAIN, NULL);
}

static void print_table(const struct backtest *test, const struct verdict *verdict)
{
    static const char *const headings[] = {"ranked by", ">ROC AUC", NULL};
    char at[RT_WHEN_TEXT];
    struct rt_grid grid;

    printf("%llu events, judged at %s 00:00 UTC, held against the %.0f days after it\n",
           (unsigned long long)test->events, rt_when_date(test->at, at),
           (double)(test->until - test->at) / 86400000.0);
    printf("%zu accounts had a contact before, %zu of them none after: %.1f %% churned\n",
           verdict->accounts, verdict->churned, 100 * base_rate(verdict));
    printf("rhythm (g0) %.1f days\n\n", test->rhythm);
    rt_grid_begin(&grid, headings);
    auc_row(&grid, "health score", verdict->auc[RT_BY_SCORE]);
    auc_row(&grid, "silence alone", verdict->auc[RT_BY_SILENCE]);
    auc_row(&grid, "active days alone", verdict->auc[RT_BY_COUNT]);
    auc_row(&grid, "ln(days) - silence / 2 g0", verdict->auc[RT_BY_LEVEL]);
    rt_grid_print(&grid, stdout);
    rt_grid_free(&grid);
    printf("\nof the tenth with the lowest score %.2f times as many churned as of all\n\n",
           verdict->lift);
    for (int i = 0; i < 5; i++) {
        if (verdict->fifth_all[i] == 0)
            continue;
        printf("%s fifth  %5.1f %% churned of %zu\n",
               (const char *[]){"lowest ", "second ", "third  ", "fourth ", "highest"}[i],
               100.0 * (double)verdict->fifth_churned[i] / (double)verdict->fifth_all[i],
               verdict->fifth_all[i]);
    }
}

/* ---- the command ----------------------------------------------------------------------------- */

struct backtest_options {
    struct rt_source_options source;
    const char *at, *config;
    int64_t horizon;
    double rhythm;
};

static int date_find(struct backtest *test, struct rt_source *source,
                     const struct backtest_options *o, char **files, int count)
{
    int code;

    if (o->at != NULL) {
        if (!rt_when_parse(o->at, strlen(o->at), &test->at))
            return rt_cli_usage(test->cli, "--at wants a date (1997-10-01), not '%s'", o->at);
        test->at -= test->at % 86400000;
        return RT_CLI_CONTINUE;
    }
    for (int i = 0; i < count; i++) {
        if (strcmp(files[i], "-") == 0)
            return rt_cli_usage(
                test->cli, "--at DATE is needed with standard input, which can be read only once");
    }
    code = pass(test, source, files, count);
    test->at = test->first + (test->last - test->first) / 2;
    test->at -= test->at % 86400000;
    return code;
}

/* The configuration of the workers: the defaults, or a file; the rhythm as given, else as in the
 * file, else as measured. */
static int config_open(const struct backtest_options *o, struct rt_config *config)
{
    char error[RT_CONFIG_ERROR];

    rt_config_init(config);
    if (o->config != NULL &&
        (!rt_config_read(config, o->config, true, error) || !rt_config_check(config, error)))
        return rt_cli_fail("%s", error);
    if (o->rhythm > 0)
        config->tiers[0].rhythm_days = o->rhythm;
    return RT_CLI_CONTINUE;
}

static void rhythm_find(struct backtest *test, const struct backtest_options *o,
                        struct rt_config *config)
{
    double measured;

    test->rhythm = config->tiers[0].rhythm_days;
    if (o->rhythm > 0 || o->config != NULL)
        return;
    measured = rt_cohort_rhythm(test->cohort);
    if (isfinite(measured))
        config->tiers[0].rhythm_days = test->rhythm = measured;
}

static int test_run(struct backtest *test, struct rt_source *source,
                    const struct backtest_options *o, struct rt_config *config, char **files,
                    int count)
{
    struct verdict verdict = {0};
    int code;

    test->until = o->horizon > 0 ? test->at + o->horizon * INT64_C(86400000) : INT64_MAX;
    test->cohort = rt_cohort_new(test->at, test->until, (size_t)config->limits_tickets);
    if (test->cohort == NULL)
        return rt_cli_fail("out of memory");
    code = pass(test, source, files, count);
    if (code != RT_CLI_CONTINUE)
        return code;
    if (o->horizon == 0)
        test->until = test->last > test->at ? test->last : test->at;
    rhythm_find(test, o, config);
    if (!judge(test, config, &verdict))
        return rt_cli_fail("out of memory");
    if (test->cli->json)
        print_json(test, &verdict);
    else
        print_table(test, &verdict);
    if (test->bad > 0)
        fprintf(stderr, "%llu events were left out: retaind would refuse them\n",
                (unsigned long long)test->bad);
    if (verdict.accounts == 0)
        return rt_cli_fail("no account had a contact before that date");
    return RT_EXIT_OK;
}

int rt_cli_backtest(struct rt_cli *cli, int argc, char **argv)
{
    static struct rt_config config;
    struct backtest_options o = {0};
    const struct rt_cli_option options[] = {
        RT_SOURCE_OPTIONS(&o.source),
        {"at", 'a', "DATE", "judge at 00:00 UTC of this day (default: the middle of the log)",
         RT_CLI_TEXT, &o.at},
        {"horizon", 'H', "DAYS",
         "how long after it somebody must be heard of (default: to the end)", RT_CLI_WHOLE,
         &o.horizon},
        {"rhythm", 'r', "DAYS", "g0 (default: measured on the events before the date)",
         RT_CLI_DECIMAL, &o.rhythm},
        {"config", 'c', "FILE", "tiers and weights of this retaind.conf, its rhythm too",
         RT_CLI_TEXT, &o.config},
        {NULL, 0, NULL, NULL, RT_CLI_FLAG, NULL},
    };
    struct backtest test = {.cli = cli};
    struct rt_source source = {.sink = {.arg = &test, .event = on_event, .bad = on_bad},
                               .begin = on_begin};
    int count, code = rt_cli_parse(cli, options, argc, argv, &count);

    if (code != RT_CLI_CONTINUE)
        return code;
    if (count == 0)
        return rt_cli_usage(cli, "a file is wanted (- is standard input)");
    code = rt_source_open(&source, cli, &o.source);
    if (code == RT_CLI_CONTINUE)
        code = config_open(&o, &config);
    if (code == RT_CLI_CONTINUE)
        code = date_find(&test, &source, &o, argv, count);
    if (code == RT_CLI_CONTINUE)
        code = test_run(&test, &source, &o, &config, argv, count);
    rt_cohort_free(test.cohort);
    rt_source_close(&source);
    return code;
}

/* See backtest_show.h. */
#include "clients/retainctl/backtest_show.h"

#include <math.h>
#include <stdio.h>

#include "clients/retainctl/json.h"
#include "clients/retainctl/show.h"
#include "clients/retainctl/when.h"

const char *const rt_predictor_titles[RT_PREDICTORS] = {
    "health score", "silence alone", "active days alone", "ln(days) - silence / 2 g0",
    "BG/NBD expected contacts"};
const char *const rt_predictor_names[RT_PREDICTORS] = {"score", "silence", "count", "level",
                                                       "bgnbd"};

static double horizon_days(const struct rt_proof *proof)
{
    return (double)(proof->until - proof->at) / 86400000.0;
}

static double share(size_t part, size_t all)
{
    return all == 0 ? NAN : (double)part / (double)all;
}

/* ---- for programs ---------------------------------------------------------------------------- */

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static void add(json_t *json, const char *key, double value)
{
    json_object_set_new(json, key, number(value));
}

static void add_count(json_t *json, const char *key, uint64_t value)
{
    json_object_set_new(json, key, json_integer((json_int_t)value));
}

static json_t *fifths_json(const struct rt_proof *proof)
{
    json_t *fifths = json_array();

    for (int i = 0; i < 5; i++) {
        json_t *fifth = json_object();

        add_count(fifth, "accounts", proof->fifth_all[i]);
        add_count(fifth, "churned", proof->fifth_churned[i]);
        add(fifth, "share", share(proof->fifth_churned[i], proof->fifth_all[i]));
        add(fifth, "score_from", proof->fifth_low[i]);
        add(fifth, "score_to", proof->fifth_high[i]);
        json_array_append_new(fifths, fifth);
    }
    return fifths;
}

static json_t *model_json(const struct rt_proof *proof)
{
    json_t *json = json_object();

    if (!proof->has_model)
        return json;
    add(json, "r", proof->model.r);
    add(json, "alpha_weeks", proof->model.alpha);
    add(json, "a", proof->model.a);
    add(json, "b", proof->model.b);
    return json;
}

static json_t *list_json(const struct rt_proof *proof)
{
    json_t *json = json_object();

    add_count(json, "listed", proof->listed);
    add_count(json, "listed_churned", proof->listed_churned);
    add(json, "precision", share(proof->listed_churned, proof->listed));
    add(json, "precision_at_length", proof->precision);
    add_count(json, "warned", proof->warned);
    add(json, "warned_share", share(proof->warned, proof->churned));
    add(json, "warning_days", proof->warning_median);
    return json;
}

static json_t *proof_json(const struct rt_backtest *test, const struct rt_proof *proof)
{
    json_t *json = json_object(), *baselines = json_object();
    char at[RT_WHEN_TEXT];

    json_object_set_new(json, "at", json_string(rt_when_date(proof->at, at)));
    add(json, "horizon_days", horizon_days(proof));
    add(json, "auc", proof->auc[RT_BY_SCORE]);
    json_object_set_new(
        json, "auc_interval",
        json_pack("[o, o]", number(proof->interval.low), number(proof->interval.high)));
    json_object_set_new(
        json, "bootstrap",
        json_pack("{s:I, s:i}", "seed", (json_int_t)test->seed, "rounds", RT_BOOTSTRAP_ROUNDS));
    add_count(json, "accounts", proof->accounts);
    add_count(json, "churned", proof->churned);
    add_count(json, "known_left", proof->known_left);
    add(json, "base_rate", share(proof->churned, proof->accounts));
    add(json, "lift_top_decile", proof->lift);
    add(json, "g0", proof->rhythm);
    add(json, "g0_multiple", test->multiples[proof - test->proofs]);
    for (int by = RT_BY_SILENCE; by < RT_PREDICTORS; by++)
        add(baselines, rt_predictor_names[by], proof->auc[by]);
    json_object_set_new(json, "baselines", baselines);
    json_object_set_new(json, "bgnbd", model_json(proof));
    json_object_set_new(json, "fifths", fifths_json(proof));
    if (proof->has_alerts)
        json_object_set_new(json, "alert_list", list_json(proof));
    return json;
}

static json_t *load_json(const struct rt_backtest *test)
{
    json_t *json = json_object(), *kinds = json_object();

    add(json, "g0", test->alert_rhythm);
    add_count(json, "owners", test->load.owners);
    add(json, "weeks", test->load.weeks);
    add_count(json, "raised", test->load.total);
    add(json, "per_owner_week", test->load.per_owner_week);
    add(json, "highest_owner_week", test->load.highest);
    for (int kind = 0; kind < RT_ALERT_KINDS; kind++)
        add_count(kinds, rt_alert_kind_name((enum rt_alert_kind)kind), test->load.raised[kind]);
    json_object_set_new(json, "by_kind", kinds);
    add_count(json, "late_events", test->late);
    return json;
}

void rt_backtest_print_json(const struct rt_backtest *test)
{
    json_t *json, *dates;

    if (test->dates == 1) {
        json = proof_json(test, &test->proofs[0]);
    } else {
        json = json_object();
        dates = json_array();
        for (size_t i = 0; i < test->dates; i++)
            json_array_append_new(dates, proof_json(test, &test->proofs[i]));
        json_object_set_new(json, "dates", dates);
    }
    if (test->has_alerts)
        json_object_set_new(json, "alerts", load_json(test));
    add_count(json, "events", test->events);
    add_count(json, "rejected", test->bad);
    add_count(json, "damaged", test->damaged);
    rt_json_print(stdout, json);
    json_decref(json);
}

/* ---- for people ------------------------------------------------------------------------------ */

static void auc_cell(struct rt_grid *grid, enum rt_color color, double auc)
{
    if (isfinite(auc))
        rt_grid_format(grid, color, "%.3f", auc);
    else
        rt_grid_text(grid, RT_PLAIN, NULL);
}

static void print_ranking(const struct rt_backtest *test, const struct rt_proof *proof)
{
    static const char *const headings[] = {"ranked by", ">ROC AUC", "95 % interval", NULL};
    struct rt_grid grid;

    rt_grid_begin(&grid, headings);
    for (int by = 0; by < RT_PREDICTORS; by++) {
        rt_grid_text(&grid, RT_PLAIN, rt_predictor_titles[by]);
        auc_cell(&grid, by == RT_BY_SCORE ? RT_BOLD : RT_PLAIN, proof->auc[by]);
        if (by == RT_BY_SCORE && isfinite(proof->interval.low))
            rt_grid_format(&grid, RT_PLAIN, "%.3f..%.3f (%d rounds, seed %llu)",
                           proof->interval.low, proof->interval.high, RT_BOOTSTRAP_ROUNDS,
                           (unsigned long long)test->seed);
        else
            rt_grid_text(&grid, RT_PLAIN, "");
    }
    rt_grid_print(&grid, stdout);
    rt_grid_free(&grid);
}

static void print_fifths(const struct rt_proof *proof)
{
    static const char *const names[] = {"lowest ", "second ", "third  ", "fourth ", "highest"};

    for (int i = 0; i < 5; i++) {
        if (proof->fifth_all[i] == 0)
            continue;
        printf("%s fifth  score %5.1f..%5.1f  %5.1f %% churned of %zu\n", names[i],
               proof->fifth_low[i], proof->fifth_high[i],
               100 * share(proof->fifth_churned[i], proof->fifth_all[i]), proof->fifth_all[i]);
    }
}

static void print_list(const struct rt_proof *proof)
{
    printf("\nalert list (churn_risk or silence) at the date: %zu accounts", proof->listed);
    if (proof->listed > 0)
        printf(", %.1f %% of them churned; %.1f %% of as many with the lowest scores",
               100 * share(proof->listed_churned, proof->listed), 100 * proof->precision);
    printf("\nwarning time: ");
    if (proof->churned == 0 || proof->warned == 0)
        printf("nobody who churned had an alert in time\n");
    else
        printf("%.1f %% of those who churned had an alert, half of them %.0f days or more before "
               "the\nhorizon after their last contact was over\n",
               100 * share(proof->warned, proof->churned), proof->warning_median);
}

static void print_proof(const struct rt_backtest *test, const struct rt_proof *proof)
{
    double multiple = test->multiples[proof - test->proofs];
    char at[RT_WHEN_TEXT];

    printf("judged at %s 00:00 UTC, held against the %.0f days after it\n",
           rt_when_date(proof->at, at), horizon_days(proof));
    if (proof->accounts == 0) {
        printf("no account had a contact before\n\n");
        return;
    }
    printf("%zu accounts had a contact before, %zu of them churned: %.1f %%\n", proof->accounts,
           proof->churned, 100 * share(proof->churned, proof->accounts));
    if (proof->known_left > 0)
        printf("%zu of them were said to have left before the date\n", proof->known_left);
    printf("rhythm (g0) %.1f days", proof->rhythm);
    if (multiple < 1 || multiple > 1)
        printf(", %g times the median gap: that foretold its own past better", multiple);
    printf("\n\n");
    print_ranking(test, proof);
    if (proof->has_model)
        printf("(BG/NBD fitted: r %.3f, alpha %.3f weeks, a %.3f, b %.3f)\n", proof->model.r,
               proof->model.alpha, proof->model.a, proof->model.b);
    if (isfinite(proof->lift))
        printf("\nof the tenth with the lowest score %.2f times as many churned as of all\n\n",
               proof->lift);
    print_fifths(proof);
    if (proof->has_alerts)
        print_list(proof);
    printf("\n");
}

static void print_load(const struct rt_backtest *test)
{
    const struct rt_alert_load *load = &test->load;
    const char *between = " (";

    printf("alerts raised from the first date to the end, g0 %.1f days: %llu", test->alert_rhythm,
           (unsigned long long)load->total);
    for (int kind = 0; kind < RT_ALERT_KINDS; kind++) {
        if (load->raised[kind] == 0)
            continue;
        printf("%s%s %llu", between, rt_alert_kind_name((enum rt_alert_kind)kind),
               (unsigned long long)load->raised[kind]);
        between = ", ";
    }
    printf("%s\n", load->total > 0 ? ")" : "");
    if (isfinite(load->per_owner_week))
        printf("%.1f per owner and week (%zu owners), at most %.1f\n", load->per_owner_week,
               load->owners, load->highest);
    if (test->late > 0)
        printf("%llu events came after a later one of their account: alerts were judged in the "
               "order\nof the log, sort it by time for those of the day\n",
               (unsigned long long)test->late);
}

void rt_backtest_print(const struct rt_backtest *test)
{
    printf("%llu events\n", (unsigned long long)test->events);
    for (size_t i = 0; i < test->dates; i++)
        print_proof(test, &test->proofs[i]);
    if (test->has_alerts)
        print_load(test);
}

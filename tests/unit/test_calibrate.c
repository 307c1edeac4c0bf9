/* What a calibration learns, and from whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "clients/retainctl/backtest_cohort.h"
#include "clients/retainctl/calibrate_show.h"
#include "clients/retainctl/dice.h"
#include "protocol/limits.h"

enum { ACCOUNTS = 600, AT = 400, UNTIL = 500 };

static struct rt_config today;

static struct rt_names *names;
static struct rt_cohort cohort;

static struct rt_event event_of(const char *account, enum rt_event_type type, double day)
{
    return (struct rt_event){.id = rt_span_text("1"),
                             .account = rt_span_text(account),
                             .type = type,
                             .outcome = type == RT_VISIT ? RT_HELD : RT_OUTCOME_NONE,
                             .ts = (int64_t)(day * (double)RT_DAY_MS)};
}

static void take(const struct rt_event *event)
{
    assert_true(rt_cohort_event(&cohort, (size_t)rt_names_number(names, event->account), event));
}

/* Accounts of the tier `slow` are in touch every 40 days, the others every 5; a third stops at some
 * day, and would be told by its silence. */
static void live(struct rt_dice *dice, int number)
{
    bool slow = number % 2 == 0;
    double gap = slow ? 40 : 5,
           stop = rt_dice_chance(dice, 333) ? 150 + rt_dice_below(dice, 250) : UNTIL;
    struct rt_event profile;
    char name[16];

    snprintf(name, sizeof(name), "a%d", number);
    profile = event_of(name, RT_ACCOUNT, 1);
    profile.profile[RT_PROFILE_TIER].presence = RT_KEY_SET;
    profile.profile[RT_PROFILE_TIER].text = rt_span_text(slow ? "slow" : "fast");
    take(&profile);
    for (double day = rt_dice_below(dice, 40); day < stop;
         day += gap * (0.5 + rt_dice_below(dice, 1000) / 1000.0)) {
        struct rt_event event = event_of(name, RT_VISIT, day);

        take(&event);
    }
}

static int world_make(void **state)
{
    struct rt_dice dice = rt_dice(3, 0);

    (void)state;
    rt_config_init(&today);
    names = rt_names_new();
    rt_cohort_init(&cohort, AT * RT_DAY_MS, UNTIL * RT_DAY_MS, 100);
    for (int i = 0; i < ACCOUNTS; i++)
        live(&dice, i);
    return 0;
}

static int world_free(void **state)
{
    (void)state;
    rt_cohort_free(&cohort);
    rt_names_free(names);
    return 0;
}

static const struct rt_tier *tier(const struct rt_config *config, const char *name)
{
    return rt_config_tier(config, name, strlen(name));
}

static void tiers_get_their_rhythm(void **state)
{
    struct rt_config proposed = today;
    struct rt_samples samples;
    char error[RT_CONFIG_ERROR];

    (void)state;
    assert_true(rt_samples_take(&samples, &cohort, 1, names, &today));
    assert_true(rt_samples_propose(&samples, RT_ALL, &proposed));
    assert_true(rt_config_check(&proposed, error));
    assert_string_equal(tier(&proposed, "slow")->name, "slow");
    assert_string_equal(tier(&proposed, "fast")->name, "fast");
    /* A multiple of what was measured may be in it. */
    assert_true(tier(&proposed, "slow")->rhythm_days > 0.34 * 38 &&
                tier(&proposed, "slow")->rhythm_days < 1.42 * 42);
    assert_true(tier(&proposed, "fast")->rhythm_days > 0.34 * 4.8 &&
                tier(&proposed, "fast")->rhythm_days < 1.42 * 5.2);
    rt_samples_free(&samples);
}

/* A sign that nobody shows stays what it was. */
static void what_is_not_seen_does_not_move(void **state)
{
    struct rt_config proposed = today;
    struct rt_samples samples;

    (void)state;
    assert_true(rt_samples_take(&samples, &cohort, 1, names, &today));
    assert_true(rt_samples_propose(&samples, RT_ALL, &proposed));
    for (size_t i = 0; i < proposed.tier_count; i++) {
        assert_true(proposed.tiers[i].weight_sentiment == today.tiers[0].weight_sentiment);
        assert_true(proposed.tiers[i].weight_tickets == today.tiers[0].weight_tickets);
        assert_true(proposed.tiers[i].bonus_csat == today.tiers[0].bonus_csat);
        assert_true(proposed.tiers[i].half_life_days == today.tiers[0].half_life_days);
    }
    rt_samples_free(&samples);
}

/* The accounts of a fold tell nothing to the proposal that is judged on them. */
static void a_fold_is_not_looked_at(void **state)
{
    struct rt_config first = today, second = today, all = today;
    struct rt_samples samples;
    char *texts[2];

    (void)state;
    assert_true(rt_samples_take(&samples, &cohort, 1, names, &today));
    assert_true(rt_samples_propose(&samples, 2, &first));
    for (size_t i = 0; i < samples.count; i++)
        if (samples.all[i].fold == 2)
            samples.all[i].churned = !samples.all[i].churned;
    assert_true(rt_samples_propose(&samples, 2, &second));
    texts[0] = rt_config_text(&first);
    texts[1] = rt_config_text(&second);
    assert_string_equal(texts[0], texts[1]);
    /* And all others do: turned round, they propose something else. */
    for (size_t i = 0; i < samples.count; i++)
        samples.all[i].churned = !samples.all[i].churned;
    assert_true(rt_samples_propose(&samples, 2, &all));
    free(texts[1]);
    texts[1] = rt_config_text(&all);
    assert_string_not_equal(texts[0], texts[1]);
    free(texts[0]);
    free(texts[1]);
    rt_samples_free(&samples);
}

static void cross_validation_judges_everybody_once(void **state)
{
    struct rt_figures before, after, whole;
    struct rt_samples samples;

    (void)state;
    assert_true(rt_samples_take(&samples, &cohort, 1, names, &today));
    assert_true(rt_samples_cross(&samples, &today, &before, &after));
    assert_true(
        rt_samples_measure(&samples, &today, (struct rt_part){RT_ALL, false, RT_ALL}, &whole));
    assert_int_equal(before.accounts, whole.accounts);
    assert_int_equal(before.churned, whole.churned);
    assert_int_equal(before.listed, whole.listed);
    assert_int_equal(before.listed_churned, whole.listed_churned);
    assert_true(fabs(before.auc - whole.auc) < 0.03); /* a mean over folds */
    assert_true(after.auc > before.auc + 0.02);       /* one rhythm does not fit both tiers */
    rt_samples_free(&samples);
}

static void youden_by_hand(void **state)
{
    const struct rt_figures figures = {
        .accounts = 100, .churned = 20, .listed = 30, .listed_churned = 15};
    const struct rt_figures nobody = {.accounts = 10};

    (void)state;
    assert_true(fabs(rt_figures_youden(&figures) - (15 / 20.0 - 15 / 80.0)) < 1e-12);
    assert_true(isnan(rt_figures_youden(&nobody)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiers_get_their_rhythm),
        cmocka_unit_test(what_is_not_seen_does_not_move),
        cmocka_unit_test(a_fold_is_not_looked_at),
        cmocka_unit_test(cross_validation_judges_everybody_once),
        cmocka_unit_test(youden_by_hand),
    };

    return cmocka_run_group_tests(tests, world_make, world_free);
}

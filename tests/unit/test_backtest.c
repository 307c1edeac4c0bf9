/* The parts of a back-test on lives that can be followed by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "clients/retainctl/backtest_lives.h"
#include "clients/retainctl/backtest_names.h"
#include "clients/retainctl/backtest_proof.h"
#include "clients/retainctl/backtest_rhythm.h"
#include "clients/retainctl/dice.h"
#include "protocol/limits.h"

static struct rt_config config;

static struct rt_event visit(const char *account, double day)
{
    return (struct rt_event){.id = rt_span_text("1"),
                             .account = rt_span_text(account),
                             .type = RT_VISIT,
                             .outcome = RT_HELD,
                             .ts = (int64_t)(day * (double)RT_DAY_MS)};
}

static struct rt_event profile(const char *account, double day, enum rt_profile_key key,
                               const char *text)
{
    struct rt_event event = {.id = rt_span_text("p"),
                             .account = rt_span_text(account),
                             .type = RT_ACCOUNT,
                             .ts = (int64_t)(day * (double)RT_DAY_MS)};

    event.profile[key].presence = RT_KEY_SET;
    event.profile[key].text = rt_span_text(text);
    return event;
}

static int64_t day(double number)
{
    return (int64_t)(number * (double)RT_DAY_MS);
}

static void names_keep_their_numbers(void **state)
{
    struct rt_names *names = rt_names_new();
    char name[16];

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 5000; i++) {
            snprintf(name, sizeof(name), "n%d", i);
            assert_int_equal(rt_names_number(names, rt_span_text(name)), i);
        }
    }
    assert_int_equal(rt_names_number(names, rt_span("", 0)), 5000);
    assert_int_equal(rt_names_number(names, rt_span("", 0)), 5000);
    assert_int_equal(rt_names_count(names), 5001);
    assert_true(rt_span_is(rt_names_name(names, 4321), "n4321"));
    assert_int_equal(rt_names_name(names, 5000).size, 0);
    rt_names_free(names);
    rt_names_free(NULL);
}

static void cohort_takes_any_order(void **state)
{
    static const double days[] = {100, 3, 900, 57, 57.5, 120, 121, 800, 1000, 1001};
    struct rt_cohort cohorts[2];

    (void)state;
    for (int way = 0; way < 2; way++) {
        rt_cohort_init(&cohorts[way], day(1000), day(1010), 100);
        for (int i = 0; i < 10; i++) {
            struct rt_event event = visit("a", days[way == 0 ? i : 9 - i]);

            assert_true(rt_cohort_event(&cohorts[way], 0, &event));
        }
    }
    for (int way = 0; way < 2; way++) {
        const struct rt_member *member = &cohorts[way].members[0];
        struct rt_bgnbd_customer customer = rt_member_customer(&cohorts[way], member);

        assert_true(rt_member_counts(member));
        assert_false(rt_member_churned(member));
        assert_int_equal(rt_member_days(member), 7);
        assert_int_equal(member->last, day(900));
        assert_int_equal(customer.repeats, 6);
        assert_true(fabs(customer.last - 897 / 7.0) < 1e-9);
        assert_true(fabs(customer.age - 997 / 7.0) < 1e-9);
        assert_true(fabs(rt_rhythm_of(&cohorts[way], &config, RT_EVERY_TIER).days - 897 / 6.0) <
                    1e-9);
        rt_cohort_free(&cohorts[way]);
    }
}

static double uniform(struct rt_dice *dice)
{
    return ((double)(rt_dice_roll(dice) >> 11) + 0.5) / 9007199254740992.0;
}

/* Accounts in touch every `low` to `high` days at random moments; a part of them stops for good. */
static void fill(struct rt_cohort *cohort, double low, double high, double stops)
{
    struct rt_dice dice = rt_dice(5, 0);

    rt_cohort_init(cohort, day(400), day(500), 100);
    for (size_t number = 0; number < 800; number++) {
        double gap = low * pow(high / low, uniform(&dice));
        double end = uniform(&dice) < stops ? 500 * uniform(&dice) : 500;

        for (double at = 60 * uniform(&dice); at < end; at -= gap * log(uniform(&dice))) {
            struct rt_event event = visit("x", at);

            assert_true(rt_cohort_event(cohort, number, &event));
        }
    }
}

/* Where accounts of one rhythm stop at once, silence says it: a shorter g0 makes it weigh more. Where
 * they differ and few stop, how often they were in touch says it. */
static void the_past_says_what_weighs(void **state)
{
    struct rt_cohort stopping, differing;
    struct rt_rhythm first, second;

    (void)state;
    fill(&stopping, 6, 7, 0.9);
    fill(&differing, 10, 150, 0.02);
    first = rt_rhythm_of(&stopping, &config, RT_EVERY_TIER);
    second = rt_rhythm_of(&differing, &config, RT_EVERY_TIER);
    assert_true(first.multiple < 0.9);
    assert_true(second.multiple > 0.9);
    assert_true(first.days < 7 && second.days > 10);
    rt_cohort_free(&stopping);
    rt_cohort_free(&differing);
}

static void a_horizon_has_ends(void **state)
{
    struct rt_event events[] = {visit("0", 10),
                                visit("0", 100),
                                visit("1", 10),
                                visit("1", 130),
                                visit("2", 10),
                                visit("2", 129.9),
                                visit("3", 100),
                                visit("4", 10),
                                visit("4", 110),
                                profile("4", 120, RT_PROFILE_STATUS, "churned"),
                                profile("1", 110, RT_PROFILE_STATUS, "active"),
                                profile("5", 10, RT_PROFILE_OWNER, "kim")};
    struct rt_cohort cohort;

    (void)state;
    rt_cohort_init(&cohort, day(100), day(130), 100);
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
        assert_true(
            rt_cohort_event(&cohort, (size_t)(events[i].account.data[0] - '0'), &events[i]));
    assert_true(rt_member_counts(&cohort.members[0]));
    assert_false(rt_member_churned(&cohort.members[0])); /* at the date's very midnight */
    assert_true(rt_member_churned(&cohort.members[1]));  /* at the end of the horizon: too late */
    assert_false(rt_member_churned(&cohort.members[2]));
    assert_false(rt_member_counts(&cohort.members[3])); /* came after the date */
    assert_true(rt_member_churned(&cohort.members[4])); /* came back, and was said to have left */
    assert_false(rt_member_counts(&cohort.members[5])); /* a profile is no contact */
    rt_cohort_free(&cohort);
}

/* Weekly contact up to day 70, then none: mean gap shrunk to g0 = 7 is 7 days, so silence is raised
 * three times that after the last contact. */
static void a_life_is_judged_at_its_moments(void **state)
{
    const struct rt_lives_dates dates = {
        .count = 3, .at = {day(80), day(91), day(92)}, .until = {day(120), day(130), INT64_MAX}};
    struct rt_lives *lives = rt_lives_new(&config, &dates);
    double limit = 70 + 3 * (70 + 2 * 7) / 12.0;

    (void)state;
    for (int i = 0; i <= 10; i++) {
        struct rt_event event = visit("a", 7 * i);

        assert_true(rt_lives_event(lives, 2, &event));
    }
    assert_true(rt_lives_end(lives, day(200)));
    assert_true(limit > 90.9 && limit < 91.1);
    assert_false(rt_lives_listed(lives, 2, 0));
    assert_true(rt_lives_listed(lives, 2, 2));
    assert_true(rt_lives_listed_since(lives, 2, 0) == day(limit) + 1);
    assert_true(rt_lives_listed_since(lives, 2, 2) == day(limit) + 1);
    assert_false(rt_lives_listed(lives, 0, 2)); /* numbers without a life */
    assert_false(rt_lives_listed(lives, 99, 2));
    assert_true(rt_lives_listed_since(lives, 99, 0) == INT64_MAX);
    assert_int_equal(rt_lives_owners(lives), 1);
    assert_int_equal(rt_lives_accounts(lives, 0), 1);
    assert_int_equal(rt_lives_raised(lives, 0, RT_SILENCE), 1);
    assert_int_equal(rt_lives_late(lives), 0);
    rt_lives_free(lives);
    rt_lives_free(NULL);
}

/* A contact takes the account off the list; the next silence lists it anew. */
static void coming_back_ends_a_warning(void **state)
{
    const struct rt_lives_dates dates = {
        .count = 2, .at = {day(100), day(150)}, .until = {day(101), day(400)}};
    struct rt_lives *lives = rt_lives_new(&config, &dates);
    struct rt_event late = visit("a", 60), owner = profile("a", 71, RT_PROFILE_OWNER, "kim");

    (void)state;
    for (int i = 0; i <= 11; i++) {
        struct rt_event event = visit("a", i == 11 ? 110 : 7 * i);

        assert_true(rt_lives_event(lives, 0, &event));
        if (i == 10) {
            assert_true(rt_lives_event(lives, 0, &owner));
            assert_true(rt_lives_event(lives, 0, &late));
        }
    }
    assert_true(rt_lives_end(lives, day(400)));
    assert_true(rt_lives_listed(lives, 0, 0));
    assert_true(rt_lives_listed_since(lives, 0, 0) < day(100));
    assert_true(rt_lives_listed_since(lives, 0, 1) > day(110));
    assert_int_equal(rt_lives_late(lives), 1);
    assert_int_equal(rt_lives_owners(lives), 1);
    assert_true(rt_span_is(rt_lives_owner(lives, 0), "kim"));
    assert_int_equal(rt_lives_raised(lives, 0, RT_SILENCE), 1); /* the one before day 100 is none */
    rt_lives_free(lives);
}

/* Ten leave and ten stay: figures that can be counted. */
static void a_proof_adds_up(void **state)
{
    const struct rt_lives_dates dates = {.count = 1, .at = {day(100)}, .until = {day(200)}};
    struct rt_lives *lives = rt_lives_new(&config, &dates);
    struct rt_cohort cohort;
    struct rt_proof proof;
    struct rt_alert_load load;

    (void)state;
    rt_cohort_init(&cohort, dates.at[0], dates.until[0], 100);
    for (size_t number = 0; number < 20; number++) {
        for (int i = 0; i * 7 + (int)number % 7 < (number < 10 ? 65 : 260); i++) {
            struct rt_event event = visit("x", i * 7 + (int)number % 7);

            assert_true(rt_cohort_event(&cohort, number, &event));
            assert_true(rt_lives_event(lives, number, &event));
        }
    }
    assert_true(rt_lives_end(lives, day(260)));
    assert_true(rt_proof_make(&proof, &cohort, &config, 7, day(260), 1));
    assert_true(rt_proof_alerts(&proof, &cohort, lives, 0));
    assert_int_equal(proof.accounts, 20);
    assert_int_equal(proof.churned, 10);
    for (int by = 0; by < RT_BY_COUNT; by++)
        assert_true(proof.auc[by] > 0.9999);
    assert_true(fabs(proof.lift - 2) < 1e-9);
    assert_int_equal(proof.fifth_churned[0] + proof.fifth_churned[1] + proof.fifth_churned[2], 10);
    assert_int_equal(proof.listed, 10); /* silent for 35 days and more, three times what is usual */
    assert_int_equal(proof.listed_churned, 10);
    assert_true(fabs(proof.precision - 1) < 1e-9);
    assert_int_equal(proof.warned, 10);
    /* 100 days after the last contact less about 21. */
    assert_true(proof.warning_median > 78 && proof.warning_median < 80);
    load = rt_alert_load(lives, day(100), day(240));
    assert_int_equal(load.owners, 1);
    assert_true(fabs(load.weeks - 20) < 1e-9);
    assert_true(load.total == load.raised[RT_CHURN_RISK] + load.raised[RT_SILENCE]);
    assert_true(fabs(load.per_owner_week - (double)load.total / 20) < 1e-9);
    rt_proof_free(&proof);
    rt_cohort_free(&cohort);
    rt_lives_free(lives);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_keep_their_numbers),
        cmocka_unit_test(cohort_takes_any_order),
        cmocka_unit_test(the_past_says_what_weighs),
        cmocka_unit_test(a_horizon_has_ends),
        cmocka_unit_test(a_life_is_judged_at_its_moments),
        cmocka_unit_test(coming_back_ends_a_warning),
        cmocka_unit_test(a_proof_adds_up),
    };

    rt_config_init(&config);
    config.tiers[0].rhythm_days = 7;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* ROC AUC, its interval, lift, precision and medians on cases that can be counted by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "clients/retainctl/ranking.h"

static void close_to(double a, double b)
{
    if (!(fabs(a - b) < 1e-12))
        fail_msg("%.15g is not %.15g", a, b);
}

static void nothing_is_no_number(void **state)
{
    struct rt_ranked stayed[] = {{1, false}, {2, false}}, left[] = {{1, true}};

    (void)state;
    assert_true(isnan(rt_ranking_auc(NULL, 0)));
    assert_true(isnan(rt_ranking_auc(stayed, 2)));
    assert_true(isnan(rt_ranking_auc(left, 1)));
    assert_true(isnan(rt_ranking_lift(stayed, 2, 0.1)));
    assert_true(isnan(rt_ranking_median(NULL, 0)));
}

static void auc_counts_pairs(void **state)
{
    struct rt_ranked perfect[] = {{3, false}, {1, true}, {2, true}, {4, false}};
    struct rt_ranked wrong[] = {{1, false}, {2, true}};
    struct rt_ranked equal[] = {{1, false}, {1, true}, {1, true}};
    struct rt_ranked mixed[] = {{1, true}, {2, false}, {3, true}, {3, false}, {4, false}};

    (void)state;
    close_to(rt_ranking_auc(perfect, 4), 1);
    close_to(rt_ranking_auc(wrong, 2), 0);
    close_to(rt_ranking_auc(equal, 3), 0.5);
    close_to(rt_ranking_auc(mixed, 5), (3 + 0.5 + 1) / 6);
}

static void lift_compares_with_all(void **state)
{
    struct rt_ranked entries[20];

    (void)state;
    for (int i = 0; i < 20; i++)
        entries[i] = (struct rt_ranked){.health = i, .churned = i < 4};
    close_to(rt_ranking_lift(entries, 20, 0.1), 5);
    for (int i = 0; i < 20; i++)
        entries[i].health = 1; /* all equal: no better than chance */
    close_to(rt_ranking_lift(entries, 20, 0.1), 1);
}

static void auc_agrees_with_counting_every_pair(void **state)
{
    enum { COUNT = 300 };
    struct rt_ranked entries[COUNT];
    unsigned seed = 1;

    (void)state;
    for (int round = 0; round < 20; round++) {
        double right = 0, pairs = 0;

        for (int i = 0; i < COUNT; i++)
            entries[i] = (struct rt_ranked){rand_r(&seed) % 50, rand_r(&seed) % 3 == 0};
        for (int i = 0; i < COUNT; i++)
            for (int j = 0; j < COUNT; j++) {
                if (!entries[i].churned || entries[j].churned)
                    continue;
                pairs++;
                right += entries[i].health < entries[j].health
                             ? 1
                             : (entries[i].health > entries[j].health ? 0 : 0.5);
            }
        close_to(rt_ranking_auc(entries, COUNT), right / pairs);
    }
}

static void precision_counts_the_lowest(void **state)
{
    struct rt_ranked entries[] = {{1, true}, {2, false}, {3, true}, {3, false}, {4, true}};

    (void)state;
    close_to(rt_ranking_precision(entries, 5, 1), 1);
    close_to(rt_ranking_precision(entries, 5, 2), 0.5);
    close_to(rt_ranking_precision(entries, 5, 3), 1.5 / 3); /* half of those equal at the edge */
    close_to(rt_ranking_precision(entries, 5, 9), 3.0 / 5);
    assert_true(isnan(rt_ranking_precision(entries, 5, 0)));
    assert_true(isnan(rt_ranking_precision(entries, 0, 3)));
}

static void fifths_hold_everybody(void **state)
{
    struct rt_ranked entries[12];
    size_t left[5], all[5], sum = 0;

    (void)state;
    for (int i = 0; i < 12; i++)
        entries[i] = (struct rt_ranked){12 - i, i >= 9};
    rt_ranking_fifths(entries, 12, left, all);
    for (int i = 0; i < 5; i++)
        sum += all[i];
    assert_int_equal(sum, 12);
    assert_int_equal(left[0], 3);
    assert_int_equal(left[1] + left[2] + left[3] + left[4], 0);
}

/* Two normal populations whose distance gives an AUC of about .76. */
static void draw(struct rt_ranked *entries, size_t count, unsigned *seed)
{
    for (size_t i = 0; i < count; i++) {
        double sum = 0;

        for (int j = 0; j < 12; j++)
            sum += (double)rand_r(seed) / RAND_MAX;
        entries[i].churned = rand_r(seed) % 2 == 0;
        entries[i].health = sum + (entries[i].churned ? 0 : 1);
    }
}

static void bootstrap_holds_the_truth(void **state)
{
    enum { COUNT = 400, SETS = 100, AUC = 760 /* Phi(1 / sqrt 2) in thousandths */ };
    struct rt_ranked entries[COUNT];
    unsigned seed = 7, held = 0;

    (void)state;
    for (int i = 0; i < SETS; i++) {
        struct rt_interval interval;

        draw(entries, COUNT, &seed);
        interval = rt_ranking_bootstrap(entries, COUNT, (uint64_t)i, 200);
        assert_true(interval.low < interval.high);
        held += interval.low <= AUC / 1000.0 && AUC / 1000.0 <= interval.high;
    }
    /* 95 are expected; fewer than 86 or all of them would be another interval. */
    if (held < 86 || held > 99)
        fail_msg("%u of %d intervals hold the AUC", held, SETS);
}

static void bootstrap_follows_its_seed(void **state)
{
    struct rt_ranked entries[100], one_group[] = {{1, true}, {2, true}};
    struct rt_interval first, again, other;
    unsigned seed = 3;

    (void)state;
    draw(entries, 100, &seed);
    first = rt_ranking_bootstrap(entries, 100, 1, 100);
    again = rt_ranking_bootstrap(entries, 100, 1, 100);
    other = rt_ranking_bootstrap(entries, 100, 2, 100);
    close_to(first.low, again.low);
    close_to(first.high, again.high);
    assert_true(fabs(first.low - other.low) > 1e-9);
    assert_true(isnan(rt_ranking_bootstrap(one_group, 2, 1, 100).low));
    assert_true(isnan(rt_ranking_bootstrap(NULL, 0, 1, 100).low));
}

static void medians(void **state)
{
    double odd[] = {3, 1, 2}, even[] = {4, 1, 3, 2};

    (void)state;
    close_to(rt_ranking_median(odd, 3), 2);
    close_to(rt_ranking_median(even, 4), 2.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_no_number),
        cmocka_unit_test(auc_counts_pairs),
        cmocka_unit_test(lift_compares_with_all),
        cmocka_unit_test(auc_agrees_with_counting_every_pair),
        cmocka_unit_test(precision_counts_the_lowest),
        cmocka_unit_test(fifths_hold_everybody),
        cmocka_unit_test(bootstrap_holds_the_truth),
        cmocka_unit_test(bootstrap_follows_its_seed),
        cmocka_unit_test(medians),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

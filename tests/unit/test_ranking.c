/* ROC AUC, lift and medians on cases that can be counted by hand. */
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
        cmocka_unit_test(medians),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

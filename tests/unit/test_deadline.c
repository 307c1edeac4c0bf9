/* The heap of waiting accounts, against a plain search. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/lib/history.h"
#include "workers/deadline.h"

enum { ACCOUNTS = 300 };

static struct rt_account *accounts[ACCOUNTS];

static int make(void **state)
{
    (void)state;
    for (int i = 0; i < ACCOUNTS; i++)
        accounts[i] = rt_account_new(rt_span_text("acme"));
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    for (int i = 0; i < ACCOUNTS; i++)
        rt_account_free(accounts[i]);
    return 0;
}

static void test_empty(void **state)
{
    struct rt_deadlines deadlines = {0};

    (void)state;
    assert_null(rt_deadlines_first(&deadlines));
    rt_deadlines_remove(&deadlines, accounts[0]); /* is not there */
    assert_true(rt_deadlines_set(&deadlines, accounts[0], INT64_MAX));
    assert_null(rt_deadlines_first(&deadlines));
    rt_deadlines_free(&deadlines);
}

static void test_freed_while_they_wait(void **state)
{
    struct rt_deadlines deadlines = {0};

    (void)state;
    assert_true(rt_deadlines_set(&deadlines, accounts[0], 5));
    rt_deadlines_free(&deadlines);
    assert_int_equal(rt_account_wait(accounts[0])->place, UINT32_MAX);
    assert_null(rt_deadlines_first(&deadlines));
}

static void test_waits_for_what_it_stored(void **state)
{
    struct rt_deadlines deadlines = {0};

    (void)state;
    rt_account_wait(accounts[1])->at = 77;
    assert_true(rt_deadlines_add(&deadlines, accounts[1]));
    assert_int_equal(rt_deadlines_first(&deadlines)->at, 77);
    assert_ptr_equal(rt_deadlines_first(&deadlines)->account, accounts[1]);
    rt_deadlines_remove(&deadlines, accounts[1]);
    assert_true(rt_account_wait(accounts[1])->at == INT64_MAX);
    assert_null(rt_deadlines_first(&deadlines));
    rt_deadlines_free(&deadlines);
}

static int64_t earliest(const int64_t at[ACCOUNTS])
{
    int64_t best = INT64_MAX;

    for (int i = 0; i < ACCOUNTS; i++)
        if (at[i] < best)
            best = at[i];
    return best;
}

static void test_against_a_plain_search(void **state)
{
    struct random random = random_from(history_seed());
    struct rt_deadlines deadlines = {0};
    int64_t at[ACCOUNTS];

    (void)state;
    for (int i = 0; i < ACCOUNTS; i++)
        at[i] = INT64_MAX;
    for (int step = 0; step < 20000; step++) {
        size_t i = random_below(&random, ACCOUNTS);
        const struct rt_deadline *first;

        at[i] = random_chance(&random, 0.2) ? INT64_MAX : (int64_t)random_below(&random, 1000);
        if (at[i] == INT64_MAX && random_chance(&random, 0.5))
            rt_deadlines_remove(&deadlines, accounts[i]);
        else
            assert_true(rt_deadlines_set(&deadlines, accounts[i], at[i]));
        first = rt_deadlines_first(&deadlines);
        assert_true((first == NULL ? INT64_MAX : first->at) == earliest(at));
        assert_true(first == NULL || rt_account_wait(first->account)->at == first->at);
        assert_true(rt_account_wait(accounts[i])->at == at[i]);
    }
    rt_deadlines_free(&deadlines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_empty, make, unmake),
        cmocka_unit_test_setup_teardown(test_freed_while_they_wait, make, unmake),
        cmocka_unit_test_setup_teardown(test_waits_for_what_it_stored, make, unmake),
        cmocka_unit_test_setup_teardown(test_against_a_plain_search, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

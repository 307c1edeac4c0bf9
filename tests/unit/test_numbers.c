/* Publication numbers: ascending whatever the clock does, the same for an alert that is said again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/numbers.h"

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct rt_numbers));
    return *state == NULL;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

static void a_clock_that_stands_or_goes_back_gives_no_number_twice(void **state)
{
    bool again;

    assert_int_equal(rt_numbers_give(*state, 8, 1000, &again), 1000);
    assert_false(again);
    assert_int_equal(rt_numbers_give(*state, 16, 1000, &again), 1001);
    assert_int_equal(rt_numbers_give(*state, 24, 10, &again), 1002);
    assert_int_equal(rt_numbers_give(*state, 32, 5000, &again), 5000);
}

static void what_is_on_disk_is_never_given_again(void **state)
{
    bool again;

    rt_numbers_seen(*state, 9000);
    rt_numbers_seen(*state, 70);
    assert_int_equal(rt_numbers_give(*state, 8, 1000, &again), 9001);
}

/* What a daemon gave that died before any of it was kept. */
static void a_new_daemon_begins_beyond_what_was_given_and_not_kept(void **state)
{
    struct rt_numbers *second = calloc(1, sizeof(*second));
    const uint64_t kept = UINT64_C(1790000000000000), back = kept - UINT64_C(3600000000);
    uint64_t given = 0;
    bool again;

    assert_non_null(second);
    rt_numbers_seen(*state, kept);
    rt_numbers_begin(*state, kept + 5);
    assert_int_equal(rt_numbers_give(*state, 8, kept + 5, &again), kept + 6);
    rt_numbers_begin(*state, back); /* the clock was set back */
    for (uint64_t i = 0; i < 1000; i++)
        given = rt_numbers_give(*state, 16 + 8 * i, back, &again);
    rt_numbers_seen(second, kept + 6);
    rt_numbers_begin(second, back + 2000); /* again, two milliseconds later */
    assert_true(rt_numbers_give(second, 8, back + 2000, &again) > given);
    free(second);
}

static void an_alert_said_again_keeps_its_number(void **state)
{
    uint64_t first;
    bool again;

    first = rt_numbers_give(*state, 8, 1000, &again);
    rt_numbers_give(*state, 16, 2000, &again);
    assert_int_equal(rt_numbers_give(*state, 8, 3000, &again), first);
    assert_true(again);
}

/* The same place in the logs of two workers is two alerts. */
static void alerts_of_different_logs_are_told_apart(void **state)
{
    enum { LOGS = 64 };
    uint64_t first[LOGS];
    bool again;

    for (uint64_t log = 1; log < LOGS; log++) {
        first[log] = rt_numbers_give(*state, log << 48 | 4000, 1000, &again);
        assert_false(again);
    }
    for (uint64_t log = 1; log < LOGS; log++) {
        assert_int_equal(rt_numbers_give(*state, log << 48 | 4000, 2000, &again), first[log]);
        assert_true(again);
    }
}

/* All of the newest are known, however they are spread, and no more of older ones than fit. */
static void the_newest_are_known_and_older_ones_are_forgotten(void **state)
{
    const uint64_t count = 3 * RT_NUMBERS_RECENT;
    bool again;

    for (uint64_t i = 1; i <= count; i++) {
        assert_int_equal(rt_numbers_give(*state, i * i, 0, &again), i);
        assert_false(again);
    }
    for (uint64_t i = count; i > count - RT_NUMBERS_RECENT; i--) {
        assert_int_equal(rt_numbers_give(*state, i * i, 0, &again), i);
        assert_true(again);
    }
    assert_int_equal(rt_numbers_give(*state, 1, 0, &again), count + 1);
    assert_false(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_clock_that_stands_or_goes_back_gives_no_number_twice,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_on_disk_is_never_given_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_new_daemon_begins_beyond_what_was_given_and_not_kept,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_alert_said_again_keeps_its_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(alerts_of_different_logs_are_told_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_newest_are_known_and_older_ones_are_forgotten, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

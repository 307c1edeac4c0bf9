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

static void an_alert_said_again_keeps_its_number(void **state)
{
    uint64_t first;
    bool again;

    first = rt_numbers_give(*state, 8, 1000, &again);
    rt_numbers_give(*state, 16, 2000, &again);
    assert_int_equal(rt_numbers_give(*state, 8, 3000, &again), first);
    assert_true(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_clock_that_stands_or_goes_back_gives_no_number_twice,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_on_disk_is_never_given_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_alert_said_again_keeps_its_number, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

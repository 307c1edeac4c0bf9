/* Judging time: never back, held after a jump. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "workers/clock.h"

enum { START = 1000000000, MINUTE = 60000 };

static void never_goes_back(void **state)
{
    struct rt_clock clock = {0};

    (void)state;
    assert_int_equal(rt_clock_advance(&clock, START, 0), START);
    assert_int_equal(rt_clock_advance(&clock, START - MINUTE, 10), START);
    assert_int_equal(rt_clock_advance(&clock, START + MINUTE, MINUTE), START + MINUTE);
}

static void starts_no_earlier_than_what_was_judged(void **state)
{
    struct rt_clock clock = {.judged = START + 5};

    (void)state;
    assert_int_equal(rt_clock_advance(&clock, START, 0), START + 5);
}

static void a_small_step_holds_nothing(void **state)
{
    struct rt_clock clock = {0};

    (void)state;
    rt_clock_advance(&clock, START, 0);
    rt_clock_advance(&clock, START + RT_CLOCK_JUMP_MS, 0);
    assert_false(rt_clock_is_held(&clock, 0));
}

static void a_jump_forward_holds_for_its_time(void **state)
{
    struct rt_clock clock = {0};

    (void)state;
    rt_clock_advance(&clock, START, 0);
    rt_clock_advance(&clock, START + RT_CLOCK_JUMP_MS + 1, 0);
    assert_true(rt_clock_is_held(&clock, RT_CLOCK_HOLD_MS - 1));
    assert_false(rt_clock_is_held(&clock, RT_CLOCK_HOLD_MS));
}

static void a_jump_back_holds_too(void **state)
{
    struct rt_clock clock = {0};

    (void)state;
    rt_clock_advance(&clock, START, 1000);
    rt_clock_advance(&clock, START - 60 * MINUTE, 1001);
    assert_true(rt_clock_is_held(&clock, 1001));
}

static void an_offset_is_no_jump(void **state)
{
    struct rt_clock clock = {0};

    (void)state;
    rt_clock_advance(&clock, START, 0);
    clock.offset = 100 * MINUTE;
    assert_int_equal(rt_clock_advance(&clock, START + 1, 1), START + 1 + 100 * MINUTE);
    assert_false(rt_clock_is_held(&clock, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_goes_back),
        cmocka_unit_test(starts_no_earlier_than_what_was_judged),
        cmocka_unit_test(a_small_step_holds_nothing),
        cmocka_unit_test(a_jump_forward_holds_for_its_time),
        cmocka_unit_test(a_jump_back_holds_too),
        cmocka_unit_test(an_offset_is_no_jump),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

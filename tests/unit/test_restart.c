/* Restarts: pauses, failure, blame. */
#include <signal.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/restart.h"

static void pauses_double_up_to_thirty_seconds(void **state)
{
    struct rt_restart restart = {0};
    const int64_t pauses[] = {100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000};

    (void)state;
    for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++) {
        rt_restart_ready(&restart, 1000 * (int64_t)(i + 1));
        assert_int_equal(rt_restart_lost(&restart, 1000 * (int64_t)(i + 1) + 1, 100), pauses[i]);
        assert_false(rt_restart_failed(&restart));
    }
}

static void a_minute_of_health_forgives(void **state)
{
    struct rt_restart restart = {0};

    (void)state;
    rt_restart_ready(&restart, 1);
    assert_int_equal(rt_restart_lost(&restart, 2, 100), 100);
    rt_restart_ready(&restart, 10);
    assert_int_equal(rt_restart_lost(&restart, 10 + RT_RESTART_HEALTHY - 1, 100), 200);
    rt_restart_ready(&restart, 100);
    assert_int_equal(rt_restart_lost(&restart, 100 + RT_RESTART_HEALTHY, 100), 100);
}

static void what_was_cured_begins_again_with_the_first_pause(void **state)
{
    struct rt_restart restart = {0};

    (void)state;
    for (int64_t i = 1; i < 8; i++) {
        rt_restart_ready(&restart, i);
        rt_restart_lost(&restart, i, 100);
    }
    rt_restart_cured(&restart);
    rt_restart_ready(&restart, 10);
    assert_int_equal(rt_restart_lost(&restart, 11, 100), 100);
}

static void five_early_losses_are_a_failure(void **state)
{
    struct rt_restart restart = {0};

    (void)state;
    for (int i = 1; i < RT_RESTART_EARLY; i++) {
        assert_true(rt_restart_lost(&restart, i, 100) < RT_RESTART_PAUSE_MAX);
        assert_false(rt_restart_failed(&restart));
    }
    assert_int_equal(rt_restart_lost(&restart, 9, 100), RT_RESTART_PAUSE_MAX);
    assert_true(rt_restart_failed(&restart));
    rt_restart_ready(&restart, 50);
    assert_false(rt_restart_failed(&restart));
}

static void kills_from_outside_and_exits_blame_nobody(void **state)
{
    const int innocent[] = {0, 1 << 8, 74 << 8, SIGKILL, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGBUS};
    const int guilty[] = {SIGSEGV, SIGABRT, SIGFPE, SIGILL, SIGSYS};

    (void)state;
    for (size_t i = 0; i < sizeof innocent / sizeof *innocent; i++) {
        assert_false(rt_restart_blames_events(innocent[i], false));
        assert_true(rt_restart_blames_events(innocent[i], true));
    }
    for (size_t i = 0; i < sizeof guilty / sizeof *guilty; i++) {
        assert_true(rt_restart_blames_events(guilty[i], false));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_double_up_to_thirty_seconds),
        cmocka_unit_test(a_minute_of_health_forgives),
        cmocka_unit_test(what_was_cured_begins_again_with_the_first_pause),
        cmocka_unit_test(five_early_losses_are_a_failure),
        cmocka_unit_test(kills_from_outside_and_exits_blame_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Conversations: the eight newest, who wrote last, who waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "workers/thread.h"

static void mail(struct rt_threads **threads, char name, int64_t ts, bool ours)
{
    assert_true(rt_threads_reserve(threads));
    rt_threads_mail(*threads, rt_span(&name, 1), ts, ours);
}

static bool waits(const struct rt_threads *threads, int64_t now, int64_t *since)
{
    return rt_threads_waiting(threads, now, 10, since);
}

static void test_nobody_waits(void **state)
{
    struct rt_threads *threads = NULL;
    int64_t since = -1;

    (void)state;
    assert_false(waits(NULL, 1000, &since));
    mail(&threads, 'a', 100, false);
    assert_false(waits(threads, 110, &since)); /* within grace */
    assert_false(waits(threads, 90, &since));  /* not yet sent */
    mail(&threads, 'a', 120, true);
    assert_false(waits(threads, 1000, &since));
    mail(&threads, 'b', 120, true);
    mail(&threads, 'b', 120, false); /* at one moment ours counts */
    assert_false(waits(threads, 1000, &since));
    assert_int_equal(since, -1);
    free(threads);
}

static void test_the_earliest_wait(void **state)
{
    struct rt_threads *threads = NULL;
    int64_t since;

    (void)state;
    mail(&threads, 'a', 100, false);
    mail(&threads, 'b', 50, false);
    mail(&threads, 'c', 10, true);
    assert_true(waits(threads, 1000, &since));
    assert_int_equal(since, 50);
    mail(&threads, 'b', 60, true);
    assert_true(waits(threads, 1000, &since));
    assert_int_equal(since, 100);
    mail(&threads, 'a', 90, true); /* late news of the past */
    assert_true(waits(threads, 1000, &since));
    free(threads);
}

/* A thousand mails in two orders leave the same eight. */
static void test_the_newest_eight_in_any_order(void **state)
{
    struct rt_threads *up = NULL, *down = NULL;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        int j = 999 - i;

        mail(&up, (char)('a' + i * 7 % 20), i * 13 % 500, i % 3 == 0);
        mail(&down, (char)('a' + j * 7 % 20), j * 13 % 500, j % 3 == 0);
    }
    assert_int_equal(up->count, RT_THREADS);
    for (unsigned i = 0; i < RT_THREADS; i++) {
        assert_int_equal(up->threads[i].hash, down->threads[i].hash);
        assert_int_equal(up->threads[i].ts, down->threads[i].ts);
        assert_int_equal(up->threads[i].ours, down->threads[i].ours);
        assert_true(i == 0 || up->threads[i].ts <= up->threads[i - 1].ts);
    }
    free(up);
    free(down);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_waits),
        cmocka_unit_test(test_the_earliest_wait),
        cmocka_unit_test(test_the_newest_eight_in_any_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

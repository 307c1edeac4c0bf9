/* Active days, first and last contact, breadth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "protocol/limits.h"
#include "workers/activity.h"

static const struct rt_span nobody = {NULL, 0};

static struct rt_activity empty(void)
{
    struct rt_activity activity;

    rt_activity_init(&activity);
    return activity;
}

static void on_day(struct rt_activity *activity, int32_t day)
{
    rt_activity_contact(activity, day * RT_DAY_MS + 5, nobody);
}

static void test_nothing(void **state)
{
    struct rt_activity activity = empty();

    (void)state;
    assert_false(rt_activity_any(&activity));
    assert_int_equal(rt_activity_count(&activity), 0);
    assert_int_equal(rt_activity_between(&activity, 0, 30000), 0);
    assert_int_equal(rt_activity_people(&activity, 0), 0);
    assert_false(rt_activity_on(&activity, 0));
}

static void test_far_moments_are_held_within_bounds(void **state)
{
    struct rt_activity activity = empty();

    (void)state;
    rt_activity_contact(&activity, 0, rt_span_text("a"));
    assert_true(rt_activity_any(&activity));
    assert_int_equal(rt_activity_people(&activity, 0), 1);
    rt_activity_contact(&activity, INT64_MAX, rt_span_text("a"));
    assert_int_equal(activity.last, INT64_MAX);
    assert_int_equal(rt_activity_count(&activity), 1);
    rt_activity_contact(&activity, INT64_MAX - 1, rt_span_text("a"));
    assert_int_equal(rt_activity_people(&activity, 2000000), 1);
}

static void test_a_day_counts_once(void **state)
{
    struct rt_activity activity = empty();

    (void)state;
    rt_activity_contact(&activity, 100 * RT_DAY_MS, nobody);
    rt_activity_contact(&activity, 101 * RT_DAY_MS - 1, nobody);
    assert_int_equal(rt_activity_count(&activity), 1);
    rt_activity_contact(&activity, 101 * RT_DAY_MS, nobody);
    assert_int_equal(rt_activity_count(&activity), 2);
    assert_int_equal(activity.first, 100 * RT_DAY_MS);
    assert_int_equal(activity.last, 101 * RT_DAY_MS);
}

static void test_the_window_ends_at_the_newest_day(void **state)
{
    struct rt_activity activity = empty();

    (void)state;
    on_day(&activity, 1000);
    on_day(&activity, 1000 - 511);
    on_day(&activity, 1000 - 512); /* out of it */
    assert_int_equal(rt_activity_count(&activity), 2);
    assert_true(rt_activity_on(&activity, 1000 - 511));
    assert_false(rt_activity_on(&activity, 1000 - 512));
    on_day(&activity, 1001); /* moves it: the oldest falls off */
    assert_int_equal(rt_activity_count(&activity), 2);
    assert_false(rt_activity_on(&activity, 1000 - 511));
    on_day(&activity, 1001 + 512);
    assert_int_equal(rt_activity_count(&activity), 1);
    assert_int_equal(activity.first, (1000 - 512) * RT_DAY_MS + 5);
}

/* Every distance a day can move by, against a plain array. */
static void test_moving_keeps_every_day(void **state)
{
    (void)state;
    for (int32_t by = 1; by <= 600; by++) {
        struct rt_activity activity = empty();

        for (int32_t day = 1000; day > 1000 - 512; day -= 1 + day % 7)
            on_day(&activity, day);
        struct rt_activity before = activity;
        on_day(&activity, 1000 + by);
        for (int32_t day = 1000; day > 1000 - 520; day--)
            assert_int_equal(rt_activity_on(&activity, day),
                             rt_activity_on(&before, day) && 1000 + by - day < 512);
    }
}

static void test_days_between(void **state)
{
    struct rt_activity activity = empty();

    (void)state;
    for (int32_t day = 1000; day > 500; day -= 3)
        on_day(&activity, day);
    for (int32_t from = 480; from < 1010; from += 7)
        for (int32_t to = from; to < 1010; to += 11) {
            unsigned count = 0;

            for (int32_t day = from; day < to; day++)
                count += rt_activity_on(&activity, day);
            assert_int_equal(rt_activity_between(&activity, from, to), count);
        }
}

static void test_start_of_what_is_known(void **state)
{
    struct rt_activity activity = empty();

    (void)state;
    on_day(&activity, 1000);
    on_day(&activity, 990);
    assert_int_equal(rt_activity_start(&activity), 990 * RT_DAY_MS + 5);
    on_day(&activity, 10); /* before the window */
    assert_int_equal(rt_activity_start(&activity), 990 * RT_DAY_MS);
}

static void test_people_within_a_time(void **state)
{
    struct rt_activity activity = empty();

    (void)state;
    rt_activity_contact(&activity, 100 * RT_DAY_MS, rt_span_text("a"));
    rt_activity_contact(&activity, 100 * RT_DAY_MS, rt_span_text("a"));
    assert_int_equal(rt_activity_people(&activity, 100), 1);
    assert_int_equal(rt_activity_people(&activity, 101), 0);
    for (char name = 'b'; name <= 'z'; name++)
        rt_activity_contact(&activity, 200 * RT_DAY_MS, rt_span(&name, 1));
    assert_in_range(rt_activity_people(&activity, 0), 8, RT_ACTIVITY_PEOPLE);
    assert_in_range(rt_activity_people(&activity, 200), 8, RT_ACTIVITY_PEOPLE);
}

static void test_the_newest_visit_counts(void **state)
{
    struct rt_activity activity = empty();
    int32_t day = 7;

    (void)state;
    assert_false(rt_activity_visited(&activity, &day));
    assert_int_equal(day, 7);
    for (int32_t on = 105; on > 95; on -= 3) { /* in any order */
        rt_activity_visit(&activity, on * RT_DAY_MS + 5);
        assert_true(rt_activity_visited(&activity, &day));
        assert_int_equal(day, 105);
    }
    rt_activity_visit(&activity, INT64_MAX); /* beyond what two bytes can say */
    assert_true(rt_activity_visited(&activity, &day));
    assert_int_equal(day, UINT16_MAX - 1);
}

static void test_the_newest_day_of_some(void **state)
{
    struct rt_activity activity = empty();

    (void)state;
    assert_int_equal(rt_activity_newest_in(&activity, 0, 100), -1);
    on_day(&activity, 100);
    on_day(&activity, 110);
    assert_int_equal(rt_activity_newest_in(&activity, 90, 110), 100);
    assert_int_equal(rt_activity_newest_in(&activity, 90, 111), 110);
    assert_int_equal(rt_activity_newest_in(&activity, 101, 110), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_far_moments_are_held_within_bounds),
        cmocka_unit_test(test_a_day_counts_once),
        cmocka_unit_test(test_the_window_ends_at_the_newest_day),
        cmocka_unit_test(test_moving_keeps_every_day),
        cmocka_unit_test(test_days_between),
        cmocka_unit_test(test_start_of_what_is_known),
        cmocka_unit_test(test_people_within_a_time),
        cmocka_unit_test(test_the_newest_visit_counts),
        cmocka_unit_test(test_the_newest_day_of_some),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

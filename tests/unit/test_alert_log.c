/* The history of alerts: order by publication number, whatever order they come in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "workers/alert_log.h"

static void add(struct rt_alert_log *log, rt_position position, uint64_t number, int64_t published)
{
    struct rt_alert_entry entry = {
        .position = position, .number = number, .published = published, .partition = 1};

    assert_true(rt_alert_log_add(log, &entry));
}

static void an_unknown_alert_gets_no_number(void **state)
{
    struct rt_alert_log log = {0};

    (void)state;
    assert_null(rt_alert_log_publish(&log, 8, 1));
    add(&log, 8, 0, 0);
    assert_null(rt_alert_log_publish(&log, 16, 3));
    assert_int_equal(log.newest,
                     3); /* it was given all the same: a daemon must not give it again */
    rt_alert_log_free(&log);
}

static void a_number_is_given_once(void **state)
{
    struct rt_alert_log log = {0};

    (void)state;
    add(&log, 8, 0, 0);
    assert_int_equal(rt_alert_log_publish(&log, 8, 5)->number, 5);
    assert_int_equal(rt_alert_log_publish(&log, 8, 6)->number, 5);
    assert_int_equal(log.newest, 6);
    rt_alert_log_free(&log);
}

/* Numbers come out of order after a crash: the list stays sorted, those without one stay last. */
static void late_numbers_find_their_place(void **state)
{
    struct rt_alert_log log = {0};

    (void)state;
    rt_alert_log_settle(&log);
    for (rt_position position = 8; position <= 48; position += 8)
        add(&log, position, 0, 0);
    rt_alert_log_publish(&log, 16, 20);
    rt_alert_log_publish(&log, 32, 40);
    rt_alert_log_publish(&log, 8, 30);
    rt_alert_log_publish(&log, 48, 10);
    assert_int_equal(log.entries[0].position, 48);
    assert_int_equal(log.entries[1].position, 16);
    assert_int_equal(log.entries[2].position, 8);
    assert_int_equal(log.entries[3].position, 32);
    assert_int_equal(log.entries[4].position, 24);
    assert_int_equal(log.entries[5].position, 40);
    assert_int_equal(rt_alert_log_after(&log, 0), 0);
    assert_int_equal(rt_alert_log_after(&log, 20), 2);
    assert_int_equal(rt_alert_log_after(&log, UINT64_MAX), 4);
    rt_alert_log_free(&log);
}

static void settling_sorts_and_drops_doubles(void **state)
{
    struct rt_alert_log log = {0};

    (void)state;
    add(&log, 24, 0, 0);
    add(&log, 16, 9, 0);
    add(&log, 8, 11, 0);
    add(&log, 16, 9, 0);
    rt_alert_log_settle(&log);
    assert_int_equal(log.count, 3);
    assert_int_equal(log.entries[0].position, 16);
    assert_int_equal(log.entries[1].position, 8);
    assert_int_equal(log.entries[2].position, 24);
    rt_alert_log_free(&log);
}

static bool goes(void *context, const struct rt_alert_entry *entry)
{
    return context == NULL || entry->number != *(const uint64_t *)context;
}

static void what_is_old_goes_and_is_remembered(void **state)
{
    struct rt_alert_log log = {0};

    (void)state;
    add(&log, 8, 1, 100);
    add(&log, 16, 2, 200);
    add(&log, 24, 3, 300);
    rt_alert_log_expire(&log, 250, goes, NULL);
    assert_int_equal(log.gone, 2);
    assert_int_equal(log.entries[rt_alert_log_after(&log, 0)].number, 3);
    rt_alert_log_remove(&log, 24);
    assert_int_equal(rt_alert_log_after(&log, 0), log.count);
    rt_alert_log_free(&log);
}

static void what_is_still_needed_stays_in_its_place(void **state)
{
    struct rt_alert_log log = {.settled = true};
    uint64_t needed = 3;

    (void)state;
    for (uint64_t number = 1; number <= 4; number++)
        add(&log, number * 8, number, (int64_t)number * 100);
    for (int i = 0; i < 2; i++) {
        rt_alert_log_expire(&log, 350, goes, &needed);
        assert_int_equal(log.gone, 3);
        assert_int_equal(log.count - log.first, 2);
        assert_int_equal(log.entries[log.first].number, 3);
        assert_int_equal(log.entries[rt_alert_log_after(&log, log.gone)].number, 4);
    }
    rt_alert_log_expire(&log, 350, goes, NULL);
    assert_int_equal(log.entries[log.first].number, 4);
    rt_alert_log_free(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_alert_gets_no_number),
        cmocka_unit_test(a_number_is_given_once),
        cmocka_unit_test(late_numbers_find_their_place),
        cmocka_unit_test(settling_sorts_and_drops_doubles),
        cmocka_unit_test(what_is_old_goes_and_is_remembered),
        cmocka_unit_test(what_is_still_needed_stays_in_its_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Curves of scores: points of days and weeks against a plain list, the closed form, the points that
 * wait, and the bytes of their file. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/lib/bad_disk.h"
#include "tests/lib/interaction.h"
#include "workers/curve_file.h"
#include "workers/score.h"

enum { TODAY = 20000, PARTITION = 7, DAYS = 1000, MOST = 1 << 20 };

static const int64_t NOON = TODAY * RT_DAY_MS + RT_DAY_MS / 2;
static const struct rt_curve_key key = {1, 2}, other = {3, 1};

static struct rt_config config;

static const struct rt_tier *tier(void)
{
    return &config.tiers[0];
}

/* ---- points ---------------------------------------------------------------------------------- */

/* Days with points at random: what is within the window is what was put, and nothing else is. */
static void a_curve_remembers_days_and_weeks(void **state)
{
    struct random random = random_from(history_seed());

    (void)state;
    for (int round = 0; round < 50; round++) {
        static uint8_t put[DAYS];
        struct rt_curve curve;
        double often = random_unit(&random);

        rt_curve_init(&curve);
        memset(put, RT_CURVE_UNKNOWN, sizeof(put));
        for (int32_t day = 0; day < DAYS; day++) {
            if (!random_chance(&random, often))
                continue;
            put[day] = (uint8_t)random_below(&random, 201);
            rt_curve_put(&curve, day, put[day]);
            rt_curve_put(&curve, day, 77);     /* has one already */
            rt_curve_put(&curve, day - 1, 77); /* and so is over */
        }
        for (int32_t day = 0; day < DAYS; day++) {
            bool recent = day > curve.last - RT_CURVE_DAYS;
            bool week = day % 7 == RT_CURVE_WEEK_ENDS && day > curve.last - RT_CURVE_WEEKS * 7;

            assert_int_equal(rt_curve_day(&curve, day), recent ? put[day] : RT_CURVE_UNKNOWN);
            assert_int_equal(rt_curve_week(&curve, day), week ? put[day] : RT_CURVE_UNKNOWN);
        }
    }
}

static void an_empty_curve_knows_nothing(void **state)
{
    struct rt_curve curve;

    (void)state;
    rt_curve_init(&curve);
    for (int32_t day = -800; day < 800; day++) {
        assert_int_equal(rt_curve_day(&curve, day), RT_CURVE_UNKNOWN);
        assert_int_equal(rt_curve_week(&curve, day), RT_CURVE_UNKNOWN);
    }
}

static uint8_t value_at(const struct rt_account *account, int32_t day)
{
    return (uint8_t)(rt_score_value(tier(), account, (day + INT64_C(1)) * RT_DAY_MS) * 2 + 0.5);
}

/* The days since the last contact, whether they were noted by and by or looked at in the end. */
static void the_closed_form_fills_what_is_missing(void **state)
{
    struct rt_account *account = customer(NOON - 800 * RT_DAY_MS, 20, 3);
    struct rt_curve looked, noted;
    struct rt_buffer points = {0};

    (void)state;
    rt_curve_init(&looked);
    rt_curve_init(&noted);
    rt_curve_complete(&looked, tier(), account, NOON);
    for (int32_t day = TODAY - 90; day < TODAY; day++)
        assert_int_equal(rt_curve_day(&looked, day), value_at(account, day));
    for (int32_t day = TODAY - 700; day < TODAY; day++)
        if (day % 7 == RT_CURVE_WEEK_ENDS)
            assert_int_equal(rt_curve_week(&looked, day), value_at(account, day));
    assert_int_equal(rt_curve_day(&looked, TODAY), RT_CURVE_UNKNOWN);
    for (int i = 40; i >= 0; i -= 10)
        rt_curve_note(&points, MOST, &key, tier(), account, NOON - i * RT_DAY_MS);
    rt_curve_take(&noted, rt_buffer_span(&points), &other);
    assert_int_equal(noted.last, -1);
    rt_curve_take(&noted, rt_buffer_span(&points), &key);
    assert_int_equal(noted.last, looked.last);
    assert_memory_equal(noted.days, looked.days, sizeof(noted.days));
    assert_memory_equal(noted.weeks, looked.weeks, sizeof(noted.weeks));
    rt_buffer_free(&points);
    rt_account_free(account);
}

/* One day is what completing the curve leaves there, with and without points that were kept. */
static void one_day_is_that_of_the_whole(void **state)
{
    struct rt_account *account = customer(NOON - 20 * RT_DAY_MS, 20, 3);

    (void)state;
    for (int kept = 0; kept < 2; kept++) {
        struct rt_curve curve, whole;

        rt_curve_init(&curve);
        for (int32_t day = TODAY - 40; kept > 0 && day < TODAY - 10; day += 2)
            rt_curve_put(&curve, day, 77);
        whole = curve;
        rt_curve_complete(&whole, tier(), account, NOON);
        for (int32_t day = TODAY - 89; day < TODAY; day++)
            assert_int_equal(rt_curve_at(kept > 0 ? &curve : NULL, tier(), account, day),
                             rt_curve_day(&whole, day));
    }
    rt_account_free(account);
}

/* Nothing is due on the day of the last contact, nor without one; nor is there ever more than fits. */
static void what_is_not_due_is_not_noted(void **state)
{
    struct rt_account *account = customer(NOON - RT_HOUR_MS, 20, 3);
    struct rt_account *nobody = rt_account_new(rt_span_text("nobody"));
    struct rt_buffer points = {0};

    (void)state;
    rt_curve_note(&points, MOST, &key, tier(), nobody, NOON);
    rt_curve_note(&points, MOST, &key, tier(), account, NOON);
    assert_int_equal(points.size, 0);
    rt_curve_note(&points, 18 + 5 - 1, &key, tier(), account, NOON + RT_DAY_MS);
    assert_int_equal(points.size, 0);
    rt_curve_note(&points, 18 + 5, &key, tier(), account, NOON + RT_DAY_MS);
    assert_int_equal(points.size, 18 + 5);
    rt_buffer_free(&points);
    rt_account_free(account);
    rt_account_free(nobody);
}

static void add_entry(struct rt_buffer *points, const struct rt_curve_key *whose, int32_t day,
                      uint8_t value)
{
    rt_put_u64(points, whose->low);
    rt_put_u64(points, whose->high);
    rt_put_u16(points, 1);
    rt_put_u32(points, (uint32_t)day);
    rt_put_u8(points, value);
}

static void one_account_is_dropped(void **state)
{
    struct rt_buffer points = {0};
    struct rt_curve curve;

    (void)state;
    for (int32_t day = 100; day < 110; day++)
        add_entry(&points, day % 3 == 0 ? &key : &other, day, (uint8_t)day);
    rt_curve_drop(&points, &key);
    rt_curve_init(&curve);
    rt_curve_take(&curve, rt_buffer_span(&points), &key);
    assert_int_equal(curve.last, -1);
    rt_curve_take(&curve, rt_buffer_span(&points), &other);
    for (int32_t day = 100; day < 110; day++)
        assert_int_equal(rt_curve_day(&curve, day), day % 3 == 0 ? RT_CURVE_UNKNOWN : day);
    rt_curve_drop(&points, &other);
    assert_int_equal(points.size, 0);
    rt_buffer_free(&points);
}

/* ---- the file -------------------------------------------------------------------------------- */

/* Five accounts, three days each, in two goes. */
static void make_table(struct rt_curve_table *table)
{
    struct rt_buffer points = {0};

    *table = (struct rt_curve_table){0};
    for (int go = 0; go < 2; go++) {
        rt_buffer_clear(&points);
        for (uint64_t i = 5; i > 0; i--) {
            struct rt_curve_key whose = {i * 7919 % 11, i % 3};

            add_entry(&points, &whose, 500 + go, (uint8_t)(i + 10));
            add_entry(&points, &whose, 501 + go, (uint8_t)(i + 20));
        }
        assert_true(rt_curve_table_take(table, rt_buffer_span(&points)));
    }
    rt_buffer_free(&points);
}

static void the_file_keeps_it_in_order(void **state)
{
    struct rt_curve_table table, again;
    struct rt_curve_fault fault;
    struct rt_buffer bytes = {0}, same = {0};

    (void)state;
    make_table(&table);
    assert_int_equal(table.count, 5);
    rt_curve_table_encode(&table, PARTITION, &bytes);
    assert_int_equal(bytes.size, RT_CURVE_HEADER + 5 * RT_CURVE_RECORD);
    assert_true(rt_curve_table_decode(rt_buffer_span(&bytes), PARTITION, &again, &fault));
    assert_null(fault.what);
    assert_int_equal(again.count, 5);
    rt_curve_table_encode(&again, PARTITION, &same);
    assert_true(rt_span_equal(rt_buffer_span(&same), rt_buffer_span(&bytes)));
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(table.all[i].curve.last, 502);
        /* the day that was in both goes has what the first said */
        assert_int_equal(rt_curve_day(&table.all[i].curve, 501),
                         rt_curve_day(&table.all[i].curve, 500) + 10);
        assert_true(i == 0 || rt_curve_key_compare(&table.all[i - 1].key, &table.all[i].key) < 0);
    }
    rt_curve_table_remove(&again, &table.all[2].key);
    rt_curve_table_remove(&again, &table.all[2].key);
    assert_int_equal(again.count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(rt_curve_key_compare(&again.all[i].key, &table.all[i < 2 ? i : i + 1].key),
                         0);
    rt_curve_table_free(&table);
    rt_curve_table_free(&again);
    rt_buffer_free(&bytes);
    rt_buffer_free(&same);
}

/* Every byte that changes is noticed, and costs one record or, in the header, all. */
static void every_damaged_byte_is_noticed(void **state)
{
    struct rt_curve_table table, again;
    struct rt_curve_fault fault;
    struct rt_buffer bytes = {0};

    (void)state;
    make_table(&table);
    rt_curve_table_encode(&table, PARTITION, &bytes);
    for (size_t at = 0; at < bytes.size; at++) {
        bytes.data[at] ^= 0x20;
        assert_true(rt_curve_table_decode(rt_buffer_span(&bytes), PARTITION, &again, &fault));
        assert_non_null(fault.what);
        assert_int_equal(again.count, at < RT_CURVE_HEADER ? 0 : 4);
        assert_true(fault.offset <= at);
        rt_curve_table_free(&again);
        bytes.data[at] ^= 0x20;
    }
    for (size_t size = 0; size < bytes.size; size++) {
        assert_true(rt_curve_table_decode(rt_span(bytes.data, size), PARTITION, &again, &fault));
        assert_non_null(fault.what);
        rt_curve_table_free(&again);
    }
    rt_buffer_append(&bytes, "x", 1);
    assert_true(rt_curve_table_decode(rt_buffer_span(&bytes), PARTITION, &again, &fault));
    assert_non_null(fault.what);
    assert_int_equal(again.count, 5);
    rt_curve_table_free(&again);
    assert_true(rt_curve_table_decode(rt_buffer_span(&bytes), PARTITION + 1, &again, &fault));
    assert_int_equal(again.count, 0);
    rt_curve_table_free(&table);
    rt_buffer_free(&bytes);
}

/* A point of two accounts for one day. */
static bool take_day(const char *folder, int32_t day)
{
    struct rt_buffer points = {0};
    char error[256];
    bool taken;

    add_entry(&points, &key, day, 10);
    add_entry(&points, &other, day, 20);
    taken =
        rt_curve_file_take(folder, PARTITION, rt_buffer_span(&points), NULL, error, sizeof(error));
    rt_buffer_free(&points);
    return taken;
}

/* The newest day of both, which is the same; -1: there is none. */
static int32_t last_day(const char *folder)
{
    struct rt_curve one, two;

    if (!rt_curve_file_find(folder, PARTITION, &key, &one)) {
        assert_false(rt_curve_file_find(folder, PARTITION, &other, &two));
        return -1;
    }
    assert_true(rt_curve_file_find(folder, PARTITION, &other, &two));
    assert_int_equal(one.last, two.last);
    assert_int_equal(rt_curve_day(&one, one.last), 10);
    assert_int_equal(rt_curve_day(&two, two.last), 20);
    return one.last;
}

static bool take_with(enum rt_bad_mode mode, long at, uint64_t seed, int before)
{
    char *folder = rt_scratch_new();
    bool taken;
    long calls;
    int32_t last;

    for (int32_t day = 0; day < before; day++)
        assert_true(take_day(folder, 500 + day));
    last = last_day(folder);
    rt_bad_disk_begin(mode, at, EIO);
    taken = take_day(folder, 600);
    calls = rt_bad_disk_end();
    if (mode == RT_BAD_POWER)
        rt_bad_disk_restore(seed);
    if (taken)
        assert_int_equal(last_day(folder), 600);
    else
        assert_true(last_day(folder) == last || last_day(folder) == 600);
    assert_true(take_day(folder, 700));
    assert_int_equal(last_day(folder), 700);
    rt_scratch_remove(folder);
    return calls >= at;
}

/* Whatever call fails, or is the last before a crash or a power cut: the file is the old or the new. */
static void a_stop_at_any_call_leaves_a_good_one(void **state)
{
    static const enum rt_bad_mode modes[] = {RT_BAD_STOP, RT_BAD_POWER, RT_BAD_FAIL, RT_BAD_SHORT};

    (void)state;
    for (int before = 0; before < 3; before++)
        for (size_t m = 0; m < sizeof(modes) / sizeof(modes[0]); m++)
            for (uint64_t seed = 0; seed < (modes[m] == RT_BAD_POWER ? 5 : 1); seed++)
                for (long at = 1; take_with(modes[m], at, seed, before); at++) {
                }
}

/* Without an account, also where the file is damaged: nothing of it is left. */
static void an_erased_account_is_in_no_byte(void **state)
{
    char *folder = rt_scratch_new(), error[256];
    struct rt_curve curve;
    uint8_t *bytes;
    size_t size;

    (void)state;
    assert_true(rt_curve_file_take(folder, PARTITION, rt_span(NULL, 0), &key, error, 256));
    assert_false(rt_curve_file_find(folder, PARTITION, &key, &curve));
    assert_true(take_day(folder, 500));
    assert_true(rt_curve_file_take(folder, PARTITION, rt_span(NULL, 0), &key, error, 256));
    assert_false(rt_curve_file_find(folder, PARTITION, &key, &curve));
    assert_true(rt_curve_file_find(folder, PARTITION, &other, &curve));
    assert_true(take_day(folder, 501));
    bytes = rt_scratch_read(folder, "curves/0007.curve", &size);
    bytes[0] ^= 1;
    rt_scratch_write(folder, "curves/0007.curve", bytes, size);
    free(bytes);
    assert_true(rt_curve_file_take(folder, PARTITION, rt_span(NULL, 0), &key, error, 256));
    bytes = rt_scratch_read(folder, "curves/0007.curve", &size);
    assert_int_equal(size, RT_CURVE_HEADER);
    free(bytes);
    rt_scratch_remove(folder);
}

static int set_up(void **state)
{
    (void)state;
    rt_config_init(&config);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_curve_remembers_days_and_weeks),
        cmocka_unit_test(an_empty_curve_knows_nothing),
        cmocka_unit_test(the_closed_form_fills_what_is_missing),
        cmocka_unit_test(one_day_is_that_of_the_whole),
        cmocka_unit_test(what_is_not_due_is_not_noted),
        cmocka_unit_test(one_account_is_dropped),
        cmocka_unit_test(the_file_keeps_it_in_order),
        cmocka_unit_test(every_damaged_byte_is_noticed),
        cmocka_unit_test(a_stop_at_any_call_leaves_a_good_one),
        cmocka_unit_test(an_erased_account_is_in_no_byte),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}

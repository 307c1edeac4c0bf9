/* Amounts in buckets of four weeks: windows, order, saturation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "workers/cells.h"

static void add(struct rt_cells **cells, uint16_t bucket, enum rt_cell_kind kind, uint32_t amount,
                int32_t last)
{
    assert_true(rt_cells_reserve(cells, 1));
    rt_cells_add(*cells, bucket, kind, amount, last);
}

static uint32_t amount_of(const struct rt_cells *cells, unsigned bucket, enum rt_cell_kind kind)
{
    for (unsigned i = 0; i < cells->count; i++)
        if (cells->cells[i].bucket == bucket && cells->cells[i].kind == kind)
            return cells->cells[i].amount;
    return 0;
}

static void test_nothing(void **state)
{
    (void)state;
    assert_int_equal(rt_cells_newest_good(NULL), -1);
    assert_int_equal(rt_cells_bytes(NULL), 0);
    rt_cells_trim(NULL, 5);
}

static void test_no_room_for_more_than_there_can_be(void **state)
{
    struct rt_cells *cells = NULL;

    (void)state;
    assert_false(rt_cells_reserve(&cells, 70000));
    assert_null(cells);
}

static void test_buckets(void **state)
{
    (void)state;
    assert_int_equal(rt_cells_bucket(-1), 0);
    assert_int_equal(rt_cells_bucket(0), 0);
    assert_int_equal(rt_cells_bucket(28 * RT_DAY_MS - 1), 0);
    assert_int_equal(rt_cells_bucket(28 * RT_DAY_MS), 1);
    assert_int_equal(rt_cells_bucket(INT64_MAX), RT_CELL_MAX_BUCKET);
}

static void test_a_sum_stays_at_its_limit(void **state)
{
    struct rt_cells *cells = NULL;

    (void)state;
    add(&cells, 700, RT_CELL_ANSWERED, UINT32_MAX - 1, 700);
    add(&cells, 700, RT_CELL_ANSWERED, 5, 700);
    assert_int_equal(amount_of(cells, 700, RT_CELL_ANSWERED), UINT32_MAX);
    add(&cells, 700, RT_CELL_ANSWERED, 0, 700);
    assert_int_equal(cells->count, 1);
    free(cells);
}

static void test_sorted_whatever_the_order(void **state)
{
    struct rt_cells *cells = NULL;

    (void)state;
    for (unsigned i = 0; i < 300; i++)
        add(&cells, (uint16_t)(700 - i * 37 % 60), (enum rt_cell_kind)(i * 5 % RT_CELL_KINDS), 1,
            700);
    for (unsigned i = 1; i < cells->count; i++) {
        const struct rt_cell *a = &cells->cells[i - 1], *b = &cells->cells[i];

        assert_true(a->bucket < b->bucket || (a->bucket == b->bucket && a->kind < b->kind));
    }
    free(cells);
}

static void test_good_ones_follow_the_newest_good_one(void **state)
{
    struct rt_cells *cells = NULL;

    (void)state;
    add(&cells, 700, RT_CELL_HELD, 1, 700);
    add(&cells, 700 - 63, RT_CELL_HELD, 1, 700);
    add(&cells, 700 - 64, RT_CELL_HELD, 1, 700);
    assert_int_equal(cells->count, 2);
    add(&cells, 705, RT_CELL_NO_SHOW, 1, 700); /* a bad one moves nothing */
    assert_int_equal(amount_of(cells, 700 - 63, RT_CELL_HELD), 1);
    assert_int_equal(rt_cells_newest_good(cells), 700);
    add(&cells, 701, RT_CELL_ANSWERED, 1, 700);
    assert_int_equal(amount_of(cells, 700 - 63, RT_CELL_HELD), 0);
    assert_int_equal(rt_cells_newest_good(cells), 701);
    free(cells);
}

static void test_bad_ones_follow_the_last_contact(void **state)
{
    struct rt_cells *cells = NULL;

    (void)state;
    add(&cells, 100, RT_CELL_BOUNCED, 1, -1); /* without a contact all are kept */
    add(&cells, 700, RT_CELL_BOUNCED, 1, -1);
    assert_int_equal(cells->count, 2);
    rt_cells_trim(cells, 163);
    assert_int_equal(cells->count, 2);
    rt_cells_trim(cells, 164);
    assert_int_equal(cells->count, 1);
    add(&cells, 700 - 64, RT_CELL_BOUNCED, 1, 700);
    assert_int_equal(cells->count, 1);
    add(&cells, 701, RT_CELL_HELD, 1, 700); /* a good one pushes none out */
    assert_int_equal(amount_of(cells, 700, RT_CELL_BOUNCED), 1);
    free(cells);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_no_room_for_more_than_there_can_be),
        cmocka_unit_test(test_buckets),
        cmocka_unit_test(test_a_sum_stays_at_its_limit),
        cmocka_unit_test(test_sorted_whatever_the_order),
        cmocka_unit_test(test_good_ones_follow_the_newest_good_one),
        cmocka_unit_test(test_bad_ones_follow_the_last_contact),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

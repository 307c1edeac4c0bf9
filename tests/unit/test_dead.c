/* Dead letters: their record, and what goes for age and room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "workers/dead.h"

static void a_record_must_be_whole(void **state)
{
    struct rt_dead_letter letter = {.sequence = 3,
                                    .ts = 5,
                                    .bytes = 7,
                                    .code = RT_BAD_FIELD,
                                    .reason = rt_span_text("ts: is missing"),
                                    .letter = rt_span_text("\x81\xa2id")};
    struct rt_buffer record = {0};
    struct rt_dead_letter read;

    (void)state;
    rt_dead_encode(&record, &letter);
    for (size_t size = 0; size < record.size; size++)
        assert_false(rt_dead_decode(rt_span(record.data, size), &read));
    assert_true(rt_dead_decode(rt_buffer_span(&record), &read));
    assert_int_equal(read.sequence, 3);
    assert_int_equal(read.code, RT_BAD_FIELD);
    assert_true(rt_span_equal(read.reason, letter.reason));
    assert_true(rt_span_equal(read.letter, letter.letter));
    rt_put_u8(&record, 0);
    assert_false(rt_dead_decode(rt_buffer_span(&record), &read));
    rt_buffer_free(&record);
}

static void add(struct rt_dead_letters *letters, uint64_t sequence, int64_t ts, size_t bytes)
{
    struct rt_dead_letter letter = {.sequence = sequence, .ts = ts};

    letter.letter.size = bytes;
    assert_true(rt_dead_add(letters, &letter, sequence * 8));
}

static void old_ones_go(void **state)
{
    struct rt_dead_letters letters = {0};

    (void)state;
    for (uint64_t i = 1; i <= 5; i++)
        add(&letters, i, (int64_t)i * 10, 100);
    rt_dead_expire(&letters, 30, 10000);
    assert_int_equal(letters.count, 3);
    assert_int_equal(letters.dropped, 2);
    assert_null(rt_dead_find(&letters, 2));
    assert_int_equal(rt_dead_find(&letters, 3)->position, 24);
    assert_int_equal(letters.left_count, 2); /* their records wait to be overwritten */
    assert_int_equal(letters.left[1], 16);
    rt_dead_free(&letters);
}

static void the_oldest_go_for_room(void **state)
{
    struct rt_dead_letters letters = {0};

    (void)state;
    for (uint64_t i = 1; i <= 5; i++)
        add(&letters, i, 1, 100);
    rt_dead_expire(&letters, INT64_MIN, 2 * (100 + RT_DEAD_OVERHEAD) + 50);
    assert_int_equal(letters.count, 2);
    assert_int_equal(letters.bytes, 2 * (100 + RT_DEAD_OVERHEAD));
    assert_non_null(rt_dead_find(&letters, 5));
    rt_dead_free(&letters);
}

static void a_sequence_is_never_given_twice(void **state)
{
    struct rt_dead_letters letters = {0};

    (void)state;
    add(&letters, 9, 1, 1);
    assert_true(rt_dead_remove(&letters, 9));
    assert_false(rt_dead_remove(&letters, 9));
    assert_int_equal(letters.next, 9);
    assert_int_equal(letters.left_count, 1);
    assert_int_equal(letters.bytes, 0);
    rt_dead_free(&letters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_must_be_whole),
        cmocka_unit_test(old_ones_go),
        cmocka_unit_test(the_oldest_go_for_room),
        cmocka_unit_test(a_sequence_is_never_given_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Cursors: texts that are none, text there and back, before and after. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "protocol/cursor.h"

static void not_a_cursor(void **state)
{
    static const char *const bad[] = {
        "",
        "-",
        ".",
        "1",
        "1.",
        ".1",
        "00",
        "0-",
        "0.0-",
        "-0.0",
        "0.0--1.0",
        "1.0-0.0",
        "1.0-1.1",
        "01.0",
        "0.00",
        "0.A",
        "0.g",
        "0.1 ",
        " 0.1",
        "0.1.2",
        "100000000.0",
        "0.10000000000000000",
        "+1.0",
        "0x1.0",
        "x",
        "0.1-x",
    };
    struct rt_cursor cursor;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(rt_cursor_decode(rt_span_text(bad[i]), &cursor));
    assert_false(rt_cursor_decode(rt_span(NULL, 0), &cursor));
    assert_false(rt_cursor_decode(rt_span("0.1\0", 4), &cursor));
}

static void too_many_logs(void **state)
{
    struct rt_cursor cursor = {.count = RT_WORKERS_MAX}, back;
    char text[RT_CURSOR_TEXT + 32];
    size_t size;

    (void)state;
    for (uint32_t i = 0; i < RT_WORKERS_MAX; i++) {
        cursor.at[i].log = UINT32_MAX - RT_WORKERS_MAX + 1 + i;
        cursor.at[i].sequence = UINT64_MAX;
    }
    size = rt_cursor_encode(&cursor, text);
    assert_int_equal(size, strlen(text));
    assert_true(size < RT_CURSOR_TEXT);
    assert_true(rt_cursor_decode(rt_span(text, size), &back));
    assert_int_equal(back.count, RT_WORKERS_MAX);
    assert_int_equal(back.at[RT_WORKERS_MAX - 1].log, UINT32_MAX);
    assert_true(back.at[0].sequence == UINT64_MAX);

    memmove(text + 4, text, size + 1);
    memcpy(text, "0.0-", 4);
    assert_false(rt_cursor_decode(rt_span_text(text), &back));
}

static void text_there_and_back(void **state)
{
    static const char *const texts[] = {"0", "0.0", "3.1f-4.0", "ffffffff.ffffffffffffffff",
                                        "0.1-1.2-a.b-10.0"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct rt_cursor cursor;
        char text[RT_CURSOR_TEXT];

        assert_true(rt_cursor_decode(rt_span_text(texts[i]), &cursor));
        assert_int_equal(rt_cursor_encode(&cursor, text), strlen(texts[i]));
        assert_string_equal(text, texts[i]);
    }
}

static struct rt_cursor at(const char *text)
{
    struct rt_cursor cursor;

    assert_true(rt_cursor_decode(rt_span_text(text), &cursor));
    return cursor;
}

static void is_at(const struct rt_cursor *cursor, const char *want)
{
    char text[RT_CURSOR_TEXT];

    rt_cursor_encode(cursor, text);
    assert_string_equal(text, want);
}

static void after_the_empty_history_is_all(void **state)
{
    const struct rt_cursor cursor = at("0");

    (void)state;
    assert_true(rt_cursor_before(&cursor, 0, 1));
    assert_true(rt_cursor_before(&cursor, 7, 1));
}

static void before_and_after(void **state)
{
    const struct rt_cursor cursor = at("3.5-4.0-8.1");

    (void)state;
    assert_false(rt_cursor_before(&cursor, 3, 4));
    assert_false(rt_cursor_before(&cursor, 3, 5));
    assert_true(rt_cursor_before(&cursor, 3, 6));
    assert_true(rt_cursor_before(&cursor, 4, 1));
    assert_false(rt_cursor_before(&cursor, 2, 100)); /* older than all named */
    assert_true(rt_cursor_before(&cursor, 9, 1));    /* newer than all named */
    assert_true(rt_cursor_before(&cursor, 5, 1));    /* between: better twice than never */
}

static void advance_never_goes_back(void **state)
{
    struct rt_cursor cursor = at("3.5-4.0");

    (void)state;
    assert_true(rt_cursor_advance(&cursor, 3, 4));
    is_at(&cursor, "3.5-4.0");
    assert_true(rt_cursor_advance(&cursor, 3, 9));
    is_at(&cursor, "3.9-4.0");
    assert_true(rt_cursor_advance(&cursor, 2, 7));
    is_at(&cursor, "3.9-4.0");
    assert_true(rt_cursor_advance(&cursor, 6, 1));
    is_at(&cursor, "3.9-4.0-6.1");
    assert_true(rt_cursor_advance(&cursor, 5, 2));
    is_at(&cursor, "3.9-4.0-5.2-6.1");
    cursor = at("0");
    assert_true(rt_cursor_advance(&cursor, 7, 1));
    is_at(&cursor, "7.1");
}

static void a_full_cursor_says_so(void **state)
{
    struct rt_cursor cursor = {0};

    (void)state;
    for (uint32_t i = 0; i < RT_WORKERS_MAX; i++)
        assert_true(rt_cursor_advance(&cursor, i, 1));
    assert_false(rt_cursor_advance(&cursor, RT_WORKERS_MAX, 1));
    assert_true(rt_cursor_advance(&cursor, 5, 2));
    assert_int_equal(cursor.count, RT_WORKERS_MAX);
}

/* Whatever a cursor moved past is not after it. */
static void advance_and_before_agree(void **state)
{
    unsigned seed = (unsigned)1234567;

    (void)state;
    print_message("seed %u\n", seed);
    for (int round = 0; round < 2000; round++) {
        struct rt_cursor cursor = {0};

        for (int i = 0; i < 12; i++) {
            uint32_t log = (uint32_t)rand_r(&seed) % 6;
            uint64_t sequence = (uint64_t)rand_r(&seed) % 5;
            struct rt_cursor back;
            char text[RT_CURSOR_TEXT];

            assert_true(rt_cursor_advance(&cursor, log, sequence));
            assert_false(rt_cursor_before(&cursor, log, sequence));
            rt_cursor_encode(&cursor, text);
            assert_true(rt_cursor_decode(rt_span_text(text), &back));
            assert_int_equal(back.count, cursor.count);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(not_a_cursor),          cmocka_unit_test(too_many_logs),
        cmocka_unit_test(text_there_and_back),   cmocka_unit_test(after_the_empty_history_is_all),
        cmocka_unit_test(before_and_after),      cmocka_unit_test(advance_never_goes_back),
        cmocka_unit_test(a_full_cursor_says_so), cmocka_unit_test(advance_and_before_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

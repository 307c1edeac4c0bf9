/* Cursors: what is none, and that each number has one text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "protocol/cursor.h"

static void what_we_do_not_write_is_no_cursor(void **state)
{
    static const char *const texts[] = {"",    "x",   "00", "01", "-1", " 1",  "1 ",
                                        "1.1", "0x1", "A",  "1g", "+1", "1\n", "11111111111111111",
                                        "1-2"};
    uint64_t number = 77;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        assert_false(rt_cursor_decode(rt_span_text(texts[i]), &number));
    assert_false(rt_cursor_decode(rt_span("1\0", 2), &number));
    assert_int_equal(number, 77);
}

static void a_number_comes_back(void **state)
{
    static const uint64_t numbers[] = {0,         1, 9, 10, 15, 16, 255, UINT64_C(1795310692101123),
                                       UINT64_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        char text[RT_CURSOR_TEXT];
        uint64_t back = 77;
        size_t size = rt_cursor_encode(numbers[i], text);

        assert_int_equal(size, strlen(text));
        assert_true(rt_cursor_decode(rt_span(text, size), &back));
        assert_true(back == numbers[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_we_do_not_write_is_no_cursor),
        cmocka_unit_test(a_number_comes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

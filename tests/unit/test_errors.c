/* Codes of faults: names there and back, texts that are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "protocol/errors.h"

static void names_refused(void **state)
{
    static const char *const bad[] = {"",           "bad",       "bad_fiel",
                                      "bad_field ", "BAD_FIELD", "bad_field\xff"};
    enum rt_error code = RT_POISON;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(rt_error_parse(bad[i], strlen(bad[i]), &code));
    assert_int_equal(code, RT_POISON);
}

static void names_there_and_back(void **state)
{
    (void)state;
    for (int i = 0; i < RT_ERROR_COUNT; i++) {
        const char *name = rt_error_name((enum rt_error)i);
        enum rt_error code;

        assert_true(rt_error_parse(name, strlen(name), &code));
        assert_int_equal(code, i);
    }
    assert_string_equal(rt_error_name(RT_TS_IN_FUTURE), "ts_in_future");
}

static void a_text_too_long_is_cut(void **state)
{
    struct rt_fault fault;
    char text[400];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    assert_int_equal(rt_fault_set(&fault, RT_BAD_FIELD, "%s", text), RT_BAD_FIELD);
    assert_int_equal(fault.code, RT_BAD_FIELD);
    assert_int_equal(strlen(fault.text), RT_FAULT_TEXT - 1);
    rt_fault_set(&fault, RT_BUSY, "limit: %d", 5);
    assert_string_equal(fault.text, "limit: 5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_refused),
        cmocka_unit_test(names_there_and_back),
        cmocka_unit_test(a_text_too_long_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

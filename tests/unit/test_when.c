/* Times as people write them; escaping; numbers in cells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "clients/retainctl/terminal.h"
#include "clients/retainctl/when.h"

static void what_is_no_time_is_refused(void **state)
{
    static const char *const texts[] = {"",
                                        "-1",
                                        "1e3",
                                        "1.5",
                                        "2020",
                                        "2020-1-1",
                                        "2020-13-01",
                                        "2020-00-10",
                                        "2020-02-30",
                                        "2019-02-29",
                                        "2020-01-32",
                                        "2020-01-01T",
                                        "2020-01-01T25:00",
                                        "2020-01-01T10",
                                        "2020-01-01T10:60",
                                        "2020-01-01T10:00:00.",
                                        "2020-01-01T10:00+1",
                                        "2020-01-01T10:00+24:00",
                                        "2020-01-01T10:00Zx",
                                        "2020-01-01x",
                                        "1969-12-31",
                                        "1970-01-01T00:30+01:00",
                                        "9999999999999999",
                                        "yesterday",
                                        "01.01.2020",
                                        "2020-01-01T10:00:61"};
    int64_t ms = 42;

    (void)state;
    /* four digits are milliseconds like any other digits */
    assert_true(rt_when_parse("2020", 4, &ms));
    assert_int_equal(ms, 2020);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        bool good = rt_when_parse(texts[i], strlen(texts[i]), &ms);

        if (strcmp(texts[i], "2020") != 0 && good)
            fail_msg("'%s' is taken for a time", texts[i]);
    }
    assert_int_equal(ms, 2020);
}

static void times_are_read_exactly(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } times[] = {
        {"0", 0},
        {"1700000000123", INT64_C(1700000000123)},
        {" 1700000000123\t", INT64_C(1700000000123)},
        {"1970-01-01", 0},
        {"1997-10-01", INT64_C(875664000000)},
        {"2000-02-29", INT64_C(951782400000)},
        {"2011-06-06T00:00:00.000Z", INT64_C(1307318400000)},
        {"2010-12-01T08:26:00.000Z", INT64_C(1291191960000)},
        {"2010-12-01 08:26", INT64_C(1291191960000)},
        {"2010-12-01t08:26:00z", INT64_C(1291191960000)},
        {"2010-12-01T08:26:00.5", INT64_C(1291191960500)},
        {"2010-12-01T08:26:00,123999", INT64_C(1291191960123)},
        {"2010-12-01T09:26:00+01:00", INT64_C(1291191960000)},
        {"2010-12-01T03:56-0430", INT64_C(1291191960000)},
        {"2010-12-01 10:26:00 +02", INT64_C(1291191960000)},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        int64_t ms = -1;

        assert_true(rt_when_parse(times[i].text, strlen(times[i].text), &ms));
        assert_int_equal(ms, times[i].ms);
    }
}

static void spans_count_from_now(void **state)
{
    int64_t ms = 0, now = INT64_C(1700000000000);

    (void)state;
    assert_false(rt_when_parse_span("d", now, 1, &ms));
    assert_false(rt_when_parse_span("-1d", now, 1, &ms));
    assert_false(rt_when_parse_span("1y", now, 1, &ms));
    assert_false(rt_when_parse_span("9999999w", now, -1, &ms)); /* before the epoch */
    assert_true(rt_when_parse_span("7d", now, 1, &ms));
    assert_int_equal(ms, now + INT64_C(604800000));
    assert_true(rt_when_parse_span("90s", now, -1, &ms));
    assert_int_equal(ms, now - 90000);
    assert_true(rt_when_parse_span("2w", now, -1, &ms));
    assert_int_equal(ms, now - INT64_C(1209600000));
    assert_true(rt_when_parse_span("1997-10-01", now, 1, &ms));
    assert_int_equal(ms, INT64_C(875664000000));
}

static void days_and_dates_agree_over_centuries(void **state)
{
    char text[RT_WHEN_TEXT];

    (void)state;
    for (int64_t day = 0; day < 200000; day += 13) {
        int64_t ms = 0;

        rt_when_date(day * INT64_C(86400000), text);
        assert_true(rt_when_parse(text, strlen(text), &ms));
        assert_int_equal(ms, day * INT64_C(86400000));
    }
    assert_string_equal(rt_when_format(INT64_C(1291191960123), false, text),
                        "2010-12-01 08:26:00Z");
    assert_string_equal(rt_when_format(INT64_C(1291191960123), true, text), "2010-12-01 08:26Z");
    assert_string_equal(rt_when_format(INT64_MAX, true, text), "9223372036854775807");
    assert_string_equal(rt_when_format(INT64_MIN, true, text), "-9223372036854775808");
}

static void distances_are_said_in_words(void **state)
{
    char text[RT_WHEN_TEXT];

    (void)state;
    assert_string_equal(rt_when_relative(1000, 1500, text), "just now");
    assert_string_equal(rt_when_relative(0, 60000, text), "1 minute ago");
    assert_string_equal(rt_when_relative(0, INT64_C(86400000) * 19, text), "19 days ago");
    assert_string_equal(rt_when_relative(INT64_C(86400000) * 22, 0, text), "in 3 weeks");
    assert_string_equal(rt_when_relative(INT64_MIN, INT64_MAX, text), "542046 years ago");
}

static void what_could_hurt_a_terminal_is_escaped(void **state)
{
    static const struct {
        const char *text, *safe;
    } texts[] = {
        {"a\033[31mb", "a\\x1b[31mb"},
        {"tab\there\n", "tab\\x09here\\x0a"},
        {"\x7f", "\\x7f"},
        {"\xc2\x9b", "\\u{9b}"},
        {"\xff\xc3", "\\xff\\xc3"},
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
        {"\xe2\x80\xae"
         "exe",
         "\\u{202e}exe"},
        {"Müller 東京 €", "Müller 東京 €"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char *safe = rt_terminal_escape(texts[i].text, strlen(texts[i].text));

        assert_string_equal(safe, texts[i].safe);
        free(safe);
    }
}

static void width_counts_columns(void **state)
{
    (void)state;
    assert_int_equal(rt_terminal_width(""), 0);
    assert_int_equal(rt_terminal_width("Müller"), 6);
    assert_int_equal(rt_terminal_width("東京"), 4);
    assert_int_equal(rt_terminal_width("e\xcc\x81"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(times_are_read_exactly),
        cmocka_unit_test(spans_count_from_now),
        cmocka_unit_test(days_and_dates_agree_over_centuries),
        cmocka_unit_test(distances_are_said_in_words),
        cmocka_unit_test(what_could_hurt_a_terminal_is_escaped),
        cmocka_unit_test(width_counts_columns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

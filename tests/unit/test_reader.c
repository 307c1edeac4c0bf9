/* The checked cursor: what it refuses, then what it reads. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "protocol/limits.h"
#include "protocol/reader.h"
#include "protocol/writer.h"
#include "tests/lib/notation.h"

#define BYTES(literal) rt_span(literal, sizeof(literal) - 1)

/* A copy on the heap of exactly these bytes, so that a sanitizer sees a read beyond them. */
static struct rt_span copy(struct rt_span bytes)
{
    uint8_t *data = malloc(bytes.size + (bytes.size == 0));

    assert_non_null(data);
    if (bytes.size > 0)
        memcpy(data, bytes.data, bytes.size);
    return rt_span(data, bytes.size);
}

static void release(struct rt_span bytes)
{
    free((void *)(uintptr_t)bytes.data);
}

static bool checks(struct rt_span bytes, unsigned depth)
{
    struct rt_span exact = copy(bytes);
    bool result = rt_msgpack_check(exact, depth);

    release(exact);
    return result;
}

static void check_refuses_what_is_not_one_object(void **state)
{
    (void)state;
    assert_false(rt_msgpack_check(rt_span(NULL, 0), 16));
    assert_false(checks(BYTES(""), 16));
    assert_false(checks(BYTES("\xc1"), 16));
    assert_false(checks(BYTES("\x01\x01"), 16));
    assert_false(checks(BYTES("\x90\xc0"), 16));
    assert_false(checks(BYTES("\x92\x01\xc1"), 16));
    assert_false(checks(BYTES("\x81\xa2id"), 16));
    assert_false(checks(BYTES("GET / HTTP/1.1"), 16));
}

static void check_refuses_counts_beyond_the_bytes(void **state)
{
    (void)state;
    assert_false(checks(BYTES("\xdd\xff\xff\xff\xff"), 16));
    assert_false(checks(BYTES("\xdf\xff\xff\xff\xff"), 16));
    assert_false(checks(BYTES("\xdf\x80\x00\x00\x00\x01\x01"), 16));
    assert_false(checks(BYTES("\xdb\xff\xff\xff\xff"), 16));
    assert_false(checks(BYTES("\xc6\xff\xff\xff\xff"), 16));
    assert_false(checks(BYTES("\xc9\xff\xff\xff\xff\x01"), 16));
    assert_false(checks(BYTES("\xc7\xff\x01"), 16));
    assert_false(checks(BYTES("\x93\x93\x01\x02\x93"), 16));
}

/* One object of each format; every proper prefix of it is refused. */
static void check_refuses_every_truncation(void **state)
{
    static const char *const objects[] = {
        "!c0",
        "!c3",
        "!05",
        "!ff",
        "!cc80",
        "!cd8000",
        "!ce80000000",
        "!cf8000000000000000",
        "!d080",
        "!d18000",
        "!d280000000",
        "!d38000000000000000",
        "!ca3f800000",
        "!cb3ff0000000000000",
        "!a3616263",
        "!d903616263",
        "!da0003616263",
        "!db00000003616263",
        "!c403616263",
        "!c50003616263",
        "!c600000003616263",
        "!d40161",
        "!d5016162",
        "!d60161626364",
        "!d7016162636465666768",
        "!d80161626364656667686162636465666768",
        "!c70301616263",
        "!c8000301616263",
        "!c90000000301616263",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
        struct rt_buffer buffer = {0};
        struct rt_span all = notation(&buffer, "{k: [%s, {k: 'v'}]}", objects[i]);

        assert_true(checks(all, 16));
        for (size_t size = 0; size < all.size; size++)
            assert_false(checks(rt_span(all.data, size), 16));
        rt_buffer_free(&buffer);
    }
}

static void check_counts_containers_within_each_other(void **state)
{
    uint8_t bytes[64];

    (void)state;
    for (size_t depth = 1; depth <= 32; depth++) {
        memset(bytes, 0x91, sizeof(bytes));
        bytes[depth - 1] = 0x90;
        assert_true(checks(rt_span(bytes, depth), (unsigned)depth));
        assert_false(checks(rt_span(bytes, depth), (unsigned)depth - 1));
        bytes[depth - 1] = 0x91;
        bytes[depth] = 0x05;
        assert_true(checks(rt_span(bytes, depth + 1), (unsigned)depth));
        assert_false(checks(rt_span(bytes, depth + 1), (unsigned)depth - 1));
    }
    assert_true(checks(BYTES("\x05"), 0));
    assert_false(checks(BYTES("\x90"), 0));
    /* Siblings are no nesting. */
    assert_true(checks(BYTES("\x94\x90\x80\x91\x01\x81\x01\x02"), 2));
}

static void check_takes_long_nesting_without_a_stack(void **state)
{
    size_t size = 1 << 20;
    uint8_t *bytes = malloc(size);

    (void)state;
    assert_non_null(bytes);
    memset(bytes, 0x91, size);
    assert_false(rt_msgpack_check(rt_span(bytes, size), 16));
    free(bytes);
}

static bool utf8(const char *text)
{
    struct rt_span exact = copy(rt_span_text(text));
    bool result = rt_utf8_valid(exact);

    release(exact);
    return result;
}

static void utf8_refuses_what_no_encoder_writes(void **state)
{
    static const char *const bad[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc2",
        "\xc3x",
        "\xe0\x80\x80",
        "\xe0\x9f\xbf",
        "\xe2\x82",
        "\xe2\x82x",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf",
        "\xf0\x9f\x98",
        "\xf0\x9f\x98x",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xf8\x88\x80\x80\x80",
        "\xff",
        "\xfe",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        /* At each place of a word of eight, at the end and before more. */
        for (size_t before = 0; before < 9; before++) {
            char text[64];

            snprintf(text, sizeof(text), "%.*s%s", (int)before, "abcdefgh", bad[i]);
            assert_false(utf8(text));
            snprintf(text, sizeof(text), "%.*s%s and more", (int)before, "abcdefgh", bad[i]);
            assert_false(utf8(text));
        }
    }
}

static void utf8_takes_every_character(void **state)
{
    uint8_t text[4];

    (void)state;
    assert_true(utf8(""));
    assert_true(rt_utf8_valid(rt_span(NULL, 0)));
    assert_true(rt_utf8_valid(BYTES("a\0b")));
    for (uint32_t c = 0; c < 0x110000; c++) {
        size_t size = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        bool surrogate = c >= 0xd800 && c <= 0xdfff;

        for (size_t i = size; i-- > 1;)
            text[i] = (uint8_t)(0x80 | ((c >> (6 * (size - 1 - i))) & 0x3f));
        text[0] = (uint8_t)(size == 1 ? c : (0xf00 >> size) | c >> (6 * (size - 1)));
        assert_true(rt_utf8_valid(rt_span(text, size)) == !surrogate);
    }
}

static void a_failed_read_leaves_output_and_sticks(void **state)
{
    struct rt_reader reader = rt_reader(BYTES("\xa1x\x05"));
    struct rt_span text = BYTES("before");
    int64_t value = 77;

    (void)state;
    assert_false(rt_read_int(&reader, &value));
    assert_int_equal(value, 77);
    assert_true(reader.failed);
    assert_false(rt_read_str(&reader, &text));
    assert_true(rt_span_is(text, "before"));
    assert_false(rt_read_skip(&reader, NULL));
    assert_int_equal(rt_read_kind(&reader), RT_KIND_END);
    assert_false(rt_read_done(&reader));
}

/* Nothing but its own kind satisfies a read. */
static void a_read_of_another_kind_fails(void **state)
{
    static const char *const objects[] = {"nil",     "true", "5",       "-5",     "0.5",
                                          "f32 0.5", "'x'",  "'x'*40",  "#01",    "[]",
                                          "[1]",     "{}",   "!d4ff00", "!d40500"};
    static const char kinds[] = "nbiiffssxaamee";

    (void)state;
    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
        struct rt_buffer buffer = {0};
        struct rt_reader start = rt_reader(notation(&buffer, "%s", objects[i])), reader;
        struct rt_span span;
        int64_t integer;
        uint32_t count;
        double number;
        bool boolean;

        assert_int_equal(rt_read_nil((reader = start, &reader)), kinds[i] == 'n');
        assert_int_equal(rt_read_bool((reader = start, &reader), &boolean), kinds[i] == 'b');
        assert_int_equal(rt_read_int((reader = start, &reader), &integer), kinds[i] == 'i');
        assert_int_equal(rt_read_number((reader = start, &reader), &number),
                         kinds[i] == 'i' || kinds[i] == 'f');
        assert_int_equal(rt_read_str((reader = start, &reader), &span), kinds[i] == 's');
        assert_int_equal(rt_read_bin((reader = start, &reader), &span), kinds[i] == 'x');
        assert_int_equal(rt_read_array((reader = start, &reader), &count), kinds[i] == 'a');
        assert_int_equal(rt_read_map((reader = start, &reader), &count), kinds[i] == 'm');
        assert_false(rt_read_timestamp((reader = start, &reader), &integer));
        assert_true(rt_read_skip((reader = start, &reader), &span));
        assert_true(rt_read_done(&reader));
        assert_int_equal(span.size, buffer.size);
        rt_buffer_free(&buffer);
    }
}

static int64_t int_of(struct rt_span bytes)
{
    struct rt_reader reader = rt_reader(bytes);
    int64_t value;

    assert_true(rt_read_int(&reader, &value));
    assert_true(rt_read_done(&reader));
    return value;
}

static void integers_of_every_format(void **state)
{
    (void)state;
    assert_int_equal(int_of(BYTES("\x00")), 0);
    assert_int_equal(int_of(BYTES("\x7f")), 127);
    assert_int_equal(int_of(BYTES("\xff")), -1);
    assert_int_equal(int_of(BYTES("\xe0")), -32);
    assert_int_equal(int_of(BYTES("\xcc\xff")), 255);
    assert_int_equal(int_of(BYTES("\xcd\xff\xfe")), 0xfffe);
    assert_int_equal(int_of(BYTES("\xce\xff\xff\xff\xfe")), 0xfffffffe);
    assert_int_equal(int_of(BYTES("\xcf\x7f\xff\xff\xff\xff\xff\xff\xff")), INT64_MAX);
    assert_int_equal(int_of(BYTES("\xcf\x80\x00\x00\x00\x00\x00\x00\x00")), INT64_MAX);
    assert_int_equal(int_of(BYTES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff")), INT64_MAX);
    assert_int_equal(int_of(BYTES("\xd0\x80")), -128);
    assert_int_equal(int_of(BYTES("\xd0\x04")), 4);
    assert_int_equal(int_of(BYTES("\xd1\xff\xfe")), -2);
    assert_int_equal(int_of(BYTES("\xd2\x80\x00\x00\x00")), INT32_MIN);
    assert_int_equal(int_of(BYTES("\xd3\x80\x00\x00\x00\x00\x00\x00\x00")), INT64_MIN);
    assert_int_equal(int_of(BYTES("\xd3\x00\x00\x00\x00\x00\x00\x00\x07")), 7);
}

static bool number_of(const char *text, double *value)
{
    struct rt_buffer buffer = {0};
    struct rt_reader reader = rt_reader(notation(&buffer, "%s", text));
    bool result = rt_read_number(&reader, value);

    assert_int_equal(result, !reader.failed);
    rt_buffer_free(&buffer);
    return result;
}

static void numbers_are_finite(void **state)
{
    double value = 0;

    (void)state;
    assert_false(number_of("nan", &value));
    assert_false(number_of("inf", &value));
    assert_false(number_of("-inf", &value));
    assert_false(number_of("f32 nan", &value));
    assert_false(number_of("f32 -inf", &value));
    assert_true(number_of("f32 0.5", &value) && value == 0.5);
    assert_true(number_of("-1.25", &value) && value == -1.25);
    assert_true(number_of("-7", &value) && value == -7);
    assert_true(number_of("!cfffffffffffffffff", &value) && value == 18446744073709551615.0);
    assert_true(number_of("1.7976931348623157e308", &value) && value > 1e308);
}

static bool timestamp_of(struct rt_span bytes, int64_t *ms)
{
    struct rt_span exact = copy(bytes);
    struct rt_reader reader = rt_reader(exact);
    bool result = rt_read_timestamp(&reader, ms) && rt_read_done(&reader);

    release(exact);
    return result;
}

static void timestamps_refused(void **state)
{
    int64_t ms = 0;

    (void)state;
    assert_false(timestamp_of(BYTES("\xd6\x00\x00\x00\x00\x01"), &ms));
    assert_false(timestamp_of(BYTES("\xd4\xff\x01"), &ms));
    assert_false(timestamp_of(BYTES("\xd8\xff"
                                    "0123456789abcdef"),
                              &ms));
    assert_false(timestamp_of(BYTES("\xc7\x00\xff"), &ms));
    assert_false(timestamp_of(BYTES("\xc7\x0b\xff"
                                    "0123456789a"),
                              &ms));
    /* 1,000,000,000 nanoseconds */
    assert_false(timestamp_of(BYTES("\xd7\xff\xee\x6b\x28\x00\x00\x00\x00\x00"), &ms));
    assert_false(
        timestamp_of(BYTES("\xc7\x0c\xff\x3b\x9a\xca\x00\x00\x00\x00\x00\x00\x00\x00\x01"), &ms));
}

static void timestamps_of_three_sizes(void **state)
{
    int64_t ms = 0;

    (void)state;
    assert_true(timestamp_of(BYTES("\xd6\xff\xff\xff\xff\xff"), &ms));
    assert_int_equal(ms, INT64_C(4294967295000));
    /* 999,999,999 nanoseconds, 2^34 - 1 seconds */
    assert_true(timestamp_of(BYTES("\xd7\xff\xee\x6b\x27\xff\xff\xff\xff\xff"), &ms));
    assert_int_equal(ms, INT64_C(17179869183999));
    assert_true(
        timestamp_of(BYTES("\xc7\x0c\xff\x00\x1e\x84\x7f\x00\x00\x00\x00\x00\x00\x00\x05"), &ms));
    assert_int_equal(ms, 5001);
    /* one nanosecond before the epoch: cut towards minus infinity */
    assert_true(
        timestamp_of(BYTES("\xc7\x0c\xff\x3b\x9a\xc9\xff\xff\xff\xff\xff\xff\xff\xff\xff"), &ms));
    assert_int_equal(ms, -1);
    assert_true(
        timestamp_of(BYTES("\xc7\x0c\xff\x00\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff"), &ms));
    assert_int_equal(ms, INT64_MAX);
    assert_true(
        timestamp_of(BYTES("\xc7\x0c\xff\x00\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00"), &ms));
    assert_int_equal(ms, INT64_MIN);
    assert_true(timestamp_of(BYTES("\xc7\x04\xff\x00\x00\x00\x02"), &ms));
    assert_int_equal(ms, 2000);
}

static void strings_of_every_header(void **state)
{
    static const char *const forms[] = {"!a161", "!d90161", "!da000161", "!db0000000161"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct rt_buffer buffer = {0};
        struct rt_reader reader = rt_reader(notation(&buffer, "%s", forms[i]));
        struct rt_span text;

        assert_true(rt_read_str(&reader, &text));
        assert_true(rt_span_is(text, "a"));
        assert_true(rt_read_done(&reader));
        rt_buffer_free(&buffer);
    }
}

static void skips_nested_objects_whole(void **state)
{
    struct rt_buffer buffer = {0};
    struct rt_reader reader =
        rt_reader(notation(&buffer, "[{a: [1, [2, {}], 'x'*300]}, #0102, !d60501020304, 7]"));
    struct rt_span bytes;
    int64_t last;
    uint32_t count;

    (void)state;
    assert_true(rt_read_array(&reader, &count));
    assert_int_equal(count, 4);
    assert_true(rt_read_skip(&reader, &bytes));
    assert_true(rt_msgpack_check(bytes, 4));
    assert_true(rt_read_skip(&reader, NULL));
    assert_true(rt_read_skip(&reader, NULL));
    assert_true(rt_read_int(&reader, &last) && last == 7);
    assert_true(rt_read_done(&reader));
    rt_buffer_free(&buffer);
}

/* A skip is bounded by the bytes, however deep and however false the counts. */
static void skip_refuses_what_the_bytes_do_not_hold(void **state)
{
    size_t size = 100000;
    uint8_t *bytes = malloc(size);
    struct rt_reader reader;

    (void)state;
    assert_non_null(bytes);
    memset(bytes, 0x91, size);
    reader = rt_reader(rt_span(bytes, size));
    assert_false(rt_read_skip(&reader, NULL));
    bytes[size - 1] = 0x01;
    reader = rt_reader(rt_span(bytes, size));
    assert_true(rt_read_skip(&reader, NULL));
    assert_true(rt_read_done(&reader));
    memset(bytes, 0x9f, size);
    reader = rt_reader(rt_span(bytes, size));
    assert_false(rt_read_skip(&reader, NULL));
    free(bytes);
}

/* The cursor's own table against an independent reading of each first byte. */
static void every_first_byte_has_its_kind(void **state)
{
    uint8_t bytes[64] = {0};

    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        struct rt_reader reader = rt_reader(rt_span(bytes, sizeof(bytes)));
        enum rt_kind kind;

        bytes[0] = (uint8_t)first;
        kind = rt_read_kind(&reader);
        assert_int_equal(kind == RT_KIND_END, first == 0xc1);
        assert_int_equal(kind == RT_KIND_INT,
                         first < 0x80 || first >= 0xe0 || (first >= 0xcc && first <= 0xd3));
        assert_int_equal(kind == RT_KIND_STR,
                         (first >= 0xa0 && first < 0xc0) || (first >= 0xd9 && first <= 0xdb));
        assert_int_equal(rt_read_skip(&reader, NULL), first != 0xc1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_refuses_what_is_not_one_object),
        cmocka_unit_test(check_refuses_counts_beyond_the_bytes),
        cmocka_unit_test(check_refuses_every_truncation),
        cmocka_unit_test(check_counts_containers_within_each_other),
        cmocka_unit_test(check_takes_long_nesting_without_a_stack),
        cmocka_unit_test(utf8_refuses_what_no_encoder_writes),
        cmocka_unit_test(utf8_takes_every_character),
        cmocka_unit_test(a_failed_read_leaves_output_and_sticks),
        cmocka_unit_test(a_read_of_another_kind_fails),
        cmocka_unit_test(integers_of_every_format),
        cmocka_unit_test(numbers_are_finite),
        cmocka_unit_test(timestamps_refused),
        cmocka_unit_test(timestamps_of_three_sizes),
        cmocka_unit_test(strings_of_every_header),
        cmocka_unit_test(skips_nested_objects_whole),
        cmocka_unit_test(skip_refuses_what_the_bytes_do_not_hold),
        cmocka_unit_test(every_first_byte_has_its_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The writer: what happens without memory, shortest forms, counts filled in later, fixed-width
 * integers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "protocol/reader.h"
#include "protocol/writer.h"
#include "tests/lib/notation.h"

#define BYTES(literal) rt_span(literal, sizeof(literal) - 1)

static struct rt_buffer buffer;

static void holds(struct rt_span want)
{
    assert_false(buffer.failed);
    assert_int_equal(buffer.size, want.size);
    assert_memory_equal(buffer.data, want.data, want.size);
    rt_buffer_clear(&buffer);
}

/* AddressSanitizer would end the program where the C library says no. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

/* More than any machine has: realloc says no, and nothing written before is lost. */
static void without_memory_it_fails_and_sticks(void **state)
{
    (void)state;
    rt_buffer_free(&buffer);
    rt_write_text(&buffer, "kept");
    assert_false(rt_buffer_reserve(&buffer, SIZE_MAX / 2));
    assert_true(buffer.failed);
    rt_write_int(&buffer, 5);
    rt_write_end(&buffer, 0, 1);
    rt_put_u64(&buffer, 1);
    assert_false(rt_buffer_reserve(&buffer, 0));
    assert_int_equal(buffer.size, 5);
    assert_memory_equal(buffer.data, "\xa4kept", 5);
    rt_buffer_clear(&buffer);
    assert_false(buffer.failed);
    assert_false(rt_buffer_reserve(&buffer, SIZE_MAX / 8));
    assert_true(buffer.failed);
    rt_buffer_free(&buffer);
    assert_null(buffer.data);
    assert_false(buffer.failed);
}

static void appending_nothing_allocates_nothing(void **state)
{
    (void)state;
    rt_buffer_free(&buffer);
    rt_buffer_append(&buffer, NULL, 0);
    rt_write_raw(&buffer, rt_span(NULL, 0));
    assert_null(buffer.data);
    assert_int_equal(buffer.size, 0);
}

static void grows_to_any_size(void **state)
{
    struct rt_reader reader;
    uint8_t byte;

    (void)state;
    for (unsigned i = 0; i < 100000; i++)
        rt_put_u8(&buffer, (uint8_t)(i * 7));
    reader = rt_reader(rt_buffer_span(&buffer));
    for (unsigned i = 0; i < 100000; i++)
        assert_true(rt_get_u8(&reader, &byte) && byte == (uint8_t)(i * 7));
    assert_true(rt_read_done(&reader));
    rt_buffer_clear(&buffer);
}

static void integers_in_their_shortest_form(void **state)
{
    (void)state;
    rt_write_int(&buffer, 0);
    rt_write_int(&buffer, 127);
    rt_write_int(&buffer, 128);
    rt_write_int(&buffer, 65536);
    rt_write_int(&buffer, INT64_MAX);
    holds(BYTES("\x00\x7f\xcc\x80\xce\x00\x01\x00\x00\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"));
    rt_write_int(&buffer, -1);
    rt_write_int(&buffer, -33);
    rt_write_int(&buffer, INT64_MIN);
    holds(BYTES("\xff\xd0\xdf\xd3\x80\x00\x00\x00\x00\x00\x00\x00"));
}

static void scalars(void **state)
{
    (void)state;
    rt_write_nil(&buffer);
    rt_write_bool(&buffer, true);
    rt_write_bool(&buffer, false);
    rt_write_double(&buffer, 1);
    holds(BYTES("\xc0\xc3\xc2\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00"));
    rt_write_text(&buffer, "");
    rt_write_str(&buffer, rt_span("a\0b", 3));
    rt_write_bin(&buffer, rt_span("\xff", 1));
    rt_write_optional(&buffer, rt_span(NULL, 0));
    rt_write_optional(&buffer, rt_span("", 0));
    holds(BYTES("\xa0\xa3"
                "a\0b"
                "\xc4\x01\xff\xc0\xa0"));
    rt_write_array(&buffer, 15);
    rt_write_array(&buffer, 16);
    rt_write_map(&buffer, 15);
    rt_write_map(&buffer, 65536);
    holds(BYTES("\x9f\xdc\x00\x10\x8f\xdf\x00\x01\x00\x00"));
}

static void keys_with_values(void **state)
{
    struct rt_buffer want = {0};

    (void)state;
    rt_write_map(&buffer, 6);
    rt_write_key_int(&buffer, "i", -5);
    rt_write_key_double(&buffer, "d", 0.5);
    rt_write_key_bool(&buffer, "b", true);
    rt_write_key_str(&buffer, "s", rt_span("x", 1));
    rt_write_key_text(&buffer, "t", "y");
    rt_write_key_nil(&buffer, "n");
    holds(notation(&want, "{i: -5, d: 0.5, b: true, s: 'x', t: 'y', n: nil}"));
    rt_buffer_free(&want);
}

static void counts_filled_in_at_the_end(void **state)
{
    struct rt_reader reader;
    size_t map, array;
    uint32_t count;

    (void)state;
    map = rt_write_map_begin(&buffer);
    rt_write_text(&buffer, "list");
    array = rt_write_array_begin(&buffer);
    for (int i = 0; i < 300; i++)
        rt_write_int(&buffer, i);
    rt_write_end(&buffer, array, 300);
    rt_write_end(&buffer, map, 1);
    assert_true(rt_msgpack_check(rt_buffer_span(&buffer), 2));
    reader = rt_reader(rt_buffer_span(&buffer));
    assert_true(rt_read_map(&reader, &count) && count == 1);
    assert_true(rt_read_skip(&reader, NULL));
    assert_true(rt_read_array(&reader, &count) && count == 300);
    rt_buffer_clear(&buffer);
}

static void little_endian_integers_refuse_to_read_beyond(void **state)
{
    struct rt_reader reader = rt_reader(BYTES("\x01\x02\x03"));
    struct rt_span span = rt_span("x", 1);
    uint64_t wide = 7;
    uint32_t word = 7;
    uint16_t half = 7;

    (void)state;
    assert_false(rt_get_u64(&reader, &wide));
    assert_true(reader.failed && wide == 7);
    reader.failed = false;
    assert_false(rt_get_u32(&reader, &word));
    assert_true(word == 7);
    reader.failed = false;
    assert_false(rt_get_bytes(&reader, &span));
    assert_true(rt_span_is(span, "x"));
    assert_false(rt_get_u16(&reader, &half));
    reader.failed = false;
    assert_true(rt_get_u16(&reader, &half) && half == 0x0201);
    reader = rt_reader(BYTES("\x05\x00\x00\x00"
                             "abcd"));
    assert_false(rt_get_bytes(&reader, &span));
    reader = rt_reader(BYTES("\xff\xff\xff\xff"));
    assert_false(rt_get_bytes(&reader, &span));
    assert_true(rt_span_is(span, "x"));
}

static void little_endian_integers_there_and_back(void **state)
{
    struct rt_reader reader;
    struct rt_span span;
    uint64_t wide;
    uint32_t word;
    uint16_t half;
    uint8_t byte;

    (void)state;
    rt_put_u8(&buffer, 0xfe);
    rt_put_u16(&buffer, 0x0201);
    rt_put_u32(&buffer, 0x04030201);
    rt_put_u64(&buffer, UINT64_C(0x0807060504030201));
    rt_put_bytes(&buffer, rt_span("hi", 2));
    rt_put_bytes(&buffer, rt_span(NULL, 0));
    reader = rt_reader(rt_buffer_span(&buffer));
    assert_true(rt_get_u8(&reader, &byte) && byte == 0xfe);
    assert_true(rt_get_u16(&reader, &half) && half == 0x0201);
    assert_true(rt_get_u32(&reader, &word) && word == 0x04030201);
    assert_true(rt_get_u64(&reader, &wide) && wide == UINT64_C(0x0807060504030201));
    assert_true(rt_get_bytes(&reader, &span) && rt_span_is(span, "hi"));
    assert_true(rt_get_bytes(&reader, &span) && span.size == 0);
    assert_true(rt_read_done(&reader));
    holds(
        BYTES("\xfe\x01\x02\x01\x02\x03\x04\x01\x02\x03\x04\x05\x06\x07\x08\x02\0\0\0hi\0\0\0\0"));
}

static int teardown(void **state)
{
    (void)state;
    rt_buffer_free(&buffer);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory_it_fails_and_sticks),
        cmocka_unit_test(appending_nothing_allocates_nothing),
        cmocka_unit_test(grows_to_any_size),
        cmocka_unit_test(integers_in_their_shortest_form),
        cmocka_unit_test(scalars),
        cmocka_unit_test(keys_with_values),
        cmocka_unit_test(counts_filled_in_at_the_end),
        cmocka_unit_test(little_endian_integers_refuse_to_read_beyond),
        cmocka_unit_test(little_endian_integers_there_and_back),
    };

    return cmocka_run_group_tests(tests, NULL, teardown);
}

/* Bytes of a journal record: what must not pass, then what must. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "workers/record.h"

enum { EPOCH = 77, OFFSET = 4096, SIZE = 48 };

static void fill(uint8_t bytes[SIZE])
{
    const struct rt_record record = {.type = RT_RECORD_EVENT,
                                     .flags = RT_RECORD_QUIET,
                                     .partition = 513,
                                     .previous = UINT64_C(0x0102030405060708),
                                     .body = rt_span_text("a body of 23 characters")};

    assert_int_equal(rt_record_space(record.body.size), SIZE);
    rt_record_encode(bytes, EPOCH, OFFSET, &record);
}

static enum rt_record_state state_of(const uint8_t *bytes, size_t size, uint64_t epoch,
                                     uint64_t offset)
{
    struct rt_record record;
    size_t space;

    return rt_record_decode(bytes, size, epoch, offset, &record, &space);
}

static void every_flipped_bit_is_found(void **state)
{
    uint8_t bytes[SIZE];

    (void)state;
    fill(bytes);
    for (size_t bit = 0; bit < 8 * SIZE; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(state_of(bytes, SIZE, EPOCH, OFFSET), RT_RECORD_BAD);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(state_of(bytes, SIZE, EPOCH, OFFSET), RT_RECORD_GOOD);
}

static void a_record_is_good_at_its_own_place_only(void **state)
{
    uint8_t bytes[SIZE];

    (void)state;
    fill(bytes);
    assert_int_equal(state_of(bytes, SIZE, EPOCH, OFFSET + 8), RT_RECORD_BAD);
    assert_int_equal(state_of(bytes, SIZE, EPOCH + 1, OFFSET), RT_RECORD_BAD);
}

static void a_record_must_be_whole(void **state)
{
    uint8_t bytes[SIZE];

    (void)state;
    fill(bytes);
    for (size_t size = 0; size < SIZE; size++)
        assert_int_equal(state_of(bytes, size, EPOCH, OFFSET), RT_RECORD_BAD);
}

static void zeroes_are_no_record(void **state)
{
    const uint8_t zeroes[SIZE] = {0};

    (void)state;
    assert_int_equal(state_of(zeroes, SIZE, EPOCH, OFFSET), RT_RECORD_NONE);
}

static void impossible_headers_claim_nothing(void **state)
{
    uint8_t bytes[SIZE];

    (void)state;
    fill(bytes);
    bytes[10] = RT_RECORD_END + 1;
    assert_int_equal(rt_record_claim(bytes), 0);
    bytes[10] = 0;
    assert_int_equal(rt_record_claim(bytes), 0);
    fill(bytes);
    rt_store_u32(bytes + 4, RT_RECORD_HEADER - 1);
    assert_int_equal(rt_record_claim(bytes), 0);
    rt_store_u32(bytes + 4, RT_RECORD_HEADER + RT_RECORD_BODY_MAX + 1);
    assert_int_equal(rt_record_claim(bytes), 0);
}

static void what_is_written_is_read(void **state)
{
    struct rt_record record;
    uint8_t bytes[SIZE];
    size_t space;

    (void)state;
    fill(bytes);
    assert_int_equal(rt_record_decode(bytes, SIZE, EPOCH, OFFSET, &record, &space), RT_RECORD_GOOD);
    assert_int_equal(space, SIZE);
    assert_int_equal(record.type, RT_RECORD_EVENT);
    assert_int_equal(record.flags, RT_RECORD_QUIET);
    assert_int_equal(record.partition, 513);
    assert_int_equal(record.previous, UINT64_C(0x0102030405060708));
    assert_true(rt_span_is(record.body, "a body of 23 characters"));
}

/* The format is a promise to files that exist: a change of these bytes is a new version. */
static void the_bytes_are_these(void **state)
{
    static const uint8_t expected[SIZE - 4] = {
        43,  0,   0,   0,   1,   2,   1,   1,   8,   7,   6,   5,   4,   3,   2,
        1,   'a', ' ', 'b', 'o', 'd', 'y', ' ', 'o', 'f', ' ', '2', '3', ' ', 'c',
        'h', 'a', 'r', 'a', 'c', 't', 'e', 'r', 's', 0,   0,   0,   0,   0};
    uint8_t bytes[SIZE];

    (void)state;
    fill(bytes);
    assert_memory_equal(bytes + 4, expected, sizeof(expected));
    assert_int_equal(rt_load_u32(bytes), UINT32_C(0x867cc898));
}

static void positions_keep_their_parts(void **state)
{
    rt_position position = rt_position_make(0xffff, 0x3fffff, (UINT64_C(512) << 20) - 8);

    (void)state;
    assert_int_equal(rt_position_log(position), 0xffff);
    assert_int_equal(rt_position_segment(position), 0x3fffff);
    assert_int_equal(rt_position_offset(position), (UINT64_C(512) << 20) - 8);
    assert_true(rt_position_make(1, 2, 8) > rt_position_make(1, 1, 1 << 20));
    assert_true(rt_position_make(2, 1, 8) > rt_position_make(1, 9, 8));
}

static void a_commit_has_its_size(void **state)
{
    uint8_t body[RT_COMMIT_BODY];
    int64_t time = 5;
    uint64_t epoch = 6;

    (void)state;
    rt_commit_encode(body, -3, UINT64_MAX);
    assert_false(rt_commit_decode(rt_span(body, sizeof(body) - 1), &time, &epoch));
    assert_int_equal(time, 5);
    assert_true(rt_commit_decode(rt_span(body, sizeof(body)), &time, &epoch));
    assert_int_equal(time, -3);
    assert_true(epoch == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flipped_bit_is_found),
        cmocka_unit_test(a_record_is_good_at_its_own_place_only),
        cmocka_unit_test(a_record_must_be_whole),
        cmocka_unit_test(zeroes_are_no_record),
        cmocka_unit_test(impossible_headers_claim_nothing),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(the_bytes_are_these),
        cmocka_unit_test(positions_keep_their_parts),
        cmocka_unit_test(a_commit_has_its_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

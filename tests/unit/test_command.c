/* Commands and overrides as the journal holds them, and what `retainctl verify` says of records: one
 * form each, nothing that is cut or out of range. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "protocol/limits.h"
#include "workers/check.h"
#include "workers/command.h"

static const int64_t NOW = INT64_C(1767225600000);

static struct rt_override an_override(void)
{
    return (struct rt_override){.form = RT_OVERRIDE_SCORE,
                                .score = 12.5,
                                .since = NOW,
                                .until = NOW + RT_DAY_MS,
                                .by = rt_span_text("kim"),
                                .reason = rt_span_text("met them")};
}

static struct rt_command a_command(enum rt_command_kind kind)
{
    struct rt_command command = {.kind = kind,
                                 .sequence = 7,
                                 .ts = NOW,
                                 .until = NOW + RT_DAY_MS,
                                 .account = rt_span_text("acme"),
                                 .by = rt_span_text("kim"),
                                 .note = rt_span_text("on it")};

    command.override = an_override();
    return command;
}

static bool reads(const struct rt_override *override)
{
    struct rt_override read;
    struct rt_buffer bytes = {0};
    struct rt_reader reader;
    bool good;

    rt_override_encode(&bytes, override);
    reader = rt_reader(rt_buffer_span(&bytes));
    good = rt_override_decode(&reader, &read);
    rt_buffer_free(&bytes);
    return good;
}

static void an_override_that_cannot_be_is_refused(void **state)
{
    struct rt_override good = an_override(), bad;
    static char text[RT_NOTE_BYTES + 1];

    (void)state;
    assert_true(reads(&good));
    bad = good, bad.score = 100.5;
    assert_false(reads(&bad));
    bad = good, bad.score = NAN;
    assert_false(reads(&bad));
    bad = good, bad.form = (enum rt_override_form)3;
    assert_false(reads(&bad));
    bad = good, bad.form = RT_OVERRIDE_BAND, bad.band = (enum rt_band)RT_BANDS;
    assert_false(reads(&bad));
    bad = good, bad.until = bad.since;
    assert_false(reads(&bad));
    bad = good, bad.since = -1;
    assert_false(reads(&bad));
    bad = good, bad.until = RT_TS_MAX + 1;
    assert_false(reads(&bad));
    bad = good, bad.by = rt_span(text, RT_TEXT_BYTES + 1);
    assert_false(reads(&bad));
    bad = good, bad.reason = rt_span(text, RT_NOTE_BYTES + 1);
    assert_false(reads(&bad));
}

static void an_override_cut_anywhere_is_refused(void **state)
{
    struct rt_override good = an_override(), read = {.score = -1};
    struct rt_buffer bytes = {0};

    (void)state;
    rt_override_encode(&bytes, &good);
    for (size_t size = 0; size < bytes.size; size++) {
        struct rt_reader reader = rt_reader(rt_span(bytes.data, size));

        assert_false(rt_override_decode(&reader, &read));
        assert_true(read.score == -1);
    }
    rt_buffer_free(&bytes);
}

static void a_command_is_read_whole_or_not_at_all(void **state)
{
    (void)state;
    for (int kind = RT_COMMAND_ACK; kind <= RT_COMMAND_VOID; kind++) {
        struct rt_command command = a_command((enum rt_command_kind)kind), read;
        struct rt_buffer bytes = {0};

        rt_command_encode(&bytes, &command);
        for (size_t size = 0; size < bytes.size; size++)
            assert_false(rt_command_decode(rt_span(bytes.data, size), &read));
        assert_true(rt_command_decode(rt_buffer_span(&bytes), &read));
        assert_int_equal(read.kind, kind);
        assert_true(rt_span_equal(read.account, command.account));
        assert_int_equal(read.until, command.until);
        rt_put_u8(&bytes, 0);
        assert_false(rt_command_decode(rt_buffer_span(&bytes), &read));
        bytes.data[0] = RT_COMMAND_VOID + 1;
        assert_false(rt_command_decode(rt_buffer_span(&bytes), &read));
        rt_buffer_free(&bytes);
    }
}

static void an_override_as_a_command_has_a_time(void **state)
{
    static const int64_t times[][2] = {{-1, 5}, {5, 5}, {5, 4}, {5, RT_TS_MAX + 1}};
    struct rt_command read;

    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        struct rt_command command = a_command(RT_COMMAND_OVERRIDE);
        struct rt_buffer bytes = {0};

        command.ts = times[i][0];
        command.until = times[i][1];
        rt_command_encode(&bytes, &command);
        assert_false(rt_command_decode(rt_buffer_span(&bytes), &read));
        rt_buffer_free(&bytes);
    }
}

static const char *says(uint8_t type, uint8_t flags, const void *body, size_t size)
{
    const struct rt_record record = {
        .type = (enum rt_record_type)type, .flags = flags, .body = rt_span(body, size)};

    return rt_check_record(&record, 16);
}

static void a_record_of_any_kind_that_cannot_be_read_is_named(void **state)
{
    static const uint8_t nothing[64];

    (void)state;
    for (int type = RT_RECORD_EVENT; type <= RT_RECORD_START; type++) {
        assert_non_null(says((uint8_t)type, 0, nothing, 1));
        assert_null(says((uint8_t)type, RT_RECORD_SCRUBBED, nothing, 1));
    }
    assert_null(says(UINT8_MAX, 0, nothing, 1)); /* of a later version */
    assert_null(says(RT_RECORD_ERASE, 0, nothing, 16));
    assert_null(says(RT_RECORD_PUBLISHED, 0, nothing, 16));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_override_that_cannot_be_is_refused),
        cmocka_unit_test(an_override_cut_anywhere_is_refused),
        cmocka_unit_test(a_command_is_read_whole_or_not_at_all),
        cmocka_unit_test(an_override_as_a_command_has_a_time),
        cmocka_unit_test(a_record_of_any_kind_that_cannot_be_read_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

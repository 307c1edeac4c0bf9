/* Envelopes: what is refused, then what comes back untouched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/envelope.h"

static void refuses_more_than_eight_frames(void **state)
{
    struct rt_envelope envelope = {0};

    (void)state;
    for (int i = 0; i < RT_ENVELOPE_ALL; i++) {
        assert_true(rt_envelope_add(&envelope, rt_span("x", 1)));
    }
    assert_false(rt_envelope_add(&envelope, rt_span("", 0)));
    assert_int_equal(envelope.count, RT_ENVELOPE_ALL);
    rt_envelope_clear(&envelope);
}

static void refuses_more_than_four_kib(void **state)
{
    static uint8_t bytes[RT_ENVELOPE_BYTES + 1];
    struct rt_envelope envelope = {0};

    (void)state;
    assert_true(rt_envelope_add(&envelope, rt_span(bytes, 255))); /* the identity does not count */
    assert_false(rt_envelope_add(&envelope, rt_span(bytes, RT_ENVELOPE_BYTES + 1)));
    assert_true(rt_envelope_add(&envelope, rt_span(bytes, RT_ENVELOPE_BYTES)));
    assert_false(rt_envelope_add(&envelope, rt_span(bytes, 1)));
    assert_true(rt_envelope_add(&envelope, rt_span(bytes, 0)));
    assert_int_equal(envelope.count, 3);
    rt_envelope_clear(&envelope);
}

static void refuses_an_identity_that_cannot_be(void **state)
{
    static uint8_t bytes[256];
    struct rt_envelope envelope = {0};

    (void)state;
    assert_false(rt_envelope_add(&envelope, rt_span(bytes, 256)));
    assert_int_equal(envelope.count, 0);
}

static void gives_back_what_it_took(void **state)
{
    char frames[RT_ENVELOPE_ALL][64];
    struct rt_envelope envelope = {0};

    (void)state;
    for (int i = 0; i < RT_ENVELOPE_ALL; i++) { /* grows out of its own bytes on the way */
        memset(frames[i], 'a' + i, sizeof frames[i]);
        assert_true(rt_envelope_add(&envelope, rt_span(frames[i], (size_t)(7 * i))));
    }
    for (unsigned i = 0; i < RT_ENVELOPE_ALL; i++) {
        assert_true(rt_span_equal(rt_envelope_frame(&envelope, i), rt_span(frames[i], 7 * i)));
    }
    rt_envelope_clear(&envelope);
    assert_int_equal(envelope.count, 0);
    assert_true(rt_envelope_add(&envelope, rt_span("again", 5)));
    assert_true(rt_span_is(rt_envelope_frame(&envelope, 0), "again"));
    rt_envelope_clear(&envelope);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_more_than_eight_frames),
        cmocka_unit_test(refuses_more_than_four_kib),
        cmocka_unit_test(refuses_an_identity_that_cannot_be),
        cmocka_unit_test(gives_back_what_it_took),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

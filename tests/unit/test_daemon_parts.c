/* The daemon's smaller pure parts: generations, a worker's numbers, the steps of dead.retry,
 * histograms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/generation.h"
#include "daemon/metrics.h"
#include "daemon/pong.h"
#include "daemon/retry.h"
#include "tests/lib/notation.h"

static void generations_that_do_not_follow_are_refused(void **state)
{
    static const char *const bad[] = {
        "generation 2 workers 2 log 1\n",
        "generation 1 workers 0 log 1\n",
        "generation 1 workers 65 log 1\n",
        "generation 1 workers 2 log 0\n",
        "generation 1 workers 2 log 1",
        "generation 1 workers 2 log 1 \n",
        "generation 1 workers 2 log 1\ngeneration 2 workers 3 log 2\n",
        "generation 1 workers 2 log 65535\n",
        "generation 1 workers 2 log 4294967295\ngeneration 2 workers 2 log 1\n",
        "generation 1 workers 2 log -1\n",
        "generation 1 workers +2 log 1\n",
        "generation 1  workers 2 log 1\n",
        " generation 1 workers 2 log 1\n",
        "generation 1 workers 2\nlog 1\n",
        "generation 4294967297 workers 2 log 1\n",
        "generation 1 workers 2 log 1\n\n",
        "nonsense\n",
    };
    struct rt_generation newest;
    unsigned line;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(rt_generations_parse(bad[i], &newest, &line));
    }
    assert_int_equal(line, 1);
}

static void another_count_begins_a_generation(void **state)
{
    struct rt_generation newest, next;
    unsigned line;

    (void)state;
    assert_true(rt_generations_parse("", &newest, &line));
    next = rt_generation_next(newest, 2);
    assert_int_equal(next.number, 1);
    assert_int_equal(next.log, 1);
    assert_true(rt_generations_parse("generation 1 workers 2 log 1\ngeneration 2 workers 5 log 3\n",
                                     &newest, &line));
    next = rt_generation_next(newest, 5);
    assert_int_equal(next.number, 2);
    assert_int_equal(next.log, 3);
    next = rt_generation_next(newest, 1);
    assert_int_equal(next.number, 3);
    assert_int_equal(next.log, 8);
}

static void the_last_log_has_a_number(void **state)
{
    struct rt_generation newest, next;
    unsigned line;

    (void)state;
    assert_true(rt_generations_parse("generation 1 workers 2 log 65534\n", &newest, &line));
    next = rt_generation_next(newest, 1);
    assert_false(rt_generation_follows(&newest, &next));
    assert_true(rt_generations_parse("generation 1 workers 2 log 65533\n", &newest, &line));
    next = rt_generation_next(newest, 1);
    assert_true(rt_generation_follows(&newest, &next));
    assert_int_equal(next.log, 65535);
    next = rt_generation_next(newest, 2);
    assert_int_equal(next.number, 1);
}

static void numbers_of_a_worker(void **state)
{
    struct rt_worker_numbers numbers = {.accounts = 7, .identities = 5};
    struct rt_buffer bytes = {0};

    (void)state;
    assert_false(rt_pong_read(notation(&bytes, "5"), &numbers));
    rt_buffer_clear(&bytes);
    assert_true(rt_pong_read(
        notation(&bytes, "{accounts: 'many', deadlines: -1, 5: 6, new: [1, {a: 2}], "
                         "disk_full: true, disk_low: true, disk_left: 5, journal_bytes: 99}"),
        &numbers));
    assert_int_equal(numbers.accounts, 7);
    assert_int_equal(numbers.deadlines, 0);
    assert_int_equal(numbers.identities, 5);
    assert_int_equal(numbers.journal_bytes, 99);
    assert_true(numbers.disk_full);
    assert_true(numbers.disk_low);
    assert_int_equal(numbers.disk_left, 5);
    assert_false(numbers.clock_jump);
    rt_buffer_clear(&bytes);
    notation(&bytes, "{accounts: 8}");
    bytes.size--;
    assert_false(rt_pong_read(rt_buffer_span(&bytes), &numbers));
    rt_buffer_free(&bytes);
}

static bool taken(const char *reply)
{
    struct rt_buffer bytes = {0};
    bool is_taken = rt_retry_taken(notation(&bytes, "%s", reply));

    rt_buffer_free(&bytes);
    return is_taken;
}

static void a_letter_is_dropped_only_when_all_of_it_was_taken(void **state)
{
    (void)state;
    assert_false(taken("{error: 'busy', message: 'm'}"));
    assert_false(taken("{accepted: 0, duplicate: 0, rejected: []}"));
    assert_false(taken(
        "{accepted: 1, duplicate: 0, rejected: [{index: 1, code: 'bad_field', error: 'e'}]}"));
    assert_true(taken("{accepted: 1, duplicate: 0, rejected: []}"));
    assert_true(taken("{accepted: 0, duplicate: 1, rejected: []}"));
}

static void a_push_reply_becomes_a_query_reply(void **state)
{
    struct rt_buffer push = {0}, reply = {0}, wanted = {0};

    (void)state;
    notation(&push, "{accepted: 1, duplicate: 0, rejected: []}");
    rt_retry_reply(&reply, rt_buffer_span(&push));
    notation(&wanted, "{ok: true, accepted: 1, duplicate: 0, rejected: []}");
    assert_true(rt_span_equal(rt_buffer_span(&reply), rt_buffer_span(&wanted)));
    rt_buffer_clear(&push);
    rt_buffer_clear(&reply);
    rt_buffer_clear(&wanted);
    notation(&push, "{error: 'busy', message: 'm'}");
    rt_retry_reply(&reply, rt_buffer_span(&push));
    notation(&wanted, "{ok: false, error: 'busy', message: 'm'}");
    assert_true(rt_span_equal(rt_buffer_span(&reply), rt_buffer_span(&wanted)));
    rt_buffer_free(&push);
    rt_buffer_free(&reply);
    rt_buffer_free(&wanted);
}

static void histograms_count_every_value(void **state)
{
    struct rt_histogram histogram = {0};

    (void)state;
    rt_histogram_add(&histogram, 0);
    rt_histogram_add(&histogram, 0.00005); /* a bound belongs to its bucket */
    rt_histogram_add(&histogram, 0.003);
    rt_histogram_add(&histogram, 99);
    assert_int_equal(rt_histogram_at_most(&histogram, 0), 2);
    assert_int_equal(rt_histogram_at_most(&histogram, 5), 2);
    assert_int_equal(rt_histogram_at_most(&histogram, 6), 3);
    assert_int_equal(rt_histogram_at_most(&histogram, RT_HISTOGRAM_BUCKETS - 1), 3);
    assert_int_equal(rt_histogram_at_most(&histogram, RT_HISTOGRAM_BUCKETS), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generations_that_do_not_follow_are_refused),
        cmocka_unit_test(another_count_begins_a_generation),
        cmocka_unit_test(the_last_log_has_a_number),
        cmocka_unit_test(numbers_of_a_worker),
        cmocka_unit_test(a_letter_is_dropped_only_when_all_of_it_was_taken),
        cmocka_unit_test(a_push_reply_becomes_a_query_reply),
        cmocka_unit_test(histograms_count_every_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

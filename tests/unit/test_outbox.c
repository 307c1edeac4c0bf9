/* The send queue of libretain: what must not be lost, what must not be sent too often; then a
 * random story against a plain model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <time.h>

#include "clients/libretain/outbox.h"

static const struct rt_outbox_limits limits = {
    .messages = 4, .bytes = 4096, .batch_events = 3, .batch_bytes = 256, .resend_ms = 1000};

static struct rt_span event_of(const char *id)
{
    static struct rt_buffer buffer;

    rt_buffer_free(&buffer);
    rt_write_map(&buffer, 1);
    rt_write_key_text(&buffer, "id", id);
    return rt_buffer_span(&buffer);
}

static void add(struct rt_outbox *outbox, uint64_t token)
{
    char id[32];

    snprintf(id, sizeof(id), "e%llu", (unsigned long long)token);
    assert_int_equal(rt_outbox_add(outbox, event_of(id), token, false), RETAIN_OK);
}

/* Sends what there is to send; returns the number of the last message, 0 if there was none. */
static uint64_t send_all(struct rt_outbox *outbox, int64_t now, int *count)
{
    uint64_t number, last = 0;
    struct rt_span payload;

    *count = 0;
    while (rt_outbox_next(outbox, now, &number, &payload)) {
        rt_outbox_sent(outbox, number, now);
        last = number;
        (*count)++;
    }
    return last;
}

static bool answer(struct rt_outbox *outbox, uint64_t number, uint32_t accepted, uint32_t duplicate,
                   int64_t now)
{
    struct rt_buffer reply = {0};
    bool good;

    rt_push_reply_begin(&reply, accepted, duplicate, 0);
    good = rt_outbox_answer(outbox, number, rt_buffer_span(&reply), now);
    rt_buffer_free(&reply);
    return good;
}

static void refuse(struct rt_outbox *outbox, uint64_t number, enum rt_error code, int64_t now)
{
    struct rt_buffer reply = {0};

    rt_push_refusal(&reply, code, "because");
    assert_true(rt_outbox_answer(outbox, number, rt_buffer_span(&reply), now));
    rt_buffer_free(&reply);
}

static void answers_that_do_not_add_up_are_not_believed(void **state)
{
    struct rt_outbox *outbox = rt_outbox_new(&limits);
    struct retain_ack ack;
    int count;
    uint64_t number;

    (void)state;
    add(outbox, 1);
    add(outbox, 2);
    rt_outbox_close_batch(outbox, false);
    number = send_all(outbox, 0, &count);
    assert_false(rt_outbox_answer(outbox, number, rt_span("\xc1", 1), 0));
    assert_int_equal(send_all(outbox, 5, &count), 0); /* it waits a little */
    assert_int_equal(send_all(outbox, 5000, &count), number);
    assert_false(answer(outbox, number, 1, 0, 5000)); /* two were sent */
    assert_int_equal(send_all(outbox, 10000, &count), number);
    assert_false(answer(outbox, number, 2, 1, 10000));
    assert_false(rt_outbox_ack(outbox, false, &ack));
    assert_int_equal(rt_outbox_pending(outbox, false), 2);
    assert_int_equal(send_all(outbox, 20000, &count), number);
    assert_true(answer(outbox, number, 2, 0, 20000));
    assert_true(rt_outbox_ack(outbox, false, &ack));
    assert_int_equal(ack.outcome, RETAIN_ACCEPTED);
    rt_outbox_free(outbox);
}

static void rejections_of_events_that_were_not_sent_are_not_believed(void **state)
{
    static const uint32_t wrong[][2] = {{2, 2}, {5, 0}}; /* the same twice; beyond the end */
    struct rt_outbox *outbox = rt_outbox_new(&limits);
    int count;
    uint64_t number;

    (void)state;
    add(outbox, 1);
    add(outbox, 2);
    add(outbox, 3);
    for (int i = 0; i < 2; i++) {
        struct rt_buffer reply = {0};

        number = send_all(outbox, i * 5000, &count);
        assert_int_not_equal(number, 0);
        rt_push_reply_begin(&reply, 1, 0, 2);
        rt_push_reply_rejection(&reply, wrong[i][0], RT_BAD_FIELD, rt_span_text("ts: bad"));
        rt_push_reply_rejection(&reply, wrong[i][1], RT_BAD_FIELD, rt_span_text("ts: bad"));
        assert_false(rt_outbox_answer(outbox, number, rt_buffer_span(&reply), i * 5000));
        rt_buffer_free(&reply);
    }
    assert_int_equal(rt_outbox_pending(outbox, false), 3);
    rt_outbox_free(outbox);
}

static void a_full_window_takes_nothing(void **state)
{
    struct rt_outbox *outbox = rt_outbox_new(&limits);
    struct retain_ack ack;
    uint64_t number;
    int count;

    (void)state;
    for (uint64_t i = 0; i < 12; i++)
        add(outbox, i);
    assert_int_equal(rt_outbox_add(outbox, event_of("x"), 99, false), RETAIN_WINDOW_FULL);
    assert_int_equal(rt_outbox_pending(outbox, false), 12);
    number = send_all(outbox, 0, &count);
    assert_int_equal(count, 4);
    assert_true(answer(outbox, number, 3, 0, 0));
    /* acknowledgements that nobody took still count */
    assert_int_equal(rt_outbox_add(outbox, event_of("x"), 99, false), RETAIN_WINDOW_FULL);
    for (int i = 0; i < 3; i++)
        assert_true(rt_outbox_ack(outbox, false, &ack));
    assert_int_equal(rt_outbox_add(outbox, event_of("x"), 99, false), RETAIN_OK);
    rt_outbox_free(outbox);
}

static void an_event_too_large_is_refused_here(void **state)
{
    struct rt_outbox *outbox = rt_outbox_new(&limits);
    static uint8_t large[(2 << 20) + 1];

    (void)state;
    assert_int_equal(rt_outbox_add(outbox, rt_span(large, sizeof(large)), 1, false),
                     RETAIN_TOO_LARGE);
    assert_int_equal(rt_outbox_pending(outbox, false), 0);
    rt_outbox_free(outbox);
}

static void a_timeout_and_a_lost_connection_send_again(void **state)
{
    struct rt_outbox *outbox = rt_outbox_new(&limits);
    struct rt_outbox_counts counts;
    uint64_t number;
    int count;

    (void)state;
    add(outbox, 1);
    rt_outbox_close_batch(outbox, false);
    number = send_all(outbox, 0, &count);
    assert_int_equal(rt_outbox_due(outbox, true), 1000);
    assert_int_equal(send_all(outbox, 999, &count), 0);
    assert_int_equal(send_all(outbox, 1000, &count), number);
    rt_outbox_lost(outbox, 1100);
    assert_int_equal(send_all(outbox, 1100, &count), number);
    assert_true(answer(outbox, number, 0, 1, 1200));
    assert_true(
        answer(outbox, number, 0, 1, 1201)); /* the answer to the first copy, late: ignored */
    assert_true(answer(outbox, 4711, 1, 0, 1202));
    rt_outbox_get_counts(outbox, &counts);
    assert_int_equal(counts.duplicate, 1);
    assert_int_equal(counts.accepted, 0);
    assert_int_equal(counts.resent, 2);
    assert_int_equal(rt_outbox_pending(outbox, false), 0);
    rt_outbox_free(outbox);
}

static void busy_keeps_all_of_it_and_backs_off(void **state)
{
    struct rt_outbox *outbox = rt_outbox_new(&limits);
    int64_t now = 0, waited = 0;
    uint64_t number;
    int count;

    (void)state;
    add(outbox, 1);
    rt_outbox_close_batch(outbox, false);
    for (int i = 0; i < 12; i++) {
        int64_t due;

        number = send_all(outbox, now, &count);
        assert_int_equal(count, 1);
        refuse(outbox, number, i % 2 == 0 ? RT_BUSY : RT_STOPPING, now);
        assert_int_equal(send_all(outbox, now, &count), 0);
        due = rt_outbox_due(outbox, true);
        assert_true(due > now);
        assert_true(due - now >= waited); /* longer each time, up to a second */
        assert_true(due - now <= 1000);
        assert_int_equal(rt_outbox_due(outbox, false), INT64_MAX);
        waited = due - now;
        now = due;
    }
    number = send_all(outbox, now, &count);
    assert_true(answer(outbox, number, 1, 0, now));
    assert_int_equal(rt_outbox_pending(outbox, false), 0);
    rt_outbox_free(outbox);
}

static void too_large_is_halved_until_it_fits(void **state)
{
    struct rt_outbox *outbox = rt_outbox_new(&limits);
    struct rt_outbox_counts counts;
    struct retain_ack ack;
    uint64_t number, seen = 0;
    struct rt_span payload;
    int64_t now = 0;

    (void)state;
    for (uint64_t i = 0; i < 6; i++)
        add(outbox, i);
    while (rt_outbox_pending(outbox, false) > 0) {
        struct rt_batch batch;
        struct rt_fault fault;

        now += 2000;
        assert_true(rt_outbox_next(outbox, now, &number, &payload));
        assert_int_equal(rt_batch_open(payload, 1 << 20, &batch, &fault), RT_OK);
        rt_outbox_sent(outbox, number, now);
        if (batch.count > 1)
            refuse(outbox, number, RT_TOO_LARGE, now);
        else
            assert_true(answer(outbox, number, 1, 0, now));
        while (rt_outbox_ack(outbox, false, &ack))
            seen |= UINT64_C(1) << ack.token;
    }
    assert_int_equal(seen, 63);
    rt_outbox_get_counts(outbox, &counts);
    assert_int_equal(counts.accepted, 6);
    add(outbox, 0);
    rt_outbox_close_batch(outbox, false);
    assert_true(rt_outbox_next(outbox, now, &number, &payload));
    rt_outbox_sent(outbox, number, now);
    refuse(outbox, number, RT_TOO_LARGE, now); /* a single one is rejected */
    while (rt_outbox_ack(outbox, false, &ack))
        assert_string_equal(ack.code, "too_large");
    rt_outbox_get_counts(outbox, &counts);
    assert_int_equal(counts.rejected, 1);
    rt_outbox_free(outbox);
}

static void each_event_gets_its_own_outcome(void **state)
{
    struct rt_outbox *outbox = rt_outbox_new(&limits);
    struct rt_buffer reply = {0};
    struct retain_ack ack;
    uint64_t number;
    int count;

    (void)state;
    add(outbox, 10);
    add(outbox, 11);
    add(outbox, 12);
    number = send_all(outbox, 0, &count);
    rt_push_reply_begin(&reply, 1, 0, 2);
    rt_push_reply_rejection(&reply, 2, RT_BAD_FIELD, rt_span_text("csat: must be 1 to 5"));
    rt_push_reply_rejection(&reply, 0, RT_TS_IN_FUTURE, rt_span_text("ts: in the future"));
    assert_true(rt_outbox_answer(outbox, number, rt_buffer_span(&reply), 0));
    assert_true(rt_outbox_ack(outbox, false, &ack));
    assert_int_equal(ack.token, 10);
    assert_int_equal(ack.outcome, RETAIN_REJECTED);
    assert_string_equal(ack.code, "ts_in_future");
    assert_true(rt_outbox_ack(outbox, false, &ack));
    assert_int_equal(ack.token, 11);
    assert_int_equal(ack.outcome, RETAIN_ACCEPTED);
    assert_null(ack.code);
    assert_true(rt_outbox_ack(outbox, false, &ack));
    assert_int_equal(ack.token, 12);
    assert_string_equal(ack.error, "csat: must be 1 to 5");
    assert_false(rt_outbox_ack(outbox, false, &ack));
    rt_buffer_free(&reply);
    rt_outbox_free(outbox);
}

static void a_payload_is_a_batch_with_or_without_options(void **state)
{
    struct rt_outbox_limits quiet = limits;

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct rt_outbox *outbox;
        struct rt_batch batch;
        struct rt_fault fault;
        struct rt_span payload, event;
        uint64_t number;

        quiet.quiet = i == 1;
        outbox = rt_outbox_new(&quiet);
        add(outbox, 1);
        assert_true(rt_outbox_gathering(outbox));
        rt_outbox_close_batch(outbox, false);
        assert_false(rt_outbox_gathering(outbox));
        assert_true(rt_outbox_next(outbox, 0, &number, &payload));
        assert_int_equal(rt_batch_open(payload, 1 << 20, &batch, &fault), RT_OK);
        assert_int_equal(batch.count, 1);
        assert_int_equal(batch.quiet, quiet.quiet);
        assert_true(rt_batch_next(&batch, &event));
        assert_true(rt_span_equal(event, event_of("e1")));
        rt_outbox_free(outbox);
    }
}

/* A peer that loses, repeats, refuses and answers late, in any order: every event is acknowledged
 * exactly once. */
static void a_random_story_acknowledges_each_event_once(void **state)
{
    unsigned seed = (unsigned)time(NULL) ^ (unsigned)clock();
    enum { EVENTS = 2000 };
    static unsigned char acks[EVENTS];
    struct rt_outbox *outbox = rt_outbox_new(&limits);
    uint64_t flying[64], number;
    size_t count = 0, next = 0;
    struct rt_span payload;
    struct retain_ack ack;
    int64_t now = 0;

    (void)state;
    print_message("seed %u\n", seed);
    memset(acks, 0, sizeof(acks));
    while (next < EVENTS || rt_outbox_pending(outbox, false) > 0) {
        now += rand_r(&seed) % 100;
        if (next < EVENTS && rt_outbox_has_room(outbox) &&
            rt_outbox_add(outbox, event_of("e"), next, false) == RETAIN_OK)
            next++;
        if (next == EVENTS || rand_r(&seed) % 4 == 0)
            rt_outbox_close_batch(outbox, false);
        while (count < 64 && rt_outbox_next(outbox, now, &number, &payload)) {
            rt_outbox_sent(outbox, number, now);
            if (rand_r(&seed) % 5 != 0)
                flying[count++] = number;
        }
        if (rand_r(&seed) % 50 == 0)
            rt_outbox_lost(outbox, now);
        if (count > 0) {
            size_t at = (size_t)rand_r(&seed) % count;
            int what = rand_r(&seed) % 8;

            number = flying[at];
            flying[at] = flying[--count];
            if (what == 0)
                refuse(outbox, number, RT_BUSY, now);
            else /* how many were in it the peer knows; here any number that fits is tried */
                for (uint32_t n = 1; n <= 3; n++)
                    (void)answer(outbox, number, n, 0, now);
        }
        while (rt_outbox_ack(outbox, false, &ack))
            acks[ack.token]++;
    }
    for (int i = 0; i < EVENTS; i++)
        assert_int_equal(acks[i], 1);
    rt_outbox_free(outbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_that_do_not_add_up_are_not_believed),
        cmocka_unit_test(rejections_of_events_that_were_not_sent_are_not_believed),
        cmocka_unit_test(a_full_window_takes_nothing),
        cmocka_unit_test(an_event_too_large_is_refused_here),
        cmocka_unit_test(a_timeout_and_a_lost_connection_send_again),
        cmocka_unit_test(busy_keeps_all_of_it_and_backs_off),
        cmocka_unit_test(too_large_is_halved_until_it_fits),
        cmocka_unit_test(each_event_gets_its_own_outcome),
        cmocka_unit_test(a_payload_is_a_batch_with_or_without_options),
        cmocka_unit_test(a_random_story_acknowledges_each_event_once),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    (void)event_of("");
    return failed;
}

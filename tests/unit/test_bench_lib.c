/* bench/lib: what the benchmarks send are events, each once, on the accounts they were told; and an
 * inbox keeps its books. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "bench/lib/drive.h"
#include "bench/lib/events.h"
#include "protocol/event.h"
#include "protocol/limits.h"

enum { SEED = 7, EVENTS = 20000, ACCOUNTS = 50 };

static const int64_t now_ms = INT64_C(1800000000000);

static struct rt_event decoded(const struct rt_buffer *bytes)
{
    struct rt_event event;
    struct rt_fault fault;

    assert_int_equal(rt_event_decode(rt_buffer_span(bytes), now_ms, RT_EVENT_BYTES, &event, &fault),
                     RT_OK);
    return event;
}

/* Draws calls; counts[i]: how many were on account i. */
static void draw(bool zipf, unsigned counts[ACCOUNTS])
{
    struct rt_buffer bytes = {0};

    bench_seed(SEED);
    bench_accounts(ACCOUNTS, zipf);
    memset(counts, 0, ACCOUNTS * sizeof(*counts));
    for (uint64_t i = 0; i < EVENTS; i++) {
        struct rt_event event;
        char name[13];

        rt_buffer_clear(&bytes);
        bench_append_call(&bytes, i, now_ms);
        event = decoded(&bytes);
        assert_int_equal(event.type, RT_CALL);
        assert_true(event.ts <= now_ms && event.ts > now_ms - INT64_C(90) * 86400000);
        assert_int_equal(event.id.size, 16);
        assert_int_equal(event.account.size, 12);
        memcpy(name, event.account.data, 12);
        name[12] = '\0';
        assert_true(strtoul(name + 4, NULL, 10) < ACCOUNTS);
        counts[strtoul(name + 4, NULL, 10)]++;
    }
    rt_buffer_free(&bytes);
}

static unsigned highest(const unsigned counts[ACCOUNTS])
{
    unsigned most = 0;

    for (size_t i = 0; i < ACCOUNTS; i++)
        most = counts[i] > most ? counts[i] : most;
    return most;
}

static void each_account_is_as_likely(void **state)
{
    unsigned counts[ACCOUNTS];

    (void)state;
    draw(false, counts);
    for (size_t i = 0; i < ACCOUNTS; i++)
        assert_true(counts[i] > EVENTS / ACCOUNTS / 2);
    assert_true(highest(counts) < 2 * EVENTS / ACCOUNTS);
}

/* By Zipf's law the first of 50 has 1/4.5 of all. */
static void zipf_has_favourites(void **state)
{
    unsigned counts[ACCOUNTS];

    (void)state;
    draw(true, counts);
    assert_true(highest(counts) > EVENTS / 6);
    assert_true(highest(counts) < EVENTS / 3);
}

static void an_id_is_never_used_twice(void **state)
{
    struct rt_buffer one = {0}, two = {0};
    struct rt_event first, second;

    (void)state;
    bench_seed(SEED);
    bench_accounts(1, false);
    bench_append_call(&one, UINT64_C(0xfedcba9876543210), now_ms);
    bench_append_call(&two, UINT64_C(0xfedcba9876543211), now_ms);
    first = decoded(&one);
    second = decoded(&two);
    assert_memory_equal(first.id.data, "fedcba9876543210", 16);
    assert_memory_equal(second.id.data, "fedcba9876543211", 16);
    rt_buffer_free(&one);
    rt_buffer_free(&two);
}

static void tickets_and_profiles_are_events(void **state)
{
    struct rt_buffer bytes = {0};
    struct rt_event event;

    (void)state;
    bench_append_ticket(&bytes, 0xabc, 42, now_ms);
    event = decoded(&bytes);
    assert_int_equal(event.type, RT_TICKET);
    assert_int_equal(event.severity, 1);
    assert_memory_equal(event.account.data, "lat-abc-42", event.account.size);
    rt_buffer_clear(&bytes);
    bench_append_profile(&bytes, 123, now_ms);
    event = decoded(&bytes);
    assert_int_equal(event.type, RT_ACCOUNT);
    assert_memory_equal(event.account.data, "acc-00000123", event.account.size);
    for (int key = RT_PROFILE_OWNER; key <= RT_PROFILE_TIER; key++)
        assert_int_equal(event.profile[key].presence, RT_KEY_SET);
    assert_int_equal(event.profile[RT_PROFILE_RENEWAL].presence, RT_KEY_SET);
    assert_int_equal(event.profile[RT_PROFILE_VALUE].presence, RT_KEY_SET);
    rt_buffer_free(&bytes);
}

static void alerts_find_their_message(void **state)
{
    struct bench_load load = {.latency = true, .batch = 1, .rate = 100, .seconds = 1, .alerts = 10};
    struct bench_inbox inbox;
    const char *topics[] = {BENCH_ALERTS "abc-42", BENCH_ALERTS "abc-42", BENCH_ALERTS "abc-100000",
                            BENCH_ALERTS "abc-99"};

    (void)state;
    bench_inbox_open(&inbox, &load);
    assert_int_equal(inbox.messages, 100);
    bench_heard(&inbox, BENCH_ALERTS "abc-3", strlen(BENCH_ALERTS "abc-3"));
    assert_true(inbox.listening);
    assert_int_equal(inbox.heard, 0); /* that one only told that alerts are heard */
    inbox.first = 5;
    for (size_t i = 0; i < 4; i++)
        bench_heard(&inbox, topics[i], strlen(topics[i]));
    assert_int_equal(inbox.heard, 2); /* one came twice, one is of nobody's */
    assert_true(inbox.heard_at[42] != 0 && inbox.heard_at[99] != 0 && inbox.heard_at[41] == 0);
    bench_answered(&inbox, 7);
    bench_refused(&inbox, 8);
    assert_int_equal(inbox.answered, 1);
    assert_int_equal(inbox.refused, 1);
    assert_true(inbox.answered_at[7] != 0 && inbox.answered_at[8] == 0);
    bench_inbox_close(&inbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_account_is_as_likely),
        cmocka_unit_test(zipf_has_favourites),
        cmocka_unit_test(an_id_is_never_used_twice),
        cmocka_unit_test(tickets_and_profiles_are_events),
        cmocka_unit_test(alerts_find_their_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

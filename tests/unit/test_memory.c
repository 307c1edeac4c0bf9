/* Every allocation of libretain's parts fails once, in turn: an error comes back, nothing is lost
 * or leaked, and the same call succeeds when there is memory again. libzmq itself ends the process
 * without memory, so its sockets are left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "clients/libretain/outbox.h"
#include "clients/retainctl/input.h"
#include "retain.h"
#include "tests/lib/short_memory.h"

/* Runs `scenario` with the 1st, 2nd, ... allocation failing until none fails any more. It returns
 * false if memory was short. */
static void walk(bool (*scenario)(void))
{
    for (long at = 0; at < 10000; at++) {
        long blocks = short_memory_blocks();
        bool good, failed;

        short_memory_after(at, false);
        good = scenario();
        failed = short_memory_end();
        assert_true(short_memory_blocks() <= blocks);
        if (!failed) {
            assert_true(good);
            return;
        }
    }
    fail_msg("there is no end of allocations");
}

static bool map_scenario(void)
{
    retain_map *map = retain_event_new("account", "ACME", "1", 1);
    size_t size = 0;
    const void *bytes;

    for (int i = 0; i < 40; i++) {
        char key[16];

        snprintf(key, sizeof(key), "key%d", i % 20);
        retain_map_text(map, key, "a text of some length, so that the buffer grows");
    }
    retain_map_contact(map, "Ada", "ada@example.org", "1");
    bytes = retain_map_bytes(map, &size);
    if (bytes != NULL)
        assert_int_equal(retain_value_size(retain_value_of(bytes, size)), 25);
    retain_map_free(map);
    return bytes != NULL;
}

static const struct rt_outbox_limits limits = {.messages = 64,
                                               .bytes = 1 << 20,
                                               .batch_events = 40,
                                               .batch_bytes = 1 << 16,
                                               .resend_ms = 1000};

/* Adds until it works; true if it did at once. */
static bool add(struct rt_outbox *outbox, uint64_t token)
{
    static const uint8_t event[] = "\x81\xa2id\xa1x";
    int code = rt_outbox_add(outbox, rt_span(event, sizeof(event) - 1), token, false);

    if (code == RETAIN_OK)
        return true;
    assert_int_equal(code, RETAIN_NO_MEMORY);
    short_memory_end();
    assert_int_equal(rt_outbox_add(outbox, rt_span(event, sizeof(event) - 1), token, false),
                     RETAIN_OK);
    return false;
}

static size_t reply_make(uint8_t *reply, uint32_t count)
{
    size_t size = 0;

    /* {"accepted": 1, "duplicate": 0, "rejected": [{"index": 0.., "code": "bad_field", "error":
     * "ts: bad"}]} without an allocation */
    size += (size_t)snprintf((char *)reply, 64,
                             "\x83\xa8"
                             "accepted\x01\xa9"
                             "duplicate");
    reply[size++] = 0;
    size += (size_t)snprintf((char *)reply + size, 64, "\xa8rejected\xdc");
    reply[size++] = 0;
    reply[size++] = (uint8_t)count;
    for (uint32_t i = 0; i < count; i++) {
        size += (size_t)snprintf((char *)reply + size, 64, "\x83\xa5index");
        reply[size++] = (uint8_t)i;
        size += (size_t)snprintf((char *)reply + size, 64,
                                 "\xa4"
                                 "code\xa9"
                                 "bad_field\xa5"
                                 "error\xa7ts: bad");
    }
    return size;
}

static bool outbox_scenario(void)
{
    static uint8_t reply[8192];
    struct rt_outbox *outbox = rt_outbox_new(&limits);
    struct rt_span payload;
    struct retain_ack ack;
    uint64_t number;
    size_t size = reply_make(reply, 39);
    bool good = true;
    int acks = 0;
    int64_t now = 0;

    if (outbox == NULL)
        return false;
    for (uint64_t i = 0; i < 40; i++)
        good = add(outbox, i) && good;
    assert_int_equal(rt_outbox_pending(outbox, false), 40);
    while (rt_outbox_pending(outbox, false) > 0) {
        now += 5000;
        assert_true(rt_outbox_next(outbox, now, &number, &payload));
        rt_outbox_sent(outbox, number, now);
        if (!rt_outbox_answer(outbox, number, rt_span(reply, size), now)) {
            good = false; /* asked again, which brings the same answer */
            short_memory_end();
        }
    }
    while (rt_outbox_ack(outbox, false, &ack))
        assert_int_equal(ack.token, acks++);
    assert_int_equal(acks, 40);
    rt_outbox_free(outbox);
    return good;
}

static bool ignore_event(void *arg, uint64_t line, struct rt_span packed)
{
    (void)line;
    (void)packed;
    ++*(int *)arg;
    return true;
}

static bool ignore_bad(void *arg, uint64_t line, const char *text)
{
    (void)arg;
    (void)line;
    (void)text;
    return true;
}

static bool input_scenario(void)
{
    static const char csv[] = "account,ts,type\nA,2020-01-01,call\nB,1,\"vi\"\"sit\"\n";
    int events = 0;
    const struct rt_sink sink = {&events, ignore_event, ignore_bad};
    struct rt_mapping mapping = {0};
    struct rt_input *input = rt_input_new(RT_FORMAT_CSV, &mapping, &sink, 0);
    bool good = input != NULL;

    if (good)
        good = rt_input_feed(input, csv, sizeof(csv) - 1) == RT_INPUT_OK &&
               rt_input_end(input) == RT_INPUT_OK;
    if (good)
        assert_int_equal(events, 2);
    rt_input_free(input);
    return good;
}

static void maps_survive(void **state)
{
    (void)state;
    walk(map_scenario);
}

static void the_send_queue_survives(void **state)
{
    (void)state;
    walk(outbox_scenario);
}

static void readers_survive(void **state)
{
    (void)state;
    walk(input_scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_survive),
        cmocka_unit_test(the_send_queue_survives),
        cmocka_unit_test(readers_survive),
    };

    if (!short_memory_works())
        printf("skipped the walk: a sanitizer has its own malloc; the scenarios run once\n");
    return cmocka_run_group_tests(tests, NULL, NULL);
}

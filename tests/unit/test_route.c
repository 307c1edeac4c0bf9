/* Routes: which events have no worker, and that each other one goes whole to the one that owns its
 * account. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/route.h"
#include "protocol/link.h"
#include "protocol/partition.h"
#include "tests/lib/notation.h"

static struct rt_route route;

static void route_for(const struct rt_key *key, const char *text, uint32_t workers,
                      struct rt_buffer *payload)
{
    struct rt_batch batch;
    struct rt_fault fault;

    route.partitions = 256;
    route.workers = workers;
    route.event_bytes = 200;
    notation(payload, "%s", text);
    assert_int_equal(rt_batch_open(rt_buffer_span(payload), RT_MESSAGE_BYTES, &batch, &fault),
                     RT_OK);
    rt_route_batch(&route, batch, key);
}

static void route_text(const char *text, uint32_t workers, struct rt_buffer *payload)
{
    route_for(&rt_key_anyone, text, workers, payload);
}

static void denied_events_have_no_worker(void **state)
{
    struct rt_buffer payload = {0};
    struct rt_fault fault = {0};
    struct rt_key key;
    char error[RT_KEY_ERROR];

    (void)state;
    assert_true(rt_key_parse("[key]\nname = n\nrole = producer\nsource = pbx\naccount = acme\n"
                             "public = rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\n",
                             &key, error));
    route_for(
        &key,
        "[{account: 'acme'}, {account: 'acme', source: 'crm'}, {account: 'x', source: 'pbx'}, "
        "{account: 'acme', source: 5}, {source: 'pbx'}, {account: 'acme', source: 'pbx'}]",
        4, &payload);
    assert_int_equal(route.faulty_count, 5);
    for (uint32_t i = 0; i < 5; i++) {
        enum rt_error code = rt_route_allowed(&key, route.faulty[i].event, &fault);

        assert_int_equal(route.faulty[i].index, i);
        assert_int_equal(code, i == 4 ? RT_OK : RT_DENIED); /* that one has another fault */
    }
    assert_int_equal(rt_route_allowed(&key, route.faulty[2].event, &fault), RT_DENIED);
    assert_non_null(strstr(fault.text, "account"));
    assert_int_equal(route.count, 1);
    assert_int_equal(route.entries[0].index, 5);
    rt_buffer_clear(&payload);
    route_for(NULL, "[{account: 'acme'}]", 4, &payload);
    assert_int_equal(route.count, 0);
    rt_key_clear(&key);
    rt_buffer_free(&payload);
}

static void faulty_events_have_no_worker(void **state)
{
    struct rt_buffer payload = {0};

    (void)state;
    route_text("[5, {id: 'a'}, {account: 7}, {account: ''}, {account: 'x'*129}, [1], "
               "{account: 'big', note: 'x'*200}, {account: 'good'}]",
               4, &payload);
    assert_int_equal(route.faulty_count, 7);
    assert_int_equal(route.count, 1);
    for (uint32_t i = 0; i < 7; i++) {
        assert_int_equal(route.faulty[i].index, i);
    }
    assert_int_equal(route.entries[0].index, 7);
    rt_buffer_free(&payload);
}

static void an_empty_batch_goes_nowhere(void **state)
{
    struct rt_buffer payload = {0};

    (void)state;
    route_text("[]", 2, &payload);
    assert_int_equal(route.targets, 0);
    assert_int_equal(route.count + route.faulty_count, 0);
    rt_buffer_free(&payload);
}

/* Reads one worker's frame back and ticks its events off. */
static void check_frame(uint32_t worker, uint64_t tag, const uint8_t *bytes, size_t size,
                        const struct rt_span *events, unsigned *seen)
{
    struct rt_link_header header;
    struct rt_reader body = rt_reader(rt_span(bytes + RT_LINK_HEADER, size - RT_LINK_HEADER));
    struct rt_span event;
    uint32_t index;

    assert_true(rt_link_header_decode(bytes, &header));
    assert_int_equal(header.kind, RT_LINK_EVENTS);
    assert_int_equal(header.flags, RT_LINK_QUIET);
    assert_int_equal(header.tag, tag);
    assert_int_equal(header.size, size - RT_LINK_HEADER);
    while (rt_link_next_event(&body, &index, &event)) {
        char name[16];

        snprintf(name, sizeof name, "acct%u", index % 50);
        assert_int_equal(rt_partition(rt_span_text(name), 256) % route.workers, worker);
        assert_true(rt_span_equal(event, events[index]));
        seen[index]++;
    }
    assert_true(rt_read_done(&body));
}

static void every_event_reaches_the_owner_of_its_account(void **state)
{
    enum { EVENTS = 200, WORKERS = 7 };
    struct rt_buffer payload = {0};
    struct rt_span events[EVENTS];
    uint64_t tags[RT_WORKERS_MAX];
    uint8_t *bytes[RT_WORKERS_MAX] = {0};
    unsigned seen[EVENTS] = {0};
    char text[EVENTS * 40] = "[";

    (void)state;
    for (int i = 0; i < EVENTS; i++) {
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 "%s{id: 'e%d', account: 'acct%d'}", i == 0 ? "" : ", ", i, i % 50);
    }
    strcat(text, "]");
    route_text(text, WORKERS, &payload);
    assert_int_equal(route.count, EVENTS);
    for (int i = 0; i < EVENTS; i++) {
        events[i] = route.entries[i].event;
    }
    for (uint32_t i = 0; i < WORKERS; i++) {
        tags[i] = 100 + i;
        bytes[i] = malloc(rt_route_frame_size(&route, i));
    }
    rt_route_frames(&route, RT_LINK_QUIET, tags, bytes);
    for (uint32_t i = 0; i < WORKERS; i++) {
        if (route.targets >> i & 1) {
            check_frame(i, tags[i], bytes[i], rt_route_frame_size(&route, i), events, seen);
        }
        free(bytes[i]);
    }
    for (int i = 0; i < EVENTS; i++) {
        assert_int_equal(seen[i], 1);
    }
    rt_buffer_free(&payload);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(denied_events_have_no_worker),
        cmocka_unit_test(faulty_events_have_no_worker),
        cmocka_unit_test(an_empty_batch_goes_nowhere),
        cmocka_unit_test(every_event_reaches_the_owner_of_its_account),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

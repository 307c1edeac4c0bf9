/* Link frames: what breaks a link, then each body there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "protocol/limits.h"
#include "protocol/link.h"
#include "tests/lib/notation.h"

static struct rt_buffer bytes;

static void headers_refused(void **state)
{
    struct rt_link_header header = {.size = RT_LINK_BODY_MAX, .kind = RT_LINK_EVENTS};
    uint8_t head[RT_LINK_HEADER];

    (void)state;
    rt_link_header_encode(&header, head);
    assert_true(rt_link_header_decode(head, &header));
    head[0]++;
    assert_false(rt_link_header_decode(head, &header));
    memset(head, 0xff, sizeof(head));
    assert_false(rt_link_header_decode(head, &header));
    memset(head, 0, sizeof(head));
    head[6] = 1;
    assert_false(rt_link_header_decode(head, &header));
}

static void header_there_and_back(void **state)
{
    const struct rt_link_header header = {
        .size = 0x010203, .kind = RT_LINK_ALERT, .flags = 5, .tag = UINT64_C(0x8877665544332211)};
    struct rt_link_header back;
    uint8_t head[RT_LINK_HEADER];

    (void)state;
    rt_link_header_encode(&header, head);
    assert_memory_equal(head, "\x03\x02\x01\x00\x23\x05\x00\x00\x11\x22\x33\x44\x55\x66\x77\x88",
                        16);
    assert_true(rt_link_header_decode(head, &back));
    assert_int_equal(back.size, header.size);
    assert_int_equal(back.kind, header.kind);
    assert_int_equal(back.flags, header.flags);
    assert_true(back.tag == header.tag);
}

static void frames_follow_each_other(void **state)
{
    struct rt_link_header header;
    size_t mark;

    (void)state;
    rt_buffer_free(&bytes);
    rt_link_frame(&bytes, RT_LINK_STOP, 0, 0, rt_span(NULL, 0));
    mark = rt_link_begin(&bytes, RT_LINK_QUERY, RT_LINK_PART, 9);
    rt_buffer_append(&bytes, "abc", 3);
    rt_link_end(&bytes, mark);
    rt_link_frame(&bytes, RT_LINK_CONFIG, 0, 1, rt_span_text("[x]"));
    assert_int_equal(bytes.size, 3 * 16 + 6);
    assert_true(rt_link_header_decode(bytes.data, &header));
    assert_int_equal(header.size, 0);
    assert_true(rt_link_header_decode(bytes.data + 16, &header));
    assert_int_equal(header.size, 3);
    assert_int_equal(header.flags, RT_LINK_PART);
    assert_true(rt_link_header_decode(bytes.data + 35, &header));
    assert_int_equal(header.kind, RT_LINK_CONFIG);
    assert_memory_equal(bytes.data + 51, "[x]", 3);
}

/* A body that no peer would take never leaves. */
static void too_large_a_body_fails_its_buffer(void **state)
{
    size_t mark;

    (void)state;
    rt_buffer_free(&bytes);
    mark = rt_link_begin(&bytes, RT_LINK_ANSWER, 0, 1);
    assert_true(rt_buffer_reserve(&bytes, (size_t)RT_LINK_BODY_MAX + 1));
    memset(bytes.data + bytes.size, 0, (size_t)RT_LINK_BODY_MAX + 1);
    bytes.size += (size_t)RT_LINK_BODY_MAX + 1;
    rt_link_end(&bytes, mark);
    assert_true(bytes.failed);
    rt_buffer_free(&bytes);
}

static const struct rt_link_setup *a_setup(void)
{
    static struct rt_link_setup setup;

    setup = (struct rt_link_setup){.index = 1, .count = 2, .partitions = 256, .log = 4000000000};
    setup.state_dir = rt_span_text("/var/lib/retaind");
    setup.config = rt_span_text("[limits]\nevent_bytes = 5\n");
    setup.version = rt_span_text("0.1.0");
    return &setup;
}

static void setups_refused(void **state)
{
    static const char *const texts[] = {
        "nil",
        "[]",
        "{}",
        "!c1",
        "[0, 1, 256, 1, 'd', 'c']",
        "[0, 1, 256, 1, 'd', 'c', 'v', 1]",
        "[1, 1, 256, 1, 'd', 'c', 'v']",
        "[0, 0, 256, 1, 'd', 'c', 'v']",
        "[0, 65, 256, 1, 'd', 'c', 'v']",
        "[0, 1, 0, 1, 'd', 'c', 'v']",
        "[0, 1, 4097, 1, 'd', 'c', 'v']",
        "[-1, 1, 256, 1, 'd', 'c', 'v']",
        "[0, 1, 256, 4294967296, 'd', 'c', 'v']",
        "[0, 1, 256, nil, 'd', 'c', 'v']",
        "[0, 1, 256, 1, 5, 'c', 'v']",
        "[0, 1, 256, 1, 'd', nil, 'v']",
    };
    struct rt_link_setup setup;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        rt_buffer_free(&bytes);
        assert_false(rt_link_setup_decode(notation(&bytes, "%s", texts[i]), &setup));
    }
    rt_buffer_free(&bytes);
    assert_true(rt_link_setup_decode(notation(&bytes, "[0, 1, 256, 1, 'd', 'c', 'v']"), &setup));
    rt_buffer_append(&bytes, "\xc0", 1);
    assert_false(rt_link_setup_decode(rt_buffer_span(&bytes), &setup));
}

static void setup_there_and_back(void **state)
{
    const struct rt_link_setup setup = *a_setup();
    struct rt_link_setup back;

    (void)state;
    rt_buffer_free(&bytes);
    rt_link_setup_encode(&bytes, &setup);
    assert_true(rt_link_setup_decode(rt_buffer_span(&bytes), &back));
    assert_int_equal(back.index, 1);
    assert_int_equal(back.count, 2);
    assert_int_equal(back.partitions, 256);
    assert_int_equal(back.log, 4000000000);
    assert_true(rt_span_equal(back.state_dir, setup.state_dir) &&
                rt_span_equal(back.config, setup.config) &&
                rt_span_equal(back.version, setup.version));
}

static void ready_there_and_back(void **state)
{
    const struct rt_link_ready ready = {.published = INT64_MAX, .accounts = 1000000, .replayed = 0};
    struct rt_link_ready back;

    (void)state;
    rt_buffer_free(&bytes);
    rt_link_ready_encode(&bytes, &ready);
    assert_true(rt_link_ready_decode(rt_buffer_span(&bytes), &back));
    assert_memory_equal(&back, &ready, sizeof(ready));
    rt_buffer_free(&bytes);
    assert_false(rt_link_ready_decode(notation(&bytes, "[1, 2]"), &back));
    rt_buffer_free(&bytes);
    assert_false(rt_link_ready_decode(notation(&bytes, "[1, 2, -3]"), &back));
}

static void events_walk(void **state)
{
    struct rt_reader body;
    struct rt_span event;
    uint32_t index;

    (void)state;
    rt_buffer_free(&bytes);
    body = rt_reader(rt_buffer_span(&bytes));
    assert_false(rt_link_next_event(&body, &index, &event));
    assert_true(rt_read_done(&body));
    for (uint32_t i = 0; i < 3; i++) {
        rt_put_u32(&bytes, 10 * i);
        rt_put_bytes(&bytes, rt_span("abc", i));
    }
    body = rt_reader(rt_buffer_span(&bytes));
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(rt_link_next_event(&body, &index, &event));
        assert_int_equal(index, 10 * i);
        assert_int_equal(event.size, i);
    }
    assert_false(rt_link_next_event(&body, &index, &event));
    assert_true(rt_read_done(&body));
    for (size_t cut = 1; cut < 8; cut++) {
        body = rt_reader(rt_span(bytes.data, cut));
        assert_false(rt_link_next_event(&body, &index, &event));
        assert_false(rt_read_done(&body));
    }
}

static void buries(void **state)
{
    struct rt_span reason, payload;
    enum rt_error code;

    (void)state;
    rt_buffer_free(&bytes);
    rt_link_bury_encode(&bytes, RT_POISON, rt_span_text("why"), rt_span("\0\xff", 2));
    assert_true(rt_link_bury_decode(rt_buffer_span(&bytes), &code, &reason, &payload));
    assert_int_equal(code, RT_POISON);
    assert_true(rt_span_is(reason, "why"));
    assert_int_equal(payload.size, 2);
    for (size_t cut = 0; cut < bytes.size; cut++)
        assert_false(rt_link_bury_decode(rt_span(bytes.data, cut), &code, &reason, &payload));
    rt_put_u8(&bytes, 0);
    assert_false(rt_link_bury_decode(rt_buffer_span(&bytes), &code, &reason, &payload));
    bytes.size--;
    bytes.data[0] = RT_ERROR_COUNT;
    assert_false(rt_link_bury_decode(rt_buffer_span(&bytes), &code, &reason, &payload));
}

static void queries(void **state)
{
    struct rt_buffer owners = {0};
    struct rt_span seen, request;
    int64_t asked;

    (void)state;
    rt_buffer_free(&bytes);
    rt_put_bytes(&owners, rt_span_text("kim"));
    rt_link_query_encode(&bytes, -5, rt_buffer_span(&owners), rt_span_text("{}"));
    for (size_t cut = 0; cut < 8 + 4 + owners.size; cut++)
        assert_false(rt_link_query_decode(rt_span(bytes.data, cut), &asked, &seen, &request));
    assert_true(rt_link_query_decode(rt_buffer_span(&bytes), &asked, &seen, &request));
    assert_int_equal(asked, -5);
    assert_true(rt_span_equal(seen, rt_buffer_span(&owners)));
    assert_true(rt_span_is(request, "{}"));
    rt_buffer_free(&owners);
}

static void dones(void **state)
{
    const struct rt_link_done done = {RT_BUSY, 1, 2, 3, 2};
    const struct rt_link_rejection first = {7, RT_BAD_FIELD, rt_span_text("ts: x")};
    const struct rt_link_rejection second = {UINT32_MAX, RT_TS_IN_FUTURE, rt_span_text("")};
    struct rt_link_rejection rejection;
    struct rt_link_done back;
    struct rt_reader body;

    (void)state;
    rt_buffer_free(&bytes);
    rt_link_done_encode(&bytes, &done);
    rt_link_rejection_encode(&bytes, &first);
    rt_link_rejection_encode(&bytes, &second);
    body = rt_reader(rt_buffer_span(&bytes));
    assert_true(rt_link_done_decode(&body, &back));
    assert_memory_equal(&back, &done, sizeof(done));
    assert_true(rt_link_next_rejection(&body, &rejection));
    assert_int_equal(rejection.index, 7);
    assert_int_equal(rejection.code, RT_BAD_FIELD);
    assert_true(rt_span_is(rejection.text, "ts: x"));
    assert_true(rt_link_next_rejection(&body, &rejection));
    assert_int_equal(rejection.index, UINT32_MAX);
    assert_false(rt_link_next_rejection(&body, &rejection));
    assert_true(rt_read_done(&body));
    for (size_t cut = 0; cut < 17; cut++) {
        body = rt_reader(rt_span(bytes.data, cut));
        assert_false(rt_link_done_decode(&body, &back));
    }
    bytes.data[17 + 4] = 0xff;
    body = rt_reader(rt_buffer_span(&bytes));
    assert_true(rt_link_done_decode(&body, &back));
    assert_false(rt_link_next_rejection(&body, &rejection));
    assert_false(rt_read_done(&body));
}

static void alerts(void **state)
{
    const struct rt_link_alert alert = {
        .position = UINT64_MAX,
        .received = -1,
        .due = INT64_MIN,
        .publish = true,
        .owner = rt_span_text(""),
        .severity = rt_span_text("info"),
        .kind = rt_span_text("upsell"),
        .account = rt_span_text("a"),
        .map = rt_span("\x80", 1),
    };
    struct rt_link_alert back;

    (void)state;
    rt_buffer_free(&bytes);
    rt_link_alert_encode(&bytes, &alert);
    assert_true(rt_link_alert_decode(rt_buffer_span(&bytes), &back));
    assert_true(back.position == UINT64_MAX && back.received == -1 && back.due == INT64_MIN &&
                back.publish);
    assert_int_equal(back.owner.size, 0);
    assert_true(rt_span_equal(back.severity, alert.severity) &&
                rt_span_equal(back.kind, alert.kind) &&
                rt_span_equal(back.account, alert.account) && rt_span_equal(back.map, alert.map));
    for (size_t cut = 0; cut < bytes.size; cut++)
        assert_false(rt_link_alert_decode(rt_span(bytes.data, cut), &back));
    rt_put_u8(&bytes, 0);
    assert_false(rt_link_alert_decode(rt_buffer_span(&bytes), &back));
    bytes.size--;
    bytes.data[24] = 2;
    assert_false(rt_link_alert_decode(rt_buffer_span(&bytes), &back));
}

static int teardown(void **state)
{
    (void)state;
    rt_buffer_free(&bytes);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_refused),
        cmocka_unit_test(header_there_and_back),
        cmocka_unit_test(frames_follow_each_other),
        cmocka_unit_test(too_large_a_body_fails_its_buffer),
        cmocka_unit_test(setups_refused),
        cmocka_unit_test(setup_there_and_back),
        cmocka_unit_test(ready_there_and_back),
        cmocka_unit_test(events_walk),
        cmocka_unit_test(buries),
        cmocka_unit_test(queries),
        cmocka_unit_test(dones),
        cmocka_unit_test(alerts),
    };

    return cmocka_run_group_tests(tests, NULL, teardown);
}

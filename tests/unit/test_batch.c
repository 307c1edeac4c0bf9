/* Batches and push replies: what is refused whole, then how events are found, then both ends of the
 * reply. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "protocol/batch.h"
#include "protocol/limits.h"
#include "tests/lib/notation.h"

static struct rt_buffer bytes;
static struct rt_batch batch;
static struct rt_fault fault;

static enum rt_error open_text(const char *text)
{
    rt_buffer_free(&bytes);
    return rt_batch_open(notation(&bytes, "%s", text), RT_MESSAGE_BYTES, &batch, &fault);
}

static void refused(enum rt_error want, const char *text)
{
    enum rt_error code = open_text(text);

    if (code != want || fault.code != want || fault.text[0] == 0)
        fail_msg("%s gives %s (%s)", text, rt_error_name(code), fault.text);
}

/* Opens to so many events, and walks over exactly them. */
static void opens(const char *text, uint32_t count, bool quiet)
{
    struct rt_span event;
    uint32_t walked = 0;

    if (open_text(text) != RT_OK)
        fail_msg("%s: %s", text, fault.text);
    assert_int_equal(batch.count, count);
    assert_int_equal(batch.quiet, quiet);
    while (rt_batch_next(&batch, &event)) {
        assert_true(rt_msgpack_check(event, RT_NESTING));
        walked++;
    }
    assert_int_equal(walked, count);
    assert_false(rt_batch_next(&batch, &event));
}

static void unreadable(void **state)
{
    static const char *const texts[] = {
        "!c1",     "!c0c0",       "!81",         "!81a26964",         "!a5616263",
        "!cd01",   "!ddffffffff", "!dfffffffff", "!dbffffffff",       "!c9ffffffff01",
        "!9201c1", "!474554202f", "!9093",       "!81a66576656e7473",
    };

    (void)state;
    assert_int_equal(rt_batch_open(rt_span(NULL, 0), 100, &batch, &fault), RT_BAD_MSGPACK);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        refused(RT_BAD_MSGPACK, texts[i]);
}

static void nested_deeper_than_16(void **state)
{
    (void)state;
    refused(RT_BAD_MSGPACK, "!9191919191919191919191919191919190");
    refused(RT_BAD_MSGPACK, "{events: !91919191919191919191919191919190}");
    opens("!91919191919191919191919191919190", 1, false);
    opens("{events: !919191919191919191919191919190}", 1, false);
}

static void maps_that_are_no_batch(void **state)
{
    (void)state;
    refused(RT_BAD_REQUEST, "{events: nil, events: nil}");
    refused(RT_BAD_REQUEST, "{events: 5}");
    refused(RT_BAD_REQUEST, "{events: 'x'}");
    refused(RT_BAD_REQUEST, "{events: {}}");
    refused(RT_BAD_REQUEST, "{events: #00, quiet: true}");
    refused(RT_BAD_REQUEST, "{events: [], events: []}");
    refused(RT_BAD_REQUEST, "{events: [], quiet: true, quiet: true}");
    refused(RT_BAD_REQUEST, "{quiet: nil, events: [], quiet: nil}");
    refused(RT_BAD_REQUEST, "{events: [], quiet: 1}");
    refused(RT_BAD_REQUEST, "{events: [], quiet: 'true'}");
    refused(RT_BAD_REQUEST, "{quiet: 0, events: []}");
}

static void too_large(void **state)
{
    struct rt_buffer many = {0};
    struct rt_span payload;

    (void)state;
    rt_write_array(&many, RT_BATCH_EVENTS + 1);
    for (int i = 0; i <= RT_BATCH_EVENTS; i++)
        rt_write_int(&many, 1);
    payload = rt_buffer_span(&many);
    assert_int_equal(rt_batch_open(payload, RT_MESSAGE_BYTES, &batch, &fault), RT_TOO_LARGE);
    assert_int_equal(rt_batch_open(payload, payload.size - 1, &batch, &fault), RT_TOO_LARGE);
    many.data[2]--;
    payload.size--;
    assert_int_equal(rt_batch_open(payload, payload.size, &batch, &fault), RT_OK);
    assert_int_equal(batch.count, RT_BATCH_EVENTS);
    assert_int_equal(rt_batch_open(payload, payload.size - 1, &batch, &fault), RT_TOO_LARGE);
    rt_buffer_free(&many);
}

static void one_element(void **state)
{
    (void)state;
    opens("{}", 1, false);
    opens("{id: 'x', type: 'call'}", 1, false);
    opens("{quiet: true}", 1, false);
    opens("{quiet: 5, quiet: 6}", 1, false);
    opens("{#6576656e7473: []}", 1, false);
    opens("{['events']: [], x: {events: 5}}", 1, false);
    opens("nil", 1, false);
    opens("5", 1, false);
    opens("'events'", 1, false);
    opens("#00", 1, false);
    opens("1.5", 1, false);
    opens("!d40001", 1, false);
}

static void arrays_and_options(void **state)
{
    (void)state;
    opens("[]", 0, false);
    opens("!dc0000", 0, false);
    opens("!dd00000000", 0, false);
    opens("[{}, 5, nil, [1, [2]], {a: {b: 1}}, 'x'*300]", 6, false);
    opens("{events: []}", 0, false);
    opens("{events: [], quiet: true}", 0, true);
    opens("{quiet: true, events: [{}, {a: [1]}], x: 5, x: 6, 7: 8}", 2, true);
    opens("{events: [{}], quiet: false}", 1, false);
    opens("{events: [{}], quiet: nil}", 1, false);
    opens("{events: nil, quiet: true, id: 'x'}", 1, false);
    opens("{!d9066576656e7473: [1, 2, 3]}", 3, false);
}

static void events_are_the_bytes_sent(void **state)
{
    struct rt_span event;

    (void)state;
    assert_int_equal(open_text("{x: 1, events: [{id: 'a'}, 7], quiet: true}"), RT_OK);
    assert_true(rt_batch_next(&batch, &event));
    assert_int_equal(event.size, 6);
    assert_memory_equal(event.data,
                        "\x81\xa2id\xa1"
                        "a",
                        6);
    assert_true(rt_batch_next(&batch, &event));
    assert_int_equal(event.size, 1);
    assert_false(rt_batch_next(&batch, &event));
}

/* ---- replies
 * ------------------------------------------------------------------------------------- */

static bool decodes(const char *text, struct rt_push_reply *reply)
{
    rt_buffer_free(&bytes);
    return rt_push_reply_decode(notation(&bytes, "%s", text), reply);
}

static void not_a_reply(void **state)
{
    static const char *const texts[] = {
        "nil",
        "5",
        "[]",
        "{}",
        "!c1",
        "{accepted: 1}",
        "{accepted: 1, duplicate: 0}",
        "{accepted: 1, duplicate: 0, rejected: 5}",
        "{accepted: -1, duplicate: 0, rejected: []}",
        "{accepted: 1.0, duplicate: 0, rejected: []}",
        "{accepted: 4294967296, duplicate: 0, rejected: []}",
        "{error: 5}",
        "{error: 'busy', message: 5}",
        "{message: 'x'}",
    };
    struct rt_push_reply reply;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_false(decodes(texts[i], &reply));
    assert_false(rt_push_reply_decode(rt_span(NULL, 0), &reply));
}

static void rejections_that_are_none(void **state)
{
    static const char *const texts[] = {"5",
                                        "{}",
                                        "{index: -1}",
                                        "{index: 'x'}",
                                        "{code: 5, index: 1}",
                                        "{index: 1, error: 5}",
                                        "{code: 'bad_field'}"};
    struct rt_push_reply reply;
    enum rt_error code;
    struct rt_span text;
    uint32_t index;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char whole[128];

        snprintf(whole, sizeof(whole), "{accepted: 0, duplicate: 0, rejected: [%s]}", texts[i]);
        assert_true(decodes(whole, &reply));
        assert_false(rt_push_reply_next(&reply, &index, &code, &text));
    }
}

static void a_reply_there_and_back(void **state)
{
    struct rt_buffer out = {0};
    struct rt_push_reply reply;
    enum rt_error code;
    struct rt_span text;
    uint32_t index;

    (void)state;
    rt_push_reply_begin(&out, 9998, 3, 2);
    rt_push_reply_rejection(&out, 7, RT_BAD_FIELD, rt_span_text("ts: must be an int"));
    rt_push_reply_rejection(&out, 9000, RT_POISON, rt_span_text("x"));
    assert_true(rt_push_reply_decode(rt_buffer_span(&out), &reply));
    assert_int_equal(reply.error, RT_OK);
    assert_int_equal(reply.accepted, 9998);
    assert_int_equal(reply.duplicate, 3);
    assert_int_equal(reply.rejected, 2);
    assert_true(rt_push_reply_next(&reply, &index, &code, &text));
    assert_int_equal(index, 7);
    assert_int_equal(code, RT_BAD_FIELD);
    assert_true(rt_span_is(text, "ts: must be an int"));
    assert_true(rt_push_reply_next(&reply, &index, &code, &text));
    assert_int_equal(code, RT_POISON);
    assert_false(rt_push_reply_next(&reply, &index, &code, &text));
    rt_buffer_free(&out);
}

static void a_refusal_there_and_back(void **state)
{
    struct rt_push_reply reply;
    enum rt_error code;
    struct rt_span text;
    uint32_t index;

    (void)state;
    rt_buffer_free(&bytes);
    rt_push_refusal(&bytes, RT_STOPPING, "going down");
    assert_true(rt_push_reply_decode(rt_buffer_span(&bytes), &reply));
    assert_int_equal(reply.error, RT_STOPPING);
    assert_true(rt_span_is(reply.message, "going down"));
    assert_false(rt_push_reply_next(&reply, &index, &code, &text));
}

/* A newer daemon may say more than we know. */
static void replies_of_a_newer_daemon(void **state)
{
    struct rt_push_reply reply;
    enum rt_error code;
    struct rt_span text;
    uint32_t index;

    (void)state;
    assert_true(decodes("{error: 'new_thing', message: 'm', more: [1], 5: {}}", &reply));
    assert_int_equal(reply.error, RT_BAD_REQUEST);
    assert_true(decodes("{error: 'ok'}", &reply));
    assert_int_equal(reply.error, RT_BAD_REQUEST);
    assert_true(decodes("{new: 1, accepted: 1, rejected: [{index: 0, code: 'new_code', error: 'e', "
                        "x: 1, 7: 8}], duplicate: 2}",
                        &reply));
    assert_true(rt_push_reply_next(&reply, &index, &code, &text));
    assert_int_equal(code, RT_BAD_EVENT);
    assert_int_equal(reply.duplicate, 2);
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
        cmocka_unit_test(unreadable),
        cmocka_unit_test(nested_deeper_than_16),
        cmocka_unit_test(maps_that_are_no_batch),
        cmocka_unit_test(too_large),
        cmocka_unit_test(one_element),
        cmocka_unit_test(arrays_and_options),
        cmocka_unit_test(events_are_the_bytes_sent),
        cmocka_unit_test(not_a_reply),
        cmocka_unit_test(rejections_that_are_none),
        cmocka_unit_test(a_reply_there_and_back),
        cmocka_unit_test(a_refusal_there_and_back),
        cmocka_unit_test(replies_of_a_newer_daemon),
    };

    return cmocka_run_group_tests(tests, NULL, teardown);
}

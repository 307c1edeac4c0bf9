/* Alerts: what is none, the message there and back, the cursor at its end, the topics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "protocol/alert.h"
#include "protocol/limits.h"
#include "tests/lib/notation.h"

static struct rt_buffer bytes;

static bool decodes(const char *text)
{
    struct rt_alert alert;

    rt_buffer_free(&bytes);
    return rt_alert_decode(notation(&bytes, "%s", text), &alert);
}

static void not_an_alert(void **state)
{
    static const char *const texts[] = {
        "nil",
        "5",
        "[]",
        "{}",
        "!c1",
        "!dfffffffff",
        "{id: '1-1', kind: 'silence', severity: 'info', state: 'raised', account: 'a'}",
        "{id: '1-1', kind: 'silence', severity: 'info', state: 'raised', ts: 5}",
        "{id: '1-1', kind: 'silence', severity: 'info', account: 'a', ts: 5}",
        "{id: '1-1', kind: 'silence', state: 'raised', account: 'a', ts: 5}",
        "{id: '1-1', severity: 'info', state: 'raised', account: 'a', ts: 5}",
        "{kind: 'silence', severity: 'info', state: 'raised', account: 'a', ts: 5}",
        "{id: '1-1', kind: 'quiet', severity: 'info', state: 'raised', account: 'a', ts: 5}",
        "{id: '1-1', kind: 'silence', severity: 'high', state: 'raised', account: 'a', ts: 5}",
        "{id: '1-1', kind: 'silence', severity: 'info', state: 'lowered', account: 'a', ts: 5}",
        "{id: 5, kind: 'silence', severity: 'info', state: 'raised', account: 'a', ts: 5}",
        "{id: '1-1', kind: 'silence', severity: 'info', state: 'raised', account: 'a', ts: 5, 7: "
        "8}",
        "{id: '1-1', kind: 'silence', severity: 'info', state: 'raised', account: 'a', ts: 5, "
        "owner: 5}",
        "{id: '1-1', kind: 'silence', severity: 'info', state: 'raised', account: 'a', ts: 5, "
        "cause: 5}",
        "{id: '1-1', kind: 'silence', severity: 'info', state: 'raised', account: 'a', ts: 5, ack: "
        "{by: 5}}",
        "{id: '1-1', kind: 'silence', severity: 'info', state: 'raised', account: 'a', ts: 5, "
        "score: 'x'}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_false(decodes(texts[i]));
    assert_true(decodes("{id: '1-1', kind: 'silence', severity: 'info', state: 'raised', account: "
                        "'a', ts: 5, x: [1]}"));
}

static void names_refused(void **state)
{
    enum rt_alert_kind kind;
    enum rt_severity severity;
    enum rt_alert_state alert_state;

    (void)state;
    assert_false(rt_alert_kind_parse(rt_span_text("churn"), &kind));
    assert_false(rt_alert_kind_parse(rt_span(NULL, 0), &kind));
    assert_false(rt_severity_parse(rt_span_text("Info"), &severity));
    assert_false(rt_alert_state_parse(rt_span_text("raise"), &alert_state));
}

static void names_there_and_back(void **state)
{
    (void)state;
    for (int i = 0; i < RT_ALERT_KINDS; i++) {
        enum rt_alert_kind kind;

        assert_true(
            rt_alert_kind_parse(rt_span_text(rt_alert_kind_name((enum rt_alert_kind)i)), &kind));
        assert_int_equal(kind, i);
    }
    for (int i = 0; i < RT_SEVERITY_COUNT; i++) {
        enum rt_severity severity;

        assert_true(
            rt_severity_parse(rt_span_text(rt_severity_name((enum rt_severity)i)), &severity));
        assert_int_equal(severity, i);
    }
    for (int i = 0; i < RT_ALERT_STATES; i++) {
        enum rt_alert_state alert_state;

        assert_true(rt_alert_state_parse(rt_span_text(rt_alert_state_name((enum rt_alert_state)i)),
                                         &alert_state));
        assert_int_equal(alert_state, i);
    }
}

static const struct rt_reason reasons[2] = {
    {.factor = "contact", .points = -31.5, .text = "no contact for 40 days"},
    {.factor = "tickets", .points = -4.25, .text = "1 open ticket"},
};

static struct rt_alert full(void)
{
    return (struct rt_alert){
        .id = rt_span_text("17-3"),
        .kind = RT_RENEWAL_RISK,
        .severity = RT_CRITICAL,
        .state = RT_REMINDED,
        .account = rt_span_text("ACME"),
        .owner = rt_span_text("kim"),
        .tier = rt_span_text("key"),
        .score = 38.25,
        .has_previous = true,
        .previous = 61,
        .ts = 1700000000000,
        .published = 1700000000123,
        .cause_type = rt_span_text("ticket"),
        .cause_id = rt_span_text("T-1"),
        .reasons = reasons,
        .reason_count = 2,
        .text = rt_span_text("Call them."),
        .clears = rt_span_text("A score of 60."),
        .worsens = 1700086400000,
        .ack = {.by = rt_span_text("kim"), .until = 7, .note = rt_span_text("later"), .ts = 5},
        .snooze = {.by = rt_span_text(""), .until = 9, .ts = 6},
    };
}

static void holds_equal(const struct rt_hold *a, const struct rt_hold *b)
{
    assert_int_equal(a->by.data == NULL, b->by.data == NULL);
    assert_int_equal(a->note.data == NULL, b->note.data == NULL);
    assert_true(rt_span_equal(a->by, b->by) && rt_span_equal(a->note, b->note));
    assert_int_equal(a->until, b->until);
    assert_int_equal(a->ts, b->ts);
}

static void there_and_back(const struct rt_alert *alert)
{
    struct rt_alert back;

    rt_buffer_free(&bytes);
    rt_alert_encode(&bytes, alert);
    assert_true(rt_msgpack_check(rt_buffer_span(&bytes), RT_NESTING));
    assert_true(rt_alert_decode(rt_buffer_span(&bytes), &back));
    assert_true(rt_span_equal(back.id, alert->id) && rt_span_equal(back.account, alert->account));
    assert_int_equal(back.kind, alert->kind);
    assert_int_equal(back.severity, alert->severity);
    assert_int_equal(back.state, alert->state);
    assert_int_equal(back.owner.data == NULL, alert->owner.data == NULL);
    assert_true(rt_span_equal(back.owner, alert->owner) && rt_span_equal(back.tier, alert->tier));
    assert_true(back.score == alert->score && back.previous == alert->previous);
    assert_int_equal(back.has_previous, alert->has_previous);
    assert_int_equal(back.ts, alert->ts);
    assert_int_equal(back.published, alert->published);
    assert_true(rt_span_equal(back.cause_type, alert->cause_type));
    assert_true(rt_span_equal(back.cause_id, alert->cause_id));
    assert_int_equal(back.worsens, alert->worsens);
    holds_equal(&back.ack, &alert->ack);
    holds_equal(&back.snooze, &alert->snooze);
}

static void every_key_there_and_back(void **state)
{
    struct rt_alert alert = full();

    (void)state;
    there_and_back(&alert);
    alert = (struct rt_alert){.id = rt_span_text("0-1"), .account = rt_span_text("a"), .ts = 1};
    there_and_back(&alert);
}

static void truncated_alerts(void **state)
{
    struct rt_alert alert = full(), back;

    (void)state;
    rt_buffer_free(&bytes);
    rt_alert_encode(&bytes, &alert);
    for (size_t size = 0; size < bytes.size; size++) {
        uint8_t *exact = malloc(size + 1);

        assert_non_null(exact);
        memcpy(exact, bytes.data, size);
        assert_false(rt_alert_decode(rt_span(size == 0 ? NULL : exact, size), &back));
        free(exact);
    }
    rt_buffer_append(&bytes, "\xc0", 1);
    assert_false(rt_alert_decode(rt_buffer_span(&bytes), &back));
}

/* What is absent is nil, and nothing is left out. */
static void the_least_alert_has_every_key(void **state)
{
    const struct rt_alert alert = {
        .id = rt_span_text("0-1"), .account = rt_span_text("a"), .ts = 1, .published = 2};
    struct rt_buffer want = {0};

    (void)state;
    rt_buffer_free(&bytes);
    rt_alert_encode(&bytes, &alert);
    notation(&want, "{id: '0-1', kind: 'churn_risk', severity: 'info', state: 'raised', account: "
                    "'a', owner: nil, "
                    "tier: nil, score: 0.0, previous: nil, ts: 1, published: 2, cause: nil, "
                    "reasons: [], text: nil, "
                    "clears: nil, worsens: nil, ack: nil, snooze: nil}");
    assert_int_equal(bytes.size, want.size);
    assert_memory_equal(bytes.data, want.data, want.size);
    rt_buffer_free(&want);
}

static void cursor_needs_a_map(void **state)
{
    struct rt_buffer out = {0};

    (void)state;
    assert_false(rt_alert_with_cursor(&out, rt_span("\x05", 1), rt_span_text("1f")));
    assert_false(rt_alert_with_cursor(&out, rt_span(NULL, 0), rt_span_text("1f")));
    assert_false(
        rt_alert_with_cursor(&out, rt_span("\xdf\xff\xff\xff\xff", 5), rt_span_text("1f")));
    assert_int_equal(out.size, 0);
    rt_buffer_free(&out);
}

static void with_cursor(const char *map, const char *want_text)
{
    struct rt_buffer want = {0}, out = {0};

    rt_buffer_free(&bytes);
    notation(&want, "%s", want_text);
    assert_true(rt_alert_with_cursor(&out, notation(&bytes, "%s", map), rt_span_text("1f")));
    assert_int_equal(out.size, want.size);
    assert_memory_equal(out.data, want.data, want.size);
    rt_buffer_free(&want);
    rt_buffer_free(&out);
}

/* The header grows from fixmap to map 16 between 15 and 16 pairs. */
static void cursor_is_the_last_pair(void **state)
{
    (void)state;
    with_cursor("{}", "{cursor: '1f'}");
    with_cursor("{a: [1, {b: 2}]}", "{a: [1, {b: 2}], cursor: '1f'}");
    with_cursor("!de0001a16105", "{a: 5, cursor: '1f'}");
    with_cursor("!df00000001a16105", "{a: 5, cursor: '1f'}");
    with_cursor("{a:1,b:1,c:1,d:1,e:1,f:1,g:1,h:1,i:1,j:1,k:1,l:1,m:1,n:1}",
                "{a:1,b:1,c:1,d:1,e:1,f:1,g:1,h:1,i:1,j:1,k:1,l:1,m:1,n:1,cursor:'1f'}");
    with_cursor("{a:1,b:1,c:1,d:1,e:1,f:1,g:1,h:1,i:1,j:1,k:1,l:1,m:1,n:1,o:1}",
                "{a:1,b:1,c:1,d:1,e:1,f:1,g:1,h:1,i:1,j:1,k:1,l:1,m:1,n:1,o:1,cursor:'1f'}");
}

static void an_alert_with_cursor_is_still_an_alert(void **state)
{
    const struct rt_alert alert = full();
    struct rt_buffer out = {0};
    struct rt_alert back;

    (void)state;
    rt_buffer_free(&bytes);
    rt_alert_encode(&bytes, &alert);
    assert_true(rt_alert_with_cursor(&out, rt_buffer_span(&bytes), rt_span_text("657d0a2c41b3f")));
    assert_true(rt_msgpack_check(rt_buffer_span(&out), RT_NESTING));
    assert_true(rt_alert_decode(rt_buffer_span(&out), &back));
    assert_true(rt_span_is(back.id, "17-3"));
    rt_buffer_free(&out);
}

static void topic(struct rt_span owner, struct rt_span account, const char *want_alert,
                  const char *want_owner)
{
    const struct rt_topic parts = {.owner = owner,
                                   .severity = rt_span_text("critical"),
                                   .kind = rt_span_text("silence"),
                                   .account = account};

    rt_buffer_clear(&bytes);
    rt_alert_topic(&bytes, RT_TREE_ALERT, &parts);
    assert_true(rt_span_is(rt_buffer_span(&bytes), want_alert));
    rt_buffer_clear(&bytes);
    rt_alert_topic(&bytes, RT_TREE_OWNER, &parts);
    assert_true(rt_span_is(rt_buffer_span(&bytes), want_owner));
}

static void topics(void **state)
{
    (void)state;
    topic(rt_span_text("kim"), rt_span_text("ACME"), "alert.critical.silence.ACME",
          "owner.kim.critical.silence.ACME");
    topic(rt_span(NULL, 0), rt_span_text("a"), "alert.critical.silence.a",
          "owner.-.critical.silence.a");
    topic(rt_span_text(""), rt_span_text("a"), "alert.critical.silence.a",
          "owner.-.critical.silence.a");
    topic(rt_span_text("kim.b"), rt_span_text("a.b%c"), "alert.critical.silence.a%2Eb%25c",
          "owner.kim%2Eb.critical.silence.a%2Eb%25c");
    topic(rt_span_text("\x7f\x1f"), rt_span("a\0\x01 b", 5), "alert.critical.silence.a%00%01 b",
          "owner.%7F%1F.critical.silence.a%00%01 b");
    topic(rt_span_text("é"), rt_span_text("日本"), "alert.critical.silence.日本",
          "owner.é.critical.silence.日本");
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
        cmocka_unit_test(not_an_alert),
        cmocka_unit_test(names_refused),
        cmocka_unit_test(names_there_and_back),
        cmocka_unit_test(every_key_there_and_back),
        cmocka_unit_test(truncated_alerts),
        cmocka_unit_test(the_least_alert_has_every_key),
        cmocka_unit_test(cursor_needs_a_map),
        cmocka_unit_test(cursor_is_the_last_pair),
        cmocka_unit_test(an_alert_with_cursor_is_still_an_alert),
        cmocka_unit_test(topics),
    };

    return cmocka_run_group_tests(tests, NULL, teardown);
}

/* Byte-exact messages: NAME.hex beside this file, made once by other encoders than ours and never
 * made again. What we encode must be those bytes, and those bytes must decode to what was meant. A
 * difference is a break of the protocol, not of the test. */
#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "protocol/alert.h"
#include "protocol/batch.h"
#include "protocol/cursor.h"
#include "protocol/event.h"
#include "protocol/limits.h"
#include "protocol/link.h"
#include "protocol/query.h"
#include "tests/lib/notation.h"
#include "workers/curve_file.h"

#define TS INT64_C(1767225600000)
#define TEXT(literal) rt_span(literal, sizeof(literal) - 1)

static struct rt_buffer golden, made;

static int digit_of(int c)
{
    return isdigit(c) ? c - '0' : tolower(c) - 'a' + 10;
}

/* The bytes of a file of hexadecimal digits, where # begins a comment. */
static struct rt_span load(const char *name)
{
    char path[128];
    FILE *file;
    int c, high = -1;

    snprintf(path, sizeof(path), "tests/golden/%s.hex", name);
    file = fopen(path, "r");
    if (file == NULL)
        fail_msg("%s: %s (run from the root of the tree)", path, strerror(errno));
    rt_buffer_clear(&golden);
    while ((c = fgetc(file)) != EOF) {
        if (c == '#') {
            while (c != '\n' && c != EOF)
                c = fgetc(file);
        } else if (isxdigit(c)) {
            if (high >= 0)
                rt_put_u8(&golden, (uint8_t)(high << 4 | digit_of(c)));
            high = high >= 0 ? -1 : digit_of(c);
        }
    }
    fclose(file);
    assert_int_equal(high, -1);
    return rt_buffer_span(&golden);
}

/* What was made is what the file says. */
static void same(const char *name)
{
    struct rt_span want = load(name);

    assert_false(made.failed);
    for (size_t i = 0; i < want.size && i < made.size; i++) {
        if (want.data[i] != made.data[i])
            fail_msg("%s differs at byte %zu: %02x instead of %02x", name, i, made.data[i],
                     want.data[i]);
    }
    assert_int_equal(made.size, want.size);
    rt_buffer_clear(&made);
}

static struct rt_event event_of(const char *name, const char *text)
{
    struct rt_event event;
    struct rt_fault fault;

    notation(&made, "%s", text);
    same(name);
    if (rt_event_decode(rt_buffer_span(&golden), TS, RT_EVENT_BYTES, &event, &fault) != RT_OK)
        fail_msg("%s: %s", name, fault.text);
    return event;
}

static void calls(void **state)
{
    struct rt_event event =
        event_of("event_call", "{id: 'pbx-4711', type: 'call', account: 'ACME', source: "
                               "'pbx-berlin', ts: 1767225600000, direction: 'in', "
                               "contact: 'Frau Müller', agent: 'kim', sentiment: -0.5, duration: "
                               "0, outcome: 'missed', wait: 33.5}");

    (void)state;
    assert_int_equal(event.type, RT_CALL);
    assert_true(rt_span_is(event.id, "pbx-4711") && rt_span_is(event.source, "pbx-berlin"));
    assert_true(rt_span_is(event.contact, "Frau Müller") && rt_span_is(event.agent, "kim"));
    assert_true(event.ts == TS && event.sentiment == -0.5 && event.duration == 0 &&
                event.wait == 33.5);
    assert_true(event.has_sentiment && event.has_duration && event.has_wait);
    assert_true(rt_event_unanswered(&event));
}

static void emails(void **state)
{
    struct rt_event event =
        event_of("event_email", "{id: '<1@mail>', type: 'email', account: 'ACME', ts: "
                                "!d7ff01e847fc6955b900, direction: 'out', "
                                "thread: 'offer 17', bounced: true}");

    (void)state;
    assert_int_equal(event.ts, TS + 7);
    assert_int_equal(event.direction, RT_OUT);
    assert_true(rt_span_is(event.thread, "offer 17") && event.bounced);
    assert_int_equal(event.source.size, 0);
}

static void visits(void **state)
{
    struct rt_event event =
        event_of("event_visit", "{id: 'cal-1', type: 'visit', account: 'ACME', ts: 1767225600000, "
                                "outcome: 'no_show', channel: 'remote', room: ['east', 4]}");

    (void)state;
    assert_int_equal(event.outcome, RT_NO_SHOW);
    assert_int_equal(event.channel, RT_REMOTE);
    assert_false(rt_event_is_contact(&event));
}

static void tickets(void **state)
{
    struct rt_event event = event_of(
        "event_ticket", "{id: 'desk-9', type: 'ticket', account: 'ACME', ts: 1767225600000, "
                        "ticket: 'T-1', action: 'resolved', severity: 1, csat: 5}");

    (void)state;
    assert_true(rt_span_is(event.ticket, "T-1"));
    assert_int_equal(event.action, RT_RESOLVED);
    assert_int_equal(event.severity, 1);
    assert_int_equal(event.csat, 5);
}

static void profiles(void **state)
{
    struct rt_event event =
        event_of("event_account",
                 "{id: 'crm-3', type: 'account', account: 'ACME', ts: 1767225600000, name: 'ACME & "
                 "Söhne', owner: 'kim', "
                 "tier: 'key', region: nil, renewal: 1775001600000, value: 120000.5, currency: "
                 "'EUR', status: 'active', "
                 "contacts: [{name: 'Frau Müller', email: 'm@acme.example', phone: '+49 30 1'}]}");

    (void)state;
    assert_true(rt_span_is(event.profile[RT_PROFILE_NAME].text, "ACME & Söhne"));
    assert_int_equal(event.profile[RT_PROFILE_REGION].presence, RT_KEY_CLEARED);
    assert_int_equal(event.profile[RT_PROFILE_RENEWAL].renewal, TS + 90 * RT_DAY_MS);
    assert_true(event.profile[RT_PROFILE_VALUE].value == 120000.5);
    assert_int_equal(event.profile[RT_PROFILE_CONTACTS].presence, RT_KEY_SET);
}

static void push_opens(const char *name, uint32_t count, bool quiet)
{
    struct rt_batch batch;
    struct rt_event event;
    struct rt_fault fault;
    struct rt_span bytes;

    assert_int_equal(rt_batch_open(load(name), RT_MESSAGE_BYTES, &batch, &fault), RT_OK);
    assert_int_equal(batch.count, count);
    assert_int_equal(batch.quiet, quiet);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(rt_batch_next(&batch, &bytes));
        assert_int_equal(rt_event_decode(bytes, TS, RT_EVENT_BYTES, &event, &fault), RT_OK);
        assert_true(rt_span_is(event.id, i == 0 ? "a" : "b"));
    }
    assert_false(rt_batch_next(&batch, &bytes));
}

static void pushes(void **state)
{
    (void)state;
    push_opens("push_one", 1, false);
    push_opens("push_array", 2, false);
    push_opens("push_options", 2, true);
}

static void push_replies(void **state)
{
    struct rt_push_reply reply;

    (void)state;
    rt_push_reply_begin(&made, 2, 1, 2);
    rt_push_reply_rejection(&made, 1, RT_BAD_FIELD,
                            TEXT("sentiment: must be a number from -1 to 1"));
    rt_push_reply_rejection(&made, 4, RT_TS_IN_FUTURE, TEXT("ts: lies more than 5 minutes ahead"));
    same("push_reply");
    assert_true(rt_push_reply_decode(rt_buffer_span(&golden), &reply));
    assert_int_equal(reply.rejected, 2);
    rt_push_reply_begin(&made, 0, 0, 0);
    same("push_reply_empty");
    assert_true(rt_push_reply_decode(rt_buffer_span(&golden), &reply));
    rt_push_refusal(&made, RT_BUSY, "nothing is promised, send it again");
    same("push_refusal");
    assert_true(rt_push_reply_decode(rt_buffer_span(&golden), &reply));
    assert_int_equal(reply.error, RT_BUSY);
}

static void alerts(void **state)
{
    static const struct rt_reason reasons[2] = {
        {.factor = "contact", .points = -31.5, .text = "no contact for 40 days"},
        {.factor = "tickets", .points = -4.25, .text = "1 open ticket"},
    };
    const struct rt_alert alert = {
        .id = TEXT("17-3"),
        .kind = RT_RENEWAL_RISK,
        .severity = RT_CRITICAL,
        .state = RT_REMINDED,
        .account = TEXT("ACME"),
        .owner = TEXT("kim"),
        .tier = TEXT("key"),
        .score = 38.25,
        .has_previous = true,
        .previous = 61,
        .ts = TS,
        .published = TS + 123,
        .cause_type = TEXT("ticket"),
        .cause_id = TEXT("desk-9"),
        .reasons = reasons,
        .reason_count = 2,
        .text = TEXT("Call them."),
        .clears = TEXT("A score of 60."),
        .worsens = TS + RT_DAY_MS,
        .ack = {.by = TEXT("kim"), .until = TS, .note = TEXT("on it"), .ts = TS - 5},
    };
    const struct rt_alert least = {.id = TEXT("0-1"),
                                   .kind = RT_SILENCE,
                                   .account = TEXT("a"),
                                   .score = 12.5,
                                   .ts = 1,
                                   .published = 2};
    struct rt_alert back;

    (void)state;
    rt_alert_encode(&made, &alert);
    same("alert");
    assert_true(rt_alert_with_cursor(&made, rt_buffer_span(&golden), TEXT("657d0a2c41b3f")));
    same("alert_published");
    assert_true(rt_alert_decode(rt_buffer_span(&golden), &back));
    assert_true(back.ack.until == TS && back.previous == 61 && back.snooze.by.data == NULL);
    rt_alert_encode(&made, &least);
    same("alert_least");
    assert_true(rt_alert_decode(rt_buffer_span(&golden), &back));
}

static struct rt_query query_of(const char *name, const char *text, enum rt_op op)
{
    struct rt_query query;
    struct rt_fault fault;

    notation(&made, "%s", text);
    same(name);
    if (rt_query_decode(rt_buffer_span(&golden), &query, &fault) != RT_OK)
        fail_msg("%s: %s", name, fault.text);
    assert_int_equal(query.op, op);
    return query;
}

static void queries_of_accounts(void **state)
{
    struct rt_query query;

    (void)state;
    query = query_of("query_account_get", "{op: 'account.get', account: 'ACME', at: 1767225600000}",
                     RT_ACCOUNT_GET);
    assert_true(query.has_at && query.at == TS && rt_span_is(query.account, "ACME"));
    query = query_of("query_account_list",
                     "{op: 'account.list', owner: 'kim', tier: 'key', band: 'at_risk', sort: "
                     "'-score', limit: 10, after: 'ACME'}",
                     RT_ACCOUNT_LIST);
    assert_true(query.has_band && query.band == RT_AT_RISK && query.sort == RT_SORT_SCORE_DOWN &&
                query.limit == 10);
    query = query_of("query_account_timeline",
                     "{op: 'account.timeline', account: 'ACME', since: 0, until: 1767225600000, "
                     "limit: 1000, after: 'x'}",
                     RT_ACCOUNT_TIMELINE);
    assert_true(query.has_since && query.since == 0 && query.has_until && query.until == TS);
    query_of("query_account_erase", "{op: 'account.erase', account: 'ACME'}", RT_ACCOUNT_ERASE);
}

static void other_queries(void **state)
{
    struct rt_query query;

    (void)state;
    query =
        query_of("query_alert_list",
                 "{op: 'alert.list', since: '657d0a2c41b3f', account: 'ACME', owner: 'kim', kind: "
                 "'upsell', severity: 'info', "
                 "open: true, limit: 1}",
                 RT_ALERT_LIST);
    assert_true(query.open && query.kind == RT_UPSELL &&
                rt_span_is(query.since_cursor, "657d0a2c41b3f"));
    query =
        query_of("query_alert_ack",
                 "{op: 'alert.ack', id: '17-3', by: 'kim', until: 1767225600000, note: 'on it'}",
                 RT_ALERT_ACK);
    assert_true(rt_span_is(query.note, "on it"));
    query_of("query_alert_snooze", "{op: 'alert.snooze', id: '17-3'}", RT_ALERT_SNOOZE);
    query_of("query_report_portfolio", "{op: 'report.portfolio', owner: 'kim'}",
             RT_REPORT_PORTFOLIO);
    query = query_of("query_report_management",
                     "{op: 'report.management', owner: 'kim', tier: 'key', region: 'north', limit: "
                     "5}",
                     RT_REPORT_MANAGEMENT);
    assert_true(rt_span_is(query.region, "north") && rt_span_is(query.tier, "key"));
    query_of("query_dead_list", "{op: 'dead.list', limit: 5, after: '0-7'}", RT_DEAD_LIST);
    query_of("query_dead_retry", "{op: 'dead.retry', id: '0-7'}", RT_DEAD_RETRY);
    query_of("query_dead_drop", "{op: 'dead.drop', id: '0-7'}", RT_DEAD_DROP);
    query_of("query_stats", "{op: 'stats'}", RT_STATS);
    rt_query_error(&made, RT_NOT_FOUND, "account: nobody has heard of it");
    same("query_error");
}

/* A frame around what `made` holds. */
static void framed(const char *name, enum rt_link_kind kind, uint8_t flags, uint64_t tag)
{
    struct rt_link_header header;
    struct rt_buffer body = made;

    made = (struct rt_buffer){0};
    rt_link_frame(&made, kind, flags, tag, rt_buffer_span(&body));
    rt_buffer_free(&body);
    same(name);
    assert_true(rt_link_header_decode(golden.data, &header));
    assert_int_equal(header.size, golden.size - RT_LINK_HEADER);
}

static void frames_to_a_worker(void **state)
{
    const struct rt_link_setup setup = {
        1, 2, 256, 7, TEXT("/var/lib/retaind"), TEXT("[limits]\n"), TEXT("0.1.0")};
    struct rt_buffer owners = {0}, request = {0};

    (void)state;
    rt_link_setup_encode(&made, &setup);
    framed("link_setup", RT_LINK_SETUP, 0, 0);
    rt_put_u32(&made, 0);
    rt_put_bytes(&made, load("push_one"));
    rt_put_u32(&made, 2);
    rt_put_bytes(&made, TEXT("\xc0"));
    framed("link_events", RT_LINK_EVENTS, RT_LINK_QUIET, 5);
    rt_link_bury_encode(&made, RT_BAD_MSGPACK, TEXT("payload: is empty"), TEXT(""));
    framed("link_bury", RT_LINK_BURY, 0, 6);
    notation(&request, "{op: 'stats'}");
    rt_put_bytes(&owners, TEXT("kim"));
    rt_link_query_encode(&made, 1767225600000, rt_buffer_span(&owners), rt_buffer_span(&request));
    rt_buffer_free(&owners);
    rt_buffer_free(&request);
    framed("link_query", RT_LINK_QUERY, RT_LINK_PART, 9);
    framed("link_stop", RT_LINK_STOP, 0, 0);
}

static void frames_to_the_daemon(void **state)
{
    const struct rt_link_ready ready = {77, 1000000, 123456789};
    const struct rt_link_done done = {RT_OK, 1, 1, 0, 1};
    const struct rt_link_rejection rejection = {2, RT_BAD_EVENT, TEXT("event: must be a map")};
    const struct rt_link_alert alert = {4096,           TS,           TS + 1,
                                        true,           TEXT("kim"),  TEXT("info"),
                                        TEXT("upsell"), TEXT("ACME"), TEXT("\x80")};

    (void)state;
    rt_link_ready_encode(&made, &ready);
    framed("link_ready", RT_LINK_READY, 0, 0);
    rt_link_done_encode(&made, &done);
    rt_link_rejection_encode(&made, &rejection);
    framed("link_done", RT_LINK_DONE, 0, 5);
    rt_link_alert_encode(&made, &alert);
    framed("link_alert", RT_LINK_ALERT, 0, 0);
}

/* On disk: STATE_DIR/curves/0007.curve with two accounts. */
static void curves(void **state)
{
    struct rt_curve_at two[2] = {{.key = {0x1111111111111111, 0x0101010101010101}},
                                 {.key = {0x2222222222222222, 0x0202020202020202}}};
    struct rt_curve_table table = {two, 2}, read;
    struct rt_curve_fault fault;

    (void)state;
    for (int i = 0; i < 2; i++)
        rt_curve_init(&two[i].curve);
    for (int32_t day = 20400; day < 20410; day++)
        rt_curve_put(&two[0].curve, day, (uint8_t)(200 - (day - 20400)));
    rt_curve_put(&two[1].curve, 20409, 81);
    rt_curve_table_encode(&table, 7, &made);
    same("curves");
    assert_true(rt_curve_table_decode(load("curves"), 7, &read, &fault));
    assert_null(fault.what);
    assert_int_equal(read.count, 2);
    assert_int_equal(rt_curve_day(&read.all[0].curve, 20405), 195);
    assert_int_equal(rt_curve_week(&read.all[0].curve, 20401), 199);
    assert_int_equal(rt_curve_day(&read.all[1].curve, 20409), 81);
    rt_curve_table_free(&read);
}

static int teardown(void **state)
{
    (void)state;
    rt_buffer_free(&golden);
    rt_buffer_free(&made);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls),
        cmocka_unit_test(emails),
        cmocka_unit_test(visits),
        cmocka_unit_test(tickets),
        cmocka_unit_test(profiles),
        cmocka_unit_test(pushes),
        cmocka_unit_test(push_replies),
        cmocka_unit_test(alerts),
        cmocka_unit_test(queries_of_accounts),
        cmocka_unit_test(other_queries),
        cmocka_unit_test(frames_to_a_worker),
        cmocka_unit_test(frames_to_the_daemon),
        cmocka_unit_test(curves),
    };

    return cmocka_run_group_tests(tests, NULL, teardown);
}

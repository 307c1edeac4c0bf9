/* Queries: what each key and op refuses, what they take, and the ids they name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "protocol/limits.h"
#include "protocol/query.h"
#include "tests/lib/notation.h"

static struct rt_buffer bytes;
static struct rt_query query;
static struct rt_fault fault;

static enum rt_error decode(const char *text)
{
    rt_buffer_free(&bytes);
    return rt_query_decode(notation(&bytes, "%s", text), &query, &fault);
}

static void refused(enum rt_error want, const char *field, const char *text)
{
    enum rt_error code = decode(text);

    if (code != want || fault.code != want)
        fail_msg("%s gives %s", text, rt_error_name(code));
    if (strncmp(fault.text, field, strlen(field)) != 0 || fault.text[strlen(field)] != ':')
        fail_msg("%s says '%s'", text, fault.text);
}

static void accepted(const char *text)
{
    if (decode(text) != RT_OK)
        fail_msg("%s: %s", text, fault.text);
}

/* `op` with one more key. */
static void key_refused(const char *op, const char *key, const char *value)
{
    char text[2200];

    snprintf(text, sizeof(text), "{op: '%s', %s: %s}", op, key, value);
    refused(RT_BAD_REQUEST, key, text);
}

static void each_refused(const char *op, const char *key, const char *const *values)
{
    for (; *values != NULL; values++)
        key_refused(op, key, *values);
}

static const char *const no_string[] = {"5",  "true", "1.5",           "#61",
                                        "[]", "{}",   "!d6ff00000005", NULL};
static const char *const no_int[] = {"'5'", "''", "true", "1.5",           "1.0", "nan",
                                     "#01", "[]", "{}",   "!d6ff00000005", NULL};

static void not_a_query(void **state)
{
    static const char *const things[] = {"nil",
                                         "5",
                                         "'stats'",
                                         "[]",
                                         "['op']",
                                         "true",
                                         "#00",
                                         "!c1",
                                         "[{op: 'stats'}]",
                                         "!82a26f70",
                                         "!81a26f70a5737461747301"};

    (void)state;
    for (size_t i = 0; i < sizeof(things) / sizeof(things[0]); i++)
        refused(RT_BAD_REQUEST, "query", things[i]);
    assert_int_equal(rt_query_decode(rt_span(NULL, 0), &query, &fault), RT_BAD_REQUEST);
}

static void ops_refused(void **state)
{
    static const char *const unknown[] = {"''",           "'STATS'",   "'stat'",     "'stats '",
                                          "'stats\\x00'", "'account'", "'dead.get'", "'\\xff'"};

    (void)state;
    refused(RT_BAD_REQUEST, "op", "{}");
    refused(RT_BAD_REQUEST, "op", "{op: nil}");
    refused(RT_BAD_REQUEST, "op", "{op: 5}");
    refused(RT_BAD_REQUEST, "op", "{op: true}");
    refused(RT_BAD_REQUEST, "op", "{op: #7374617473}");
    refused(RT_BAD_REQUEST, "op", "{op: ['stats']}");
    refused(RT_BAD_REQUEST, "op", "{#6f70: 'stats'}");
    refused(RT_BAD_REQUEST, "op", "{op: 'stats', op: 'stats'}");
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        char text[64];

        snprintf(text, sizeof(text), "{op: %s}", unknown[i]);
        refused(RT_UNKNOWN_OP, "op", text);
    }
}

static void needed_keys_missing(void **state)
{
    static const char *const account[] = {"account.get",          "account.timeline",
                                          "account.erase",        "account.override",
                                          "account.override.end", "event.void"};
    static const char *const id[] = {"alert.ack", "alert.snooze", "dead.retry", "dead.drop"};
    char text[64];

    (void)state;
    for (size_t i = 0; i < sizeof(account) / sizeof(account[0]); i++) {
        snprintf(text, sizeof(text), "{op: '%s'}", account[i]);
        refused(RT_BAD_REQUEST, "account", text);
        snprintf(text, sizeof(text), "{op: '%s', account: nil}", account[i]);
        refused(RT_BAD_REQUEST, "account", text);
    }
    for (size_t i = 0; i < 4; i++) {
        snprintf(text, sizeof(text), "{op: '%s'}", id[i]);
        refused(RT_BAD_REQUEST, "id", text);
        snprintf(text, sizeof(text), "{id: nil, op: '%s'}", id[i]);
        refused(RT_BAD_REQUEST, "id", text);
    }
}

static void texts_refused(void **state)
{
    (void)state;
    each_refused("account.get", "account", no_string);
    key_refused("account.get", "account", "''");
    key_refused("account.get", "account", "'x'*129");
    key_refused("account.get", "account", "'\\xff'");
    each_refused("account.list", "owner", no_string);
    each_refused("report.portfolio", "owner", no_string);
    each_refused("report.management", "owner", no_string);
    each_refused("report.management", "tier", no_string);
    each_refused("report.management", "region", no_string);
    key_refused("report.management", "region", "'x'*129");
    key_refused("report.management", "limit", "1001");
    key_refused("account.list", "owner", "'x'*129");
    each_refused("account.list", "tier", no_string);
    each_refused("account.list", "after", no_string);
    key_refused("account.list", "after", "'x'*1025");
    each_refused("dead.list", "after", no_string);
    each_refused("alert.list", "account", no_string);
    each_refused("alert.list", "owner", no_string);
    each_refused("alert.ack", "id", no_string);
    key_refused("dead.drop", "id", "''");
    key_refused("dead.drop", "id", "'x'*129");
}

static void holds_refused(void **state)
{
    (void)state;
    refused(RT_BAD_REQUEST, "by", "{op: 'alert.ack', id: '1-1', by: 5}");
    refused(RT_BAD_REQUEST, "by", "{op: 'alert.ack', id: '1-1', by: 'x'*129}");
    refused(RT_BAD_REQUEST, "note", "{op: 'alert.snooze', id: '1-1', note: 'x'*1025}");
    refused(RT_BAD_REQUEST, "note", "{op: 'alert.snooze', id: '1-1', note: '\\xff'}");
    refused(RT_BAD_REQUEST, "until", "{op: 'alert.snooze', id: '1-1', until: 'tomorrow'}");
    refused(RT_BAD_REQUEST, "until", "{op: 'alert.ack', id: '1-1', until: 1.5}");
}

static void words_refused(void **state)
{
    static const char *const no_band[] = {"''", "'sick'", "'Healthy'", "'at-risk'", NULL};
    static const char *const no_sort[] = {"''",        "'x'",        "'ACCOUNT'",
                                          "'--score'", "'-account'", NULL};
    static const char *const no_kind[] = {"''", "'churn'", "'Silence'", NULL};
    static const char *const no_severity[] = {"''", "'high'", "'Critical'", NULL};
    static const char *const no_bool[] = {"'x'", "1", "0", "'true'", "1.0", "[]", NULL};

    (void)state;
    each_refused("account.list", "band", no_string);
    each_refused("account.list", "band", no_band);
    each_refused("account.list", "sort", no_string);
    each_refused("account.list", "sort", no_sort);
    each_refused("alert.list", "kind", no_string);
    each_refused("alert.list", "kind", no_kind);
    each_refused("alert.list", "severity", no_string);
    each_refused("alert.list", "severity", no_severity);
    each_refused("alert.list", "open", no_bool);
}

static void limits_refused(void **state)
{
    static const char *const ops[] = {"account.list", "alert.list", "dead.list"};
    static const char *const values[] = {"0", "-1", "1001", "1099511627776", "!cfffffffffffffffff",
                                         NULL};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        each_refused(ops[i], "limit", no_int);
        each_refused(ops[i], "limit", values);
    }
    refused(RT_BAD_REQUEST, "limit", "{op: 'account.timeline', account: 'a', limit: 0}");
}

static void moments_and_cursors_refused(void **state)
{
    static const char *const no_cursor[] = {
        "''", "'x'", "'1.2'", "'01'", "'1-'", "'A'", "'1 '", "'1\\x00'", "'11111111111111111'",
        NULL};

    (void)state;
    refused(RT_BAD_REQUEST, "at", "{op: 'account.get', account: 'a', at: 1.5}");
    refused(RT_BAD_REQUEST, "at", "{op: 'account.get', account: 'a', at: true}");
    refused(RT_BAD_REQUEST, "since", "{op: 'account.timeline', account: 'a', since: '1f'}");
    refused(RT_BAD_REQUEST, "until", "{op: 'account.timeline', account: 'a', until: []}");
    each_refused("alert.list", "since", no_string);
    each_refused("alert.list", "since", no_cursor);
}

static void used_keys_twice(void **state)
{
    (void)state;
    refused(RT_BAD_REQUEST, "account", "{op: 'account.get', account: 'a', account: 'a'}");
    refused(RT_BAD_REQUEST, "limit", "{limit: 1, op: 'alert.list', limit: nil}");
    refused(RT_BAD_REQUEST, "since", "{since: nil, since: nil, op: 'alert.list'}");
    accepted("{op: 'stats', limit: 1, limit: 2}");
}

static void keys_not_taken_are_ignored(void **state)
{
    (void)state;
    accepted("{op: 'stats', limit: 'x', account: 5, id: [], at: {}, since: 1.5, x: 1, x: 2, 5: 6, "
             "nil: nil, #6f70: 1}");
    accepted("{op: 'account.get', account: 'a', limit: 5000, since: 'x', band: 'y'}");
    accepted("{op: 'alert.list', sort: 5, after: 5, until: 'x', tier: 7}");
    accepted("{op: 'account.list', account: 5, kind: 1, open: 'x'}");
}

static void defaults(void **state)
{
    (void)state;
    accepted("{op: 'account.list', owner: nil, tier: nil, band: nil, sort: nil, limit: nil, after: "
             "nil}");
    assert_int_equal(query.limit, 100);
    assert_int_equal(query.sort, RT_SORT_ACCOUNT);
    assert_false(query.has_band);
    assert_null(query.owner.data);
    assert_null(query.after.data);
    accepted("{op: 'alert.list', since: nil, open: nil, kind: nil}");
    assert_null(query.since_cursor.data);
    assert_false(query.open || query.has_kind || query.has_severity || query.has_since);
    accepted("{op: 'alert.ack', id: '3-4'}");
    assert_null(query.by.data);
    assert_null(query.note.data);
    assert_false(query.has_until);
}

static void every_key_read(void **state)
{
    (void)state;
    accepted("{at: 7, account: 'a\\x00b', op: 'account.get'}");
    assert_int_equal(query.op, RT_ACCOUNT_GET);
    assert_int_equal(query.account.size, 3);
    assert_true(query.has_at && query.at == 7);
    accepted("{op: 'account.list', owner: 'kim', tier: 'key', band: 'watch', sort: '-score', "
             "limit: 1000, after: 'x'}");
    assert_true(rt_span_is(query.owner, "kim") && rt_span_is(query.tier, "key"));
    assert_true(query.has_band && query.band == RT_WATCH);
    assert_int_equal(query.sort, RT_SORT_SCORE_DOWN);
    assert_int_equal(query.limit, 1000);
    assert_true(rt_span_is(query.after, "x"));
    accepted(
        "{op: 'account.timeline', account: 'a', since: -5, until: !cfffffffffffffffff, limit: 1}");
    assert_true(query.has_since && query.since == -5);
    assert_true(query.has_until && query.until == INT64_MAX);
    accepted("{op: 'alert.list', since: '657d0a2c41b3f', kind: 'upsell', severity: 'critical', "
             "open: true}");
    assert_true(rt_span_is(query.since_cursor, "657d0a2c41b3f"));
    assert_true(query.has_kind && query.kind == RT_UPSELL);
    assert_true(query.has_severity && query.severity == RT_CRITICAL);
    assert_true(query.open);
    accepted("{op: 'alert.snooze', id: '1-2', by: '', note: 'x'*1024, until: 9}");
    assert_int_equal(query.note.size, 1024);
    assert_non_null(query.by.data);
    assert_true(query.has_until && query.until == 9);
}

static void overrides_read(void **state)
{
    static const char *const bad[][2] = {
        {"score, band", "until: 9, by: 'k', reason: 'r'"},
        {"score, band", "score: 5, band: 'watch', until: 9, by: 'k', reason: 'r'"},
        {"score", "score: 101, until: 9, by: 'k', reason: 'r'"},
        {"score", "score: -1, until: 9, by: 'k', reason: 'r'"},
        {"score", "score: '5', until: 9, by: 'k', reason: 'r'"},
        {"score", "score: true, until: 9, by: 'k', reason: 'r'"},
        {"score", "score: !cb7ff8000000000000, until: 9, by: 'k', reason: 'r'"},
        {"band", "band: 'fine', until: 9, by: 'k', reason: 'r'"},
        {"until", "score: 5, by: 'k', reason: 'r'"},
        {"by", "score: 5, until: 9, reason: 'r'"},
        {"by", "score: 5, until: 9, by: '', reason: 'r'"},
        {"reason", "score: 5, until: 9, by: 'k'"},
        {"reason", "score: 5, until: 9, by: 'k', reason: ''"},
        {"reason", "score: 5, until: 9, by: 'k', reason: 'x'*1025"},
    };
    char text[160];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(text, sizeof(text), "{op: 'account.override', account: 'a', %s}", bad[i][1]);
        refused(RT_BAD_REQUEST, bad[i][0], text);
    }
    accepted("{op: 'account.override', account: 'a', score: 5, until: 9, by: 'k', reason: 'r'}");
    assert_true(query.has_score && query.score == 5 && !query.has_band && query.until == 9);
    assert_true(rt_span_is(query.by, "k") && rt_span_is(query.reason, "r"));
    accepted("{op: 'account.override', account: 'a', band: 'watch', until: 9, by: 'k', reason: "
             "'x'*1024}");
    assert_true(query.has_band && query.band == RT_WATCH && !query.has_score);
    refused(RT_BAD_REQUEST, "by", "{op: 'account.override.end', account: 'a'}");
    refused(RT_BAD_REQUEST, "by", "{op: 'event.void', account: 'a', id: 'i'}");
    refused(RT_BAD_REQUEST, "id", "{op: 'event.void', account: 'a', by: 'k'}");
    refused(RT_BAD_REQUEST, "source",
            "{op: 'event.void', account: 'a', id: 'i', by: 'k', source: 'x'*65}");
    accepted("{op: 'event.void', account: 'a', id: 'i', by: 'k', source: '', reason: 'r'}");
    assert_true(rt_span_is(query.id, "i") && query.source.data != NULL && query.source.size == 0);
    accepted("{op: 'account.override.end', account: 'a', by: 'k'}");
    assert_null(query.reason.data);
}

static void words_accepted(void **state)
{
    static const char *const bands[] = {"at_risk", "watch", "healthy"};
    static const char *const sorts[] = {"account", "score", "-score", "value", "renewal"};
    char text[96];

    (void)state;
    for (int i = 0; i < RT_BANDS; i++) {
        snprintf(text, sizeof(text), "{op: 'account.list', band: '%s'}", bands[i]);
        accepted(text);
        assert_int_equal(query.band, i);
        assert_string_equal(rt_band_name((enum rt_band)i), bands[i]);
    }
    for (int i = 0; i < 5; i++) {
        snprintf(text, sizeof(text), "{op: 'account.list', sort: '%s'}", sorts[i]);
        accepted(text);
        assert_int_equal(query.sort, i);
    }
    for (int i = 0; i < RT_ALERT_KINDS; i++) {
        snprintf(text, sizeof(text), "{op: 'alert.list', kind: '%s'}",
                 rt_alert_kind_name((enum rt_alert_kind)i));
        accepted(text);
        assert_int_equal(query.kind, i);
    }
}

/* Every op but the internal one comes back from its name. */
static void every_op(void **state)
{
    char text[96];

    (void)state;
    for (int op = 0; op < RT_OPS; op++) {
        snprintf(text, sizeof(text),
                 "{op: '%s', account: 'a', id: '1-1', by: 'k', reason: 'r', until: 9%s}",
                 rt_op_name((enum rt_op)op), op == RT_ACCOUNT_OVERRIDE ? ", score: 5" : "");
        assert_int_equal(decode(text), op == RT_DEAD_GET ? RT_UNKNOWN_OP : RT_OK);
        assert_int_equal(rt_query_decode_internal(rt_buffer_span(&bytes), &query, &fault), RT_OK);
        assert_int_equal(query.op, op);
    }
    assert_int_equal(decode("{op: 'dead.get'}"), RT_UNKNOWN_OP);
    assert_int_equal(rt_query_decode_internal(rt_buffer_span(&bytes), &query, &fault),
                     RT_BAD_REQUEST);
}

static void owners_that_are_seen(void **state)
{
    struct rt_buffer owners = {0};

    (void)state;
    query = (struct rt_query){0};
    assert_true(rt_query_sees(&query, rt_span_text("kim")));
    assert_true(rt_query_sees(&query, (struct rt_span){0}));
    rt_put_bytes(&owners, rt_span_text("kim"));
    rt_put_bytes(&owners, rt_span_text("lee.b"));
    query.owners = rt_buffer_span(&owners);
    assert_false(rt_query_sees(&query, rt_span_text("ki")));
    assert_false(rt_query_sees(&query, rt_span_text("kimb")));
    assert_false(rt_query_sees(&query, (struct rt_span){0}));
    assert_false(rt_query_sees(&query, rt_span_text("-")));
    assert_true(rt_query_sees(&query, rt_span_text("lee.b")));
    rt_put_bytes(&owners, rt_span_text("-"));
    query.owners = rt_buffer_span(&owners);
    assert_true(rt_query_sees(&query, rt_span("", 0)));
    query.owners.size--; /* cut short: what cannot be read is not seen */
    assert_false(rt_query_sees(&query, rt_span("", 0)));
    rt_buffer_free(&owners);
}

static void bands(void **state)
{
    (void)state;
    assert_int_equal(rt_band_of(0), RT_AT_RISK);
    assert_int_equal(rt_band_of(39.999), RT_AT_RISK);
    assert_int_equal(rt_band_of(40), RT_WATCH);
    assert_int_equal(rt_band_of(69.999), RT_WATCH);
    assert_int_equal(rt_band_of(70), RT_HEALTHY);
    assert_int_equal(rt_band_of(100), RT_HEALTHY);
}

static void episodes_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "-",
                                      "1",
                                      "1-",
                                      "-1",
                                      "1-2-3",
                                      "1-2 ",
                                      " 1-2",
                                      "01-2",
                                      "1-02",
                                      "+1-2",
                                      "1--2",
                                      "a-1",
                                      "1-a",
                                      "0x1-2",
                                      "4294967296-1",
                                      "1-18446744073709551616",
                                      "1-99999999999999999999",
                                      "no such"};
    uint64_t sequence;
    uint32_t partition;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(rt_episode_parse(rt_span_text(bad[i]), &partition, &sequence));
    assert_false(rt_episode_parse(rt_span("1-2\0", 4), &partition, &sequence));
    assert_false(rt_episode_parse(rt_span(NULL, 0), &partition, &sequence));
}

static void episodes_there_and_back(void **state)
{
    static const uint64_t numbers[] = {0, 1, 9, 10, 4294967295, UINT64_MAX};
    uint64_t sequence;
    uint32_t partition;
    char text[40];

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        size_t size = rt_episode_format((uint32_t)numbers[i], numbers[5 - i], text);

        assert_int_equal(size, strlen(text));
        assert_true(rt_episode_parse(rt_span_text(text), &partition, &sequence));
        assert_int_equal(partition, (uint32_t)numbers[i]);
        assert_true(sequence == numbers[5 - i]);
    }
}

static void the_error_reply(void **state)
{
    struct rt_buffer out = {0}, want = {0};

    (void)state;
    rt_query_error(&out, RT_NOT_FOUND, "account: nobody has heard of it");
    notation(&want, "{ok: false, error: 'not_found', message: 'account: nobody has heard of it'}");
    assert_true(rt_span_equal(rt_buffer_span(&out), rt_buffer_span(&want)));
    rt_buffer_free(&out);
    rt_buffer_free(&want);
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
        cmocka_unit_test(not_a_query),
        cmocka_unit_test(ops_refused),
        cmocka_unit_test(needed_keys_missing),
        cmocka_unit_test(texts_refused),
        cmocka_unit_test(holds_refused),
        cmocka_unit_test(words_refused),
        cmocka_unit_test(limits_refused),
        cmocka_unit_test(moments_and_cursors_refused),
        cmocka_unit_test(used_keys_twice),
        cmocka_unit_test(keys_not_taken_are_ignored),
        cmocka_unit_test(defaults),
        cmocka_unit_test(every_key_read),
        cmocka_unit_test(overrides_read),
        cmocka_unit_test(words_accepted),
        cmocka_unit_test(every_op),
        cmocka_unit_test(owners_that_are_seen),
        cmocka_unit_test(bands),
        cmocka_unit_test(episodes_refused),
        cmocka_unit_test(episodes_there_and_back),
        cmocka_unit_test(the_error_reply),
    };

    return cmocka_run_group_tests(tests, NULL, teardown);
}

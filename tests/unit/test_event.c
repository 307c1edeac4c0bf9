/* Events: each rule of docs/PROTOCOL.md first as what is refused, then as what is taken. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "protocol/event.h"
#include "protocol/limits.h"
#include "tests/lib/notation.h"

static const int64_t NOW = INT64_C(1700000000000);

static const char *const types[] = {"call", "email", "visit", "ticket", "account"};
enum { TYPES = 5 };

/* What every event of a type needs, `ticket` and `action` included. */
static const char *least(const char *type)
{
    static char text[160];

    snprintf(text, sizeof(text), "id: 'e1', type: '%s', account: 'a1', ts: 5%s", type,
             strcmp(type, "ticket") == 0 ? ", ticket: 'T', action: 'opened'" : "");
    return text;
}

static struct rt_buffer bytes; /* of the event decoded last: spans of it point here */
static struct rt_event event;
static struct rt_fault fault;

static enum rt_error decode(const char *text)
{
    rt_buffer_free(&bytes);
    return rt_event_decode(notation(&bytes, "%s", text), NOW, RT_EVENT_BYTES, &event, &fault);
}

/* The least event of a type and more pairs. */
static enum rt_error with(const char *type, const char *pairs)
{
    char text[4096];

    snprintf(text, sizeof(text), "{%s, %s}", least(type), pairs);
    return decode(text);
}

static void accepted(const char *type, const char *pairs)
{
    enum rt_error code = with(type, pairs);

    if (code != RT_OK)
        fail_msg("%s with %s: %s %s", type, pairs, rt_error_name(code), fault.text);
}

/* Refused with that code, and the text begins with the field's name. */
static void refused(enum rt_error want, const char *field, const char *type, const char *pairs)
{
    enum rt_error code = with(type, pairs);
    size_t size = strlen(field);

    if (code != want || fault.code != want)
        fail_msg("%s with %s: %s", type, pairs, rt_error_name(code));
    if (strncmp(fault.text, field, size) != 0 || fault.text[size] != ':')
        fail_msg("%s with %s: text is '%s'", type, pairs, fault.text);
}

static void value_refused(const char *type, const char *field, const char *value)
{
    char pairs[2048];

    snprintf(pairs, sizeof(pairs), "%s: %s", field, value);
    refused(RT_BAD_FIELD, field, type, pairs);
}

static void value_accepted(const char *type, const char *field, const char *value)
{
    char pairs[2048];

    snprintf(pairs, sizeof(pairs), "%s: %s", field, value);
    accepted(type, pairs);
}

static void each_refused(const char *type, const char *field, const char *const *values)
{
    for (; *values != NULL; values++)
        value_refused(type, field, *values);
}

static const char *const no_string[] = {"5",       "-1", "0",     "1.5", "true",   "false",
                                        "#61",     "[]", "['a']", "{}",  "{a: 1}", "!d6ff00000005",
                                        "!d40741", NULL};
static const char *const no_int[] = {"1.0", "2.5", "f32 1.0", "nan", "true",    "false", "'1'",
                                     "''",  "#01", "[]",      "{}",  "!d40741", NULL};
static const char *const no_number[] = {"nan",           "inf", "-inf", "f32 nan", "true", "false",
                                        "'1'",           "''",  "#01",  "[]",      "[1]",  "{}",
                                        "!d6ff00000005", NULL};
static const char *const no_bool[] = {"0", "1", "'true'", "''", "#01", "[]", "{}", "1.0", NULL};
static const char *const bad_utf8[] = {
    "'\\xff'", "'a\\xc3'", "'\\xed\\xa0\\x80'", "'\\xc0\\x80'", "'\\xf4\\x90\\x80\\x80'", NULL};

/* A value for the general keys of the least event. */
static void replaced(const char *type, const char *field, const char *value, char *text,
                     size_t size)
{
    snprintf(text, size, "{id: %s, type: %s, account: %s, ts: %s, ticket: 'T', action: 'opened'}",
             strcmp(field, "id") == 0 ? value : "'e1'",
             strcmp(field, "type") == 0  ? value
             : strcmp(type, "call") == 0 ? "'call'"
                                         : "'ticket'",
             strcmp(field, "account") == 0 ? value : "'a1'",
             strcmp(field, "ts") == 0 ? value : "5");
}

static void general(enum rt_error want, const char *field, const char *value)
{
    char text[4096];
    enum rt_error code;

    replaced("call", field, value, text, sizeof(text));
    code = decode(text);
    if (code != want)
        fail_msg("%s: %s gives %s", field, value, rt_error_name(code));
    if (code != RT_OK &&
        (strncmp(fault.text, field, strlen(field)) != 0 || fault.text[strlen(field)] != ':'))
        fail_msg("%s: %s says '%s'", field, value, fault.text);
}

static void general_each(const char *field, const char *const *values)
{
    for (; *values != NULL; values++)
        general(RT_BAD_FIELD, field, *values);
}

/* ---- what is no event
 * ----------------------------------------------------------------------------- */

static void not_a_map(void **state)
{
    static const char *const things[] = {"nil",     "true", "5",   "1.5",
                                         "'x'",     "#01",  "[]",  "[{id: 'x'}]",
                                         "!d40100", "!a5",  "!c1", "!dfffffffff"};

    (void)state;
    for (size_t i = 0; i < sizeof(things) / sizeof(things[0]); i++) {
        assert_int_equal(decode(things[i]), RT_BAD_EVENT);
        assert_true(strncmp(fault.text, "event: ", 7) == 0);
    }
    assert_int_equal(rt_event_decode(rt_span(NULL, 0), NOW, 100, &event, &fault), RT_BAD_EVENT);
}

static void larger_than_the_limit(void **state)
{
    struct rt_span small;

    (void)state;
    rt_buffer_free(&bytes);
    small = notation(&bytes, "{%s}", least("call"));
    assert_int_equal(rt_event_decode(small, NOW, small.size, &event, &fault), RT_OK);
    assert_int_equal(rt_event_decode(small, NOW, small.size - 1, &event, &fault), RT_BAD_EVENT);
    assert_int_equal(rt_event_decode_accepted(small, &event, &fault), RT_OK);
}

/* The decoder is safe on bytes that nobody checked, too: each cut, and each with a byte after it.
 */
static void cut_short(void **state)
{
    struct rt_buffer whole = {0};
    struct rt_span all = notation(&whole, "{%s, x: [1, {y: 'z'}], 7: nil}", least("ticket"));

    (void)state;
    for (size_t size = 0; size < all.size; size++) {
        uint8_t *exact = malloc(size + 1);

        assert_non_null(exact);
        memcpy(exact, all.data, size);
        assert_int_equal(
            rt_event_decode(rt_span(size == 0 ? NULL : exact, size), NOW, 4096, &event, &fault),
            RT_BAD_EVENT);
        free(exact);
    }
    rt_buffer_append(&whole, "\xc0", 1);
    assert_int_equal(rt_event_decode(rt_buffer_span(&whole), NOW, 4096, &event, &fault),
                     RT_BAD_EVENT);
    rt_buffer_free(&whole);
}

/* ---- keys
 * ---------------------------------------------------------------------------------------- */

static void required_keys_missing(void **state)
{
    (void)state;
    for (int i = 0; i < TYPES; i++) {
        char text[256];

        snprintf(text, sizeof(text),
                 "{type: '%s', account: 'a', ts: 5, ticket: 'T', action: 'opened'}", types[i]);
        assert_int_equal(decode(text), RT_MISSING_FIELD);
        assert_string_equal(fault.text, "id: is missing");
        snprintf(text, sizeof(text), "{id: 'e', type: '%s', ts: 5, ticket: 'T', action: 'opened'}",
                 types[i]);
        assert_int_equal(decode(text), RT_MISSING_FIELD);
        assert_string_equal(fault.text, "account: is missing");
        snprintf(text, sizeof(text),
                 "{id: 'e', type: '%s', account: 'a', ticket: 'T', action: 'opened'}", types[i]);
        assert_int_equal(decode(text), RT_MISSING_FIELD);
        assert_string_equal(fault.text, "ts: is missing");
    }
    assert_int_equal(decode("{id: 'e', account: 'a', ts: 5}"), RT_MISSING_FIELD);
    assert_string_equal(fault.text, "type: is missing");
    assert_int_equal(decode("{id: 'e', type: 'ticket', account: 'a', ts: 5, action: 'opened'}"),
                     RT_MISSING_FIELD);
    assert_string_equal(fault.text, "ticket: is missing");
    assert_int_equal(decode("{id: 'e', type: 'ticket', account: 'a', ts: 5, ticket: 'T'}"),
                     RT_MISSING_FIELD);
    assert_string_equal(fault.text, "action: is missing");
    assert_int_equal(decode("{}"), RT_MISSING_FIELD);
}

static void nil_is_an_absent_key(void **state)
{
    static const char *const keys[] = {
        "source", "direction", "contact",  "agent",    "sentiment", "duration", "outcome", "wait",
        "thread", "bounced",   "channel",  "severity", "csat",      "party",    "name",    "owner",
        "tier",   "region",    "currency", "status",   "contacts",  "renewal",  "value",
    };

    (void)state;
    general(RT_MISSING_FIELD, "id", "nil");
    general(RT_MISSING_FIELD, "type", "nil");
    general(RT_MISSING_FIELD, "account", "nil");
    general(RT_MISSING_FIELD, "ts", "nil");
    for (int type = 0; type < TYPES; type++) {
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
            value_accepted(types[type], keys[i], "nil");
    }
    assert_int_equal(
        decode("{id: 'e', type: 'ticket', account: 'a', ts: 5, ticket: nil, action: 'opened'}"),
        RT_MISSING_FIELD);
    assert_int_equal(
        decode("{id: 'e', type: 'ticket', account: 'a', ts: 5, ticket: 'T', action: nil}"),
        RT_MISSING_FIELD);
}

/* Also a key of another type, and also when one of them is nil. */
static void known_keys_twice(void **state)
{
    static const char *const keys[] = {
        "id",        "type",     "account",  "ts",      "source", "direction", "contact", "agent",
        "sentiment", "duration", "outcome",  "wait",    "thread", "bounced",   "channel", "ticket",
        "action",    "severity", "csat",     "party",   "name",   "owner",     "tier",    "region",
        "currency",  "status",   "contacts", "renewal", "value",
    };

    (void)state;
    for (int type = 0; type < TYPES; type++) {
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
            char pairs[128];

            snprintf(pairs, sizeof(pairs), "%s: nil, %s: nil", keys[i], keys[i]);
            refused(RT_BAD_FIELD, keys[i], types[type], pairs);
        }
    }
    refused(RT_BAD_FIELD, "id", "call", "id: 'e1'");
    refused(RT_BAD_FIELD, "csat", "call", "csat: 1, csat: 1");
    assert_int_equal(decode("{id: 'a', !d9026964: 'b', type: 'call', account: 'a', ts: 5}"),
                     RT_BAD_FIELD);
}

static void other_keys_are_ignored(void **state)
{
    (void)state;
    accepted("call",
             "x: 1, x: 2, xx: {a: [1, [2]]}, '': 5, 'Type': 'x', idd: 5, i: 5, 'ts\\x00': 7");
    accepted("call",
             "5: 1, 5: 1, nil: 2, true: 3, #6964: 4, ['id']: 1, {id: 1}: 2, 1.5: 3, !d40001: 4");
    accepted("call", "'x'*300: 5, !d900: 5, 'accounT': 'b', 'directioN': 1, 'éé': 5");
    assert_int_equal(decode("{#6964: 'e', type: 'call', account: 'a', ts: 5}"), RT_MISSING_FIELD);
}

static void keys_with_wide_headers(void **state)
{
    (void)state;
    assert_int_equal(decode("{!d9026964: !d9026531, !da000474797065: !da000463616c6c, "
                            "!db000000076163636f756e74: !db00000001 , ts: 5}") == RT_OK,
                     false);
    assert_int_equal(decode("{!d9026964: !d9026531, !da000474797065: !da000463616c6c, "
                            "!db000000076163636f756e74: !db0000000161, ts: 5}"),
                     RT_OK);
    assert_true(rt_span_is(event.id, "e1") && rt_span_is(event.account, "a"));
}

static void order_of_faults(void **state)
{
    (void)state;
    assert_int_equal(decode("{source: 5, ts: -1, account: 5, type: 5, id: 5}"), RT_BAD_FIELD);
    assert_true(strncmp(fault.text, "id:", 3) == 0);
    assert_int_equal(decode("{source: 5, ts: -1, account: 5, type: 5, id: 'x'}"), RT_BAD_FIELD);
    assert_true(strncmp(fault.text, "type:", 5) == 0);
    assert_int_equal(decode("{source: 5, ts: -1, account: 5, type: 'call', id: 'x'}"),
                     RT_BAD_FIELD);
    assert_true(strncmp(fault.text, "account:", 8) == 0);
    assert_int_equal(decode("{source: 5, ts: -1, account: 'x', type: 'call', id: 'x'}"),
                     RT_BAD_FIELD);
    assert_true(strncmp(fault.text, "ts:", 3) == 0);
    assert_int_equal(decode("{source: 5, ts: 1, account: 'x', type: 'call', id: 'x'}"),
                     RT_BAD_FIELD);
    assert_true(strncmp(fault.text, "source:", 7) == 0);
}

static void party_is_reserved(void **state)
{
    (void)state;
    for (int type = 0; type < TYPES; type++) {
        value_refused(types[type], "party", "'+4930123'");
        value_refused(types[type], "party", "5");
    }
    assert_int_equal(decode("{id: 'e', type: 'call', ts: 5, party: '+4930123'}"), RT_BAD_FIELD);
    assert_string_equal(fault.text, "party: is reserved");
}

/* ---- general keys
 * ---------------------------------------------------------------------------------- */

static void ids_accounts_and_sources(void **state)
{
    (void)state;
    general_each("id", no_string);
    general_each("id", bad_utf8);
    general(RT_BAD_FIELD, "id", "''");
    general(RT_BAD_FIELD, "id", "'x'*65");
    general(RT_BAD_FIELD, "id", "'é'*33");
    general(RT_OK, "id", "'x'*64");
    general(RT_OK, "id", "'é'*32");
    general(RT_OK, "id", "'a\\x00b'");
    assert_int_equal(event.id.size, 3);
    general_each("account", no_string);
    general_each("account", bad_utf8);
    general(RT_BAD_FIELD, "account", "''");
    general(RT_BAD_FIELD, "account", "'x'*129");
    general(RT_OK, "account", "'x'*128");
    general(RT_OK, "account", "'é'*64");
    for (int type = 0; type < TYPES; type++) {
        each_refused(types[type], "source", no_string);
        each_refused(types[type], "source", bad_utf8);
        value_refused(types[type], "source", "'x'*65");
        value_accepted(types[type], "source", "'x'*64");
        value_accepted(types[type], "source", "''");
        assert_int_equal(event.source.size, 0);
    }
    accepted("call", "x: 1");
    assert_non_null(event.source.data);
    assert_int_equal(event.source.size, 0);
}

static void kinds_of_event(void **state)
{
    static const char *const wrong[] = {"''",      "'fax'",       "'Call'",     "'calls'", "'cal'",
                                        "'call '", "'call\\x00'", "'accounts'", NULL};

    (void)state;
    general_each("type", no_string);
    general_each("type", wrong);
    for (int type = 0; type < TYPES; type++) {
        accepted(types[type], "x: 1");
        assert_int_equal(event.type, type);
        assert_string_equal(rt_event_type_name(event.type), types[type]);
    }
}

static void moments(void **state)
{
    static const char *const wrong[] = {"-1", "!d0ff", "1.0", "1e12", "'2024-01-01'", "''", "#01",
                                        "true", "[]", "{}", "nan", "!d60000000001", "!d4ff01",
                                        /* a nanosecond before the epoch; a second of 10^9 ns */
                                        "!c70cff3b9ac9ffffffffffffffffff", "!d7ffee6b280000000001",
                                        "!c70cff3b9aca000000000000000001", NULL};
    char text[64];

    (void)state;
    general_each("ts", wrong);
    general(RT_OK, "ts", "0");
    general(RT_OK, "ts", "!cf000000000000004d");
    assert_int_equal(event.ts, 77);
    general(RT_OK, "ts", "!d6ff00000005");
    assert_int_equal(event.ts, 5000);
    general(RT_OK, "ts", "!d7ff01e847c00000000a");
    assert_int_equal(event.ts, 10000 + 7);
    general(RT_OK, "ts", "!c70cff001e847f0000000000000005");
    assert_int_equal(event.ts, 5001);
    snprintf(text, sizeof(text), "%" PRId64, NOW + 5 * 60 * 1000);
    general(RT_OK, "ts", text);
    snprintf(text, sizeof(text), "%" PRId64, NOW + 5 * 60 * 1000 + 1);
    general(RT_TS_IN_FUTURE, "ts", text);
    general(RT_TS_IN_FUTURE, "ts", "9223372036854775807");
    general(RT_TS_IN_FUTURE, "ts", "!cf8000000000000000");
    general(RT_TS_IN_FUTURE, "ts", "!cfffffffffffffffff");
    general(RT_TS_IN_FUTURE, "ts", "!d6ffffffffff");
    general(RT_TS_IN_FUTURE, "ts", "!c70cff000000007fffffffffffffff");
    assert_int_equal(decode("{id: 'e', type: 'call', account: 'a', ts: 1700000300001}"),
                     RT_TS_IN_FUTURE);
    assert_int_equal(rt_event_decode_accepted(rt_buffer_span(&bytes), &event, &fault), RT_OK);
    snprintf(text, sizeof(text), "{id: 'e', type: 'call', account: 'a', ts: %" PRId64 "}",
             RT_TS_MAX);
    assert_int_equal(decode(text), RT_TS_IN_FUTURE);
    assert_int_equal(rt_event_decode_accepted(rt_buffer_span(&bytes), &event, &fault), RT_OK);
    snprintf(text, sizeof(text), "{id: 'e', type: 'call', account: 'a', ts: %" PRId64 "}",
             RT_TS_MAX + 1);
    assert_int_equal(decode(text), RT_TS_IN_FUTURE);
    assert_int_equal(rt_event_decode_accepted(rt_buffer_span(&bytes), &event, &fault),
                     RT_TS_IN_FUTURE);
}

static void directions_people_and_sentiment(void **state)
{
    static const char *const no_direction[] = {"''",  "'both'", "'In'", "'OUT'",
                                               "'i'", "'inn'",  NULL};
    static const char *const no_sentiment[] = {
        "1.0001", "-1.0001", "2", "-2", "1e308", "!cfffffffffffffffff", NULL};

    (void)state;
    for (int type = 0; type < TYPES; type++) {
        const char *name = types[type];

        each_refused(name, "direction", no_string);
        each_refused(name, "direction", no_direction);
        value_accepted(name, "direction", "'in'");
        assert_int_equal(event.direction, RT_IN);
        value_accepted(name, "direction", "'out'");
        assert_int_equal(event.direction, RT_OUT);
        each_refused(name, "contact", no_string);
        each_refused(name, "contact", bad_utf8);
        value_refused(name, "contact", "''");
        value_refused(name, "contact", "'x'*129");
        value_accepted(name, "contact", "'x'*128");
        assert_int_equal(event.contact.size, 128);
        each_refused(name, "agent", no_string);
        value_refused(name, "agent", "''");
        value_refused(name, "agent", "'é'*65");
        value_accepted(name, "agent", "'é'*64");
        each_refused(name, "sentiment", no_number);
        each_refused(name, "sentiment", no_sentiment);
        value_accepted(name, "sentiment", "-1");
        value_accepted(name, "sentiment", "1.0");
        value_accepted(name, "sentiment", "f32 -0.5");
        assert_true(event.has_sentiment && event.sentiment == -0.5);
    }
    accepted("call", "x: 1");
    assert_int_equal(event.direction, RT_DIRECTION_NONE);
    assert_false(event.has_sentiment);
    assert_null(event.contact.data);
}

/* ---- keys of the types ----------------------------------------------------------------------- */

static void durations(void **state)
{
    static const char *const negative[] = {"-1", "-0.001", "!d38000000000000000", NULL};

    (void)state;
    each_refused("call", "duration", no_number);
    each_refused("call", "duration", negative);
    each_refused("visit", "duration", no_number);
    each_refused("visit", "duration", negative);
    each_refused("call", "wait", no_number);
    each_refused("call", "wait", negative);
    accepted("call", "duration: 61.5, wait: 0");
    assert_true(event.has_duration && event.duration == 61.5);
    assert_true(event.has_wait && event.wait == 0);
    accepted("visit", "duration: !cfffffffffffffffff");
    accepted("call", "x: 1");
    assert_false(event.has_duration || event.has_wait);
}

static void outcomes(void **state)
{
    static const char *const no_call[] = {"'held'",   "'no_show'", "'cancelled'", "''",
                                          "'Missed'", "'no'",      NULL};
    static const char *const no_visit[] = {"'answered'", "'missed'",   "'busy'", "''",
                                           "'no-show'",  "'canceled'", NULL};
    static const char *const call[] = {"answered", "missed", "voicemail",
                                       "busy",     "failed", "abandoned"};
    static const char *const visit[] = {"held", "no_show", "cancelled"};
    char pairs[64];

    (void)state;
    each_refused("call", "outcome", no_string);
    each_refused("call", "outcome", no_call);
    each_refused("visit", "outcome", no_string);
    each_refused("visit", "outcome", no_visit);
    for (int i = 0; i < 6; i++) {
        snprintf(pairs, sizeof(pairs), "outcome: '%s', direction: 'in'", call[i]);
        accepted("call", pairs);
        assert_int_equal(event.outcome, RT_ANSWERED + i);
        assert_int_equal(rt_event_unanswered(&event), i > 0);
        assert_true(rt_event_is_contact(&event));
    }
    for (int i = 0; i < 3; i++) {
        snprintf(pairs, sizeof(pairs), "outcome: '%s'", visit[i]);
        accepted("visit", pairs);
        assert_int_equal(event.outcome, RT_HELD + i);
        assert_int_equal(rt_event_is_contact(&event), i == 0);
    }
    accepted("call", "outcome: 'missed', direction: 'out'");
    assert_false(rt_event_unanswered(&event));
    accepted("call", "outcome: 'missed'");
    assert_false(rt_event_unanswered(&event));
    accepted("call", "outcome: 'failed', direction: 'out'");
    assert_true(rt_event_unanswered(&event));
    accepted("call", "outcome: 'failed'");
    assert_true(rt_event_unanswered(&event));
    accepted("call", "direction: 'in'");
    assert_int_equal(event.outcome, RT_ANSWERED);
    accepted("visit", "x: 1");
    assert_int_equal(event.outcome, RT_HELD);
}

static void emails(void **state)
{
    (void)state;
    each_refused("email", "thread", no_string);
    each_refused("email", "thread", bad_utf8);
    value_refused("email", "thread", "''");
    value_refused("email", "thread", "'x'*129");
    each_refused("email", "bounced", no_bool);
    accepted("email", "thread: '<a@b>', bounced: true");
    assert_true(rt_span_is(event.thread, "<a@b>") && event.bounced);
    assert_false(rt_event_is_contact(&event));
    accepted("email", "bounced: false");
    assert_true(rt_event_is_contact(&event));
}

static void channels(void **state)
{
    static const char *const wrong[] = {"''", "'phone'", "'Onsite'", "'on-site'", NULL};

    (void)state;
    each_refused("visit", "channel", no_string);
    each_refused("visit", "channel", wrong);
    value_accepted("visit", "channel", "'onsite'");
    assert_int_equal(event.channel, RT_ONSITE);
    value_accepted("visit", "channel", "'remote'");
    assert_int_equal(event.channel, RT_REMOTE);
    value_accepted("visit", "channel", "'web'");
    assert_int_equal(event.channel, RT_WEB);
}

static enum rt_error ticket(const char *number, const char *action, const char *more)
{
    char text[2048];

    snprintf(text, sizeof(text),
             "{id: 'e', type: 'ticket', account: 'a', ts: 5, ticket: %s, action: %s%s}", number,
             action, more);
    return decode(text);
}

static void tickets(void **state)
{
    static const char *const actions[] = {"'opened'",   "'updated'",  "'replied'", "'escalated'",
                                          "'resolved'", "'reopened'", "'closed'"};
    static const char *const no_action[] = {"''", "'open'", "'Opened'", "'done'", NULL};

    (void)state;
    for (size_t i = 0; no_string[i] != NULL; i++) {
        assert_int_equal(ticket(no_string[i], "'opened'", ""), RT_BAD_FIELD);
        assert_true(strncmp(fault.text, "ticket:", 7) == 0);
        assert_int_equal(ticket("'T'", no_string[i], ""), RT_BAD_FIELD);
        assert_true(strncmp(fault.text, "action:", 7) == 0);
    }
    for (size_t i = 0; no_action[i] != NULL; i++)
        assert_int_equal(ticket("'T'", no_action[i], ""), RT_BAD_FIELD);
    assert_int_equal(ticket("''", "'opened'", ""), RT_BAD_FIELD);
    assert_int_equal(ticket("'x'*65", "'opened'", ""), RT_BAD_FIELD);
    assert_int_equal(ticket("'\\xff'", "'opened'", ""), RT_BAD_FIELD);
    assert_int_equal(ticket("'x'*64", "'opened'", ""), RT_OK);
    for (int i = 0; i < 7; i++) {
        static const bool contact[] = {true, false, true, false, false, true, false};

        assert_int_equal(ticket("'T'", actions[i], ""), RT_OK);
        assert_int_equal(event.action, RT_OPENED + i);
        assert_int_equal(rt_event_is_contact(&event), contact[i]);
        assert_int_equal(event.severity, 0);
        assert_int_equal(event.csat, 0);
    }
}

static void severities_and_ratings(void **state)
{
    static const char *const no_severity[] = {
        "0", "5", "-1", "256", "4294967297", "!cf8000000000000000", NULL};
    static const char *const no_csat[] = {"0", "6", "-1", "257", "4294967297", NULL};

    (void)state;
    each_refused("ticket", "severity", no_int);
    each_refused("ticket", "severity", no_severity);
    each_refused("ticket", "csat", no_int);
    each_refused("ticket", "csat", no_csat);
    for (int i = 1; i <= 5; i++) {
        char text[64];

        snprintf(text, sizeof(text), "severity: %d, csat: %d", i < 5 ? i : 1, i);
        accepted("ticket", text);
        assert_int_equal(event.severity, i < 5 ? i : 1);
        assert_int_equal(event.csat, i);
    }
    accepted("ticket", "severity: !d30000000000000004, csat: !cf0000000000000005");
    assert_int_equal(event.severity, 4);
    assert_int_equal(event.csat, 5);
}

static void keys_of_another_type_are_not_checked(void **state)
{
    (void)state;
    accepted("call",
             "thread: 5, bounced: 'x', channel: 1, ticket: 7, action: #01, severity: 99, csat: -1, "
             "name: 1, owner: '-', tier: 2, region: [], renewal: 'x', value: -5, currency: 0, "
             "status: 'gone', contacts: 7");
    assert_int_equal(event.severity, 0);
    accepted("email",
             "duration: -5, outcome: 'odd', wait: 'x', channel: 1, ticket: '', action: true, "
             "csat: {}, value: -1, owner: '-', contacts: [5]");
    assert_int_equal(event.outcome, RT_OUTCOME_NONE);
    assert_false(event.has_duration);
    accepted("visit",
             "wait: -1, thread: [], bounced: 1, ticket: 'x'*100, severity: 1.5, csat: '5'");
    accepted("ticket",
             "duration: 'x', outcome: 5, thread: {}, bounced: 0, channel: 'x', owner: '-'");
    accepted("account",
             "duration: -1, outcome: 'x', thread: 5, bounced: 5, channel: 5, ticket: 5, action: 5, "
             "severity: '1', csat: 'x'");
    assert_int_equal(event.action, RT_ACTION_NONE);
    for (int key = 0; key < RT_PROFILE_KEYS; key++)
        assert_int_equal(event.profile[key].presence, RT_KEY_ABSENT);
}

/* ---- profiles
 * -------------------------------------------------------------------------------------- */

static void profile_strings(void **state)
{
    static const char *const keys[] = {"name", "owner", "tier", "region", "currency"};
    static const char *const no_status[] = {"''", "'gone'", "'Active'", "'inactive'", NULL};

    (void)state;
    for (int i = 0; i < 5; i++) {
        each_refused("account", keys[i], no_string);
        each_refused("account", keys[i], bad_utf8);
        value_refused("account", keys[i], "''");
        value_refused("account", keys[i], "'x'*129");
        value_accepted("account", keys[i], "'x'*128");
        assert_string_equal(rt_profile_key_name((enum rt_profile_key)i), keys[i]);
        assert_int_equal(event.profile[i].presence, RT_KEY_SET);
        assert_int_equal(event.profile[i].text.size, 128);
        value_accepted("account", keys[i], "nil");
        assert_int_equal(event.profile[i].presence, RT_KEY_CLEARED);
    }
    value_refused("account", "owner", "'-'");
    value_accepted("account", "owner", "'--'");
    each_refused("account", "status", no_string);
    each_refused("account", "status", no_status);
    value_accepted("account", "status", "'churned'");
    assert_true(rt_span_is(event.profile[RT_PROFILE_STATUS].text, "churned"));
    value_accepted("account", "status", "'active'");
}

static void profile_numbers(void **state)
{
    (void)state;
    each_refused("account", "renewal", no_int);
    value_refused("account", "renewal", "-1");
    value_refused("account", "renewal", "!d6ff00000005");
    each_refused("account", "value", no_number);
    value_refused("account", "value", "-0.5");
    accepted("account", "renewal: 1900000000000, value: 1200.5");
    assert_int_equal(event.profile[RT_PROFILE_RENEWAL].renewal, 1900000000000);
    assert_true(event.profile[RT_PROFILE_VALUE].value == 1200.5);
    assert_int_equal(event.profile[RT_PROFILE_VALUE].presence, RT_KEY_SET);
    accepted("account", "renewal: nil, value: 0");
    assert_int_equal(event.profile[RT_PROFILE_RENEWAL].presence, RT_KEY_CLEARED);
    assert_int_equal(event.profile[RT_PROFILE_NAME].presence, RT_KEY_ABSENT);
}

static void contacts_count(int count, enum rt_error want)
{
    char pairs[1024];
    int size = snprintf(pairs, sizeof(pairs), "contacts: [");

    for (int i = 0; i < count; i++)
        size += snprintf(pairs + size, sizeof(pairs) - (size_t)size, "{name: 'A'}, ");
    snprintf(pairs + size, sizeof(pairs) - (size_t)size, "]");
    assert_int_equal(with("account", pairs), want);
}

static void profile_contacts(void **state)
{
    static const char *const wrong[] = {"5",
                                        "'A'",
                                        "true",
                                        "{}",
                                        "{name: 'A'}",
                                        "#01",
                                        "1.5",
                                        "[5]",
                                        "['A']",
                                        "[[]]",
                                        "[nil]",
                                        "[{name: 'A'}, 5]",
                                        "[{name: 5}]",
                                        "[{email: true}]",
                                        "[{phone: 4930}]",
                                        "[{name: 'x'*129}]",
                                        "[{phone: '\\xff'}]",
                                        "[{name: #41}]",
                                        "[{name: 'A', name: 'A'}]",
                                        "[{email: nil, email: nil}]",
                                        NULL};
    struct rt_span list;

    (void)state;
    each_refused("account", "contacts", wrong);
    contacts_count(33, RT_BAD_FIELD);
    contacts_count(32, RT_OK);
    value_accepted("account", "contacts", "[]");
    assert_int_equal(event.profile[RT_PROFILE_CONTACTS].text.size, 1);
    value_accepted("account", "contacts", "[{}, {name: nil, email: '', phone: 'x'*128}]");
    value_accepted("account", "contacts", "[{name: 'A', more: 5, more: 6, 7: 8, [1]: 2}]");
    list = event.profile[RT_PROFILE_CONTACTS].text;
    assert_true(rt_msgpack_check(list, 4) && list.data[0] == 0x91);
    value_accepted("account", "contacts", "nil");
    assert_int_equal(event.profile[RT_PROFILE_CONTACTS].presence, RT_KEY_CLEARED);
}

/* ---- the account of an event ----------------------------------------------------------------- */

static bool account_of(const char *text, struct rt_span *account)
{
    rt_buffer_free(&bytes);
    return rt_event_account(notation(&bytes, "%s", text), account);
}

static void account_for_routing(void **state)
{
    struct rt_span account;

    (void)state;
    assert_false(account_of("5", &account));
    assert_false(account_of("[]", &account));
    assert_false(account_of("{}", &account));
    assert_false(account_of("{id: 'x', account: nil}", &account));
    assert_false(account_of("{account: 5}", &account));
    assert_false(account_of("{account: ''}", &account));
    assert_false(account_of("{account: 'x'*129}", &account));
    assert_false(account_of("{account: '\\xff'}", &account));
    assert_false(account_of("{#6163636f756e74: 'x'}", &account));
    assert_false(account_of("!85a2", &account));
    assert_true(account_of("{x: [1, {account: 'no'}], 5: 6, account: 'yes'}", &account));
    assert_true(rt_span_is(account, "yes"));
    assert_true(account_of("{account: 5, account: 'second'}", &account));
    assert_true(account_of("{account: 'first', account: 'second'}", &account));
    assert_true(rt_span_is(account, "first"));
    assert_true(account_of("{!d9076163636f756e74: !d90178}", &account));
}

/* Whatever decodes is routed by the account it decodes to. */
static void account_agrees_with_decode(void **state)
{
    struct rt_span account;

    (void)state;
    for (int type = 0; type < TYPES; type++) {
        accepted(types[type], "x: 1");
        assert_true(rt_event_account(rt_buffer_span(&bytes), &account));
        assert_true(account.data == event.account.data && account.size == event.account.size);
    }
}

static bool source_of(const char *text, struct rt_span *source)
{
    rt_buffer_free(&bytes);
    return rt_event_source(notation(&bytes, "%s", text), source);
}

static void source_for_permission(void **state)
{
    struct rt_span source;

    (void)state;
    assert_false(source_of("5", &source));
    assert_false(source_of("{source: 5}", &source));
    assert_false(source_of("{source: #706278}", &source));
    assert_false(source_of("{x: 1, source: ['pbx']}", &source));
    assert_false(source_of("!82a178", &source));
    assert_true(source_of("{}", &source));
    assert_true(rt_span_is(source, ""));
    assert_true(source_of("{source: nil, x: 1}", &source));
    assert_true(rt_span_is(source, ""));
    assert_true(
        source_of("{x: {source: 'no'}, 5: 6, #736f75726365: 'no', source: 'yes'}", &source));
    assert_true(rt_span_is(source, "yes"));
}

/* The first is what is asked about; a second, which could say otherwise, is never taken. */
static void source_twice_is_no_event(void **state)
{
    (void)state;
    refused(RT_BAD_FIELD, "source", "call", "source: 'a', source: 'b'");
    refused(RT_BAD_FIELD, "source", "call", "source: nil, source: 'b'");
    refused(RT_BAD_FIELD, "source", "call", "source: 'a', source: nil");
}

static void source_agrees_with_decode(void **state)
{
    struct rt_span source;

    (void)state;
    accepted("call", "source: 'pbx'");
    assert_true(rt_event_source(rt_buffer_span(&bytes), &source));
    assert_true(rt_span_equal(source, event.source) && source.size == 3);
    accepted("call", "x: 1");
    assert_true(rt_event_source(rt_buffer_span(&bytes), &source));
    assert_true(rt_span_equal(source, event.source) && source.size == 0);
}

static void raw_is_what_was_sent(void **state)
{
    (void)state;
    accepted("call", "x: [1, 2]");
    assert_ptr_equal(event.raw.data, bytes.data);
    assert_int_equal(event.raw.size, bytes.size);
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
        cmocka_unit_test(not_a_map),
        cmocka_unit_test(larger_than_the_limit),
        cmocka_unit_test(cut_short),
        cmocka_unit_test(required_keys_missing),
        cmocka_unit_test(nil_is_an_absent_key),
        cmocka_unit_test(known_keys_twice),
        cmocka_unit_test(other_keys_are_ignored),
        cmocka_unit_test(keys_with_wide_headers),
        cmocka_unit_test(order_of_faults),
        cmocka_unit_test(party_is_reserved),
        cmocka_unit_test(ids_accounts_and_sources),
        cmocka_unit_test(kinds_of_event),
        cmocka_unit_test(moments),
        cmocka_unit_test(directions_people_and_sentiment),
        cmocka_unit_test(durations),
        cmocka_unit_test(outcomes),
        cmocka_unit_test(emails),
        cmocka_unit_test(channels),
        cmocka_unit_test(tickets),
        cmocka_unit_test(severities_and_ratings),
        cmocka_unit_test(keys_of_another_type_are_not_checked),
        cmocka_unit_test(profile_strings),
        cmocka_unit_test(profile_numbers),
        cmocka_unit_test(profile_contacts),
        cmocka_unit_test(account_for_routing),
        cmocka_unit_test(account_agrees_with_decode),
        cmocka_unit_test(source_for_permission),
        cmocka_unit_test(source_twice_is_no_event),
        cmocka_unit_test(source_agrees_with_decode),
        cmocka_unit_test(raw_is_what_was_sent),
    };

    return cmocka_run_group_tests(tests, NULL, teardown);
}

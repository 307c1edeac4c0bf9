/* The worker's core on a store in memory and a clock that is an argument. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/lib/memory_store.h"
#include "workers/answer.h"
#include "workers/erase.h"
#include "workers/export.h"
#include "workers/scan.h"

enum { PARTITIONS = 16, LOG = 1 };

static const int64_t NOW = INT64_C(1700000000000);

struct fixture {
    struct rt_config config;
    struct memory_store memory;
    struct rt_core core;
    struct rt_buffer frames, reply;
};

static void open_core(struct fixture *f)
{
    f->memory.log = LOG;
    assert_true(
        rt_core_init(&f->core, &f->config, 0, 1, PARTITIONS, LOG, 42, memory_store(&f->memory)));
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    rt_config_init(&f->config);
    open_core(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    rt_core_free(&f->core);
    memory_store_free(&f->memory);
    rt_buffer_free(&f->frames);
    rt_buffer_free(&f->reply);
    free(f);
    return 0;
}

/* ---- events ---------------------------------------------------------------------------------- */

static bool send_event(struct fixture *f, struct rt_buffer *packed, int64_t now, bool quiet)
{
    struct rt_event event;
    struct rt_fault fault;
    struct rt_place place;
    rt_position position;
    bool taken;

    assert_int_equal(rt_event_decode(rt_buffer_span(packed), now, RT_EVENT_BYTES, &event, &fault),
                     RT_OK);
    assert_true(rt_core_locate(&f->core, event.account, &place));
    taken = rt_core_event(&f->core, place, &event, now, quiet, &position);
    rt_buffer_free(packed);
    return taken;
}

static bool call(struct fixture *f, const char *account, const char *id, int64_t ts)
{
    struct rt_buffer packed = {0};

    rt_write_map(&packed, 4);
    rt_write_key_text(&packed, "id", id);
    rt_write_key_text(&packed, "type", "call");
    rt_write_key_text(&packed, "account", account);
    rt_write_key_int(&packed, "ts", ts);
    return send_event(f, &packed, ts > NOW ? ts : NOW, false);
}

static bool ticket(struct fixture *f, const char *account, const char *id, const char *number,
                   const char *action, int64_t ts, bool quiet)
{
    struct rt_buffer packed = {0};

    rt_write_map(&packed, 7);
    rt_write_key_text(&packed, "id", id);
    rt_write_key_text(&packed, "type", "ticket");
    rt_write_key_text(&packed, "account", account);
    rt_write_key_int(&packed, "ts", ts);
    rt_write_key_text(&packed, "ticket", number);
    rt_write_key_text(&packed, "action", action);
    rt_write_key_int(&packed, "severity", 1);
    return send_event(f, &packed, ts > NOW ? ts : NOW, quiet);
}

static void profile(struct fixture *f, const char *account, const char *owner, double value)
{
    struct rt_buffer packed = {0};

    rt_write_map(&packed, 6);
    rt_write_key_text(&packed, "id", "profile");
    rt_write_key_text(&packed, "type", "account");
    rt_write_key_text(&packed, "account", account);
    rt_write_key_int(&packed, "ts", NOW);
    rt_write_key_text(&packed, "owner", owner);
    rt_write_key_double(&packed, "value", value);
    assert_true(send_event(f, &packed, NOW, false));
}

/* ---- alerts ---------------------------------------------------------------------------------- */

/* The alerts in f->frames; returns their number, the last in *last (its spans point into the
 * frames). */
static int alerts(struct fixture *f, struct rt_alert *last, bool *published)
{
    size_t at = 0;
    int count = 0;

    while (at < f->frames.size) {
        struct rt_link_header header;
        struct rt_link_alert message;

        assert_true(rt_link_header_decode(f->frames.data + at, &header));
        assert_int_equal(header.kind, RT_LINK_ALERT);
        assert_true(rt_link_alert_decode(rt_span(f->frames.data + at + RT_LINK_HEADER, header.size),
                                         &message));
        assert_true(rt_alert_decode(message.map, last));
        *published = message.publish;
        at += RT_LINK_HEADER + header.size;
        count++;
    }
    return count;
}

static int close_group(struct fixture *f, int64_t now, struct rt_alert *last, bool *published)
{
    rt_buffer_clear(&f->frames);
    rt_core_close(&f->core, now, &f->frames);
    return alerts(f, last, published);
}

static void open_overdue_ticket(struct fixture *f, const char *account, struct rt_alert *alert)
{
    bool published;

    assert_true(ticket(f, account, "t1", "4711", "opened", NOW - 5 * RT_HOUR_MS, false));
    assert_true(close_group(f, NOW, alert, &published) >= 1);
    for (size_t i = 0; i < rt_account_episodes(rt_core_find(&f->core, rt_span_text(account))); i++)
        assert_true(published);
}

static void a_full_store_changes_nothing(void **state)
{
    struct fixture *f = *state;

    f->memory.full = true;
    assert_false(call(f, "a", "1", NOW));
    assert_int_equal(f->core.events[RT_CALL], 0);
    f->memory.full = false;
    assert_true(call(f, "a", "1", NOW));
    assert_int_equal(f->core.events[RT_CALL], 1);
    assert_int_equal(f->core.accounts, 1);
}

static void a_message_that_cannot_be_kept_is_judged_again(void **state)
{
    struct fixture *f = *state;
    struct rt_alert alert;
    bool published;

    assert_true(ticket(f, "a", "t1", "4711", "opened", NOW - 5 * RT_HOUR_MS, false));
    f->memory.full = true;
    assert_int_equal(close_group(f, NOW, &alert, &published), 0);
    assert_int_equal(f->core.alerts_said, 0);
    assert_int_equal(rt_core_next_deadline(&f->core), NOW + 1000);
    f->memory.full = false;
    rt_core_due(&f->core, NOW + 1000, 10, &f->frames);
    assert_true(alerts(f, &alert, &published) >= 1);
}

static void an_overdue_ticket_is_raised_with_its_cause_and_cleared(void **state)
{
    struct fixture *f = *state;
    const struct rt_account *account;
    struct rt_alert alert;
    bool published;

    profile(f, "a", "kim", 1);
    open_overdue_ticket(f, "a", &alert);
    account = rt_core_find(&f->core, rt_span_text("a"));
    assert_non_null(rt_account_episode_of(account, RT_TICKET_OVERDUE));
    assert_int_equal(alert.state, RT_RAISED);
    assert_true(rt_span_is(alert.cause_type, "ticket"));
    assert_true(rt_span_is(alert.cause_id, "t1"));
    assert_true(rt_span_is(alert.owner, "kim"));
    assert_true(ticket(f, "a", "t2", "4711", "resolved", NOW, false));
    assert_true(close_group(f, NOW + 1, &alert, &published) >= 1);
    assert_null(rt_account_episode_of(account, RT_TICKET_OVERDUE));
}

/* A profile in the same group is newer, but it did nothing. */
static void the_cause_is_an_event_that_can_have_done_it(void **state)
{
    struct fixture *f = *state;
    struct rt_alert alert;
    bool published;

    assert_true(ticket(f, "a", "t1", "4711", "opened", NOW - 5 * RT_HOUR_MS, false));
    assert_true(call(f, "a", "c1", NOW));
    profile(f, "a", "kim", 1);
    assert_true(close_group(f, NOW, &alert, &published) >= 1);
    assert_int_equal(alert.kind, RT_TICKET_OVERDUE);
    assert_true(rt_span_is(alert.cause_type, "ticket"));
    assert_true(rt_span_is(alert.cause_id, "t1"));
}

static void a_ticket_becomes_overdue_by_time_alone(void **state)
{
    struct fixture *f = *state;
    struct rt_alert alert;
    bool published, found = false;
    int64_t at;

    assert_true(ticket(f, "a", "t1", "4711", "opened", NOW, false));
    close_group(f, NOW, &alert, &published);
    rt_buffer_clear(&f->frames);
    while ((at = rt_core_next_deadline(&f->core)) <= NOW + 4 * RT_HOUR_MS + 1000) {
        rt_buffer_clear(&f->frames);
        rt_core_due(&f->core, at, 1, &f->frames);
        if (alerts(f, &alert, &published) > 0 && alert.kind == RT_TICKET_OVERDUE) {
            found = true;
            break;
        }
    }
    assert_true(found);
    assert_true(alert.ts - (NOW + 4 * RT_HOUR_MS) <= 1);
    assert_null(alert.cause_id.data);
}

static void a_quiet_load_is_judged_when_it_is_over(void **state)
{
    struct fixture *f = *state;
    struct rt_alert alert;
    bool published;

    assert_true(ticket(f, "a", "t1", "4711", "opened", NOW - 5 * RT_HOUR_MS, true));
    assert_int_equal(close_group(f, NOW, &alert, &published), 0);
    assert_true(call(f, "a", "c1", NOW));
    assert_int_equal(close_group(f, NOW, &alert, &published), 0);
    assert_false(rt_core_load_ended(&f->core, NOW, 10, &f->frames));
    assert_true(alerts(f, &alert, &published) >= 1);
    assert_null(alert.cause_id.data);
}

/* ---- queries --------------------------------------------------------------------------------- */

static struct rt_query ask(const char *id)
{
    return (struct rt_query){.id = rt_span_text(id), .limit = 100, .by = rt_span_text("kim")};
}

static void acknowledging_needs_an_open_episode(void **state)
{
    struct fixture *f = *state;
    struct rt_query query = ask("9999-1");
    char id[40];
    struct rt_alert alert;
    const struct rt_account *account;

    query.op = RT_ALERT_ACK;
    rt_answer_hold(&f->core, &query, NOW, &f->reply);
    open_overdue_ticket(f, "a", &alert);
    snprintf(id, sizeof(id), "%.*s", (int)alert.id.size, (const char *)alert.id.data);
    query.id = rt_span_text(id);
    rt_buffer_clear(&f->reply);
    rt_answer_hold(&f->core, &query, NOW, &f->reply);
    account = rt_core_find(&f->core, rt_span_text("a"));
    assert_true(rt_span_is(rt_account_episode_of(account, alert.kind)->ack->by, "kim"));
    query.has_until = true;
    query.until = NOW;
    rt_buffer_clear(&f->reply);
    rt_answer_hold(&f->core, &query, NOW, &f->reply);
    assert_non_null(memmem(f->reply.data, f->reply.size, "bad_request", 11));
}

static void a_timeline_is_newest_first_and_pages(void **state)
{
    struct fixture *f = *state;
    struct rt_query query = {.op = RT_ACCOUNT_TIMELINE, .account = rt_span_text("a"), .limit = 4};
    static const int order[] = {3, 1, 4, 0, 2, 9, 5, 7, 6, 8};
    int seen = 0;
    char after[256];

    for (size_t i = 0; i < 10; i++) {
        char id[8];

        snprintf(id, sizeof(id), "%d", order[i]);
        assert_true(call(f, "a", id, NOW - 10000 + order[i] / 2 * 2)); /* pairs share their ts */
    }
    do {
        struct rt_reader reader;
        struct rt_span key, value;
        uint32_t pairs, events;

        rt_buffer_clear(&f->reply);
        rt_answer_timeline(&f->core, &query, &f->reply);
        reader = rt_reader(rt_buffer_span(&f->reply));
        assert_true(rt_read_map(&reader, &pairs));
        assert_true(rt_read_skip(&reader, NULL) && rt_read_skip(&reader, NULL));
        assert_true(rt_read_str(&reader, &key) && rt_span_is(key, "events"));
        assert_true(rt_read_array(&reader, &events));
        for (; events > 0; events--, seen++) {
            struct rt_event event;
            struct rt_fault fault;

            assert_true(rt_read_skip(&reader, &value));
            assert_int_equal(rt_event_decode_accepted(value, &event, &fault), RT_OK);
            assert_int_equal(event.id.data[0] - '0', 9 - seen);
        }
        query.after = rt_span(NULL, 0);
        if (pairs == 3) {
            assert_true(rt_read_skip(&reader, NULL) && rt_read_str(&reader, &value));
            memcpy(after, value.data, value.size);
            query.after = rt_span(after, value.size);
        }
    } while (query.after.data != NULL);
    assert_int_equal(seen, 10);
}

static void run_scan_for(struct fixture *f, const struct rt_buffer *payload, struct rt_span owners)
{
    struct rt_fault fault;
    struct rt_scan *scan = rt_scan_new(&f->core, rt_buffer_span(payload), owners, 1, NOW, &fault);

    assert_non_null(scan);
    while (!rt_scan_step(scan, &f->core))
        continue;
    rt_buffer_clear(&f->reply);
    rt_scan_answer(scan, &f->core, &f->reply);
    rt_scan_free(scan);
}

static void run_scan(struct fixture *f, const struct rt_buffer *payload)
{
    run_scan_for(f, payload, rt_span("", 0));
}

static void a_report_holds_numbers_whatever_contracts_are_worth(void **state)
{
    static const uint8_t infinite[] = {0xcb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0};
    static const uint8_t largest[] = {0xcb, 0x7f, 0xef, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct fixture *f = *state;
    struct rt_buffer payload = {0};

    profile(f, "a", "kim", 1.7e308);
    profile(f, "b", "kim", 1.7e308);
    rt_write_map(&payload, 1);
    rt_write_key_text(&payload, "op", "report.portfolio");
    run_scan(f, &payload);
    assert_null(memmem(f->reply.data, f->reply.size, infinite, sizeof(infinite)));
    assert_non_null(memmem(f->reply.data, f->reply.size, largest, sizeof(largest)));
    rt_buffer_free(&payload);
}

static bool tells(const struct fixture *f, const char *text)
{
    return memmem(f->reply.data, f->reply.size, text, strlen(text)) != NULL;
}

static void asks_for(struct fixture *f, enum rt_op op, const char *account, struct rt_span owners)
{
    struct rt_query query = {
        .op = op, .account = rt_span_text(account), .limit = 10, .owners = owners};

    rt_buffer_clear(&f->reply);
    if (op == RT_ACCOUNT_GET)
        rt_answer_account(&f->core, &query, NOW, &f->reply);
    else
        rt_answer_timeline(&f->core, &query, &f->reply);
}

static void what_belongs_to_others_is_not_told(void **state)
{
    static const enum rt_op ops[] = {RT_ACCOUNT_GET, RT_ACCOUNT_TIMELINE};
    static const char *const foreign[] = {"of-lee", "of-nobody", "no-such"};
    struct fixture *f = *state;
    struct rt_buffer kim = {0}, nobody = {0}, payload = {0};

    profile(f, "of-kim", "kim", 1);
    profile(f, "of-lee", "lee", 1);
    assert_true(call(f, "of-nobody", "1", NOW - RT_HOUR_MS));
    rt_put_bytes(&kim, rt_span_text("kim"));
    rt_put_bytes(&nobody, rt_span_text("-"));
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < 3; j++) {
            asks_for(f, ops[i], foreign[j], rt_buffer_span(&kim));
            assert_true(tells(f, "denied") && !tells(f, "not_found"));
        }
        asks_for(f, ops[i], "of-kim", rt_buffer_span(&kim));
        assert_false(tells(f, "denied"));
        asks_for(f, ops[i], "of-nobody", rt_buffer_span(&nobody));
        assert_false(tells(f, "denied"));
        asks_for(f, ops[i], "no-such", rt_span("", 0));
        assert_true(tells(f, "not_found"));
    }
    rt_write_map(&payload, 1);
    rt_write_key_text(&payload, "op", "account.list");
    run_scan_for(f, &payload, rt_buffer_span(&kim));
    assert_true(tells(f, "of-kim") && !tells(f, "of-lee") && !tells(f, "of-nobody"));
    run_scan_for(f, &payload, rt_buffer_span(&nobody));
    assert_true(!tells(f, "of-kim") && !tells(f, "of-lee") && tells(f, "of-nobody"));
    rt_buffer_free(&kim);
    rt_buffer_free(&nobody);
    rt_buffer_free(&payload);
}

static void a_list_keeps_its_order_and_its_filter(void **state)
{
    struct fixture *f = *state;
    struct rt_buffer payload = {0};
    const uint8_t *first, *second;

    profile(f, "b", "kim", 10);
    profile(f, "a", "kim", 5);
    profile(f, "c", "lee", 20);
    rt_write_map(&payload, 3);
    rt_write_key_text(&payload, "op", "account.list");
    rt_write_key_text(&payload, "owner", "kim");
    rt_write_key_text(&payload, "sort", "value");
    run_scan(f, &payload);
    first = memmem(f->reply.data, f->reply.size,
                   "\xa1"
                   "b",
                   2);
    second = memmem(f->reply.data, f->reply.size,
                    "\xa1"
                    "a",
                    2);
    assert_non_null(first);
    assert_non_null(second);
    assert_true(first < second);
    assert_null(memmem(f->reply.data, f->reply.size,
                       "\xa1"
                       "c",
                       2));
    rt_buffer_free(&payload);
}

/* `count` times the same alert, published under numbers of their own. */
static void publish_often(struct fixture *f, uint64_t count)
{
    struct rt_alert_entry entry = f->core.alerts.entries[0];

    f->core.alerts.count = 0;
    for (entry.number = 1; entry.number <= count; entry.number++) {
        entry.published = NOW;
        assert_true(rt_alert_log_add(&f->core.alerts, &entry));
    }
}

/* Steps that the question takes; the answer is in f->reply. */
static size_t ask_history(struct fixture *f, const char *owner, uint32_t limit)
{
    struct rt_query query = {.op = RT_ALERT_LIST, .owner = rt_span_text(owner), .limit = limit};
    struct rt_alert_history history = {0};
    size_t steps = 1;

    rt_alert_history_begin(&history, &f->core, false, 0);
    while (!rt_alert_history_step(&history, &f->core, &query))
        steps++;
    rt_buffer_clear(&f->reply);
    rt_alert_history_answer(&history, &f->core, &f->reply);
    rt_alert_history_free(&history);
    return steps;
}

static size_t count_of(const struct fixture *f, const char *text)
{
    const uint8_t *at = f->reply.data, *end = at + f->reply.size;
    size_t count = 0;

    while ((at = memmem(at, (size_t)(end - at), text, strlen(text))) != NULL) {
        at += strlen(text);
        count++;
    }
    return count;
}

static void a_long_history_is_read_a_piece_at_a_time(void **state)
{
    struct fixture *f = *state;
    struct rt_alert alert;

    open_overdue_ticket(f, "a", &alert);
    publish_often(f, 1000);
    assert_in_range(ask_history(f, "nobody", 10), 3, 1000);
    assert_int_equal(count_of(f, "ticket_overdue"), 0);
    assert_true(tells(f, "more\xc2"));
    assert_int_equal(ask_history(f, "-", 10), 1);
    assert_true(tells(f, "more\xc3"));
    assert_in_range(ask_history(f, "-", 1000), 3, 1000);
    assert_true(tells(f, "more\xc2"));
    f->core.alerts.gone = 990; /* the oldest have been let go of */
    assert_int_equal(ask_history(f, "-", 1000), 1);
    assert_true(tells(f, "more\xc2"));
}

static void what_was_let_go_of_is_said_also_when_it_goes_meanwhile(void **state)
{
    static const struct rt_query query = {.op = RT_ALERT_LIST, .limit = 1000};
    struct rt_alert_history history = {0};
    struct fixture *f = *state;
    struct rt_alert alert;

    open_overdue_ticket(f, "a", &alert);
    publish_often(f, 1000);
    rt_alert_history_begin(&history, &f->core, true, 0);
    assert_false(rt_alert_history_step(&history, &f->core, &query));
    f->core.alerts.gone = 10;
    while (!rt_alert_history_step(&history, &f->core, &query))
        continue;
    rt_alert_history_answer(&history, &f->core, &f->reply);
    rt_alert_history_free(&history);
    assert_true(tells(f, "cursor_gone"));
}

/* ---- snapshots ------------------------------------------------------------------------------- */

static void fill(struct fixture *f)
{
    struct rt_alert alert;
    bool published;

    for (int i = 0; i < 200; i++) {
        char account[32], id[32];

        snprintf(account, sizeof(account), "account-%d", i % 37);
        snprintf(id, sizeof(id), "%d", i);
        assert_true(call(f, account, id, NOW - i * RT_DAY_MS / 2));
        if (i % 11 == 0)
            assert_true(ticket(f, account, id, id, "opened", NOW - i * RT_HOUR_MS, false));
        if (i % 20 == 19)
            close_group(f, NOW, &alert, &published);
    }
    close_group(f, NOW, &alert, &published);
}

static void export_all(struct fixture *f, struct rt_buffer contents[PARTITIONS])
{
    for (uint32_t p = 0; p < PARTITIONS; p++)
        rt_core_export(&f->core, f->core.shards[p], &contents[p]);
}

static void an_export_comes_back_the_same(void **state)
{
    struct fixture *f = *state;
    struct rt_buffer before[PARTITIONS] = {0}, after[PARTITIONS] = {0};
    uint64_t accounts;
    size_t alerts;
    int64_t deadline;
    char error[RT_JOURNAL_ERROR];

    fill(f);
    export_all(f, before);
    accounts = f->core.accounts;
    alerts = f->core.alerts.count;
    deadline = rt_core_next_deadline(&f->core);
    rt_core_free(&f->core);
    open_core(f);
    for (uint32_t p = 0; p < PARTITIONS; p++)
        assert_true(rt_core_import(&f->core, f->core.shards[p], rt_buffer_span(&before[p]), error));
    rt_alert_log_settle(&f->core.alerts);
    assert_int_equal(f->core.accounts, accounts);
    assert_int_equal(f->core.alerts.count, alerts);
    assert_true(alerts > 0);
    assert_int_equal(rt_core_next_deadline(&f->core), deadline);
    export_all(f, after);
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        assert_int_equal(before[p].size, after[p].size);
        rt_buffer_free(&before[p]);
        rt_buffer_free(&after[p]);
    }
}

static void a_cut_export_is_refused(void **state)
{
    struct fixture *f = *state;
    struct rt_buffer contents[PARTITIONS] = {0};
    char error[RT_JOURNAL_ERROR];

    fill(f);
    export_all(f, contents);
    for (size_t size = 0; size < contents[0].size; size += 1 + contents[0].size / 97) {
        rt_core_free(&f->core);
        open_core(f);
        assert_false(
            rt_core_import(&f->core, f->core.shards[0], rt_span(contents[0].data, size), error));
    }
    for (uint32_t p = 0; p < PARTITIONS; p++)
        rt_buffer_free(&contents[p]);
}

static void an_erase_names_no_one_and_finds_its_account(void **state)
{
    struct fixture *f = *state;
    struct rt_buffer intent = {0};
    struct rt_shard *shard = rt_core_shard(&f->core, rt_span_text("account-3"));

    fill(f);
    rt_erase_encode(&intent, rt_span_text("account-3"), 99);
    assert_null(memmem(intent.data, intent.size, "account-3", 9));
    assert_null(rt_erase_find(shard, rt_buffer_span(&intent), 98));
    assert_ptr_equal(rt_erase_find(shard, rt_buffer_span(&intent), 99),
                     rt_core_find(&f->core, rt_span_text("account-3")));
    rt_core_forget(&f->core, shard, rt_core_find(&f->core, rt_span_text("account-3")));
    assert_null(rt_erase_find(shard, rt_buffer_span(&intent), 99));
    rt_buffer_free(&intent);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_full_store_changes_nothing),
        CASE(a_message_that_cannot_be_kept_is_judged_again),
        CASE(an_overdue_ticket_is_raised_with_its_cause_and_cleared),
        CASE(the_cause_is_an_event_that_can_have_done_it),
        CASE(a_ticket_becomes_overdue_by_time_alone),
        CASE(a_quiet_load_is_judged_when_it_is_over),
        CASE(acknowledging_needs_an_open_episode),
        CASE(a_timeline_is_newest_first_and_pages),
        CASE(what_belongs_to_others_is_not_told),
        CASE(a_list_keeps_its_order_and_its_filter),
        CASE(a_long_history_is_read_a_piece_at_a_time),
        CASE(what_was_let_go_of_is_said_also_when_it_goes_meanwhile),
        CASE(a_report_holds_numbers_whatever_contracts_are_worth),
        CASE(an_export_comes_back_the_same),
        CASE(a_cut_export_is_refused),
        CASE(an_erase_names_no_one_and_finds_its_account),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

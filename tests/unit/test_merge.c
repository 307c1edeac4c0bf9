/* Merging the parts of all workers: parts that are refused, then each kind of answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/merge.h"
#include "tests/lib/notation.h"

typedef bool merge_function(const struct rt_merge *merge, struct rt_buffer *out);

static struct rt_buffer request, parts[4], reply;

enum { MOMENT = 77, LAST_NUMBER = 255 };

static bool merge(merge_function *function, const char *query_text, uint32_t count,
                  const char *const *texts)
{
    struct rt_query query;
    struct rt_fault fault;
    struct rt_span spans[4];
    const struct rt_merge asked = {
        .query = &query, .parts = spans, .count = count, .moment = MOMENT, .cursor = LAST_NUMBER};

    rt_buffer_clear(&request);
    notation(&request, "%s", query_text);
    assert_int_equal(rt_query_decode(rt_buffer_span(&request), &query, &fault), RT_OK);
    for (uint32_t i = 0; i < count; i++) {
        rt_buffer_clear(&parts[i]);
        notation(&parts[i], "%s", texts[i]);
        spans[i] = rt_buffer_span(&parts[i]);
    }
    rt_buffer_clear(&reply);
    return function(&asked, &reply);
}

/* The reply is byte for byte what the text says. */
static void expect(const char *text)
{
    struct rt_buffer wanted = {0};

    notation(&wanted, "%s", text);
    assert_true(rt_span_equal(rt_buffer_span(&reply), rt_buffer_span(&wanted)));
    rt_buffer_free(&wanted);
}

static int release(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        rt_buffer_free(&parts[i]);
    }
    rt_buffer_free(&request);
    rt_buffer_free(&reply);
    return 0;
}

static void parts_that_make_no_sense_fail(void **state)
{
    static const char *const bad[] = {"5", "{ok: true}", "{ok: true, accounts: 5}",
                                      "{ok: true, accounts: [5]}",
                                      "{ok: true, accounts: [{account: 5}]}"};
    static const char *const alerts[] = {
        "{ok: true, alerts: []}",
        "{ok: true, alerts: [[1, {}, 3]], more: false}",
        "{ok: true, alerts: [[0, {}]], more: false}",
        "{ok: true, alerts: [[3, 5]], more: false}",
        "{ok: true, alerts: [3], more: false}",
    };
    static const char *const reports[] = {"{ok: true}", "{ok: true, numbers: {a: 'x'}, lists: {}}",
                                          "{ok: true, numbers: {}, lists: {l: [[1]]}}",
                                          "{ok: true, numbers: {5: 5}, lists: {}}"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(merge(rt_merge_accounts, "{op: 'account.list'}", 1, &bad[i]));
    }
    for (size_t i = 0; i < sizeof alerts / sizeof *alerts; i++) {
        assert_false(merge(rt_merge_alerts, "{op: 'alert.list'}", 1, &alerts[i]));
    }
    for (size_t i = 0; i < sizeof reports / sizeof *reports; i++) {
        assert_false(
            merge(rt_merge_report, "{op: 'report.portfolio', owner: 'kim'}", 1, &reports[i]));
    }
}

static void an_error_wins(void **state)
{
    static const char *const texts[] = {"{ok: true, alerts: [], more: false, end: []}",
                                        "{ok: false, error: 'cursor_gone', oldest: '1.5'}"};

    (void)state;
    assert_true(merge(rt_merge_alerts, "{op: 'alert.list'}", 2, texts));
    expect(texts[1]);
    assert_true(merge(rt_merge_report, "{op: 'report.portfolio', owner: 'kim'}", 2, texts));
    expect(texts[1]);
}

/* Going on from `oldest` must not meet another worker's `cursor_gone`. */
static void the_latest_oldest_is_the_oldest_of_all(void **state)
{
    static const char *const texts[] = {"{ok: false, error: 'cursor_gone', oldest: '9'}",
                                        "{ok: false, error: 'cursor_gone', oldest: '1a'}",
                                        "{ok: true, alerts: [], more: false}",
                                        "{ok: false, error: 'cursor_gone', oldest: 'f'}"};
    static const char *const busy[] = {"{ok: false, error: 'cursor_gone', oldest: '9'}",
                                       "{ok: false, error: 'busy', message: 'm'}"};

    (void)state;
    assert_true(merge(rt_merge_alerts, "{op: 'alert.list'}", 4, texts));
    expect(texts[1]);
    assert_true(merge(rt_merge_alerts, "{op: 'alert.list'}", 2, busy));
    expect(busy[1]);
}

static void accounts_by_name(void **state)
{
    static const char *const texts[] = {"{ok: true, accounts: [{account: 'b'}, {account: 'd'}]}",
                                        "{ok: true, accounts: []}",
                                        "{ok: true, accounts: [{account: 'a'}, {account: 'c'}]}"};

    (void)state;
    assert_true(merge(rt_merge_accounts, "{op: 'account.list'}", 3, texts));
    expect(
        "{ok: true, accounts: [{account: 'a'}, {account: 'b'}, {account: 'c'}, {account: 'd'}]}");
    assert_true(merge(rt_merge_accounts, "{op: 'account.list', limit: 4}", 3, texts));
    expect(
        "{ok: true, accounts: [{account: 'a'}, {account: 'b'}, {account: 'c'}, {account: 'd'}]}");
    assert_true(merge(rt_merge_accounts, "{op: 'account.list', limit: 3}", 3, texts));
    expect("{ok: true, accounts: [{account: 'a'}, {account: 'b'}, {account: 'c'}], after: 'c'}");
}

static void accounts_by_number(void **state)
{
    static const char *const texts[] = {
        "{ok: true, accounts: [{account: 'b', score: 1.5, value: 7}, {account: 'd', score: 90, "
        "value: nil}]}",
        "{ok: true, accounts: [{account: 'a', score: 1.5, value: 9}]}"};

    (void)state;
    assert_true(
        merge(rt_merge_accounts, "{op: 'account.list', sort: 'score', limit: 1}", 2, texts));
    expect("{ok: true, accounts: [{account: 'a', score: 1.5, value: 9}], after: '77:1.5:a'}");
    assert_true(
        merge(rt_merge_accounts, "{op: 'account.list', sort: '-score', limit: 1}", 2, texts));
    expect("{ok: true, accounts: [{account: 'd', score: 90, value: nil}], after: '77:-90:d'}");
    assert_true(
        merge(rt_merge_accounts, "{op: 'account.list', sort: 'value', limit: 2}", 2, texts));
    expect("{ok: true, accounts: [{account: 'a', score: 1.5, value: 9}, {account: 'b', score: 1.5, "
           "value: 7}], "
           "after: '77:-7:b'}");
}

static void an_erase_is_the_sum_or_the_refusal(void **state)
{
    static const char *const texts[] = {"{ok: true, events: 0}", "{ok: true, events: 7}"};
    static const char *const refused[] = {"{ok: true, events: 0}",
                                          "{ok: false, error: 'not_found', message: 'no'}"};
    static const char *const broken[] = {"{ok: true, events: 0}", "{ok: true}"};

    (void)state;
    assert_true(merge(rt_merge_erase, "{op: 'account.erase', account: 'a'}", 2, texts));
    expect("{ok: true, events: 7}");
    assert_true(merge(rt_merge_erase, "{op: 'account.erase', account: 'a'}", 2, refused));
    expect("{ok: false, error: 'not_found', message: 'no'}");
    assert_false(merge(rt_merge_erase, "{op: 'account.erase', account: 'a'}", 2, broken));
}

static void dead_letters_by_time(void **state)
{
    static const char *const texts[] = {
        "{ok: true, dead: [{id: '0-10', ts: 5}, {id: '0-2', ts: 9}]}",
        "{ok: true, dead: [{id: '1-9', ts: 5}]}"};

    (void)state;
    assert_true(merge(rt_merge_dead, "{op: 'dead.list'}", 2, texts));
    expect("{ok: true, dead: [{id: '0-10', ts: 5}, {id: '1-9', ts: 5}, {id: '0-2', ts: 9}]}");
    assert_true(merge(rt_merge_dead, "{op: 'dead.list', limit: 1}", 2, texts));
    expect("{ok: true, dead: [{id: '0-10', ts: 5}], after: '5:0-10'}");
}

static const char *const history[] = {
    "{ok: true, alerts: [[10, {n: 1}], [30, {n: 3}]], more: false}",
    "{ok: true, alerts: [[20, {n: 2}]], more: false}"};

static void alerts_in_order_with_their_cursors(void **state)
{
    (void)state;
    assert_true(merge(rt_merge_alerts, "{op: 'alert.list'}", 2, history));
    expect("{ok: true, alerts: [{n: 1, cursor: 'a'}, {n: 2, cursor: '14'}, {n: 3, cursor: '1e'}], "
           "cursor: 'ff'}");
}

/* One worker has heard of number 256 when it looked, another had answered before 257 was given. */
static void what_was_published_since_is_left_to_the_next_answer(void **state)
{
    static const char *const later[] = {
        "{ok: true, alerts: [[255, {n: 1}], [256, {n: 2}]], more: false}",
        "{ok: true, alerts: [[258, {n: 3}]], more: true}"};

    (void)state;
    assert_true(merge(rt_merge_alerts, "{op: 'alert.list'}", 1, later));
    expect("{ok: true, alerts: [{n: 1, cursor: 'ff'}], cursor: 'ff'}");
    assert_true(merge(rt_merge_alerts, "{op: 'alert.list'}", 1, later + 1));
    expect("{ok: true, alerts: [], cursor: 'ff'}");
    assert_true(merge(rt_merge_alerts, "{op: 'alert.list', open: true}", 1, later));
    expect("{ok: true, alerts: [{n: 1, cursor: 'ff'}, {n: 2, cursor: '100'}], cursor: 'ff'}");
}

static void a_cut_history_goes_on_where_it_was_cut(void **state)
{
    static const char *const cut[] = {"{ok: true, alerts: [[10, {n: 1}]], more: true}",
                                      "{ok: true, alerts: [[20, {n: 2}]], more: false}"};

    (void)state;
    assert_true(merge(rt_merge_alerts, "{op: 'alert.list', limit: 2}", 2, history));
    expect("{ok: true, alerts: [{n: 1, cursor: 'a'}, {n: 2, cursor: '14'}], cursor: '14'}");
    assert_true(merge(rt_merge_alerts, "{op: 'alert.list', limit: 1}", 2, cut));
    expect("{ok: true, alerts: [{n: 1, cursor: 'a'}], cursor: 'a'}");
}

static void the_moment_of_a_list_is_found_again(void **state)
{
    static const char *const none[] = {"", ":", "x:1:a", "12", "-1:2:b", "1234567890123456789012:"};
    int64_t moment = 5;

    (void)state;
    assert_false(rt_merge_after_moment(rt_span(NULL, 0), &moment));
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        assert_false(rt_merge_after_moment(rt_span_text(none[i]), &moment));
    }
    assert_int_equal(moment, 5);
    assert_true(rt_merge_after_moment(rt_span_text("1234:5.5:b:c"), &moment));
    assert_int_equal(moment, 1234);
}

/* Contracts can be said to be worth anything that is a number. */
static void sums_stay_numbers(void **state)
{
    static const char *const texts[] = {
        "{ok: true, numbers: {score_sum: 1, scored: 1, value: 1.7e308, n: 9223372036854775807}, "
        "lists: {}}",
        "{ok: true, numbers: {score_sum: 1, scored: 1, value: 1.7e308, n: 1}, lists: {}}"};
    struct rt_reader value;
    double sum;

    (void)state;
    assert_true(merge(rt_merge_report, "{op: 'report.portfolio', owner: 'kim'}", 2, texts));
    assert_true(rt_merge_find(rt_buffer_span(&reply), "value", &value));
    assert_true(rt_read_number(&value, &sum) && sum >= 1.7e308);
    assert_true(rt_merge_find(rt_buffer_span(&reply), "n", &value));
    assert_true(rt_read_number(&value, &sum) && sum >= 9.2e18);
}

static void reports_add_up(void **state)
{
    static const char *const texts[] = {
        "{ok: true, numbers: {accounts: 2, score_sum: 100.5, scored: 2, bands: {healthy: 1, watch: "
        "1}, value: 10.5}, "
        "lists: {worst: [[10, {account: 'x'}], [30, {account: 'z'}]]}}",
        "{ok: true, numbers: {accounts: 3, score_sum: 20, scored: 1, bands: {healthy: 1, watch: "
        "0}, value: 1.5}, "
        "lists: {worst: [[20, {account: 'y'}]]}}"};
    static const char *const empty[] = {
        "{ok: true, numbers: {score_sum: 0, scored: 0}, lists: {}}"};
    struct rt_reader value;
    double mean;

    (void)state;
    assert_true(merge(rt_merge_report, "{op: 'report.portfolio', owner: 'kim'}", 2, texts));
    assert_true(rt_msgpack_check(rt_buffer_span(&reply), 16));
    assert_true(rt_merge_find(rt_buffer_span(&reply), "score", &value));
    assert_true(rt_read_number(&value, &mean));
    assert_true(mean > 40.166 && mean < 40.167);
    assert_false(rt_merge_find(rt_buffer_span(&reply), "score_sum", &value));
    assert_true(rt_merge_find(rt_buffer_span(&reply), "accounts", &value));
    assert_int_equal(*value.at, 5);
    assert_true(rt_merge_find(rt_buffer_span(&reply), "value", &value));
    assert_true(rt_read_number(&value, &mean) && mean == 12);
    assert_true(rt_merge_find(rt_buffer_span(&reply), "worst", &value));
    rt_buffer_clear(&parts[3]);
    notation(&parts[3], "[{account: 'x'}, {account: 'y'}, {account: 'z'}]");
    assert_memory_equal(value.at, parts[3].data, parts[3].size);
    assert_true(merge(rt_merge_report, "{op: 'report.portfolio', owner: 'kim'}", 1, empty));
    assert_true(rt_merge_find(rt_buffer_span(&reply), "score", &value));
    assert_int_equal(rt_read_kind(&value), RT_KIND_NIL);
}

#define NO_LISTS                                                                                   \
    "lists: {at_risk: [], next_renewals: [], complaints: [], owed: [], visits: [], growth: []}"

/* Rows of one name are one row, those of nobody the first; lists go by their keys, then by name. */
static void a_management_report_adds_up(void **state)
{
    static const char *const texts[] = {
        "{ok: true, numbers: {accounts: 3, score_sum: 60, scored: 2}, groups: {owners: [[nil, "
        "{accounts: 1, score_sum: 0, scored: 0}], ['kim', {accounts: 2, score_sum: 60, scored: "
        "2}]], tiers: [], regions: [], currencies: []}, lists: {at_risk: [[1, 5, {account: 'b'}], "
        "[2, 0, {account: 'a'}]], next_renewals: [], complaints: [], owed: [], visits: [], growth: "
        "[]}}",
        "{ok: true, numbers: {accounts: 2, score_sum: 30, scored: 1}, groups: {owners: [['ann', "
        "{accounts: 1, score_sum: 0, scored: 0}], ['kim', {accounts: 1, score_sum: 30, scored: "
        "1}]], tiers: [], regions: [], currencies: []}, lists: {at_risk: [[1, 4, {account: 'd'}], "
        "[1, 5, {account: 'aa'}]], next_renewals: [], complaints: [], owed: [], visits: [], "
        "growth: []}}"};

    (void)state;
    assert_true(
        merge(rt_merge_management, "{op: 'report.management', tier: 'key', limit: 3}", 2, texts));
    rt_buffer_clear(&parts[3]);
    notation(&parts[3], "[{account: 'd'}, {account: 'aa'}, {account: 'b'}]");
    {
        struct rt_reader value;
        int64_t number;
        uint32_t rows;

        assert_true(rt_msgpack_check(rt_buffer_span(&reply), 16));
        assert_true(rt_merge_find(rt_buffer_span(&reply), "at", &value));
        assert_true(rt_read_int(&value, &number) && number == MOMENT);
        assert_true(rt_merge_find(rt_buffer_span(&reply), "accounts", &value));
        assert_true(rt_read_int(&value, &number) && number == 5);
        assert_true(rt_merge_find(rt_buffer_span(&reply), "at_risk", &value));
        assert_memory_equal(value.at, parts[3].data, parts[3].size);
        assert_true(rt_merge_find(rt_buffer_span(&reply), "owners", &value));
        assert_true(rt_read_array(&value, &rows) && rows == 3);
        rt_buffer_clear(&parts[3]);
        notation(&parts[3], "['ann', 'kim']");
        assert_true(memmem(value.at, (size_t)(value.end - value.at), parts[3].data + 1, 4) != NULL);
    }
}

static void management_parts_that_make_no_sense_fail(void **state)
{
    static const char *const bad[] = {
        "{ok: true}",
        "{ok: true, numbers: {}, groups: {}, " NO_LISTS "}",
        "{ok: true, numbers: {a: 'x'}, groups: {owners: [], tiers: [], regions: [], currencies: "
        "[]}, " NO_LISTS "}",
        "{ok: true, numbers: {}, groups: {owners: [['kim']], tiers: [], regions: [], currencies: "
        "[]}, " NO_LISTS "}",
        "{ok: true, numbers: {}, groups: {owners: [[5, {}]], tiers: [], regions: [], currencies: "
        "[]}, " NO_LISTS "}",
        "{ok: true, numbers: {}, groups: {owners: [['kim', 5]], tiers: [], regions: [], "
        "currencies: []}, " NO_LISTS "}",
        "{ok: true, numbers: {}, groups: {owners: [], tiers: [], regions: [], currencies: []}, "
        "lists: {at_risk: []}}",
        "{ok: true, numbers: {}, groups: {owners: [], tiers: [], regions: [], currencies: []}, "
        "lists: {at_risk: [[1, {account: 'a'}]], next_renewals: [], complaints: [], owed: [], "
        "visits: [], growth: []}}",
        "{ok: true, numbers: {}, groups: {owners: [], tiers: [], regions: [], currencies: []}, "
        "lists: {at_risk: [[1, 2, {name: 'a'}]], next_renewals: [], complaints: [], owed: [], "
        "visits: [], growth: []}}"};
    static const char *const good = "{ok: true, numbers: {}, groups: {owners: [], tiers: [], "
                                    "regions: [], currencies: []}, " NO_LISTS "}";

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(merge(rt_merge_management, "{op: 'report.management'}", 1, &bad[i]));
    }
    assert_true(merge(rt_merge_management, "{op: 'report.management'}", 1, &good));
}

static void stats_add_up(void **state)
{
    struct rt_span spans[2];
    const struct rt_merge asked = {.parts = spans, .count = 2};
    struct rt_merge_stats stats;

    (void)state;
    rt_buffer_clear(&parts[0]);
    rt_buffer_clear(&parts[1]);
    spans[0] = notation(&parts[0], "{ok: true, accounts: 3, events: {call: 5, email: 1, new: 9}}");
    spans[1] = notation(&parts[1], "{ok: true, accounts: 4, events: {call: 2}}");
    assert_true(rt_merge_stats(&asked, &stats));
    assert_int_equal(stats.accounts, 7);
    assert_int_equal(stats.worker_accounts[1], 4);
    assert_int_equal(stats.events[RT_CALL], 7);
    assert_int_equal(stats.events[RT_EMAIL], 1);
    rt_buffer_clear(&parts[1]);
    spans[1] = notation(&parts[1], "{ok: true, accounts: -4, events: {}}");
    assert_false(rt_merge_stats(&asked, &stats));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_that_make_no_sense_fail),
        cmocka_unit_test(an_error_wins),
        cmocka_unit_test(the_latest_oldest_is_the_oldest_of_all),
        cmocka_unit_test(accounts_by_name),
        cmocka_unit_test(accounts_by_number),
        cmocka_unit_test(an_erase_is_the_sum_or_the_refusal),
        cmocka_unit_test(dead_letters_by_time),
        cmocka_unit_test(alerts_in_order_with_their_cursors),
        cmocka_unit_test(what_was_published_since_is_left_to_the_next_answer),
        cmocka_unit_test(a_cut_history_goes_on_where_it_was_cut),
        cmocka_unit_test(the_moment_of_a_list_is_found_again),
        cmocka_unit_test(reports_add_up),
        cmocka_unit_test(sums_stay_numbers),
        cmocka_unit_test(a_management_report_adds_up),
        cmocka_unit_test(management_parts_that_make_no_sense_fail),
        cmocka_unit_test(stats_add_up),
    };

    return cmocka_run_group_tests(tests, NULL, release);
}

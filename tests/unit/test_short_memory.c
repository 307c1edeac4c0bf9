/* Memory that runs out, at every allocation of every operation of the pure cores, once and for good:
 * an error comes back, nothing is leaked, the state is as it was, and the same operation then does
 * what it would have done. The table at the end is the list of operations; what cannot be taken back
 * (judging, which goes on to the next account) must make up for it a moment later. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/memory_store.h"
#include "tests/lib/memory_walk.h"
#include "tests/lib/notation.h"
#include "tests/lib/short_memory.h"
#include "workers/account_state.h"
#include "workers/answer.h"
#include "workers/dedupe_fresh.h"
#include "workers/erase.h"
#include "workers/export.h"
#include "workers/scan.h"

enum { PARTITIONS = 4, MANY = 70 };

static const int64_t NOW = INT64_C(1700000000000);

struct state {
    struct rt_config config;
    struct memory_store memory;
    struct rt_store store; /* memory's own */
    struct rt_core core, other;
    bool has_other;
    struct rt_buffer out, event, input;
    struct rt_fresh fresh;
    struct rt_account *account;
    char *text;
    uint64_t identity;
};

/* ---- the core and its store ------------------------------------------------------------------ */

/* The store is the test's: what it allocates does not fail. */
static rt_position append(void *context, enum rt_record_type type, uint8_t flags,
                          uint32_t partition, rt_position previous, struct rt_span body)
{
    struct state *s = context;
    rt_position position;

    short_memory_pause();
    position = s->store.append(s->store.context, type, flags, partition, previous, body);
    short_memory_resume();
    return position;
}

static bool read_back(void *context, rt_position position, struct rt_record *record)
{
    struct state *s = context;

    return s->store.read(s->store.context, position, record);
}

static bool init_core(struct state *s, struct rt_core *core)
{
    struct rt_store store = {.context = s, .append = append, .read = read_back};

    return rt_core_init(core, &s->config, 0, 1, PARTITIONS, 1, 42, store);
}

static void make_bare(struct state *s)
{
    rt_config_init(&s->config);
    s->memory.log = 1;
    s->store = memory_store(&s->memory);
}

static void make_empty(struct state *s)
{
    make_bare(s);
    assert_true(init_core(s, &s->core));
}

static bool take_event(struct state *s, bool quiet)
{
    struct rt_event event;
    struct rt_fault fault;
    struct rt_place place;
    rt_position position;

    assert_int_equal(
        rt_event_decode(rt_buffer_span(&s->event), NOW, RT_EVENT_BYTES, &event, &fault), RT_OK);
    assert_true(rt_core_locate(&s->core, event.account, &place));
    return rt_core_event(&s->core, place, &event, NOW, quiet, &position);
}

static void tell(struct state *s, const char *text)
{
    struct rt_span bytes = notation_kept(text);

    rt_buffer_clear(&s->event);
    rt_buffer_append(&s->event, bytes.data, bytes.size);
}

static void must_take(struct state *s, const char *text, bool quiet)
{
    tell(s, text);
    assert_true(take_event(s, quiet));
}

#define OVERDUE                                                                                    \
    "{id: 't1', type: 'ticket', account: 'a', ts: 1690000000000, ticket: '1', action: 'opened', "  \
    "severity: 1}"

static void make_touched(struct state *s)
{
    make_empty(s);
    must_take(s, OVERDUE, false);
}

static void make_loaded(struct state *s)
{
    make_empty(s);
    must_take(s, OVERDUE, true);
}

/* Full tables and lists: the next of anything needs memory. */
static void make_full(struct state *s)
{
    make_empty(s);
    for (int i = 0; i < 256; i++) {
        char text[120];

        snprintf(text, sizeof(text), "{id: '%d', type: 'call', account: 'b%d', ts: 1699999999000}",
                 i, i);
        must_take(s, text, i % 2 == 0);
    }
}

static void make_judged(struct state *s)
{
    make_touched(s);
    must_take(s, "{id: 'p', type: 'account', account: 'a', ts: 5, owner: 'kim', value: 5}", false);
    rt_core_close(&s->core, NOW, &s->out);
    assert_true(rt_account_episodes(rt_core_find(&s->core, rt_span_text("a"))) > 0);
    for (size_t i = 0; i < s->core.alerts.count; i++)
        rt_core_published(&s->core, s->core.alerts.entries[i].position, 1000 + i);
    rt_buffer_clear(&s->out);
}

static struct rt_query override_of(double score)
{
    return (struct rt_query){.op = RT_ACCOUNT_OVERRIDE,
                             .account = rt_span_text("a"),
                             .by = rt_span_text("kim"),
                             .reason = rt_span_text("why"),
                             .has_score = true,
                             .score = score,
                             .has_until = true,
                             .until = NOW + RT_DAY_MS};
}

static struct rt_query void_of(const char *id)
{
    return (struct rt_query){.op = RT_EVENT_VOID,
                             .account = rt_span_text("a"),
                             .id = rt_span_text(id),
                             .by = rt_span_text("kim")};
}

/* Something is set by hand, and something was taken back. */
static void make_operated(struct state *s)
{
    struct rt_query override = override_of(20), wrong = void_of("w");

    make_judged(s);
    must_take(s, "{id: 'w', type: 'call', account: 'a', ts: 7}", false);
    rt_core_close(&s->core, NOW, &s->out);
    rt_answer_override(&s->core, &override, NOW, &s->out);
    assert_true(rt_answer_void(&s->core, &wrong, NOW, &s->out));
    rt_buffer_clear(&s->out);
}

/* Something becomes due in ten days: the silence of a regular customer. */
static void make_due(struct state *s)
{
    make_empty(s);
    for (int i = 0; i < 10; i++) {
        char text[120];

        snprintf(text, sizeof(text), "{id: '%d', type: 'call', account: 'a', ts: %lld}", i,
                 (long long)(NOW - i * RT_DAY_MS));
        must_take(s, text, false);
    }
    rt_core_close(&s->core, NOW, &s->out);
    rt_buffer_clear(&s->out);
}

static void make_letters(struct state *s)
{
    struct rt_dead_letter letter = {.sequence = 1,
                                    .ts = NOW,
                                    .bytes = 3,
                                    .code = RT_BAD_FIELD,
                                    .reason = rt_span_text("ts: is bad"),
                                    .letter = rt_span_text("abc")};
    rt_position position;

    make_empty(s);
    rt_dead_encode(&s->event, &letter);
    position = append(s, RT_RECORD_DEAD, 0, 0, 0, rt_buffer_span(&s->event));
    assert_true(rt_dead_add(&s->core.shards[0]->dead, &letter, position));
}

/* ---- what can be seen of it ------------------------------------------------------------------ */

static int by_name(const void *a, const void *b)
{
    struct rt_span x = rt_account_name(*(struct rt_account *const *)a);
    struct rt_span y = rt_account_name(*(struct rt_account *const *)b);
    int order = memcmp(x.data, y.data, x.size < y.size ? x.size : y.size);

    return order != 0 ? order : (x.size > y.size) - (x.size < y.size);
}

/* In the order of the names: a table may have grown for an account that then came to nothing, and
 * where accounts stand in it is no part of the state. */
static void print_shard(const struct rt_core *core, const struct rt_shard *shard,
                        struct rt_buffer *out)
{
    struct rt_shard sorted = *shard;
    struct rt_table *table = &sorted.table;

    table->capacity = 0;
    table->hashes = malloc(table->count * sizeof(*table->hashes) + 1);
    table->accounts = malloc(table->count * sizeof(struct rt_account *) + 1);
    assert_true(table->hashes != NULL && table->accounts != NULL);
    for (size_t at = 0; at < shard->table.capacity; at++)
        if (shard->table.hashes[at] != 0) {
            table->hashes[table->capacity] = 1;
            table->accounts[table->capacity++] = shard->table.accounts[at];
        }
    qsort(table->accounts, table->capacity, sizeof(struct rt_account *), by_name);
    rt_core_export(core, &sorted, out);
    rt_table_free(table);
}

static void print_core(struct state *s, struct rt_buffer *out)
{
    const struct rt_core *core = &s->core;

    for (uint32_t p = 0; core->shards != NULL && p < core->partitions; p++) {
        print_shard(core, core->shards[p], out);
        rt_put_u64(out, core->shards[p]->next_episode);
    }
    rt_put_u64(out, core->accounts);
    for (int type = 0; type < RT_EVENT_TYPES; type++)
        rt_put_u64(out, core->events[type]);
    rt_put_u64(out, core->alerts.count);
    rt_put_u64(out, core->touched.count);
    rt_put_u64(out, core->quiet.count);
}

static void print_rest(struct state *s, struct rt_buffer *out)
{
    if (s->account != NULL)
        rt_account_encode(out, s->account);
    rt_put_u64(out, s->fresh.count);
    if (s->text != NULL)
        rt_put_bytes(out, rt_span_text(s->text));
}

static void print(struct state *s, struct rt_buffer *out)
{
    rt_buffer_clear(out);
    print_core(s, out);
    print_rest(s, out);
    assert_false(out->failed);
}

static struct state *state_new(void)
{
    return calloc(1, sizeof(struct state));
}

static void forget_output(struct state *s)
{
    rt_buffer_free(&s->out);
}

static void release(struct state *s)
{
    if (s->core.shards != NULL)
        rt_core_free(&s->core);
    if (s->has_other)
        rt_core_free(&s->other);
    memory_store_free(&s->memory);
    rt_buffer_free(&s->out);
    rt_buffer_free(&s->event);
    rt_buffer_free(&s->input);
    rt_fresh_free(&s->fresh);
    rt_account_free(s->account);
    free(s->text);
    free(s);
}

/* ---- operations ------------------------------------------------------------------------------ */

static bool run_init(struct state *s)
{
    if (init_core(s, &s->core))
        return true;
    rt_core_free(&s->core);
    return false;
}

#define EVENT(name, text, quiet)                                                                   \
    static bool run_##name(struct state *s)                                                        \
    {                                                                                              \
        short_memory_pause();                                                                      \
        tell(s, text);                                                                             \
        short_memory_resume();                                                                     \
        return take_event(s, quiet);                                                               \
    }

EVENT(call, "{id: '1', type: 'call', account: 'new', ts: 5, sentiment: -0.5}", false)
EVENT(quiet_call, "{id: '1', type: 'call', account: 'new', ts: 5}", true)
EVENT(mail, "{id: 'm', type: 'email', account: 'a', ts: 5, thread: 't', direction: 'in'}", false)
EVENT(visit, "{id: 'v', type: 'visit', account: 'a', ts: 5, outcome: 'no_show'}", false)
EVENT(ticket, OVERDUE, false)
EVENT(more_ticket,
      "{id: 'n', type: 'ticket', account: 'a', ts: 1690000000001, ticket: '1', action: 'resolved', "
      "severity: 2}",
      false)
EVENT(profile,
      "{id: 'p', type: 'account', account: 'a', ts: 5, name: 'A', owner: 'kim', tier: 'key', "
      "contacts: [{name: 'Ada', email: 'a@b'}]}",
      false)

static bool said(struct state *s)
{
    return rt_account_episode_of(rt_core_find(&s->core, rt_span_text("a")), RT_TICKET_OVERDUE) !=
           NULL;
}

/* What could not be said is judged again a second later. */
static bool run_close(struct state *s)
{
    if (s->core.touched.count > 0)
        rt_core_close(&s->core, NOW, &s->out);
    else
        rt_core_due(&s->core, NOW + 1000, 100, &s->out);
    return said(s) && !s->out.failed;
}

static bool run_load(struct state *s)
{
    if (s->core.quiet.count > 0)
        rt_core_load_ended(&s->core, NOW, 100, &s->out);
    else
        rt_core_due(&s->core, NOW + 1000, 100, &s->out);
    return said(s) && !s->out.failed;
}

static bool silent(struct state *s)
{
    return rt_account_episode_of(rt_core_find(&s->core, rt_span_text("a")), RT_SILENCE) != NULL;
}

static bool run_due(struct state *s)
{
    rt_core_due(&s->core, NOW + 60 * RT_DAY_MS + (s->out.failed ? 1000 : 0), 100, &s->out);
    if (!silent(s) || s->out.failed) {
        short_memory_pause();
        rt_core_due(&s->core, NOW + 60 * RT_DAY_MS + 2000, 100, &s->out);
        short_memory_resume();
        return false;
    }
    return true;
}

static bool run_sweep(struct state *s)
{
    s->core.sweep = 0;
    while (rt_core_sweep(&s->core, NOW, &s->out))
        continue;
    return said(s) && !s->out.failed;
}

static bool run_published(struct state *s)
{
    rt_core_published(&s->core, s->core.alerts.entries[0].position, 77);
    return true;
}

static bool replied(struct state *s)
{
    static const uint8_t good[] = {0xa2, 'o', 'k', 0xc3};

    return !s->out.failed &&
           memmem(s->out.data, s->out.size < 9 ? s->out.size : 9, good, sizeof(good)) != NULL;
}

static struct rt_query query_of(struct state *s, enum rt_op op)
{
    static char id[40];
    struct rt_query query = {.op = op,
                             .limit = 100,
                             .account = rt_span_text("a"),
                             .by = rt_span_text("kim"),
                             .note = rt_span_text("a note")};
    const struct rt_account *account = rt_core_find(&s->core, rt_span_text("a"));

    if (account != NULL && rt_account_episodes(account) > 0) {
        size_t size = rt_episode_format(rt_core_shard(&s->core, query.account)->partition,
                                        rt_account_episode(account, 0)->sequence, id);

        query.id = rt_span(id, size);
    }
    return query;
}

static bool run_ack(struct state *s)
{
    struct rt_query query = query_of(s, RT_ALERT_ACK);

    rt_answer_hold(&s->core, &query, NOW, &s->out);
    return replied(s);
}

static bool run_snooze(struct state *s)
{
    struct rt_query query = query_of(s, RT_ALERT_SNOOZE);

    rt_answer_hold(&s->core, &query, NOW, &s->out);
    return replied(s);
}

static bool run_override(struct state *s)
{
    struct rt_query query = override_of(30);

    rt_answer_override(&s->core, &query, NOW, &s->out);
    return replied(s);
}

static bool run_override_end(struct state *s)
{
    struct rt_query query = override_of(30);

    query.op = RT_ACCOUNT_OVERRIDE_END;
    rt_answer_override(&s->core, &query, NOW, &s->out);
    return replied(s);
}

static bool run_void(struct state *s)
{
    struct rt_query query = void_of("p");

    rt_answer_void(&s->core, &query, NOW, &s->out);
    return replied(s);
}

static bool run_get(struct state *s)
{
    struct rt_query query = query_of(s, RT_ACCOUNT_GET);

    rt_answer_account(&s->core, &query, NOW, &s->out);
    return replied(s);
}

static bool run_timeline(struct state *s)
{
    struct rt_query query = query_of(s, RT_ACCOUNT_TIMELINE);

    rt_answer_timeline(&s->core, &query, &s->out);
    return replied(s);
}

static bool run_stats(struct state *s)
{
    rt_answer_stats(&s->core, &s->out);
    return replied(s);
}

static bool run_dead_list(struct state *s)
{
    struct rt_query query = {.op = RT_DEAD_LIST, .limit = 10};

    rt_answer_dead_list(&s->core, &query, &s->out);
    return replied(s);
}

static bool run_dead_get(struct state *s)
{
    struct rt_query query = {.op = RT_DEAD_GET, .id = rt_span_text("0-1")};

    rt_answer_dead_get(&s->core, &query, &s->out);
    return replied(s);
}

static bool run_dead_drop(struct state *s)
{
    struct rt_query query = {.op = RT_DEAD_DROP, .id = rt_span_text("0-1")};

    rt_answer_dead_drop(&s->core, &query, NOW, &s->out);
    return replied(s) || s->core.shards[0]->dead.count == 0;
}

static bool run_dead_add(struct state *s)
{
    struct rt_dead_letters letters = {0};
    struct rt_dead_letter letter = {.sequence = 1, .letter = rt_span_text("abc")};
    bool good = rt_dead_add(&letters, &letter, 8);

    (void)s;
    rt_dead_free(&letters);
    return good;
}

static bool scan(struct state *s, const char *text)
{
    struct rt_fault fault;
    struct rt_span payload;
    struct rt_scan *scan;

    short_memory_pause();
    payload = notation_kept(text);
    short_memory_resume();
    scan = rt_scan_new(&s->core, payload, rt_span(NULL, 0), 1, NOW, &fault);
    if (scan == NULL)
        return false;
    while (!rt_scan_step(scan, &s->core))
        continue;
    rt_scan_answer(scan, &s->core, &s->out);
    rt_scan_free(scan);
    return replied(s);
}

static bool run_history(struct state *s)
{
    return scan(s, "{op: 'alert.list'}");
}

static bool run_list(struct state *s)
{
    return scan(s, "{op: 'account.list', sort: 'score'}");
}

static bool run_open(struct state *s)
{
    return scan(s, "{op: 'alert.list', open: true}");
}

static bool run_report(struct state *s)
{
    return scan(s, "{op: 'report.portfolio', owner: 'kim'}");
}

static bool run_management(struct state *s)
{
    return scan(s, "{op: 'report.management', owner: 'kim', limit: 3}");
}

static bool run_export(struct state *s)
{
    rt_core_export(&s->core, rt_core_shard(&s->core, rt_span_text("a")), &s->out);
    return !s->out.failed;
}

/* Into another core, which is given up if it fails. */
static bool run_import(struct state *s)
{
    struct rt_shard *shard = rt_core_shard(&s->core, rt_span_text("a"));
    char error[RT_JOURNAL_ERROR];
    bool good;

    short_memory_pause();
    rt_buffer_clear(&s->input);
    rt_core_export(&s->core, shard, &s->input);
    assert_true(init_core(s, &s->other));
    short_memory_resume();
    good = rt_core_import(&s->other, s->other.shards[shard->partition], rt_buffer_span(&s->input),
                          error);
    s->has_other = good;
    if (!good)
        rt_core_free(&s->other);
    return good;
}

static bool run_account(struct state *s)
{
    struct rt_reader reader;
    bool no_memory = false;

    short_memory_pause();
    rt_buffer_clear(&s->input);
    rt_account_encode(&s->input, rt_core_find(&s->core, rt_span_text("a")));
    short_memory_resume();
    reader = rt_reader(rt_buffer_span(&s->input));
    s->account = rt_account_decode(&reader, &no_memory);
    assert_true((s->account == NULL) == no_memory);
    return s->account != NULL;
}

static bool run_identities(struct state *s)
{
    while (s->fresh.count < MANY)
        if (!rt_fresh_add(&s->fresh, s->fresh.count * UINT64_C(0x9e3779b97f4a7c15), 8))
            return false;
    return true;
}

/* One more than there is room for. */
static void make_identities(struct state *s)
{
    make_bare(s);
    do {
        assert_true(rt_fresh_add(&s->fresh, s->fresh.count * 77, 8));
    } while (s->fresh.count < s->fresh.capacity);
}

static bool run_identity(struct state *s)
{
    return rt_fresh_add(&s->fresh, 5, 8);
}

static bool run_sort(struct state *s)
{
    struct rt_entry entries[MANY];

    (void)s;
    for (size_t i = 0; i < MANY; i++)
        entries[i] = (struct rt_entry){.identity = (MANY - i) * UINT64_C(0x9e3779b97f4a7c15)};
    if (!rt_entries_sort(entries, MANY))
        return false;
    for (size_t i = 1; i < MANY; i++)
        assert_true(entries[i - 1].identity <= entries[i].identity);
    return true;
}

static bool run_config_text(struct state *s)
{
    free(s->text);
    s->text = rt_config_text(&s->config);
    return s->text != NULL;
}

static bool run_config_read(struct state *s)
{
    struct rt_config config;
    char error[RT_CONFIG_ERROR];

    (void)s;
    rt_config_init(&config);
    return rt_config_read(&config, "systemd/retaind.conf", false, error);
}

/* ---- the walk -------------------------------------------------------------------------------- */

static const struct operation operations[] = {
    {"core: init", make_bare, run_init, 0},
    {"core: event of a new account", make_empty, run_call, 0},
    {"core: event of a new account, all tables full", make_full, run_call, 0},
    {"core: quiet event of a new account", make_full, run_quiet_call, 0},
    {"core: first e-mail of a conversation", make_touched, run_mail, 0},
    {"core: visit", make_touched, run_visit, 0},
    {"core: first ticket", make_empty, run_ticket, 0},
    {"core: ticket that moves", make_touched, run_more_ticket, 0},
    {"core: profile", make_touched, run_profile, 0},
    {"core: group closed, alerts raised", make_touched, run_close, LATER},
    {"core: load ended, alerts raised", make_loaded, run_load, LATER},
    {"core: due, alerts raised", make_due, run_due, LATER},
    {"core: swept under a new configuration", make_judged, run_sweep, LATER},
    {"core: publication number", make_judged, run_published, LATER},
    {"alert.ack", make_judged, run_ack, 0},
    {"alert.snooze", make_judged, run_snooze, 0},
    {"account.override", make_judged, run_override, 0},
    {"account.override, in place of another", make_operated, run_override, 0},
    {"account.override.end", make_operated, run_override_end, 0},
    {"event.void", make_judged, run_void, 0},
    {"event.void, after another", make_operated, run_void, 0},
    {"account.get, set by hand", make_operated, run_get, 0},
    {"account.timeline, of what operators said", make_operated, run_timeline, 0},
    {"account.get", make_judged, run_get, 0},
    {"account.timeline", make_judged, run_timeline, 0},
    {"account.list", make_judged, run_list, 0},
    {"alert.list", make_judged, run_history, 0},
    {"alert.list, open ones", make_judged, run_open, 0},
    {"report.portfolio", make_judged, run_report, 0},
    {"report.management", make_judged, run_management, 0},
    {"stats", make_judged, run_stats, 0},
    {"dead.list", make_letters, run_dead_list, 0},
    {"dead.get", make_letters, run_dead_get, 0},
    {"dead.drop", make_letters, run_dead_drop, LATER},
    {"dead letters: add", make_bare, run_dead_add, 0},
    {"snapshot: export", make_judged, run_export, 0},
    {"snapshot: import", make_judged, run_import, 0},
    {"account: decode", make_judged, run_account, 0},
    {"identities: grow", make_bare, run_identities, LATER},
    {"identities: add", make_identities, run_identity, 0},
    {"identities: sort", make_bare, run_sort, 0},
    {"configuration: as text", make_bare, run_config_text, IN_LIBC},
    {"configuration: read", make_bare, run_config_read, IN_LIBC},
};

static void every_operation_survives(void **state)
{
    (void)state;
    walk_all(operations, sizeof(operations) / sizeof(operations[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_survives),
    };

    if (!short_memory_works())
        printf("skipped the walk: a sanitizer has its own malloc; the operations run once\n");
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Taking an event back: what a replay of it makes is what was made when it was said, and what cannot
 * be made anew is refused and stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/lib/memory_store.h"
#include "workers/answer.h"
#include "workers/command.h"
#include "workers/rebuild.h"
#include "workers/voids.h"

enum { PARTITIONS = 4, LOG = 1, EVENTS = 12 };

static const int64_t NOW = INT64_C(1700000000000);

static struct rt_config config;
static struct memory_store memory;
static struct rt_core core;
static rt_position hidden; /* cannot be read */

static bool read_but_hidden(void *context, rt_position position, struct rt_record *record)
{
    if (position != hidden)
        return memory_store(&memory).read(context, position, record);
    record->previous = 0;
    return false;
}

static void open_core(struct rt_core *opened)
{
    struct rt_store store = memory_store(&memory);

    store.read = read_but_hidden;
    assert_true(rt_core_init(opened, &config, 0, 1, PARTITIONS, LOG, 42, store));
}

static rt_position send_one(int number)
{
    struct rt_buffer packed = {0}, frames = {0};
    struct rt_event event;
    struct rt_fault fault;
    struct rt_place place;
    rt_position position;
    char id[16], thread[16];

    snprintf(id, sizeof(id), "e%d", number);
    snprintf(thread, sizeof(thread), "T%d", number / 4);
    rt_write_map(&packed, 8);
    rt_write_key_text(&packed, "id", id);
    rt_write_key_text(&packed, "type", number % 3 == 0 ? "ticket" : "call");
    rt_write_key_text(&packed, "account", "acme");
    rt_write_key_int(&packed, "ts", NOW - number * RT_DAY_MS);
    rt_write_key_text(&packed, "ticket", thread);
    rt_write_key_text(&packed, "action", number % 6 == 0 ? "opened" : "resolved");
    rt_write_key_double(&packed, "sentiment", 0.1 * (number % 7) - 0.3);
    rt_write_key_text(&packed, "contact", number % 2 == 0 ? "ann" : "ben");
    assert_int_equal(rt_event_decode(rt_buffer_span(&packed), NOW, RT_EVENT_BYTES, &event, &fault),
                     RT_OK);
    assert_true(rt_core_locate(&core, event.account, &place));
    assert_true(rt_core_event(&core, place, &event, NOW, false, &position));
    rt_core_close(&core, NOW, &frames);
    rt_buffer_free(&packed);
    rt_buffer_free(&frames);
    return position;
}

static int set_up(void **state)
{
    (void)state;
    rt_config_init(&config);
    memory = (struct memory_store){.log = LOG};
    hidden = 0;
    open_core(&core);
    for (int i = 0; i < EVENTS; i++)
        send_one(i);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rt_core_free(&core);
    memory_store_free(&memory);
    return 0;
}

/* The answer, in *out. */
static bool take_back(struct rt_core *of, const char *id, struct rt_buffer *out)
{
    struct rt_query query = {.op = RT_EVENT_VOID,
                             .account = rt_span_text("acme"),
                             .id = rt_span_text(id),
                             .by = rt_span_text("kim")};

    rt_buffer_clear(out);
    return rt_answer_void(of, &query, NOW, out);
}

static void assert_refused(struct rt_span reply, enum rt_error code)
{
    struct rt_reader reader = rt_reader(reply);
    struct rt_span key = {0}, value = {0};
    uint32_t pairs;

    assert_true(rt_read_map(&reader, &pairs) && rt_read_str(&reader, &key) &&
                rt_read_skip(&reader, NULL) && rt_read_str(&reader, &key) &&
                rt_read_str(&reader, &value));
    assert_true(rt_span_is(key, "error") && rt_span_is(value, rt_error_name(code)));
}

static void picture(struct rt_core *of, struct rt_buffer *out)
{
    struct rt_query query = {.op = RT_ACCOUNT_GET, .account = rt_span_text("acme")};

    rt_buffer_clear(out);
    rt_answer_account(of, &query, NOW + RT_DAY_MS, out);
}

static double score_of(const struct rt_core *of)
{
    const struct rt_account *account = rt_core_find(of, rt_span_text("acme"));

    return rt_score_value(rt_account_tier(account, &config), account, NOW + RT_DAY_MS);
}

/* A second core that reads the journal as recovery does. */
static void replay(struct rt_core *second)
{
    open_core(second);
    for (size_t i = 0; i < memory.count; i++) {
        const struct rt_record *record = &memory.records[i].record;
        struct rt_shard *shard = rt_core_shard(second, rt_span_text("acme"));
        struct rt_account *account = rt_core_obtain(second, shard, rt_span_text("acme"),
                                                    rt_table_hash(rt_span_text("acme"), 42));
        struct rt_command command;
        struct rt_event event;
        struct rt_fault fault;
        uint64_t evicted = 0;

        if (record->type == RT_RECORD_EVENT) {
            assert_int_equal(rt_event_decode_accepted(record->body, &event, &fault), RT_OK);
            assert_true(rt_account_apply(account, &event, 1000, &evicted));
            second->events[event.type]++;
            rt_account_set_chain(account, record->position);
        } else if (record->type == RT_RECORD_COMMAND) {
            assert_true(rt_command_decode(record->body, &command));
            assert_true(rt_command_apply(second, shard, &command, record->position));
        }
    }
}

static void a_replay_makes_the_same(void **state)
{
    struct rt_buffer reply = {0}, live = {0}, again = {0}, whole = {0};
    struct rt_core second;

    (void)state;
    picture(&core, &whole);
    assert_true(take_back(&core, "e6", &reply));
    assert_true(take_back(&core, "e1", &reply));
    assert_false(take_back(&core, "e6", &reply)); /* it was void before */
    send_one(EVENTS);
    assert_true(take_back(&core, "e0", &reply));
    picture(&core, &live);
    assert_false(rt_span_equal(rt_buffer_span(&live), rt_buffer_span(&whole)));
    replay(&second);
    picture(&second, &again);
    assert_true(score_of(&second) == score_of(&core));
    assert_int_equal(second.events[RT_CALL], core.events[RT_CALL]);
    assert_int_equal(second.events[RT_TICKET], core.events[RT_TICKET]);
    assert_int_equal(core.events[RT_CALL] + core.events[RT_TICKET], EVENTS + 1 - 3);
    assert_int_equal(rt_account_chain(rt_core_find(&second, rt_span_text("acme"))),
                     rt_account_chain(rt_core_find(&core, rt_span_text("acme"))));
    for (int type = 0; type < RT_EVENT_TYPES; type++)
        assert_int_equal(rt_account_events(rt_core_find(&second, rt_span_text("acme")), type),
                         rt_account_events(rt_core_find(&core, rt_span_text("acme")), type));
    rt_core_free(&second);
    rt_buffer_free(&reply);
    rt_buffer_free(&live);
    rt_buffer_free(&again);
    rt_buffer_free(&whole);
}

static void what_cannot_be_counted_anew_stays(void **state)
{
    struct rt_buffer reply = {0}, before = {0}, after = {0};
    size_t records = memory.count;

    (void)state;
    picture(&core, &before);
    assert_false(take_back(&core, "no such", &reply));
    assert_refused(rt_buffer_span(&reply), RT_NOT_FOUND);
    hidden = memory.records[0].record.position;
    assert_false(take_back(&core, "e5", &reply));
    assert_refused(rt_buffer_span(&reply), RT_TOO_OLD);
    assert_false(take_back(&core, "e0", &reply)); /* the one that is gone */
    assert_refused(rt_buffer_span(&reply), RT_NOT_FOUND);
    hidden = 0;
    memory.full = true;
    assert_false(take_back(&core, "e5", &reply));
    assert_refused(rt_buffer_span(&reply), RT_BUSY);
    memory.full = false;
    picture(&core, &after);
    assert_true(rt_span_equal(rt_buffer_span(&before), rt_buffer_span(&after)));
    assert_int_equal(memory.count, records);
    rt_buffer_free(&reply);
    rt_buffer_free(&before);
    rt_buffer_free(&after);
}

/* Of a command whose events are gone a replay makes nothing, and says so. */
static void a_replay_without_its_events_says_so(void **state)
{
    struct rt_command command = {.kind = RT_COMMAND_VOID,
                                 .sequence = memory.records[3].record.position,
                                 .ts = NOW,
                                 .account = rt_span_text("acme")};
    struct rt_shard *shard = rt_core_shard(&core, rt_span_text("acme"));
    uint64_t calls = core.events[RT_CALL];

    (void)state;
    hidden = memory.records[0].record.position;
    assert_false(rt_command_apply(&core, shard, &command, 99));
    assert_int_equal(core.events[RT_CALL], calls);
    command.account = rt_span_text("nobody");
    assert_true(rt_command_apply(&core, shard, &command, 99)); /* erased since */
}

static void voids_are_found(void **state)
{
    struct rt_voids voids = {0};
    struct rt_buffer body = {0};

    (void)state;
    for (uint64_t i = 1; i <= 200; i++) {
        struct rt_command command = {.kind = RT_COMMAND_VOID, .sequence = i * 7919 % 211};
        struct rt_record record = {.type = RT_RECORD_COMMAND, .position = 1000 + i};

        rt_buffer_clear(&body);
        rt_command_encode(&body, &command);
        record.body = rt_buffer_span(&body);
        assert_true(rt_voids_note(&voids, &record));
        assert_true(rt_voids_note(&voids, &record));
        assert_int_equal(voids.count, i);
        record.type = RT_RECORD_EVENT;
        assert_true(rt_voids_note(&voids, &record));
    }
    for (uint64_t i = 1; i <= 200; i++)
        assert_int_equal(rt_voids_find(&voids, i * 7919 % 211)->command, 1000 + i);
    assert_null(rt_voids_find(&voids, 211));
    rt_voids_free(&voids);
    rt_buffer_free(&body);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_replay_makes_the_same),
        CASE(what_cannot_be_counted_anew_stays),
        CASE(a_replay_without_its_events_says_so),
        CASE(voids_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Any sequence of what outsiders may send to a worker's core, on a clock that only goes forward:
 * whatever was accepted, scores are numbers from 0 to 100 that their factors add up to and that time
 * alone never raises, alerts and answers can be read, and a snapshot holds all of it.
 *
 * The input is a stream of MessagePack objects: a map with the key `op` is a query, another map an
 * event, an int moves the clock, a bool begins (true) or ends a quiet load, all else ends a commit
 * group. */
#include <math.h>
#include <stdlib.h>

#include "protocol/assert.h"
#include "tests/lib/memory_store.h"
#include "workers/answer.h"
#include "workers/export.h"
#include "workers/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PARTITIONS = 2, LOG = 1, SEED = 42, BUDGET = 8, STEP_MAX_DAYS = 400, OBJECTS = 64 };

static const int64_t START = INT64_C(1700000000000);

struct world {
    struct memory_store memory;
    struct rt_core core;
    struct rt_buffer frames, reply;
    int64_t now;
    bool quiet;
};

static const struct rt_config *config(void)
{
    static struct rt_config made;

    if (made.tier_count == 0)
        rt_config_init(&made);
    return &made;
}

/* ---- what must hold -------------------------------------------------------------------------- */

static void alerts_are_sound(struct world *world)
{
    size_t at = 0;

    RT_ASSERT(!world->frames.failed);
    while (at < world->frames.size) {
        struct rt_link_header header;
        struct rt_link_alert message;
        struct rt_alert alert;

        RT_ASSERT(rt_link_header_decode(world->frames.data + at, &header));
        RT_ASSERT(rt_link_alert_decode(
            rt_span(world->frames.data + at + RT_LINK_HEADER, header.size), &message));
        RT_ASSERT(rt_msgpack_check(message.map, RT_NESTING));
        RT_ASSERT(rt_alert_decode(message.map, &alert));
        RT_ASSERT(rt_span_equal(alert.account, message.account));
        RT_ASSERT(alert.score >= 0 && alert.score <= 100 && alert.worsens >= 0);
        at += RT_LINK_HEADER + header.size;
    }
    rt_buffer_clear(&world->frames);
}

static void score_is_sound(const struct rt_account *account, int64_t now)
{
    const struct rt_tier *tier = rt_account_tier(account, config());
    double score = rt_score_value(tier, account, now), sum, later = score;
    struct rt_score explained;
    int64_t crossing;

    RT_ASSERT(score >= 0 && score <= 100);
    rt_score_explain(tier, account, now, &explained);
    sum = explained.base;
    for (size_t i = 0; i < explained.count; i++)
        sum += explained.factors[i].points;
    RT_ASSERT(explained.score == score && fabs(sum - score) <= 0.05);
    for (int64_t ahead = RT_HOUR_MS; ahead < 1000 * RT_DAY_MS; ahead *= 7) {
        double then = rt_score_value(tier, account, now + ahead);

        RT_ASSERT(then <= later + 1e-9);
        later = then;
    }
    crossing = rt_score_crossing(tier, account, now, now + 1000 * RT_DAY_MS, score / 2);
    RT_ASSERT(crossing == INT64_MAX || rt_score_value(tier, account, crossing) < score / 2);
}

static void each_account(struct rt_core *core, void (*check)(const struct rt_account *, int64_t),
                         int64_t now)
{
    for (uint32_t p = 0; p < core->partitions; p++) {
        const struct rt_table *table = &core->shards[p]->table;

        for (size_t at = 0; at < table->capacity; at++)
            if (table->hashes[at] != 0)
                check(table->accounts[at], now);
    }
}

/* In the other core it has the same bytes. */
static void same_in(struct rt_core *other, const struct rt_account *account)
{
    const struct rt_account *again = rt_core_find(other, rt_account_name(account));
    struct rt_buffer ours = {0}, theirs = {0};

    RT_ASSERT(again != NULL);
    rt_account_encode(&ours, account);
    rt_account_encode(&theirs, again);
    RT_ASSERT(rt_span_equal(rt_buffer_span(&ours), rt_buffer_span(&theirs)));
    rt_buffer_free(&ours);
    rt_buffer_free(&theirs);
}

static void snapshot_holds_it(struct world *world)
{
    struct rt_core other;
    struct rt_buffer content = {0};
    char error[RT_JOURNAL_ERROR];

    RT_ASSERT(rt_core_init(&other, config(), 0, 1, PARTITIONS, LOG, SEED + 1,
                           memory_store(&world->memory)));
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        const struct rt_table *table = &world->core.shards[p]->table;

        rt_buffer_clear(&content);
        rt_core_export(&world->core, world->core.shards[p], &content);
        RT_ASSERT(!content.failed);
        RT_ASSERT(rt_core_import(&other, other.shards[p], rt_buffer_span(&content), error));
        for (size_t at = 0; at < table->capacity; at++)
            if (table->hashes[at] != 0)
                same_in(&other, table->accounts[at]);
    }
    RT_ASSERT(other.accounts == world->core.accounts);
    rt_buffer_free(&content);
    rt_core_free(&other);
}

/* ---- what happens ---------------------------------------------------------------------------- */

static void close_group(struct world *world)
{
    rt_core_close(&world->core, world->now, &world->frames);
    alerts_are_sound(world);
}

static void take_event(struct world *world, struct rt_span bytes)
{
    struct rt_event event;
    struct rt_fault fault;
    struct rt_place place;
    rt_position position;

    if (rt_event_decode(bytes, world->now, RT_EVENT_BYTES, &event, &fault) == RT_OK)
        RT_ASSERT(rt_core_locate(&world->core, event.account, &place) &&
                  rt_core_event(&world->core, place, &event, world->now, world->quiet, &position));
}

static void scan(struct world *world, struct rt_span payload)
{
    struct rt_fault fault;
    struct rt_scan *scan =
        rt_scan_new(&world->core, payload, rt_span("", 0), 0, world->now, &fault);

    if (scan == NULL) {
        rt_query_error(&world->reply, fault.code, fault.text);
        return;
    }
    while (!rt_scan_step(scan, &world->core))
        continue;
    rt_scan_answer(scan, &world->core, &world->reply);
    rt_scan_free(scan);
}

static void answer(struct world *world, const struct rt_query *query, struct rt_span payload)
{
    if (rt_scan_wanted(query)) {
        scan(world, payload);
        return;
    }
    switch (query->op) {
    case RT_ACCOUNT_GET:
        rt_answer_account(&world->core, query, world->now, &world->reply);
        break;
    case RT_ACCOUNT_TIMELINE:
        rt_answer_timeline(&world->core, query, &world->reply);
        break;
    case RT_ALERT_ACK:
    case RT_ALERT_SNOOZE:
        rt_answer_hold(&world->core, query, world->now, &world->reply);
        break;
    case RT_DEAD_LIST:
        rt_answer_dead_list(&world->core, query, &world->reply);
        break;
    case RT_DEAD_GET:
        rt_answer_dead_get(&world->core, query, &world->reply);
        break;
    case RT_DEAD_DROP:
        rt_answer_dead_drop(&world->core, query, world->now, &world->reply);
        break;
    default:
        rt_answer_stats(&world->core, &world->reply);
    }
}

/* What is said in numbers are numbers: the protocol knows none that is infinite. */
static void numbers_are_finite(struct rt_reader *reader)
{
    double number;
    uint32_t count = 0;

    switch (rt_read_kind(reader)) {
    case RT_KIND_FLOAT:
        RT_ASSERT(rt_read_number(reader, &number));
        return;
    case RT_KIND_ARRAY:
        RT_ASSERT(rt_read_array(reader, &count));
        break;
    case RT_KIND_MAP:
        RT_ASSERT(rt_read_map(reader, &count));
        count *= 2;
        break;
    default:
        RT_ASSERT(rt_read_skip(reader, NULL));
    }
    while (count-- > 0)
        numbers_are_finite(reader);
}

static void take_query(struct world *world, struct rt_span payload)
{
    struct rt_reader reply;
    struct rt_query query;
    struct rt_fault fault;

    rt_buffer_clear(&world->reply);
    if (rt_query_decode_internal(payload, &query, &fault) != RT_OK)
        return;
    answer(world, &query, payload);
    reply = rt_reader(rt_buffer_span(&world->reply));
    RT_ASSERT(!world->reply.failed &&
              rt_msgpack_check(rt_buffer_span(&world->reply), RT_REPLY_NESTING));
    if (query.op != RT_ACCOUNT_TIMELINE) /* there events stand as they were sent */
        numbers_are_finite(&reply);
}

static bool is_query(struct rt_span map)
{
    struct rt_reader reader = rt_reader(map);
    struct rt_span key;
    uint32_t pairs;

    return rt_read_map(&reader, &pairs) && pairs > 0 && rt_read_str(&reader, &key) &&
           rt_span_is(key, "op");
}

static void take_map(struct world *world, struct rt_span map)
{
    if (!rt_msgpack_check(map, RT_NESTING))
        return;
    if (is_query(map))
        take_query(world, map);
    else
        take_event(world, map);
}

static void move_clock(struct world *world, int64_t by)
{
    close_group(world);
    world->now += (int64_t)((uint64_t)by % (STEP_MAX_DAYS * (uint64_t)RT_DAY_MS));
    while (rt_core_due(&world->core, world->now, BUDGET, &world->frames))
        continue;
    alerts_are_sound(world);
    RT_ASSERT(rt_core_next_deadline(&world->core) > world->now);
}

static void end_load(struct world *world)
{
    close_group(world);
    while (rt_core_load_ended(&world->core, world->now, BUDGET, &world->frames))
        continue;
    alerts_are_sound(world);
}

/* False at the end of what can be read. */
static bool step(struct world *world, struct rt_reader *reader)
{
    struct rt_reader value = *reader;
    struct rt_span bytes;
    int64_t by;

    if (!rt_read_skip(reader, &bytes))
        return false;
    switch (rt_read_kind(&value)) {
    case RT_KIND_MAP:
        take_map(world, bytes);
        break;
    case RT_KIND_INT:
        RT_ASSERT(rt_read_int(&value, &by));
        move_clock(world, by);
        break;
    case RT_KIND_BOOL:
        RT_ASSERT(rt_read_bool(&value, &world->quiet));
        if (!world->quiet)
            end_load(world);
        break;
    default:
        close_group(world);
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rt_reader reader = rt_reader(rt_span(data, size));
    struct world *world = calloc(1, sizeof(*world));

    RT_ASSERT(world != NULL);
    world->now = START;
    world->memory.log = LOG;
    RT_ASSERT(rt_core_init(&world->core, config(), 0, 1, PARTITIONS, LOG, SEED,
                           memory_store(&world->memory)));
    for (unsigned i = 0; i < OBJECTS && step(world, &reader); i++)
        continue;
    close_group(world);
    each_account(&world->core, score_is_sound, world->now);
    snapshot_holds_it(world);
    rt_core_free(&world->core);
    memory_store_free(&world->memory);
    rt_buffer_free(&world->frames);
    rt_buffer_free(&world->reply);
    free(world);
    return 0;
}

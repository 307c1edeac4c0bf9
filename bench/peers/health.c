#include "bench/peers/health.h"

#include <stdio.h>
#include <stdlib.h>

#include "bench/lib/events.h"
#include "protocol/batch.h"
#include "workers/core.h"

enum { CHUNK = 16, PARTITIONS = 256 }; /* as in workers/ingest.c */

struct health {
    struct rt_config config;
    struct rt_core core;
    rt_position last;
    struct rt_buffer frames;
    health_publish *publish;
    void *context;
};

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "worker: %s\n", what);
    exit(1);
}

/* The queue keeps the bytes: a position is only a number. */
static rt_position append(void *context, enum rt_record_type type, uint8_t flags,
                          uint32_t partition, rt_position previous, struct rt_span body)
{
    struct health *health = context;

    (void)type, (void)flags, (void)partition, (void)previous, (void)body;
    return ++health->last;
}

static bool read_back(void *context, rt_position position, struct rt_record *record)
{
    (void)context, (void)position;
    record->previous = 0;
    return false;
}

/* Judges as it goes, so that filling is not one large group. */
static void fill(struct health *health, uint64_t accounts)
{
    enum { AT_ONCE = 1000 };
    struct rt_buffer payload = {0};
    int64_t now = bench_wall_ms();

    for (uint64_t i = 0; i < accounts; i++) {
        rt_buffer_clear(&payload);
        bench_append_profile(&payload, i, now);
        health_take(health, rt_buffer_span(&payload));
        if (i % AT_ONCE == 0)
            health_close(health);
    }
    health_close(health);
    rt_buffer_free(&payload);
}

struct health *health_new(uint64_t accounts, health_publish *publish, void *context)
{
    struct health *health = calloc(1, sizeof(*health));
    struct rt_store store = {.context = health, .append = append, .read = read_back};

    if (health == NULL)
        fail("no memory");
    rt_config_init(&health->config);
    if (!rt_core_init(&health->core, &health->config, 0, 1, PARTITIONS, 0, 1, store))
        fail("no memory");
    fill(health, accounts);
    health->publish = publish;
    health->context = context;
    return health;
}

void health_free(struct health *health)
{
    if (health == NULL)
        return;
    rt_core_free(&health->core);
    rt_buffer_free(&health->frames);
    free(health);
}

static void prefetch(const struct rt_place *places, size_t count)
{
    for (size_t i = 0; i < count; i++)
        rt_table_prefetch_account(&places[i].shard->table, places[i].hash);
    for (size_t i = 0; i < count; i++)
        rt_table_prefetch_facts(&places[i].shard->table, places[i].hash);
}

static size_t take_chunk(struct health *health, struct rt_batch *batch, int64_t now)
{
    struct rt_event events[CHUNK];
    struct rt_place places[CHUNK];
    struct rt_span raw;
    struct rt_fault fault;
    rt_position position;
    size_t count = 0;

    while (count < CHUNK && rt_batch_next(batch, &raw)) {
        if (rt_event_decode(raw, now, RT_EVENT_BYTES, &events[count], &fault) != RT_OK ||
            !rt_core_locate(&health->core, events[count].account, &places[count]))
            fail("a bad event");
        rt_table_prefetch(&places[count].shard->table, places[count].hash);
        count++;
    }
    prefetch(places, count);
    for (size_t i = 0; i < count; i++)
        if (!rt_core_event(&health->core, places[i], &events[i], now, false, &position))
            fail("no memory");
    return count;
}

uint32_t health_take(struct health *health, struct rt_span payload)
{
    struct rt_batch batch;
    struct rt_fault fault;
    int64_t now = bench_wall_ms();
    uint32_t taken = 0;
    size_t count;

    if (rt_batch_open(payload, RT_MESSAGE_BYTES, &batch, &fault) != RT_OK)
        fail("a bad payload");
    do {
        count = take_chunk(health, &batch, now);
        taken += (uint32_t)count;
    } while (count == CHUNK);
    return taken;
}

static void publish(struct health *health, struct rt_span body)
{
    struct rt_link_alert alert;
    char topic[256];
    int size;

    if (!rt_link_alert_decode(body, &alert))
        fail("a bad alert");
    size = snprintf(topic, sizeof(topic), "alert.%.*s.%.*s.%.*s", (int)alert.severity.size,
                    (const char *)alert.severity.data, (int)alert.kind.size,
                    (const char *)alert.kind.data, (int)alert.account.size,
                    (const char *)alert.account.data);
    health->publish(health->context, topic, (size_t)size, alert.map);
}

void health_close(struct health *health)
{
    size_t at = 0;

    rt_core_close(&health->core, bench_wall_ms(), &health->frames);
    while (health->publish != NULL && at < health->frames.size) {
        struct rt_link_header header;

        if (!rt_link_header_decode(health->frames.data + at, &header))
            fail("a bad frame");
        publish(health, rt_span(health->frames.data + at + RT_LINK_HEADER, header.size));
        at += RT_LINK_HEADER + header.size;
    }
    rt_buffer_clear(&health->frames);
}

/* The producer for Redis Streams: XADD, pipelined by hiredis, one entry a message. With `appendfsync
 * always` the answer means that the entry's bytes were synced. Alerts come over a connection of
 * their own.
 *
 * Messages go round several connections: Redis reads at most 16 KiB of each before it syncs, so that
 * a single one, however deep its pipeline, pays a sync for every message of that size.
 *
 *   redis_load throughput|latency ...     as bench/lib/drive.h says
 *
 * REDIS_ADDRESS is a port on 127.0.0.1 or the path of a socket, REDIS_CONNECTIONS their number (1). Ends with status 1 if Redis says
 * anything but an id. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "bench/lib/drive.h"
#include "bench/peers/redis.h"

enum { FLUSH_BYTES = 16 << 10, CONNECTIONS_MAX = 64 };

struct connection {
    redisContext *redis;
    uint64_t next_answer; /* the tag it belongs to */
    size_t held;          /* bytes not written yet */
};

struct redis_wire {
    struct connection connections[CONNECTIONS_MAX];
    unsigned count;
    redisContext *alerts; /* NULL if nobody listens */
    struct bench_inbox *inbox;
};

static void flush(struct connection *connection)
{
    int done = connection->held == 0;

    while (!done)
        if (redisBufferWrite(connection->redis, &done) != REDIS_OK)
            redis_fail(connection->redis, "write");
    connection->held = 0;
}

static void wire_send(void *self, struct rt_span payload, uint64_t tag, bool alert)
{
    const char *words[] = {"XADD", REDIS_STREAM, "*", "e", (const char *)payload.data};
    size_t sizes[] = {4, strlen(REDIS_STREAM), 1, 1, payload.size};
    struct redis_wire *wire = self;
    struct connection *connection = &wire->connections[tag % wire->count];

    (void)alert;
    if (redisAppendCommandArgv(connection->redis, 5, words, sizes) != REDIS_OK)
        redis_fail(connection->redis, "XADD");
    connection->held += payload.size;
    if (connection->held >= FLUSH_BYTES)
        flush(connection);
}

static void take_answers(struct redis_wire *wire, struct connection *connection)
{
    redisReply *reply;

    if (redisBufferRead(connection->redis) != REDIS_OK)
        redis_fail(connection->redis, "read");
    for (;;) {
        if (redisGetReplyFromReader(connection->redis, (void **)&reply) != REDIS_OK)
            redis_fail(connection->redis, "answer");
        if (reply == NULL)
            return;
        if (reply->type != REDIS_REPLY_STRING)
            redis_fail(connection->redis, reply->type == REDIS_REPLY_ERROR ? reply->str : "answer");
        freeReplyObject(reply);
        bench_answered(wire->inbox, connection->next_answer);
        connection->next_answer += wire->count;
    }
}

/* pmessage, pattern, channel, payload */
static void take_alerts(struct redis_wire *wire)
{
    redisReply *reply;

    if (redisBufferRead(wire->alerts) != REDIS_OK)
        redis_fail(wire->alerts, "read");
    for (;;) {
        if (redisGetReplyFromReader(wire->alerts, (void **)&reply) != REDIS_OK)
            redis_fail(wire->alerts, "alert");
        if (reply == NULL)
            return;
        if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 4)
            bench_heard(wire->inbox, reply->element[2]->str, (size_t)reply->element[2]->len);
        freeReplyObject(reply);
    }
}

static void wire_wait(void *self, int64_t until_ns)
{
    struct redis_wire *wire = self;
    struct pollfd fds[CONNECTIONS_MAX + 1];
    struct timespec timeout = {0};
    int64_t left;

    for (unsigned i = 0; i < wire->count; i++) {
        flush(&wire->connections[i]);
        fds[i] = (struct pollfd){.fd = wire->connections[i].redis->fd, .events = POLLIN};
    }
    fds[wire->count] =
        (struct pollfd){.fd = wire->alerts != NULL ? wire->alerts->fd : -1, .events = POLLIN};
    left = until_ns - bench_now_ns();
    if (left > 0)
        timeout = (struct timespec){left / 1000000000, left % 1000000000};
    if (ppoll(fds, wire->count + 1, &timeout, NULL) <= 0)
        return;
    for (unsigned i = 0; i < wire->count; i++)
        if (fds[i].revents != 0)
            take_answers(wire, &wire->connections[i]);
    if (fds[wire->count].revents != 0)
        take_alerts(wire);
}

static void connect_all(struct redis_wire *wire, bool alerts)
{
    const char *count = getenv("REDIS_CONNECTIONS");

    wire->count = count == NULL ? 1 : (unsigned)strtoul(count, NULL, 10);
    if (wire->count < 1 || wire->count > CONNECTIONS_MAX)
        redis_fail(NULL, "REDIS_CONNECTIONS");
    for (unsigned i = 0; i < wire->count; i++)
        wire->connections[i] = (struct connection){.redis = redis_connect(), .next_answer = i};
    if (!alerts)
        return;
    wire->alerts = redis_connect();
    freeReplyObject(redisCommand(wire->alerts, "PSUBSCRIBE %s*", BENCH_ALERTS));
}

int main(int argc, char **argv)
{
    struct bench_load load = bench_load(argc, argv);
    struct bench_inbox inbox;
    struct redis_wire wire = {.inbox = &inbox};

    bench_inbox_open(&inbox, &load);
    connect_all(&wire, load.latency);
    bench_drive(&load, &inbox,
                (struct bench_wire){.self = &wire, .send = wire_send, .wait = wire_wait});
    for (unsigned i = 0; i < wire.count; i++)
        redisFree(wire.connections[i].redis);
    redisFree(wire.alerts);
    bench_inbox_close(&inbox);
    return 0;
}

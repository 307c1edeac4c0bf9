/* A consumer of Redis Streams as its users write one: XREADGROUP takes what is there, each entry's
 * events change their accounts, alerts are published, and one XACK acknowledges the entries. The
 * next read is asked for before the work begins; because it may block its connection, alerts and
 * acknowledgements go over another.
 *
 *   redis_worker EVENTS ACCOUNTS ENTRIES    ends after so many events (0: never); at most ENTRIES at once
 *
 * Prints "ready", and at its end one line of JSON with the moment it was done and the CPU time of the work. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bench/lib/events.h"
#include "bench/peers/health.h"
#include "bench/peers/redis.h"

struct redis_worker {
    redisContext *reader, *redis;
    struct health *health;
    const char *entries; /* at most so many at once */
    uint64_t unread;     /* replies that nobody waits for: to PUBLISH, XACK */
    const char **words;  /* of XACK */
    size_t *sizes, capacity;
};

static void publish(void *context, const char *topic, size_t topic_size, struct rt_span payload)
{
    struct redis_worker *worker = context;
    const char *words[] = {"PUBLISH", topic, (const char *)payload.data};
    size_t sizes[] = {7, topic_size, payload.size};

    if (redisAppendCommandArgv(worker->redis, 3, words, sizes) != REDIS_OK)
        redis_fail(worker->redis, "PUBLISH");
    worker->unread++;
}

static void flush(redisContext *redis)
{
    int done = 0;

    while (!done)
        if (redisBufferWrite(redis, &done) != REDIS_OK)
            redis_fail(redis, "write");
}

static void ask(struct redis_worker *worker)
{
    const char *words[] = {"XREADGROUP", "GROUP",         REDIS_GROUP, "one",
                           "COUNT",      worker->entries, "BLOCK",     "0",
                           "STREAMS",    REDIS_STREAM,    ">"};

    if (redisAppendCommandArgv(worker->reader, 11, words, NULL) != REDIS_OK)
        redis_fail(worker->reader, "XREADGROUP");
    flush(worker->reader);
}

static redisReply *next_reply(redisContext *redis)
{
    redisReply *reply;

    if (redisGetReply(redis, (void **)&reply) != REDIS_OK)
        redis_fail(redis, "answer");
    if (reply->type == REDIS_REPLY_ERROR)
        redis_fail(redis, reply->str);
    return reply;
}

/* They have been there for long when the next entries have been worked on. */
static void read_replies(struct redis_worker *worker)
{
    for (; worker->unread > 0; worker->unread--)
        freeReplyObject(next_reply(worker->redis));
}

static void make_room(struct redis_worker *worker, size_t entries)
{
    if (worker->capacity >= entries + 3)
        return;
    worker->capacity = entries + 3;
    worker->words = realloc(worker->words, worker->capacity * sizeof(*worker->words));
    worker->sizes = realloc(worker->sizes, worker->capacity * sizeof(*worker->sizes));
    if (worker->words == NULL || worker->sizes == NULL)
        abort();
}

static void acknowledge(struct redis_worker *worker, const redisReply *entries)
{
    make_room(worker, entries->elements);
    memcpy(worker->words, (const char *[]){"XACK", REDIS_STREAM, REDIS_GROUP},
           3 * sizeof(*worker->words));
    for (size_t i = 0; i < 3; i++)
        worker->sizes[i] = strlen(worker->words[i]);
    for (size_t i = 0; i < entries->elements; i++) {
        worker->words[3 + i] = entries->element[i]->element[0]->str;
        worker->sizes[3 + i] = (size_t)entries->element[i]->element[0]->len;
    }
    if (redisAppendCommandArgv(worker->redis, (int)entries->elements + 3, worker->words,
                               worker->sizes) != REDIS_OK)
        redis_fail(worker->redis, "XACK");
    worker->unread++;
}

/* [[stream, [[id, ["e", payload]], ...]]] */
static uint64_t work_on(struct redis_worker *worker, const redisReply *reply)
{
    const redisReply *entries = reply->element[0]->element[1];
    uint64_t events = 0;

    for (size_t i = 0; i < entries->elements; i++) {
        const redisReply *value = entries->element[i]->element[1]->element[1];

        events +=
            health_take(worker->health, rt_span((const uint8_t *)value->str, (size_t)value->len));
    }
    read_replies(worker);
    health_close(worker->health);
    acknowledge(worker, entries);
    flush(worker->redis);
    return events;
}

int main(int argc, char **argv)
{
    struct redis_worker worker = {.reader = redis_connect(), .redis = redis_connect()};
    uint64_t wanted, done = 0;
    int64_t filled_cpu_ns;

    if (argc != 4)
        redis_fail(NULL, "usage: redis_worker EVENTS ACCOUNTS ENTRIES");
    wanted = strtoull(argv[1], NULL, 10);
    worker.entries = argv[3];
    worker.health = health_new(strtoull(argv[2], NULL, 10), publish, &worker);
    freeReplyObject(
        redisCommand(worker.redis, "XGROUP CREATE %s %s $ MKSTREAM", REDIS_STREAM, REDIS_GROUP));
    filled_cpu_ns = bench_cpu_ns();
    printf("ready\n");
    fflush(stdout);
    ask(&worker);
    while (wanted == 0 || done < wanted) {
        redisReply *reply = next_reply(worker.reader);

        ask(&worker);
        if (reply->type == REDIS_REPLY_ARRAY)
            done += work_on(&worker, reply);
        freeReplyObject(reply);
    }
    read_replies(&worker);
    printf("{\"events\": %" PRIu64 ", \"done_ns\": %" PRId64 ", \"cpu_ns\": %" PRId64 "}\n", done,
           bench_now_ns(), bench_cpu_ns() - filled_cpu_ns);
    health_free(worker.health);
    redisFree(worker.redis);
    redisFree(worker.reader);
    free(worker.words);
    free(worker.sizes);
    return 0;
}

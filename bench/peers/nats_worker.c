/* A consumer of NATS JetStream as its users write one: a durable pull consumer fetches what is there,
 * each message's events change their accounts, alerts are published, and one acknowledgement covers
 * all that was fetched (AckAll).
 *
 *   nats_worker EVENTS ACCOUNTS MESSAGES    ends after so many events (0: never); at most MESSAGES at once
 *
 * Makes the stream, prints "ready", and at its end one line of JSON with the moment it was done and the CPU time of the work. */
#include <inttypes.h>
#include <string.h>

#include "bench/lib/events.h"
#include "bench/peers/health.h"
#include "bench/peers/nats.h"

enum { PATIENCE_MS = 1000 };

static void publish(void *context, const char *topic, size_t topic_size, struct rt_span payload)
{
    char subject[256];

    snprintf(subject, sizeof(subject), "%.*s", (int)topic_size, topic);
    nats_must(natsConnection_Publish(context, subject, payload.data, (int)payload.size), "alert");
}

static natsSubscription *subscribe(jsCtx *stream)
{
    const char *subjects[] = {NATS_SUBJECT};
    natsSubscription *subscription;
    jsStreamConfig config;
    jsSubOptions options;

    nats_must(jsStreamConfig_Init(&config), "stream");
    config.Name = NATS_STREAM;
    config.Subjects = subjects;
    config.SubjectsLen = 1;
    config.Storage = js_FileStorage;
    nats_must(js_AddStream(NULL, stream, &config, NULL, NULL), "stream");
    nats_must(jsSubOptions_Init(&options), "consumer");
    options.Config.AckPolicy = js_AckAll;
    options.Config.MaxAckPending = 100000;
    nats_must(
        js_PullSubscribe(&subscription, stream, NATS_SUBJECT, NATS_CONSUMER, NULL, &options, NULL),
        "consumer");
    return subscription;
}

static uint64_t work_on(struct health *health, natsMsgList *list)
{
    uint64_t events = 0;

    for (int i = 0; i < list->Count; i++)
        events += health_take(health, rt_span((const uint8_t *)natsMsg_GetData(list->Msgs[i]),
                                              (size_t)natsMsg_GetDataLength(list->Msgs[i])));
    health_close(health);
    if (list->Count > 0)
        nats_must(natsMsg_Ack(list->Msgs[list->Count - 1], NULL), "acknowledge");
    return events;
}

int main(int argc, char **argv)
{
    uint64_t wanted = 0, done = 0;
    int64_t filled_cpu_ns;
    natsSubscription *subscription;
    natsConnection *connection;
    struct health *health;
    jsCtx *stream;

    if (argc != 4)
        nats_must(NATS_INVALID_ARG, "usage: nats_worker EVENTS ACCOUNTS MESSAGES");
    wanted = strtoull(argv[1], NULL, 10);
    connection = nats_connect(true);
    nats_must(natsConnection_JetStream(&stream, connection, NULL), "stream");
    subscription = subscribe(stream);
    health = health_new(strtoull(argv[2], NULL, 10), publish, connection);
    filled_cpu_ns = bench_cpu_ns();
    printf("ready\n");
    fflush(stdout);
    while (wanted == 0 || done < wanted) {
        natsMsgList list = {0};
        natsStatus status = natsSubscription_Fetch(
            &list, subscription, (int)strtol(argv[3], NULL, 10), PATIENCE_MS, NULL);

        if (status == NATS_TIMEOUT)
            continue;
        nats_must(status, "fetch");
        done += work_on(health, &list);
        natsMsgList_Destroy(&list);
    }
    nats_must(natsConnection_FlushTimeout(connection, PATIENCE_MS), "flush");
    printf("{\"events\": %" PRIu64 ", \"done_ns\": %" PRId64 ", \"cpu_ns\": %" PRId64 "}\n", done,
           bench_now_ns(), bench_cpu_ns() - filled_cpu_ns);
    health_free(health);
    natsSubscription_Destroy(subscription);
    jsCtx_Destroy(stream);
    natsConnection_Destroy(connection);
    nats_Close();
    return 0;
}

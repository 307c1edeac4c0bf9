/* The producer for NATS JetStream: asynchronous publishing, one message each, the library's own
 * bookkeeping of acknowledgements. The acknowledgement says that the server has written the message
 * to a file; this version of it does not sync before.
 *
 *   nats_load throughput|latency ...      as bench/lib/drive.h says
 *
 * NATS_ADDRESS is the server's URL; the stream must be there (nats_worker makes it). Ends with status
 * 1 if the server refuses anything. */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "bench/lib/drive.h"
#include "bench/peers/nats.h"

struct nats_wire {
    jsCtx *stream;
    struct bench_inbox *inbox;
    uint64_t first; /* sequence of the stream before our first message */
    pthread_mutex_t lock;
    pthread_cond_t came;
    bool waiting, any; /* under the lock */
};

static void wake(struct nats_wire *wire)
{
    pthread_mutex_lock(&wire->lock);
    wire->any = true;
    if (wire->waiting)
        pthread_cond_signal(&wire->came);
    pthread_mutex_unlock(&wire->lock);
}

/* In a thread of the library. */
static void on_answer(jsCtx *stream, natsMsg *message, jsPubAck *answer, jsPubAckErr *fault,
                      void *self)
{
    struct nats_wire *wire = self;

    (void)stream;
    if (fault != NULL)
        nats_must(fault->Err, "publish");
    bench_answered(wire->inbox, answer->Sequence - wire->first - 1);
    natsMsg_Destroy(message);
    wake(wire);
}

static void on_alert(natsConnection *connection, natsSubscription *subscription, natsMsg *message,
                     void *self)
{
    struct nats_wire *wire = self;
    const char *subject = natsMsg_GetSubject(message);

    (void)connection, (void)subscription;
    bench_heard(wire->inbox, subject, strlen(subject));
    natsMsg_Destroy(message);
    wake(wire);
}

static void wire_send(void *self, struct rt_span payload, uint64_t tag, bool alert)
{
    struct nats_wire *wire = self;

    (void)tag, (void)alert;
    nats_must(js_PublishAsync(wire->stream, NATS_SUBJECT, payload.data, (int)payload.size, NULL),
              "publish");
}

static void wire_wait(void *self, int64_t until_ns)
{
    struct nats_wire *wire = self;
    struct timespec until = {until_ns / 1000000000, until_ns % 1000000000};

    if (until_ns <= bench_now_ns())
        return;
    pthread_mutex_lock(&wire->lock);
    wire->waiting = true;
    while (!wire->any && pthread_cond_timedwait(&wire->came, &wire->lock, &until) == 0)
        ;
    wire->waiting = wire->any = false;
    pthread_mutex_unlock(&wire->lock);
}

static void open_wire(struct nats_wire *wire, natsConnection *connection,
                      const struct bench_load *load)
{
    pthread_condattr_t attributes;
    jsOptions options;
    jsStreamInfo *info;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&wire->came, &attributes);
    pthread_mutex_init(&wire->lock, NULL);
    nats_must(jsOptions_Init(&options), "options");
    /* The window is ours: an open loop knows none. */
    options.PublishAsync.MaxPending = load->latency ? 10000000 : (int64_t)load->window;
    options.PublishAsync.AckHandler = on_answer;
    options.PublishAsync.AckHandlerClosure = wire;
    nats_must(natsConnection_JetStream(&wire->stream, connection, &options), "stream");
    nats_must(js_GetStreamInfo(&info, wire->stream, NATS_STREAM, NULL, NULL), "stream");
    wire->first = info->State.LastSeq;
    jsStreamInfo_Destroy(info);
}

int main(int argc, char **argv)
{
    struct bench_load load = bench_load(argc, argv);
    struct bench_inbox inbox;
    struct nats_wire wire = {.inbox = &inbox};
    natsConnection *connection = nats_connect(load.latency);
    natsSubscription *alerts = NULL;

    bench_inbox_open(&inbox, &load);
    open_wire(&wire, connection, &load);
    if (load.latency)
        nats_must(natsConnection_Subscribe(&alerts, connection, "alert.critical.ticket_overdue.*",
                                           on_alert, &wire),
                  "subscribe");
    bench_drive(&load, &inbox,
                (struct bench_wire){.self = &wire, .send = wire_send, .wait = wire_wait});
    natsSubscription_Destroy(alerts);
    jsCtx_Destroy(wire.stream);
    natsConnection_Destroy(connection);
    nats_Close();
    bench_inbox_close(&inbox);
    return 0;
}

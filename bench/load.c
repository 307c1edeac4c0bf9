/* The producer over raw ZeroMQ, for retaind and for the miniature of it (limit.c).
 *
 *   load throughput EVENTS BATCH ACCOUNTS WINDOW SEED [zipf]
 *   load latency RATE SECONDS BATCH ACCOUNTS ALERTS SEED [zipf]
 *   load accounts COUNT           a profile and a call for each of COUNT accounts
 *   load profiles COUNT           the same without the calls
 *
 * Endpoints come from RETAIND_EVENTS and RETAIND_ALERTS; BENCH_SERVER, BENCH_PUBLIC and BENCH_SECRET
 * (Z85) make it speak CURVE. Results go to standard output as one line of JSON; figures count
 * acknowledged events only, and a refusal in throughput ends the program with status 1. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zmq.h>

#include "bench/lib/drive.h"
#include "protocol/batch.h"

/* Bit of a message's tag that says to limit.c, which looks at no event: this one raises an alert. */
#define ALERT_BIT (UINT64_C(1) << 63)

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, zmq_strerror(errno));
    exit(1);
}

static const char *setting(const char *variable, const char *fallback)
{
    const char *value = getenv(variable);

    return value != NULL ? value : fallback;
}

static void set_key(void *socket, int option, const char *variable)
{
    const char *key = getenv(variable);

    if (key != NULL && zmq_setsockopt(socket, option, key, strlen(key)) != 0)
        fail(variable);
}

static void *open_socket(void *context, int type, const char *address)
{
    void *socket = zmq_socket(context, type);
    int none = 0;

    if (socket == NULL || zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof(none)) != 0 ||
        zmq_setsockopt(socket, ZMQ_SNDHWM, &none, sizeof(none)) != 0 ||
        zmq_setsockopt(socket, ZMQ_RCVHWM, &none, sizeof(none)) != 0)
        fail(address);
    set_key(socket, ZMQ_CURVE_SERVERKEY, "BENCH_SERVER");
    set_key(socket, ZMQ_CURVE_PUBLICKEY, "BENCH_PUBLIC");
    set_key(socket, ZMQ_CURVE_SECRETKEY, "BENCH_SECRET");
    if (zmq_connect(socket, address) != 0)
        fail(address);
    return socket;
}

static void send_message(void *socket, struct rt_span payload, uint64_t tag)
{
    if (zmq_send(socket, &tag, sizeof(tag), ZMQ_SNDMORE) < 0 ||
        zmq_send(socket, payload.data, payload.size, 0) < 0)
        fail("send");
}

/* Takes one answer; false if none is there. *good: all of it was taken. */
static bool take_answer(void *socket, int flags, uint64_t *tag, bool *good)
{
    struct rt_push_reply reply;
    zmq_msg_t message;

    if (zmq_recv(socket, tag, sizeof(*tag), flags) < 0) {
        if (errno == EAGAIN)
            return false;
        fail("receive");
    }
    zmq_msg_init(&message);
    if (zmq_msg_recv(&message, socket, 0) < 0)
        fail("receive");
    *good = rt_push_reply_decode(rt_span(zmq_msg_data(&message), zmq_msg_size(&message)), &reply) &&
            reply.error == RT_OK && reply.rejected == 0;
    zmq_msg_close(&message);
    return true;
}

/* ---- the wire -------------------------------------------------------------------------------- */

struct zwire {
    void *events, *alerts; /* alerts: NULL if nobody listens */
    struct bench_inbox *inbox;
};

static void wire_send(void *self, struct rt_span payload, uint64_t tag, bool alert)
{
    struct zwire *wire = self;

    send_message(wire->events, payload, alert ? tag | ALERT_BIT : tag);
}

static bool take_answers(struct zwire *wire)
{
    uint64_t tag;
    bool any = false, good;

    for (; take_answer(wire->events, ZMQ_DONTWAIT, &tag, &good); any = true)
        (good ? bench_answered : bench_refused)(wire->inbox, tag & ~ALERT_BIT);
    return any;
}

static bool take_alerts(struct zwire *wire)
{
    bool any = false;
    char topic[256];
    int size;

    while (wire->alerts != NULL &&
           (size = zmq_recv(wire->alerts, topic, sizeof(topic), ZMQ_DONTWAIT)) >= 0) {
        zmq_msg_t payload;

        bench_heard(wire->inbox, topic, (size_t)size < sizeof(topic) ? (size_t)size : 0);
        zmq_msg_init(&payload);
        if (zmq_msg_recv(&payload, wire->alerts, 0) < 0)
            fail("receive");
        zmq_msg_close(&payload);
        any = true;
    }
    return any;
}

static int descriptor(void *socket)
{
    int fd;
    size_t size = sizeof(fd);

    if (zmq_getsockopt(socket, ZMQ_FD, &fd, &size) != 0)
        fail("descriptor");
    return fd;
}

static bool is_readable(void *socket)
{
    int events;
    size_t size = sizeof(events);

    if (zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size) != 0)
        fail("events");
    return (events & ZMQ_POLLIN) != 0;
}

/* The descriptors are edge-triggered: one sleeps only after ZMQ_EVENTS has said that nothing is there. zmq_poll knows
 * milliseconds alone, which at a thousand events a second would be all there is to measure. */
static void wire_wait(void *self, int64_t until_ns)
{
    struct zwire *wire = self;
    struct pollfd fds[2] = {
        {.fd = descriptor(wire->events), .events = POLLIN},
        {.fd = wire->alerts != NULL ? descriptor(wire->alerts) : -1, .events = POLLIN}};

    for (;;) {
        bool any = take_answers(wire), heard = take_alerts(wire);
        int64_t left = until_ns - bench_now_ns();
        struct timespec timeout = {left / 1000000000, left % 1000000000};

        if (any || heard || left <= 0)
            return;
        if (!is_readable(wire->events) && (wire->alerts == NULL || !is_readable(wire->alerts)))
            ppoll(fds, 2, &timeout, NULL);
    }
}

static void drive(void *context, const struct bench_load *load)
{
    struct bench_inbox inbox;
    struct zwire wire = {.inbox = &inbox};

    bench_inbox_open(&inbox, load);
    wire.events =
        open_socket(context, ZMQ_DEALER, setting("RETAIND_EVENTS", "tcp://127.0.0.1:7600"));
    if (load->latency) {
        wire.alerts =
            open_socket(context, ZMQ_SUB, setting("RETAIND_ALERTS", "tcp://127.0.0.1:7602"));
        zmq_setsockopt(wire.alerts, ZMQ_SUBSCRIBE, BENCH_ALERTS, strlen(BENCH_ALERTS));
    }
    bench_drive(load, &inbox,
                (struct bench_wire){.self = &wire, .send = wire_send, .wait = wire_wait});
    zmq_close(wire.events);
    if (wire.alerts != NULL)
        zmq_close(wire.alerts);
    bench_inbox_close(&inbox);
}

/* ---- many accounts --------------------------------------------------------------------------- */

static void must_answer(void *socket)
{
    uint64_t tag;
    bool good;

    if (!take_answer(socket, 0, &tag, &good) || !good) {
        fprintf(stderr, "load: an answer was not all accepted\n");
        exit(1);
    }
}

static void make_accounts(void *context, uint64_t count, bool calls)
{
    enum { PER_MESSAGE = 500, WINDOW = 16 };
    void *socket =
        open_socket(context, ZMQ_DEALER, setting("RETAIND_EVENTS", "tcp://127.0.0.1:7600"));
    struct rt_buffer payload = {0};
    uint64_t in_flight = 0, each = calls ? 2 : 1;
    int64_t now = bench_wall_ms(), start = bench_now_ns();

    for (uint64_t at = 0; at < count; at += PER_MESSAGE) {
        uint64_t end = at + PER_MESSAGE < count ? at + PER_MESSAGE : count;

        rt_buffer_clear(&payload);
        rt_write_array(&payload, (uint32_t)(each * (end - at)));
        for (uint64_t i = at; i < end; i++) {
            bench_append_profile(&payload, i, now);
            if (calls)
                bench_append_call_of(&payload, i, i, now - (int64_t)(i % 30) * 86400000);
        }
        send_message(socket, rt_buffer_span(&payload), at);
        for (in_flight++; in_flight >= WINDOW; in_flight--)
            must_answer(socket);
    }
    for (; in_flight > 0; in_flight--)
        must_answer(socket);
    printf("{\"accounts\": %" PRIu64 ", \"events\": %" PRIu64 ", \"seconds\": %.3f}\n", count,
           each * count, (double)(bench_now_ns() - start) / 1e9);
    rt_buffer_free(&payload);
    zmq_close(socket);
}

int main(int argc, char **argv)
{
    void *context = zmq_ctx_new();

    if (argc == 3 && (strcmp(argv[1], "accounts") == 0 || strcmp(argv[1], "profiles") == 0)) {
        make_accounts(context, strtoull(argv[2], NULL, 10), argv[1][0] == 'a');
    } else {
        struct bench_load load = bench_load(argc, argv);

        drive(context, &load);
    }
    zmq_ctx_term(context);
    return 0;
}

/* A producer for the benchmark, over raw ZeroMQ: as many events as it can with a window of
 * unanswered messages, or at a fixed rate (open loop: the moment an event was due counts, not the
 * moment it could be sent).
 *
 *   load throughput EVENTS BATCH ACCOUNTS WINDOW SEED    events/s acknowledged
 *   load latency RATE SECONDS ACCOUNTS SEED              push-to-ack and push-to-alert, ms
 *   load accounts COUNT                                  a profile and a call for each of COUNT accounts
 *
 * Endpoints come from RETAIND_EVENTS and RETAIND_ALERTS. Results go to standard output as one line
 * of JSON. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <zmq.h>

#include "protocol/batch.h"
#include "protocol/writer.h"

enum { BATCH_MAX = 10000, SPREAD_DAYS = 90, OVERDUE_HOURS = 30 };

static uint64_t random_state;

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t next_random(void)
{
    uint64_t z = (random_state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static int64_t now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static int64_t wall_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_REALTIME, &time);
    return time.tv_sec * INT64_C(1000) + time.tv_nsec / 1000000;
}

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, zmq_strerror(errno));
    exit(1);
}

static const char *endpoint(const char *variable, const char *fallback)
{
    const char *value = getenv(variable);

    return value != NULL ? value : fallback;
}

static void *open_socket(void *context, int type, const char *address)
{
    void *socket = zmq_socket(context, type);
    int none = 0;

    if (socket == NULL || zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof(none)) != 0 ||
        zmq_setsockopt(socket, ZMQ_SNDHWM, &none, sizeof(none)) != 0 ||
        zmq_setsockopt(socket, ZMQ_RCVHWM, &none, sizeof(none)) != 0 ||
        zmq_connect(socket, address) != 0)
        fail(address);
    return socket;
}

/* ---- messages: packed once, then patched in place -------------------------------------------- */

/* A call of about 150 bytes whose id, account and ts have fixed places. */
struct template
{
    struct rt_buffer bytes;
    size_t id, account, ts;
};

static void make_call(struct template *t)
{
    struct rt_buffer *b = &t->bytes;

    rt_write_map(b, 9);
    rt_write_text(b, "id");
    rt_write_text(b, "0000000000000000");
    t->id = b->size - 16;
    rt_write_key_text(b, "type", "call");
    rt_write_text(b, "account");
    rt_write_text(b, "acc-00000000");
    t->account = b->size - 12;
    rt_write_text(b, "ts");
    rt_write_int(b, INT64_MAX);
    t->ts = b->size - 8;
    rt_write_key_text(b, "source", "pbx-berlin");
    rt_write_key_text(b, "direction", "in");
    rt_write_key_text(b, "agent", "kim");
    rt_write_key_int(b, "duration", 245);
    rt_write_key_text(b, "contact", "j.doe@example.com");
}

static void put_hex(uint8_t *to, uint64_t value)
{
    static const char digits[] = "0123456789abcdef";

    for (int i = 15; i >= 0; i--, value >>= 4)
        to[i] = (uint8_t)digits[value & 15];
}

static void put_account(uint8_t *to, uint64_t number)
{
    for (int i = 11; i >= 4; i--, number /= 10)
        to[i] = (uint8_t)('0' + number % 10);
}

static void put_ts(uint8_t *to, int64_t ms)
{
    for (int i = 7; i >= 0; i--, ms >>= 8)
        to[i] = (uint8_t)(ms & 255);
}

static void append_call(struct rt_buffer *out, const struct template *t, uint64_t id,
                        uint64_t account, int64_t ts)
{
    uint8_t *at;

    rt_buffer_append(out, t->bytes.data, t->bytes.size);
    at = out->data + out->size - t->bytes.size;
    put_hex(at + t->id, id);
    put_account(at + t->account, account);
    put_ts(at + t->ts, ts);
}

static void send_message(void *socket, const struct rt_buffer *payload, uint64_t tag)
{
    if (zmq_send(socket, &tag, sizeof(tag), ZMQ_SNDMORE) < 0 ||
        zmq_send(socket, payload->data, payload->size, 0) < 0)
        fail("send");
}

/* Takes one answer; false if none is there. Ends the program on a refusal: figures count
 * acknowledged events only. */
static bool take_answer(void *socket, int flags, uint64_t *tag, uint64_t *events)
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
    if (!rt_push_reply_decode(rt_span(zmq_msg_data(&message), zmq_msg_size(&message)), &reply) ||
        reply.error != RT_OK || reply.rejected > 0) {
        fprintf(stderr, "load: an answer was not all accepted (%s)\n", rt_error_name(reply.error));
        exit(1);
    }
    *events = reply.accepted + reply.duplicate;
    zmq_msg_close(&message);
    return true;
}

/* ---- as much as it can ----------------------------------------------------------------------- */

static void throughput(void *context, uint64_t total, uint32_t batch, uint64_t accounts,
                       uint64_t window)
{
    void *socket =
        open_socket(context, ZMQ_DEALER, endpoint("RETAIND_EVENTS", "tcp://127.0.0.1:7600"));
    struct template call = {0};
    struct rt_buffer payload = {0};
    uint64_t sent = 0, answered = 0, in_flight = 0, tag, got, prefix = next_random();
    int64_t start, wall = wall_ms();

    make_call(&call);
    start = now_ns();
    while (answered < total) {
        while (sent < total && in_flight < window) {
            rt_buffer_clear(&payload);
            if (batch > 1)
                rt_write_array(&payload, batch);
            for (uint32_t i = 0; i < batch; i++)
                append_call(&payload, &call, prefix + sent + i, next_random() % accounts,
                            wall - (int64_t)(next_random() % (SPREAD_DAYS * INT64_C(86400000))));
            send_message(socket, &payload, sent);
            sent += batch;
            in_flight++;
            while (take_answer(socket, ZMQ_DONTWAIT, &tag, &got)) {
                answered += got;
                in_flight--;
            }
        }
        if (in_flight > 0 && take_answer(socket, 0, &tag, &got)) {
            answered += got;
            in_flight--;
        }
    }
    printf("{\"events\": %" PRIu64 ", \"batch\": %u, \"seconds\": %.4f, \"events_per_s\": %.0f}\n",
           answered, batch, (double)(now_ns() - start) / 1e9,
           (double)answered * 1e9 / (double)(now_ns() - start));
    rt_buffer_free(&payload);
    rt_buffer_free(&call.bytes);
    zmq_close(socket);
}

/* ---- at a rate ------------------------------------------------------------------------------- */

struct samples {
    double *all;
    size_t count, capacity;
};

static void add_sample(struct samples *samples, double ms)
{
    if (samples->count < samples->capacity)
        samples->all[samples->count++] = ms;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double quantile(struct samples *samples, double q)
{
    if (samples->count == 0)
        return -1;
    qsort(samples->all, samples->count, sizeof(*samples->all), ascending);
    return samples->all[(size_t)(q * (double)(samples->count - 1))];
}

/* Every eighth event is a critical ticket that has been open for long: its alert names the account,
 * which is used once. */
static void append_ticket(struct rt_buffer *out, uint64_t number, uint64_t prefix)
{
    char name[32], id[32];

    snprintf(name, sizeof(name), "lat-%" PRIx64 "-%" PRIu64, prefix & 0xffffff, number);
    snprintf(id, sizeof(id), "%" PRIx64 "-%" PRIu64, prefix, number);
    rt_write_map(out, 7);
    rt_write_key_text(out, "id", id);
    rt_write_key_text(out, "type", "ticket");
    rt_write_key_text(out, "account", name);
    rt_write_key_int(out, "ts", wall_ms() - OVERDUE_HOURS * INT64_C(3600000));
    rt_write_key_text(out, "ticket", id);
    rt_write_key_text(out, "action", "opened");
    rt_write_key_int(out, "severity", 1);
}

struct latency {
    void *events, *alerts;
    int64_t *due; /* by event number */
    uint64_t prefix, total;
    struct samples ack, alert;
    uint64_t unanswered, unheard;
};

/* The topic ends in the account, which ends in the number. */
static void take_alerts(struct latency *run)
{
    char topic[256];
    int size;

    while ((size = zmq_recv(run->alerts, topic, sizeof(topic) - 1, ZMQ_DONTWAIT)) >= 0) {
        zmq_msg_t payload;
        uint64_t number;
        char *dash;

        topic[size < (int)sizeof(topic) ? size : (int)sizeof(topic) - 1] = '\0';
        zmq_msg_init(&payload);
        zmq_msg_recv(&payload, run->alerts, 0);
        zmq_msg_close(&payload);
        dash = strrchr(topic, '-');
        if (dash == NULL)
            continue;
        number = strtoull(dash + 1, NULL, 10);
        if (number >= run->total)
            continue;
        add_sample(&run->alert, (double)(now_ns() - run->due[number]) / 1e6);
        run->unheard--;
    }
}

static void take_answers(struct latency *run)
{
    uint64_t tag, got;

    while (take_answer(run->events, ZMQ_DONTWAIT, &tag, &got)) {
        add_sample(&run->ack, (double)(now_ns() - run->due[tag]) / 1e6);
        run->unanswered--;
    }
}

static void wait_until(struct latency *run, int64_t at)
{
    zmq_pollitem_t items[] = {{.socket = run->events, .events = ZMQ_POLLIN},
                              {.socket = run->alerts, .events = ZMQ_POLLIN}};
    int64_t left;

    do {
        take_answers(run);
        take_alerts(run);
        left = at - now_ns();
        if (left > 1500000)
            zmq_poll(items, 2, (long)(left / 1000000 - 1));
    } while (left > 0);
}

static void latency(void *context, uint64_t rate, uint64_t seconds, uint64_t accounts)
{
    struct latency run = {.prefix = next_random(), .total = rate * seconds};
    struct template call = {0};
    struct rt_buffer payload = {0};
    int64_t start, deadline;

    run.events =
        open_socket(context, ZMQ_DEALER, endpoint("RETAIND_EVENTS", "tcp://127.0.0.1:7600"));
    run.alerts = open_socket(context, ZMQ_SUB, endpoint("RETAIND_ALERTS", "tcp://127.0.0.1:7602"));
    zmq_setsockopt(run.alerts, ZMQ_SUBSCRIBE, "alert.critical.ticket_overdue.lat-", 34);
    run.due = calloc(run.total, sizeof(*run.due));
    run.ack = (struct samples){calloc(run.total, sizeof(double)), 0, run.total};
    run.alert = (struct samples){calloc(run.total, sizeof(double)), 0, run.total};
    make_call(&call);
    start = now_ns() + INT64_C(300000000); /* the subscription must arrive first */
    for (uint64_t i = 0; i < run.total; i++) {
        run.due[i] = start + (int64_t)(i * UINT64_C(1000000000) / rate);
        wait_until(&run, run.due[i]);
        rt_buffer_clear(&payload);
        if (i % 8 == 0)
            append_ticket(&payload, i, run.prefix);
        else
            append_call(&payload, &call, run.prefix + i, next_random() % accounts, wall_ms());
        run.unanswered++;
        run.unheard += i % 8 == 0;
        send_message(run.events, &payload, i);
    }
    deadline = now_ns() + INT64_C(10000000000);
    while ((run.unanswered > 0 || run.unheard > 0) && now_ns() < deadline)
        wait_until(&run, now_ns() + 1000000);
    printf("{\"rate\": %" PRIu64 ", \"events\": %" PRIu64 ", \"alerts\": %zu, \"unheard\": %" PRIu64
           ", \"ack_p50_ms\": %.3f, \"ack_p99_ms\": %.3f, \"ack_p999_ms\": %.3f"
           ", \"alert_p50_ms\": %.3f, \"alert_p99_ms\": %.3f, \"alert_p999_ms\": %.3f}\n",
           rate, run.total, run.alert.count, run.unheard, quantile(&run.ack, .5),
           quantile(&run.ack, .99), quantile(&run.ack, .999), quantile(&run.alert, .5),
           quantile(&run.alert, .99), quantile(&run.alert, .999));
    free(run.due);
    free(run.ack.all);
    free(run.alert.all);
    rt_buffer_free(&payload);
    rt_buffer_free(&call.bytes);
    zmq_close(run.events);
    zmq_close(run.alerts);
}

/* ---- many accounts --------------------------------------------------------------------------- */

static void append_profile(struct rt_buffer *out, uint64_t number, int64_t now)
{
    char name[13] = "acc-00000000", owner[16];

    put_account((uint8_t *)name, number);
    snprintf(owner, sizeof(owner), "owner-%" PRIu64, number % 50);
    rt_write_map(out, 8);
    rt_write_key_text(out, "id", "profile");
    rt_write_key_text(out, "type", "account");
    rt_write_key_text(out, "account", name);
    rt_write_key_int(out, "ts", now);
    rt_write_key_text(out, "owner", owner);
    rt_write_key_text(out, "tier", number % 10 == 0 ? "key" : "standard");
    rt_write_key_int(out, "value", (int64_t)(1000 + number % 90000));
    rt_write_key_int(out, "renewal", now + (int64_t)(number % 365) * 86400000);
}

static void make_accounts(void *context, uint64_t count)
{
    enum { PER_MESSAGE = 500, WINDOW = 16 };
    void *socket =
        open_socket(context, ZMQ_DEALER, endpoint("RETAIND_EVENTS", "tcp://127.0.0.1:7600"));
    struct template call = {0};
    struct rt_buffer payload = {0};
    uint64_t in_flight = 0, tag, got, answered = 0;
    int64_t now = wall_ms(), start = now_ns();

    make_call(&call);
    for (uint64_t at = 0; at < count; at += PER_MESSAGE) {
        uint64_t end = at + PER_MESSAGE < count ? at + PER_MESSAGE : count;

        rt_buffer_clear(&payload);
        rt_write_array(&payload, (uint32_t)(2 * (end - at)));
        for (uint64_t i = at; i < end; i++) {
            append_profile(&payload, i, now);
            append_call(&payload, &call, i, i, now - (int64_t)(i % 30) * 86400000);
        }
        send_message(socket, &payload, at);
        for (in_flight++; in_flight >= WINDOW; in_flight--, answered += got)
            take_answer(socket, 0, &tag, &got);
    }
    for (; in_flight > 0; in_flight--, answered += got)
        take_answer(socket, 0, &tag, &got);
    printf("{\"accounts\": %" PRIu64 ", \"events\": %" PRIu64 ", \"seconds\": %.3f}\n", count,
           answered, (double)(now_ns() - start) / 1e9);
    rt_buffer_free(&payload);
    rt_buffer_free(&call.bytes);
    zmq_close(socket);
}

static uint64_t number(char **argv, int argc, int at)
{
    if (at >= argc) {
        fprintf(stderr, "usage: load throughput EVENTS BATCH ACCOUNTS WINDOW SEED\n"
                        "       load latency RATE SECONDS ACCOUNTS SEED\n"
                        "       load accounts COUNT\n");
        exit(2);
    }
    return strtoull(argv[at], NULL, 10);
}

int main(int argc, char **argv)
{
    void *context = zmq_ctx_new();
    const char *mode = argc > 1 ? argv[1] : "";

    if (strcmp(mode, "throughput") == 0) {
        random_state = number(argv, argc, 6);
        throughput(context, number(argv, argc, 2), (uint32_t)number(argv, argc, 3),
                   number(argv, argc, 4), number(argv, argc, 5));
    } else if (strcmp(mode, "latency") == 0) {
        random_state = number(argv, argc, 5);
        latency(context, number(argv, argc, 2), number(argv, argc, 3), number(argv, argc, 4));
    } else {
        make_accounts(context,
                      strcmp(mode, "accounts") == 0 ? number(argv, argc, 2) : number(argv, 0, 0));
    }
    zmq_ctx_term(context);
    return 0;
}

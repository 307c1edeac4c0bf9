#include "bench/lib/drive.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

enum { SENDS_BETWEEN_LOOKS = 32, KNOCKS_MAX = 300, KNOCK_MS = 100, PATIENCE_S = 30 };
static const int64_t second_ns = 1000000000;

/* ---- what comes back ------------------------------------------------------------------------- */

void bench_inbox_open(struct bench_inbox *inbox, const struct bench_load *load)
{
    *inbox = (struct bench_inbox){0};
    if (!load->latency) {
        inbox->messages = (load->events + load->batch - 1) / load->batch;
        return;
    }
    inbox->messages = load->rate * load->seconds / load->batch;
    inbox->room = inbox->messages + KNOCKS_MAX;
    inbox->first = inbox->room;
    inbox->answered_at = calloc(inbox->room, sizeof(int64_t));
    inbox->heard_at = calloc(inbox->room, sizeof(int64_t));
    if (inbox->answered_at == NULL || inbox->heard_at == NULL)
        abort();
}

void bench_inbox_close(struct bench_inbox *inbox)
{
    free(inbox->answered_at);
    free(inbox->heard_at);
}

void bench_answered(struct bench_inbox *inbox, uint64_t tag)
{
    if (tag < inbox->room)
        inbox->answered_at[tag] = bench_now_ns();
    atomic_fetch_add_explicit(&inbox->answered, 1, memory_order_release);
}

void bench_refused(struct bench_inbox *inbox, uint64_t tag)
{
    (void)tag;
    atomic_fetch_add_explicit(&inbox->refused, 1, memory_order_release);
}

void bench_heard(struct bench_inbox *inbox, const char *topic, size_t size)
{
    uint64_t tag = 0, unit = 1;

    while (size > 0 && topic[size - 1] >= '0' && topic[size - 1] <= '9') {
        tag += unit * (uint64_t)(topic[--size] - '0');
        unit *= 10;
    }
    if (tag >= inbox->room || inbox->heard_at[tag] != 0)
        return;
    inbox->heard_at[tag] = bench_now_ns();
    if (tag < inbox->first)
        inbox->listening = true;
    else
        atomic_fetch_add_explicit(&inbox->heard, 1, memory_order_release);
}

static uint64_t settled(struct bench_inbox *inbox)
{
    return atomic_load_explicit(&inbox->answered, memory_order_acquire) +
           atomic_load_explicit(&inbox->refused, memory_order_acquire);
}

/* ---- messages -------------------------------------------------------------------------------- */

static void make_message(const struct bench_load *load, uint64_t prefix, uint64_t tag, bool alert,
                         int64_t wall_ms, struct rt_buffer *payload)
{
    rt_buffer_clear(payload);
    if (load->batch > 1)
        rt_write_array(payload, load->batch);
    if (alert)
        bench_append_ticket(payload, prefix, tag, wall_ms);
    for (uint32_t i = alert ? 1 : 0; i < load->batch; i++)
        bench_append_call(payload, prefix + tag * load->batch + i, wall_ms);
}

/* ---- as much as it can ----------------------------------------------------------------------- */

static void throughput(const struct bench_load *load, struct bench_inbox *inbox,
                       struct bench_wire wire)
{
    uint64_t sent = 0, prefix = bench_random();
    struct rt_buffer payload = {0};
    int64_t wall = bench_wall_ms(), start, end;

    start = bench_now_ns();
    while (settled(inbox) < inbox->messages) {
        for (int i = 0; i < SENDS_BETWEEN_LOOKS && sent < inbox->messages &&
                        sent - settled(inbox) < load->window;
             i++) {
            make_message(load, prefix, sent, false, wall, &payload);
            wire.send(wire.self, rt_buffer_span(&payload), sent++, false);
        }
        wire.wait(wire.self, sent < inbox->messages && sent - settled(inbox) < load->window
                                 ? 0
                                 : bench_now_ns() + second_ns);
    }
    end = bench_now_ns();
    if (inbox->refused > 0) {
        fprintf(stderr, "load: %" PRIu64 " messages were refused\n", inbox->refused);
        exit(1);
    }
    printf("{\"events\": %" PRIu64 ", \"batch\": %u, \"seconds\": %.4f, \"events_per_s\": %.0f, "
           "\"started_ns\": %" PRId64 "}\n",
           inbox->messages * load->batch, load->batch, (double)(end - start) / 1e9,
           (double)(inbox->messages * load->batch) * 1e9 / (double)(end - start), start);
    rt_buffer_free(&payload);
}

/* ---- at a rate ------------------------------------------------------------------------------- */

/* Moment of the message that is number `i` of those that count. */
static int64_t due_at(const struct bench_load *load, int64_t start, uint64_t i)
{
    return start + (int64_t)((double)i * load->batch * 1e9 / (double)load->rate);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void print_quantiles(const char *name, double *ms, size_t count)
{
    static const struct {
        const char *name;
        double q;
    } wanted[] = {{"p50", .5}, {"p99", .99}, {"p999", .999}, {"max", 1}};

    qsort(ms, count, sizeof(*ms), ascending);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
        printf(", \"%s_%s_ms\": %.3f", name, wanted[i].name,
               count == 0 ? -1 : ms[(size_t)(wanted[i].q * (double)(count - 1))]);
}

static void print_latencies(const struct bench_load *load, const struct bench_inbox *inbox,
                            int64_t start, uint64_t due_alerts)
{
    double *ack = calloc(inbox->messages, sizeof(*ack));
    double *alert = calloc(inbox->messages, sizeof(*alert));
    size_t acks = 0, alerts = 0;

    if (ack == NULL || alert == NULL)
        abort();
    for (uint64_t i = 0; i < inbox->messages; i++) {
        int64_t due = due_at(load, start, i);
        uint64_t tag = inbox->first + i;

        if (inbox->answered_at[tag] != 0)
            ack[acks++] = (double)(inbox->answered_at[tag] - due) / 1e6;
        if (inbox->heard_at[tag] != 0)
            alert[alerts++] = (double)(inbox->heard_at[tag] - due) / 1e6;
    }
    printf("{\"rate\": %" PRIu64 ", \"batch\": %u, \"events\": %" PRIu64
           ", \"unanswered\": %" PRIu64 ", \"refused\": %" PRIu64
           ", \"alerts\": %zu, \"unheard\": %" PRIu64,
           load->rate, load->batch, inbox->messages * load->batch, inbox->messages - acks,
           inbox->refused, alerts, due_alerts - alerts);
    print_quantiles("ack", ack, acks);
    print_quantiles("alert", alert, alerts);
    printf("}\n");
    free(ack);
    free(alert);
}

static void send_one(const struct bench_load *load, struct bench_wire wire, uint64_t prefix,
                     uint64_t tag, bool alert, struct rt_buffer *payload)
{
    make_message(load, prefix, tag, alert, bench_wall_ms(), payload);
    wire.send(wire.self, rt_buffer_span(payload), tag, alert);
}

/* Who has asked for alerts is not told when that holds: messages with an alert go out until one is
 * heard, and all of them are answered. Returns how many it took. */
static uint64_t knock(const struct bench_load *load, struct bench_inbox *inbox,
                      struct bench_wire wire, uint64_t prefix, struct rt_buffer *payload)
{
    uint64_t sent = 0;

    while (!inbox->listening && sent < KNOCKS_MAX) {
        int64_t until = bench_now_ns() + KNOCK_MS * INT64_C(1000000);

        send_one(load, wire, prefix, sent++, true, payload);
        while (!inbox->listening && bench_now_ns() < until)
            wire.wait(wire.self, until);
    }
    if (!inbox->listening) {
        fprintf(stderr, "load: no alert is heard\n");
        exit(1);
    }
    while (settled(inbox) < sent)
        wire.wait(wire.self, bench_now_ns() + second_ns);
    return sent;
}

static void latency(const struct bench_load *load, struct bench_inbox *inbox,
                    struct bench_wire wire)
{
    uint64_t every = inbox->messages / load->alerts, prefix = bench_random(), sent = 0, alerts = 0;
    struct rt_buffer payload = {0};
    uint64_t first = knock(load, inbox, wire, prefix, &payload);
    int64_t start, end;

    inbox->first = first;
    if (every == 0)
        every = 1;
    start = bench_now_ns();
    while (sent < inbox->messages) {
        for (int i = 0; i < SENDS_BETWEEN_LOOKS && sent < inbox->messages &&
                        due_at(load, start, sent) <= bench_now_ns();
             i++) {
            bool alert = sent % every == 0;

            send_one(load, wire, prefix, first + sent++, alert, &payload);
            alerts += alert;
        }
        wire.wait(wire.self, sent < inbox->messages ? due_at(load, start, sent) : 0);
    }
    end = bench_now_ns() + PATIENCE_S * second_ns;
    while ((settled(inbox) < first + sent || inbox->heard < alerts) && bench_now_ns() < end)
        wire.wait(wire.self, bench_now_ns() + second_ns / 10);
    print_latencies(load, inbox, start, alerts);
    rt_buffer_free(&payload);
}

void bench_drive(const struct bench_load *load, struct bench_inbox *inbox, struct bench_wire wire)
{
    /* Sleep to the microsecond: else each event of an open loop is 50 us late. */
    prctl(PR_SET_TIMERSLACK, 1);
    bench_seed(load->seed);
    bench_accounts(load->accounts, load->zipf);
    (load->latency ? latency : throughput)(load, inbox, wire);
}

/* ---- words ----------------------------------------------------------------------------------- */

static uint64_t number(int argc, char **argv, int at)
{
    char *end = NULL;
    uint64_t value = at < argc ? strtoull(argv[at], &end, 10) : 0;

    if (end == NULL || *end != '\0' || end == argv[at]) {
        fprintf(stderr,
                "usage: %s throughput EVENTS BATCH ACCOUNTS WINDOW SEED [zipf]\n"
                "       %s latency RATE SECONDS BATCH ACCOUNTS ALERTS SEED [zipf]\n",
                argv[0], argv[0]);
        exit(2);
    }
    return value;
}

struct bench_load bench_load(int argc, char **argv)
{
    struct bench_load load = {.latency = argc > 1 && strcmp(argv[1], "latency") == 0};
    int at = load.latency || (argc > 1 && strcmp(argv[1], "throughput") == 0) ? 2 : argc;

    if (load.latency) {
        load.rate = number(argc, argv, at++);
        load.seconds = number(argc, argv, at++);
        load.batch = (uint32_t)number(argc, argv, at++);
        load.accounts = number(argc, argv, at++);
        load.alerts = number(argc, argv, at++);
    } else {
        load.events = number(argc, argv, at++);
        load.batch = (uint32_t)number(argc, argv, at++);
        load.accounts = number(argc, argv, at++);
        load.window = number(argc, argv, at++);
    }
    load.seed = number(argc, argv, at++);
    load.zipf = at < argc && strcmp(argv[at], "zipf") == 0;
    return load;
}

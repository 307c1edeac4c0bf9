#include "daemon/exposition.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/bounds.h"
#include "daemon/clock.h"

static void put(struct rt_buffer *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void put(struct rt_buffer *out, const char *format, ...)
{
    char line[512];
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (size > 0 && (size_t)size < sizeof line) {
        rt_buffer_append(out, line, (size_t)size);
    }
}

static void head(struct rt_buffer *out, const char *name, const char *type, const char *help)
{
    put(out, "# HELP retaind_%s %s\n# TYPE retaind_%s %s\n", name, help, name, type);
}

static void single(struct rt_buffer *out, const char *name, const char *type, const char *help,
                   uint64_t value)
{
    head(out, name, type, help);
    put(out, "retaind_%s %" PRIu64 "\n", name, value);
}

static void by_code(struct rt_buffer *out, const char *name, const char *help,
                    const uint64_t *values)
{
    head(out, name, "counter", help);
    for (int code = RT_OK + 1; code < RT_ERROR_COUNT; code++) {
        if (values[code] > 0 || code == RT_BUSY) {
            put(out, "retaind_%s{code=\"%s\"} %" PRIu64 "\n", name,
                rt_error_name((enum rt_error)code), values[code]);
        }
    }
}

static void histogram(struct rt_buffer *out, const char *name, const char *help,
                      const struct rt_histogram *values)
{
    uint64_t count = rt_histogram_at_most(values, RT_HISTOGRAM_BUCKETS);

    head(out, name, "histogram", help);
    for (unsigned i = 0; i < RT_HISTOGRAM_BUCKETS; i++) {
        put(out, "retaind_%s_bucket{le=\"%g\"} %" PRIu64 "\n", name, rt_histogram_bounds[i],
            rt_histogram_at_most(values, i));
    }
    put(out, "retaind_%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, count);
    put(out, "retaind_%s_sum %.9g\nretaind_%s_count %" PRIu64 "\n", name, values->sum, name, count);
}

static void events_in(const struct rt_metrics *metrics, struct rt_buffer *out)
{
    single(out, "events_accepted_total", "counter", "Events on disk and counted.",
           metrics->accepted);
    single(out, "events_duplicate_total", "counter", "Events that were there already.",
           metrics->duplicate);
    single(out, "events_dead_total", "counter", "Events and payloads that became dead letters.",
           metrics->dead);
    by_code(out, "events_rejected_total", "Events refused, by code.", metrics->rejected);
    by_code(out, "payloads_refused_total", "Payloads refused as a whole, by code.",
            metrics->refused);
    head(out, "payloads_total", "counter", "Payloads received, by endpoint.");
    put(out, "retaind_payloads_total{endpoint=\"events\"} %" PRIu64 "\n", metrics->payloads);
    put(out, "retaind_payloads_total{endpoint=\"firehose\"} %" PRIu64 "\n",
        metrics->firehose_payloads);
    single(out, "received_bytes_total", "counter", "Bytes of payloads received.",
           metrics->received_bytes);
    histogram(out, "push_to_ack_seconds", "From a push received to its answer.",
              &metrics->push_to_ack);
}

static void connections(const struct rt_daemon *daemon, struct rt_buffer *out)
{
    const struct rt_guard *const guards[RT_ENDPOINTS] = {
        &daemon->ingest.events_guard, &daemon->ingest.firehose_guard, &daemon->publisher.guard,
        &daemon->queries.guard};

    head(out, "connections", "gauge", "Connections, by endpoint.");
    for (int i = 0; i < RT_ENDPOINTS; i++) {
        if (guards[i]->guarded != NULL) {
            put(out, "retaind_connections{endpoint=\"%s\"} %zu\n", guards[i]->guarded->name,
                guards[i]->connections.count);
        }
    }
}

static void the_rest(const struct rt_daemon *daemon, struct rt_buffer *out)
{
    const struct rt_metrics *metrics = &daemon->metrics;

    single(out, "queries_total", "counter", "Queries received.", metrics->queries);
    by_code(out, "queries_failed_total", "Queries the daemon refused, by code.",
            metrics->queries_failed);
    single(out, "connections_turned_away_total", "counter",
           "Connections refused for want of a key that may enter.", metrics->turned_away);
    single(out, "alerts_total", "counter", "Alerts published.", metrics->alerts);
    histogram(out, "push_to_alert_seconds", "From an event read to the alert it caused.",
              &metrics->push_to_alert);
    head(out, "dropped_total", "counter", "Messages dropped, by what they were.");
    for (int i = 0; i < RT_DROPPED_COUNT; i++) {
        put(out, "retaind_dropped_total{what=\"%s\"} %" PRIu64 "\n",
            rt_dropped_name((enum rt_dropped)i), metrics->dropped[i]);
    }
    single(out, "subscriptions", "gauge", "Topics that subscribers ask for.",
           daemon->publisher.subscriptions.held);
    connections(daemon, out);
    single(out, "pushes_pending", "gauge", "Pushes not answered yet.",
           daemon->ingest.pendings.count);
    single(out, "queries_pending", "gauge", "Queries not answered yet.", daemon->queries.count);
    single(out, "window_bytes", "gauge", "Bytes handed to workers and not acknowledged.",
           rt_daemon_unanswered_bytes(daemon));
    single(out, "resident_bytes", "gauge", "Memory of the daemon, without its workers.",
           daemon->memory.resident_bytes);
    single(out, "uptime_seconds", "gauge", "Since the daemon started.",
           (uint64_t)(rt_now_ms() - daemon->started_at) / 1000);
}

typedef uint64_t worker_value(const struct rt_worker *worker);

static void by_worker(const struct rt_daemon *daemon, struct rt_buffer *out, const char *name,
                      const char *type, const char *help, worker_value *value)
{
    head(out, name, type, help);
    for (uint32_t i = 0; i < daemon->worker_count; i++) {
        put(out, "retaind_%s{worker=\"%u\"} %" PRIu64 "\n", name, i, value(&daemon->workers[i]));
    }
}

static uint64_t is_up(const struct rt_worker *worker)
{
    return worker->state == RT_WORKER_READY;
}

static uint64_t restarts(const struct rt_worker *worker)
{
    return worker->restarts;
}

static uint64_t window_bytes(const struct rt_worker *worker)
{
    return worker->window.bytes;
}

#define NUMBER(field)                                                                              \
    static uint64_t number_##field(const struct rt_worker *worker)                                 \
    {                                                                                              \
        return worker->numbers.field;                                                              \
    }

NUMBER(accounts)
NUMBER(journal_bytes)
NUMBER(dedupe_bytes)
NUMBER(identities)
NUMBER(deadlines)
NUMBER(tickets_evicted)
NUMBER(dead_dropped)
NUMBER(disk_full)
NUMBER(disk_low)
NUMBER(disk_left)
NUMBER(clock_jump)

static const struct {
    const char *name, *type, *help;
    worker_value *value;
} worker_metrics[] = {
    {"worker_up", "gauge", "1 if the worker serves its partitions.", is_up},
    {"worker_restarts_total", "counter", "Times it was started again.", restarts},
    {"worker_window_bytes", "gauge", "Bytes handed to it and not acknowledged.", window_bytes},
    {"worker_accounts", "gauge", "Accounts it holds.", number_accounts},
    {"worker_journal_bytes", "gauge", "Bytes of its journal on disk.", number_journal_bytes},
    {"worker_dedupe_bytes", "gauge", "Memory of its identities.", number_dedupe_bytes},
    {"worker_identities", "gauge", "Identities it knows.", number_identities},
    {"worker_deadlines", "gauge", "Moments it waits for.", number_deadlines},
    {"worker_tickets_evicted_total", "counter", "Closed tickets forgotten: limits.tickets.",
     number_tickets_evicted},
    {"worker_dead_dropped_total", "counter", "Dead letters dropped for age or space.",
     number_dead_dropped},
    {"worker_disk_full", "gauge", "1 if it has no disk space.", number_disk_full},
    {"worker_disk_low", "gauge", "1 if less than journal.warn_percent is left.", number_disk_low},
    {"worker_disk_left_bytes", "gauge", "What its journal may still take.", number_disk_left},
    {"worker_clock_jump", "gauge", "1 while it holds alerts because the clock jumped.",
     number_clock_jump},
};

void rt_exposition(const struct rt_daemon *daemon, struct rt_buffer *out)
{
    uint64_t accounts = 0;

    head(out, "build_info", "gauge", "Always 1; the version is in the label.");
    put(out, "retaind_build_info{version=\"%s\"} 1\n", rt_version());
    events_in(&daemon->metrics, out);
    the_rest(daemon, out);
    for (uint32_t i = 0; i < daemon->worker_count; i++) {
        accounts += daemon->workers[i].numbers.accounts;
    }
    single(out, "accounts", "gauge", "Accounts of all workers.", accounts);
    for (size_t i = 0; i < sizeof worker_metrics / sizeof *worker_metrics; i++) {
        by_worker(daemon, out, worker_metrics[i].name, worker_metrics[i].type,
                  worker_metrics[i].help, worker_metrics[i].value);
    }
}

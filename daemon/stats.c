#include "daemon/stats.h"

#include "daemon/clock.h"

static uint64_t rejected(const struct rt_metrics *metrics)
{
    uint64_t sum = 0;

    for (int code = 0; code < RT_ERROR_COUNT; code++) {
        sum += metrics->rejected[code];
    }
    return sum;
}

static void write_events(const struct rt_merge_stats *sums, struct rt_buffer *out)
{
    rt_write_text(out, "events");
    rt_write_map(out, RT_EVENT_TYPES);
    for (int type = 0; type < RT_EVENT_TYPES; type++) {
        rt_write_key_int(out, rt_event_type_name((enum rt_event_type)type),
                         (int64_t)sums->events[type]);
    }
}

static void write_outcomes(const struct rt_metrics *metrics, struct rt_buffer *out)
{
    rt_write_text(out, "outcomes");
    rt_write_map(out, 4);
    rt_write_key_int(out, "accepted", (int64_t)metrics->accepted);
    rt_write_key_int(out, "duplicate", (int64_t)metrics->duplicate);
    rt_write_key_int(out, "rejected", (int64_t)rejected(metrics));
    rt_write_key_int(out, "dead", (int64_t)metrics->dead);
}

static void write_workers(const struct rt_daemon *daemon, const struct rt_merge_stats *sums,
                          struct rt_buffer *out)
{
    rt_write_text(out, "workers");
    rt_write_array(out, daemon->worker_count);
    for (uint32_t i = 0; i < daemon->worker_count; i++) {
        rt_write_map(out, 3);
        rt_write_key_int(out, "pid", daemon->workers[i].pid);
        rt_write_key_int(out, "accounts", (int64_t)sums->worker_accounts[i]);
        rt_write_key_int(out, "queue_bytes", (int64_t)daemon->workers[i].window.bytes);
    }
}

static void write_limits(const struct rt_config *config, struct rt_buffer *out)
{
    const struct {
        const char *name;
        int64_t value;
    } limits[] = {
        {"message_bytes", config->limits_message_bytes},
        {"event_bytes", config->limits_event_bytes},
        {"batch_events", RT_BATCH_EVENTS},
        {"total_bytes", config->limits_total_bytes},
        {"window_bytes", config->workers_window_bytes},
        {"answer_ms", config->limits_answer_ms},
        {"dedupe_days", config->limits_dedupe_days},
        {"tickets", config->limits_tickets},
        {"dead_days", config->limits_dead_days},
        {"dead_bytes", config->limits_dead_bytes},
        {"subscriptions", config->limits_subscriptions},
    };

    rt_write_text(out, "limits");
    rt_write_map(out, sizeof limits / sizeof *limits);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        rt_write_key_int(out, limits[i].name, limits[i].value);
    }
}

bool rt_stats_reply(const struct rt_daemon *daemon, const struct rt_merge *merge,
                    struct rt_buffer *out)
{
    struct rt_merge_stats sums;
    struct rt_span error;

    if (rt_merge_error(merge, &error)) {
        rt_write_raw(out, error);
        return !out->failed;
    }
    if (!rt_merge_stats(merge, &sums)) {
        return false;
    }
    rt_write_map(out, 9);
    rt_write_key_bool(out, "ok", true);
    rt_write_key_text(out, "version", rt_version());
    rt_write_key_int(out, "protocol", RT_PROTOCOL_VERSION);
    rt_write_key_int(out, "uptime_ms", rt_now_ms() - daemon->started_at);
    rt_write_key_int(out, "accounts", (int64_t)sums.accounts);
    write_events(&sums, out);
    write_outcomes(&daemon->metrics, out);
    write_workers(daemon, &sums, out);
    write_limits(&daemon->config, out);
    return !out->failed;
}

/* The daemon: all its parts, in one thread and one event loop, and the order in which they start
 * and stop.
 *
 * Start: configuration, state directory (lock, generation), sockets bound but not read, workers
 * started; when every worker is READY: sockets read, endpoints file, READY=1. Stop: pushes and
 * queries are answered `stopping`, what was read before is finished and answered, each worker is
 * told to STOP when its window is empty, endpoints file removed, exit. */
#ifndef RT_DAEMON_DAEMON_H
#define RT_DAEMON_DAEMON_H

#include <event2/event.h>

#include "config/config.h"
#include "daemon/door.h"
#include "daemon/generation.h"
#include "daemon/http.h"
#include "daemon/ingest.h"
#include "daemon/memory.h"
#include "daemon/metrics.h"
#include "daemon/notify.h"
#include "daemon/options.h"
#include "daemon/publish.h"
#include "daemon/query.h"
#include "daemon/signals.h"
#include "daemon/worker.h"
#include "daemon/zap.h"

enum { RT_HEALTH_TEXT = 16 << 10 };

enum rt_phase { RT_PHASE_RECOVERING, RT_PHASE_SERVING, RT_PHASE_STOPPING };

struct rt_daemon {
    const struct rt_options *options;
    struct rt_config config;
    char *config_text; /* as the workers get it */
    char worker_program[RT_PATH];
    struct rt_state_dir state;
    struct rt_activation activation;
    struct event_base *base;
    void *zmq;
    struct event *tick;
    struct rt_signals signals;
    struct rt_worker *workers;
    uint32_t worker_count;
    struct rt_doors doors;
    struct rt_zap zap;
    struct rt_ingest ingest;
    struct rt_publisher publisher;
    struct rt_queries queries;
    struct rt_http http;
    struct rt_watchdog watchdog;
    struct rt_metrics metrics;
    struct rt_memory memory;
    uint64_t secret; /* seeds the hashes of what strangers choose */
    enum rt_phase phase;
    int64_t started_at, stop_by; /* ms, monotonic */
    int exit_code;
    char health[RT_HEALTH_TEXT]; /* the first sentence that was said last */
};

/* Runs until it is told to stop; returns the exit code. Faults of the start are logged. */
int rt_daemon_run(const struct rt_options *options);

/* Every worker is READY for the first time. */
void rt_daemon_serve(struct rt_daemon *daemon);
/* SIGTERM, SIGINT. */
void rt_daemon_stop(struct rt_daemon *daemon);
/* SIGHUP. */
void rt_daemon_reload(struct rt_daemon *daemon);
/* The loop ends, with this exit code. */
void rt_daemon_leave(struct rt_daemon *daemon, int exit_code);

/* Unacknowledged bytes over all workers. */
size_t rt_daemon_unanswered_bytes(const struct rt_daemon *daemon);

/* Now, as events are judged by: the wall clock and debug.clock_offset_ms. */
int64_t rt_daemon_time(const struct rt_daemon *daemon);

#endif

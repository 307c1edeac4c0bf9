/* See daemon.h. */
#include "daemon/daemon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/endpoints.h"
#include "daemon/health.h"
#include "daemon/log.h"
#include "daemon/secret.h"
#include "daemon/spawn.h"
#include "daemon/supervisor.h"

enum {
    TICK_MS = 200,
    STOP_LIMIT_MS = 60000,
};

/* ---- what all parts ask for ------------------------------------------------------------------ */

size_t rt_daemon_unanswered_bytes(const struct rt_daemon *daemon)
{
    size_t bytes = 0;

    for (uint32_t i = 0; i < daemon->worker_count; i++) {
        bytes += daemon->workers[i].window.bytes;
    }
    return bytes;
}

int64_t rt_daemon_time(const struct rt_daemon *daemon)
{
    return rt_wall_ms() + daemon->config.debug_clock_offset_ms;
}

void rt_daemon_leave(struct rt_daemon *daemon, int exit_code)
{
    daemon->exit_code = exit_code;
    event_base_loopbreak(daemon->base);
}

/* ---- serving --------------------------------------------------------------------------------- */

void rt_daemon_serve(struct rt_daemon *daemon)
{
    daemon->phase = RT_PHASE_SERVING;
    rt_publish_start(daemon);
    rt_ingest_start(daemon);
    rt_query_start(daemon);
    if (!rt_endpoints_write(daemon)) {
        rt_log(RT_LOG_ERROR, "path=%s/endpoints cannot be written: %s", daemon->state.path,
               strerror(errno));
        rt_daemon_leave(daemon, 1);
        return;
    }
    rt_log(RT_LOG_NOTICE, "workers=%u generation=%u ms=%lld serving", daemon->worker_count,
           daemon->state.generation.number, (long long)(rt_now_ms() - daemon->started_at));
    rt_notify_ready(daemon);
}

static void pump_sockets(struct rt_daemon *daemon)
{
    rt_zsocket_kick(&daemon->ingest.events);
    rt_zsocket_kick(&daemon->ingest.firehose);
    rt_zsocket_kick(&daemon->queries.socket);
    rt_zsocket_kick(&daemon->publisher.socket);
    rt_zsocket_kick(&daemon->zap.socket);
}

/* 0 means: all that was read is on disk, or its sender was told that it is not. */
static int stop_status(const struct rt_daemon *daemon)
{
    return daemon->metrics.dropped[RT_DROPPED_FIREHOSE] == 0 ? 0 : 1;
}

static void stop_by_force(struct rt_daemon *daemon)
{
    rt_log(RT_LOG_ERROR, "unacknowledged_bytes=%zu stopped by force after %d s",
           rt_daemon_unanswered_bytes(daemon), STOP_LIMIT_MS / 1000);
    for (uint32_t i = 0; i < daemon->worker_count; i++) {
        rt_ingest_abandon(&daemon->workers[i]); /* their senders hear `stopping` */
    }
    rt_daemon_leave(daemon, 1);
}

static void continue_stop(struct rt_daemon *daemon, int64_t now)
{
    if (rt_supervisor_stop(daemon)) {
        rt_daemon_leave(daemon, stop_status(daemon));
    } else if (now >= daemon->stop_by) {
        stop_by_force(daemon);
    }
}

static void on_tick(evutil_socket_t descriptor, short what, void *context)
{
    struct rt_daemon *daemon = context;
    int64_t now = rt_now_ms();

    (void)descriptor;
    (void)what;
    rt_memory_tick(daemon, now);
    rt_supervisor_tick(daemon, now);
    rt_ingest_expire(daemon);
    rt_ingest_resume(daemon);
    rt_queries_expire(daemon, now);
    rt_http_expire(daemon, now);
    pump_sockets(daemon);
    rt_health_tick(daemon);
    rt_watchdog_tick(daemon, now);
    if (daemon->phase == RT_PHASE_STOPPING) {
        continue_stop(daemon, now);
    }
}

void rt_daemon_stop(struct rt_daemon *daemon)
{
    struct timeval often = {0, 10000};

    if (daemon->phase == RT_PHASE_STOPPING) {
        return;
    }
    daemon->phase = RT_PHASE_STOPPING;
    daemon->stop_by = rt_now_ms() + STOP_LIMIT_MS;
    rt_notify_stopping();
    rt_endpoints_remove(daemon);
    rt_ingest_stop(daemon);
    event_add(daemon->tick, &often);
}

/* ---- configuration --------------------------------------------------------------------------- */

static bool set_config(struct rt_daemon *daemon, const struct rt_config *config)
{
    char *text = rt_config_text(config);

    if (text == NULL) {
        return false;
    }
    free(daemon->config_text);
    daemon->config_text = text;
    daemon->config = *config;
    daemon->ingest.route.event_bytes = (size_t)config->limits_event_bytes;
    return true;
}

static void reload(struct rt_daemon *daemon, struct rt_config *next)
{
    char error[RT_CONFIG_ERROR], fixed[1024];

    if (!rt_options_config(daemon->options, next, error)) {
        rt_log(RT_LOG_ERROR, "file=%s not reloaded, the old configuration stays: %s",
               daemon->options->file, error);
        return;
    }
    if (rt_config_keep_fixed(&daemon->config, next, fixed, sizeof fixed) > 0) {
        rt_log(RT_LOG_WARNING, "file=%s keys=\"%s\" need a restart and stay as they are",
               daemon->options->file, fixed);
    }
    if (!set_config(daemon, next)) {
        rt_log(RT_LOG_ERROR, "file=%s not reloaded: out of memory", daemon->options->file);
        return;
    }
    rt_supervisor_configure(daemon);
    rt_log(RT_LOG_NOTICE, "file=%s reloaded", daemon->options->file);
}

void rt_daemon_reload(struct rt_daemon *daemon)
{
    struct rt_config *next = malloc(sizeof *next);

    rt_notify_reloading();
    rt_http_reload(daemon);
    if (rt_doors_reload(daemon)) { /* also where the file is refused: who is out stays out */
        rt_publish_drop(daemon, "a key that heard alerts may hear less now");
    }
    if (next == NULL) {
        rt_log(RT_LOG_ERROR, "not reloaded: out of memory");
    } else {
        reload(daemon, next);
    }
    free(next);
    if (daemon->phase == RT_PHASE_SERVING) {
        rt_notify_ready(daemon);
        daemon->health[0] = '\0';
    }
}

/* ---- start ----------------------------------------------------------------------------------- */

static uint32_t count_workers(const struct rt_config *config)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t count = config->workers_count;

    if (count == 0) {
        count = cores > 0 ? cores : 1;
    }
    return (uint32_t)(count > RT_WORKERS_MAX ? RT_WORKERS_MAX : count);
}

/* Many peers need many descriptors: as many as we may have. */
static void raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static bool make_loop(struct rt_daemon *daemon)
{
    struct timeval often = {0, TICK_MS * 1000};

    daemon->base = event_base_new();
    daemon->zmq = zmq_ctx_new();
    if (daemon->base == NULL || daemon->zmq == NULL) {
        return false;
    }
    daemon->tick = event_new(daemon->base, -1, EV_PERSIST, on_tick, daemon);
    return daemon->tick != NULL && event_add(daemon->tick, &often) == 0 && rt_memory_open(daemon) &&
           rt_signals_start(daemon);
}

static bool open_endpoints(struct rt_daemon *daemon, char *error, size_t error_size)
{
    return rt_zap_open(daemon, error, error_size) && rt_ingest_open(daemon, error, error_size) &&
           rt_publish_open(daemon, error, error_size) && rt_query_open(daemon, error, error_size) &&
           rt_http_open(daemon, error, error_size);
}

/* Each step may fail with a sentence in error; daemon_free undoes those that were done. */
static bool start(struct rt_daemon *daemon, char *error, size_t error_size)
{
    if (!rt_options_config(daemon->options, &daemon->config, error)) {
        return false;
    }
    snprintf(error, error_size, "out of memory");
    daemon->worker_count = count_workers(&daemon->config);
    if (!set_config(daemon, &daemon->config)) {
        return false;
    }
    if (!rt_doors_prepare(daemon, error, error_size)) {
        return false;
    }
    if (!rt_spawn_find(daemon->config.workers_program, daemon->worker_program,
                       sizeof daemon->worker_program, error, error_size) ||
        !rt_state_dir_open(&daemon->state, daemon->options->state_dir, daemon->worker_count, error,
                           error_size)) {
        return false;
    }
    rt_endpoints_remove(daemon);
    if (getrandom(&daemon->secret, sizeof daemon->secret, 0) != (ssize_t)sizeof daemon->secret) {
        snprintf(error, error_size, "no random bytes: %s", strerror(errno));
        return false;
    }
    if (!make_loop(daemon)) {
        snprintf(error, error_size, "cannot make the event loop: %s", strerror(errno));
        return false;
    }
    return open_endpoints(daemon, error, error_size) && rt_supervisor_start(daemon);
}

static void daemon_free(struct rt_daemon *daemon)
{
    rt_ingest_close(daemon);
    rt_query_close(daemon);
    rt_publish_close(daemon);
    rt_http_close(daemon);
    rt_zap_close(daemon);
    rt_supervisor_free(daemon);
    rt_signals_stop(daemon);
    rt_memory_close(daemon);
    if (daemon->tick != NULL) {
        event_free(daemon->tick);
    }
    if (daemon->zmq != NULL) {
        zmq_ctx_term(daemon->zmq);
    }
    rt_ingest_free(daemon);
    rt_query_free(daemon);
    if (daemon->base != NULL) {
        event_base_free(daemon->base);
    }
    rt_state_dir_close(&daemon->state);
    rt_doors_forget(daemon);
    free(daemon->config_text);
    free(daemon);
}

int rt_daemon_run(const struct rt_options *options)
{
    struct rt_daemon *daemon = calloc(1, sizeof *daemon);
    char error[RT_SECRET_ERROR + RT_STATE_PATH] = "out of memory";
    int exit_code = 1;

    if (daemon == NULL) {
        rt_log(RT_LOG_ERROR, "cannot start: out of memory");
        return 1;
    }
    daemon->options = options;
    daemon->state.lock = -1;
    daemon->started_at = rt_now_ms();
    rt_secret_hide_memory();
    rt_memory_prepare();
    raise_descriptors();
    rt_activation_read(&daemon->activation);
    rt_watchdog_read(&daemon->watchdog);
    if (start(daemon, error, sizeof error)) {
        event_base_dispatch(daemon->base);
        exit_code = daemon->exit_code;
        rt_log(RT_LOG_NOTICE, "stopped");
    } else {
        rt_log(RT_LOG_ERROR, "cannot start: %s", error);
    }
    daemon_free(daemon);
    return exit_code;
}

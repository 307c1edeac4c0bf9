/* See supervisor.h. */
#include "daemon/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "daemon/clock.h"
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "daemon/pong.h"
#include "daemon/spawn.h"
#include "daemon/worker_link.h"
#include "protocol/assert.h"

enum {
    PING_MS = 1000,
    LEAVE_MS = 1000,          /* a worker whose link ended gets so long before it is killed */
    STOP_MS = 10000,          /* and one that was told to stop so long after its STOPPED */
    RECOVERY_SILENCE = 30000, /* least time without a sign of life during recovery */
};

static void pause_over(evutil_socket_t descriptor, short what, void *context);

/* ---- start ----------------------------------------------------------------------------------- */

static void send_setup(struct rt_worker *worker)
{
    struct rt_daemon *daemon = worker->daemon;
    struct rt_buffer body = {0};
    const struct rt_link_setup setup = {
        .index = worker->index,
        .count = daemon->worker_count,
        .partitions = daemon->state.partitions,
        .log = worker->log,
        .state_dir = rt_span_text(daemon->state.path),
        .config = rt_span_text(daemon->config_text),
        .version = rt_span_text(rt_version()),
    };

    rt_link_setup_encode(&body, &setup);
    if (body.failed) {
        worker->link.control.failed = true;
    }
    rt_worker_link_control(worker, RT_LINK_SETUP, 0, 0, rt_buffer_span(&body));
    rt_buffer_free(&body);
}

static void start_later(struct rt_worker *worker)
{
    int64_t pause =
        rt_restart_lost(&worker->restart, rt_now_ms(), worker->daemon->config.workers_backoff_ms);
    struct timeval wait = {.tv_sec = pause / 1000, .tv_usec = pause % 1000 * 1000};

    worker->state = RT_WORKER_DOWN;
    if (rt_restart_failed(&worker->restart) && !worker->failed) {
        worker->failed = true;
        rt_log(RT_LOG_ERROR,
               "worker=%u failed: it ended %d times in a row before it was ready; it is tried "
               "again every %d s",
               worker->index, RT_RESTART_EARLY, RT_RESTART_PAUSE_MAX / 1000);
    }
    event_add(worker->start_timer, &wait);
}

static void start(struct rt_worker *worker)
{
    int descriptor;

    worker->hung = false;
    worker->stopping = false;
    worker->replayed = worker->to_replay = 0;
    worker->ping = worker->pong = 0;
    worker->started_at = worker->heard_at = worker->pinged_at = rt_now_ms();
    worker->pid = rt_spawn_worker(worker->daemon->worker_program, &descriptor);
    if (worker->pid == 0) {
        rt_log(RT_LOG_ERROR, "worker=%u cannot be started: %s", worker->index, strerror(errno));
        start_later(worker);
        return;
    }
    worker->state = RT_WORKER_STARTING;
    if (!worker->failed) {
        rt_log(RT_LOG_INFO, "worker=%u pid=%d log=%u started", worker->index, (int)worker->pid,
               worker->log);
    }
    if (!rt_worker_link_open(worker, descriptor)) {
        rt_supervisor_broken(worker, "out of memory");
        return;
    }
    send_setup(worker);
    rt_worker_link_flush(worker);
}

static void pause_over(evutil_socket_t descriptor, short what, void *context)
{
    struct rt_worker *worker = context;

    (void)descriptor;
    (void)what;
    worker->restarts++;
    start(worker);
}

bool rt_supervisor_start(struct rt_daemon *daemon)
{
    daemon->workers = calloc(daemon->worker_count, sizeof *daemon->workers);
    if (daemon->workers == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < daemon->worker_count; i++) {
        struct rt_worker *worker = &daemon->workers[i];

        worker->daemon = daemon;
        worker->index = i;
        worker->log = daemon->state.generation.log + i;
        worker->link.descriptor = -1;
        worker->start_timer = evtimer_new(daemon->base, pause_over, worker);
        if (worker->start_timer == NULL) {
            return false;
        }
    }
    for (uint32_t i = 0; i < daemon->worker_count; i++) {
        start(&daemon->workers[i]);
    }
    return true;
}

/* Workers that are still there leave when their link ends; they are not waited for. */
void rt_supervisor_free(struct rt_daemon *daemon)
{
    for (uint32_t i = 0; daemon->workers != NULL && i < daemon->worker_count; i++) {
        struct rt_worker *worker = &daemon->workers[i];

        rt_worker_link_close(worker);
        rt_window_free(&worker->window);
        if (worker->start_timer != NULL) {
            event_free(worker->start_timer);
        }
    }
    free(daemon->workers);
    daemon->workers = NULL;
}

/* ---- loss ------------------------------------------------------------------------------------ */

static void describe_end(const struct rt_worker *worker, int status, char *text, size_t size)
{
    if (WIFSIGNALED(status)) {
        snprintf(text, size, "%s%s", worker->hung ? "killed by us, " : "",
                 strsignal(WTERMSIG(status)));
    } else {
        snprintf(text, size, "exit status %d", WEXITSTATUS(status));
    }
}

static void lose(struct rt_worker *worker)
{
    if (worker->state != RT_WORKER_LOST) {
        worker->state = RT_WORKER_LOST;
        worker->lost_at = rt_now_ms();
    }
}

static bool leaves_for_good(const struct rt_worker *worker)
{
    return worker->daemon->phase == RT_PHASE_STOPPING &&
           (worker->stopping || worker->window.bytes == 0);
}

/* Both the process and the link are gone. */
static void settle(struct rt_worker *worker, int status)
{
    bool blame = rt_restart_blames_events(status, worker->hung);

    if (!rt_window_rewind(&worker->window, blame)) {
        rt_log(RT_LOG_WARNING, "worker=%u no memory to feed events singly", worker->index);
    }
    rt_queries_worker_lost(worker->daemon, worker->index);
    if (leaves_for_good(worker)) {
        worker->state = RT_WORKER_STOPPED;
    } else {
        start_later(worker);
    }
}

void rt_supervisor_link_ended(struct rt_worker *worker)
{
    rt_worker_link_close(worker);
    lose(worker);
    /* the process is reaped by SIGCHLD, or killed by the tick */
}

static void kill_worker(struct rt_worker *worker, const char *why)
{
    if (worker->hung || worker->pid == 0) {
        return;
    }
    worker->hung = true;
    rt_log(RT_LOG_ERROR, "worker=%u pid=%d killed: %s", worker->index, (int)worker->pid, why);
    kill(worker->pid, SIGKILL);
    lose(worker);
}

void rt_supervisor_broken(struct rt_worker *worker, const char *why)
{
    rt_worker_link_deafen(worker);
    kill_worker(worker, why);
}

static void reaped(struct rt_worker *worker, int status)
{
    char end[80];

    describe_end(worker, status, end, sizeof end);
    if (!worker->failed && !(worker->stopping && status == 0)) {
        rt_log(RT_LOG_WARNING, "worker=%u pid=%d unacknowledged_bytes=%zu ended: %s", worker->index,
               (int)worker->pid, worker->window.bytes, end);
    }
    worker->pid = 0;
    lose(worker);
    rt_worker_link_drain(worker);
    settle(worker, status);
}

void rt_supervisor_reap(struct rt_daemon *daemon)
{
    for (uint32_t i = 0; i < daemon->worker_count; i++) {
        struct rt_worker *worker = &daemon->workers[i];
        int status;

        if (worker->pid > 0 && waitpid(worker->pid, &status, WNOHANG) == worker->pid) {
            reaped(worker, status);
        }
    }
    rt_ingest_resume(daemon);
}

/* ---- signs of life --------------------------------------------------------------------------- */

static void ping(struct rt_worker *worker, int64_t now)
{
    if (worker->ping != worker->pong || worker->stopping || now - worker->pinged_at < PING_MS) {
        return;
    }
    worker->ping++;
    worker->pinged_at = now;
    rt_worker_link_control(worker, RT_LINK_PING, 0, worker->ping, rt_span(NULL, 0));
    rt_worker_link_flush(worker);
}

static void check_silence(struct rt_worker *worker, int64_t now)
{
    int64_t limit = worker->daemon->config.workers_hang_ms;

    if (worker->state == RT_WORKER_STARTING) {
        limit = limit > RECOVERY_SILENCE ? limit : RECOVERY_SILENCE;
        if (now - worker->heard_at > limit) {
            kill_worker(worker, "no progress in its recovery");
        }
    } else if (worker->ping != worker->pong && !worker->stopping &&
               now - worker->pinged_at > limit && now - worker->heard_at > limit) {
        kill_worker(worker, "it does not answer");
    }
}

static void press(struct rt_worker *worker, int64_t now)
{
    int64_t limit = worker->stopping ? STOP_MS : LEAVE_MS;

    if (worker->pid > 0 && !worker->hung && now - worker->lost_at > limit) {
        worker->hung = true;
        kill(worker->pid, SIGKILL);
    }
}

void rt_supervisor_tick(struct rt_daemon *daemon, int64_t now)
{
    for (uint32_t i = 0; i < daemon->worker_count; i++) {
        struct rt_worker *worker = &daemon->workers[i];

        switch (worker->state) {
        case RT_WORKER_READY:
            ping(worker, now);
            check_silence(worker, now);
            break;
        case RT_WORKER_STARTING:
            check_silence(worker, now);
            break;
        case RT_WORKER_LOST:
            press(worker, now);
            break;
        default:
            break;
        }
    }
}

/* ---- frames ---------------------------------------------------------------------------------- */

static bool on_progress(struct rt_worker *worker, struct rt_span body)
{
    struct rt_reader reader = rt_reader(body);

    if (!rt_get_u64(&reader, &worker->replayed) || !rt_get_u64(&reader, &worker->to_replay)) {
        return false;
    }
    rt_notify_recovering(worker->daemon);
    return rt_read_done(&reader);
}

static bool on_ready(struct rt_worker *worker, struct rt_span body)
{
    struct rt_daemon *daemon = worker->daemon;
    struct rt_link_ready ready;

    if (worker->state != RT_WORKER_STARTING || !rt_link_ready_decode(body, &ready)) {
        return worker->state == RT_WORKER_LOST;
    }
    rt_log(RT_LOG_INFO, "worker=%u pid=%d accounts=%llu replayed=%llu ms=%lld ready", worker->index,
           (int)worker->pid, (unsigned long long)ready.accounts, (unsigned long long)ready.replayed,
           (long long)(rt_now_ms() - worker->started_at));
    rt_restart_ready(&worker->restart, rt_now_ms());
    rt_publish_ready(worker, ready.published);
    worker->state = RT_WORKER_READY;
    worker->failed = false;
    worker->numbers.accounts = ready.accounts;
    if (daemon->phase == RT_PHASE_RECOVERING && rt_supervisor_all_ready(daemon)) {
        rt_daemon_serve(daemon);
    }
    return true;
}

static bool on_pong(struct rt_worker *worker, uint64_t tag, struct rt_span body)
{
    if (tag != worker->ping) {
        return false;
    }
    worker->pong = tag;
    worker->answered_watchdog = true;
    return rt_pong_read(body, &worker->numbers);
}

bool rt_supervisor_frame(struct rt_worker *worker, const struct rt_link_header *header,
                         struct rt_span body)
{
    worker->heard_at = rt_now_ms();
    switch (header->kind) {
    case RT_LINK_PROGRESS:
        return on_progress(worker, body);
    case RT_LINK_READY:
        return on_ready(worker, body);
    case RT_LINK_DONE:
        return rt_ingest_done(worker, header->tag, body);
    case RT_LINK_ALERT:
        return rt_publish_alert(worker, body);
    case RT_LINK_ANSWER:
        return rt_query_answered(worker->daemon, worker->index, header->tag, body);
    case RT_LINK_PONG:
        return on_pong(worker, header->tag, body);
    case RT_LINK_STOPPED:
        return worker->stopping;
    default:
        return false;
    }
}

/* ---- all of them ----------------------------------------------------------------------------- */

void rt_supervisor_configure(struct rt_daemon *daemon)
{
    for (uint32_t i = 0; i < daemon->worker_count; i++) {
        rt_worker_link_control(&daemon->workers[i], RT_LINK_CONFIG, 0, 0,
                               rt_span_text(daemon->config_text));
        rt_worker_link_flush(&daemon->workers[i]);
    }
}

bool rt_supervisor_all_ready(const struct rt_daemon *daemon)
{
    for (uint32_t i = 0; i < daemon->worker_count; i++) {
        if (daemon->workers[i].state != RT_WORKER_READY) {
            return false;
        }
    }
    return true;
}

static void tell_to_stop(struct rt_worker *worker)
{
    worker->stopping = true;
    rt_worker_link_control(worker, RT_LINK_STOP, 0, 0, rt_span(NULL, 0));
    rt_worker_link_flush(worker);
}

/* One step towards the worker's end. */
static void stop_one(struct rt_worker *worker)
{
    switch (worker->state) {
    case RT_WORKER_READY:
        if (worker->window.bytes == 0 && !worker->stopping &&
            !rt_queries_wait_for(worker->daemon, worker->index)) {
            tell_to_stop(worker);
        }
        break;
    case RT_WORKER_STARTING: /* a recovery may be cut short at any point */
        if (worker->window.bytes == 0 && !worker->stopping) {
            worker->stopping = true;
            kill(worker->pid, SIGKILL);
        }
        break;
    case RT_WORKER_DOWN:
        if (worker->window.bytes == 0) {
            event_del(worker->start_timer);
            worker->state = RT_WORKER_STOPPED;
        }
        break;
    default:
        break;
    }
}

/* While a message of the firehose is in hand every worker may still get a part of it. A failed one
 * is emptied all the same: there is room in its window then, the message leaves the hand
 * (rt_ingest_resume), the others persist their parts, and its own part is given up next. */
bool rt_supervisor_stop(struct rt_daemon *daemon)
{
    bool all = true;

    for (uint32_t i = 0; i < daemon->worker_count; i++) {
        struct rt_worker *worker = &daemon->workers[i];

        if (worker->state == RT_WORKER_DOWN && worker->failed) {
            rt_ingest_abandon(worker);
        }
        if (!daemon->ingest.is_parked) {
            stop_one(worker);
        }
        all = all && worker->state == RT_WORKER_STOPPED;
    }
    return all;
}

/* The loop: read, take, judge, commit, say. Every turn does a bounded piece of each. */
#include "workers/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "protocol/assert.h"
#include "workers/curve_file.h"
#include "workers/erase.h"
#include "workers/group.h"
#include "workers/journal_range.h"
#include "workers/hold.h"
#include "workers/recover.h"
#include "workers/secret.h"

enum {
    GROUP_BYTES = 4 << 20,   /* a group that waits for the one before it grows no larger */
    RECEIVE_BYTES = 8 << 20, /* read ahead from the link */
    ANSWER_BYTES = 8 << 20,  /* of answers that wait to be written: no more is asked then */
    HOLD_MS = 50,            /* between two looks whether a backup is over */
    JUDGE_BUDGET = 256,      /* accounts judged for their time in one turn */
};

/* ---- log, clock ------------------------------------------------------------------------------ */

void rt_worker_log(const struct rt_worker *worker, const char *level, const char *format, ...)
{
    static const struct {
        const char *name, *prefix;
    } levels[] = {{"err", "<3>"}, {"warning", "<4>"}, {"notice", "<5>"}, {"info", "<6>"}};
    const char *prefix = "";
    char text[1024];
    va_list args;

    for (size_t i = 0; getenv("JOURNAL_STREAM") != NULL && i < 4; i++)
        if (strcmp(levels[i].name, level) == 0)
            prefix = levels[i].prefix;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    fprintf(stderr, "%sworker=%u %s\n", prefix, worker->setup.index, text);
}

_Noreturn void rt_worker_die(const struct rt_worker *worker, const char *what, const char *why)
{
    rt_worker_log(worker, "err", "%s=failed error=\"%s\"", what, why);
    _exit(EXIT_FAILURE);
}

static int64_t read_clock(clockid_t id)
{
    struct timespec time;

    clock_gettime(id, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

int64_t rt_worker_now(struct rt_worker *worker)
{
    return rt_clock_advance(&worker->clock, read_clock(CLOCK_REALTIME), read_clock(CLOCK_BOOTTIME));
}

static bool is_held(const struct rt_worker *worker)
{
    return rt_clock_is_held(&worker->clock, read_clock(CLOCK_BOOTTIME));
}

/* ---- outboxes -------------------------------------------------------------------------------- */

struct rt_buffer *rt_worker_answers(struct rt_worker *worker)
{
    if (rt_journal_pending(worker->journal) > 0)
        return &worker->filling.answers;
    if (rt_journal_in_flight(worker->journal))
        return &worker->flying.answers;
    return &worker->wire.out;
}

static void append_buffer(struct rt_buffer *to, struct rt_buffer *from)
{
    rt_buffer_append(to, from->data, from->size);
    to->failed |= from->failed;
    rt_buffer_clear(from);
}

/* The group is on disk: what was said about it may leave, alerts before answers. */
static void release(struct rt_worker *worker)
{
    append_buffer(&worker->wire.out, &worker->flying.alerts);
    append_buffer(&worker->wire.out, &worker->flying.answers);
}

static void start_commit(struct rt_worker *worker)
{
    struct rt_outbox empty = worker->flying;
    int64_t now = rt_worker_now(worker);

    rt_core_close(&worker->core, now, &worker->filling.alerts);
    worker->flying = worker->filling;
    worker->filling = empty;
    rt_journal_commit(worker->journal, now, worker->core.config_epoch);
    rt_keep_after_commit(worker);
}

static void take_commit(struct rt_worker *worker, enum rt_journal_state state, const char *error)
{
    if (state == RT_JOURNAL_FAILED)
        rt_worker_die(worker, "journal", error);
    if (state != RT_JOURNAL_DONE)
        return;
    release(worker);
    rt_room_watch(worker);
    rt_dedupe_maintain(worker->dedupe,
                       worker->clock.judged - worker->config->limits_dedupe_days * RT_DAY_MS);
}

void rt_worker_flush(struct rt_worker *worker)
{
    char error[RT_JOURNAL_ERROR];

    if (rt_journal_in_flight(worker->journal))
        take_commit(worker, rt_journal_wait(worker->journal, error), error);
    if (rt_journal_pending(worker->journal) == 0)
        return;
    start_commit(worker);
    take_commit(worker, rt_journal_wait(worker->journal, error), error);
}

/* ---- frames ---------------------------------------------------------------------------------- */

static void pong(struct rt_worker *worker, uint64_t tag)
{
    struct rt_buffer *out = &worker->wire.out;
    const struct rt_core *core = &worker->core;
    uint64_t dedupe_bytes, identities, dropped = 0;
    size_t mark = rt_link_begin(out, RT_LINK_PONG, 0, tag);

    rt_room_watch(worker);
    for (uint32_t p = core->index; p < core->partitions; p += core->count)
        dropped += core->shards[p]->dead.dropped;
    rt_dedupe_size(worker->dedupe, &dedupe_bytes, &identities);
    rt_write_map(out, 13);
    rt_write_key_int(out, "accounts", (int64_t)core->accounts);
    rt_write_text(out, "events");
    rt_write_map(out, RT_EVENT_TYPES);
    for (int type = 0; type < RT_EVENT_TYPES; type++)
        rt_write_key_int(out, rt_event_type_name((enum rt_event_type)type),
                         (int64_t)core->events[type]);
    rt_write_key_int(out, "journal_bytes", (int64_t)rt_journal_bytes(worker->journal));
    rt_write_key_int(out, "dedupe_bytes", (int64_t)dedupe_bytes);
    rt_write_key_int(out, "identities", (int64_t)identities);
    rt_write_key_int(out, "deadlines", (int64_t)core->deadlines.count);
    rt_write_key_int(out, "alerts", (int64_t)core->alerts_said);
    rt_write_key_int(out, "tickets_evicted", (int64_t)core->evicted_tickets);
    rt_write_key_int(out, "dead_dropped", (int64_t)dropped);
    rt_write_key_bool(out, "disk_full", worker->disk_full);
    rt_write_key_bool(out, "disk_low", worker->disk_low);
    rt_write_key_int(out, "disk_left", (int64_t)worker->disk_left);
    rt_write_key_bool(out, "clock_jump", is_held(worker));
    rt_link_end(out, mark);
}

static bool parse_config(struct rt_worker *worker, struct rt_span text)
{
    struct rt_config *next =
        worker->config == &worker->configs[0] ? &worker->configs[1] : &worker->configs[0];
    char *copy = strndup((const char *)text.data, text.size);
    char error[RT_CONFIG_ERROR] = "out of memory";
    bool good;

    rt_config_init(next);
    good = copy != NULL && rt_config_parse(next, copy, error);
    free(copy);
    if (!good) {
        rt_worker_log(worker, "err", "configuration=refused error=\"%s\"", error);
        return false;
    }
    worker->config = next;
    worker->clock.offset = next->debug_clock_offset_ms;
    return true;
}

static void reconfigure(struct rt_worker *worker, struct rt_span text)
{
    if (!parse_config(worker, text))
        return;
    rt_core_configure(&worker->core, worker->config);
    rt_journal_set_max(worker->journal, (uint64_t)worker->config->journal_max_bytes);
}

static void take_published(struct rt_worker *worker, struct rt_span body)
{
    struct rt_reader reader = rt_reader(body);
    uint64_t position, number;

    if (rt_get_u64(&reader, &position) && rt_get_u64(&reader, &number))
        rt_core_published(&worker->core, position, number);
    else
        worker->wire.ended = true;
}

static void take_frame(struct rt_worker *worker, const struct rt_link_header *header,
                       struct rt_span body)
{
    switch (header->kind) {
    case RT_LINK_EVENTS:
        rt_ingest(worker, header, body);
        break;
    case RT_LINK_BURY:
        rt_bury(worker, header, body);
        break;
    case RT_LINK_QUERY:
        rt_ask(worker, header, body);
        break;
    case RT_LINK_PING:
        pong(worker, header->tag);
        break;
    case RT_LINK_CONFIG:
        reconfigure(worker, body);
        break;
    case RT_LINK_PUBLISHED:
        take_published(worker, body);
        break;
    case RT_LINK_STOP:
        worker->stopping = true;
        break;
    default:
        rt_worker_log(worker, "err", "link=broken frame=%u", header->kind);
        worker->wire.ended = true;
    }
}

/* What the daemon has not taken yet: a question that waits costs less than an answer that does. */
static bool has_room_to_answer(const struct rt_worker *worker)
{
    return worker->wire.out.size - worker->wire.out_at + worker->filling.answers.size +
               worker->flying.answers.size <
           ANSWER_BYTES;
}

static void take_frames(struct rt_worker *worker)
{
    struct rt_link_header header;
    struct rt_span body;

    while (!worker->stopping && !worker->wire.ended &&
           rt_journal_pending(worker->journal) < GROUP_BYTES && has_room_to_answer(worker) &&
           rt_wire_next(&worker->wire, &header, &body))
        take_frame(worker, &header, body);
}

/* ---- what time brings ------------------------------------------------------------------------ */

static bool load_is_over(const struct rt_worker *worker, int64_t now)
{
    return worker->core.quiet.count > 0 &&
           now >= worker->last_quiet + worker->config->alerts_quiet_ms;
}

/* Returns true if more of it can be done at once. */
static bool judge_time(struct rt_worker *worker)
{
    int64_t now = rt_worker_now(worker);
    struct rt_buffer *frames = &worker->filling.alerts;
    bool more = false;

    if (rt_journal_pending(worker->journal) >= GROUP_BYTES)
        return false;
    if (!is_held(worker))
        more = rt_core_due(&worker->core, now, JUDGE_BUDGET, frames);
    if (load_is_over(worker, now))
        more |= rt_core_load_ended(&worker->core, now, JUDGE_BUDGET, frames);
    more |= rt_core_sweep(&worker->core, now, frames);
    return more;
}

static int64_t next_moment(const struct rt_worker *worker)
{
    int64_t next = worker->next_cycle;
    int64_t deadline = rt_core_next_deadline(&worker->core);

    if (is_held(worker))
        deadline = worker->clock.judged + worker->clock.held_until - read_clock(CLOCK_BOOTTIME);
    if (deadline < next)
        next = deadline;
    if (worker->core.quiet.count > 0) {
        int64_t end = worker->last_quiet + worker->config->alerts_quiet_ms;

        if (end < next)
            next = end;
    }
    return next;
}

/* One timer on the wall clock waits for the earliest moment; it also fires when somebody sets that
 * clock. */
static void arm_timer(struct rt_worker *worker)
{
    int64_t at = next_moment(worker) - worker->clock.offset;
    struct itimerspec when = {0};

    if (at < 1)
        at = 1;
    when.it_value.tv_sec = (time_t)(at / 1000);
    when.it_value.tv_nsec = (long)(at % 1000) * 1000000;
    timerfd_settime(worker->timer_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL);
}

/* ---- the loop -------------------------------------------------------------------------------- */

static void drain(int fd)
{
    uint64_t count;

    while (read(fd, &count, sizeof(count)) < 0 && errno == EINTR)
        continue;
}

static void wait_for_work(struct rt_worker *worker)
{
    struct pollfd fds[3] = {{.fd = worker->wire.fd, .events = POLLIN},
                            {.fd = worker->commit_fd, .events = POLLIN},
                            {.fd = worker->timer_fd, .events = POLLIN}};

    if (rt_wire_has_output(&worker->wire))
        fds[0].events |= POLLOUT;
    if (!rt_wire_wants(&worker->wire, RECEIVE_BYTES) || worker->stopping)
        fds[0].events &= ~POLLIN;
    if (!worker->busy)
        arm_timer(worker);
    if (poll(fds, 3, worker->busy ? 0 : -1) < 0 && errno != EINTR)
        rt_worker_die(worker, "poll", strerror(errno));
    if (fds[0].revents & (POLLIN | POLLHUP | POLLERR))
        rt_wire_receive(&worker->wire, RECEIVE_BYTES);
    if (fds[1].revents & POLLIN)
        drain(worker->commit_fd);
    if (fds[2].revents & POLLIN)
        drain(worker->timer_fd);
}

static void turn(struct rt_worker *worker)
{
    char error[RT_JOURNAL_ERROR] = "";
    bool more, cut;

    wait_for_work(worker);
    take_commit(worker, rt_journal_poll(worker->journal, error), error);
    take_frames(worker);
    more = judge_time(worker);
    rt_scan_on(worker);
    cut = rt_journal_pending(worker->journal) >= GROUP_BYTES || !has_room_to_answer(worker);
    if (rt_journal_pending(worker->journal) > 0 && !rt_journal_in_flight(worker->journal))
        start_commit(worker);
    rt_keep_poll(worker);
    /* Nothing is said that was found with a disk that could not be read. */
    take_commit(worker, rt_journal_poll(worker->journal, error), error);
    rt_wire_send(&worker->wire);
    /* Frames that a full group left unread can be taken now, if it was handed over. */
    cut = cut && rt_journal_pending(worker->journal) < GROUP_BYTES && has_room_to_answer(worker);
    worker->busy = more || cut || worker->scans != NULL;
}

/* Everything read is answered and on disk; a snapshot of all makes the next start short. */
static void stop(struct rt_worker *worker)
{
    char error[RT_JOURNAL_ERROR] = "";

    while (worker->scans != NULL)
        rt_scan_on(worker);
    rt_worker_flush(worker);
    rt_keep_all(worker);
    take_commit(worker, rt_journal_poll(worker->journal, error), error);
    rt_link_frame(&worker->wire.out, RT_LINK_STOPPED, 0, 0, rt_span("", 0));
    while (rt_wire_has_output(&worker->wire) && !worker->wire.ended) {
        struct pollfd link = {.fd = worker->wire.fd, .events = POLLOUT};

        poll(&link, 1, -1);
        rt_wire_send(&worker->wire);
    }
}

/* ---- start ----------------------------------------------------------------------------------- */

static rt_position append_record(void *context, enum rt_record_type type, uint8_t flags,
                                 uint32_t partition, rt_position previous, struct rt_span body)
{
    return rt_journal_append(context, type, flags, partition, previous, body);
}

static bool read_record(void *context, rt_position position, struct rt_record *record)
{
    return rt_journal_read(context, position, record);
}

static void progress(void *context, uint64_t records)
{
    struct rt_worker *worker = context;
    struct rt_buffer body = {0};

    rt_put_u64(&body, records);
    rt_put_u64(&body, 0);
    rt_link_frame(&worker->wire.out, RT_LINK_PROGRESS, 0, 0, rt_buffer_span(&body));
    rt_buffer_free(&body);
    rt_wire_send(&worker->wire);
}

static void note(void *context, const char *text)
{
    rt_worker_log(context, "warning", "recovery %s", text);
}

/* What a backup is copying is not erased under its hands: this worker comes later. */
static void hold(void *context)
{
    struct rt_worker *worker = context;
    bool told = false;

    while (worker->hold < 0) {
        worker->hold = rt_hold_shared(worker->state_dir);
        if (worker->hold < 0 && errno != EWOULDBLOCK)
            rt_worker_die(worker, "erase", strerror(errno));
        if (worker->hold < 0) {
            if (!told)
                rt_worker_log(worker, "notice", "recovery erase=waits for a backup to end");
            told = true;
            progress(worker, 0);
            poll(NULL, 0, HOLD_MS);
        }
    }
}

static bool owns(void *context, uint32_t partition)
{
    const struct rt_worker *worker = context;
    const struct rt_core *core = &worker->core;

    return partition < core->partitions && core->shards[partition] != NULL;
}

/* Met where the index of identities was built; recovery tells the rest. */
static void damaged(void *context, const char *file, uint64_t offset, const char *what)
{
    rt_worker_log(context, "warning",
                  "recovery damaged file=%s offset=%llu what=\"%s\" identities=unknown", file,
                  (unsigned long long)offset, what);
}

static void receive_setup(struct rt_worker *worker)
{
    struct rt_link_header header;
    struct rt_span body;

    while (!rt_wire_next(&worker->wire, &header, &body)) {
        struct pollfd link = {.fd = worker->wire.fd, .events = POLLIN};

        if (worker->wire.ended)
            rt_worker_die(worker, "start", "the daemon went away");
        poll(&link, 1, -1);
        rt_wire_receive(&worker->wire, RECEIVE_BYTES);
    }
    if (header.kind != RT_LINK_SETUP || !rt_link_setup_decode(body, &worker->setup) ||
        worker->setup.count == 0 || worker->setup.index >= worker->setup.count ||
        worker->setup.partitions == 0 || worker->setup.partitions > RT_PARTITIONS_MAX ||
        worker->setup.state_dir.size >= sizeof(worker->state_dir))
        rt_worker_die(worker, "start", "no setup that can be understood");
    /* An upgrade put new programs in place while the old daemon runs. */
    if (!rt_span_is(worker->setup.version, RT_VERSION))
        rt_worker_die(worker, "start",
                      "the daemon is not of this version, " RT_VERSION ": restart it");
    memcpy(worker->state_dir, worker->setup.state_dir.data, worker->setup.state_dir.size);
    if (!parse_config(worker, worker->setup.config))
        exit(EXIT_FAILURE);
}

/* What is on disk, and what is on its way there. */
static void find_curve(void *context, uint32_t partition, const struct rt_curve_key *key,
                       struct rt_curve *curve)
{
    const struct rt_worker *worker = context;

    rt_curve_file_find(worker->state_dir, partition, key, curve);
    rt_curve_take(curve, rt_snapshot_writer_curve(worker->writer, partition), key);
}

static bool load_curves(void *context, uint32_t partition, struct rt_curve_table *table)
{
    const struct rt_worker *worker = context;

    if (!rt_curve_file_load(worker->state_dir, partition, table))
        return false;
    if (rt_curve_table_take(table, rt_snapshot_writer_curve(worker->writer, partition)))
        return true;
    rt_curve_table_free(table);
    return false;
}

static void open_state(struct rt_worker *worker)
{
    struct rt_journal_options options = {
        .state_dir = worker->state_dir,
        .log = worker->setup.log,
        .segment_bytes = (uint64_t)worker->config->journal_segment_bytes,
        .max_bytes = (uint64_t)worker->config->journal_max_bytes,
        .notify_fd = worker->commit_fd,
    };
    struct rt_store store = {.append = append_record, .read = read_record};
    char error[RT_JOURNAL_ERROR] = "out of memory";
    uint64_t seed;

    if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed) ||
        !rt_secret(worker->state_dir, &worker->secret, error, sizeof(error)))
        rt_worker_die(worker, "start", error);
    if (rt_scrub_pending(worker->state_dir))
        hold(worker);
    worker->journal = rt_journal_open(&options, error);
    if (worker->journal == NULL)
        rt_worker_die(worker, "journal", error);
    if (rt_journal_note(worker->journal)[0] != '\0')
        note(worker, rt_journal_note(worker->journal));
    if (!rt_journal_inherited(worker->journal, worker->setup.log - worker->setup.index, error))
        rt_worker_die(worker, "journal", error);
    store.context = worker->journal;
    if (!rt_core_init(&worker->core, worker->config, worker->setup.index, worker->setup.count,
                      worker->setup.partitions, worker->setup.log, seed, store))
        rt_worker_die(worker, "start", "out of memory");
    worker->core.curves = (struct rt_curve_source){worker, find_curve, load_curves, worker->secret};
    worker->dedupe = rt_dedupe_open(
        worker->journal, rt_worker_now(worker) - worker->config->limits_dedupe_days * RT_DAY_MS,
        owns, damaged, worker, error);
    if (worker->dedupe == NULL)
        rt_worker_die(worker, "dedupe", error);
    worker->writer = rt_snapshot_writer_new(worker->state_dir, worker->commit_fd);
    if (worker->writer == NULL)
        rt_worker_die(worker, "snapshot", "the writer cannot be started");
}

/* Alerts that have no publication number on disk: said again, the daemon knows those it heard. */
static void say_again(struct rt_worker *worker)
{
    const struct rt_alert_log *log = &worker->core.alerts;

    for (size_t i = log->first; i < log->count; i++) {
        const struct rt_alert_entry *entry = &log->entries[i];
        struct rt_record record;

        if (entry->number == 0 && rt_journal_read(worker->journal, entry->position, &record))
            rt_core_alert_frame(&worker->wire.out, entry->position, record.body);
    }
}

/* What became due while nobody ran is judged once, before the daemon serves: it puts in order of
 * its moment what all workers found. */
static void judge_the_past(struct rt_worker *worker)
{
    int64_t now = rt_worker_now(worker);
    bool more;

    do {
        more = rt_core_due(&worker->core, now, JUDGE_BUDGET, &worker->filling.alerts);
        if (rt_journal_pending(worker->journal) >= GROUP_BYTES || !more)
            rt_worker_flush(worker);
        progress(worker, 0);
    } while (more);
}

static void report_ready(struct rt_worker *worker, const struct rt_recovery *recovery)
{
    struct rt_link_ready ready = {.published = worker->core.alerts.newest,
                                  .accounts = worker->core.accounts,
                                  .replayed = recovery->replayed};
    struct rt_buffer body = {0};

    rt_link_ready_encode(&body, &ready);
    rt_link_frame(&worker->wire.out, RT_LINK_READY, 0, 0, rt_buffer_span(&body));
    rt_buffer_free(&body);
    rt_worker_log(worker, "info",
                  "state=ready accounts=%" PRIu64 " replayed=%" PRIu64 " damaged=%" PRIu64,
                  worker->core.accounts, recovery->replayed, recovery->damaged);
}

/* Accounts whose erase was done again must not live on in a snapshot from before it. */
static void save_erased(struct rt_worker *worker)
{
    struct rt_core *core = &worker->core;
    char error[RT_JOURNAL_ERROR] = "";

    if (!rt_forget(worker))
        rt_worker_die(worker, "erase", "letters that were dropped could not be overwritten");
    for (uint32_t p = core->index; p < core->partitions; p += core->count)
        if (core->shards[p]->dirty &&
            !rt_erase_snapshot(core, worker->journal, core->shards[p], worker->state_dir,
                               rt_worker_now(worker), error))
            rt_worker_die(worker, "erase", error);
}

static void recover(struct rt_worker *worker)
{
    struct rt_recovery recovery;
    char error[RT_JOURNAL_ERROR] = "";

    if (!rt_recover(&worker->core, worker->journal, worker->state_dir, worker->secret, progress,
                    note, hold, worker, &recovery, error))
        rt_worker_die(worker, "recovery", error);
    if (recovery.time > worker->clock.judged)
        worker->clock.judged = recovery.time;
    worker->last_quiet = rt_worker_now(worker); /* a load may go on */
    worker->cycle = worker->core.partitions;
    worker->next_cycle =
        recovery.erased > 0 ? 0 : rt_worker_now(worker) + worker->config->snapshot_interval_ms;
    if (recovery.erased > 0)
        save_erased(worker);
    rt_hold_release(worker->hold);
    worker->hold = -1;
    say_again(worker);
    judge_the_past(worker);
    rt_keep_expire(worker);
    take_commit(worker, rt_journal_poll(worker->journal, error), error);
    report_ready(worker, &recovery);
}

static void release_all(struct rt_worker *worker)
{
    rt_snapshot_writer_free(worker->writer);
    rt_dedupe_close(worker->dedupe);
    rt_core_free(&worker->core);
    rt_journal_close(worker->journal);
    while (worker->scans != NULL) {
        struct rt_scan *scan = worker->scans;

        worker->scans = scan->next;
        rt_scan_free(scan);
    }
    rt_buffer_free(&worker->filling.alerts);
    rt_buffer_free(&worker->filling.answers);
    rt_buffer_free(&worker->flying.alerts);
    rt_buffer_free(&worker->flying.answers);
    rt_buffer_free(&worker->rejections);
    free(worker->past_alerts.all);
    rt_buffer_free(&worker->taken.content);
    rt_wire_free(&worker->wire);
    close(worker->commit_fd);
    close(worker->timer_fd);
}

int rt_worker_run(struct rt_worker *worker)
{
    worker->hold = -1;
    rt_wire_init(&worker->wire, RT_LINK_FD);
    worker->commit_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    worker->timer_fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (worker->commit_fd < 0 || worker->timer_fd < 0)
        rt_worker_die(worker, "start", strerror(errno));
    receive_setup(worker);
    open_state(worker);
    recover(worker);
    worker->busy = true;
    while (!worker->stopping && !worker->wire.ended)
        turn(worker);
    if (worker->stopping)
        stop(worker);
    release_all(worker);
    return worker->stopping ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Snapshots, partition by partition: taken when a group is handed over (memory is then exactly what
 * the journal says up to there), saved by a thread once that group is on disk. And what goes for
 * its age. */
#include <poll.h>
#include <stdio.h>

#include "workers/curve_file.h"
#include "workers/export.h"
#include "workers/hold.h"
#include "workers/worker.h"

/* A partition that nothing happened to is written again when its snapshot lies so far back that it
 * keeps old segments from going. */
enum { STALE_SEGMENTS = 16, WAIT_MS = 10, OLDER_LOGS = 256 /* looked at in one go */ };

static uint64_t segment_of(rt_position position)
{
    return position >> 26 & ((1u << 22) - 1);
}

/* The first log of this generation: those before it are written no more. */
static uint32_t first_log(const struct rt_worker *worker)
{
    return worker->core.log - worker->core.index;
}

static bool has_older_logs(const struct rt_worker *worker)
{
    uint32_t oldest;

    return rt_journal_logs(worker->journal, &oldest, 1) > 0 && oldest < first_log(worker);
}

/* An empty partition, too, is written out twice in a new generation: both its snapshots then name
 * the new log, and the logs before can go. */
static bool is_stale(const struct rt_worker *worker, const struct rt_shard *shard)
{
    rt_position end = rt_journal_end(worker->journal);
    uint32_t log = worker->core.log;

    if (shard->dirty)
        return true;
    if (shard->covered == 0)
        return shard->table.count > 0 || has_older_logs(worker);
    if (rt_position_log(shard->covered) != log ||
        (shard->covered_before != 0 && rt_position_log(shard->covered_before) != log))
        return true;
    return segment_of(end) > segment_of(shard->covered) + STALE_SEGMENTS;
}

static void take(struct rt_worker *worker, struct rt_shard *shard)
{
    if (!rt_forget(worker))
        return;
    worker->taken = (struct rt_snapshot){.partition = shard->partition,
                                         .position = rt_journal_next(worker->journal),
                                         .time = worker->clock.judged,
                                         .config_epoch = worker->core.config_epoch};
    rt_core_export(&worker->core, shard, &worker->taken.content);
    if (worker->taken.content.failed) {
        rt_worker_log(worker, "err", "snapshot partition=%u error=\"out of memory\"",
                      shard->partition);
        rt_buffer_free(&worker->taken.content);
        return;
    }
    shard->dirty = false;
    worker->has_taken = true;
}

/* Whatever an alert or a dead letter that is still listed needs stays, too. */
static int64_t kept_since(const struct rt_worker *worker)
{
    const struct rt_config *config = worker->config;
    int64_t days = config->journal_keep_days;

    if (days < config->alerts_keep_days)
        days = config->alerts_keep_days;
    if (days < config->limits_dead_days)
        days = config->limits_dead_days;
    return worker->clock.judged - days * RT_DAY_MS;
}

static void trim(struct rt_worker *worker, uint32_t log, rt_position covered)
{
    size_t gone = rt_journal_trim(worker->journal, log, covered, kept_since(worker));

    if (gone > 0)
        rt_worker_log(worker, "info", "journal=trimmed log=%u segments=%zu", log, gone);
}

/* Logs of earlier generations hold other workers' partitions, too: they may go when on disk every
 * partition has its snapshots in this one. The first worker does it for all. */
static void trim_older_logs(struct rt_worker *worker)
{
    rt_position floor = rt_snapshot_floor(worker->state_dir, worker->core.partitions);
    uint32_t logs[OLDER_LOGS];
    size_t count = rt_journal_logs(worker->journal, logs, OLDER_LOGS);

    if (floor == 0 || rt_position_log(floor) < first_log(worker))
        return;
    for (size_t i = 0; i < count && i < OLDER_LOGS && logs[i] < first_log(worker); i++)
        trim(worker, logs[i], floor);
}

/* Not while a backup is being taken: its snapshots may name what would go. The next cycle will do. */
static void trim_logs(struct rt_worker *worker, rt_position covered)
{
    int hold = rt_hold_shared(worker->state_dir);

    if (hold < 0)
        return;
    if (covered != 0 && rt_position_log(covered) == worker->core.log)
        trim(worker, worker->core.log, covered);
    if (worker->core.index == 0 && has_older_logs(worker))
        trim_older_logs(worker);
    rt_hold_release(hold);
}

/* The limit is for all workers together. What names no account goes to partition 0: its worker has
 * half of it and a share of the other half, the others a share. */
static uint64_t dead_room(const struct rt_worker *worker)
{
    uint64_t all = (uint64_t)worker->config->limits_dead_bytes;
    uint64_t shared = all / 2;

    return shared / worker->core.count + (worker->core.index == 0 ? all - shared : 0);
}

static bool is_older(const struct rt_shard *shard, const struct rt_shard *than)
{
    const struct rt_dead_entry *a = shard->dead.entries, *b = than->dead.entries;

    return a->ts != b->ts ? a->ts < b->ts : a->position < b->position;
}

void rt_keep_dead(struct rt_worker *worker, const struct rt_shard *spared)
{
    struct rt_core *core = &worker->core;
    uint64_t room = dead_room(worker);
    struct rt_shard *oldest;
    uint64_t bytes;

    do {
        oldest = NULL;
        bytes = 0;
        for (uint32_t p = core->index; p < core->partitions; p += core->count) {
            struct rt_shard *shard = core->shards[p];

            bytes += shard->dead.bytes;
            if (shard->dead.count > (shard == spared ? 1 : 0) &&
                (oldest == NULL || is_older(shard, oldest)))
                oldest = shard;
        }
        if (bytes > room && oldest != NULL) {
            rt_dead_expire(&oldest->dead, INT64_MIN, oldest->dead.bytes - 1);
            oldest->dirty = true;
        }
    } while (bytes > room && oldest != NULL);
}

void rt_keep_expire(struct rt_worker *worker)
{
    struct rt_core *core = &worker->core;
    const struct rt_config *config = worker->config;
    int64_t now = worker->clock.judged;

    rt_forget_alerts(worker, now - config->alerts_keep_days * RT_DAY_MS);
    for (uint32_t p = core->index; p < core->partitions; p += core->count)
        rt_dead_expire(&core->shards[p]->dead, now - config->limits_dead_days * RT_DAY_MS,
                       UINT64_MAX);
    rt_keep_dead(worker, NULL);
}

static void trim_journal(struct rt_worker *worker)
{
    struct rt_core *core = &worker->core;
    rt_position covered = UINT64_MAX;

    for (uint32_t p = core->index; p < core->partitions; p += core->count) {
        struct rt_shard *shard = core->shards[p];
        bool empty = shard->table.count == 0 && !shard->dirty;

        if (shard->covered_before < covered && !(empty && shard->covered == 0))
            covered = shard->covered_before;
    }
    if (worker->config->journal_keep_days > 0)
        trim_logs(worker, covered);
}

static bool cycle_is_due(const struct rt_worker *worker)
{
    return worker->clock.judged >= worker->next_cycle || worker->core.curves_press ||
           worker->appended - worker->cycle_bytes >= (uint64_t)worker->config->snapshot_bytes;
}

static void begin_cycle(struct rt_worker *worker)
{
    worker->cycle = 0;
    worker->core.curves_press = false;
    worker->cycle_bytes = worker->appended;
    worker->next_cycle = worker->clock.judged + worker->config->snapshot_interval_ms;
    rt_keep_expire(worker);
    rt_forget(worker); /* else with the next snapshot, or the next cycle */
    trim_journal(worker);
}

/* Takes the next partition of the cycle that needs it. */
static void take_next(struct rt_worker *worker)
{
    struct rt_core *core = &worker->core;

    if (worker->has_taken || rt_snapshot_writer_busy(worker->writer))
        return;
    for (; worker->cycle < core->partitions && !worker->has_taken; worker->cycle++)
        if (core->shards[worker->cycle] != NULL && is_stale(worker, core->shards[worker->cycle]))
            take(worker, core->shards[worker->cycle]);
}

void rt_keep_after_commit(struct rt_worker *worker)
{
    if (worker->cycle >= worker->core.partitions && cycle_is_due(worker))
        begin_cycle(worker);
    take_next(worker);
}

/* Before those that were noted since. */
static void take_points_back(struct rt_shard *shard, struct rt_buffer *points)
{
    rt_buffer_append(points, shard->curve.data, shard->curve.size);
    if (points->failed) {
        rt_buffer_free(points);
        return;
    }
    rt_buffer_free(&shard->curve);
    shard->curve = *points;
}

static void collect_finished(struct rt_worker *worker)
{
    struct rt_snapshot_done done;

    while (rt_snapshot_writer_finished(worker->writer, &done)) {
        struct rt_shard *shard = worker->core.shards[done.partition];

        if (done.curve_error[0] != '\0') {
            take_points_back(shard, &done.curve);
            rt_worker_log(worker, "err", "curve partition=%u error=\"%s\"", done.partition,
                          done.curve_error);
        }
        if (done.saved) {
            shard->covered_before = shard->covered;
            shard->covered = done.position;
            continue;
        }
        shard->dirty = true;
        rt_worker_log(worker, "err", "snapshot partition=%u error=\"%s\"", done.partition,
                      done.error);
    }
}

/* Points of the shard go along with the snapshot, also those of a later group: they say nothing that
 * depends on it. */
static void start_writing(struct rt_worker *worker)
{
    struct rt_shard *shard = worker->core.shards[worker->taken.partition];

    worker->taken.curve = shard->curve;
    shard->curve = (struct rt_buffer){0};
    rt_snapshot_writer_start(worker->writer, &worker->taken);
    worker->has_taken = false;
}

void rt_keep_poll(struct rt_worker *worker)
{
    collect_finished(worker);
    if (!rt_journal_in_flight(worker->journal) && rt_journal_pending(worker->journal) == 0)
        rt_keep_after_commit(worker);
    if (worker->has_taken && !rt_snapshot_writer_busy(worker->writer) &&
        rt_journal_end(worker->journal) >= worker->taken.position) {
        start_writing(worker);
    }
}

void rt_keep_wait(struct rt_worker *worker)
{
    if (worker->has_taken) {
        worker->core.shards[worker->taken.partition]->dirty = true;
        rt_buffer_free(&worker->taken.content);
        worker->has_taken = false;
    }
    while (rt_snapshot_writer_busy(worker->writer)) {
        struct pollfd done = {.fd = worker->commit_fd, .events = POLLIN};

        poll(&done, 1, WAIT_MS);
        collect_finished(worker);
    }
}

static void save_points(struct rt_worker *worker, struct rt_shard *shard)
{
    char error[RT_JOURNAL_ERROR];

    if (!rt_curve_file_take(worker->state_dir, shard->partition, rt_buffer_span(&shard->curve),
                            NULL, error, sizeof(error)))
        rt_worker_log(worker, "err", "curve partition=%u error=\"%s\"", shard->partition, error);
    rt_buffer_free(&shard->curve);
    shard->curve = (struct rt_buffer){0};
}

void rt_keep_all(struct rt_worker *worker)
{
    struct rt_core *core = &worker->core;
    char error[RT_JOURNAL_ERROR];

    rt_keep_wait(worker);
    for (uint32_t p = core->index; p < core->partitions; p += core->count) {
        if (!is_stale(worker, core->shards[p]))
            continue;
        take(worker, core->shards[p]);
        save_points(worker, core->shards[p]);
        if (worker->has_taken &&
            !rt_snapshot_save(worker->state_dir, &worker->taken, error, sizeof(error)))
            rt_worker_log(worker, "err", "snapshot partition=%u error=\"%s\"", p, error);
        rt_buffer_free(&worker->taken.content);
        worker->has_taken = false;
    }
}

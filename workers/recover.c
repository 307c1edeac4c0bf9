#include "workers/recover.h"

#include <stdio.h>
#include <stdlib.h>

#include "protocol/query.h"
#include "workers/command.h"
#include "workers/erase.h"
#include "workers/export.h"
#include "workers/group.h"
#include "workers/record.h"
#include "workers/snapshot.h"

enum {
    PROGRESS_RECORDS = 100000,
    FIRST_GROUP = 2, /* the one before it is not 0 */
    CHUNK = 16,      /* events decoded before the first of them is counted */
    CHUNK_BYTES = 64 << 10,
};

/* ---- generations ----------------------------------------------------------------------------- */

void rt_log_history_free(struct rt_log_history *generations)
{
    free(generations->all);
    *generations = (struct rt_log_history){0};
}

static bool add_generation(struct rt_log_history *generations, const struct rt_generation *next)
{
    struct rt_generation *larger =
        realloc(generations->all, (generations->count + 1) * sizeof(*larger));

    if (larger == NULL)
        return false;
    generations->all = larger;
    larger[generations->count++] = *next;
    return true;
}

bool rt_log_history_parse(struct rt_log_history *generations, const char *text, char *error)
{
    struct rt_generation last = {0};

    *generations = (struct rt_log_history){0};
    while (*text != '\0') {
        if (!rt_generation_read(&text, &last) || !add_generation(generations, &last)) {
            snprintf(error, RT_JOURNAL_ERROR, "generations: line %zu cannot be read",
                     generations->count + 1);
            rt_log_history_free(generations);
            return false;
        }
    }
    return true;
}

bool rt_log_history_read(struct rt_log_history *generations, const char *state_dir, char *error)
{
    static const char name[] = "generations";
    char path[RT_PATH + sizeof(name) + 1], text[RT_GENERATION_LINE * RT_GENERATIONS_MAX];
    size_t size;
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", state_dir, name);
    file = fopen(path, "re");
    if (file == NULL) {
        snprintf(error, RT_JOURNAL_ERROR, "generations: cannot be read: %m");
        return false;
    }
    size = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[size] = '\0';
    return rt_log_history_parse(generations, text, error);
}

/* ---- replay ---------------------------------------------------------------------------------- */

/* An event on its way into its account, whose memory is on its way, too. */
struct coming {
    struct rt_shard *shard;
    uint32_t hash;
    rt_position position;
    bool quiet;
    struct rt_event event; /* its spans point into the chunk's bytes */
};

/* Events that stand behind one another in a log. They are counted before anything else is read. */
struct chunk {
    struct coming events[CHUNK];
    size_t count;
    struct rt_buffer bytes; /* does not move while there are events */
};

struct replay {
    struct rt_core *core;
    struct rt_recovery *recovery;
    rt_recover_progress *progress;
    rt_recover_note *note;
    rt_recover_hold *hold;
    void *context;
    rt_position *from;         /* by partition: what its snapshot covers */
    uint32_t generation_first; /* logs of the generation being replayed */
    uint32_t generation_workers;
    rt_position after; /* the last record that could be read */
    bool in_gap;       /* and behind it something that could not */
    const char *state_dir;
    struct rt_journal *journal;
    uint64_t seed;
    bool no_memory;
    struct chunk *chunk;

    /* The scores of the last days are in snapshots alone, and noted again on the way. */
    int64_t time;       /* of the commit before in the same log, 0: none */
    int64_t quiet_time; /* of the newest commit of a quiet load */
    bool loads;         /* the group holds quiet events */
    uint32_t day_group; /* the first of the day */
};

/* Scores before this are of no use any more. */
static bool is_recent(const struct replay *replay, int64_t time)
{
    enum { DAYS = 9 }; /* RT_PEAK_DAYS, and one that has begun */

    return time >= rt_journal_time(replay->journal) - DAYS * RT_DAY_MS;
}

/* No quiet event had come for so long that its accounts had been judged by `time`. What became due
 * for them since is found by their deadlines. */
static bool end_load(struct replay *replay, int64_t time)
{
    struct rt_core *core = replay->core;
    int64_t end = replay->quiet_time + core->config->alerts_quiet_ms;

    if (core->quiet.count == 0 || replay->loads || time < end)
        return true;
    for (; core->quiet.count > 0; core->quiet.count--) {
        struct rt_account *account = core->quiet.accounts[core->quiet.count - 1];

        if (!rt_waiting_add(&core->touched, account))
            return false;
        rt_account_wait(account)->group = core->group - 1;
        if (is_recent(replay, end))
            rt_rules_note(core->config, account, end, true);
    }
    return true;
}

/* It cannot lower the score: what is noted after it is no less than before. */
static bool is_welcome(const struct rt_event *event)
{
    return !event->has_sentiment && ((event->type == RT_CALL && event->outcome == RT_ANSWERED) ||
                                     (event->type == RT_VISIT && event->outcome == RT_HELD));
}

static bool is_touched_today(const struct replay *replay, uint32_t group)
{
    return group == RT_GROUP_QUIET || (group != 0 && group >= replay->day_group);
}

/* To be called before the event is applied. Live, the score is noted whenever a group was judged;
 * here only where it may fall next, at the end of a day and at the end of all: a start with a million
 * events to read should not take twice as long. When the group was judged is known only at its end:
 * not before the group before it, and not before what the event tells of. */
static bool touch(struct replay *replay, struct rt_account *account, const struct rt_event *event,
                  bool quiet)
{
    struct rt_core *core = replay->core;
    struct rt_wait *wait = rt_account_wait(account);
    int64_t time = event->ts - RT_FUTURE_MS;
    uint32_t group = wait->group;

    if (time < replay->time)
        time = replay->time;
    if (is_recent(replay, time) && !is_touched_today(replay, group))
        rt_core_note_curve(core, account, time);
    if (quiet) {
        replay->loads = true;
        wait->group = RT_GROUP_QUIET;
        return group == RT_GROUP_QUIET || rt_waiting_add(&core->quiet, account);
    }
    if (group == RT_GROUP_QUIET && !end_load(replay, time))
        return false;
    group = wait->group;
    if (group == RT_GROUP_QUIET)
        return true;
    if (group == 0 && !rt_waiting_add(&core->touched, account))
        return false;
    wait->group = core->group;
    if (is_recent(replay, time)) {
        if (group != core->group)
            rt_rules_before(core->config, account, time);
        if (group != 0 && !is_welcome(event))
            rt_rules_note(core->config, account, time, false);
    }
    return true;
}

static void begin_group(struct replay *replay)
{
    uint32_t next = replay->core->group + 1;

    replay->loads = false;
    replay->core->group = next == RT_GROUP_QUIET ? FIRST_GROUP : next;
}

/* The scores with which a day ended, of those that the group which ended it has not changed since. */
static void note_day(struct replay *replay)
{
    const struct rt_core *core = replay->core;

    for (size_t i = 0; is_recent(replay, replay->time) && i < core->touched.count; i++) {
        uint32_t group = rt_account_wait(core->touched.accounts[i])->group;

        if (group != core->group && group != RT_GROUP_QUIET)
            rt_rules_note(core->config, core->touched.accounts[i], replay->time, false);
    }
}

static void close_group(struct replay *replay, int64_t time)
{
    bool over = time / RT_DAY_MS != replay->time / RT_DAY_MS;

    if (replay->time > 0 && over)
        note_day(replay);
    if (replay->loads)
        replay->quiet_time = time;
    replay->time = time;
    begin_group(replay);
    if (over)
        replay->day_group = replay->core->group;
}

static bool count_event(struct replay *replay, const struct coming *coming)
{
    struct rt_core *core = replay->core;
    struct rt_account *account =
        rt_core_obtain(core, coming->shard, coming->event.account, coming->hash);

    if (account == NULL || !touch(replay, account, &coming->event, coming->quiet) ||
        !rt_account_apply(account, &coming->event, (size_t)core->config->limits_tickets,
                          &core->evicted_tickets))
        return false;
    rt_account_set_chain(account, coming->position);
    core->events[coming->event.type]++;
    return true;
}

/* False without memory. */
static bool count_chunk(struct replay *replay)
{
    struct chunk *chunk = replay->chunk;

    for (size_t i = 0; i < chunk->count; i++)
        rt_table_prefetch_account(&chunk->events[i].shard->table, chunk->events[i].hash);
    for (size_t i = 0; i < chunk->count; i++)
        rt_table_prefetch_facts(&chunk->events[i].shard->table, chunk->events[i].hash);
    for (size_t i = 0; i < chunk->count && !replay->no_memory; i++)
        replay->no_memory = !count_event(replay, &chunk->events[i]);
    chunk->count = 0;
    rt_buffer_clear(&chunk->bytes);
    return !replay->no_memory;
}

/* A place for one more event of so many bytes. False without memory. */
static bool make_room(struct replay *replay, size_t bytes)
{
    struct rt_buffer *kept = &replay->chunk->bytes;

    if (replay->chunk->count < CHUNK && kept->capacity - kept->size >= bytes)
        return true;
    if (!count_chunk(replay))
        return false;
    replay->no_memory = !rt_buffer_reserve(kept, bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES);
    return !replay->no_memory;
}

static bool replay_event(struct replay *replay, struct rt_shard *shard,
                         const struct rt_record *record)
{
    struct chunk *chunk = replay->chunk;
    struct coming *coming;
    size_t start;
    struct rt_fault fault;

    if (!make_room(replay, record->body.size))
        return false;
    start = chunk->bytes.size;
    coming = &chunk->events[chunk->count];
    rt_buffer_append(&chunk->bytes, record->body.data, record->body.size);
    if (rt_event_decode_accepted(rt_span(chunk->bytes.data + start, record->body.size),
                                 &coming->event, &fault) != RT_OK)
        return false;
    coming->shard = shard;
    coming->hash = rt_table_hash(coming->event.account, replay->core->seed);
    coming->position = record->position;
    coming->quiet = record->flags & RT_RECORD_QUIET;
    rt_table_prefetch(&shard->table, coming->hash);
    chunk->count++;
    return true;
}

static bool replay_alert(struct replay *replay, struct rt_shard *shard,
                         const struct rt_record *record)
{
    struct rt_core *core = replay->core;
    struct rt_link_alert message;
    struct rt_alert alert;
    struct rt_account *account;
    struct rt_alert_entry entry = {.position = record->position, .partition = record->partition};
    uint32_t partition;
    uint64_t episode;

    if (!rt_link_alert_decode(record->body, &message) || !rt_alert_decode(message.map, &alert) ||
        alert.ts < 0 || alert.ts > RT_TS_MAX || !rt_episode_parse(alert.id, &partition, &episode) ||
        partition != record->partition)
        return false;
    entry.published = alert.published;
    if (!rt_alert_log_add(&core->alerts, &entry)) {
        replay->no_memory = true;
        return false;
    }
    if (shard->next_episode <= episode)
        shard->next_episode = episode + 1;
    account = rt_core_find(core, alert.account);
    if (account == NULL)
        return true; /* erased since */
    if (!rt_account_alert(account, &alert, episode, record->position)) {
        replay->no_memory = true;
        return false;
    }
    if (rt_account_wait(account)->group == 0) {
        replay->no_memory |= !rt_waiting_add(&core->touched, account);
        rt_account_wait(account)->group = core->group - 1; /* no event of this group's touched it */
    }
    return !replay->no_memory;
}

static bool replay_published(struct replay *replay, const struct rt_record *record)
{
    struct rt_reader reader = rt_reader(record->body);
    uint64_t position, number;
    uint32_t partition;

    if (!rt_get_u64(&reader, &position) || !rt_get_u64(&reader, &number) || number == 0 ||
        number > RT_PUBLICATION_MAX)
        return false;
    rt_core_note_published(replay->core, position, number, &partition);
    return true;
}

static bool replay_erase(struct replay *replay, struct rt_shard *shard,
                         const struct rt_record *record)
{
    struct rt_account *account = rt_erase_find(shard, record->body, replay->seed);
    char error[RT_JOURNAL_ERROR];

    if (account == NULL)
        return true;
    replay->note(replay->context, "an erase that a stop cut short is done again");
    replay->hold(replay->context);
    if (!rt_erase_scrub(replay->core, replay->journal, shard, account, error) ||
        !rt_erase_curve(replay->core, shard, rt_account_name(account), replay->state_dir, error)) {
        replay->note(replay->context, error);
        return false;
    }
    rt_core_forget(replay->core, shard, account);
    replay->recovery->erased++;
    return true;
}

static bool replay_dead(struct rt_shard *shard, const struct rt_record *record)
{
    struct rt_dead_letter letter;

    return rt_dead_decode(record->body, &letter) &&
           rt_dead_add(&shard->dead, &letter, record->position);
}

static bool replay_command(struct replay *replay, struct rt_shard *shard,
                           const struct rt_record *record)
{
    struct rt_command command;

    if (!rt_command_decode(record->body, &command))
        return false;
    if (rt_command_apply(replay->core, shard, &command, record->position))
        return true;
    replay->no_memory |= command.kind == RT_COMMAND_OVERRIDE;
    return command.kind != RT_COMMAND_OVERRIDE && command.kind != RT_COMMAND_VOID;
}

static bool replay_record(struct replay *replay, struct rt_shard *shard,
                          const struct rt_record *record)
{
    switch (record->type) {
    case RT_RECORD_EVENT:
        return replay_event(replay, shard, record);
    case RT_RECORD_ALERT:
        return replay_alert(replay, shard, record);
    case RT_RECORD_COMMAND:
        return replay_command(replay, shard, record);
    case RT_RECORD_DEAD:
        return replay_dead(shard, record);
    case RT_RECORD_PUBLISHED:
        return replay_published(replay, record);
    case RT_RECORD_ERASE:
        return replay_erase(replay, shard, record);
    default:
        return true; /* the journal's own */
    }
}

static void take_commit(struct replay *replay, const struct rt_record *record)
{
    struct rt_reader reader = rt_reader(record->body);
    uint64_t time;

    if (!rt_get_u64(&reader, &time))
        return;
    if ((int64_t)time > replay->recovery->time)
        replay->recovery->time = (int64_t)time;
    close_group(replay, (int64_t)time);
}

/* True if the partition's log within the generation being replayed is the one the record stands in:
 * the logs of a generation hold other workers' partitions only through damage. */
static bool is_wanted(const struct replay *replay, const struct rt_record *record)
{
    const struct rt_core *core = replay->core;

    return record->partition < core->partitions && core->shards[record->partition] != NULL &&
           record->position >= replay->from[record->partition];
}

/* Up to `to` nothing could be read since the last record. */
static void close_gap(struct replay *replay, rt_position to)
{
    if (replay->in_gap)
        rt_lost_add(&replay->core->lost, replay->after, to);
    replay->in_gap = false;
}

static bool take(void *context, const struct rt_record *record)
{
    struct replay *replay = context;

    close_gap(replay, record->position);
    replay->after = record->position + rt_record_space(record->body.size) / RT_RECORD_ALIGN;
    if (record->type != RT_RECORD_EVENT && !count_chunk(replay))
        return false;
    if (record->type == RT_RECORD_COMMIT) {
        take_commit(replay, record);
        return true;
    }
    if (!is_wanted(replay, record))
        return true;
    replay->core->shards[record->partition]->dirty = true;
    if (++replay->recovery->replayed % PROGRESS_RECORDS == 0)
        replay->progress(replay->context, replay->recovery->replayed);
    if (replay_record(replay, replay->core->shards[record->partition], record))
        return true;
    if (replay->no_memory)
        return false;
    replay->recovery->damaged++;
    replay->note(replay->context, "a record of the journal cannot be understood; it is left out");
    return true;
}

static void damaged(void *context, const char *file, uint64_t offset, const char *what)
{
    struct replay *replay = context;
    char text[RT_JOURNAL_ERROR + 128];

    replay->recovery->damaged++;
    replay->in_gap = true;
    snprintf(text, sizeof(text), "damaged file=%s offset=%llu what=\"%s\"", file,
             (unsigned long long)offset, what);
    replay->note(replay->context, text);
}

/* ---- snapshots ------------------------------------------------------------------------------- */

static bool load_partition(struct replay *replay, struct rt_shard *shard, char *error)
{
    struct rt_snapshot snapshot = {0};
    char note[RT_JOURNAL_ERROR] = "";
    bool good =
        rt_snapshot_load(replay->state_dir, shard->partition, &snapshot, note, sizeof(note));

    if (note[0] != '\0')
        replay->note(replay->context, note);
    /* What cannot be read now may well be read later: to begin without it would lose it for good. */
    if (snapshot.unreadable)
        snprintf(error, RT_JOURNAL_ERROR, "no snapshot of partition %u can be read",
                 shard->partition);
    if (!good)
        return !snapshot.unreadable;
    good = rt_core_import(replay->core, shard, rt_buffer_span(&snapshot.content), error);
    rt_buffer_free(&snapshot.content);
    replay->from[shard->partition] = snapshot.position;
    shard->covered = snapshot.position;
    shard->covered_before = snapshot.oldest;
    shard->replayed_from = snapshot.position;
    if (snapshot.time > replay->recovery->time)
        replay->recovery->time = snapshot.time;
    if (snapshot.config_epoch != replay->core->config_epoch)
        replay->recovery->other_parameters = true;
    return good;
}

static bool load_snapshots(struct replay *replay, char *error)
{
    struct rt_core *core = replay->core;

    for (uint32_t p = core->index; p < core->partitions; p += core->count)
        if (!load_partition(replay, core->shards[p], error))
            return false;
    return true;
}

/* ---- order of the logs ----------------------------------------------------------------------- */

/* Where to begin in a log: before the earliest position any partition of ours still needs from it;
 * false if none does. A snapshot that stands in a later log covers the whole of an earlier one. */
static bool where_to_begin(const struct replay *replay, uint32_t log, rt_position *from)
{
    const struct rt_core *core = replay->core;
    uint32_t place = log - replay->generation_first;
    bool wanted = false;

    for (uint32_t p = core->index; p < core->partitions; p += core->count) {
        rt_position covered = replay->from[p];

        if (p % replay->generation_workers != place ||
            (covered != 0 && rt_position_log(covered) > log))
            continue;
        if (covered != 0 && rt_position_log(covered) < log)
            covered = 0;
        if (!wanted || covered < *from)
            *from = covered;
        wanted = true;
    }
    return wanted;
}

static bool replay_generation(struct replay *replay, const struct rt_generation *generation,
                              char *error)
{
    replay->generation_first = generation->log;
    replay->generation_workers = generation->workers;
    for (uint32_t i = 0; i < generation->workers; i++) {
        uint32_t log = generation->log + i;
        rt_position from = 0;

        if (!where_to_begin(replay, log, &from))
            continue;
        replay->time = 0;
        begin_group(replay);
        replay->day_group = replay->core->group;
        replay->after = from == 0 ? rt_position_make(log, 0, 0) : from;
        if (!rt_journal_walk(replay->journal, log, from, take, damaged, replay, error))
            return false;
        if (!count_chunk(replay)) {
            snprintf(error, RT_JOURNAL_ERROR, "out of memory");
            return false;
        }
        close_gap(replay, rt_position_make(log + 1, 0, 0));
    }
    return true;
}

/* What was touched has the deadline it had when the past was last judged: what became due since is
 * found by the ordinary path, in its order. */
static void restore_deadlines(struct rt_core *core, int64_t time)
{
    for (size_t i = 0; i < core->touched.count; i++) {
        struct rt_account *account = core->touched.accounts[i];

        rt_waiting_prefetch(&core->touched, i);
        if (rt_account_wait(account)->group == RT_GROUP_QUIET)
            continue;
        rt_account_wait(account)->group = 0;
        rt_rules_note(core->config, account, time, false);
        rt_core_wait_until(core, account, rt_rules_deadline(core->config, account, time));
    }
    core->touched.count = 0;
}

bool rt_recover(struct rt_core *core, struct rt_journal *journal, const char *state_dir,
                uint64_t seed, rt_recover_progress *progress, rt_recover_note *note,
                rt_recover_hold *hold, void *context, struct rt_recovery *recovery, char *error)
{
    struct replay replay = {.core = core,
                            .recovery = recovery,
                            .progress = progress,
                            .note = note,
                            .hold = hold,
                            .context = context,
                            .state_dir = state_dir,
                            .journal = journal,
                            .seed = seed};
    struct rt_log_history generations;
    bool good;

    *recovery = (struct rt_recovery){0};
    if (!rt_log_history_read(&generations, state_dir, error))
        return false;
    replay.from = calloc(core->partitions, sizeof(*replay.from));
    replay.chunk = calloc(1, sizeof(*replay.chunk));
    good = replay.from != NULL && replay.chunk != NULL;
    if (!good)
        snprintf(error, RT_JOURNAL_ERROR, "out of memory");
    good = good && load_snapshots(&replay, error);
    for (size_t i = 0; good && i < generations.count; i++)
        good = replay_generation(&replay, &generations.all[i], error);
    if (good) {
        rt_alert_log_settle(&core->alerts);
        restore_deadlines(core, recovery->time);
        if (recovery->other_parameters)
            core->sweep = 0;
    }
    if (replay.chunk != NULL)
        rt_buffer_free(&replay.chunk->bytes);
    free(replay.chunk);
    free(replay.from);
    rt_log_history_free(&generations);
    return good;
}

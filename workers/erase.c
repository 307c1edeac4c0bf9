#include "workers/erase.h"

#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "workers/command.h"
#include "workers/curve_file.h"
#include "workers/export.h"
#include "workers/journal_range.h"
#include "workers/snapshot.h"

void rt_erase_encode(struct rt_buffer *out, struct rt_span name, uint64_t seed)
{
    XXH128_hash_t hash = XXH3_128bits_withSeed(name.data, name.size, seed);

    rt_put_u64(out, hash.low64);
    rt_put_u64(out, hash.high64);
}

struct rt_account *rt_erase_find(const struct rt_shard *shard, struct rt_span body, uint64_t seed)
{
    struct rt_reader reader = rt_reader(body);
    XXH128_hash_t wanted;
    uint64_t low, high;

    if (!rt_get_u64(&reader, &low) || !rt_get_u64(&reader, &high))
        return NULL;
    wanted = (XXH128_hash_t){.low64 = low, .high64 = high};
    for (size_t at = 0; at < shard->table.capacity; at++) {
        struct rt_span name;

        if (shard->table.hashes[at] == 0)
            continue;
        name = rt_account_name(shard->table.accounts[at]);
        if (XXH128_isEqual(XXH3_128bits_withSeed(name.data, name.size, seed), wanted))
            return shard->table.accounts[at];
    }
    return NULL;
}

struct positions {
    rt_position *all;
    size_t count, capacity;
};

static bool add_position(struct positions *positions, rt_position position)
{
    if (positions->count == positions->capacity) {
        size_t capacity = positions->capacity ? positions->capacity * 2 : 64;
        rt_position *larger = realloc(positions->all, capacity * sizeof(*larger));

        if (larger == NULL)
            return false;
        positions->all = larger;
        positions->capacity = capacity;
    }
    positions->all[positions->count++] = position;
    return true;
}

/* What a walk over all logs looks for. */
struct wanted {
    struct rt_span name;
    uint32_t partition;
    struct positions *positions;
};

static bool take_wanted(void *context, const struct rt_record *record)
{
    const struct wanted *wanted = context;
    struct rt_command command;
    struct rt_span account = {0};

    if (record->partition != wanted->partition)
        return true;
    if (record->type == RT_RECORD_COMMAND && rt_command_decode(record->body, &command))
        account = command.account;
    else if (record->type != RT_RECORD_EVENT || !rt_event_account(record->body, &account))
        return true;
    return !rt_span_equal(account, wanted->name) ||
           add_position(wanted->positions, record->position);
}

/* Where a damaged record breaks the account's chain, all that is older is found by looking at
 * everything: slow, and never needed otherwise. */
static bool collect_by_walking(struct rt_journal *journal, const struct rt_shard *shard,
                               const struct rt_account *account, struct positions *positions)
{
    struct wanted wanted = {
        .name = rt_account_name(account), .partition = shard->partition, .positions = positions};
    size_t count = rt_journal_logs(journal, NULL, 0);
    uint32_t *logs = calloc(count + 1, sizeof(*logs));
    char error[RT_JOURNAL_ERROR];
    bool good = logs != NULL;

    if (good)
        rt_journal_logs(journal, logs, count);
    for (size_t i = 0; good && i < count; i++)
        good = rt_journal_foreign(journal, logs[i]) ||
               rt_journal_walk(journal, logs[i], 0, take_wanted, NULL, &wanted, error);
    free(logs);
    return good;
}

/* Newest first. The chain ends at a record that is gone: trimmed with its segment, or scrubbed
 * before a stop, and then so are all older ones. */
static bool collect_events(struct rt_journal *journal, const struct rt_shard *shard,
                           const struct rt_account *account, struct positions *positions)
{
    struct rt_record record;
    rt_position at = rt_account_chain(account);

    for (; at != 0 && rt_journal_read(journal, at, &record); at = record.previous)
        if (!add_position(positions, at))
            return false;
    return at == 0 || !rt_journal_is_damaged(journal, at) ||
           collect_by_walking(journal, shard, account, positions);
}

static bool is_about(struct rt_journal *journal, rt_position position, struct rt_span name)
{
    struct rt_link_alert alert;
    struct rt_record record;

    return rt_journal_read(journal, position, &record) &&
           rt_link_alert_decode(record.body, &alert) && rt_span_equal(alert.account, name);
}

static bool collect_alerts(struct rt_core *core, struct rt_journal *journal, uint32_t partition,
                           struct rt_span name, struct positions *positions)
{
    struct rt_alert_log *log = &core->alerts;

    for (size_t i = log->first; i < log->count;) {
        const struct rt_alert_entry entry = log->entries[i];

        if (entry.partition != partition || !is_about(journal, entry.position, name)) {
            i++;
            continue;
        }
        if (!add_position(positions, entry.position))
            return false;
        rt_alert_log_remove(log, entry.position);
    }
    return true;
}

/* A dead letter is bytes that nobody could read: whatever holds the name goes. */
static bool collect_dead(struct rt_core *core, struct rt_journal *journal, struct rt_span name,
                         struct positions *positions)
{
    for (uint32_t p = core->index; p < core->partitions; p += core->count) {
        struct rt_shard *shard = core->shards[p];

        for (size_t i = 0; i < shard->dead.count;) {
            const struct rt_dead_entry entry = shard->dead.entries[i];
            struct rt_record record;

            if (!rt_journal_read(journal, entry.position, &record) ||
                memmem(record.body.data, record.body.size, name.data, name.size) == NULL) {
                i++;
                continue;
            }
            if (!add_position(positions, entry.position))
                return false;
            rt_dead_remove(&shard->dead, entry.sequence);
            shard->dirty = true;
        }
    }
    return true;
}

/* Oldest first. Releases the positions. */
static bool scrub(struct rt_journal *journal, struct positions *positions, bool good, char *error)
{
    for (size_t i = positions->count; good && i > 0; i--)
        good = rt_journal_scrub(journal, positions->all[i - 1]);
    free(positions->all);
    if (!good)
        snprintf(error, RT_JOURNAL_ERROR, "records could not be overwritten");
    return good && rt_journal_scrub_sync(journal, error);
}

bool rt_erase_scrub(struct rt_core *core, struct rt_journal *journal, struct rt_shard *shard,
                    const struct rt_account *account, char *error)
{
    struct rt_span name = rt_account_name(account);
    struct positions positions = {0};
    bool good = collect_events(journal, shard, account, &positions) &&
                collect_alerts(core, journal, shard->partition, name, &positions) &&
                collect_dead(core, journal, name, &positions) && !rt_journal_failed(journal);

    return scrub(journal, &positions, good, error);
}

bool rt_erase_letters(struct rt_core *core, struct rt_journal *journal, struct rt_span name,
                      char *error)
{
    struct positions positions = {0};
    bool good = collect_dead(core, journal, name, &positions);

    return scrub(journal, &positions, good, error);
}

bool rt_erase_curve(struct rt_core *core, struct rt_shard *shard, struct rt_span name,
                    const char *state_dir, char *error)
{
    struct rt_curve_key key = rt_curve_key(name, core->curves.secret);

    rt_curve_drop(&shard->curve, &key);
    if (!rt_curve_file_take(state_dir, shard->partition, rt_buffer_span(&shard->curve), &key, error,
                            RT_JOURNAL_ERROR))
        return false;
    rt_buffer_free(&shard->curve);
    shard->curve = (struct rt_buffer){0};
    return true;
}

bool rt_erase_snapshot(struct rt_core *core, struct rt_journal *journal, struct rt_shard *shard,
                       const char *state_dir, int64_t now, char *error)
{
    struct rt_snapshot snapshot = {.partition = shard->partition,
                                   .position = rt_journal_end(journal),
                                   .time = now,
                                   .config_epoch = core->config_epoch};
    bool good;

    rt_core_export(core, shard, &snapshot.content);
    good = !snapshot.content.failed &&
           rt_snapshot_replace(state_dir, &snapshot, error, RT_JOURNAL_ERROR);
    rt_buffer_free(&snapshot.content);
    if (!good)
        return false;
    shard->covered = shard->covered_before = snapshot.position;
    shard->dirty = false;
    return true;
}

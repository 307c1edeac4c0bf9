/* Content of a snapshot, version 1, little-endian:
 *
 *   u32 version
 *   u64 next_episode
 *   u64 gone                            highest publication number that was dropped for its age
 *   u32 n, n x (u64 position, u64 number, i64 published)                   alerts of this partition
 *   u64 next dead letter, u64 dropped, u32 n, n x (u64 sequence, i64 ts, u64 position, u32 kept)
 *   u64 accounts, each rt_account_encode
 *
 * To change it: write the new version here, keep reading the old ones, and add a state directory
 * written by the old version to tests/golden. */
#include "workers/export.h"

#include <stdio.h>

#include "protocol/assert.h"

enum { EXPORT_VERSION = 1 };

static void export_alerts(const struct rt_core *core, uint32_t partition, struct rt_buffer *out)
{
    const struct rt_alert_log *log = &core->alerts;
    uint32_t count = 0;

    rt_put_u64(out, log->gone);
    for (size_t i = log->first; i < log->count; i++)
        count += log->entries[i].partition == partition;
    rt_put_u32(out, count);
    for (size_t i = log->first; i < log->count; i++) {
        const struct rt_alert_entry *entry = &log->entries[i];

        if (entry->partition != partition)
            continue;
        rt_put_u64(out, entry->position);
        rt_put_u64(out, entry->number);
        rt_put_u64(out, (uint64_t)entry->published);
    }
}

static void export_dead(const struct rt_dead_letters *dead, struct rt_buffer *out)
{
    rt_put_u64(out, dead->next);
    rt_put_u64(out, dead->dropped);
    rt_put_u32(out, (uint32_t)dead->count);
    for (size_t i = 0; i < dead->count; i++) {
        rt_put_u64(out, dead->entries[i].sequence);
        rt_put_u64(out, (uint64_t)dead->entries[i].ts);
        rt_put_u64(out, dead->entries[i].position);
        rt_put_u32(out, dead->entries[i].kept);
    }
}

/* Commits wait while a partition is copied, and the processor's cache holds none of it. */
static void prefetch(const struct rt_table *table, size_t at)
{
    enum { AHEAD = 8 }; /* slots between a hint and its use */

    if (at + 2 * AHEAD < table->capacity && table->hashes[at + 2 * AHEAD] != 0)
        rt_account_prefetch(table->accounts[at + 2 * AHEAD]);
    if (at + AHEAD < table->capacity && table->hashes[at + AHEAD] != 0)
        rt_account_prefetch_facts(table->accounts[at + AHEAD]);
}

void rt_core_export(const struct rt_core *core, const struct rt_shard *shard, struct rt_buffer *out)
{
    const struct rt_table *table = &shard->table;

    rt_put_u32(out, EXPORT_VERSION);
    rt_put_u64(out, shard->next_episode);
    export_alerts(core, shard->partition, out);
    export_dead(&shard->dead, out);
    rt_put_u64(out, table->count);
    for (size_t at = 0; at < table->capacity; at++) {
        prefetch(table, at);
        if (table->hashes[at] != 0)
            rt_account_encode(out, table->accounts[at]);
    }
}

static bool import_alerts(struct rt_core *core, uint32_t partition, struct rt_reader *reader)
{
    struct rt_alert_log *log = &core->alerts;
    uint64_t gone;
    uint32_t count;

    if (!rt_get_u64(reader, &gone) || gone > RT_PUBLICATION_MAX || !rt_get_u32(reader, &count))
        return false;
    if (gone > log->gone)
        log->gone = gone;
    for (; count > 0; count--) {
        struct rt_alert_entry entry = {.partition = partition};
        uint64_t published;

        if (!rt_get_u64(reader, &entry.position) || !rt_get_u64(reader, &entry.number) ||
            entry.number > RT_PUBLICATION_MAX || !rt_get_u64(reader, &published))
            return false;
        entry.published = (int64_t)published;
        if (entry.number > log->newest)
            log->newest = entry.number;
        if (!rt_alert_log_add(log, &entry))
            return false;
    }
    return true;
}

static bool import_dead(struct rt_dead_letters *dead, struct rt_reader *reader)
{
    uint64_t next;
    uint32_t count;

    if (!rt_get_u64(reader, &next) || !rt_get_u64(reader, &dead->dropped) ||
        !rt_get_u32(reader, &count))
        return false;
    for (; count > 0; count--) {
        struct rt_dead_letter letter = {0};
        uint64_t ts, position;
        uint32_t kept;

        if (!rt_get_u64(reader, &letter.sequence) || !rt_get_u64(reader, &ts) ||
            !rt_get_u64(reader, &position) || !rt_get_u32(reader, &kept))
            return false;
        letter.ts = (int64_t)ts;
        letter.letter.size = kept;
        if (!rt_dead_add(dead, &letter, position))
            return false;
    }
    dead->next = next;
    return true;
}

static bool import_account(struct rt_core *core, struct rt_shard *shard, struct rt_reader *reader)
{
    bool no_memory = false;
    struct rt_account *account = rt_account_decode(reader, &no_memory);
    struct rt_wait *wait;
    uint32_t hash;

    if (account == NULL)
        return false;
    hash = rt_table_hash(rt_account_name(account), core->seed);
    if (rt_core_shard(core, rt_account_name(account)) != shard ||
        rt_table_find(&shard->table, hash, rt_account_name(account)) != NULL ||
        !rt_table_add(&shard->table, hash, account)) {
        rt_account_free(account);
        return false;
    }
    core->accounts++;
    for (int type = 0; type < RT_EVENT_TYPES; type++)
        core->events[type] += rt_account_events(account, (enum rt_event_type)type);
    wait = rt_account_wait(account);
    wait->place = UINT32_MAX;
    wait->group = 0;
    return rt_deadlines_set(&core->deadlines, account, wait->at);
}

bool rt_core_import(struct rt_core *core, struct rt_shard *shard, struct rt_span content,
                    char *error)
{
    struct rt_reader reader = rt_reader(content);
    uint64_t accounts;
    uint32_t version;

    RT_ASSERT(shard->table.count == 0);
    if (!rt_get_u32(&reader, &version) || version != EXPORT_VERSION) {
        snprintf(error, RT_JOURNAL_ERROR, "partition %u: unknown version of a snapshot's content",
                 shard->partition);
        return false;
    }
    if (!rt_get_u64(&reader, &shard->next_episode) ||
        !import_alerts(core, shard->partition, &reader) || !import_dead(&shard->dead, &reader) ||
        !rt_get_u64(&reader, &accounts))
        goto bad;
    for (; accounts > 0; accounts--)
        if (!import_account(core, shard, &reader))
            goto bad;
    if (rt_read_done(&reader))
        return true;
bad:
    snprintf(error, RT_JOURNAL_ERROR,
             "partition %u: the snapshot's content cannot be read (or memory ran out)",
             shard->partition);
    return false;
}

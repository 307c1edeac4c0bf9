/* alert.list (history), alert.ack, alert.snooze. */
#include <stdio.h>

#include "protocol/assert.h"
#include "workers/answer.h"
#include "workers/command.h"

static bool is_asked(const struct rt_query *query, const struct rt_link_alert *message)
{
    if (query->account.data != NULL && !rt_span_equal(query->account, message->account))
        return false;
    if (query->owner.data != NULL && !rt_span_equal(query->owner, message->owner))
        return false;
    if (query->has_kind && !rt_span_is(message->kind, rt_alert_kind_name(query->kind)))
        return false;
    return !query->has_severity || rt_span_is(message->severity, rt_severity_name(query->severity));
}

static void write_gone(struct rt_core *core, struct rt_buffer *out)
{
    char oldest[RT_CURSOR_TEXT];

    rt_cursor_encode(&core->alerts.gone, oldest);
    rt_write_map(out, 4);
    rt_write_key_bool(out, "ok", false);
    rt_write_key_text(out, "error", rt_error_name(RT_CURSOR_GONE));
    rt_write_key_text(out, "message", "alerts after this cursor are not kept any more");
    rt_write_key_text(out, "oldest", oldest);
}

static bool is_gone(const struct rt_core *core, const struct rt_cursor *since)
{
    const struct rt_cursor *gone = &core->alerts.gone;

    for (uint32_t i = 0; i < gone->count; i++)
        if (rt_cursor_before(since, gone->at[i].log, gone->at[i].sequence))
            return true;
    return false;
}

static void write_entry(const struct rt_alert_entry *entry, struct rt_span map,
                        struct rt_buffer *out)
{
    rt_write_array(out, 4);
    rt_write_int(out, rt_position_log(entry->position));
    rt_write_int(out, (int64_t)entry->sequence);
    rt_write_int(out, entry->published);
    rt_write_raw(out, map);
}

/* Appends the asked entries, at most query->limit; true if there are more. */
static bool write_history(struct rt_core *core, const struct rt_query *query,
                          const struct rt_cursor *since, struct rt_buffer *out)
{
    const struct rt_alert_log *log = &core->alerts;
    uint32_t written = 0;
    bool more = false;
    size_t mark = rt_write_array_begin(out);

    for (size_t i = log->first; i < log->count && !more; i++) {
        const struct rt_alert_entry *entry = &log->entries[i];
        struct rt_link_alert message;
        struct rt_record record;

        if ((since != NULL &&
             !rt_cursor_before(since, rt_position_log(entry->position), entry->sequence)) ||
            !core->store.read(core->store.context, entry->position, &record) ||
            !rt_link_alert_decode(record.body, &message) || !is_asked(query, &message))
            continue;
        if (written == query->limit) {
            more = true;
            break;
        }
        write_entry(entry, message.map, out);
        written++;
    }
    rt_write_end(out, mark, written);
    return more;
}

void rt_answer_alert_ends(const struct rt_core *core, struct rt_buffer *out)
{
    struct rt_cursor end = core->alerts.gone;

    for (size_t i = core->alerts.first; i < core->alerts.count; i++) {
        uint32_t log = rt_position_log(core->alerts.entries[i].position);

        if (rt_cursor_before(&end, log, core->alerts.entries[i].sequence))
            rt_cursor_advance(&end, log, core->alerts.entries[i].sequence);
    }
    if (core->alert_sequence > 0 && rt_cursor_before(&end, core->log, core->alert_sequence))
        rt_cursor_advance(&end, core->log, core->alert_sequence);
    rt_write_text(out, "end");
    rt_write_array(out, end.count);
    for (uint32_t i = 0; i < end.count; i++) {
        rt_write_array(out, 2);
        rt_write_int(out, end.at[i].log);
        rt_write_int(out, (int64_t)end.at[i].sequence);
    }
}

void rt_answer_alerts(struct rt_core *core, const struct rt_query *query, struct rt_buffer *out)
{
    struct rt_cursor since;
    bool has_since = query->since_cursor.data != NULL;
    bool more;

    if (has_since && !rt_cursor_decode(query->since_cursor, &since)) {
        rt_query_error(out, RT_BAD_REQUEST, "since: is no cursor");
        return;
    }
    if (has_since && is_gone(core, &since)) {
        write_gone(core, out);
        return;
    }
    rt_write_map(out, 4);
    rt_write_key_bool(out, "ok", true);
    rt_write_text(out, "alerts");
    more = write_history(core, query, has_since ? &since : NULL, out);
    rt_write_key_bool(out, "more", more);
    rt_answer_alert_ends(core, out);
}

/* ---- acknowledge, snooze ----------------------------------------------------------------------
 */

static struct rt_account *with_episode(const struct rt_shard *shard, uint64_t sequence,
                                       const struct rt_episode **episode)
{
    for (size_t at = 0; at < shard->table.capacity; at++) {
        struct rt_account *account = shard->table.accounts[at];

        if (shard->table.hashes[at] == 0)
            continue;
        for (size_t i = 0; i < rt_account_episodes(account); i++) {
            *episode = rt_account_episode(account, i);
            if ((*episode)->sequence == sequence)
                return account;
        }
    }
    return NULL;
}

static bool keep(struct rt_core *core, struct rt_shard *shard, const struct rt_command *command,
                 rt_position previous)
{
    rt_position position;

    rt_buffer_clear(&core->scratch);
    rt_command_encode(&core->scratch, command);
    if (core->scratch.failed)
        return false;
    position = core->store.append(core->store.context, RT_RECORD_COMMAND, 0, shard->partition,
                                  previous, rt_buffer_span(&core->scratch));
    if (position == 0)
        return false;
    RT_ASSERT(rt_command_apply(core, shard, command, position));
    return true;
}

static void hold_episode(struct rt_core *core, struct rt_shard *shard, struct rt_account *account,
                         const struct rt_episode *episode, const struct rt_query *query,
                         int64_t now, struct rt_buffer *out)
{
    const struct rt_tier *tier = rt_account_tier(account, core->config);
    enum rt_alert_kind kind = episode->kind;
    struct rt_command command = {
        .kind = query->op == RT_ALERT_SNOOZE ? RT_COMMAND_SNOOZE : RT_COMMAND_ACK,
        .sequence = episode->sequence,
        .ts = now,
        .until = query->has_until ? query->until : now + (int64_t)(tier->ack_days * RT_DAY_MS),
        .account = rt_account_name(account),
        .by = query->by.data != NULL ? query->by : rt_span("", 0),
        .note = query->note.data != NULL ? query->note : rt_span("", 0),
    };
    uint64_t sequence;
    size_t before;

    if (command.until <= now) {
        rt_query_error(out, RT_BAD_REQUEST, "until: must lie ahead");
        return;
    }
    if (!keep(core, shard, &command, rt_account_chain(account))) {
        rt_query_error(out, RT_BUSY, "no space to keep it: free some and say it again");
        return;
    }
    before = out->size;
    rt_write_map(out, 2);
    rt_write_key_bool(out, "ok", true);
    rt_write_text(out, "alert");
    if (rt_answer_episode(core, rt_account_episode_of(account, kind), &sequence, out))
        return;
    out->size = before;
    rt_query_error(out, RT_NOT_FOUND, "held, but its message is not kept any more");
}

void rt_answer_hold(struct rt_core *core, const struct rt_query *query, int64_t now,
                    struct rt_buffer *out)
{
    const struct rt_episode *episode;
    struct rt_account *account;
    struct rt_shard *shard;
    uint32_t partition;
    uint64_t sequence;

    if (!rt_episode_parse(query->id, &partition, &sequence) || partition >= core->partitions ||
        core->shards[partition] == NULL || sequence >= core->shards[partition]->next_episode) {
        rt_query_error(out, RT_NOT_FOUND, "no such alert");
        return;
    }
    shard = core->shards[partition];
    account = with_episode(shard, sequence, &episode);
    if (account == NULL)
        rt_query_error(out, RT_NOT_OPEN, "the alert is cleared");
    else
        hold_episode(core, shard, account, episode, query, now, out);
}

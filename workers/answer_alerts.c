/* alert.list (history), alert.ack, alert.snooze. */
#include <stdio.h>

#include "protocol/assert.h"
#include "protocol/cursor.h"
#include "workers/answer.h"
#include "workers/command.h"

static bool is_asked(const struct rt_query *query, const struct rt_link_alert *message)
{
    if (query->account.data != NULL && !rt_span_equal(query->account, message->account))
        return false;
    if (query->owner.data != NULL &&
        !rt_span_equal(message->owner.size > 0 ? message->owner : rt_span_text("-"), query->owner))
        return false;
    if (!rt_query_sees(query, message->owner))
        return false;
    if (query->has_kind && !rt_span_is(message->kind, rt_alert_kind_name(query->kind)))
        return false;
    return !query->has_severity || rt_span_is(message->severity, rt_severity_name(query->severity));
}

static void write_gone(struct rt_core *core, struct rt_buffer *out)
{
    char oldest[RT_CURSOR_TEXT];

    rt_cursor_encode(core->alerts.gone, oldest);
    rt_write_map(out, 4);
    rt_write_key_bool(out, "ok", false);
    rt_write_key_text(out, "error", rt_error_name(RT_CURSOR_GONE));
    rt_write_key_text(out, "message", "alerts after this cursor are not kept any more");
    rt_write_key_text(out, "oldest", oldest);
}

/* Appends the asked entries after `since`, at most query->limit; true if there are more. */
static bool write_history(struct rt_core *core, const struct rt_query *query, uint64_t since,
                          struct rt_buffer *out)
{
    const struct rt_alert_log *log = &core->alerts;
    uint32_t written = 0;
    bool more = false;
    size_t mark = rt_write_array_begin(out);

    for (size_t i = rt_alert_log_after(log, since); i < log->count; i++) {
        const struct rt_alert_entry *entry = &log->entries[i];
        struct rt_link_alert message;
        struct rt_record record;

        if (entry->number == 0 ||
            !core->store.read(core->store.context, entry->position, &record) ||
            !rt_link_alert_decode(record.body, &message) || !is_asked(query, &message))
            continue;
        if (written == query->limit) {
            more = true;
            break;
        }
        rt_write_array(out, 2);
        rt_write_int(out, (int64_t)entry->number);
        rt_write_raw(out, message.map);
        written++;
    }
    rt_write_end(out, mark, written);
    return more;
}

void rt_answer_alerts(struct rt_core *core, const struct rt_query *query, struct rt_buffer *out)
{
    bool has_since = query->since_cursor.data != NULL;
    uint64_t since = core->alerts.gone; /* what is kept from before it is for `open` */
    bool more;

    if (has_since && !rt_cursor_decode(query->since_cursor, &since)) {
        rt_query_error(out, RT_BAD_REQUEST, "since: is no cursor");
        return;
    }
    if (has_since && since < core->alerts.gone) {
        write_gone(core, out);
        return;
    }
    rt_write_map(out, 3);
    rt_write_key_bool(out, "ok", true);
    rt_write_text(out, "alerts");
    more = write_history(core, query, since, out);
    rt_write_key_bool(out, "more", more);
}

/* ---- acknowledge, snooze --------------------------------------------------------------------- */

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

static bool keep(struct rt_core *core, struct rt_shard *shard, struct rt_account *account,
                 enum rt_alert_kind kind, const struct rt_command *command)
{
    rt_position position;

    rt_buffer_clear(&core->scratch);
    rt_command_encode(&core->scratch, command);
    if (core->scratch.failed)
        return false;
    if (!rt_account_reserve_hold(account, kind, command->by.size + command->note.size))
        return false;
    position = core->store.append(core->store.context, RT_RECORD_COMMAND, 0, shard->partition,
                                  rt_account_chain(account), rt_buffer_span(&core->scratch));
    if (position == 0) {
        rt_account_unreserve(account, kind);
        return false;
    }
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

    if (command.until <= now) {
        rt_query_error(out, RT_BAD_REQUEST, "until: must lie ahead");
        return;
    }
    if (!keep(core, shard, account, kind, &command)) {
        rt_query_error(out, RT_BUSY, "no space to keep it: free some and say it again");
        return;
    }
    rt_write_map(out, 2);
    rt_write_key_bool(out, "ok", true);
    rt_write_text(out, "alert");
    rt_answer_episode(core, account, rt_account_episode_of(account, kind), now, true, out);
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

/* alert.ack, alert.snooze. */
#include "protocol/assert.h"
#include "workers/answer.h"
#include "workers/command.h"

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

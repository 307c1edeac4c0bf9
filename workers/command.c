#include "workers/command.h"

#include "protocol/assert.h"

void rt_command_encode(struct rt_buffer *out, const struct rt_command *command)
{
    rt_put_u8(out, (uint8_t)command->kind);
    rt_put_u64(out, command->sequence);
    rt_put_u64(out, (uint64_t)command->ts);
    rt_put_u64(out, (uint64_t)command->until);
    rt_put_bytes(out, command->account);
    rt_put_bytes(out, command->by);
    rt_put_bytes(out, command->note);
}

bool rt_command_decode(struct rt_span body, struct rt_command *command)
{
    struct rt_reader reader = rt_reader(body);
    struct rt_command read = {0};
    uint64_t ts, until;
    uint8_t kind;

    if (!rt_get_u8(&reader, &kind) || !rt_get_u64(&reader, &read.sequence) ||
        !rt_get_u64(&reader, &ts) || !rt_get_u64(&reader, &until) ||
        !rt_get_bytes(&reader, &read.account) || !rt_get_bytes(&reader, &read.by) ||
        !rt_get_bytes(&reader, &read.note) || !rt_read_done(&reader))
        return false;
    if (kind < RT_COMMAND_ACK || kind > RT_COMMAND_DROP)
        return false;
    read.kind = kind;
    read.ts = (int64_t)ts;
    read.until = (int64_t)until;
    *command = read;
    return true;
}

static const struct rt_episode *episode_by_sequence(const struct rt_account *account,
                                                    uint64_t sequence)
{
    for (size_t i = 0; i < rt_account_episodes(account); i++)
        if (rt_account_episode(account, i)->sequence == sequence)
            return rt_account_episode(account, i);
    return NULL;
}

static bool hold(struct rt_core *core, struct rt_shard *shard, const struct rt_command *command,
                 rt_position position)
{
    struct rt_account *account = rt_core_find(core, command->account);
    const struct rt_episode *episode;
    struct rt_hold hold = {
        .by = command->by, .note = command->note, .until = command->until, .ts = command->ts};

    if (account == NULL)
        return false;
    rt_account_set_chain(account, position);
    episode = episode_by_sequence(account, command->sequence);
    if (episode == NULL)
        return false;
    RT_ASSERT(rt_account_hold(account, episode->kind, command->kind == RT_COMMAND_SNOOZE, &hold));
    rt_core_wait_until(core, account, rt_rules_deadline(core->config, account, command->ts));
    shard->dirty = true;
    return true;
}

bool rt_command_apply(struct rt_core *core, struct rt_shard *shard,
                      const struct rt_command *command, rt_position position)
{
    if (command->kind != RT_COMMAND_DROP)
        return hold(core, shard, command, position);
    shard->dirty = true;
    return rt_dead_remove(&shard->dead, command->sequence);
}

#include "workers/command.h"

#include <stdlib.h>

#include "protocol/assert.h"
#include "protocol/limits.h"
#include "workers/rebuild.h"

void rt_command_encode(struct rt_buffer *out, const struct rt_command *command)
{
    rt_put_u8(out, (uint8_t)command->kind);
    rt_put_u64(out, command->sequence);
    rt_put_u64(out, (uint64_t)command->ts);
    rt_put_u64(out, (uint64_t)command->until);
    rt_put_bytes(out, command->account);
    rt_put_bytes(out, command->by);
    rt_put_bytes(out, command->note);
    if (command->kind != RT_COMMAND_OVERRIDE)
        return;
    rt_put_u8(out, (uint8_t)command->override.form);
    rt_put_u64(out, rt_override_value(&command->override));
}

static bool get_override(struct rt_reader *reader, struct rt_command *command)
{
    uint64_t value;
    uint8_t form;

    if (!rt_get_u8(reader, &form) || !rt_get_u64(reader, &value) ||
        !rt_override_set(&command->override, form, value) || command->ts < 0 ||
        command->until <= command->ts || command->until > RT_TS_MAX)
        return false;
    command->override.since = command->ts;
    command->override.until = command->until;
    command->override.by = command->by;
    command->override.reason = command->note;
    return true;
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
        !rt_get_bytes(&reader, &read.note))
        return false;
    if (kind < RT_COMMAND_ACK || kind > RT_COMMAND_VOID)
        return false;
    read.kind = kind;
    read.ts = (int64_t)ts;
    read.until = (int64_t)until;
    if ((kind == RT_COMMAND_OVERRIDE && !get_override(&reader, &read)) || !rt_read_done(&reader))
        return false;
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

struct rt_override *rt_command_prepare(struct rt_account *account, const struct rt_command *command)
{
    return rt_account_reserve_override(account) ? rt_override_copy(&command->override) : NULL;
}

void rt_command_take(struct rt_core *core, struct rt_shard *shard, struct rt_account *account,
                     struct rt_override *override, int64_t now, rt_position position)
{
    RT_ASSERT(rt_account_set_override(account, override));
    rt_account_set_chain(account, position);
    rt_core_wait_until(core, account, rt_rules_deadline(core->config, account, now));
    shard->dirty = true;
}

static bool override(struct rt_core *core, struct rt_shard *shard, const struct rt_command *command,
                     rt_position position)
{
    struct rt_account *account = rt_core_find(core, command->account);
    struct rt_override *made = NULL;

    if (account == NULL)
        return true; /* erased since */
    if (command->kind == RT_COMMAND_OVERRIDE) {
        made = rt_command_prepare(account, command);
        if (made == NULL)
            return false;
    }
    rt_command_take(core, shard, account, made, command->ts, position);
    return true;
}

/* An account whose events cannot all be read any more stays as it is. */
static bool take_back(struct rt_core *core, struct rt_shard *shard,
                      const struct rt_command *command, rt_position position)
{
    struct rt_account *account = rt_core_find(core, command->account);
    struct rt_rebuild rebuild;

    if (account == NULL)
        return true; /* erased since */
    if (rt_rebuild_without(core, account, NULL, command->sequence, &rebuild) != RT_OK)
        return false;
    if (rebuild.facts != NULL)
        rt_rebuild_take(core, shard, account, &rebuild, command->ts, position);
    return true;
}

bool rt_command_apply(struct rt_core *core, struct rt_shard *shard,
                      const struct rt_command *command, rt_position position)
{
    if (command->kind == RT_COMMAND_VOID)
        return take_back(core, shard, command, position);
    if (command->kind >= RT_COMMAND_OVERRIDE)
        return override(core, shard, command, position);
    if (command->kind != RT_COMMAND_DROP)
        return hold(core, shard, command, position);
    shard->dirty = true;
    return rt_dead_remove(&shard->dead, command->sequence);
}

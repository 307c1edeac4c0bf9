/* Curves of accounts, between the state and what is kept of them. */
#include "workers/core.h"
#include "workers/curve_file.h"

void rt_core_note_curve(struct rt_core *core, struct rt_account *account, int64_t now)
{
    struct rt_shard *shard;
    struct rt_curve_key key;

    if (core->curves.find == NULL || !rt_curve_is_due(account, now))
        return;
    shard = rt_core_shard(core, rt_account_name(account));
    key = rt_curve_key(rt_account_name(account), core->curves.secret);
    rt_curve_note(&shard->curve, RT_CURVE_POINTS_MOST, &key, rt_account_tier(account, core->config),
                  account, now);
    core->curves_press |= shard->curve.size >= RT_CURVE_POINTS_ENOUGH;
}

void rt_core_curve(const struct rt_core *core, const struct rt_account *account, int64_t now,
                   struct rt_curve *curve)
{
    const struct rt_shard *shard = rt_core_shard(core, rt_account_name(account));
    struct rt_curve_key key = rt_curve_key(rt_account_name(account), core->curves.secret);

    rt_curve_init(curve);
    if (core->curves.find != NULL)
        core->curves.find(core->curves.context, shard->partition, &key, curve);
    rt_curve_take(curve, rt_buffer_span(&shard->curve), &key);
    rt_curve_complete(curve, rt_account_tier(account, core->config), account, now);
}

void rt_core_curves(const struct rt_core *core, uint32_t partition, struct rt_curve_table *table)
{
    *table = (struct rt_curve_table){0};
    if (core->curves.load == NULL || !core->curves.load(core->curves.context, partition, table))
        return;
    if (core->shards[partition] != NULL)
        rt_curve_table_take(table, rt_buffer_span(&core->shards[partition]->curve));
}

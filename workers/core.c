/* Owning accounts: finding, making, counting and forgetting them. Judging stands in judge.c,
 * queries in answer*.c, snapshots in export.c. */
#include "workers/core.h"

#include <stdlib.h>
#include <xxhash.h>

#include "protocol/assert.h"
#include "protocol/partition.h"
#include "workers/group.h"

bool rt_core_init(struct rt_core *core, const struct rt_config *config, uint32_t index,
                  uint32_t count, uint32_t partitions, uint32_t log, uint64_t seed,
                  struct rt_store store)
{
    *core = (struct rt_core){
        .config = config,
        .config_epoch = rt_config_epoch(config),
        .store = store,
        .index = index,
        .count = count,
        .partitions = partitions,
        .log = log,
        .seed = seed,
        .group = 1,
        .sweep = partitions,
    };
    core->shards = calloc(partitions, sizeof(*core->shards));
    if (core->shards == NULL)
        return false;
    for (uint32_t p = index; p < partitions; p += count) {
        core->shards[p] = calloc(1, sizeof(*core->shards[p]));
        if (core->shards[p] == NULL)
            return false;
        core->shards[p]->partition = p;
        core->shards[p]->next_episode = 1;
    }
    return true;
}

static void shard_free(struct rt_shard *shard)
{
    if (shard == NULL)
        return;
    for (size_t at = 0; at < shard->table.capacity; at++)
        if (shard->table.hashes[at] != 0)
            rt_account_free(shard->table.accounts[at]);
    rt_table_free(&shard->table);
    rt_dead_free(&shard->dead);
    rt_buffer_free(&shard->curve);
    free(shard);
}

void rt_core_free(struct rt_core *core)
{
    rt_deadlines_free(&core->deadlines); /* tells the accounts, so they must still be there */
    for (uint32_t p = 0; core->shards != NULL && p < core->partitions; p++)
        shard_free(core->shards[p]);
    free(core->shards);
    rt_alert_log_free(&core->alerts);
    free(core->touched.accounts);
    free(core->quiet.accounts);
    rt_buffer_free(&core->scratch);
    *core = (struct rt_core){0};
}

struct rt_shard *rt_core_shard(const struct rt_core *core, struct rt_span account)
{
    return core->shards[rt_partition(account, core->partitions)];
}

struct rt_account *rt_core_find(const struct rt_core *core, struct rt_span account)
{
    const struct rt_shard *shard = rt_core_shard(core, account);

    if (shard == NULL)
        return NULL;
    return rt_table_find(&shard->table, rt_table_hash(account, core->seed), account);
}

bool rt_core_locate(const struct rt_core *core, struct rt_span account, struct rt_place *place)
{
    struct rt_shard *shard = rt_core_shard(core, account);

    if (shard == NULL)
        return false;
    *place = (struct rt_place){.shard = shard, .hash = rt_table_hash(account, core->seed)};
    return true;
}

struct rt_account *rt_core_obtain(struct rt_core *core, struct rt_shard *shard, struct rt_span name,
                                  uint32_t hash)
{
    struct rt_account *account = rt_table_find(&shard->table, hash, name);
    struct rt_wait *wait;

    if (account != NULL)
        return account;
    account = rt_account_new(name);
    if (account == NULL)
        return NULL;
    wait = rt_account_wait(account);
    *wait = (struct rt_wait){.at = INT64_MAX, .place = UINT32_MAX, .group = 0};
    /* Its moment can then be set at any time without memory. */
    if (!rt_deadlines_reserve(&core->deadlines, core->accounts + 1) ||
        !rt_table_add(&shard->table, hash, account)) {
        rt_account_free(account);
        return NULL;
    }
    core->accounts++;
    return account;
}

bool rt_waiting_add(struct rt_waiting *waiting, struct rt_account *account)
{
    if (waiting->count == waiting->capacity) {
        size_t capacity = waiting->capacity ? waiting->capacity * 2 : 256;
        struct rt_account **larger = realloc(waiting->accounts, capacity * sizeof(*larger));

        if (larger == NULL)
            return false;
        waiting->accounts = larger;
        waiting->capacity = capacity;
    }
    waiting->accounts[waiting->count++] = account;
    return true;
}

void rt_waiting_remove(struct rt_waiting *waiting, const struct rt_account *account)
{
    for (size_t i = 0; i < waiting->count;)
        if (waiting->accounts[i] == account)
            waiting->accounts[i] = waiting->accounts[--waiting->count];
        else
            i++;
}

/* There are more of them than the processor's cache holds. */
void rt_waiting_prefetch(const struct rt_waiting *waiting, size_t i)
{
    enum { AHEAD = 8 }; /* accounts between a hint and its use */

    if (i + 2 * AHEAD < waiting->count)
        rt_account_prefetch(waiting->accounts[i + 2 * AHEAD]);
    if (i + AHEAD < waiting->count)
        rt_account_prefetch_facts(waiting->accounts[i + AHEAD]);
}

void rt_core_forget(struct rt_core *core, struct rt_shard *shard, struct rt_account *account)
{
    rt_waiting_remove(&core->touched, account);
    rt_waiting_remove(&core->quiet, account);
    rt_core_wait_until(core, account, INT64_MAX);
    for (int type = 0; type < RT_EVENT_TYPES; type++)
        core->events[type] -= rt_account_events(account, (enum rt_event_type)type);
    rt_table_remove(&shard->table, rt_table_hash(rt_account_name(account), core->seed), account);
    rt_account_free(account);
    core->accounts--;
    shard->dirty = true;
}

/* Puts the account on the list of its group, once. */
static bool touch(struct rt_core *core, struct rt_account *account, bool quiet)
{
    struct rt_wait *wait = rt_account_wait(account);

    if (wait->group == RT_GROUP_QUIET)
        return true;
    if (quiet) {
        if (!rt_waiting_add(&core->quiet, account))
            return false;
        wait->group = RT_GROUP_QUIET;
        return true;
    }
    if (wait->group == core->group)
        return true;
    if (!rt_waiting_add(&core->touched, account))
        return false;
    wait->group = core->group;
    return true;
}

/* What came to nothing: the account is as it was, or was never there. */
static void take_back(struct rt_core *core, struct rt_shard *shard, struct rt_account *account,
                      uint32_t group, uint64_t accounts)
{
    struct rt_wait *wait = rt_account_wait(account);

    if (wait->group != group)
        (wait->group == RT_GROUP_QUIET ? &core->quiet : &core->touched)->count--;
    wait->group = group;
    if (core->accounts > accounts) {
        bool dirty = shard->dirty;

        rt_core_forget(core, shard, account);
        shard->dirty = dirty;
    }
}

/* Everything that may need memory. */
static bool prepare(struct rt_core *core, struct rt_account *account, const struct rt_event *event,
                    bool quiet, struct rt_account_change *change)
{
    return touch(core, account, quiet) && rt_account_prepare(account, event, change);
}

bool rt_core_event(struct rt_core *core, struct rt_place place, const struct rt_event *event,
                   int64_t now, bool quiet, rt_position *position)
{
    struct rt_shard *shard = place.shard;
    uint64_t accounts = core->accounts;
    struct rt_account *account = rt_core_obtain(core, shard, event->account, place.hash);
    uint32_t group = account == NULL ? 0 : rt_account_wait(account)->group;
    struct rt_account_change change;

    if (account == NULL)
        return false;
    if (!prepare(core, account, event, quiet, &change)) {
        take_back(core, shard, account, group, accounts);
        return false;
    }
    *position =
        core->store.append(core->store.context, RT_RECORD_EVENT, quiet ? RT_RECORD_QUIET : 0,
                           shard->partition, rt_account_chain(account), event->raw);
    if (*position == 0) {
        rt_account_abandon(&change);
        take_back(core, shard, account, group, accounts);
        return false;
    }
    if (core->group_start == 0)
        core->group_start = *position;
    if (rt_account_wait(account)->group != group) {
        rt_core_note_curve(core, account, now);
        if (!quiet)
            rt_rules_before(core->config, account, now);
    }
    rt_account_take(account, event, &change, (size_t)core->config->limits_tickets,
                    &core->evicted_tickets);
    rt_account_set_chain(account, *position);
    core->events[event->type]++;
    shard->dirty = true;
    return true;
}

uint64_t rt_config_epoch(const struct rt_config *config)
{
    XXH3_state_t *state = XXH3_createState();
    uint64_t epoch;

    RT_ASSERT(state != NULL);
    XXH3_64bits_reset(state);
    XXH3_64bits_update(state, &config->alerts_dormant_days, sizeof(config->alerts_dormant_days));
    for (size_t i = 0; i < config->tier_count; i++) {
        const struct rt_tier *tier = &config->tiers[i];
        size_t numbers = sizeof(*tier) - offsetof(struct rt_tier, rhythm_days);

        XXH3_64bits_update(state, tier->name, strlen(tier->name) + 1);
        XXH3_64bits_update(state, &tier->rhythm_days, numbers);
    }
    epoch = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return epoch;
}

void rt_core_configure(struct rt_core *core, const struct rt_config *config)
{
    uint64_t epoch = rt_config_epoch(config);

    core->config = config;
    if (epoch == core->config_epoch)
        return;
    core->config_epoch = epoch;
    core->sweep = 0;
}

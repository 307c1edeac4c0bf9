/* See rebuild.h. */
#include "workers/rebuild.h"

#include <stdlib.h>

#include "workers/dedupe.h"
#include "workers/voids.h"

/* Positions of events that count, newest first. */
struct events {
    rt_position *all;
    size_t count, capacity;
};

struct walk {
    const struct rt_core *core;
    const struct rt_event *wanted;
    struct rt_voids voids;
    struct events events;
    struct rt_rebuild *rebuild;
    bool found, whole;
};

static bool add_event(struct events *events, rt_position position)
{
    if (events->count == events->capacity) {
        size_t capacity = events->capacity > 0 ? events->capacity * 2 : 256;
        rt_position *larger = realloc(events->all, capacity * sizeof(*larger));

        if (larger == NULL)
            return false;
        events->all = larger;
        events->capacity = capacity;
    }
    events->all[events->count++] = position;
    return true;
}

static bool is_wanted(const struct walk *walk, rt_position at, const struct rt_event *event)
{
    return walk->wanted != NULL ? rt_identity_equal(walk->wanted, event)
                                : at == walk->rebuild->event;
}

static bool take_event(struct walk *walk, rt_position at, const struct rt_event *event)
{
    if (!walk->found && is_wanted(walk, at, event)) {
        walk->found = true;
        walk->rebuild->event = at;
        walk->rebuild->type = event->type;
        return true;
    }
    return rt_voids_find(&walk->voids, at) != NULL || add_event(&walk->events, at);
}

/* Back to the first record of the account. False without memory. */
static bool walk_back(struct walk *walk, const struct rt_account *account)
{
    const struct rt_store *store = &walk->core->store;
    struct rt_record record = {.previous = rt_account_chain(account)};

    while (record.previous != 0) {
        rt_position at = record.previous;
        struct rt_event event;
        struct rt_fault fault;

        if (!store->read(store->context, at, &record)) {
            walk->whole = false;
            return true;
        }
        if (!rt_voids_note(&walk->voids, &record))
            return false;
        if (record.type != RT_RECORD_EVENT)
            continue;
        if (rt_event_decode_accepted(record.body, &event, &fault) != RT_OK)
            walk->whole = false;
        else if (!take_event(walk, at, &event))
            return false;
    }
    return true;
}

/* In the order in which they were taken. NULL without memory, or if one cannot be read now. */
static struct rt_account *count_again(const struct walk *walk, const struct rt_account *account)
{
    struct rt_account *facts = rt_account_new(rt_account_name(account));
    const struct rt_store *store = &walk->core->store;
    size_t tickets_max = (size_t)walk->core->config->limits_tickets;
    uint64_t evicted = 0;

    for (size_t i = walk->events.count; facts != NULL && i > 0; i--) {
        struct rt_record record;
        struct rt_event event;
        struct rt_fault fault;

        if (store->read(store->context, walk->events.all[i - 1], &record) &&
            rt_event_decode_accepted(record.body, &event, &fault) == RT_OK &&
            rt_account_apply(facts, &event, tickets_max, &evicted))
            continue;
        rt_account_free(facts);
        facts = NULL;
    }
    return facts;
}

static enum rt_error rebuild_from(struct walk *walk, const struct rt_account *account)
{
    if (!walk_back(walk, account))
        return RT_BUSY;
    if (!walk->found)
        return RT_NOT_FOUND;
    if (rt_voids_find(&walk->voids, walk->rebuild->event) != NULL)
        return RT_OK;
    if (!walk->whole)
        return RT_TOO_OLD;
    walk->rebuild->facts = count_again(walk, account);
    return walk->rebuild->facts == NULL ? RT_BUSY : RT_OK;
}

enum rt_error rt_rebuild_without(const struct rt_core *core, const struct rt_account *account,
                                 const struct rt_event *wanted, rt_position position,
                                 struct rt_rebuild *rebuild)
{
    struct walk walk = {.core = core, .wanted = wanted, .rebuild = rebuild, .whole = true};
    enum rt_error code;

    *rebuild = (struct rt_rebuild){.event = position};
    code = rebuild_from(&walk, account);
    rt_voids_free(&walk.voids);
    free(walk.events.all);
    return code;
}

void rt_rebuild_take(struct rt_core *core, struct rt_shard *shard, struct rt_account *account,
                     struct rt_rebuild *rebuild, int64_t now, rt_position position)
{
    rt_account_swap_facts(account, rebuild->facts);
    rt_account_free(rebuild->facts);
    rebuild->facts = NULL;
    core->events[rebuild->type]--;
    rt_account_set_chain(account, position);
    rt_rules_note(core->config, account, now, true);
    rt_core_wait_until(core, account, rt_rules_deadline(core->config, account, now));
    shard->dirty = true;
}

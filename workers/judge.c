/* Judging: from an account whose facts or whose time changed to messages in the journal and on
 * their way out.
 *
 * Fails only for lack of space or memory: the message is then not said, the account's state is
 * unchanged, and it is judged again a moment later. */
#include <limits.h>

#include "protocol/assert.h"
#include "protocol/query.h"
#include "workers/core.h"
#include "workers/group.h"

enum {
    RT_JUDGE_AGAIN_MS = 1000,
    CAUSES_LOOKED_AT = 256,
};

void rt_core_wait_until(struct rt_core *core, struct rt_account *account, int64_t at)
{
    /* There is a place for each account: rt_core_obtain. */
    RT_ASSERT(rt_deadlines_set(&core->deadlines, account, at));
}

/* Whether the event can have brought an alert of that kind about: a profile moves no score, overdue is a ticket's business. */
static bool can_cause(const struct rt_event *event, enum rt_alert_kind kind)
{
    if (kind == RT_TICKET_OVERDUE)
        return event->type == RT_TICKET;
    if (kind == RT_SENTIMENT)
        return event->has_sentiment && event->type != RT_ACCOUNT;
    return event->type != RT_ACCOUNT;
}

/* Type and id of the event that did it: the newest of this group that can have, else the newest of all. */
static void name_cause(struct rt_core *core, const struct rt_account *account,
                       struct rt_alert *alert)
{
    struct rt_record record = {.previous = rt_account_chain(account)};

    for (int looked = 0; looked < CAUSES_LOOKED_AT; looked++) {
        struct rt_event event;
        struct rt_fault fault;

        if (record.previous < core->group_start ||
            !core->store.read(core->store.context, record.previous, &record))
            return;
        if (record.type != RT_RECORD_EVENT ||
            rt_event_decode_accepted(record.body, &event, &fault) != RT_OK)
            continue;
        if (alert->cause_id.data != NULL && !can_cause(&event, alert->kind))
            continue;
        alert->cause_type = rt_span_text(rt_event_type_name(event.type));
        alert->cause_id = event.id;
        if (can_cause(&event, alert->kind))
            return;
    }
}

static struct rt_span profile_text(const struct rt_account *account, enum rt_profile_key key)
{
    struct rt_profile_value value = rt_account_profile(account, key);

    return value.presence == RT_KEY_SET ? value.text : rt_span(NULL, 0);
}

/* Its cause aside. */
static void compose(const struct rt_account *account, const struct rt_transition *transition,
                    int64_t now, const char *id, struct rt_alert *alert)
{
    const struct rt_episode *episode = rt_account_episode_of(account, transition->kind);

    *alert = (struct rt_alert){
        .id = rt_span_text(id),
        .kind = transition->kind,
        .severity = transition->severity,
        .state = transition->state,
        .account = rt_account_name(account),
        .owner = profile_text(account, RT_PROFILE_OWNER),
        .tier = profile_text(account, RT_PROFILE_TIER),
        .score = transition->score,
        .has_previous = transition->has_previous,
        .previous = transition->previous,
        .ts = now,
        .published = now,
        .reasons = transition->reasons,
        .reason_count = transition->reason_count,
        .text = rt_span_text(transition->text),
        .clears = rt_span_text(transition->clears),
        .worsens = transition->worsens,
    };
    if (episode != NULL && transition->state != RT_REMINDED)
        alert->ack = *episode->ack;
    if (episode != NULL)
        alert->snooze = *episode->snooze;
}

void rt_core_say_again(const struct rt_core *core, const struct rt_account *account,
                       const struct rt_episode *episode, int64_t now, struct rt_buffer *map)
{
    uint32_t partition = rt_core_shard(core, rt_account_name(account))->partition;
    struct rt_transition transition;
    struct rt_alert alert;
    char id[40];

    rt_episode_format(partition, episode->sequence, id);
    rt_rules_describe(core->config, account, episode->kind, now, &transition);
    compose(account, &transition, episode->raised, id, &alert);
    rt_alert_encode(map, &alert);
}

void rt_core_alert_frame(struct rt_buffer *frames, rt_position position, struct rt_span body)
{
    size_t mark = rt_link_begin(frames, RT_LINK_ALERT, 0, 0);

    rt_put_u64(frames, position);
    rt_buffer_append(frames, body.data + sizeof(position), body.size - sizeof(position));
    rt_link_end(frames, mark);
}

/* Memory for all that the message changes. */
static bool reserve(struct rt_core *core, struct rt_account *account,
                    const struct rt_transition *transition)
{
    return rt_alert_log_reserve(&core->alerts) &&
           (transition->state != RT_RAISED ||
            rt_account_reserve_episode(account, transition->kind));
}

static bool say(struct rt_core *core, struct rt_account *account,
                const struct rt_transition *transition, int64_t now, int64_t due,
                enum rt_judged_on on, struct rt_buffer *frames)
{
    struct rt_shard *shard = rt_core_shard(core, rt_account_name(account));
    const struct rt_episode *episode = rt_account_episode_of(account, transition->kind);
    uint64_t sequence = episode != NULL ? episode->sequence : shard->next_episode;
    struct rt_buffer map = {0};
    struct rt_link_alert message = {.received = on == RT_ON_EVENT ? core->received : 0,
                                    .due = due,
                                    .publish = transition->publish};
    struct rt_alert alert;
    rt_position position = 0;
    char id[40];
    bool said = false;

    RT_ASSERT((episode == NULL) == (transition->state == RT_RAISED));
    rt_episode_format(shard->partition, sequence, id);
    compose(account, transition, now, id, &alert);
    if (on == RT_ON_EVENT)
        name_cause(core, account, &alert);
    rt_alert_encode(&map, &alert);
    message.owner = alert.owner;
    message.severity = rt_span_text(rt_severity_name(alert.severity));
    message.kind = rt_span_text(rt_alert_kind_name(alert.kind));
    message.account = alert.account;
    message.map = rt_buffer_span(&map);
    rt_buffer_clear(&core->scratch);
    rt_link_alert_encode(&core->scratch, &message);
    if (!map.failed && !core->scratch.failed && reserve(core, account, transition))
        position = core->store.append(core->store.context, RT_RECORD_ALERT, 0, shard->partition, 0,
                                      rt_buffer_span(&core->scratch));
    if (position != 0) {
        struct rt_alert_entry entry = {
            .position = position, .published = now, .partition = shard->partition};

        RT_ASSERT(rt_account_alert(account, &alert, sequence, position));
        RT_ASSERT(rt_alert_log_add(&core->alerts, &entry));
        core->alerts_said++;
        if (transition->state == RT_RAISED)
            shard->next_episode++;
        shard->dirty = true;
        rt_core_alert_frame(frames, position, rt_buffer_span(&core->scratch));
        said = true;
    } else if (transition->state == RT_RAISED &&
               rt_account_episode_of(account, transition->kind) != NULL) {
        rt_account_unreserve(account, transition->kind);
    }
    rt_buffer_free(&map);
    return said;
}

/* What the journal no longer has is not compared with. */
static void tell_change(const struct rt_core *core, const struct rt_account *account,
                        struct rt_transition *transition)
{
    const struct rt_episode *episode = rt_account_episode_of(account, transition->kind);
    struct rt_link_alert message;
    struct rt_record record;

    if (episode != NULL && core->store.read(core->store.context, episode->position, &record) &&
        record.type == RT_RECORD_ALERT && rt_link_alert_decode(record.body, &message))
        rt_rules_tell_change(transition, message.map);
}

static void judge(struct rt_core *core, struct rt_account *account, int64_t now,
                  enum rt_judged_on on, struct rt_buffer *frames)
{
    struct rt_judgement *judgement = &core->judgement;
    int64_t waited = rt_account_wait(account)->at;
    int64_t due = on == RT_ON_TIME && waited < now ? waited : now, next;

    if (on == RT_ON_EVENT && rt_rules_calm(core->config, account, now, &next)) {
        if (next < waited)
            rt_core_wait_until(core, account, next);
        return;
    }
    rt_rules_judge(core->config, account, now, on, judgement);
    next = judgement->deadline;
    for (size_t i = 0; i < judgement->count; i++)
        tell_change(core, account, &judgement->transitions[i]);
    for (size_t i = 0; i < judgement->count; i++)
        if (!say(core, account, &judgement->transitions[i], now, due, on, frames))
            next = now + RT_JUDGE_AGAIN_MS;
    if (judgement->count > 0 && next == judgement->deadline)
        next = rt_rules_deadline(core->config, account, now);
    RT_ASSERT(next > now);
    if (rt_account_wait(account)->at != next)
        rt_core_wait_until(core, account, next);
}

int64_t rt_core_next_deadline(const struct rt_core *core)
{
    const struct rt_deadline *first = rt_deadlines_first(&core->deadlines);

    return first == NULL ? INT64_MAX : first->at;
}

static bool is_due(const struct rt_core *core, int64_t now)
{
    return rt_core_next_deadline(core) <= now;
}

bool rt_core_due(struct rt_core *core, int64_t now, size_t budget, struct rt_buffer *frames)
{
    for (; budget > 0 && is_due(core, now); budget--) {
        struct rt_account *account = rt_deadlines_first(&core->deadlines)->account;

        if (rt_account_wait(account)->group == RT_GROUP_QUIET)
            rt_core_wait_until(core, account, INT64_MAX);
        else
            judge(core, account, now, RT_ON_TIME, frames);
    }
    return is_due(core, now);
}

bool rt_core_load_ended(struct rt_core *core, int64_t now, size_t budget, struct rt_buffer *frames)
{
    struct rt_waiting *quiet = &core->quiet;

    for (; budget > 0 && quiet->count > 0; budget--) {
        struct rt_account *account = quiet->accounts[--quiet->count];

        rt_account_wait(account)->group = 0;
        judge(core, account, now, RT_ON_LOAD, frames);
    }
    return quiet->count > 0;
}

bool rt_core_sweep(struct rt_core *core, int64_t now, struct rt_buffer *frames)
{
    const struct rt_table *table;

    while (core->sweep < core->partitions && core->shards[core->sweep] == NULL)
        core->sweep++;
    if (core->sweep >= core->partitions)
        return false;
    table = &core->shards[core->sweep++]->table;
    for (size_t at = 0; at < table->capacity; at++)
        if (table->hashes[at] != 0 && rt_account_wait(table->accounts[at])->group != RT_GROUP_QUIET)
            judge(core, table->accounts[at], now, RT_ON_CONFIGURATION, frames);
    return core->sweep < core->partitions;
}

void rt_core_close(struct rt_core *core, int64_t now, struct rt_buffer *frames)
{
    for (size_t i = 0; i < core->touched.count; i++) {
        struct rt_account *account = core->touched.accounts[i];

        rt_waiting_prefetch(&core->touched, i);
        if (rt_account_wait(account)->group == core->group)
            judge(core, account, now, RT_ON_EVENT, frames);
    }
    core->touched.count = 0;
    core->received = 0;
    core->group_start = 0;
    core->group = core->group + 1 == RT_GROUP_QUIET ? 1 : core->group + 1;
}

/* ---- publication ----------------------------------------------------------------------------- */

bool rt_core_note_published(struct rt_core *core, rt_position position, uint64_t number,
                            uint32_t *partition)
{
    const struct rt_alert_entry *entry = rt_alert_log_publish(&core->alerts, position, number);
    struct rt_account *account;
    struct rt_link_alert message;
    struct rt_record record;

    if (entry == NULL)
        return false;
    *partition = entry->partition;
    if (!core->store.read(core->store.context, position, &record) ||
        !rt_link_alert_decode(record.body, &message))
        return true;
    account = rt_core_find(core, message.account);
    if (account != NULL)
        rt_account_published(account, position, number);
    return true;
}

/* A number that could not be kept is asked for again at the next start: the message then comes
 * twice, never not at all. */
void rt_core_published(struct rt_core *core, rt_position position, uint64_t number)
{
    uint32_t partition;

    if (!rt_core_note_published(core, position, number, &partition))
        return;
    rt_buffer_clear(&core->scratch);
    rt_put_u64(&core->scratch, position);
    rt_put_u64(&core->scratch, number);
    if (!core->scratch.failed)
        core->store.append(core->store.context, RT_RECORD_PUBLISHED, 0, partition, 0,
                           rt_buffer_span(&core->scratch));
    core->shards[partition]->dirty = true;
}

/* An account counts events. Whatever may need memory is made before anything is changed; then
 * nothing can fail. */
#include "workers/account_state.h"

#include "protocol/assert.h"
#include "workers/account_memory.h"

#include <stdlib.h>

/* The name begins where the last field ends, not where the padding does. */
static size_t account_size(size_t name_size)
{
    size_t size = offsetof(struct rt_account, name) + name_size;

    return size > sizeof(struct rt_account) ? size : sizeof(struct rt_account);
}

struct rt_account *rt_account_new(struct rt_span name)
{
    struct rt_account *account = calloc(1, account_size(name.size));

    RT_ASSERT(name.size <= RT_ACCOUNT_BYTES);
    if (account == NULL)
        return NULL;
    account->wait = (struct rt_wait){.at = INT64_MAX, .place = UINT32_MAX};
    account->name_size = (uint8_t)name.size;
    rt_activity_init(&account->activity);
    rt_account_forget_peaks(account);
    memcpy(account->name, name.data, name.size);
    return account;
}

void rt_account_free(struct rt_account *account)
{
    if (account == NULL)
        return;
    rt_account_free_alerts(account);
    rt_tickets_free(account->tickets);
    free(account->cells);
    free(account->threads);
    free(account->profile);
    free(account);
}

struct rt_span rt_account_name(const struct rt_account *account)
{
    return rt_span(account->name, account->name_size);
}

enum { CACHE_LINE = 64 };

void rt_account_prefetch(const struct rt_account *account)
{
    for (size_t at = 0; at <= offsetof(struct rt_account, name); at += CACHE_LINE)
        __builtin_prefetch((const uint8_t *)account + at, 1);
}

void rt_account_prefetch_facts(const struct rt_account *account)
{
    if (account->cells != NULL)
        __builtin_prefetch(account->cells, 1);
    if (account->profile != NULL)
        __builtin_prefetch(account->profile);
}

size_t rt_account_bytes(const struct rt_account *account)
{
    const struct rt_profile *profile = account->profile;

    return rt_memory_block(account_size(account->name_size)) +
           rt_memory_block(rt_cells_bytes(account->cells)) + rt_tickets_bytes(account->tickets) +
           rt_memory_block(account->threads == NULL ? 0 : sizeof(*account->threads)) +
           rt_memory_block(profile == NULL ? 0 : sizeof(*profile) + profile->size) +
           rt_account_alert_bytes(account);
}

/* ---- counting an event ----------------------------------------------------------------------- */

/* What an event adds to the cells. */
static void add(struct rt_account_change *additions, enum rt_cell_kind kind, uint32_t amount)
{
    RT_ASSERT(additions->count < RT_ADDITIONS_MAX);
    additions->of[additions->count].kind = kind;
    additions->of[additions->count++].amount = amount;
}

/* What did not take place can not have gone well: a no-show or a bounce never raises a score,
 * whatever sentiment it is sent with. */
static bool took_place(const struct rt_event *event)
{
    return !(event->type == RT_VISIT && event->outcome == RT_NO_SHOW) &&
           !(event->type == RT_EMAIL && event->bounced);
}

static void add_sentiment(struct rt_account_change *additions, const struct rt_event *event)
{
    double size = event->sentiment < 0 ? -event->sentiment : event->sentiment;
    uint32_t amount = (uint32_t)(size * RT_CELL_UNIT + 0.5);

    if (!event->has_sentiment || (event->sentiment > 0 && !took_place(event)))
        return;
    if (amount == 0 && size > 0)
        amount = 1;
    add(additions, RT_CELL_SENTIMENT_COUNT, 1);
    if (amount > 0)
        add(additions, event->sentiment < 0 ? RT_CELL_SENTIMENT_BAD : RT_CELL_SENTIMENT_GOOD,
            amount);
}

static void add_mail(struct rt_account_change *additions, const struct rt_event *event)
{
    add(additions, event->bounced ? RT_CELL_BOUNCED : RT_CELL_DELIVERED, 1);
    if (!event->bounced && event->direction == RT_OUT && event->thread.data != NULL)
        add(additions, RT_CELL_REPLIES, 1);
}

static void add_csat(struct rt_account_change *additions, int csat)
{
    if (csat >= 4)
        add(additions, RT_CELL_CSAT_GOOD, (uint32_t)csat - 3);
    else if (csat == 1 || csat == 2)
        add(additions, RT_CELL_CSAT_BAD, 3 - (uint32_t)csat);
}

static void list_additions(struct rt_account_change *additions, const struct rt_event *event)
{
    additions->count = 0;
    switch (event->type) {
    case RT_CALL:
        add(additions, rt_event_unanswered(event) ? RT_CELL_UNANSWERED : RT_CELL_ANSWERED, 1);
        break;
    case RT_VISIT:
        if (event->outcome != RT_CANCELLED)
            add(additions, event->outcome == RT_NO_SHOW ? RT_CELL_NO_SHOW : RT_CELL_HELD, 1);
        break;
    case RT_EMAIL:
        add_mail(additions, event);
        break;
    case RT_TICKET:
        add_csat(additions, event->csat);
        break;
    default:
        return;
    }
    add_sentiment(additions, event);
}

/* A contact that can only do the score good. */
static bool is_good(const struct rt_event *event)
{
    bool bad_tone = event->has_sentiment && event->sentiment < 0;

    switch (event->type) {
    case RT_CALL:
        return !bad_tone && !rt_event_unanswered(event);
    case RT_VISIT:
    case RT_EMAIL:
        return !bad_tone && rt_event_is_contact(event);
    default:
        return false;
    }
}

static bool in_thread(const struct rt_event *event)
{
    return event->type == RT_EMAIL && !event->bounced && event->thread.data != NULL &&
           event->direction != RT_DIRECTION_NONE;
}

static void count_cells(struct rt_account *account, const struct rt_account_change *additions,
                        int64_t ts)
{
    uint16_t bucket = rt_cells_bucket(ts);
    int32_t last = rt_account_last_bucket(account);

    for (unsigned i = 0; i < additions->count; i++)
        rt_cells_add(account->cells, bucket, (enum rt_cell_kind)additions->of[i].kind,
                     additions->of[i].amount, last);
}

static void take_profile(struct rt_account *account, struct rt_profile *profile)
{
    struct rt_profile_value status;

    if (profile == NULL)
        return;
    free(account->profile);
    account->profile = profile;
    status = rt_profile_get(profile, RT_PROFILE_STATUS);
    account->churned = status.presence == RT_KEY_SET && rt_span_is(status.text, "churned");
}

bool rt_account_prepare(struct rt_account *account, const struct rt_event *event,
                        struct rt_account_change *change)
{
    change->ticket = NULL;
    change->profile = NULL;
    list_additions(change, event);
    if (change->count > 0 && !rt_cells_reserve(&account->cells, change->count))
        return false;
    if (event->type == RT_TICKET)
        return (change->ticket = rt_tickets_prepare(&account->tickets, event)) != NULL;
    if (event->type == RT_ACCOUNT)
        return rt_profile_merge(account->profile, event, &change->profile);
    return !in_thread(event) || rt_threads_reserve(&account->threads);
}

void rt_account_take(struct rt_account *account, const struct rt_event *event,
                     struct rt_account_change *change, size_t tickets_max, uint64_t *evicted)
{
    account->calm = account->calm && is_good(event);
    if (account->counts[event->type] < UINT32_MAX)
        account->counts[event->type]++;
    if (rt_event_is_contact(event)) {
        int32_t bucket = rt_account_last_bucket(account);

        rt_activity_contact(&account->activity, event->ts, event->contact);
        if (event->type == RT_VISIT)
            rt_activity_visit(&account->activity, event->ts);
        if (rt_account_last_bucket(account) != bucket)
            rt_cells_trim(account->cells, rt_account_last_bucket(account));
    }
    count_cells(account, change, event->ts);
    if (change->ticket != NULL)
        *evicted += rt_tickets_commit(account->tickets, change->ticket, tickets_max);
    if (in_thread(event))
        rt_threads_mail(account->threads, event->thread, event->ts, event->direction == RT_OUT);
    take_profile(account, change->profile);
}

void rt_account_abandon(struct rt_account_change *change)
{
    free(change->ticket);
    free(change->profile);
}

bool rt_account_apply(struct rt_account *account, const struct rt_event *event, size_t tickets_max,
                      uint64_t *evicted)
{
    struct rt_account_change change;

    if (!rt_account_prepare(account, event, &change))
        return false;
    rt_account_take(account, event, &change, tickets_max, evicted);
    return true;
}

static void copy_facts(struct rt_account *to, const struct rt_account *from)
{
    to->activity = from->activity;
    to->cells = from->cells;
    to->tickets = from->tickets;
    to->threads = from->threads;
    to->profile = from->profile;
    to->churned = from->churned;
    memcpy(to->counts, from->counts, sizeof(to->counts));
}

void rt_account_swap_facts(struct rt_account *account, struct rt_account *other)
{
    struct rt_account kept = *account;

    copy_facts(account, other);
    copy_facts(other, &kept);
    account->calm = false; /* it was judged by others */
}

/* ---- what others ask ------------------------------------------------------------------------- */

uint32_t rt_account_events(const struct rt_account *account, enum rt_event_type type)
{
    return account->counts[type];
}

bool rt_account_last_contact(const struct rt_account *account, int64_t *ts)
{
    if (!rt_activity_any(&account->activity))
        return false;
    *ts = account->activity.last;
    return true;
}

size_t rt_account_open_tickets(const struct rt_account *account)
{
    return rt_tickets_open(account->tickets);
}

bool rt_account_churned(const struct rt_account *account)
{
    return account->churned;
}

struct rt_profile_value rt_account_profile(const struct rt_account *account,
                                           enum rt_profile_key key)
{
    return rt_profile_get(account->profile, key);
}

const struct rt_tier *rt_account_tier(const struct rt_account *account,
                                      const struct rt_config *config)
{
    struct rt_profile_value tier = rt_profile_get(account->profile, RT_PROFILE_TIER);

    if (tier.presence != RT_KEY_SET)
        return &config->tiers[0];
    return rt_config_tier(config, (const char *)tier.text.data, tier.text.size);
}

uint64_t rt_account_chain(const struct rt_account *account)
{
    return account->chain;
}

void rt_account_set_chain(struct rt_account *account, uint64_t position)
{
    account->chain = position;
}

struct rt_wait *rt_account_wait(struct rt_account *account)
{
    return &account->wait;
}

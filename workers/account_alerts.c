/* Open episodes of an account, few and seldom: a list in the order of their kinds. What was judged
 * is fed in here, live and in recovery alike. */
#include "workers/account_state.h"

#include "workers/account_memory.h"

#include <stdlib.h>

/* An acknowledgement or a snooze with the texts its spans point into, in one block: few episodes have
 * one. */
struct rt_kept_hold {
    struct rt_hold hold;
    uint8_t text[];
};

static const struct rt_hold no_hold;

static size_t hold_size(const struct rt_hold *hold)
{
    return sizeof(struct rt_kept_hold) + hold->by.size + hold->note.size;
}

static void free_hold(const struct rt_hold *hold)
{
    if (hold != &no_hold)
        free((struct rt_kept_hold *)hold);
}

const struct rt_open *rt_account_open_of(const struct rt_account *account, enum rt_alert_kind kind)
{
    for (const struct rt_open *open = account->open; open != NULL; open = open->next)
        if (open->episode.kind == kind)
            return open;
    return NULL;
}

static struct rt_open **link_of(struct rt_account *account, enum rt_alert_kind kind)
{
    struct rt_open **link = &account->open;

    while (*link != NULL && (*link)->episode.kind < kind)
        link = &(*link)->next;
    return link;
}

struct rt_open *rt_account_open_new(struct rt_account *account, enum rt_alert_kind kind)
{
    struct rt_open **link = link_of(account, kind);
    struct rt_open *open = calloc(1, sizeof(*open));

    if (open == NULL)
        return NULL;
    open->episode.kind = kind;
    open->episode.ack = open->episode.snooze = &no_hold;
    open->next = *link;
    *link = open;
    return open;
}

static void free_open(struct rt_open *open)
{
    free_hold(open->episode.ack);
    free_hold(open->episode.snooze);
    free(open->next_hold);
    free(open);
}

static void put_hold(const struct rt_hold **place, const struct rt_hold *hold)
{
    free_hold(*place);
    *place = hold;
}

size_t rt_account_episodes(const struct rt_account *account)
{
    size_t count = 0;

    for (const struct rt_open *open = account->open; open != NULL; open = open->next)
        count++;
    return count;
}

const struct rt_episode *rt_account_episode(const struct rt_account *account, size_t index)
{
    const struct rt_open *open = account->open;

    while (open != NULL && index-- > 0)
        open = open->next;
    return open == NULL ? NULL : &open->episode;
}

const struct rt_episode *rt_account_episode_of(const struct rt_account *account,
                                               enum rt_alert_kind kind)
{
    const struct rt_open *open = rt_account_open_of(account, kind);

    return open == NULL ? NULL : &open->episode;
}

bool rt_account_reserve_episode(struct rt_account *account, enum rt_alert_kind kind)
{
    struct rt_open *open = rt_account_open_new(account, kind);

    if (open == NULL)
        return false;
    open->reserved = true;
    return true;
}

bool rt_account_reserve_hold(struct rt_account *account, enum rt_alert_kind kind, size_t bytes)
{
    struct rt_open *open = (struct rt_open *)rt_account_open_of(account, kind);

    free(open->next_hold);
    open->next_hold = malloc(sizeof(*open->next_hold) + bytes);
    return open->next_hold != NULL;
}

void rt_account_unreserve(struct rt_account *account, enum rt_alert_kind kind)
{
    struct rt_open **link = link_of(account, kind);
    struct rt_open *open = *link;

    free(open->next_hold);
    open->next_hold = NULL;
    if (open->reserved) {
        *link = open->next;
        free_open(open);
    }
}

static struct rt_open *raise(struct rt_account *account, struct rt_open *open,
                             const struct rt_alert *alert, uint64_t sequence)
{
    double peak = rt_account_peak(account, rt_activity_day(alert->ts) - (RT_PEAK_DAYS - 1));

    if (open == NULL)
        open = rt_account_open_new(account, alert->kind);
    if (open == NULL)
        return NULL;
    open->reserved = false;
    open->episode.raised = alert->ts;
    open->episode.sequence = sequence;
    if (alert->kind == RT_SCORE_DROP && peak > 0)
        open->peak = peak;
    return open;
}

bool rt_account_alert(struct rt_account *account, const struct rt_alert *alert, uint64_t sequence,
                      uint64_t position)
{
    struct rt_open **link = link_of(account, alert->kind);
    struct rt_open *open = *link != NULL && (*link)->episode.kind == alert->kind ? *link : NULL;

    if (alert->state == RT_CLEARED) {
        if (open != NULL) {
            *link = open->next;
            free_open(open);
        }
        return true;
    }
    if (open == NULL || open->reserved)
        open = raise(account, open, alert, sequence);
    if (open == NULL)
        return false;
    if (alert->state == RT_RAISED)
        rt_account_set_dwell(account, alert->kind, INT64_MIN);
    if (alert->state == RT_REMINDED) {
        open->episode.lapsed =
            open->episode.ack->by.data != NULL ? open->episode.ack->until : alert->ts;
        put_hold(&open->episode.ack, &no_hold);
    }
    if (alert->severity == RT_CRITICAL && open->episode.severity != RT_CRITICAL)
        put_hold(&open->episode.snooze, &no_hold);
    open->episode.severity = alert->severity;
    open->episode.spoke_score = alert->score;
    open->episode.position = position;
    open->episode.number = 0;
    return true;
}

void rt_account_published(struct rt_account *account, uint64_t position, uint64_t number)
{
    for (struct rt_open *open = account->open; open != NULL; open = open->next)
        if (open->episode.position == position)
            open->episode.number = number;
}

/* A copy with its texts, in the block that was reserved for it if there is one. NULL without memory.
 */
static const struct rt_hold *keep_hold(struct rt_open *open, const struct rt_hold *hold)
{
    struct rt_kept_hold *kept = open->next_hold != NULL ? open->next_hold : malloc(hold_size(hold));

    open->next_hold = NULL;
    if (kept == NULL)
        return NULL;
    kept->hold = *hold;
    kept->hold.by.data = memcpy(kept->text, hold->by.data, hold->by.size);
    if (hold->note.data != NULL)
        kept->hold.note.data = memcpy(kept->text + hold->by.size, hold->note.data, hold->note.size);
    return &kept->hold;
}

bool rt_account_hold(struct rt_account *account, enum rt_alert_kind kind, bool snooze,
                     const struct rt_hold *hold)
{
    struct rt_open *open = (struct rt_open *)rt_account_open_of(account, kind);
    const struct rt_hold *kept = &no_hold;

    if (open == NULL)
        return false;
    if (hold->by.data != NULL && (kept = keep_hold(open, hold)) == NULL)
        return false;
    if (!snooze && kept != &no_hold)
        open->episode.lapsed = 0;
    put_hold(snooze ? &open->episode.snooze : &open->episode.ack, kept);
    return true;
}

void rt_account_free_alerts(struct rt_account *account)
{
    while (account->open != NULL) {
        struct rt_open *open = account->open;

        account->open = open->next;
        free_open(open);
    }
    rt_account_free_aside(account);
}

size_t rt_account_alert_bytes(const struct rt_account *account)
{
    size_t bytes = rt_account_aside_bytes(account);

    for (const struct rt_open *open = account->open; open != NULL; open = open->next) {
        bytes += rt_memory_block(sizeof(*open));
        if (open->episode.ack != &no_hold)
            bytes += rt_memory_block(hold_size(open->episode.ack));
        if (open->episode.snooze != &no_hold)
            bytes += rt_memory_block(hold_size(open->episode.snooze));
    }
    return bytes;
}

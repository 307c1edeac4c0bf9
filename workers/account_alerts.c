/* Open episodes of an account, few and seldom: a list in the order of their kinds. What was judged
 * is fed in here, live and in recovery alike. */
#include "workers/account_state.h"

#include "workers/account_memory.h"

#include <stdlib.h>

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
    open->next = *link;
    *link = open;
    return open;
}

static void free_open(struct rt_open *open)
{
    free(open->ack_text);
    free(open->snooze_text);
    free(open->reserved_text);
    free(open);
}

static void end_ack(struct rt_open *open)
{
    free(open->ack_text);
    open->ack_text = NULL;
    open->episode.ack = (struct rt_hold){0};
}

static void end_snooze(struct rt_open *open)
{
    free(open->snooze_text);
    open->snooze_text = NULL;
    open->episode.snooze = (struct rt_hold){0};
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

    free(open->reserved_text);
    open->reserved_text = malloc(bytes + 1);
    return open->reserved_text != NULL;
}

void rt_account_unreserve(struct rt_account *account, enum rt_alert_kind kind)
{
    struct rt_open **link = link_of(account, kind);
    struct rt_open *open = *link;

    free(open->reserved_text);
    open->reserved_text = NULL;
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
    if (alert->state == RT_REMINDED)
        end_ack(open);
    if (alert->severity == RT_CRITICAL && open->episode.severity != RT_CRITICAL)
        end_snooze(open);
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

/* A copy whose spans point into one new block, *text. NULL data stays none. False without memory.
 */
static bool copy_hold(struct rt_open *open, struct rt_hold *copy, uint8_t **text,
                      const struct rt_hold *hold)
{
    *copy = *hold;
    *text = open->reserved_text != NULL ? open->reserved_text
                                        : malloc(hold->by.size + hold->note.size + 1);
    open->reserved_text = NULL;
    if (*text == NULL)
        return false;
    memcpy(*text, hold->by.data, hold->by.size);
    copy->by.data = *text;
    if (hold->note.data != NULL) {
        memcpy(*text + hold->by.size, hold->note.data, hold->note.size);
        copy->note.data = *text + hold->by.size;
    }
    return true;
}

bool rt_account_hold(struct rt_account *account, enum rt_alert_kind kind, bool snooze,
                     const struct rt_hold *hold)
{
    struct rt_open *open = (struct rt_open *)rt_account_open_of(account, kind);
    struct rt_hold copy = {0};
    uint8_t *text = NULL;

    if (open == NULL)
        return false;
    if (hold->by.data != NULL && !copy_hold(open, &copy, &text, hold))
        return false;
    free(snooze ? open->snooze_text : open->ack_text);
    if (snooze) {
        open->snooze_text = text;
        open->episode.snooze = copy;
    } else {
        open->ack_text = text;
        open->episode.ack = copy;
    }
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
        if (open->ack_text != NULL)
            bytes += rt_memory_block(open->episode.ack.by.size + open->episode.ack.note.size + 1);
        if (open->snooze_text != NULL)
            bytes +=
                rt_memory_block(open->episode.snooze.by.size + open->episode.snooze.note.size + 1);
    }
    return bytes;
}

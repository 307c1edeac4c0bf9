/* One pass over what an account knows. Limits are the tier's; a limit that ends at a moment is kept
 * at it and missed a millisecond later, as everywhere. */
#include "workers/standing.h"

#include <math.h>

#include "workers/rules_facts.h"

const int rt_ahead_days[RT_AHEAD] = {7, 30};

/* From this moment on what was owed within so many hours of `from` is late. */
static int64_t late_at(int64_t from, double hours)
{
    return from + (int64_t)floor(hours * (double)RT_HOUR_MS) + 1;
}

static void owe(struct rt_standing *s, int64_t due, const char *what,
                const struct rt_ticket *ticket)
{
    s->overdue++;
    if (due > s->due || (due == s->due && ticket == NULL))
        return;
    s->due = due;
    s->owed = what;
    s->owed_ticket = ticket;
    s->owed_episode = NULL;
}

static void take_response(struct rt_standing *s, const struct rt_ticket *ticket, bool recent)
{
    int severity = rt_ticket_severity(ticket) - 1;
    int64_t late = late_at(ticket->first, s->tier->response_limit_hours[severity]);
    bool open = rt_ticket_open(ticket);
    int64_t answered = ticket->response_at;

    if (answered == INT64_MAX && open && s->now >= late)
        owe(s, late - 1, "response", ticket);
    if (!recent)
        return;
    if (answered != INT64_MAX)
        *(answered < late ? &s->responses.kept : &s->responses.missed) += 1;
    else if (open)
        *(s->now < late ? &s->responses.waiting : &s->responses.missed) += 1;
    else if (ticket->state_at >= late)
        s->responses.missed++;
}

static void take_resolution(struct rt_standing *s, const struct rt_ticket *ticket, bool recent)
{
    int64_t late, critical;
    bool open = rt_ticket_open(ticket);

    rt_overdue_moments(s->tier, ticket, &late, &critical);
    if (open && s->now >= late) {
        s->tickets_overdue++;
        owe(s, late - 1, "ticket", ticket);
    }
    if (!recent)
        return;
    if (open)
        *(s->now < late ? &s->resolutions.waiting : &s->resolutions.missed) += 1;
    else
        *(ticket->state_at < late ? &s->resolutions.kept : &s->resolutions.missed) += 1;
}

static bool is_worse(const struct rt_ticket *ticket, const struct rt_ticket *than)
{
    int severity = rt_ticket_severity(ticket), other;

    if (than == NULL)
        return true;
    other = rt_ticket_severity(than);
    return severity != other ? severity < other : ticket->first < than->first;
}

static void take_ticket(struct rt_standing *s, const struct rt_ticket *ticket)
{
    bool recent = ticket->first >= s->now - RT_STANDING_DAYS * RT_DAY_MS;

    if (rt_ticket_open(ticket)) {
        s->tickets[rt_ticket_severity(ticket) - 1]++;
        if (is_worse(ticket, s->worst))
            s->worst = ticket;
    }
    take_response(s, ticket, recent);
    take_resolution(s, ticket, recent);
}

static void take_tickets(struct rt_standing *s, const struct rt_tickets *tickets)
{
    if (tickets == NULL)
        return;
    for (uint32_t i = 0; i < tickets->open.count; i++)
        take_ticket(s, tickets->open.at[i]);
    for (uint32_t i = 0; i < tickets->closed.count; i++)
        take_ticket(s, tickets->closed.at[i]);
}

static void take_mails(struct rt_standing *s, const struct rt_threads *threads)
{
    for (unsigned i = 0; threads != NULL && i < threads->count; i++) {
        const struct rt_thread *thread = &threads->threads[i];
        int64_t late = late_at(thread->ts, s->tier->mail_limit_hours);

        if (thread->ours || s->now < late ||
            thread->ts < s->now - RT_STANDING_MAIL_DAYS * RT_DAY_MS)
            continue;
        s->mails_waiting++;
        owe(s, late - 1, "mail", NULL);
    }
}

/* Who acknowledged an alert said that he sees to it by then. */
static void take_promises(struct rt_standing *s)
{
    for (size_t i = 0; i < rt_account_episodes(s->account); i++) {
        const struct rt_episode *episode = rt_account_episode(s->account, i);
        bool first = episode->lapsed < s->due;

        if (episode->lapsed == 0)
            continue;
        owe(s, episode->lapsed, "alert", NULL);
        if (first)
            s->owed_episode = episode;
    }
}

/* Whole days: the interval begins with the day of the last visit, or with the first contact. */
static void take_visit(struct rt_standing *s, const struct rt_activity *activity)
{
    int32_t from;

    s->visits = s->tier->visit_days > 0;
    s->visited = rt_activity_visited(activity, &s->visit_day);
    if (!s->visits)
        return;
    s->visit_due = !s->contacted;
    if (!s->contacted)
        return;
    from = s->visited ? s->visit_day : rt_activity_day(activity->first);
    s->visit_at = (from + (int64_t)ceil(s->tier->visit_days)) * RT_DAY_MS;
    s->visit_due = s->now >= s->visit_at;
}

static void take_profile(struct rt_standing *s)
{
    struct rt_profile_value value = rt_account_profile(s->account, RT_PROFILE_VALUE);
    struct rt_profile_value renewal = rt_account_profile(s->account, RT_PROFILE_RENEWAL);

    s->has_worth = value.presence == RT_KEY_SET;
    s->worth = s->has_worth ? value.value : 0;
    s->has_renewal = renewal.presence == RT_KEY_SET;
    s->renewal = renewal.renewal;
}

static void take_score(struct rt_standing *s)
{
    struct rt_score_view view;

    rt_score_view(&view, s->tier, s->account);
    s->score = rt_score_at(&view, s->now);
    for (int i = 0; i < RT_AHEAD; i++)
        s->ahead[i] = rt_score_at(&view, s->now + rt_ahead_days[i] * RT_DAY_MS);
}

void rt_standing(struct rt_standing *standing, const struct rt_config *config,
                 const struct rt_account *account, int64_t now)
{
    *standing = (struct rt_standing){.account = account,
                                     .tier = rt_account_tier(account, config),
                                     .now = now,
                                     .churned = account->churned,
                                     .contacted = rt_activity_any(&account->activity),
                                     .due = INT64_MAX};
    take_profile(standing);
    if (standing->churned)
        return;
    if (standing->contacted)
        take_score(standing);
    take_tickets(standing, account->tickets);
    take_mails(standing, account->threads);
    take_promises(standing);
    take_visit(standing, &account->activity);
    standing->growing = rt_account_episode_of(account, RT_UPSELL) != NULL;
}

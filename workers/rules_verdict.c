/* The seven rules, one function each. A rule says whether its alert should be open now, how severe,
 * and when time alone may change that. Thresholds are the tier's. A severity falls back only with
 * the same distance from its threshold as the alert itself clears with. */
#include "workers/rules_facts.h"

#include <math.h>

#include "workers/override.h"

static const struct rt_verdict nothing = {.next = INT64_MAX};

/* Milliseconds of so many days; INT64_MAX / 4 at most, so that sums with a moment stay within
 * bounds. */
static int64_t days_ms(double days)
{
    double ms = floor(days * (double)RT_DAY_MS);

    return ms < (double)(INT64_MAX / 4) ? (int64_t)ms : INT64_MAX / 4;
}

static void keep_earlier(int64_t *next, int64_t at, int64_t now)
{
    if (at > now && at < *next)
        *next = at;
}

/* ---- facts ----------------------------------------------------------------------------------- */

void rt_facts(struct rt_facts *facts, const struct rt_config *config,
              const struct rt_account *account, int64_t now, enum rt_judged_on on)
{
    const struct rt_activity *activity = &account->activity;
    struct rt_profile_value renewal = rt_profile_get(account->profile, RT_PROFILE_RENEWAL);

    facts->config = config;
    facts->tier = rt_account_tier(account, config);
    facts->account = account;
    facts->now = now;
    facts->on = on;
    rt_score_view(&facts->view, facts->tier, account);
    facts->computed = rt_score_at(&facts->view, now);
    facts->override = rt_account_override(account, now);
    facts->score = facts->override == NULL ? facts->computed
                                           : rt_override_score(facts->override, facts->computed);
    facts->dormant_at = rt_activity_any(activity)
                            ? activity->last + days_ms((double)config->alerts_dormant_days) + 1
                            : INT64_MAX;
    facts->dormant = now >= facts->dormant_at;
    facts->established = rt_tickets_open(account->tickets) > 0 ||
                         rt_activity_count(activity) >= facts->tier->active_days;
    facts->has_renewal = renewal.presence == RT_KEY_SET;
    facts->renewal = renewal.renewal;
}

int64_t rt_facts_fall(struct rt_facts *facts, int64_t until, double threshold)
{
    const struct rt_override *override = facts->override;
    int64_t from = facts->now, at;
    double least, most;

    if (override != NULL) {
        int64_t end = until < override->until ? until : override->until;

        rt_override_range(override, &least, &most);
        if (threshold > least && threshold <= most) {
            at = rt_score_view_crossing(&facts->view, from, end, threshold);
            if (at != INT64_MAX)
                return at;
        }
        if (until <= end)
            return INT64_MAX;
        from = end;
        if (rt_score_at(&facts->view, from) < threshold)
            return from;
    }
    return rt_score_view_crossing(&facts->view, from, until, threshold);
}

/* Whether the renewal lies within so many days ahead; *next: when that changes. */
static bool renews_within(const struct rt_facts *facts, double days, int64_t *next)
{
    int64_t from;

    if (!facts->has_renewal || facts->renewal <= facts->now)
        return false;
    from = facts->renewal - days_ms(days);
    keep_earlier(next, from > facts->now ? from : facts->renewal, facts->now);
    return from <= facts->now;
}

/* True below `at`; once it was, true until `back` is reached. */
static bool is_below(double value, double at, double back, bool was)
{
    return value < (was ? back : at);
}

static bool was_critical(const struct rt_open *open)
{
    return open != NULL && open->episode.severity == RT_CRITICAL;
}

/* ---- churn_risk ------------------------------------------------------------------------------ */

static struct rt_verdict judge_churn(struct rt_facts *facts, const struct rt_open *open)
{
    const struct rt_tier *tier = facts->tier;
    double distance = tier->churn_clear - tier->churn_below;
    struct rt_verdict verdict = nothing;
    bool low;

    if (!facts->established || (open == NULL && facts->dormant))
        return nothing;
    verdict.holds = is_below(facts->score, tier->churn_below, tier->churn_clear, open != NULL);
    if (!verdict.holds) {
        verdict.threshold = tier->churn_below;
        return verdict;
    }
    low = is_below(facts->score, tier->churn_critical, tier->churn_critical + distance,
                   was_critical(open));
    if (!low)
        verdict.threshold = tier->churn_critical;
    verdict.severity = renews_within(facts, tier->renewal_critical_days, &verdict.next) || low
                           ? RT_CRITICAL
                           : RT_WARNING;
    return verdict;
}

/* ---- score_drop ------------------------------------------------------------------------------ */

static double peak_of(const struct rt_facts *facts)
{
    int32_t days = (int32_t)ceil(facts->tier->drop_days);

    return rt_account_peak(facts->account, rt_activity_day(facts->now) - days);
}

/* Judged on events and on the computed score: a score that is set by hand is no fall. Only events raise it or make it worse. It is over when half of what must be lost
 * is back, or after drop_days. */
static struct rt_verdict judge_drop(struct rt_facts *facts, const struct rt_open *open)
{
    const struct rt_tier *tier = facts->tier;
    double peak = peak_of(facts);
    struct rt_verdict verdict = nothing;

    verdict.severity = RT_WARNING;
    if (open == NULL) {
        verdict.holds = facts->on == RT_ON_EVENT && !facts->dormant && peak >= 0 &&
                        peak - facts->computed >= tier->drop_points;
        verdict.next = facts->now + days_ms(tier->drop_days);
    } else {
        double least = open->episode.spoke_score + tier->drop_points;
        int64_t end = open->episode.raised + days_ms(tier->drop_days);

        /* After a recovery without the notes of those days the peak is at least what made it an
         * alert. */
        peak = open->peak > 0 ? open->peak : least;
        verdict.holds = facts->now < end && facts->computed < peak - tier->drop_points / 2;
        verdict.next = end;
    }
    if (!verdict.holds)
        return nothing;
    if (was_critical(open) ||
        (facts->on == RT_ON_EVENT && peak - facts->computed >= tier->drop_critical))
        verdict.severity = RT_CRITICAL;
    return verdict;
}

/* ---- silence --------------------------------------------------------------------------------- */

/* The account's own mean gap, drawn towards the tier's rhythm as if it had been seen for two more
 * gaps of that. */
static double usual_gap_ms(const struct rt_tier *tier, const struct rt_activity *activity)
{
    double seen = (double)(activity->last - rt_activity_start(activity));

    return (seen + 2 * tier->rhythm_days * (double)RT_DAY_MS) / (rt_activity_count(activity) + 1);
}

static double silence_ms(const struct rt_tier *tier, const struct rt_activity *activity)
{
    return fmax(tier->silence_min_days * (double)RT_DAY_MS,
                tier->silence_factor * usual_gap_ms(tier, activity));
}

int64_t rt_silence_limit(const struct rt_tier *tier, const struct rt_activity *activity)
{
    return days_ms(silence_ms(tier, activity) / (double)RT_DAY_MS);
}

static void silence_moments(const struct rt_facts *facts, int64_t *warning, int64_t *critical)
{
    const struct rt_activity *activity = &facts->account->activity;
    double limit = silence_ms(facts->tier, activity);

    *warning = activity->last + (int64_t)floor(limit) + 1;
    *critical = activity->last + (int64_t)floor(limit * facts->tier->silence_critical) + 1;
}

static struct rt_verdict judge_silence(struct rt_facts *facts, const struct rt_open *open)
{
    struct rt_verdict verdict = nothing;
    int64_t warning, critical;

    if (!facts->established || !rt_activity_any(&facts->account->activity) ||
        (open == NULL && facts->dormant))
        return nothing;
    silence_moments(facts, &warning, &critical);
    verdict.holds = facts->now >= warning;
    verdict.severity = facts->now >= critical ? RT_CRITICAL : RT_WARNING;
    if (verdict.holds)
        keep_earlier(&verdict.next, critical, facts->now);
    else if (warning < facts->dormant_at)
        keep_earlier(&verdict.next, warning, facts->now);
    return verdict;
}

/* ---- ticket_overdue -------------------------------------------------------------------------- */

void rt_overdue_moments(const struct rt_tier *tier, const struct rt_ticket *ticket,
                        int64_t *overdue, int64_t *critical)
{
    int severity = rt_ticket_severity(ticket);
    double limit = tier->ticket_limit_hours[severity - 1] * (double)RT_HOUR_MS;

    *overdue = ticket->first + (int64_t)floor(limit) + 1;
    *critical = severity == 1 ? *overdue
                              : ticket->first + (int64_t)floor(limit * tier->overdue_critical) + 1;
}

static struct rt_verdict judge_overdue(struct rt_facts *facts, const struct rt_open *open)
{
    const struct rt_tickets *tickets = facts->account->tickets;
    int64_t first_overdue = INT64_MAX, first_critical = INT64_MAX;
    struct rt_verdict verdict = nothing;

    if (rt_tickets_open(tickets) == 0 || (open == NULL && facts->dormant))
        return nothing;
    for (uint32_t i = 0; i < tickets->open.count; i++) {
        int64_t overdue, critical;

        rt_overdue_moments(facts->tier, tickets->open.at[i], &overdue, &critical);
        if (overdue < first_overdue)
            first_overdue = overdue;
        if (critical < first_critical)
            first_critical = critical;
    }
    verdict.holds = facts->now >= first_overdue;
    verdict.severity = facts->now >= first_critical ? RT_CRITICAL : RT_WARNING;
    if (verdict.holds)
        keep_earlier(&verdict.next, first_critical, facts->now);
    else if (first_overdue < facts->dormant_at)
        keep_earlier(&verdict.next, first_overdue, facts->now);
    return verdict;
}

/* ---- sentiment ------------------------------------------------------------------------------- */

/* As of the last contact: time alone changes nothing. */
static struct rt_verdict judge_sentiment(struct rt_facts *facts, const struct rt_open *open)
{
    const struct rt_tier *tier = facts->tier;
    double distance = tier->sentiment_clear - tier->sentiment_below, mean;
    struct rt_verdict verdict = nothing;

    if (open == NULL && facts->dormant)
        return nothing;
    if (rt_score_sentiment(tier, facts->account, &mean) < tier->sentiment_count)
        return nothing;
    verdict.holds = is_below(mean, tier->sentiment_below, tier->sentiment_clear, open != NULL);
    verdict.severity = is_below(mean, tier->sentiment_critical, tier->sentiment_critical + distance,
                                was_critical(open))
                           ? RT_CRITICAL
                           : RT_WARNING;
    return verdict;
}

/* ---- renewal_risk ---------------------------------------------------------------------------- */

static struct rt_verdict judge_renewal(struct rt_facts *facts, const struct rt_open *open)
{
    const struct rt_tier *tier = facts->tier;
    double distance = tier->renewal_clear - tier->renewal_below;
    struct rt_verdict verdict = nothing;
    bool low;

    if ((open == NULL && facts->dormant) ||
        !renews_within(facts, tier->renewal_days, &verdict.next))
        return verdict;
    verdict.holds = is_below(facts->score, tier->renewal_below, tier->renewal_clear, open != NULL);
    if (!verdict.holds) {
        verdict.threshold = tier->renewal_below;
        return verdict;
    }
    low = is_below(facts->score, tier->renewal_critical_below,
                   tier->renewal_critical_below + distance, was_critical(open));
    if (!low)
        verdict.threshold = tier->renewal_critical_below;
    verdict.severity = renews_within(facts, tier->renewal_critical_days, &verdict.next) || low
                           ? RT_CRITICAL
                           : RT_WARNING;
    return verdict;
}

/* ---- upsell ---------------------------------------------------------------------------------- */

enum { GROWTH_DAYS = 90 };

struct rt_growth rt_growth(const struct rt_activity *activity, int32_t today)
{
    int32_t middle = today - GROWTH_DAYS + 1;

    return (struct rt_growth){
        .recent = rt_activity_between(activity, middle, today + 1),
        .before = rt_activity_between(activity, middle - GROWTH_DAYS, middle),
    };
}

static bool grows(struct rt_growth growth, double ratio)
{
    return growth.recent >= ratio * growth.before;
}

/* Midnight of the first day on which the growth is no longer enough if nothing happens. Each day
 * that passes, one day leaves the recent ones for those before, and one of those leaves. */
static int64_t growth_ends(const struct rt_facts *facts, struct rt_growth growth)
{
    const struct rt_activity *activity = &facts->account->activity;
    int32_t today = rt_activity_day(facts->now);

    for (int32_t day = today + 1; day <= today + 2 * GROWTH_DAYS; day++) {
        unsigned moves = rt_activity_on(activity, day - GROWTH_DAYS);

        growth.recent += rt_activity_on(activity, day) - moves;
        growth.before += moves - rt_activity_on(activity, day - 2 * GROWTH_DAYS);
        if (!grows(growth, facts->tier->upsell_clear_growth))
            return day * RT_DAY_MS;
    }
    return INT64_MAX;
}

/* Good news is told when something happens; that time passes is none. */
static struct rt_verdict judge_upsell(struct rt_facts *facts, const struct rt_open *open)
{
    const struct rt_tier *tier = facts->tier;
    struct rt_verdict verdict = nothing;
    struct rt_growth growth;

    if (facts->score < tier->upsell_clear ||
        (open == NULL &&
         (facts->on == RT_ON_TIME || facts->dormant || facts->score < tier->upsell_above)))
        return nothing;
    growth = rt_growth(&facts->account->activity, rt_activity_day(facts->now));
    verdict.holds = open != NULL ? grows(growth, tier->upsell_clear_growth)
                                 : growth.before > 0 && grows(growth, tier->upsell_growth);
    verdict.severity = RT_INFO;
    if (!verdict.holds)
        return nothing;
    verdict.next = growth_ends(facts, growth);
    verdict.threshold = tier->upsell_clear;
    return verdict;
}

/* ---- all ------------------------------------------------------------------------------------- */

struct rt_verdict rt_verdict(struct rt_facts *facts, enum rt_alert_kind kind,
                             const struct rt_open *open)
{
    if (facts->account->churned)
        return nothing;
    switch (kind) {
    case RT_CHURN_RISK:
        return judge_churn(facts, open);
    case RT_SCORE_DROP:
        return judge_drop(facts, open);
    case RT_SILENCE:
        return judge_silence(facts, open);
    case RT_TICKET_OVERDUE:
        return judge_overdue(facts, open);
    case RT_SENTIMENT:
        return judge_sentiment(facts, open);
    case RT_RENEWAL_RISK:
        return judge_renewal(facts, open);
    case RT_UPSELL:
        return judge_upsell(facts, open);
    default:
        return nothing;
    }
}

int64_t rt_worsens(struct rt_facts *facts, enum rt_alert_kind kind)
{
    const struct rt_tier *tier = facts->tier;
    int64_t next = INT64_MAX, warning, critical;

    switch (kind) {
    case RT_CHURN_RISK:
        renews_within(facts, tier->renewal_critical_days, &next);
        keep_earlier(&next, rt_facts_fall(facts, next, tier->churn_critical), facts->now);
        break;
    case RT_SILENCE:
        silence_moments(facts, &warning, &critical);
        keep_earlier(&next, critical, facts->now);
        break;
    case RT_TICKET_OVERDUE:
        next = judge_overdue(facts, rt_account_open_of(facts->account, kind)).next;
        break;
    case RT_RENEWAL_RISK:
        renews_within(facts, tier->renewal_critical_days, &next);
        keep_earlier(&next, rt_facts_fall(facts, next, tier->renewal_critical_below), facts->now);
        break;
    default:
        break;
    }
    return next == INT64_MAX ? 0 : next;
}

/* Taking accounts in. Nothing here allocates after rt_management_new, or fails. */
#include "workers/management.h"

#include <stdlib.h>

const int rt_before_days[RT_BEFORE] = {7, 30};

struct rt_management *rt_management_new(size_t limit)
{
    struct rt_management *management = calloc(1, sizeof(*management));

    for (int i = 0; management != NULL && i < RT_CONCERNS; i++) {
        if (!rt_shortlist_init(&management->lists[i], limit)) {
            rt_management_free(management);
            return NULL;
        }
    }
    return management;
}

void rt_management_free(struct rt_management *management)
{
    if (management == NULL)
        return;
    for (int i = 0; i < RT_CONCERNS; i++)
        rt_shortlist_free(&management->lists[i]);
    free(management);
}

void rt_management_reset(struct rt_management *management)
{
    struct rt_shortlist lists[RT_CONCERNS];

    memcpy(lists, management->lists, sizeof(lists));
    memset(management, 0, sizeof(*management));
    memcpy(management->lists, lists, sizeof(lists));
    for (int i = 0; i < RT_CONCERNS; i++)
        management->lists[i].count = 0;
}

/* ---- sums ------------------------------------------------------------------------------------ */

static void add_pace(struct rt_pace *sum, const struct rt_pace *pace)
{
    sum->kept += pace->kept;
    sum->missed += pace->missed;
    sum->waiting += pace->waiting;
}

static void take_scores(struct rt_management *m, const struct rt_standing *s)
{
    int tens = (int)(s->score / RT_TENS);

    m->tens[tens < RT_TENS ? tens : RT_TENS - 1]++;
    for (int i = 0; i < RT_AHEAD; i++)
        m->ahead[i][rt_band_of(s->ahead[i])]++;
}

/* The last day that was over so many days ago. */
static int32_t day_before(int64_t now, int days)
{
    return (int32_t)((now - days * RT_DAY_MS) / RT_DAY_MS) - 1;
}

static void take_past(struct rt_past *past, uint8_t point, enum rt_band today)
{
    enum rt_band then;

    if (point == RT_CURVE_UNKNOWN) {
        past->unknown++;
        return;
    }
    then = rt_band_of((double)point / RT_CURVE_STEPS);
    past->bands[then]++;
    past->fell += today < then;
    past->rose += today > then;
}

static void take_before(struct rt_management *m, const struct rt_core *core,
                        const struct rt_curve_table *curves, const struct rt_standing *s)
{
    struct rt_curve_key key = rt_curve_key(rt_account_name(s->account), core->curves.secret);
    const struct rt_curve *curve = rt_curve_table_find(curves, &key);

    for (int i = 0; i < RT_BEFORE; i++)
        take_past(&m->before[i],
                  rt_curve_at(curve, s->tier, s->account, day_before(s->now, rt_before_days[i])),
                  rt_band_of(s->score));
}

static void take_renewal(struct rt_management *m, const struct rt_standing *s)
{
    if (!s->has_renewal || s->renewal < s->now)
        return;
    for (int i = 0; i < RT_HORIZONS; i++) {
        if (s->renewal - s->now > rt_horizon_days[i] * RT_DAY_MS)
            continue;
        rt_report_add(&m->renewal_value[i], s->worth);
        if (s->contacted)
            m->renewals[i][rt_band_of(s->score)]++;
        else
            m->renewals_never_contacted[i]++;
    }
}

static void take_alerts(struct rt_management *m, const struct rt_account *account)
{
    for (size_t i = 0; i < rt_account_episodes(account); i++) {
        const struct rt_episode *episode = rt_account_episode(account, i);

        m->alerts[episode->kind]++;
        m->acknowledged += episode->ack->by.data != NULL;
        m->lapsed += episode->lapsed != 0;
    }
}

static void take_groups(struct rt_management *m, const struct rt_standing *s)
{
    static const enum rt_profile_key keys[RT_GROUPINGS] = {
        [RT_BY_OWNER] = RT_PROFILE_OWNER,
        [RT_BY_TIER] = RT_PROFILE_TIER,
        [RT_BY_REGION] = RT_PROFILE_REGION,
        [RT_BY_CURRENCY] = RT_PROFILE_CURRENCY,
    };

    for (int i = 0; i < RT_GROUPINGS; i++) {
        struct rt_profile_value value = rt_account_profile(s->account, keys[i]);
        struct rt_sums *sums = rt_groups_of(
            &m->groups[i], value.presence == RT_KEY_SET ? value.text : rt_span(NULL, 0));

        if (sums != NULL)
            rt_sums_add(sums, s);
    }
}

/* ---- lists ----------------------------------------------------------------------------------- */

static void list(struct rt_management *m, enum rt_concern concern, double key, double second,
                 const struct rt_standing *s)
{
    rt_shortlist_offer(&m->lists[concern], key, second, s->account);
}

static void take_lists(struct rt_management *m, const struct rt_standing *s)
{
    if (s->contacted && rt_band_of(s->score) == RT_AT_RISK) /* the most that may be lost first */
        list(m, RT_CONCERN_AT_RISK, -s->worth * (100 - s->score) / 100, s->score, s);
    if (s->has_renewal && s->renewal >= s->now &&
        s->renewal - s->now <= rt_horizon_days[RT_HORIZONS - 1] * RT_DAY_MS)
        list(m, RT_CONCERN_RENEWALS, (double)s->renewal, s->score, s);
    if (s->worst != NULL)
        list(m, RT_CONCERN_COMPLAINTS, rt_ticket_severity(s->worst), (double)s->worst->first, s);
    if (s->overdue > 0)
        list(m, RT_CONCERN_OVERDUE, (double)s->due, -s->worth, s);
    if (s->visit_due) /* those that nobody was ever in touch with first */
        list(m, RT_CONCERN_VISITS, (double)s->visit_at, -s->worth, s);
    if (s->growing)
        list(m, RT_CONCERN_GROWTH, -s->worth, -s->score, s);
}

void rt_management_take(struct rt_management *management, const struct rt_core *core,
                        const struct rt_curve_table *curves, const struct rt_account *account,
                        int64_t now)
{
    struct rt_standing standing;

    rt_standing(&standing, core->config, account, now);
    rt_sums_add(&management->sums, &standing);
    take_groups(management, &standing);
    if (standing.churned)
        return;
    if (standing.contacted) {
        take_scores(management, &standing);
        take_before(management, core, curves, &standing);
    }
    take_renewal(management, &standing);
    for (int i = 0; i < RT_SEVERITIES; i++)
        management->severities[i] += standing.tickets[i];
    add_pace(&management->responses, &standing.responses);
    add_pace(&management->resolutions, &standing.resolutions);
    management->mails_waiting += standing.mails_waiting;
    management->visits += standing.visits;
    management->overrides += rt_account_override(account, now) != NULL;
    take_alerts(management, account);
    take_lists(management, &standing);
}

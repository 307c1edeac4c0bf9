/* What was taken in, as this worker's part of the answer. The rows of the lists are worked out anew
 * from the accounts as they are now, at the moment of the question. */
#include "workers/management.h"
#include "workers/rules_facts.h"

static void write_count(struct rt_buffer *out, const char *key, uint64_t count)
{
    rt_write_key_int(out, key, (int64_t)count);
}

/* ---- numbers --------------------------------------------------------------------------------- */

static void write_bands(struct rt_buffer *out, const char *key, const uint64_t bands[RT_BANDS])
{
    rt_write_text(out, key);
    rt_write_map(out, RT_BANDS);
    for (int band = 0; band < RT_BANDS; band++)
        write_count(out, rt_band_name((enum rt_band)band), bands[band]);
}

/* The pairs that totals and groups share. */
enum { SUMS_PAIRS = 19 };

static void write_sums(struct rt_buffer *out, const struct rt_sums *sums)
{
    write_count(out, "accounts", sums->accounts);
    write_count(out, "churned", sums->churned);
    write_count(out, "never_contacted", sums->never_contacted);
    write_count(out, "scored", sums->scored);
    rt_write_key_double(out, "score_sum", sums->score_sum);
    write_bands(out, "bands", sums->bands);
    rt_write_key_double(out, "value", sums->value);
    rt_write_key_double(out, "value_at_risk", sums->value_at_risk);
    rt_write_key_double(out, "value_weighted", sums->value_weighted);
    write_count(out, "renewals_due", sums->renewals);
    rt_write_key_double(out, "renewals_value", sums->renewal_value);
    write_count(out, "open_tickets", sums->open_tickets);
    write_count(out, "tickets_overdue", sums->tickets_overdue);
    write_count(out, "overdue", sums->overdue);
    write_count(out, "responses_kept", sums->kept);
    write_count(out, "responses_missed", sums->missed);
    write_count(out, "visits_due", sums->visits_due);
    write_count(out, "growing", sums->growing);
    write_count(out, "open_alerts", sums->alerts);
}

static void write_tens(struct rt_buffer *out, const struct rt_management *m)
{
    static const char *const names[RT_TENS] = {"0",  "10", "20", "30", "40",
                                               "50", "60", "70", "80", "90"};

    rt_write_text(out, "scores");
    rt_write_map(out, RT_TENS);
    for (int i = 0; i < RT_TENS; i++)
        write_count(out, names[i], m->tens[i]);
}

static void write_ahead(struct rt_buffer *out, const struct rt_management *m)
{
    static const char *const names[RT_AHEAD] = {"7", "30"};

    rt_write_text(out, "ahead");
    rt_write_map(out, RT_AHEAD);
    for (int i = 0; i < RT_AHEAD; i++)
        write_bands(out, names[i], m->ahead[i]);
}

static void write_before(struct rt_buffer *out, const struct rt_management *m)
{
    static const char *const names[RT_BEFORE] = {"7", "30"};

    rt_write_text(out, "before");
    rt_write_map(out, RT_BEFORE);
    for (int i = 0; i < RT_BEFORE; i++) {
        const struct rt_past *past = &m->before[i];

        rt_write_text(out, names[i]);
        rt_write_map(out, 4);
        write_bands(out, "bands", past->bands);
        write_count(out, "unknown", past->unknown);
        write_count(out, "fell", past->fell);
        write_count(out, "rose", past->rose);
    }
}

static void write_renewals(struct rt_buffer *out, const struct rt_management *m)
{
    rt_write_text(out, "renewals");
    rt_write_map(out, RT_HORIZONS);
    for (int i = 0; i < RT_HORIZONS; i++) {
        uint64_t accounts = m->renewals_never_contacted[i];

        for (int band = 0; band < RT_BANDS; band++)
            accounts += m->renewals[i][band];
        rt_write_text(out, rt_horizon_names[i]);
        rt_write_map(out, 3);
        write_count(out, "accounts", accounts);
        rt_write_key_double(out, "value", m->renewal_value[i]);
        write_bands(out, "bands", m->renewals[i]);
    }
}

static void write_severities(struct rt_buffer *out, const struct rt_management *m)
{
    static const char *const names[RT_SEVERITIES] = {"1", "2", "3", "4"};

    rt_write_text(out, "severities");
    rt_write_map(out, RT_SEVERITIES);
    for (int i = 0; i < RT_SEVERITIES; i++)
        write_count(out, names[i], m->severities[i]);
}

static void write_pace(struct rt_buffer *out, const char *key, const struct rt_pace *pace)
{
    rt_write_text(out, key);
    rt_write_map(out, 3);
    write_count(out, "kept", pace->kept);
    write_count(out, "missed", pace->missed);
    write_count(out, "waiting", pace->waiting);
}

static void write_alerts(struct rt_buffer *out, const struct rt_management *m)
{
    rt_write_text(out, "alerts");
    rt_write_map(out, RT_ALERT_KINDS);
    for (int kind = 0; kind < RT_ALERT_KINDS; kind++)
        write_count(out, rt_alert_kind_name((enum rt_alert_kind)kind), m->alerts[kind]);
}

static void write_numbers(struct rt_buffer *out, const struct rt_management *m)
{
    rt_write_map(out, SUMS_PAIRS + 13);
    write_sums(out, &m->sums);
    write_tens(out, m);
    write_before(out, m);
    write_ahead(out, m);
    write_renewals(out, m);
    write_severities(out, m);
    write_pace(out, "responses", &m->responses);
    write_pace(out, "resolutions", &m->resolutions);
    write_count(out, "mails_waiting", m->mails_waiting);
    write_count(out, "visits_wanted", m->visits);
    write_alerts(out, m);
    write_count(out, "acknowledged", m->acknowledged);
    write_count(out, "lapsed", m->lapsed);
    write_count(out, "overrides", m->overrides);
}

/* ---- groups ---------------------------------------------------------------------------------- */

static void write_groups(struct rt_buffer *out, const struct rt_groups *groups)
{
    rt_write_array(out, groups->count);
    for (uint32_t i = 0; i < groups->count; i++) {
        const struct rt_group *group = &groups->groups[i];

        rt_write_array(out, 2);
        rt_write_optional(out, rt_span(group->size == 0 ? NULL : group->name, group->size));
        rt_write_map(out, SUMS_PAIRS);
        write_sums(out, &group->sums);
    }
}

/* ---- lists ----------------------------------------------------------------------------------- */

static void write_time(struct rt_buffer *out, const char *key, bool known, int64_t ms)
{
    if (known)
        rt_write_key_int(out, key, ms);
    else
        rt_write_key_nil(out, key);
}

static void write_ticket(struct rt_buffer *out, const struct rt_ticket *ticket)
{
    if (ticket == NULL) {
        rt_write_key_nil(out, "ticket");
        rt_write_key_nil(out, "severity");
        return;
    }
    rt_write_key_str(out, "ticket", rt_ticket_number(ticket));
    rt_write_key_int(out, "severity", rt_ticket_severity(ticket));
}

static void write_complaint(struct rt_buffer *out, const struct rt_standing *s)
{
    unsigned open = 0;

    for (int i = 0; i < RT_SEVERITIES; i++)
        open += s->tickets[i];
    write_ticket(out, s->worst);
    write_time(out, "since", s->worst != NULL, s->worst != NULL ? s->worst->first : 0);
    rt_write_key_bool(out, "answered", s->worst != NULL && s->worst->response_at != INT64_MAX);
    write_count(out, "open_tickets", open);
    write_count(out, "tickets_overdue", s->tickets_overdue);
}

static void write_owed(struct rt_buffer *out, const struct rt_standing *s)
{
    rt_write_text(out, "what");
    rt_write_optional(out, s->owed == NULL ? rt_span(NULL, 0) : rt_span_text(s->owed));
    write_time(out, "due", s->owed != NULL, s->due);
    write_ticket(out, s->owed_ticket);
    if (s->owed_episode != NULL)
        rt_write_key_text(out, "kind", rt_alert_kind_name(s->owed_episode->kind));
    else
        rt_write_key_nil(out, "kind");
    write_count(out, "overdue", s->overdue);
}

static void write_visit(struct rt_buffer *out, const struct rt_standing *s)
{
    write_time(out, "last_visit", s->visited, s->visit_day * RT_DAY_MS);
    write_time(out, "due", s->contacted, s->visit_at);
}

static void write_growth(struct rt_buffer *out, const struct rt_standing *s)
{
    int32_t today = rt_activity_day(s->now);
    struct rt_growth growth = rt_growth(&s->account->activity, today);

    write_count(out, "recent_days", growth.recent);
    write_count(out, "days_before", growth.before);
    write_count(out, "people",
                rt_activity_people(&s->account->activity, today - RT_SCORE_BREADTH_DAYS));
}

static void write_at_risk(struct rt_buffer *out, const struct rt_standing *s)
{
    rt_write_key_double(out, "value_weighted", s->worth * (100 - s->score) / 100);
    write_time(out, "last_contact", s->contacted, s->account->activity.last);
}

static void write_renewal(struct rt_buffer *out, const struct rt_standing *s)
{
    rt_write_key_int(out, "days", (s->renewal - s->now) / RT_DAY_MS);
}

static const struct concern {
    const char *name;
    uint32_t pairs;
    void (*write)(struct rt_buffer *out, const struct rt_standing *standing);
} concerns[RT_CONCERNS] = {
    [RT_CONCERN_AT_RISK] = {"at_risk", 2, write_at_risk},
    [RT_CONCERN_RENEWALS] = {"next_renewals", 1, write_renewal},
    [RT_CONCERN_COMPLAINTS] = {"complaints", 6, write_complaint},
    [RT_CONCERN_OVERDUE] = {"owed", 6, write_owed},
    [RT_CONCERN_VISITS] = {"visits", 2, write_visit},
    [RT_CONCERN_GROWTH] = {"growth", 3, write_growth},
};

static void write_text(struct rt_buffer *out, const struct rt_account *account,
                       enum rt_profile_key key)
{
    struct rt_profile_value text = rt_account_profile(account, key);

    rt_write_text(out, rt_profile_key_name(key));
    rt_write_optional(out, text.presence == RT_KEY_SET ? text.text : rt_span(NULL, 0));
}

static void write_list(struct rt_buffer *out, struct rt_shortlist *list,
                       const struct concern *concern, const struct rt_core *core, int64_t now)
{
    rt_shortlist_sort(list);
    rt_write_text(out, concern->name);
    rt_write_array(out, (uint32_t)list->count);
    for (size_t i = 0; i < list->count; i++) {
        const struct rt_account *account = list->items[i].account;
        struct rt_standing standing;

        rt_standing(&standing, core->config, account, now);
        rt_write_array(out, 3);
        rt_write_double(out, list->items[i].key);
        rt_write_double(out, list->items[i].second);
        rt_write_map(out, rt_report_line_count(account, now) + 3 + concern->pairs);
        rt_report_line_pairs(core, account, now, out);
        write_text(out, account, RT_PROFILE_NAME);
        write_text(out, account, RT_PROFILE_REGION);
        write_text(out, account, RT_PROFILE_CURRENCY);
        concern->write(out, &standing);
    }
}

void rt_management_write(struct rt_management *management, const struct rt_core *core, int64_t now,
                         struct rt_buffer *out)
{
    static const char *const names[RT_GROUPINGS] = {"owners", "tiers", "regions", "currencies"};

    rt_write_map(out, 4);
    rt_write_key_bool(out, "ok", true);
    rt_write_text(out, "numbers");
    write_numbers(out, management);
    rt_write_text(out, "groups");
    rt_write_map(out, RT_GROUPINGS);
    for (int i = 0; i < RT_GROUPINGS; i++) {
        rt_write_text(out, names[i]);
        write_groups(out, &management->groups[i]);
    }
    rt_write_text(out, "lists");
    rt_write_map(out, RT_CONCERNS);
    for (int i = 0; i < RT_CONCERNS; i++)
        write_list(out, &management->lists[i], &concerns[i], core, now);
}

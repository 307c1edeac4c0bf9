#include "workers/report.h"

#include "workers/override.h"

#include <float.h>
#include <math.h>

const int rt_horizon_days[RT_HORIZONS] = {30, 60, 90};
const char *const rt_horizon_names[RT_HORIZONS] = {"30", "60", "90"};

void rt_report_add(double *sum, double value)
{
    *sum = fmin(*sum + value, DBL_MAX);
}

static void keep_smallest(struct rt_report_line *lines, size_t *count, double key,
                          const struct rt_account *account)
{
    size_t at = *count;

    if (at == RT_REPORT_LIST && key >= lines[at - 1].key)
        return;
    if (at == RT_REPORT_LIST)
        at--;
    else
        (*count)++;
    for (; at > 0 && lines[at - 1].key > key; at--)
        lines[at] = lines[at - 1];
    lines[at] = (struct rt_report_line){key, account};
}

static void take_renewal(struct rt_report *report, const struct rt_account *account, double value,
                         int64_t now)
{
    struct rt_profile_value renewal = rt_account_profile(account, RT_PROFILE_RENEWAL);

    if (renewal.presence != RT_KEY_SET || renewal.renewal < now)
        return;
    for (int i = 0; i < RT_HORIZONS; i++)
        if (renewal.renewal - now <= rt_horizon_days[i] * RT_DAY_MS) {
            report->renewals[i]++;
            rt_report_add(&report->renewal_value[i], value);
        }
    if (renewal.renewal - now <= rt_horizon_days[RT_HORIZONS - 1] * RT_DAY_MS)
        keep_smallest(report->soonest, &report->soonest_count, (double)renewal.renewal, account);
}

static void take_alerts(struct rt_report *report, const struct rt_account *account)
{
    for (size_t i = 0; i < rt_account_episodes(account); i++)
        report->alerts[rt_account_episode(account, i)->kind]++;
}

void rt_report_take(struct rt_report *report, const struct rt_core *core,
                    const struct rt_account *account, int64_t now)
{
    struct rt_profile_value value = rt_account_profile(account, RT_PROFILE_VALUE);
    double worth = value.presence == RT_KEY_SET ? value.value : 0, score;
    int64_t contact;

    report->accounts++;
    if (rt_account_churned(account)) {
        report->churned++;
        return;
    }
    report->open_tickets += rt_account_open_tickets(account);
    take_alerts(report, account);
    take_renewal(report, account, worth, now);
    rt_report_add(&report->value, worth);
    if (!rt_account_last_contact(account, &contact)) {
        report->never_contacted++;
        return;
    }
    score = rt_score_value(rt_account_tier(account, core->config), account, now);
    report->scored++;
    report->score_sum += score;
    report->bands[rt_band_of(score)]++;
    if (rt_band_of(score) == RT_AT_RISK)
        rt_report_add(&report->value_at_risk, worth);
    keep_smallest(report->worst, &report->worst_count, score, account);
}

void rt_report_line_write(const struct rt_core *core, const struct rt_account *account, int64_t now,
                          struct rt_buffer *out)
{
    rt_write_map(out, rt_report_line_count(account, now));
    rt_report_line_pairs(core, account, now, out);
}

uint32_t rt_report_line_count(const struct rt_account *account, int64_t now)
{
    return rt_account_override(account, now) != NULL ? 8 : 7;
}

void rt_report_line_pairs(const struct rt_core *core, const struct rt_account *account, int64_t now,
                          struct rt_buffer *out)
{
    double score = rt_score_value(rt_account_tier(account, core->config), account, now);
    static const enum rt_profile_key texts[] = {RT_PROFILE_OWNER, RT_PROFILE_TIER};
    const struct rt_override *override = rt_account_override(account, now);
    struct rt_profile_value value = rt_account_profile(account, RT_PROFILE_VALUE);
    struct rt_profile_value renewal = rt_account_profile(account, RT_PROFILE_RENEWAL);

    rt_write_key_str(out, "account", rt_account_name(account));
    rt_write_key_double(out, "score", score);
    rt_write_key_text(out, "band", rt_band_name(rt_band_of(score)));
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct rt_profile_value text = rt_account_profile(account, texts[i]);

        rt_write_text(out, rt_profile_key_name(texts[i]));
        rt_write_optional(out, text.presence == RT_KEY_SET ? text.text : rt_span(NULL, 0));
    }
    if (value.presence == RT_KEY_SET)
        rt_write_key_double(out, "value", value.value);
    else
        rt_write_key_nil(out, "value");
    if (renewal.presence == RT_KEY_SET)
        rt_write_key_int(out, "renewal", renewal.renewal);
    else
        rt_write_key_nil(out, "renewal");
    if (override != NULL) {
        rt_write_text(out, "override");
        rt_override_write(out, override, score);
    }
}

static void write_lines(const struct rt_report_line *lines, size_t count,
                        const struct rt_core *core, int64_t now, const char *name,
                        struct rt_buffer *out)
{
    rt_write_text(out, name);
    rt_write_array(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        rt_write_array(out, 2);
        rt_write_double(out, lines[i].key);
        rt_report_line_write(core, lines[i].account, now, out);
    }
}

static void write_renewals(const struct rt_report *report, struct rt_buffer *out)
{
    rt_write_text(out, "renewals");
    rt_write_map(out, RT_HORIZONS);
    for (int i = 0; i < RT_HORIZONS; i++) {
        rt_write_text(out, rt_horizon_names[i]);
        rt_write_map(out, 2);
        rt_write_key_int(out, "accounts", (int64_t)report->renewals[i]);
        rt_write_key_double(out, "value", report->renewal_value[i]);
    }
}

static void write_numbers(const struct rt_report *report, struct rt_buffer *out)
{
    rt_write_map(out, 11);
    rt_write_key_int(out, "accounts", (int64_t)report->accounts);
    rt_write_key_int(out, "churned", (int64_t)report->churned);
    rt_write_key_int(out, "never_contacted", (int64_t)report->never_contacted);
    rt_write_key_int(out, "scored", (int64_t)report->scored);
    rt_write_key_double(out, "score_sum", report->score_sum);
    rt_write_text(out, "bands");
    rt_write_map(out, RT_BANDS);
    for (int band = 0; band < RT_BANDS; band++)
        rt_write_key_int(out, rt_band_name((enum rt_band)band), (int64_t)report->bands[band]);
    rt_write_key_double(out, "value", report->value);
    rt_write_key_double(out, "value_at_risk", report->value_at_risk);
    write_renewals(report, out);
    rt_write_key_int(out, "open_tickets", (int64_t)report->open_tickets);
    rt_write_text(out, "alerts");
    rt_write_map(out, RT_ALERT_KINDS);
    for (int kind = 0; kind < RT_ALERT_KINDS; kind++)
        rt_write_key_int(out, rt_alert_kind_name((enum rt_alert_kind)kind),
                         (int64_t)report->alerts[kind]);
}

void rt_report_write(const struct rt_report *report, const struct rt_core *core, int64_t now,
                     struct rt_buffer *out)
{
    rt_write_map(out, 3);
    rt_write_key_bool(out, "ok", true);
    rt_write_text(out, "numbers");
    write_numbers(report, out);
    rt_write_text(out, "lists");
    rt_write_map(out, 2);
    write_lines(report->worst, report->worst_count, core, now, "worst", out);
    write_lines(report->soonest, report->soonest_count, core, now, "next_renewals", out);
}

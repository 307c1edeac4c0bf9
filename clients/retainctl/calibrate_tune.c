/* See calibrate_tune.h. One parameter after the other: a few values of each, the best one kept if it
 * gains more than chance would. More would be fitted to the accounts at hand: beyond the rhythm there
 * is little to gain, and this way a proposal that gains nothing changes nothing. */
#include "clients/retainctl/calibrate_tune.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "clients/retainctl/backtest_rhythm.h"
#include "clients/retainctl/ranking.h"
#include "workers/rules.h"
#include "workers/score.h"

static const double least_auc_gain = 0.001, least_youden_gain = 0.01;

/* ---- samples --------------------------------------------------------------------------------- */

static uint64_t hash_of(const struct rt_names *names, size_t number)
{
    struct rt_span name = rt_names_name(names, number);

    return XXH3_64bits(name.data, name.size);
}

static int32_t tier_number(struct rt_names *tiers, const struct rt_account *account)
{
    struct rt_profile_value tier = rt_account_profile(account, RT_PROFILE_TIER);

    return tier.presence == RT_KEY_SET ? (int32_t)rt_names_number(tiers, tier.text) : -1;
}

static size_t candidates(const struct rt_cohort *cohorts, size_t dates)
{
    size_t count = 0;

    for (size_t date = 0; date < dates; date++)
        for (size_t i = 0; i < cohorts[date].count; i++)
            count += rt_member_counts(&cohorts[date].members[i]);
    return count;
}

/* Accounts are taken or left by their names, at all dates alike; so are their folds. */
static void take(struct rt_samples *samples, const struct rt_cohort *cohort, uint16_t date,
                 const struct rt_names *names, size_t step)
{
    for (size_t i = 0; i < cohort->count; i++) {
        const struct rt_member *member = &cohort->members[i];
        uint64_t hash = hash_of(names, i);

        if (!rt_member_counts(member) || hash / RT_FOLDS % step != 0 ||
            rt_account_churned(member->account))
            continue;
        samples->all[samples->count++] =
            (struct rt_sample){.account = member->account,
                               .at = cohort->at,
                               .date = date,
                               .fold = (uint16_t)(hash % RT_FOLDS),
                               .tier = tier_number(samples->tiers, member->account),
                               .days = (uint32_t)rt_member_days(member),
                               .churned = rt_member_churned(member)};
    }
}

/* Whether a section can have that name (config/config.h), and reads back as the same tier. */
static bool can_be_section(struct rt_span name)
{
    for (size_t i = 0; i < name.size; i++)
        if (name.data[i] < ' ' || name.data[i] == 127 || strchr("[];#", name.data[i]) != NULL)
            return false;
    return name.size > 0 && name.size <= RT_TIER_NAME && name.data[0] != ' ' &&
           name.data[name.size - 1] != ' ';
}

/* A tier is worth its own parameters if enough of its accounts left and stayed. */
static bool is_large(const struct rt_samples *samples, int tier)
{
    size_t accounts = 0, churned = 0;

    for (size_t i = 0; i < samples->count; i++) {
        accounts += samples->all[i].tier == tier;
        churned += samples->all[i].tier == tier && samples->all[i].churned;
    }
    return accounts >= RT_TIER_ACCOUNTS && churned >= RT_TIER_CHURNED &&
           accounts - churned >= RT_TIER_CHURNED;
}

static bool measure_rhythms(struct rt_samples *samples, const struct rt_cohort *newest,
                            const struct rt_config *config)
{
    size_t count = rt_names_count(samples->tiers);

    samples->rhythm = rt_rhythm_of(newest, config, RT_EVERY_TIER).days;
    samples->rhythms = malloc((count + 1) * sizeof(*samples->rhythms));
    for (size_t i = 0; samples->rhythms != NULL && i < count; i++) {
        struct rt_span name = rt_names_name(samples->tiers, i);
        bool tuned = i < RT_TUNED_TIERS && can_be_section(name) && is_large(samples, (int)i);

        samples->rhythms[i] = tuned ? rt_rhythm_of(newest, config, name).days : NAN;
    }
    return samples->rhythms != NULL;
}

bool rt_samples_take(struct rt_samples *samples, const struct rt_cohort *cohorts, size_t dates,
                     const struct rt_names *names, const struct rt_config *config)
{
    size_t count = candidates(cohorts, dates), step = count / RT_SAMPLES_MAX + 1;

    *samples = (struct rt_samples){.dates = dates, .tiers = rt_names_new()};
    samples->all = malloc((count + 1) * sizeof(*samples->all));
    if (samples->all == NULL || samples->tiers == NULL)
        return false;
    for (size_t date = 0; date < dates; date++)
        take(samples, &cohorts[date], (uint16_t)date, names, step);
    return measure_rhythms(samples, &cohorts[dates - 1], config);
}

void rt_samples_free(struct rt_samples *samples)
{
    free(samples->all);
    free(samples->rhythms);
    rt_names_free(samples->tiers);
    *samples = (struct rt_samples){0};
}

static bool is_in(const struct rt_sample *sample, struct rt_part part)
{
    return (part.fold < 0 || (sample->fold == part.fold) == part.held_out) &&
           (part.tier < 0 || sample->tier == part.tier);
}

/* ---- figures --------------------------------------------------------------------------------- */

static double auc_at(const struct rt_samples *samples, const struct rt_config *config,
                     struct rt_part part, size_t date, struct rt_ranked *ranked)
{
    size_t count = 0;

    for (size_t i = 0; i < samples->count; i++) {
        const struct rt_sample *sample = &samples->all[i];

        if (sample->date != date || !is_in(sample, part))
            continue;
        ranked[count++] =
            (struct rt_ranked){.health = rt_score_value(rt_account_tier(sample->account, config),
                                                        sample->account, sample->at),
                               .churned = sample->churned};
    }
    return rt_ranking_auc(ranked, count);
}

/* Mean over the dates that have one; NAN if none has. *no_memory is set without memory. */
static double auc_of(const struct rt_samples *samples, const struct rt_config *config,
                     struct rt_part part, bool *no_memory)
{
    struct rt_ranked *ranked = malloc((samples->count + 1) * sizeof(*ranked));
    double sum = 0;
    size_t count = 0;

    *no_memory = *no_memory || ranked == NULL;
    for (size_t date = 0; ranked != NULL && date < samples->dates; date++) {
        double auc = auc_at(samples, config, part, date, ranked);

        sum += isfinite(auc) ? auc : 0;
        count += isfinite(auc);
    }
    free(ranked);
    return count > 0 ? sum / (double)count : NAN;
}

/* Whether the rules, looking at the account for the first time, would list it. */
static bool is_listed(const struct rt_config *config, const struct rt_sample *sample,
                      struct rt_judgement *judgement)
{
    rt_rules_judge(config, sample->account, sample->at, RT_ON_TIME, judgement);
    for (size_t i = 0; i < judgement->count; i++)
        if (judgement->transitions[i].kind == RT_CHURN_RISK ||
            judgement->transitions[i].kind == RT_SILENCE)
            return true;
    return false;
}

static bool is_looked_at(const struct rt_config *config, const struct rt_sample *sample)
{
    return sample->days >= rt_account_tier(sample->account, config)->active_days ||
           rt_account_open_tickets(sample->account) > 0;
}

static bool list_of(const struct rt_samples *samples, const struct rt_config *config,
                    struct rt_part part, struct rt_figures *figures)
{
    struct rt_judgement *judgement = calloc(1, sizeof(*judgement));

    if (judgement == NULL)
        return false;
    judgement->terse = true;
    for (size_t i = 0; i < samples->count; i++) {
        const struct rt_sample *sample = &samples->all[i];
        bool listed;

        if (!is_in(sample, part) || !is_looked_at(config, sample))
            continue;
        listed = is_listed(config, sample, judgement);
        figures->accounts++;
        figures->churned += sample->churned;
        figures->listed += listed;
        figures->listed_churned += listed && sample->churned;
    }
    free(judgement);
    return true;
}

bool rt_samples_measure(const struct rt_samples *samples, const struct rt_config *config,
                        struct rt_part part, struct rt_figures *figures)
{
    bool no_memory = false;

    *figures = (struct rt_figures){.auc = auc_of(samples, config, part, &no_memory)};
    return list_of(samples, config, part, figures) && !no_memory;
}

double rt_figures_youden(const struct rt_figures *figures)
{
    double stayed = (double)(figures->accounts - figures->churned);

    if (figures->churned == 0 || stayed == 0)
        return NAN;
    return (double)figures->listed_churned / (double)figures->churned -
           (double)(figures->listed - figures->listed_churned) / stayed;
}

/* ---- tuning one tier ------------------------------------------------------------------------- */

struct tuning {
    const struct rt_samples *samples;
    struct rt_part part;
    const char *section; /* "tier" or "tier.NAME" */
    struct rt_config *config, *trial;
    bool no_memory;
};

/* A difference that rounding makes is none. */
static const double no_difference = 1e-12;

/* How good a configuration is; NAN: that cannot be told. */
typedef double tune_goal(struct tuning *tuning, const struct rt_config *config);

static double by_auc(struct tuning *tuning, const struct rt_config *config)
{
    return auc_of(tuning->samples, config, tuning->part, &tuning->no_memory);
}

static double by_list(struct tuning *tuning, const struct rt_config *config)
{
    struct rt_figures figures = {0};

    if (!list_of(tuning->samples, config, tuning->part, &figures))
        tuning->no_memory = true;
    return rt_figures_youden(&figures);
}

static bool put(struct rt_config *config, const char *section, const char *key, double value)
{
    char name[RT_TIER_NAME + 64], text[32], error[RT_CONFIG_ERROR];

    snprintf(name, sizeof(name), "%s.%s", section, key);
    snprintf(text, sizeof(text), "%.4g", value);
    return rt_config_set(config, name, text, error);
}

static const struct rt_tier *tier_of(const struct rt_config *config, const char *section)
{
    const char *dot = strchr(section, '.');

    return dot == NULL ? &config->tiers[0] : rt_config_tier(config, dot + 1, strlen(dot + 1));
}

/* A key, where its value stands, and what is tried: values, or multiples of what it is. */
struct knob {
    const char *key;
    size_t offset;
    double high; /* multiples end here; 0: values */
    double tried[8];
};
#define KNOB(field) #field, offsetof(struct rt_tier, field)

static double value_of(const struct rt_config *config, const char *section, const struct knob *knob)
{
    double value;

    memcpy(&value, (const char *)tier_of(config, section) + knob->offset, sizeof(value));
    return value;
}

/* The other keys that follow this one. */
static bool put_knob(struct rt_config *config, const char *section, const struct knob *knob,
                     double value)
{
    if (strcmp(knob->key, "churn_below") != 0)
        return put(config, section, knob->key, value);
    return put(config, section, "churn_critical", value / 2) &&
           put(config, section, "churn_clear", value + 5) &&
           put(config, section, "churn_below", value);
}

static void turn(struct tuning *tuning, const struct knob *knob, tune_goal *goal, double least_gain)
{
    double now = value_of(tuning->config, tuning->section, knob), best = now;
    double reached = goal(tuning, tuning->config), least = reached + least_gain;

    for (size_t i = 0; i < 8 && knob->tried[i] > 0 && isfinite(reached); i++) {
        double value = knob->high > 0 ? fmin(now * knob->tried[i], knob->high) : knob->tried[i],
               got;

        *tuning->trial = *tuning->config;
        if (value == now || !put_knob(tuning->trial, tuning->section, knob, value))
            continue;
        got = goal(tuning, tuning->trial);
        if (goal == by_auc && fabs(got - reached) < no_difference)
            break; /* nobody shows this sign */
        if (got > least) {
            least = got;
            best = value;
        }
    }
    if (best != now)
        put_knob(tuning->config, tuning->section, knob, best);
}

/* The rhythm is measured on what was before the date (backtest_rhythm.h), never fitted to what came
 * after it: what ranks a hair better may be so far from how often accounts are in touch that the
 * scores say nothing to a reader. */
static void set_rhythm(struct tuning *tuning, double measured)
{
    if (isfinite(measured))
        put(tuning->config, tuning->section, "rhythm_days", fmin(measured, 365));
}

/* No sign is switched off: inactivity, which this is measured by, is not all that an account
 * manager wants to hear of. */
static void turn_weights(struct tuning *tuning)
{
    static const struct knob knobs[] = {
        {KNOB(half_life_days), .tried = {30, 60, 90, 180, 365}},
        {KNOB(prior), .tried = {1, 3, 10}},
        {KNOB(weight_sentiment), .high = 0.9, .tried = {0.5, 1.5, 2}},
        {KNOB(weight_csat), .high = 0.9, .tried = {0.5, 1.5, 2}},
        {KNOB(weight_unanswered), .high = 0.9, .tried = {0.5, 1.5, 2}},
        {KNOB(weight_no_show), .high = 0.9, .tried = {0.5, 1.5, 2}},
        {KNOB(weight_bounced), .high = 0.9, .tried = {0.5, 1.5, 2}},
        {KNOB(weight_tickets), .high = 0.9, .tried = {0.25, 0.5, 1.2}},
        {KNOB(bonus_sentiment), .high = 0.3, .tried = {0.5, 2, 3}},
        {KNOB(bonus_csat), .high = 0.3, .tried = {0.5, 2, 3}},
        {KNOB(bonus_breadth), .high = 0.3, .tried = {0.5, 2, 3}},
        {KNOB(weight_response), .high = 0.9, .tried = {0.5, 2, 3}},
    };

    for (size_t i = 0; i < sizeof(knobs) / sizeof(knobs[0]) && !tuning->no_memory; i++)
        turn(tuning, &knobs[i], by_auc, least_auc_gain);
}

static void turn_thresholds(struct tuning *tuning)
{
    static const struct knob below = {KNOB(churn_below), .tried = {10, 15, 20, 25, 30, 40, 50, 60}};
    static const struct knob factor = {KNOB(silence_factor), .tried = {2, 2.5, 3, 4, 5, 6}};

    turn(tuning, &below, by_list, least_youden_gain);
    turn(tuning, &factor, by_list, least_youden_gain);
    turn(tuning, &below, by_list, least_youden_gain);
}

static bool tune(struct tuning *tuning, double measured)
{
    set_rhythm(tuning, measured);
    turn_weights(tuning);
    turn_thresholds(tuning);
    return !tuning->no_memory;
}

/* ---- all tiers ------------------------------------------------------------------------------- */

static bool tune_tiers(struct tuning *tuning)
{
    const struct rt_samples *samples = tuning->samples;
    char section[RT_TIER_NAME + 8];

    for (size_t i = 0; i < rt_names_count(samples->tiers); i++) {
        struct rt_span name = rt_names_name(samples->tiers, i);

        if (!isfinite(samples->rhythms[i]))
            continue;
        snprintf(section, sizeof(section), "tier.%.*s", (int)name.size, (const char *)name.data);
        tuning->section = section;
        tuning->part.tier = (int)i;
        if (!put(tuning->config, section, "rhythm_days", samples->rhythms[i]))
            continue; /* there are too many tiers */
        if (!tune(tuning, samples->rhythms[i]))
            return false;
    }
    return true;
}

bool rt_samples_propose(const struct rt_samples *samples, int fold, struct rt_config *config)
{
    struct tuning tuning = {.samples = samples,
                            .part = {.fold = fold, .tier = RT_ALL},
                            .section = "tier",
                            .config = config,
                            .trial = malloc(sizeof(*tuning.trial))};
    bool tuned = tuning.trial != NULL && tune(&tuning, samples->rhythm) && tune_tiers(&tuning);

    free(tuning.trial);
    return tuned;
}

static void add(struct rt_figures *sum, const struct rt_figures *figures, size_t *aucs)
{
    if (isfinite(figures->auc)) {
        sum->auc += figures->auc;
        (*aucs)++;
    }
    sum->accounts += figures->accounts;
    sum->churned += figures->churned;
    sum->listed += figures->listed;
    sum->listed_churned += figures->listed_churned;
}

bool rt_samples_cross(const struct rt_samples *samples, const struct rt_config *today,
                      struct rt_figures *before, struct rt_figures *after)
{
    struct rt_config *proposed = malloc(sizeof(*proposed));
    size_t befores = 0, afters = 0;
    bool crossed = proposed != NULL;

    *before = *after = (struct rt_figures){0};
    for (int fold = 0; crossed && fold < RT_FOLDS; fold++) {
        const struct rt_part part = {.fold = fold, .held_out = true, .tier = RT_ALL};
        struct rt_figures figures;

        *proposed = *today;
        crossed = rt_samples_propose(samples, fold, proposed) &&
                  rt_samples_measure(samples, today, part, &figures);
        if (crossed) {
            add(before, &figures, &befores);
            crossed = rt_samples_measure(samples, proposed, part, &figures);
        }
        if (crossed)
            add(after, &figures, &afters);
    }
    before->auc = befores > 0 ? before->auc / (double)befores : NAN;
    after->auc = afters > 0 ? after->auc / (double)afters : NAN;
    free(proposed);
    return crossed;
}

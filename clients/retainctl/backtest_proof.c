/* See backtest_proof.h. */
#include "clients/retainctl/backtest_proof.h"

#include <math.h>
#include <stdlib.h>

#include "protocol/limits.h"
#include "workers/score.h"

const char *const rt_subject_fact_names[RT_SUBJECT_FACTS] = {
    "age_days", "span_days", "calls", "emails", "visits", "ticket_events", "open_tickets"};

static double days_of(int64_t ms)
{
    return (double)ms / (double)RT_DAY_MS;
}

/* ---- subjects -------------------------------------------------------------------------------- */

static void rank(struct rt_subject *subject, const struct rt_cohort *cohort,
                 const struct rt_member *member, const struct rt_config *config, double rhythm)
{
    double silence = days_of(cohort->at - member->last);
    double days = (double)rt_member_days(member);

    subject->by[RT_BY_SCORE] =
        rt_score_value(rt_account_tier(member->account, config), member->account, cohort->at);
    subject->by[RT_BY_SILENCE] = -silence;
    subject->by[RT_BY_COUNT] = days;
    subject->by[RT_BY_LEVEL] = log(days) - silence / (2 * rhythm);
    subject->by[RT_BY_BGNBD] = NAN;
    subject->churned = rt_member_churned(member);
    subject->known_left = rt_account_churned(member->account);
    subject->warning = NAN;
}

static void note_facts(struct rt_subject *subject, const struct rt_cohort *cohort,
                       const struct rt_member *member)
{
    const struct rt_bgnbd_customer customer = rt_member_customer(cohort, member);
    static const enum rt_event_type types[] = {RT_CALL, RT_EMAIL, RT_VISIT, RT_TICKET};

    subject->facts[RT_FACT_AGE] = 7 * customer.age;
    subject->facts[RT_FACT_SPAN] = 7 * customer.last;
    for (int i = 0; i < 4; i++)
        subject->facts[RT_FACT_CALLS + i] = rt_account_events(member->account, types[i]);
    subject->facts[RT_FACT_OPEN_TICKETS] = (double)rt_account_open_tickets(member->account);
}

static bool take_subjects(struct rt_proof *proof, const struct rt_cohort *cohort,
                          const struct rt_config *config, double rhythm)
{
    proof->subjects = malloc((cohort->count + 1) * sizeof(*proof->subjects));
    if (proof->subjects == NULL)
        return false;
    for (size_t i = 0; i < cohort->count; i++) {
        struct rt_subject *subject = &proof->subjects[proof->accounts];

        if (!rt_member_counts(&cohort->members[i]))
            continue;
        *subject = (struct rt_subject){.number = i};
        rank(subject, cohort, &cohort->members[i], config, rhythm);
        note_facts(subject, cohort, &cohort->members[i]);
        proof->churned += subject->churned;
        proof->known_left += subject->known_left;
        proof->accounts++;
    }
    return true;
}

/* Without a fit its column stays NAN. */
static bool add_bgnbd(struct rt_proof *proof, const struct rt_cohort *cohort)
{
    struct rt_bgnbd_customer *customers = malloc((proof->accounts + 1) * sizeof(*customers));
    double horizon = days_of(proof->until - proof->at) / 7;

    if (customers == NULL)
        return false;
    for (size_t i = 0; i < proof->accounts; i++)
        customers[i] = rt_member_customer(cohort, &cohort->members[proof->subjects[i].number]);
    proof->has_model =
        horizon > 0 && rt_bgnbd_fit(customers, proof->accounts, &proof->model); /* sorts them */
    for (size_t i = 0; proof->has_model && i < proof->accounts; i++) {
        const struct rt_bgnbd_customer customer =
            rt_member_customer(cohort, &cohort->members[proof->subjects[i].number]);

        proof->subjects[i].by[RT_BY_BGNBD] = rt_bgnbd_expected(&proof->model, &customer, horizon);
    }
    free(customers);
    return true;
}

struct rt_ranked *rt_proof_ranked(const struct rt_proof *proof, enum rt_predictor by)
{
    struct rt_ranked *ranked = malloc((proof->accounts + 1) * sizeof(*ranked));

    for (size_t i = 0; ranked != NULL && i < proof->accounts; i++)
        ranked[i] = (struct rt_ranked){.health = proof->subjects[i].by[by],
                                       .churned = proof->subjects[i].churned};
    return ranked;
}

/* ---- figures --------------------------------------------------------------------------------- */

static void measure_fifths(struct rt_proof *proof, struct rt_ranked *ranked)
{
    size_t at = 0;

    rt_ranking_fifths(ranked, proof->accounts, proof->fifth_churned, proof->fifth_all);
    for (int i = 0; i < 5; i++) {
        if (proof->fifth_all[i] == 0)
            continue;
        proof->fifth_low[i] = ranked[at].health;
        at += proof->fifth_all[i];
        proof->fifth_high[i] = ranked[at - 1].health;
    }
}

static bool measure(struct rt_proof *proof, enum rt_predictor by, uint64_t seed)
{
    struct rt_ranked *ranked;

    proof->auc[by] = NAN;
    if (by == RT_BY_BGNBD && !proof->has_model)
        return true;
    ranked = rt_proof_ranked(proof, by);
    if (ranked == NULL)
        return false;
    proof->auc[by] = rt_ranking_auc(ranked, proof->accounts);
    if (by == RT_BY_SCORE) {
        proof->lift = rt_ranking_lift(ranked, proof->accounts, 0.1);
        measure_fifths(proof, ranked);
        proof->interval = rt_ranking_bootstrap(ranked, proof->accounts, seed, RT_BOOTSTRAP_ROUNDS);
    }
    free(ranked);
    return true;
}

bool rt_proof_make(struct rt_proof *proof, const struct rt_cohort *cohort,
                   const struct rt_config *config, double rhythm, int64_t end, uint64_t seed)
{
    *proof = (struct rt_proof){.at = cohort->at,
                               .until = cohort->until,
                               .rhythm = rhythm,
                               .precision = NAN,
                               .warning_median = NAN};
    if (proof->until == INT64_MAX)
        proof->until = end > proof->at ? end : proof->at;
    if (!take_subjects(proof, cohort, config, rhythm) || !add_bgnbd(proof, cohort))
        return false;
    for (int by = 0; by < RT_PREDICTORS; by++)
        if (!measure(proof, (enum rt_predictor)by, seed))
            return false;
    return true;
}

void rt_proof_free(struct rt_proof *proof)
{
    free(proof->subjects);
    proof->subjects = NULL;
}

/* ---- alerts ---------------------------------------------------------------------------------- */

/* Only accounts that fell silent have a last sign of life: of one that was said to have left it is
 * not known when it did. */
static double warning_of(const struct rt_proof *proof, const struct rt_member *member,
                         int64_t since)
{
    int64_t gone = member->last + (proof->until - proof->at);

    return member->after || since >= gone ? NAN : days_of(gone - since);
}

bool rt_proof_alerts(struct rt_proof *proof, const struct rt_cohort *cohort,
                     const struct rt_lives *lives, size_t date)
{
    double *warnings = malloc((proof->accounts + 1) * sizeof(*warnings));
    struct rt_ranked *ranked = rt_proof_ranked(proof, RT_BY_SCORE);

    for (size_t i = 0; warnings != NULL && ranked != NULL && i < proof->accounts; i++) {
        struct rt_subject *subject = &proof->subjects[i];

        subject->listed = rt_lives_listed(lives, subject->number, date);
        proof->listed += subject->listed;
        proof->listed_churned += subject->listed && subject->churned;
        if (!subject->churned)
            continue;
        subject->warning = warning_of(proof, &cohort->members[subject->number],
                                      rt_lives_listed_since(lives, subject->number, date));
        if (isfinite(subject->warning))
            warnings[proof->warned++] = subject->warning;
    }
    proof->has_alerts = warnings != NULL && ranked != NULL;
    if (proof->has_alerts) {
        proof->warning_median = rt_ranking_median(warnings, proof->warned);
        proof->precision = rt_ranking_precision(ranked, proof->accounts, proof->listed);
    }
    free(warnings);
    free(ranked);
    return proof->has_alerts;
}

struct rt_alert_load rt_alert_load(const struct rt_lives *lives, int64_t from, int64_t end)
{
    struct rt_alert_load load = {.owners = rt_lives_owners(lives),
                                 .weeks = days_of(end - from) / 7};
    uint64_t highest = 0;

    for (size_t owner = 0; owner < load.owners; owner++) {
        uint64_t sum = 0;

        for (int kind = 0; kind < RT_ALERT_KINDS; kind++) {
            uint64_t raised = rt_lives_raised(lives, owner, (enum rt_alert_kind)kind);

            load.raised[kind] += raised;
            sum += raised;
        }
        load.total += sum;
        highest = sum > highest ? sum : highest;
    }
    load.per_owner_week = load.highest = NAN;
    if (load.owners > 0 && load.weeks > 0) {
        load.per_owner_week = (double)load.total / (double)load.owners / load.weeks;
        load.highest = (double)highest / load.weeks;
    }
    return load;
}

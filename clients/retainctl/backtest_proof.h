/* What a back-test finds out about one date: each account that could have left, what it was ranked
 * by, what became of it, and figures made from that. Pure. */
#ifndef RT_RETAINCTL_BACKTEST_PROOF_H
#define RT_RETAINCTL_BACKTEST_PROOF_H

#include "clients/retainctl/backtest_cohort.h"
#include "clients/retainctl/backtest_lives.h"
#include "clients/retainctl/ranking.h"

/* What to rank by: the lowest is to leave first. */
enum rt_predictor {
    RT_BY_SCORE,
    RT_BY_SILENCE, /* time since the last contact */
    RT_BY_COUNT,   /* active days */
    RT_BY_LEVEL,   /* ln(active days) - silence / (2 g0) */
    RT_BY_BGNBD,   /* contacts that BG/NBD, fitted to what was before the date, expects */
    RT_PREDICTORS,
};

/* Facts of before the date, for those who want to rank by them. */
enum rt_subject_fact {
    RT_FACT_AGE,  /* days since its first contact */
    RT_FACT_SPAN, /* days from the first contact to the last */
    RT_FACT_CALLS,
    RT_FACT_EMAILS,
    RT_FACT_VISITS,
    RT_FACT_TICKETS, /* events of tickets */
    RT_FACT_OPEN_TICKETS,
    RT_SUBJECT_FACTS,
};
extern const char *const rt_subject_fact_names[RT_SUBJECT_FACTS];

/* One account with a contact before the date. */
struct rt_subject {
    size_t number;
    double by[RT_PREDICTORS];
    double facts[RT_SUBJECT_FACTS];
    bool churned;
    bool known_left; /* said to have left before the date */
    bool listed;     /* churn_risk or silence was open at the date */
    double warning;  /* churned: days from the first of these alerts to the last contact plus the
                        horizon; NAN: there was none */
};

struct rt_proof {
    int64_t at, until; /* `until` is never INT64_MAX: the end of the log then */
    double rhythm;
    struct rt_subject *subjects;
    size_t accounts, churned, known_left;

    bool has_model;
    struct rt_bgnbd model; /* in weeks */

    double auc[RT_PREDICTORS]; /* NAN if there is none */
    struct rt_interval interval;
    double lift;
    size_t fifth_all[5], fifth_churned[5];
    double fifth_low[5], fifth_high[5]; /* scores */

    /* alerts; only after rt_proof_alerts */
    bool has_alerts;
    size_t listed, listed_churned;
    double precision; /* of so many accounts with the lowest scores as are listed */
    size_t warned;    /* churned accounts with a warning in time */
    double warning_median;
};

enum { RT_BOOTSTRAP_ROUNDS = 400 };

/* Ranks and counts; `config` and `rhythm` are what the score is made with, `end` the last event of
 * the log. False without memory. Release with rt_proof_free. */
bool rt_proof_make(struct rt_proof *proof, const struct rt_cohort *cohort,
                   const struct rt_config *config, double rhythm, int64_t end, uint64_t seed);
void rt_proof_free(struct rt_proof *proof);

/* Adds what the alert rules did; `date` is the cohort's place in the dates of `lives`. False without
 * memory. */
bool rt_proof_alerts(struct rt_proof *proof, const struct rt_cohort *cohort,
                     const struct rt_lives *lives, size_t date);

/* How much the rules would have had to say from the first date to the end of the log. */
struct rt_alert_load {
    size_t owners; /* that have accounts; accounts without one are together those of another */
    double weeks;
    uint64_t raised[RT_ALERT_KINDS], total;
    double per_owner_week, highest; /* mean; of the owner who heard most. NAN without weeks */
};
struct rt_alert_load rt_alert_load(const struct rt_lives *lives, int64_t from, int64_t end);

/* The subjects as ranked by one predictor: malloc'ed, the caller's; NULL without memory. */
struct rt_ranked *rt_proof_ranked(const struct rt_proof *proof, enum rt_predictor by);

#endif

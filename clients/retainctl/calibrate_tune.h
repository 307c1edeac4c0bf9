/* From what became of accounts to a tier's parameters. Rhythms are measured; half-lives, weights and
 * thresholds move only where that pays on accounts whose end is known. Pure. */
#ifndef RT_RETAINCTL_CALIBRATE_TUNE_H
#define RT_RETAINCTL_CALIBRATE_TUNE_H

#include "clients/retainctl/backtest_cohort.h"
#include "clients/retainctl/backtest_names.h"

enum {
    RT_FOLDS = 5,
    RT_SAMPLES_MAX = 20000, /* of more accounts and dates a part is looked at */
    RT_TIER_ACCOUNTS = 100, /* fewer in a tier, or fewer who left or stayed than a tenth of that: */
    RT_TIER_CHURNED = 10,   /* it keeps the parameters of all */
    RT_TUNED_TIERS = 16,    /* of more tiers the first ones heard of */
};

/* One account at one date. */
struct rt_sample {
    struct rt_account *account; /* the cohort's */
    int64_t at;
    uint16_t date, fold;
    int32_t tier;  /* -1: none */
    uint32_t days; /* with contact */
    bool churned;
};

struct rt_samples {
    struct rt_sample *all;
    size_t count, dates;
    struct rt_names *tiers;
    double *rhythms; /* measured, by tier; NAN: too few accounts */
    double rhythm;   /* of all; NAN: nobody has two active days */
};

/* False without memory. Release with rt_samples_free in either case. The cohorts, one a date, must
 * outlive them; `names` are the accounts', `config` today's. */
bool rt_samples_take(struct rt_samples *samples, const struct rt_cohort *cohorts, size_t dates,
                     const struct rt_names *names, const struct rt_config *config);
void rt_samples_free(struct rt_samples *samples);

/* Which of them: with fold >= 0 those of it alone (`held_out`) or all others; with tier >= 0 that
 * tier's alone. */
struct rt_part {
    int fold;
    bool held_out;
    int tier;
};
enum { RT_ALL = -1 };

/* How a configuration does on a part: AUC, mean over dates (NAN if there is none); and its alert
 * list (churn_risk or silence, judged as a start at the date would) among the accounts that the
 * rules look at: those with active_days days of contact or an open ticket. */
struct rt_figures {
    double auc;
    size_t accounts, churned, listed, listed_churned;
};
/* False without memory. */
bool rt_samples_measure(const struct rt_samples *samples, const struct rt_config *config,
                        struct rt_part part, struct rt_figures *figures);

/* Turns *config into what the samples outside `fold` (RT_ALL: all of them) propose. False without
 * memory. */
bool rt_samples_propose(const struct rt_samples *samples, int fold, struct rt_config *config);

/* Today's configuration and what would be proposed, each judged on accounts that the proposal has
 * not seen: every fold in turn, figures of all folds together, AUC their mean. False without memory. */
bool rt_samples_cross(const struct rt_samples *samples, const struct rt_config *today,
                      struct rt_figures *before, struct rt_figures *after);

/* Sensitivity and specificity of the alert list less one (Youden's J); NAN if there is none. */
double rt_figures_youden(const struct rt_figures *figures);

#endif

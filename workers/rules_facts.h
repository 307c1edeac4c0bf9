/* What the rules look at, worked out once for an account and a moment. For rules*.c. */
#ifndef RT_WORKERS_RULES_FACTS_H
#define RT_WORKERS_RULES_FACTS_H

#include "workers/rules.h"
#include "workers/score_view.h"

struct rt_facts {
    const struct rt_config *config;
    const struct rt_tier *tier;
    const struct rt_account *account;
    struct rt_score_view view;
    int64_t now;
    enum rt_judged_on on;
    double computed;                    /* the score of the facts */
    const struct rt_override *override; /* in force; NULL: none */
    double score;                       /* what rules follow: the computed one, or as it was set */
    bool dormant;                       /* the last contact is long ago: nothing new is raised */
    int64_t dormant_at;                 /* from when on it is, INT64_MAX: never (no contact) */
    bool established;                   /* active days enough, or an open ticket */
    bool has_renewal;
    int64_t renewal;
};

void rt_facts(struct rt_facts *facts, const struct rt_config *config,
              const struct rt_account *account, int64_t now, enum rt_judged_on on);

/* The first moment in (now, until] at which the score that rules follow is below `threshold`, which it
 * is not now; INT64_MAX: it stays. An override that ends is looked through. */
int64_t rt_facts_fall(struct rt_facts *facts, int64_t until, double threshold);

/* Longest silence, in ms, that is still nothing unusual for this account: one ms more raises the
 * alert. Only with contacts. */
int64_t rt_silence_limit(const struct rt_tier *tier, const struct rt_activity *activity);

/* How an open ticket stands against its limit; from these moments on it is overdue, and critically
 * so. */
void rt_overdue_moments(const struct rt_tier *tier, const struct rt_ticket *ticket,
                        int64_t *overdue, int64_t *critical);

/* Active days of the 90 up to today, and of the 90 before, if today were `days` later. */
struct rt_growth {
    unsigned recent, before;
};
struct rt_growth rt_growth(const struct rt_activity *activity, int32_t today);

/* What one rule says of a moment. */
struct rt_verdict {
    bool holds;                /* its alert should be open */
    enum rt_severity severity; /* if it holds */
    int64_t next;     /* the next moment at which the calendar may change that; INT64_MAX: none */
    double threshold; /* falling below this score may change it; 0: none */
};

/* The verdict on one kind, given its open episode or NULL. Pure. */
struct rt_verdict rt_verdict(struct rt_facts *facts, enum rt_alert_kind kind,
                             const struct rt_open *open);

/* When the severity of a warning that holds will rise by time alone; 0: never. */
int64_t rt_worsens(struct rt_facts *facts, enum rt_alert_kind kind);

/* Sentence, reasons, and what would clear it. */
void rt_describe(struct rt_facts *facts, const struct rt_open *open,
                 struct rt_transition *transition);

#endif

/* The alert rules: what an account's state, the time and its open episodes mean. Pure: judged
 * alerts are returned, the caller journals them and feeds them back with rt_account_alert, live and
 * in recovery alike. */
#ifndef RT_WORKERS_RULES_H
#define RT_WORKERS_RULES_H

#include "workers/account.h"
#include "workers/score.h"

/* One message to be. */
struct rt_transition {
    enum rt_alert_kind kind;
    enum rt_severity severity;
    enum rt_alert_state state;
    bool publish; /* false: logged only (snoozed or acknowledged) */
    double score;
    bool has_previous;
    double previous;
    size_t reason_count;
    struct rt_reason reasons[RT_REASONS]; /* heaviest first */
    char text[RT_SENTENCE];               /* one sentence a person can act on */
    char clears[RT_SENTENCE];             /* what would clear it */
    int64_t worsens;                      /* ms, 0: it does not */
};

struct rt_judgement {
    bool terse; /* set by the caller: reasons and sentences of the transitions are left out */
    double score;
    size_t count;
    struct rt_transition transitions[RT_ALERT_KINDS]; /* at most one a kind */
    int64_t deadline; /* next moment (> now) at which time alone may change something; INT64_MAX:
                         none */
};

enum rt_judged_on {
    RT_ON_TIME,          /* a deadline, or the pass at start */
    RT_ON_EVENT,         /* the account's events changed: only this raises score_drop */
    RT_ON_CONFIGURATION, /* parameters changed: reasons say `configuration` */
    RT_ON_LOAD,          /* end of a quiet load: like ON_TIME, and forgets the scores before it */
};

/* To be called before the first event of a commit group is applied to an account, so that a fall
 * can be measured against the days before it. */
void rt_rules_before(const struct rt_config *config, struct rt_account *account, int64_t now);

/* Notes the score at `now` as judging did then, without judging: for recovery. `anew`: the end of a
 * quiet load, which forgets the scores before it. */
void rt_rules_note(const struct rt_config *config, struct rt_account *account, int64_t now,
                   bool anew);

/* Judges all kinds at `now`; notes the score for later falls. Episodes are not changed. */
void rt_rules_judge(const struct rt_config *config, struct rt_account *account, int64_t now,
                    enum rt_judged_on on, struct rt_judgement *out);

/* Adds to the sentences of a message what changed since its alert last spoke; `last_message`: the
 * packed map of then. */
void rt_rules_tell_change(struct rt_transition *transition, struct rt_span last_message);

/* The short way after events, for an account that was judged with nothing open and that good contacts
 * alone have touched since: they lower no score, so the deadline it has stays a lower bound, and
 * only what they may bring about by themselves is looked at. True if nothing is to be said before
 * the deadline it has and *deadline, whichever is earlier; the score is noted. False: nothing was
 * done, rt_rules_judge decides. */
bool rt_rules_calm(const struct rt_config *config, struct rt_account *account, int64_t now,
                   int64_t *deadline);

/* The deadline alone (after an acknowledgement, a snooze or a recovery without judging). */
int64_t rt_rules_deadline(const struct rt_config *config, const struct rt_account *account,
                          int64_t now);

/* Text, clears and worsens of an open episode as of now: for lists when its message is no longer
 * kept. */
void rt_rules_describe(const struct rt_config *config, const struct rt_account *account,
                       enum rt_alert_kind kind, int64_t now, struct rt_transition *out);

#endif

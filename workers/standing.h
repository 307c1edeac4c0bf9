/* How one account stands, as those who manage accounts ask: health now and later, tickets and mails
 * against their limits, the visit that is due, the renewal, growth. Pure. */
#ifndef RT_WORKERS_STANDING_H
#define RT_WORKERS_STANDING_H

#include "protocol/query.h"
#include "workers/account.h"
#include "workers/ticket.h"

enum {
    RT_AHEAD = 2,              /* looks ahead: RT_AHEAD_DAYS */
    RT_STANDING_DAYS = 90,     /* tickets that began in these days count for kept and missed */
    RT_STANDING_MAIL_DAYS = 30 /* a conversation that rests for longer is over */
};
extern const int rt_ahead_days[RT_AHEAD]; /* 7, 30 */

/* Kept, missed, or still within the limit. A ticket that its customer closed in time counts for
 * neither. */
struct rt_pace {
    unsigned kept, missed, waiting;
};

struct rt_standing {
    const struct rt_account *account;
    const struct rt_tier *tier;
    int64_t now;
    bool churned, contacted;
    bool has_worth, has_renewal, growing;
    double worth; /* 0: none stated */
    int64_t renewal;
    double score, ahead[RT_AHEAD]; /* only of accounts with contacts */

    unsigned tickets[RT_SEVERITIES]; /* open, by severity 1..4 */
    const struct rt_ticket *worst;   /* open: the most severe, then the oldest; NULL: none */
    unsigned tickets_overdue;        /* open for longer than the limit */
    struct rt_pace responses, resolutions;
    unsigned mails_waiting;                /* beyond the limit */
    unsigned overdue;                      /* all that was owed by now */
    int64_t due;                           /* the earliest of it; INT64_MAX: nothing is owed */
    const char *owed;                      /* what that is: "ticket", "response", "mail", "alert" */
    const struct rt_ticket *owed_ticket;   /* NULL: neither of the first two */
    const struct rt_episode *owed_episode; /* NULL: no alert */

    bool visits; /* the tier wants them */
    bool visit_due;
    bool visited;
    int32_t visit_day;
    int64_t visit_at; /* when the next visit is (was) due; only with contacts */
};

/* Pointers live until the account changes. */
void rt_standing(struct rt_standing *standing, const struct rt_config *config,
                 const struct rt_account *account, int64_t now);

#endif

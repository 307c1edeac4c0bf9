/* One account seen with one tier's parameters: what does not depend on the time is worked out once,
 * so that the score at any moment costs little. For score*.c and rules*.c. A view lives on the
 * stack and dies with the next change of the account. */
#ifndef RT_WORKERS_SCORE_VIEW_H
#define RT_WORKERS_SCORE_VIEW_H

#include "workers/account_state.h"
#include "workers/score.h"

/* Structural constants; docs/SCORE.md says why. */
#define RT_SCORE_HALF_LIFE 2.5 /* of an active day, in g0 */
#define RT_SCORE_FADE 8.0      /* F = 1/2 after so many g0 of silence */
#define RT_SCORE_TRACE 1e-4    /* level that is left of contacts beyond the window of days */
#define RT_SCORE_BREADTH_DAYS 180
#define RT_SCORE_UNANSWERED_TICKET 1.25

/* Everything that moves the score: gains first, then losses. */
enum rt_part {
    RT_PART_SENTIMENT_GAIN,
    RT_PART_CSAT_GAIN,
    RT_PART_BREADTH,
    RT_PART_RESPONSE,
    RT_PART_SENTIMENT_LOSS,
    RT_PART_CSAT_LOSS,
    RT_PART_UNANSWERED,
    RT_PART_NO_SHOW,
    RT_PART_BOUNCED,
    RT_PART_TICKETS,
    RT_PARTS,
    RT_PART_FIRST_LOSS = RT_PART_SENTIMENT_LOSS,
};

struct rt_score_view {
    const struct rt_tier *tier;
    const struct rt_account *account;
    double days_half_life; /* of an active day, in days */
    int oldest_day;        /* highest set bit of the days */
    int level_day;         /* days up to this bit are in `level` */
    double level;          /* sum of 2^-(bit / half-life) over them */
    int32_t good_bucket;   /* good masses are as of the start of this bucket, the newest; -1: there
                              are none */
    int32_t good_oldest;   /* the oldest bucket of a good cell */
    int32_t good_floor;    /* good cells from this bucket on are in */
    double mass[RT_CELL_KINDS]; /* good ones as of good_bucket, bad ones as of the last contact */
};

/* The score at a moment, taken apart: score = 100 F (1 - (1-V) prod(gain)) prod(loss), all within
 * 0..1. */
struct rt_score_parts {
    double level;            /* V */
    double fade;             /* F */
    double factor[RT_PARTS]; /* 1: says nothing; gains are 1 - b, losses m */
    double gains, losses;    /* their products */
};

void rt_score_view(struct rt_score_view *view, const struct rt_tier *tier,
                   const struct rt_account *account);

/* The score at `now`. A function of (tier, account, now) to the last bit, whenever the view was
 * made; not const only because it moves its cut-offs along. */
double rt_score_at(struct rt_score_view *view, int64_t now);

/* The same, taken apart. */
double rt_score_parts(struct rt_score_view *view, int64_t now, struct rt_score_parts *parts);

/* As rt_score_crossing. */
int64_t rt_score_view_crossing(struct rt_score_view *view, int64_t now, int64_t until,
                               double threshold);

/* V at `now`; with `contact`, were there also a contact at `now`. */
double rt_score_level(struct rt_score_view *view, int64_t now, bool contact);

/* Something good that might happen just now. */
struct rt_score_step {
    const struct rt_ticket *resolved; /* NULL: none */
    bool contact;
    enum rt_cell_kind good; /* of this kind, one of the good ones, */
    double amount;          /* so much more */
};

/* The score at `now` had the step been taken. What a new contact lets old complaints age is not
 * reckoned: it is that much at least. */
double rt_score_if(struct rt_score_view *view, int64_t now, const struct rt_score_step *step);

/* What one open ticket weighs, and the factor of RT_PART_TICKETS for the sum of those weights. */
double rt_score_ticket_burden(const struct rt_tier *tier, const struct rt_ticket *ticket,
                              int64_t now);
double rt_score_ticket_factor(const struct rt_tier *tier, double burden);

/* Mean of the sentiments as of the last contact: older ones count less. Returns how many there are.
 */
unsigned rt_score_sentiment(const struct rt_tier *tier, const struct rt_account *account,
                            double *mean);

#endif

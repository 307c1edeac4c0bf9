/* The health score: a pure function of an account's facts, the tier's parameters and the time.
 * Formulas, ranges and sources: docs/SCORE.md. The laws it obeys: docs/PROTOCOL.md. */
#ifndef RT_WORKERS_SCORE_H
#define RT_WORKERS_SCORE_H

#include "workers/account.h"

enum { RT_FACTORS = 12, RT_SCORE_BASE = 50 };

struct rt_score {
    double score; /* 0..100, unrounded */
    double base;
    size_t count;
    struct rt_reason
        factors[RT_FACTORS]; /* base + sum of points = score; texts empty unless explained */
};

/* The number alone: the hot path. */
double rt_score_value(const struct rt_tier *tier, const struct rt_account *account, int64_t now);

/* With points and a sentence for each factor, in a fixed order (factors that say nothing are left
 * out, except contact). */
void rt_score_explain(const struct rt_tier *tier, const struct rt_account *account, int64_t now,
                      struct rt_score *out);

/* The first moment (ms) in (now, until] at which the score is below `threshold` if nothing happens;
 * INT64_MAX if it stays at or above. Exact to the millisecond: below at the answer, not below one
 * before. */
int64_t rt_score_crossing(const struct rt_tier *tier, const struct rt_account *account, int64_t now,
                          int64_t until, double threshold);

#endif

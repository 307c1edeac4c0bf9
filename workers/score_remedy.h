/* What would bring a score back, and when it falls next, in words. For score_explain.c and
 * rules_text.c. */
#ifndef RT_WORKERS_SCORE_REMEDY_H
#define RT_WORKERS_SCORE_REMEDY_H

#include "workers/score_sentence.h"
#include "workers/score_view.h"

/* The good step that answers a loss (RT_PARTS: the silence). */
struct rt_score_step rt_score_remedy(const struct rt_tier *tier, const struct rt_account *account,
                                     enum rt_part part, int64_t now);

/* "an answered call": what a step is, without its points. */
void rt_say_remedy(struct rt_sentence *sentence, enum rt_part part,
                   const struct rt_score_step *step);

/* The next multiple of ten that the score will fall below, and the moment; INT64_MAX: not within a
 * year. */
int64_t rt_score_next_fall(struct rt_score_view *view, int64_t now, double score,
                           double *threshold);

#endif

/* One ordinary good event each, so that what is promised can be kept. */
#include "workers/score_remedy.h"

#include "workers/score_text.h"

#include <math.h>

enum { STEP_POINTS = 10, LOOK_AHEAD_DAYS = 366 };

#define GOOD_TONE 0.5 /* sentiment of a good conversation */
#define BEST_RATING 2 /* of 5, in halves */

struct rt_score_step rt_score_remedy(const struct rt_tier *tier, const struct rt_account *account,
                                     enum rt_part part, int64_t now)
{
    switch (part) {
    case RT_PART_SENTIMENT_LOSS:
        return (struct rt_score_step){NULL, true, RT_CELL_SENTIMENT_GOOD, GOOD_TONE * RT_CELL_UNIT};
    case RT_PART_CSAT_LOSS:
        return (struct rt_score_step){NULL, false, RT_CELL_CSAT_GOOD, BEST_RATING};
    case RT_PART_UNANSWERED:
        return (struct rt_score_step){NULL, true, RT_CELL_ANSWERED, 1};
    case RT_PART_NO_SHOW:
        return (struct rt_score_step){NULL, true, RT_CELL_HELD, 1};
    case RT_PART_BOUNCED:
        return (struct rt_score_step){NULL, true, RT_CELL_DELIVERED, 1};
    case RT_PART_TICKETS:
        return (struct rt_score_step){.resolved = rt_score_heaviest(tier, account, now)};
    default:
        return (struct rt_score_step){.contact = true};
    }
}

void rt_say_remedy(struct rt_sentence *sentence, enum rt_part part,
                   const struct rt_score_step *step)
{
    static const char *const words[RT_PARTS] = {
        [RT_PART_SENTIMENT_LOSS] = "a good conversation",
        [RT_PART_CSAT_LOSS] = "a rating of 5",
        [RT_PART_UNANSWERED] = "an answered call",
        [RT_PART_NO_SHOW] = "a visit that takes place",
        [RT_PART_BOUNCED] = "a mail that reaches them",
    };

    if (part == RT_PART_TICKETS) {
        rt_say(sentence, "resolving ");
        rt_say_name(sentence, rt_ticket_number(step->resolved), RT_NAME_IN_TEXT);
    } else {
        rt_say(sentence, "%s",
               part < RT_PARTS && words[part] != NULL ? words[part] : "a call, visit or mail");
    }
}

int64_t rt_score_next_fall(struct rt_score_view *view, int64_t now, double score, double *threshold)
{
    *threshold = floor((score - 1) / STEP_POINTS) * STEP_POINTS;
    if (*threshold < STEP_POINTS || now > INT64_MAX - LOOK_AHEAD_DAYS * RT_DAY_MS)
        return INT64_MAX;
    return rt_score_view_crossing(view, now, now + LOOK_AHEAD_DAYS * RT_DAY_MS, *threshold);
}

/* When will the score fall below a threshold? It never rises by time alone, so there is one such
 * moment: bracket it, then close in by inverse quadratic interpolation that aims a
 * little past it, so that both ends of the bracket move; halve where that does not shrink it (days
 * and buckets leave their window in small steps). About ten evaluations. */
#include "workers/score_view.h"

#include <math.h>

enum { FIRST_STEP_RHYTHMS = 4 };

/* A moment later than any that matters: beyond it nothing is sought. */
#define FAR_MS (INT64_C(36500) * RT_DAY_MS)

struct point {
    int64_t at;
    double above; /* score - threshold */
};

struct search {
    struct rt_score_view *view;
    double threshold;
    struct point low, high; /* not below; below */
    struct point looked[3]; /* the newest points looked at, the newest first */
    int count;
};

static void look(struct search *search, int64_t at)
{
    struct point point = {at, rt_score_at(search->view, at) - search->threshold};

    search->looked[2] = search->looked[1];
    search->looked[1] = search->looked[0];
    search->looked[0] = point;
    if (search->count < 3)
        search->count++;
    if (point.above < 0)
        search->high = point;
    else
        search->low = point;
}

/* Finds some moment at which the score is below; false if there is none until then. */
static bool bracket(struct search *search, int64_t until)
{
    double rhythm = search->view->tier->rhythm_days * (double)RT_DAY_MS;
    int64_t step = (int64_t)(FIRST_STEP_RHYTHMS * rhythm);

    for (;;) {
        int64_t at = until - search->low.at <= step ? until : search->low.at + step;

        look(search, at);
        if (search->looked[0].above < 0)
            return true;
        if (at == until)
            return false;
        step *= 2;
    }
}

/* Distance from the newest point to where a curve through the newest points, time as a function of
 * the score, meets the threshold. */
static double distance(const struct search *search)
{
    const struct point *c = &search->looked[0], *b = &search->looked[1], *a = &search->looked[2];
    double xb = (double)(b->at - c->at), xa = (double)(a->at - c->at);
    double straight = xb * c->above / (c->above - b->above);

    if (search->count < 3)
        return straight;
    return xb * a->above * c->above / ((b->above - a->above) * (b->above - c->above)) +
           xa * b->above * c->above / ((a->above - b->above) * (a->above - c->above));
}

/* The next moment to look at: there, and a little beyond, seen from the newest point. */
static int64_t aim(const struct search *search)
{
    const struct point *newest = &search->looked[0], *before = &search->looked[1];
    double scale = search->view->tier->rhythm_days * (double)RT_DAY_MS;
    double apart = fabs((double)(newest->at - before->at)) / scale;
    double step = distance(search), size = fabs(step);
    double margin = 0.1 * size * apart * apart; /* what the bend of the curve may make of it */

    if (!(size < (double)FAR_MS))
        return INT64_MIN;
    if (margin > size / 4)
        margin = size / 4;
    return newest->at + (int64_t)(step < 0 ? step - margin - 1 : step + margin + 1);
}

static int64_t close_in(struct search *search)
{
    int64_t width = search->high.at - search->low.at;

    for (int tries = 0; search->high.at - search->low.at > 1; tries++) {
        int64_t at = aim(search);

        if (tries % 3 == 2) {
            if (search->high.at - search->low.at > width / 8)
                at = INT64_MIN;
            width = search->high.at - search->low.at;
        }
        if (at == INT64_MIN)
            at = search->low.at + (search->high.at - search->low.at) / 2;
        if (at <= search->low.at)
            at = search->low.at + 1;
        if (at >= search->high.at)
            at = search->high.at - 1;
        look(search, at);
    }
    return search->high.at;
}

int64_t rt_score_view_crossing(struct rt_score_view *view, int64_t now, int64_t until,
                               double threshold)
{
    struct search search = {.view = view, .threshold = threshold};

    if (now > INT64_MAX - FAR_MS || until <= now)
        return INT64_MAX;
    if (until > now + FAR_MS)
        until = now + FAR_MS;
    look(&search, now);
    if (search.looked[0].above < 0)
        return now + 1;
    if (!bracket(&search, until))
        return INT64_MAX;
    return close_in(&search);
}

int64_t rt_score_crossing(const struct rt_tier *tier, const struct rt_account *account, int64_t now,
                          int64_t until, double threshold)
{
    struct rt_score_view view;

    rt_score_view(&view, tier, account);
    return rt_score_view_crossing(&view, now, until, threshold);
}

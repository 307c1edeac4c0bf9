/* When an account was in touch: active UTC days, first and last contact, breadth, last visit. Part of the hot
 * record: fixed size, no allocation. A function of the set of contacts; their order does not
 * matter. */
#ifndef RT_WORKERS_ACTIVITY_H
#define RT_WORKERS_ACTIVITY_H

#include "protocol/span.h"

enum {
    RT_ACTIVITY_WORDS = 8,
    RT_ACTIVITY_DAYS = 64 * RT_ACTIVITY_WORDS, /* the window, ending at the newest active day */
    RT_ACTIVITY_PEOPLE = 16,                   /* slots of the breadth sketch */
};

struct rt_activity {
    int64_t first, last; /* ms of the earliest and latest contact; valid if newest >= 0 */
    uint64_t days[RT_ACTIVITY_WORDS]; /* bit i: the day newest - i was active */
    int32_t newest;                   /* newest active day since the epoch, -1: no contact ever */
    uint16_t people[RT_ACTIVITY_PEOPLE]; /* by hash of the person: newest day seen + 1, 0: nobody */
    uint16_t visit; /* newest day of a visit that was held + 1, 0: none; stays at UINT16_MAX */
};

void rt_activity_init(struct rt_activity *activity);

/* UTC day of a moment, held within what the window can express. */
int32_t rt_activity_day(int64_t ts);

/* Counts one contact at `ts` (>= 0); `person`: who at the customer, data NULL if not known. */
void rt_activity_contact(struct rt_activity *activity, int64_t ts, struct rt_span person);

/* The contact at `ts` was a visit that was held. */
void rt_activity_visit(struct rt_activity *activity, int64_t ts);

/* The newest UTC day with a visit; false if there never was one. */
bool rt_activity_visited(const struct rt_activity *activity, int32_t *day);

/* The newest active day in [from, to); -1 if the window has none. */
int32_t rt_activity_newest_in(const struct rt_activity *activity, int32_t from, int32_t to);

static inline bool rt_activity_any(const struct rt_activity *activity)
{
    return activity->newest >= 0;
}

/* Active days within the window. */
unsigned rt_activity_count(const struct rt_activity *activity);

/* Active days d with from <= d < to. */
unsigned rt_activity_between(const struct rt_activity *activity, int32_t from, int32_t to);

/* Whether the day was active, as far as the window reaches. */
bool rt_activity_on(const struct rt_activity *activity, int32_t day);

/* Start of what the window knows: the first contact, or midnight of the oldest active day if the
 * first contact lies before the window. Only with contacts. */
int64_t rt_activity_start(const struct rt_activity *activity);

/* Slots of the breadth sketch that saw somebody on day `since` or later: 0..RT_ACTIVITY_PEOPLE. */
unsigned rt_activity_people(const struct rt_activity *activity, int32_t since);

#endif

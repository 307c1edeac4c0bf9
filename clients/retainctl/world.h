/* A synthetic world: accounts of several temperaments, their calls, mails, visits and tickets, and
 * some that leave for a planted reason. Pure and exact: integers and IEEE division alone, so that
 * the same options give the same bytes everywhere. */
#ifndef RT_RETAINCTL_WORLD_H
#define RT_RETAINCTL_WORLD_H

#include "protocol/writer.h"

enum {
    RT_WORLD_ACCOUNTS_MAX = 1000000,
    RT_WORLD_DAYS_MAX = 3650,
};

struct rt_world_options {
    uint64_t seed;
    uint32_t accounts, days;
    int64_t until; /* ms; no event is at or after it */
};

struct rt_world;

/* NULL without memory, or beyond the limits above. The caller owns it. */
struct rt_world *rt_world_new(const struct rt_world_options *options);
void rt_world_free(struct rt_world *world); /* takes NULL */

/* The next event of the history, packed, by time; valid until the next call. False at the end, or
 * without memory (rt_world_failed). */
bool rt_world_next(struct rt_world *world, struct rt_span *event);
bool rt_world_failed(const struct rt_world *world);

/* An event that happens at `now` (ms), on the same accounts; every other one is trouble for one of
 * a few. False without memory. */
bool rt_world_live(struct rt_world *world, int64_t now, struct rt_span *event);

/* What was planted in account `index` (0 .. accounts - 1). */
struct rt_world_truth {
    char account[16];
    const char *temperament;
    const char
        *cause;    /* "silence" (at once), "slowing" (ever more seldom), "tickets", "unanswered",
                          "sentiment", "no_shows", "bounces"; NULL: it stays */
    int64_t onset; /* ms: when it begins to decline; 0 */
    int64_t gone;  /* ms: after this it is never heard of again; 0: it has not left yet */
};
void rt_world_truth(const struct rt_world *world, uint32_t index, struct rt_world_truth *truth);

#endif

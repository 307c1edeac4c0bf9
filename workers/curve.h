/* An account's curve: the history of its score, a point for the end of each of the last 90 days and
 * of each week of the last two years. Pure.
 *
 * A point is the score as it was reckoned when its day was over and the account was looked at next:
 * without an event the score is a closed form, so nothing is kept of days on which nothing happened
 * until something does (rt_curve_note), and then the days between are worked out at once, before
 * the event is counted. A point that stands is never changed. docs/adr/070. */
#ifndef RT_WORKERS_CURVE_H
#define RT_WORKERS_CURVE_H

#include "workers/account.h"

enum {
    RT_CURVE_DAYS = 90,
    RT_CURVE_WEEKS = 104,
    RT_CURVE_STEPS = 2,      /* of a point of score */
    RT_CURVE_UNKNOWN = 0xff, /* no point of that day */
    RT_CURVE_WEEK_ENDS = 3,  /* days since the epoch, modulo 7: Sunday */
};

struct rt_curve {
    int32_t last;                  /* newest day with a point, days since the epoch; -1: none */
    uint8_t days[RT_CURVE_DAYS];   /* of day d at d % 90 */
    uint8_t weeks[RT_CURVE_WEEKS]; /* of the week that ends on day d at d / 7 % 104 */
};

void rt_curve_init(struct rt_curve *curve);

/* Adds a point; not if that day or a later one has one. */
void rt_curve_put(struct rt_curve *curve, int32_t day, uint8_t value);

/* The point of a day within the last 90, or of a week's end within the last 104; UNKNOWN if there is
 * none. */
uint8_t rt_curve_day(const struct rt_curve *curve, int32_t day);
uint8_t rt_curve_week(const struct rt_curve *curve, int32_t day);

/* Whose it is: XXH3-128 of the name, keyed, as in the intent of an erase: no name is kept. */
struct rt_curve_key {
    uint64_t low, high;
};
struct rt_curve_key rt_curve_key(struct rt_span name, uint64_t secret);
/* Negative, 0, positive: the order in which they are kept. */
int rt_curve_key_compare(const struct rt_curve_key *a, const struct rt_curve_key *b);

/* ---- points that wait to be taken into curves ------------------------------------------------ */

/* To be called before the first event of a group is counted. Appends the points of the days that
 * are over since the account was touched last, as one entry: u64 low, u64 high, u16 count, each
 * point u32 day, u8 value. Without memory, or beyond `most` bytes, they are left out. */
bool rt_curve_is_due(const struct rt_account *account, int64_t now); /* false: there are none */
void rt_curve_note(struct rt_buffer *points, size_t most, const struct rt_curve_key *key,
                   const struct rt_tier *tier, const struct rt_account *account, int64_t now);

/* The next entry at *at; false at the end. Its points are taken with rt_curve_take_entry. */
struct rt_curve_entry {
    struct rt_curve_key key;
    struct rt_span points;
};
bool rt_curve_entry_next(struct rt_span points, size_t *at, struct rt_curve_entry *entry);
void rt_curve_take_entry(struct rt_curve *curve, const struct rt_curve_entry *entry);

/* Takes what there is of one account. */
void rt_curve_take(struct rt_curve *curve, struct rt_span points, const struct rt_curve_key *key);
/* Removes it. */
void rt_curve_drop(struct rt_buffer *points, const struct rt_curve_key *key);

/* ---- looking at it --------------------------------------------------------------------------- */

/* Adds the points of the days that are over since, from the closed form. */
void rt_curve_complete(struct rt_curve *curve, const struct rt_tier *tier,
                       const struct rt_account *account, int64_t now);

/* The point of one day that is over, as rt_curve_complete would leave it; without what was kept
 * (curve NULL) from the closed form alone. */
uint8_t rt_curve_at(const struct rt_curve *curve, const struct rt_tier *tier,
                    const struct rt_account *account, int32_t day);

#endif

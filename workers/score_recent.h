/* How things went lately, up to the last contact, and whether that is out of the ordinary: what went
 * before a silence is its likely cause. Pure; for score*.c. */
#ifndef RT_WORKERS_SCORE_RECENT_H
#define RT_WORKERS_SCORE_RECENT_H

#include "workers/score_view.h"

/* Bad ones and good ones of the shortest span up to the last contact (one bucket of four weeks, two,
 * four, all) that has two bad ones; of all if there are fewer. */
struct rt_recent {
    uint64_t bad, good;
    bool ever; /* the span is all there is */
};
struct rt_recent rt_recent_share(const struct rt_account *account, enum rt_cell_kind bad,
                                 enum rt_cell_kind good);

/* The mean of the sentiments in the bucket of the last contact, or the last two where that has fewer
 * than three, and of those before. */
struct rt_recent_tone {
    uint64_t count, count_before;
    double mean, before; /* of none: 0 */
};
struct rt_recent_tone rt_recent_tone(const struct rt_account *account);

/* Days with contact in the 90 up to the last contact, and in the 90 before. */
struct rt_recent_days {
    unsigned last, before;
};
struct rt_recent_days rt_recent_days(const struct rt_account *account);
/* Half as many, or fewer: in touch ever more seldom. */
bool rt_recent_slower(const struct rt_account *account);

/* Whether a loss is no more than what happens to every customer now and then. */
bool rt_recent_ordinary(const struct rt_tier *tier, const struct rt_account *account,
                        enum rt_part part);

/* The heaviest loss that is out of the ordinary; RT_PARTS: none is. */
enum rt_part rt_recent_trouble(const struct rt_tier *tier, const struct rt_account *account,
                               const struct rt_score_parts *parts);

#endif

/* Points in time as people write them. Pure: `now` is an argument. All times are ms since the
 * epoch, UTC. */
#ifndef RT_RETAINCTL_WHEN_H
#define RT_RETAINCTL_WHEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RT_WHEN_TEXT = 64 };

/* ms ("1700000000000"), ISO 8601 ("2026-11-22T01:02:03.4+01:00", with a space for the T, without
 * seconds, without zone: UTC), or a date (midnight UTC). Cut to ms. False if it is none of them;
 * never negative. */
bool rt_when_parse(const char *text, size_t size, int64_t *ms);

/* The same, or a span ("90s", "30m", "12h", "7d", "2w") that lies before (`direction` -1) or after
 * (+1) now. */
bool rt_when_parse_span(const char *text, int64_t now, int direction, int64_t *ms);

/* "2026-11-22 01:02:03Z"; without seconds if `minutes`. */
const char *rt_when_format(int64_t ms, bool minutes, char out[RT_WHEN_TEXT]);
/* "2026-11-22" */
const char *rt_when_date(int64_t ms, char out[RT_WHEN_TEXT]);
/* "just now", "5 minutes ago", "3 days ago", "in 2 weeks" */
const char *rt_when_relative(int64_t ms, int64_t now, char out[RT_WHEN_TEXT]);

/* Days since the epoch of a date of the proleptic Gregorian calendar. */
int64_t rt_when_days(int64_t year, unsigned month, unsigned day);

/* The wall clock; the one thing here that is not pure. */
int64_t rt_when_now(void);

#endif

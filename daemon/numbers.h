/* Publication numbers: ascending over restarts, one for each alert whoever judged it. Pure.
 *
 * A number is the wall clock in microseconds, or one more than the last: a daemon that starts again
 * goes on beyond all numbers it may have given, also those that no worker had on disk yet. Alerts
 * are known by their position in the journal: one that a worker says again (it died before it kept
 * the number) gets the same number, as long as no more than RT_NUMBERS_RECENT were given since. */
#ifndef RT_DAEMON_NUMBERS_H
#define RT_DAEMON_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

/* A power of two. A worker has the alerts of two commit groups unkept at most, some 7000 each. */
enum { RT_NUMBERS_RECENT = 65536 };

struct rt_numbers {
    uint64_t last;
    uint64_t given; /* how many, since start */
    struct rt_number {
        uint64_t position, number;
        uint32_t next;                  /* place + 1 of an older one of the same chain, 0: none */
    } recent[RT_NUMBERS_RECENT];        /* a ring: the oldest is overwritten */
    uint32_t chains[RT_NUMBERS_RECENT]; /* by position: place + 1 of the newest, 0: none */
};

/* Microseconds, about 19 hours: see rt_numbers_begin. */
#define RT_NUMBERS_SPAN (UINT64_C(1) << 36)

/* A worker's newest number on disk: none at or below it is given again. */
void rt_numbers_seen(struct rt_numbers *numbers, uint64_t number);

/* A daemon begins, all workers have told theirs: goes on beyond those that were given and not kept.
 * They lie before the clock, unless it was set back. Then they are not far from the newest that was
 * kept: it goes on from there, plus the clock modulo RT_NUMBERS_SPAN, so that a daemon that began in
 * the same way a moment ago, and was killed before anything was kept, has given smaller ones. */
void rt_numbers_begin(struct rt_numbers *numbers, uint64_t now_us);

/* The number of the alert at `position` (not 0). *again: it had one. */
uint64_t rt_numbers_give(struct rt_numbers *numbers, uint64_t position, uint64_t now_us,
                         bool *again);

#endif

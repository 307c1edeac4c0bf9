/* Publication numbers: ascending over restarts, one for each alert whoever judged it. Pure.
 *
 * A number is the wall clock in microseconds, or one more than the last: a daemon that starts again
 * goes on beyond all numbers it may have given, also those that no worker had on disk yet. Alerts
 * are known by their position in the journal: one that a worker says again (it died before it kept
 * the number) gets the same number. */
#ifndef RT_DAEMON_NUMBERS_H
#define RT_DAEMON_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

enum { RT_NUMBERS_RECENT = 4096 }; /* a power of two; far more than a worker can have unkept */

struct rt_numbers {
    uint64_t last;
    struct {
        uint64_t position, number;
    } recent[RT_NUMBERS_RECENT];
};

/* A worker's newest number on disk: none at or below it is given again. */
void rt_numbers_seen(struct rt_numbers *numbers, uint64_t number);

/* The number of the alert at `position` (not 0). *again: it had one. */
uint64_t rt_numbers_give(struct rt_numbers *numbers, uint64_t position, uint64_t now_us,
                         bool *again);

#endif

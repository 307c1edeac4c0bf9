/* STATE_DIR/generations, which the daemon writes and both daemon and workers read: one line
 * "generation N workers COUNT log FIRST" for each change of the number of workers. Worker i of a
 * generation writes log FIRST + i. */
#ifndef RT_PROTOCOL_GENERATION_H
#define RT_PROTOCOL_GENERATION_H

#include <stdbool.h>
#include <stdint.h>

enum {
    RT_GENERATIONS_MAX = 1024,
    RT_LOG_MAX = UINT16_MAX, /* a position has 16 bits for its log */
    RT_GENERATION_LINE = 80, /* bytes a line takes at most */
};

struct rt_generation {
    uint32_t number, workers, log; /* log: of worker 0 */
};

/* True if `next` may follow `last` (all zero: it is the first): numbered on from it, within all
 * limits, its logs behind those of `last`. */
bool rt_generation_follows(const struct rt_generation *last, const struct rt_generation *next);

/* Reads one line, which must follow *last, and moves *text behind it. False if it does not: both are
 * untouched. */
bool rt_generation_read(const char **text, struct rt_generation *last);

/* Writes the line with its end of line; returns its length. */
int rt_generation_write(char line[RT_GENERATION_LINE], const struct rt_generation *generation);

#endif

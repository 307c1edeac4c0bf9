/* Lines of STATE_DIR/generations. A line has one form: what was read is written again and compared,
 * so that signs, blanks and leading zeroes that scanning would forgive are refused. */
#include "protocol/generation.h"

#include <stdio.h>
#include <string.h>

#include "protocol/limits.h"

bool rt_generation_follows(const struct rt_generation *last, const struct rt_generation *next)
{
    return next->number == last->number + 1 && next->number <= RT_GENERATIONS_MAX &&
           next->workers >= 1 && next->workers <= RT_WORKERS_MAX && next->log >= 1 &&
           next->log >= last->log + last->workers && next->log <= RT_LOG_MAX &&
           next->log + next->workers - 1 <= RT_LOG_MAX;
}

int rt_generation_write(char line[RT_GENERATION_LINE], const struct rt_generation *generation)
{
    return snprintf(line, RT_GENERATION_LINE, "generation %u workers %u log %u\n",
                    generation->number, generation->workers, generation->log);
}

bool rt_generation_read(const char **text, struct rt_generation *last)
{
    char again[RT_GENERATION_LINE];
    struct rt_generation next;
    size_t size;

    if (sscanf(*text, "generation %u workers %u log %u", &next.number, &next.workers, &next.log) !=
            3 ||
        !rt_generation_follows(last, &next))
        return false;
    size = (size_t)rt_generation_write(again, &next);
    if (strncmp(*text, again, size) != 0)
        return false;
    *text += size;
    *last = next;
    return true;
}

#include "daemon/numbers.h"

#include <stddef.h>

#include "protocol/assert.h"

void rt_numbers_seen(struct rt_numbers *numbers, uint64_t number)
{
    if (number > numbers->last) {
        numbers->last = number;
    }
}

void rt_numbers_begin(struct rt_numbers *numbers, uint64_t now_us)
{
    if (now_us <= numbers->last) {
        numbers->last += 1 + now_us % RT_NUMBERS_SPAN;
    }
    rt_numbers_seen(numbers, now_us);
}

/* The highest bits of the product depend on all bits of a position: the log stands in its highest. */
static uint32_t *chain_of(struct rt_numbers *numbers, uint64_t position)
{
    return &numbers->chains[position * UINT64_C(0x9e3779b97f4a7c15) >> 48];
}

_Static_assert(RT_NUMBERS_RECENT == 1 << 16, "chain_of keeps 16 bits");

static const struct rt_number *find(struct rt_numbers *numbers, uint64_t position)
{
    for (uint32_t at = *chain_of(numbers, position); at != 0; at = numbers->recent[at - 1].next) {
        if (numbers->recent[at - 1].position == position) {
            return &numbers->recent[at - 1];
        }
    }
    return NULL;
}

static void forget(struct rt_numbers *numbers, uint32_t place)
{
    uint32_t *at = chain_of(numbers, numbers->recent[place].position);

    while (*at != place + 1) {
        RT_ASSERT(*at != 0);
        at = &numbers->recent[*at - 1].next;
    }
    *at = numbers->recent[place].next;
}

uint64_t rt_numbers_give(struct rt_numbers *numbers, uint64_t position, uint64_t now_us,
                         bool *again)
{
    const struct rt_number *known = find(numbers, position);
    uint32_t place = (uint32_t)(numbers->given % RT_NUMBERS_RECENT);

    *again = known != NULL;
    if (*again) {
        return known->number;
    }
    if (numbers->given++ >= RT_NUMBERS_RECENT) {
        forget(numbers, place);
    }
    numbers->last = now_us > numbers->last ? now_us : numbers->last + 1;
    numbers->recent[place] = (struct rt_number){
        .position = position, .number = numbers->last, .next = *chain_of(numbers, position)};
    *chain_of(numbers, position) = place + 1;
    return numbers->last;
}

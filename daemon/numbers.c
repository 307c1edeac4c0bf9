#include "daemon/numbers.h"

void rt_numbers_seen(struct rt_numbers *numbers, uint64_t number)
{
    if (number > numbers->last) {
        numbers->last = number;
    }
}

/* Positions are multiples of eight within a segment; alerts of different logs rarely meet in a
 * place. */
static uint64_t place_of(uint64_t position)
{
    uint64_t mixed = position * UINT64_C(0x9e3779b97f4a7c15);

    return mixed >> 32 & (RT_NUMBERS_RECENT - 1);
}

uint64_t rt_numbers_give(struct rt_numbers *numbers, uint64_t position, uint64_t now_us,
                         bool *again)
{
    uint64_t place = place_of(position);

    *again = numbers->recent[place].position == position;
    if (*again) {
        return numbers->recent[place].number;
    }
    numbers->last = now_us > numbers->last ? now_us : numbers->last + 1;
    numbers->recent[place].position = position;
    numbers->recent[place].number = numbers->last;
    return numbers->last;
}

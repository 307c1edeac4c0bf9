/* The heap of waiting accounts. Nothing here can fail but growth.
 *
 * Invariants: 1. entries[i].at <= entries[c].at for every child c of i; 2.
 * rt_account_wait(entries[i].account)->place == i;
 * 3. an account that is not here has place UINT32_MAX. */
#include "workers/deadline.h"

#include "protocol/assert.h"

#include <stdlib.h>

enum { CHILDREN = 4, FIRST_CAPACITY = 64 };

static void put(struct rt_deadlines *deadlines, uint32_t place, struct rt_deadline entry)
{
    deadlines->entries[place] = entry;
    rt_account_wait(entry.account)->place = place;
}

static void move_up(struct rt_deadlines *deadlines, uint32_t place, struct rt_deadline entry)
{
    while (place > 0) {
        uint32_t parent = (place - 1) / CHILDREN;

        if (deadlines->entries[parent].at <= entry.at)
            break;
        put(deadlines, place, deadlines->entries[parent]);
        place = parent;
    }
    put(deadlines, place, entry);
}

static uint32_t earliest_child(const struct rt_deadlines *deadlines, uint32_t first)
{
    uint32_t end = deadlines->count - first < CHILDREN ? deadlines->count : first + CHILDREN;
    uint32_t best = first;

    for (uint32_t child = first + 1; child < end; child++)
        if (deadlines->entries[child].at < deadlines->entries[best].at)
            best = child;
    return best;
}

static void move_down(struct rt_deadlines *deadlines, uint32_t place, struct rt_deadline entry)
{
    for (;;) {
        uint64_t first = (uint64_t)place * CHILDREN + 1;

        if (first >= deadlines->count)
            break;
        uint32_t child = earliest_child(deadlines, (uint32_t)first);
        if (entry.at <= deadlines->entries[child].at)
            break;
        put(deadlines, place, deadlines->entries[child]);
        place = child;
    }
    put(deadlines, place, entry);
}

/* To where the entry belongs, from a place that is free for it. */
static void settle(struct rt_deadlines *deadlines, uint32_t place, struct rt_deadline entry)
{
    if (place > 0 && entry.at < deadlines->entries[(place - 1) / CHILDREN].at)
        move_up(deadlines, place, entry);
    else
        move_down(deadlines, place, entry);
}

bool rt_deadlines_reserve(struct rt_deadlines *deadlines, uint64_t count)
{
    struct rt_deadline *entries;
    uint32_t capacity = deadlines->capacity == 0 ? FIRST_CAPACITY : deadlines->capacity;

    if (count <= deadlines->capacity)
        return true;
    if (count >= UINT32_MAX / 2)
        return false;
    while (capacity < count)
        capacity *= 2;
    entries = realloc(deadlines->entries, capacity * sizeof(*entries));
    if (entries == NULL)
        return false;
    deadlines->entries = entries;
    deadlines->capacity = capacity;
    return true;
}

void rt_deadlines_free(struct rt_deadlines *deadlines)
{
    for (uint32_t i = 0; i < deadlines->count; i++)
        rt_account_wait(deadlines->entries[i].account)->place = UINT32_MAX;
    free(deadlines->entries);
    *deadlines = (struct rt_deadlines){0};
}

bool rt_deadlines_set(struct rt_deadlines *deadlines, struct rt_account *account, int64_t at)
{
    struct rt_wait *wait = rt_account_wait(account);
    struct rt_deadline entry = {.at = at, .account = account};

    if (at == INT64_MAX) {
        rt_deadlines_remove(deadlines, account);
        return true;
    }
    if (wait->place != UINT32_MAX) {
        RT_ASSERT(wait->place < deadlines->count);
        RT_ASSERT(deadlines->entries[wait->place].account == account);
        wait->at = at;
        settle(deadlines, wait->place, entry);
        return true;
    }
    if (!rt_deadlines_reserve(deadlines, (uint64_t)deadlines->count + 1))
        return false;
    wait->at = at;
    move_up(deadlines, deadlines->count++, entry);
    return true;
}

bool rt_deadlines_add(struct rt_deadlines *deadlines, struct rt_account *account)
{
    return rt_deadlines_set(deadlines, account, rt_account_wait(account)->at);
}

void rt_deadlines_remove(struct rt_deadlines *deadlines, struct rt_account *account)
{
    struct rt_wait *wait = rt_account_wait(account);
    uint32_t place = wait->place;

    wait->at = INT64_MAX;
    wait->place = UINT32_MAX;
    if (place == UINT32_MAX)
        return;
    RT_ASSERT(place < deadlines->count && deadlines->entries[place].account == account);
    deadlines->count--;
    if (place < deadlines->count)
        settle(deadlines, place, deadlines->entries[deadlines->count]);
}

const struct rt_deadline *rt_deadlines_first(const struct rt_deadlines *deadlines)
{
    return deadlines->count == 0 ? NULL : &deadlines->entries[0];
}

/* The bitmap of active days moves with its newest day; older days fall off its end, whenever they
 * arrive. */
#include "workers/activity.h"

#include "protocol/limits.h"

#include <xxhash.h>

void rt_activity_init(struct rt_activity *activity)
{
    *activity = (struct rt_activity){.newest = -1};
}

int32_t rt_activity_day(int64_t ts)
{
    int64_t day = ts / RT_DAY_MS;

    if (ts < 0)
        return 0;
    return day > INT32_MAX / 2 ? INT32_MAX / 2 : (int32_t)day;
}

/* Makes every bit `by` days older. */
static void shift(uint64_t days[RT_ACTIVITY_WORDS], uint32_t by)
{
    uint32_t words = by / 64, bits = by % 64;

    for (uint32_t i = RT_ACTIVITY_WORDS; i-- > 0;) {
        uint64_t high = i >= words ? days[i - words] : 0;
        uint64_t low = i >= words + 1 ? days[i - words - 1] : 0;

        days[i] = bits == 0 ? high : (high << bits) | (low >> (64 - bits));
    }
}

static void mark_day(struct rt_activity *activity, int32_t day)
{
    int32_t age = activity->newest - day;

    if (age < 0) {
        shift(activity->days, -age < RT_ACTIVITY_DAYS ? (uint32_t)-age : RT_ACTIVITY_DAYS);
        activity->newest = day;
        age = 0;
    }
    if (age < RT_ACTIVITY_DAYS)
        activity->days[age / 64] |= UINT64_C(1) << (age % 64);
}

/* A day in two bytes; 0 is left for none. */
static uint16_t seen_on(int32_t day)
{
    return day >= UINT16_MAX ? UINT16_MAX : (uint16_t)(day + 1);
}

static void mark_person(struct rt_activity *activity, int32_t day, struct rt_span person)
{
    uint64_t slot = XXH3_64bits(person.data, person.size) % RT_ACTIVITY_PEOPLE;
    uint16_t seen = seen_on(day);

    if (seen > activity->people[slot])
        activity->people[slot] = seen;
}

void rt_activity_contact(struct rt_activity *activity, int64_t ts, struct rt_span person)
{
    int32_t day = rt_activity_day(ts);

    if (!rt_activity_any(activity)) {
        activity->first = activity->last = ts;
        activity->newest = day;
    }
    if (ts < activity->first)
        activity->first = ts;
    if (ts > activity->last)
        activity->last = ts;
    mark_day(activity, day);
    if (person.data != NULL)
        mark_person(activity, day, person);
}

void rt_activity_visit(struct rt_activity *activity, int64_t ts)
{
    uint16_t seen = seen_on(rt_activity_day(ts));

    if (seen > activity->visit)
        activity->visit = seen;
}

bool rt_activity_visited(const struct rt_activity *activity, int32_t *day)
{
    if (activity->visit == 0)
        return false;
    *day = activity->visit - 1;
    return true;
}

int32_t rt_activity_newest_in(const struct rt_activity *activity, int32_t from, int32_t to)
{
    for (int32_t day = to - 1; day >= from; day--)
        if (rt_activity_on(activity, day))
            return day;
    return -1;
}

/* The bits set in a word, side by side: without -mpopcnt the compiler's builtin is a call, and every
 * judgement counts days. */
static unsigned bits_set(uint64_t word)
{
    word -= word >> 1 & UINT64_C(0x5555555555555555);
    word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
    word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (unsigned)(word * UINT64_C(0x0101010101010101) >> 56);
}

unsigned rt_activity_count(const struct rt_activity *activity)
{
    unsigned count = 0;

    for (unsigned i = 0; i < RT_ACTIVITY_WORDS; i++)
        count += bits_set(activity->days[i]);
    return count;
}

/* The bits from..63 of one word are those of ages 64 * word + bit; how many of them lie in [young,
 * old]. */
static unsigned count_ages(uint64_t word, int64_t base, int64_t young, int64_t old)
{
    int64_t low = young - base, high = old - base;

    if (low > 63 || high < 0)
        return 0;
    if (low > 0)
        word &= ~UINT64_C(0) << low;
    if (high < 63)
        word &= (UINT64_C(1) << (high + 1)) - 1;
    return bits_set(word);
}

unsigned rt_activity_between(const struct rt_activity *activity, int32_t from, int32_t to)
{
    int64_t young = (int64_t)activity->newest - to + 1, old = (int64_t)activity->newest - from;
    unsigned count = 0;

    for (int i = 0; i < RT_ACTIVITY_WORDS; i++)
        count += count_ages(activity->days[i], 64 * i, young, old);
    return count;
}

bool rt_activity_on(const struct rt_activity *activity, int32_t day)
{
    int64_t age = (int64_t)activity->newest - day;

    return age >= 0 && age < RT_ACTIVITY_DAYS && (activity->days[age / 64] >> (age % 64) & 1) != 0;
}

int64_t rt_activity_start(const struct rt_activity *activity)
{
    int32_t oldest = activity->newest;

    if (activity->newest - rt_activity_day(activity->first) < RT_ACTIVITY_DAYS)
        return activity->first;
    for (int i = RT_ACTIVITY_WORDS; i-- > 0;)
        if (activity->days[i] != 0) {
            oldest -= 64 * i + 63 - __builtin_clzll(activity->days[i]);
            break;
        }
    return (int64_t)oldest * RT_DAY_MS;
}

unsigned rt_activity_people(const struct rt_activity *activity, int32_t since)
{
    /* A day beyond what a slot can say is the last one it can. */
    uint16_t floor = since < 0 ? 1 : since >= UINT16_MAX ? UINT16_MAX : (uint16_t)(since + 1);
    unsigned count = 0;

    for (unsigned i = 0; i < RT_ACTIVITY_PEOPLE; i++)
        count += activity->people[i] >= floor;
    return count;
}

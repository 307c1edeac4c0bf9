/* See backtest_cohort.h. Each member holds the very state that a worker holds, and a bitmap of its
 * active days before the date (the worker's own ends after 512 days; the rhythm is measured on all
 * of them). */
#include "clients/retainctl/backtest_cohort.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/limits.h"

enum { FIRST_CAPACITY = 1024 };

void rt_cohort_init(struct rt_cohort *cohort, int64_t at, int64_t until, size_t tickets_max)
{
    *cohort = (struct rt_cohort){.at = at, .until = until, .tickets_max = tickets_max};
}

void rt_cohort_free(struct rt_cohort *cohort)
{
    for (size_t i = 0; i < cohort->count; i++) {
        rt_account_free(cohort->members[i].account);
        free(cohort->members[i].days);
    }
    free(cohort->members);
    *cohort = (struct rt_cohort){0};
}

static struct rt_member *member_of(struct rt_cohort *cohort, size_t number)
{
    size_t capacity = cohort->capacity == 0 ? FIRST_CAPACITY : cohort->capacity;
    struct rt_member *members;

    if (number < cohort->count)
        return &cohort->members[number];
    while (capacity <= number)
        capacity *= 2;
    if (capacity != cohort->capacity) {
        members = realloc(cohort->members, capacity * sizeof(*members));
        if (members == NULL)
            return NULL;
        memset(members + cohort->capacity, 0, (capacity - cohort->capacity) * sizeof(*members));
        cohort->members = members;
        cohort->capacity = capacity;
    }
    cohort->count = number + 1;
    return &cohort->members[number];
}

/* Widens the bitmap so that it covers the word. */
static bool days_reach(struct rt_member *member, int32_t word)
{
    int32_t first = member->words == 0 || word < member->first_word ? word : member->first_word;
    int32_t last = member->words == 0 ? word : member->first_word + (int32_t)member->words - 1;
    uint64_t *days;

    if (word > last)
        last = word;
    if (member->words > 0 && (uint32_t)(last - first + 1) == member->words)
        return true;
    days = calloc((size_t)(last - first + 1), sizeof(*days));
    if (days == NULL)
        return false;
    for (uint32_t i = 0; i < member->words; i++)
        days[member->first_word - first + (int32_t)i] = member->days[i];
    free(member->days);
    member->days = days;
    member->first_word = first;
    member->words = (uint32_t)(last - first + 1);
    return true;
}

static bool contact_note(struct rt_member *member, int64_t ts)
{
    int64_t day = ts / RT_DAY_MS;

    if (!days_reach(member, (int32_t)(day / 64)))
        return false;
    member->days[day / 64 - member->first_word] |= UINT64_C(1) << (day % 64);
    if (!member->before || ts > member->last)
        member->last = ts;
    member->before = true;
    return true;
}

static bool says_left(const struct rt_event *event)
{
    const struct rt_profile_value *status = &event->profile[RT_PROFILE_STATUS];

    return event->type == RT_ACCOUNT && status->presence == RT_KEY_SET &&
           rt_span_is(status->text, "churned");
}

bool rt_cohort_event(struct rt_cohort *cohort, size_t number, const struct rt_event *event)
{
    bool contact = rt_event_is_contact(event), left = says_left(event);
    struct rt_member *member;
    uint64_t evicted = 0;

    if (event->ts >= cohort->until || (event->ts >= cohort->at && !contact && !left))
        return true;
    member = member_of(cohort, number);
    if (member == NULL)
        return false;
    if (event->ts >= cohort->at) {
        member->after = member->after || contact;
        member->left = member->left || left;
        return true;
    }
    if (member->account == NULL && (member->account = rt_account_new(event->account)) == NULL)
        return false;
    return (!contact || contact_note(member, event->ts)) &&
           rt_account_apply(member->account, event, cohort->tickets_max, &evicted);
}

void rt_cohort_hint(const struct rt_cohort *cohort, size_t number, int step)
{
    const struct rt_member *member;

    if (number >= cohort->count)
        return;
    member = &cohort->members[number];
    if (step == 0)
        __builtin_prefetch(member);
    else if (member->account != NULL && step == 1)
        rt_account_prefetch(member->account);
    else if (member->account != NULL)
        rt_account_prefetch_facts(member->account);
}

size_t rt_member_days(const struct rt_member *member)
{
    size_t count = 0;

    for (uint32_t i = 0; i < member->words; i++)
        count += (size_t)__builtin_popcountll(member->days[i]);
    return count;
}

/* The first and the last active day; there must be one. */
static void span_of(const struct rt_member *member, int64_t *first, int64_t *last)
{
    uint32_t low = 0, high = member->words - 1;

    while (member->days[low] == 0)
        low++;
    while (member->days[high] == 0)
        high--;
    *first = ((int64_t)member->first_word + low) * 64 + __builtin_ctzll(member->days[low]);
    *last = ((int64_t)member->first_word + high) * 64 + 63 - __builtin_clzll(member->days[high]);
}

struct rt_bgnbd_customer rt_member_customer(const struct rt_cohort *cohort,
                                            const struct rt_member *member)
{
    int64_t first, last;

    span_of(member, &first, &last);
    return (struct rt_bgnbd_customer){
        .repeats = (uint32_t)rt_member_days(member) - 1,
        .last = (double)(last - first) / 7,
        .age = ((double)cohort->at / (double)RT_DAY_MS - (double)first) / 7,
    };
}

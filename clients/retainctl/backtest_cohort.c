/* See backtest_cohort.h. An open-addressing table of accounts by name; each holds the very state
 * that a worker holds, and a bitmap of its active days before the date (the worker's own ends after
 * 512 days; the rhythm is measured on all of them). */
#include "clients/retainctl/backtest_cohort.h"

#include <math.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "protocol/limits.h"
#include "workers/score.h"

enum { FIRST_CAPACITY = 1024 };

struct member {
    struct rt_account *account; /* NULL: an empty slot */
    uint64_t hash;
    uint64_t *days; /* bit i: the day `first_word * 64 + i` was active */
    int64_t first_word;
    uint32_t words;
    bool before, after; /* a contact before the date; one in the horizon */
    int64_t last;       /* contact before the date */
};

struct rt_cohort {
    int64_t at, until;
    size_t tickets_max, capacity, used;
    struct member *table;
};

struct rt_cohort *rt_cohort_new(int64_t at, int64_t until, size_t tickets_max)
{
    struct rt_cohort *cohort = calloc(1, sizeof(*cohort));

    if (cohort == NULL)
        return NULL;
    cohort->at = at;
    cohort->until = until;
    cohort->tickets_max = tickets_max;
    cohort->capacity = FIRST_CAPACITY;
    cohort->table = calloc(cohort->capacity, sizeof(*cohort->table));
    if (cohort->table == NULL) {
        free(cohort);
        return NULL;
    }
    return cohort;
}

void rt_cohort_free(struct rt_cohort *cohort)
{
    if (cohort == NULL)
        return;
    for (size_t i = 0; i < cohort->capacity; i++) {
        rt_account_free(cohort->table[i].account);
        free(cohort->table[i].days);
    }
    free(cohort->table);
    free(cohort);
}

static struct member *slot_of(struct member *table, size_t capacity, uint64_t hash,
                              struct rt_span name)
{
    size_t slot = (size_t)hash & (capacity - 1);

    while (table[slot].account != NULL &&
           (table[slot].hash != hash || !rt_span_equal(rt_account_name(table[slot].account), name)))
        slot = (slot + 1) & (capacity - 1);
    return &table[slot];
}

static bool grow(struct rt_cohort *cohort)
{
    size_t capacity = cohort->capacity * 2;
    struct member *table;

    if (cohort->used * 3 < cohort->capacity * 2)
        return true;
    table = calloc(capacity, sizeof(*table));
    if (table == NULL)
        return false;
    for (size_t i = 0; i < cohort->capacity; i++) {
        struct member *member = &cohort->table[i];

        if (member->account != NULL)
            *slot_of(table, capacity, member->hash, rt_account_name(member->account)) = *member;
    }
    free(cohort->table);
    cohort->table = table;
    cohort->capacity = capacity;
    return true;
}

static struct member *member_of(struct rt_cohort *cohort, struct rt_span name)
{
    uint64_t hash = XXH3_64bits(name.data, name.size);
    struct member *member;

    if (!grow(cohort))
        return NULL;
    member = slot_of(cohort->table, cohort->capacity, hash, name);
    if (member->account != NULL)
        return member;
    member->account = rt_account_new(name);
    if (member->account == NULL)
        return NULL;
    member->hash = hash;
    cohort->used++;
    return member;
}

/* Widens the bitmap so that it covers the word. */
static bool days_reach(struct member *member, int64_t word)
{
    int64_t first = member->words == 0 || word < member->first_word ? word : member->first_word;
    int64_t last = member->words == 0 ? word : member->first_word + member->words - 1;
    uint64_t *days;

    if (word > last)
        last = word;
    if (member->words > 0 && first == member->first_word && last - first + 1 == member->words)
        return true;
    days = calloc((size_t)(last - first + 1), sizeof(*days));
    if (days == NULL)
        return false;
    for (uint32_t i = 0; i < member->words; i++)
        days[member->first_word - first + i] = member->days[i];
    free(member->days);
    member->days = days;
    member->first_word = first;
    member->words = (uint32_t)(last - first + 1);
    return true;
}

static bool contact_note(struct member *member, int64_t ts)
{
    int64_t day = ts / RT_DAY_MS;

    if (!days_reach(member, day / 64))
        return false;
    member->days[day / 64 - member->first_word] |= UINT64_C(1) << (day % 64);
    if (!member->before || ts > member->last)
        member->last = ts;
    member->before = true;
    return true;
}

bool rt_cohort_event(struct rt_cohort *cohort, const struct rt_event *event)
{
    bool contact = rt_event_is_contact(event);
    struct member *member;
    uint64_t evicted = 0;

    if (event->ts >= cohort->until || (event->ts >= cohort->at && !contact))
        return true;
    member = member_of(cohort, event->account);
    if (member == NULL)
        return false;
    if (event->ts >= cohort->at) {
        member->after = true;
        return true;
    }
    return (!contact || contact_note(member, event->ts)) &&
           rt_account_apply(member->account, event, cohort->tickets_max, &evicted);
}

static size_t active_days(const struct member *member, int64_t *first, int64_t *last)
{
    size_t count = 0;

    *first = *last = 0;
    for (uint32_t i = 0; i < member->words; i++) {
        if (member->days[i] == 0)
            continue;
        if (count == 0)
            *first = (member->first_word + i) * 64 + __builtin_ctzll(member->days[i]);
        *last = (member->first_word + i) * 64 + 63 - __builtin_clzll(member->days[i]);
        count += (size_t)__builtin_popcountll(member->days[i]);
    }
    return count;
}

double rt_cohort_rhythm(const struct rt_cohort *cohort)
{
    double *gaps = malloc((cohort->used + 1) * sizeof(*gaps)), rhythm;
    size_t count = 0;

    if (gaps == NULL)
        return NAN;
    for (size_t i = 0; i < cohort->capacity; i++) {
        int64_t first, last;
        size_t days = active_days(&cohort->table[i], &first, &last);

        if (days >= 2)
            gaps[count++] = (double)(last - first) / (double)(days - 1);
    }
    rhythm = rt_ranking_median(gaps, count);
    free(gaps);
    return rhythm < 1 ? 1 : rhythm;
}

static double health_of(const struct rt_cohort *cohort, const struct member *member,
                        const struct rt_config *config, enum rt_predictor by, double rhythm)
{
    double silence = (double)(cohort->at - member->last) / (double)RT_DAY_MS;
    int64_t first, last;

    switch (by) {
    case RT_BY_SILENCE:
        return -silence;
    case RT_BY_COUNT:
        return (double)active_days(member, &first, &last);
    case RT_BY_LEVEL:
        return log((double)active_days(member, &first, &last)) - silence / (2 * rhythm);
    default:
        return rt_score_value(rt_account_tier(member->account, config), member->account,
                              cohort->at);
    }
}

struct rt_ranked *rt_cohort_rank(const struct rt_cohort *cohort, const struct rt_config *config,
                                 enum rt_predictor by, double rhythm, size_t *count)
{
    struct rt_ranked *ranked = malloc((cohort->used + 1) * sizeof(*ranked));

    if (ranked == NULL)
        return NULL;
    *count = 0;
    for (size_t i = 0; i < cohort->capacity; i++) {
        const struct member *member = &cohort->table[i];

        if (member->account == NULL || !member->before)
            continue;
        ranked[(*count)++] = (struct rt_ranked){
            .health = health_of(cohort, member, config, by, rhythm),
            .churned = !member->after,
        };
    }
    return ranked;
}

/* See backtest_rhythm.h. Of each account the days of contact are lived through again up to each of a
 * few days in the middle, by the workers' own scoring code. */
#include "clients/retainctl/backtest_rhythm.h"

#include <math.h>
#include <stdlib.h>

#include "clients/retainctl/ranking.h"
#include "protocol/limits.h"
#include "workers/score.h"

enum { SPLITS = 3, MULTIPLES = 5, ONE = 3, MEMBERS_MAX = 20000 };

static const double split_at[SPLITS] = {0.5, 0.6, 0.7}; /* of the history before the date */
static const double multiples[MULTIPLES] = {0.35, 0.5, 0.71, 1, 1.41};
static const double least_gain = 0.003; /* of AUC, over the multiple 1: less is chance */

struct trial {
    const struct rt_member **members;
    size_t count;
    int64_t first_day, at_day; /* of all */
    int64_t split_day[SPLITS];
    struct rt_tier tier;
    struct rt_ranked *ranked[SPLITS][MULTIPLES];
    size_t ranks[SPLITS]; /* accounts that are known at the split */
};

static bool is_of(const struct rt_member *member, struct rt_span tier)
{
    struct rt_profile_value own;

    if (tier.data == NULL)
        return true;
    own = rt_account_profile(member->account, RT_PROFILE_TIER);
    return own.presence == RT_KEY_SET && rt_span_equal(own.text, tier);
}

/* The next active day after `day`; INT64_MAX: none. */
static int64_t day_after(const struct rt_member *member, int64_t day)
{
    int64_t first = (int64_t)member->first_word * 64, from = day + 1 < first ? 0 : day + 1 - first;

    for (int64_t word = from / 64; word < member->words; word++) {
        uint64_t bits = member->days[word];

        if (word == from / 64)
            bits &= ~UINT64_C(0) << (from % 64);
        if (bits != 0)
            return first + word * 64 + __builtin_ctzll(bits);
    }
    return INT64_MAX;
}

/* ---- the measure ----------------------------------------------------------------------------- */

/* Mean gap between the active days before `until`; NAN if there are not two. */
static double gap_before(const struct rt_member *member, int64_t until)
{
    int64_t first = day_after(member, -1), last = first;
    size_t days = 0;

    for (int64_t day = first; day < until; day = day_after(member, day)) {
        last = day;
        days++;
    }
    return days >= 2 ? (double)(last - first) / (double)(days - 1) : NAN;
}

/* At least a day; NAN if nobody has two, or without memory. */
static double median_before(const struct trial *trial, int64_t until)
{
    double *gaps = malloc((trial->count + 1) * sizeof(*gaps)), median;
    size_t count = 0;

    if (gaps == NULL)
        return NAN;
    for (size_t i = 0; i < trial->count; i++) {
        double gap = gap_before(trial->members[i], until);

        if (isfinite(gap))
            gaps[count++] = gap;
    }
    median = rt_ranking_median(gaps, count);
    free(gaps);
    return median < 1 ? 1 : median;
}

/* ---- the multiple ---------------------------------------------------------------------------- */

/* What each multiple says of the account at a split, and whether it was heard of up to the date. */
static void note(struct trial *trial, size_t split, const struct rt_account *account, bool churned,
                 double median)
{
    for (int m = 0; m < MULTIPLES; m++) {
        trial->tier.rhythm_days = fmin(fmax(median * multiples[m], 1), 365);
        trial->ranked[split][m][trial->ranks[split]] = (struct rt_ranked){
            .health = rt_score_value(&trial->tier, account, trial->split_day[split] * RT_DAY_MS),
            .churned = churned};
    }
    trial->ranks[split]++;
}

/* False without memory. */
static bool live(struct trial *trial, const struct rt_member *member, const double *medians)
{
    struct rt_account *account = rt_account_new(rt_span_text("x"));
    int64_t day = day_after(member, -1);
    bool known = false, lived = account != NULL;
    uint64_t evicted = 0;

    for (size_t split = 0; lived && split < SPLITS; split++) {
        for (; lived && day < trial->split_day[split]; day = day_after(member, day)) {
            const struct rt_event visit = {
                .type = RT_VISIT, .outcome = RT_HELD, .ts = day * RT_DAY_MS};

            lived = rt_account_apply(account, &visit, 1, &evicted);
            known = true;
        }
        if (lived && known)
            note(trial, split, account, day >= trial->at_day, medians[split]);
    }
    rt_account_free(account);
    return lived;
}

/* Mean AUC over the splits; NAN if one has none. */
static double gain_of(struct trial *trial, int multiple)
{
    double sum = 0;

    for (size_t split = 0; split < SPLITS; split++)
        sum += rt_ranking_auc(trial->ranked[split][multiple], trial->ranks[split]);
    return sum / SPLITS;
}

static double choose(struct trial *trial)
{
    double least = gain_of(trial, ONE) + least_gain, best = 1;

    for (int m = 0; m < MULTIPLES; m++) {
        double auc = gain_of(trial, m);

        if (m != ONE && auc >= least) {
            least = auc;
            best = multiples[m];
        }
    }
    return best;
}

/* 1 also without memory. */
static double multiple_of(struct trial *trial)
{
    double medians[SPLITS], best = 1;
    bool lived = true;

    for (size_t split = 0; split < SPLITS; split++) {
        trial->split_day[split] =
            trial->first_day +
            (int64_t)(split_at[split] * (double)(trial->at_day - trial->first_day));
        medians[split] = median_before(trial, trial->split_day[split]);
        if (!isfinite(medians[split]))
            return 1;
    }
    for (size_t split = 0; split < SPLITS; split++)
        for (int m = 0; m < MULTIPLES; m++) {
            trial->ranked[split][m] = malloc(trial->count * sizeof(struct rt_ranked));
            lived = lived && trial->ranked[split][m] != NULL;
        }
    for (size_t i = 0; lived && i < trial->count; i++)
        lived = live(trial, trial->members[i], medians);
    if (lived)
        best = choose(trial);
    for (size_t split = 0; split < SPLITS; split++)
        for (int m = 0; m < MULTIPLES; m++)
            free(trial->ranked[split][m]);
    return best;
}

/* ---- both ------------------------------------------------------------------------------------ */

static bool take_members(struct trial *trial, const struct rt_cohort *cohort, struct rt_span tier)
{
    trial->members = malloc((cohort->count + 1) * sizeof(struct rt_member *));
    trial->first_day = INT64_MAX;
    for (size_t i = 0; trial->members != NULL && i < cohort->count; i++) {
        const struct rt_member *member = &cohort->members[i];
        int64_t first;

        if (!rt_member_counts(member) || !is_of(member, tier))
            continue;
        first = day_after(member, -1);
        if (first < trial->first_day)
            trial->first_day = first;
        trial->members[trial->count++] = member;
    }
    return trial->members != NULL;
}

/* Of very many every so many-th. */
static void thin_out(struct trial *trial)
{
    size_t step = trial->count / MEMBERS_MAX + 1, kept = 0;

    for (size_t i = 0; i < trial->count; i += step)
        trial->members[kept++] = trial->members[i];
    trial->count = kept;
}

struct rt_rhythm rt_rhythm_of(const struct rt_cohort *cohort, const struct rt_config *config,
                              struct rt_span tier)
{
    struct trial trial = {.at_day = cohort->at / RT_DAY_MS, .tier = config->tiers[0]};
    struct rt_rhythm rhythm = {.days = NAN, .multiple = 1};

    if (take_members(&trial, cohort, tier))
        rhythm.days = median_before(&trial, trial.at_day);
    if (isfinite(rhythm.days)) {
        thin_out(&trial);
        rhythm.multiple = multiple_of(&trial);
        rhythm.days = fmin(fmax(rhythm.days * rhythm.multiple, 1), 365);
    }
    free(trial.members);
    return rhythm;
}

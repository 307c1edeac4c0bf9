/* See ranking.h. */
#include "clients/retainctl/ranking.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clients/retainctl/dice.h"

static int by_health(const void *a, const void *b)
{
    double left = ((const struct rt_ranked *)a)->health,
           right = ((const struct rt_ranked *)b)->health;

    return (left > right) - (left < right);
}

static void sort(struct rt_ranked *entries, size_t count)
{
    if (count > 1)
        qsort(entries, count, sizeof(*entries), by_health);
}

/* The end of the run of equal entries that begins at `at`. */
static size_t run_end(const struct rt_ranked *entries, size_t count, size_t at, size_t *churned)
{
    size_t end = at;

    for (*churned = 0; end < count && !(entries[end].health > entries[at].health); end++)
        *churned += entries[end].churned;
    return end;
}

double rt_ranking_auc(struct rt_ranked *entries, size_t count)
{
    double above = 0; /* pairs in the right order */
    size_t left = 0, stayed = 0, end, churned;

    sort(entries, count);
    for (size_t at = 0; at < count; at = end) {
        size_t here;

        end = run_end(entries, count, at, &churned);
        here = end - at - churned;
        above += (double)here * ((double)left + (double)churned / 2);
        left += churned;
        stayed += here;
    }
    return left == 0 || stayed == 0 ? NAN : above / ((double)left * (double)stayed);
}

/* ---- bootstrap ------------------------------------------------------------------------------- */

/* What a round needs of each entry, lowest first: enough to go through them once, in order. */
enum { LEFT = 1, RUN_ENDS = 2 };

static void flags_set(const struct rt_ranked *entries, size_t count, uint8_t *flags)
{
    size_t end, churned;

    for (size_t at = 0; at < count; at = end) {
        end = run_end(entries, count, at, &churned);
        for (size_t i = at; i < end; i++)
            flags[i] = entries[i].churned ? LEFT : 0;
        flags[end - 1] |= RUN_ENDS;
    }
}

/* How often an entry is in a set drawn with replacement from very many: Poisson of mean 1, from 16
 * random bits. Drawing each entry's number by itself instead of one entry after the other gives sets
 * of nearly as many entries and the same interval, without jumping about in memory. */
static unsigned times_drawn(uint32_t bits)
{
    return (bits >= 24109) + (bits >= 48219) + (bits >= 60273) + (bits >= 64292) + (bits >= 65296) +
           (bits >= 65497) + (bits >= 65531) + (bits >= 65535);
}

/* The AUC of one set; NAN if it lacks a group. */
static double draw(struct rt_dice *dice, const uint8_t *flags, size_t count)
{
    double above = 0, left = 0, stayed = 0;
    unsigned run[2] = {0, 0}; /* of the run so far: stayed, left */
    uint64_t bits = 0;

    for (size_t i = 0; i < count; i++) {
        bits = i % 4 == 0 ? rt_dice_roll(dice) : bits >> 16;
        run[flags[i] & LEFT] += times_drawn(bits & 0xffff);
        if ((flags[i] & RUN_ENDS) == 0)
            continue;
        above += run[0] * (left + run[1] / 2.0);
        stayed += run[0];
        left += run[1];
        run[0] = run[1] = 0;
    }
    return left > 0 && stayed > 0 ? above / (left * stayed) : NAN;
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

static struct rt_interval middle(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), by_value);
    return (struct rt_interval){values[(size_t)(0.025 * (double)(count - 1))],
                                values[(size_t)(0.975 * (double)(count - 1))]};
}

struct rt_interval rt_ranking_bootstrap(struct rt_ranked *entries, size_t count, uint64_t seed,
                                        size_t rounds)
{
    struct rt_interval interval = {NAN, NAN};
    uint8_t *flags = malloc(count + 1);
    double *values = malloc((rounds + 1) * sizeof(*values));
    struct rt_dice dice = rt_dice(seed, 0);
    size_t drawn = 0;

    if (flags != NULL && values != NULL && isfinite(rt_ranking_auc(entries, count))) {
        flags_set(entries, count, flags);
        for (size_t i = 0; i < rounds; i++) {
            values[drawn] = draw(&dice, flags, count);
            drawn += isfinite(values[drawn]); /* a set of one group alone says nothing */
        }
    }
    if (drawn > 0)
        interval = middle(values, drawn);
    free(flags);
    free(values);
    return interval;
}

/* ---- the lowest ------------------------------------------------------------------------------ */

double rt_ranking_precision(struct rt_ranked *entries, size_t count, size_t wanted)
{
    double room = (double)wanted, taken = 0;
    size_t end, churned;

    if (wanted == 0 || count == 0)
        return NAN;
    if (wanted > count)
        room = (double)(wanted = count);
    sort(entries, count);
    for (size_t at = 0; at < count && room > 0; at = end) {
        double part;

        end = run_end(entries, count, at, &churned);
        part = room < (double)(end - at) ? room / (double)(end - at) : 1;
        taken += part * (double)churned;
        room -= part * (double)(end - at);
    }
    return taken / (double)wanted;
}

double rt_ranking_lift(struct rt_ranked *entries, size_t count, double share)
{
    size_t wanted = (size_t)ceil((double)count * share), all = 0;

    for (size_t i = 0; i < count; i++)
        all += entries[i].churned;
    if (all == 0)
        return NAN;
    return rt_ranking_precision(entries, count, wanted < 1 ? 1 : wanted) /
           ((double)all / (double)count);
}

void rt_ranking_fifths(struct rt_ranked *entries, size_t count, size_t churned[5], size_t all[5])
{
    sort(entries, count);
    for (int i = 0; i < 5; i++)
        churned[i] = all[i] = 0;
    for (size_t i = 0; i < count; i++) {
        size_t fifth = i * 5 / count;

        all[fifth]++;
        churned[fifth] += entries[i].churned;
    }
}

double rt_ranking_median(double *values, size_t count)
{
    if (count == 0)
        return NAN;
    qsort(values, count, sizeof(*values), by_value);
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

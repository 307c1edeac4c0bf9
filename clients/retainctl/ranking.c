/* See ranking.h. */
#include "clients/retainctl/ranking.h"

#include <math.h>
#include <stdlib.h>

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

double rt_ranking_lift(struct rt_ranked *entries, size_t count, double share)
{
    double wanted = ceil((double)count * share), room, taken = 0;
    size_t all = 0, end, churned;

    if (wanted < 1)
        wanted = 1;
    room = wanted;
    sort(entries, count);
    for (size_t at = 0; at < count; at = end) {
        double part;

        end = run_end(entries, count, at, &churned);
        part = room < (double)(end - at) ? room / (double)(end - at) : 1;
        taken += part * (double)churned;
        room -= part * (double)(end - at);
        all += churned;
    }
    return all == 0 ? NAN : taken / wanted / ((double)all / (double)count);
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

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

double rt_ranking_median(double *values, size_t count)
{
    if (count == 0)
        return NAN;
    qsort(values, count, sizeof(*values), by_value);
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* How well does a number tell those who left from those who stayed? Pure. */
#ifndef RT_RETAINCTL_RANKING_H
#define RT_RETAINCTL_RANKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rt_ranked {
    double health; /* low: about to leave */
    bool churned;
};

/* All of these sort the entries by health, lowest first. */

/* The chance that one who left stands below one who stayed, equal counting half (ROC AUC); NAN if
 * either group is empty. */
double rt_ranking_auc(struct rt_ranked *entries, size_t count);

/* An interval that holds the AUC of another such set of accounts 95 times in 100: percentiles of
 * `rounds` sets of about as many entries, drawn with replacement by a generator with that seed. NAN if
 * either group is empty, or without memory. */
struct rt_interval {
    double low, high;
};
struct rt_interval rt_ranking_bootstrap(struct rt_ranked *entries, size_t count, uint64_t seed,
                                        size_t rounds);

/* The share of those who left among the `wanted` lowest (entries equal at the edge count in
 * proportion); NAN if none is wanted or there is none. */
double rt_ranking_precision(struct rt_ranked *entries, size_t count, size_t wanted);

/* How many times more often the lowest `share` (0..1, at least one entry) left than all did;
 * entries equal at the edge count in proportion. NAN if nobody left or there is no entry. */
double rt_ranking_lift(struct rt_ranked *entries, size_t count, double share);

/* Left and in all, in each fifth from the lowest. */
void rt_ranking_fifths(struct rt_ranked *entries, size_t count, size_t churned[5], size_t all[5]);

/* The median (mean of the two in the middle); NAN if there is none. Sorts. */
double rt_ranking_median(double *values, size_t count);

#endif

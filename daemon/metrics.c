#include "daemon/metrics.h"

#include "protocol/assert.h"

const double rt_histogram_bounds[RT_HISTOGRAM_BUCKETS] = {
    0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02,
    0.05,    0.1,    0.2,    0.5,    1,     2,     5,     10,
};

void rt_histogram_add(struct rt_histogram *histogram, double seconds)
{
    unsigned bucket = 0;

    while (bucket < RT_HISTOGRAM_BUCKETS && seconds > rt_histogram_bounds[bucket]) {
        bucket++;
    }
    histogram->buckets[bucket]++;
    histogram->sum += seconds;
}

uint64_t rt_histogram_at_most(const struct rt_histogram *histogram, unsigned bucket)
{
    uint64_t count = 0;

    for (unsigned i = 0; i <= bucket; i++) {
        count += histogram->buckets[i];
    }
    return count;
}

const char *rt_dropped_name(enum rt_dropped what)
{
    switch (what) {
    case RT_DROPPED_ENVELOPE:
        return "envelope";
    case RT_DROPPED_REPLY:
        return "reply";
    case RT_DROPPED_LATE:
        return "late_answer";
    case RT_DROPPED_SUBSCRIBERS:
        return "subscribers";
    case RT_DROPPED_CONNECTIONS:
        return "connections";
    case RT_DROPPED_FIREHOSE:
        return "firehose";
    case RT_DROPPED_ALERTS:
        return "early_alerts";
    default:
        RT_ASSERT(!"no such kind");
        return "";
    }
}

/* What the daemon counts about itself. Pure; exposition.c writes it as Prometheus reads it. */
#ifndef RT_DAEMON_METRICS_H
#define RT_DAEMON_METRICS_H

#include <stdint.h>

#include "protocol/errors.h"

enum { RT_HISTOGRAM_BUCKETS = 17 };

/* Seconds, from 50 us to 10 s and beyond. */
extern const double rt_histogram_bounds[RT_HISTOGRAM_BUCKETS];

struct rt_histogram {
    uint64_t buckets[RT_HISTOGRAM_BUCKETS + 1]; /* not cumulative; the last: beyond all bounds */
    double sum;
};

void rt_histogram_add(struct rt_histogram *histogram, double seconds);
/* Values at most bounds[bucket]; bucket = RT_HISTOGRAM_BUCKETS: all. */
uint64_t rt_histogram_at_most(const struct rt_histogram *histogram, unsigned bucket);

enum rt_dropped {
    RT_DROPPED_ENVELOPE,    /* a request with too much before its payload */
    RT_DROPPED_REPLY,       /* its peer is gone or does not read */
    RT_DROPPED_LATE,        /* an answer after limits.answer_ms */
    RT_DROPPED_SUBSCRIBERS, /* times all subscribers were dropped: limits.subscriptions */
    RT_DROPPED_ALERTS,   /* due while nobody ran, more than is kept to be sent: in the list only */
    RT_DROPPED_FIREHOSE, /* payloads of the firehose that were read and could not be kept at a stop */
    RT_DROPPED_CONNECTIONS, /* more than limits.connections */
    RT_DROPPED_COUNT,
};

const char *rt_dropped_name(enum rt_dropped what);

struct rt_metrics {
    uint64_t accepted, duplicate, dead;
    uint64_t rejected[RT_ERROR_COUNT]; /* events, by code */
    uint64_t refused[RT_ERROR_COUNT];  /* payloads, by code */
    uint64_t payloads, firehose_payloads, received_bytes;
    uint64_t queries, queries_failed[RT_ERROR_COUNT];
    uint64_t turned_away; /* connections without a key that may enter */
    uint64_t alerts, dropped[RT_DROPPED_COUNT];
    struct rt_histogram push_to_ack, push_to_alert;
};

#endif

/* The producer of every benchmark, whoever is at the other end: the same messages, the same window,
 * the same clock. What differs is a wire.
 *
 *   throughput   as many events as it can with so many messages unanswered
 *   latency      at a fixed rate, open loop: the moment a message was due counts, not the moment it
 *                could be sent, so that a pause of the other end is felt by all that were due in it
 *
 * Results go to standard output as one line of JSON. */
#ifndef BENCH_LIB_DRIVE_H
#define BENCH_LIB_DRIVE_H

#include <stdatomic.h>

#include "bench/lib/events.h"

/* What comes back, possibly in another thread. Messages are numbered in the order in which they are
 * sent. The first ones of an open loop only find out when alerts are heard. */
struct bench_inbox {
    _Atomic uint64_t answered, heard, refused;
    _Atomic uint64_t first; /* the first message that counts */
    _Atomic bool listening; /* an alert of those before it was heard */
    uint64_t messages;      /* so many count */
    uint64_t room;          /* of the arrays, by message */
    int64_t *answered_at;   /* ns; NULL in throughput */
    int64_t *heard_at;
};

/* Message `tag` is on disk as far as the other end can promise it. */
void bench_answered(struct bench_inbox *inbox, uint64_t tag);
/* The other end refused it: it is counted, and not as answered. */
void bench_refused(struct bench_inbox *inbox, uint64_t tag);
/* An alert has come; its topic ends in "-TAG". */
void bench_heard(struct bench_inbox *inbox, const char *topic, size_t size);

struct bench_wire {
    void *self;
    /* Hands a message over; may keep it until the next wait. `alert`: it holds a ticket. */
    void (*send)(void *self, struct rt_span payload, uint64_t tag, bool alert);
    /* Sends what was kept back, tells the inbox what has come; returns at the moment `until_ns` at
     * the latest, earlier if something came, at once if that is past. */
    void (*wait)(void *self, int64_t until_ns);
};

/* Where alerts of this benchmark begin. */
#define BENCH_ALERTS "alert.critical.ticket_overdue.lat-"

struct bench_load {
    bool latency, zipf;
    uint32_t batch;           /* events a message */
    uint64_t accounts;        /* drawn from */
    uint64_t window;          /* messages unanswered; throughput */
    uint64_t events;          /* throughput */
    uint64_t rate;            /* events/s; latency */
    uint64_t seconds, alerts; /* latency: for so long, with about so many alerts */
    uint64_t seed;
};

/* Reads "throughput EVENTS BATCH ACCOUNTS WINDOW SEED [zipf]" or "latency RATE SECONDS BATCH ACCOUNTS
 * ALERTS SEED [zipf]" from argv[1] on; ends the program with a line on how to use it. */
struct bench_load bench_load(int argc, char **argv);

/* To be done before the wire exists, because it needs room for what comes back. */
void bench_inbox_open(struct bench_inbox *inbox, const struct bench_load *load);
void bench_inbox_close(struct bench_inbox *inbox);

void bench_drive(const struct bench_load *load, struct bench_inbox *inbox, struct bench_wire wire);

#endif

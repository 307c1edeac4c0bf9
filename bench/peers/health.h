/* What retain-worker does with events, for the workers that read them from another queue: the same
 * reader, the same state of each account, the same score, rules and alerts (workers/core.h). Left out
 * is what those queues do not promise: identities are not looked up, and the state is in memory
 * alone. Ends the program without memory, or when bytes are no events. */
#ifndef BENCH_PEERS_HEALTH_H
#define BENCH_PEERS_HEALTH_H

#include "protocol/span.h"

struct health;

typedef void health_publish(void *context, const char *topic, size_t topic_size,
                            struct rt_span payload);

/* With `accounts` that have their profiles already. Ownership: the caller's. */
struct health *health_new(uint64_t accounts, health_publish *publish, void *context);
void health_free(struct health *health);

/* One payload: an event or an array of them. Returns the number of events. */
uint32_t health_take(struct health *health, struct rt_span payload);

/* Judges the accounts that were touched since the last time, and publishes their alerts. */
void health_close(struct health *health);

#endif

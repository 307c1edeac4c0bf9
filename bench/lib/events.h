/* Events for the benchmarks: calls of about 150 bytes, maps with string keys, packed once and then
 * patched in place, so that making one costs the producer little beside sending it. Ends the program
 * without memory. */
#ifndef BENCH_LIB_EVENTS_H
#define BENCH_LIB_EVENTS_H

#include "protocol/writer.h"

int64_t bench_now_ns(void);  /* monotonic, the same in all processes */
int64_t bench_wall_ms(void); /* since the epoch */
int64_t bench_cpu_ns(void);  /* spent by this process, all threads */

/* splitmix64 (Steele, Lea, Flood 2014) */
void bench_seed(uint64_t seed);
uint64_t bench_random(void);

/* Who the events are about: `count` accounts, each as likely as the other, or by Zipf's law with
 * exponent 0.99, the popular ones scattered among them. Draws are made beforehand, because a power
 * costs more than an event, and repeat: four times as many as accounts, at most eight million. */
void bench_accounts(uint64_t count, bool zipf);

/* Appends a call on one of the accounts, at a moment of the last 90 days before `wall_ms`. `id` makes
 * it unique. */
void bench_append_call(struct rt_buffer *out, uint64_t id, int64_t wall_ms);

/* Appends a critical ticket that is overdue when it arrives: it raises an alert at once, whose topic
 * ends in "-NUMBER". Its account is used for nothing else. */
void bench_append_ticket(struct rt_buffer *out, uint64_t prefix, uint64_t number, int64_t wall_ms);

/* Appends the profile of account `number`: owner, tier, value, renewal. */
void bench_append_profile(struct rt_buffer *out, uint64_t number, int64_t wall_ms);

/* Appends a call of a named account, for filling all of them. */
void bench_append_call_of(struct rt_buffer *out, uint64_t account, uint64_t id, int64_t ts);

#endif

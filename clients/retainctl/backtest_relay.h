/* Events on their way from who reads them to who takes them: batch by batch, in order, on a thread
 * of its own, so that reading a log and counting it go on side by side.
 *
 * Failure: without memory or a thread there is none; a taker that stops makes the reader stop at its
 * next batch. */
#ifndef RT_RETAINCTL_BACKTEST_RELAY_H
#define RT_RETAINCTL_BACKTEST_RELAY_H

#include "protocol/event.h"

enum { RT_RELAY_EVENTS = 256, RT_RELAY_BYTES = 1 << 20 };

struct rt_relayed {
    struct rt_event events[RT_RELAY_EVENTS]; /* their spans point into bytes */
    int64_t numbers[RT_RELAY_EVENTS];        /* room for the taker's */
    uint32_t hashes[RT_RELAY_EVENTS];        /* room for the taker's */
    size_t count, used;
    uint8_t bytes[RT_RELAY_BYTES];
};

/* On the other thread. False to stop. */
typedef bool rt_relay_take(void *context, struct rt_relayed *batch);

struct rt_relay;

/* Starts the thread. NULL if there is no memory or thread for it. */
struct rt_relay *rt_relay_start(rt_relay_take *take, void *context);

/* The empty batch to be filled next: waits for one. NULL: the taker has stopped. */
struct rt_relayed *rt_relay_next(struct rt_relay *relay);

/* The batch that was given out last is full. */
void rt_relay_hand_over(struct rt_relay *relay);

/* Waits until all that was handed over is taken, and ends. False if the taker stopped. Takes NULL
 * (true). */
bool rt_relay_end(struct rt_relay *relay);

#endif

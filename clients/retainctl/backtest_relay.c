/* See backtest_relay.h. A ring of a few batches; `handed` and `taken` only grow. */
#include "clients/retainctl/backtest_relay.h"

#include <pthread.h>
#include <stdlib.h>

enum { RING = 4 };

struct rt_relay {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    uint64_t handed, taken;
    bool ended, stopped;
    rt_relay_take *take;
    void *context;
    struct rt_relayed ring[RING];
};

/* The next batch to take; NULL: there will be none. */
static struct rt_relayed *wait_for_one(struct rt_relay *relay)
{
    struct rt_relayed *batch = NULL;

    pthread_mutex_lock(&relay->lock);
    while (relay->handed == relay->taken && !relay->ended)
        pthread_cond_wait(&relay->moved, &relay->lock);
    if (relay->handed != relay->taken)
        batch = &relay->ring[relay->taken % RING];
    pthread_mutex_unlock(&relay->lock);
    return batch;
}

static void note_taken(struct rt_relay *relay, bool stopped)
{
    pthread_mutex_lock(&relay->lock);
    relay->taken++;
    relay->stopped = stopped;
    pthread_cond_signal(&relay->moved);
    pthread_mutex_unlock(&relay->lock);
}

static void *taker(void *arg)
{
    struct rt_relay *relay = arg;
    struct rt_relayed *batch;
    bool going = true;

    while (going && (batch = wait_for_one(relay)) != NULL) {
        going = relay->take(relay->context, batch);
        note_taken(relay, !going);
    }
    return NULL;
}

struct rt_relay *rt_relay_start(rt_relay_take *take, void *context)
{
    struct rt_relay *relay = malloc(sizeof(*relay)); /* large, and the ring need not be zero */

    if (relay == NULL)
        return NULL;
    relay->handed = relay->taken = 0;
    relay->ended = relay->stopped = false;
    relay->take = take;
    relay->context = context;
    pthread_mutex_init(&relay->lock, NULL);
    pthread_cond_init(&relay->moved, NULL);
    if (pthread_create(&relay->thread, NULL, taker, relay) != 0) {
        pthread_cond_destroy(&relay->moved);
        pthread_mutex_destroy(&relay->lock);
        free(relay);
        return NULL;
    }
    return relay;
}

struct rt_relayed *rt_relay_next(struct rt_relay *relay)
{
    struct rt_relayed *batch;

    pthread_mutex_lock(&relay->lock);
    while (relay->handed - relay->taken == RING && !relay->stopped)
        pthread_cond_wait(&relay->moved, &relay->lock);
    batch = relay->stopped ? NULL : &relay->ring[relay->handed % RING];
    pthread_mutex_unlock(&relay->lock);
    if (batch != NULL)
        batch->count = batch->used = 0;
    return batch;
}

void rt_relay_hand_over(struct rt_relay *relay)
{
    pthread_mutex_lock(&relay->lock);
    relay->handed++;
    pthread_cond_signal(&relay->moved);
    pthread_mutex_unlock(&relay->lock);
}

bool rt_relay_end(struct rt_relay *relay)
{
    bool stopped;

    if (relay == NULL)
        return true;
    pthread_mutex_lock(&relay->lock);
    relay->ended = true;
    pthread_cond_signal(&relay->moved);
    pthread_mutex_unlock(&relay->lock);
    pthread_join(relay->thread, NULL);
    stopped = relay->stopped;
    pthread_cond_destroy(&relay->moved);
    pthread_mutex_destroy(&relay->lock);
    free(relay);
    return !stopped;
}

#include "workers/journal_spare.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { RETRY_MS = 200 };

struct rt_spares {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int folder;
    uint32_t log, next;
    uint64_t segment_bytes, bytes, max_bytes;
    struct rt_spare ready[RT_SPARES_MAX];
    size_t count, wanted;
    bool failing; /* the last try found no space */
    bool stop;
};

static bool make(struct rt_spares *spares, struct rt_spare *spare)
{
    spare->header = (struct rt_segment_header){
        .log = spares->log,
        .number = spares->next,
        .size = spares->segment_bytes,
        .epoch = rt_segment_epoch(),
    };
    if (spares->next > RT_SEGMENT_NUMBER_MAX || spare->header.epoch == 0) {
        return false;
    }
    spare->fd = rt_segment_create(spares->folder, &spare->header);
    return spare->fd >= 0;
}

static void wait_to_retry(struct rt_spares *spares)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += RETRY_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    while (!spares->stop && spares->failing &&
           pthread_cond_timedwait(&spares->changed, &spares->lock, &until) == 0) {
    }
}

/* Called and returns with the lock held. */
static void make_one(struct rt_spares *spares)
{
    bool allowed =
        spares->max_bytes == 0 || spares->bytes + spares->segment_bytes <= spares->max_bytes;
    struct rt_spare spare;
    bool made = false;

    if (allowed) {
        pthread_mutex_unlock(&spares->lock);
        made = make(spares, &spare);
        pthread_mutex_lock(&spares->lock);
    }
    spares->failing = !made;
    if (made) {
        spares->ready[spares->count++] = spare;
        spares->bytes += spares->segment_bytes;
        spares->next++;
    }
    pthread_cond_broadcast(&spares->changed);
    if (!made) {
        wait_to_retry(spares);
    }
}

static void *run(void *context)
{
    struct rt_spares *spares = context;

    pthread_mutex_lock(&spares->lock);
    while (!spares->stop) {
        if (spares->count < spares->wanted) {
            make_one(spares);
        } else {
            pthread_cond_wait(&spares->changed, &spares->lock);
        }
    }
    pthread_mutex_unlock(&spares->lock);
    return NULL;
}

static void init_sync(struct rt_spares *spares)
{
    pthread_condattr_t monotonic;

    pthread_mutex_init(&spares->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&spares->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

struct rt_spares *rt_spares_new(int folder, uint32_t log, uint32_t next, uint64_t segment_bytes,
                                uint64_t bytes, uint64_t max_bytes)
{
    struct rt_spares *spares = calloc(1, sizeof(*spares));

    if (spares == NULL) {
        return NULL;
    }
    spares->folder = folder;
    spares->log = log;
    spares->next = next;
    spares->segment_bytes = segment_bytes;
    spares->bytes = bytes;
    spares->max_bytes = max_bytes;
    init_sync(spares);
    if (pthread_create(&spares->thread, NULL, run, spares) != 0) {
        free(spares);
        return NULL;
    }
    return spares;
}

void rt_spares_free(struct rt_spares *spares)
{
    if (spares == NULL) {
        return;
    }
    pthread_mutex_lock(&spares->lock);
    spares->stop = true;
    pthread_cond_broadcast(&spares->changed);
    pthread_mutex_unlock(&spares->lock);
    pthread_join(spares->thread, NULL);
    for (size_t i = 0; i < spares->count; i++) {
        rt_disk_close(spares->ready[i].fd);
    }
    pthread_cond_destroy(&spares->changed);
    pthread_mutex_destroy(&spares->lock);
    free(spares);
}

bool rt_spares_put(struct rt_spares *spares, struct rt_spare spare)
{
    bool put;

    pthread_mutex_lock(&spares->lock);
    put = spares->count < RT_SPARES_MAX;
    if (put) {
        spares->ready[spares->count++] = spare;
        spares->bytes += spare.header.size;
    }
    pthread_mutex_unlock(&spares->lock);
    return put;
}

bool rt_spares_want(struct rt_spares *spares, size_t count, bool wait)
{
    bool ready;

    if (count > RT_SPARES_MAX) {
        return false;
    }
    pthread_mutex_lock(&spares->lock);
    if (spares->wanted != count) {
        spares->wanted = count;
        pthread_cond_broadcast(&spares->changed);
    }
    while (wait && spares->count < count && !spares->failing) {
        pthread_cond_wait(&spares->changed, &spares->lock);
    }
    ready = spares->count >= count;
    pthread_mutex_unlock(&spares->lock);
    return ready;
}

bool rt_spares_take(struct rt_spares *spares, struct rt_spare *spare)
{
    bool taken;

    pthread_mutex_lock(&spares->lock);
    taken = spares->count > 0;
    if (taken) {
        *spare = spares->ready[0];
        spares->count--;
        memmove(spares->ready, spares->ready + 1, spares->count * sizeof(*spare));
        pthread_cond_broadcast(&spares->changed);
    }
    pthread_mutex_unlock(&spares->lock);
    return taken;
}

void rt_spares_freed(struct rt_spares *spares, uint64_t bytes)
{
    pthread_mutex_lock(&spares->lock);
    spares->bytes -= bytes;
    spares->failing = false;
    pthread_cond_broadcast(&spares->changed);
    pthread_mutex_unlock(&spares->lock);
}

void rt_spares_size(struct rt_spares *spares, uint64_t *bytes, uint64_t *max_bytes)
{
    pthread_mutex_lock(&spares->lock);
    *bytes = spares->bytes;
    *max_bytes = spares->max_bytes;
    pthread_mutex_unlock(&spares->lock);
}

void rt_spares_limit(struct rt_spares *spares, uint64_t max_bytes)
{
    pthread_mutex_lock(&spares->lock);
    spares->max_bytes = max_bytes;
    spares->failing = false;
    pthread_cond_broadcast(&spares->changed);
    pthread_mutex_unlock(&spares->lock);
}

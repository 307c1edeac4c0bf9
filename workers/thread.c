/* Eight slots, sorted. Nothing can fail but the first allocation. */
#include "workers/thread.h"

#include <stdlib.h>
#include <xxhash.h>

bool rt_threads_reserve(struct rt_threads **threads)
{
    if (*threads == NULL)
        *threads = calloc(1, sizeof(**threads));
    return *threads != NULL;
}

/* A total order: the newer thread first. */
static bool before(const struct rt_thread *a, const struct rt_thread *b)
{
    return a->ts != b->ts ? a->ts > b->ts : a->hash > b->hash;
}

static void place(struct rt_threads *threads, unsigned hole, struct rt_thread thread)
{
    while (hole > 0 && before(&thread, &threads->threads[hole - 1])) {
        threads->threads[hole] = threads->threads[hole - 1];
        hole--;
    }
    threads->threads[hole] = thread;
}

void rt_threads_mail(struct rt_threads *threads, struct rt_span thread, int64_t ts, bool ours)
{
    struct rt_thread mail = {.hash = XXH3_64bits(thread.data, thread.size), .ts = ts, .ours = ours};
    unsigned i = 0;

    while (i < threads->count && threads->threads[i].hash != mail.hash)
        i++;
    if (i < threads->count) {
        struct rt_thread *known = &threads->threads[i];

        if (ts > known->ts || (ts == known->ts && ours))
            place(threads, i, mail);
    } else if (threads->count < RT_THREADS) {
        place(threads, threads->count++, mail);
    } else if (before(&mail, &threads->threads[RT_THREADS - 1])) {
        place(threads, RT_THREADS - 1, mail);
    }
}

bool rt_threads_waiting(const struct rt_threads *threads, int64_t now, int64_t grace,
                        int64_t *since)
{
    bool waiting = false;

    for (unsigned i = 0; threads != NULL && i < threads->count; i++) {
        const struct rt_thread *thread = &threads->threads[i];

        if (thread->ours || now < thread->ts || now - thread->ts <= grace)
            continue;
        waiting = true;
        *since = thread->ts; /* newest first: the last one found is the earliest */
    }
    return waiting;
}

/* The newest e-mail conversations of one account: who wrote last in each. The RT_THREADS newest by
 * (newest mail, hash): of a conversation only its newest mail is kept, so that this is a function
 * of the set of mails. */
#ifndef RT_WORKERS_THREAD_H
#define RT_WORKERS_THREAD_H

#include "protocol/span.h"

enum { RT_THREADS = 8 };

struct rt_thread {
    uint64_t hash;
    int64_t ts; /* of its newest mail */
    bool ours;  /* we wrote it; of two at one moment ours counts */
};

struct rt_threads {
    uint8_t count;
    struct rt_thread threads[RT_THREADS]; /* newest first */
};

/* False without memory. */
bool rt_threads_reserve(struct rt_threads **threads);

/* Counts a mail that was delivered. */
void rt_threads_mail(struct rt_threads *threads, struct rt_span thread, int64_t ts, bool ours);

/* Whether a mail of theirs has waited for longer than `grace` ms at `now`; *since is the earliest
 * such mail. Takes NULL. */
bool rt_threads_waiting(const struct rt_threads *threads, int64_t now, int64_t grace,
                        int64_t *since);

#endif

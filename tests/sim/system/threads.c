/* Threads, locks and conditions of the programs, on coroutines. Waking without a reason is allowed, so
 * it happens. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/system/os.h"

/* What we keep inside a pthread_mutex_t and a pthread_cond_t. */
struct lock {
    unsigned held;
};

struct condition {
    unsigned woken; /* times */
};

_Static_assert(sizeof(struct lock) <= sizeof(pthread_mutex_t), "a lock fits");
_Static_assert(sizeof(struct condition) <= sizeof(pthread_cond_t), "a condition fits");

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *context);
int __wrap_pthread_join(pthread_t thread, void **result);
int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
int __wrap_pthread_mutex_destroy(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes);
int __wrap_pthread_cond_destroy(pthread_cond_t *condition);
int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int __wrap_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                                  const struct timespec *until);
int __wrap_pthread_cond_broadcast(pthread_cond_t *condition);
int __wrap_pthread_cond_signal(pthread_cond_t *condition);

struct start {
    void *(*run)(void *);
    void *context;
};

static void run_thread(void *context)
{
    struct start start = *(struct start *)context;

    free(context);
    start.run(start.context);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *context)
{
    struct start *start = malloc(sizeof(*start));

    (void)attributes;
    OS_CHECK(start != NULL, "no memory for a thread");
    *start = (struct start){run, context};
    *thread = (pthread_t)os_start_thread(run_thread, start);
    return 0;
}

static bool has_ended(void *thread)
{
    return os_thread_ended(thread);
}

int __wrap_pthread_join(pthread_t thread, void **result)
{
    (void)result;
    while (!os_thread_ended((void *)thread))
        os_wait(has_ended, (void *)thread, INT64_MAX);
    return 0;
}

int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes)
{
    (void)attributes;
    *(struct lock *)mutex = (struct lock){0};
    return 0;
}

int __wrap_pthread_mutex_destroy(pthread_mutex_t *mutex)
{
    (void)mutex;
    return 0;
}

static bool is_free(void *mutex)
{
    return ((struct lock *)mutex)->held == 0;
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    os_yield();
    while (!is_free(mutex))
        os_wait(is_free, mutex, INT64_MAX);
    ((struct lock *)mutex)->held = 1;
    return 0;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    OS_CHECK(!is_free(mutex), "a lock is given back that nobody holds");
    ((struct lock *)mutex)->held = 0;
    os_yield();
    return 0;
}

int __wrap_pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes)
{
    (void)attributes;
    *(struct condition *)condition = (struct condition){0};
    return 0;
}

int __wrap_pthread_cond_destroy(pthread_cond_t *condition)
{
    (void)condition;
    return 0;
}

struct sleeper {
    struct condition *condition;
    unsigned woken;
};

static bool is_woken(void *context)
{
    struct sleeper *sleeper = context;

    return sleeper->condition->woken != sleeper->woken;
}

/* False: the time ran out. */
static bool sleep_on(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t until)
{
    struct sleeper sleeper = {(struct condition *)condition,
                              ((struct condition *)condition)->woken};
    bool woken;

    ((struct lock *)mutex)->held = 0;
    if (os_chance(20))
        until = os_now_ns();
    os_wait(is_woken, &sleeper, until);
    woken = is_woken(&sleeper);
    while (!is_free(mutex))
        os_wait(is_free, mutex, INT64_MAX);
    ((struct lock *)mutex)->held = 1;
    return woken;
}

int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
    sleep_on(condition, mutex, INT64_MAX);
    return 0;
}

int __wrap_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                                  const struct timespec *until)
{
    int64_t end = (int64_t)until->tv_sec * 1000000000 + until->tv_nsec;

    return sleep_on(condition, mutex, end) || os_now_ns() < end ? 0 : ETIMEDOUT;
}

int __wrap_pthread_cond_broadcast(pthread_cond_t *condition)
{
    ((struct condition *)condition)->woken++;
    return 0;
}

int __wrap_pthread_cond_signal(pthread_cond_t *condition)
{
    return __wrap_pthread_cond_broadcast(condition);
}

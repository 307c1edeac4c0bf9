/* libevent, as far as the daemon uses it: of all events that are ready any one is next. */
#include <event2/event.h>
#include <stdlib.h>

#include "tests/sim/system/os.h"

enum { EVENTS = 1024 };

struct event {
    struct event_base *base;
    evutil_socket_t fd;
    short what;
    event_callback_fn call;
    void *context;
    bool pending;
    int64_t deadline; /* INT64_MAX: none */
    int64_t interval; /* of a persistent one; 0: none */
};

struct event_base {
    struct os_process *process;
    struct event *all[EVENTS];
    unsigned count;
    bool left;
};

struct event_base *__wrap_event_base_new(void);
void __wrap_event_base_free(struct event_base *base);
int __wrap_event_base_dispatch(struct event_base *base);
int __wrap_event_base_loopbreak(struct event_base *base);
struct event *__wrap_event_new(struct event_base *base, evutil_socket_t fd, short what,
                               event_callback_fn call, void *context);
void __wrap_event_free(struct event *event);
int __wrap_event_add(struct event *event, const struct timeval *after);
int __wrap_event_del(struct event *event);

struct event_base *__wrap_event_base_new(void)
{
    struct event_base *base = calloc(1, sizeof(*base));

    OS_CHECK(base != NULL, "no memory for the loop");
    base->process = os_running();
    return base;
}

void __wrap_event_base_free(struct event_base *base)
{
    free(base);
}

struct event *__wrap_event_new(struct event_base *base, evutil_socket_t fd, short what,
                               event_callback_fn call, void *context)
{
    struct event *event = calloc(1, sizeof(*event));

    OS_CHECK(event != NULL && base->count < EVENTS, "too many events");
    *event = (struct event){base, fd, what, call, context, false, INT64_MAX, 0};
    base->all[base->count++] = event;
    return event;
}

void __wrap_event_free(struct event *event)
{
    struct event_base *base = event->base;

    for (unsigned i = 0; i < base->count; i++)
        if (base->all[i] == event) {
            base->all[i] = base->all[--base->count];
            break;
        }
    free(event);
}

int __wrap_event_add(struct event *event, const struct timeval *after)
{
    event->pending = true;
    if (after != NULL) {
        int64_t ns = (int64_t)after->tv_sec * 1000000000 + (int64_t)after->tv_usec * 1000;

        event->deadline = os_now_ns() + ns;
        event->interval = event->what & EV_PERSIST ? ns : 0;
    }
    return 0;
}

int __wrap_event_del(struct event *event)
{
    event->pending = false;
    event->deadline = INT64_MAX;
    return 0;
}

static bool is_ready(const struct event *event)
{
    if (!event->pending)
        return false;
    if (event->deadline <= os_now_ns())
        return true;
    if (event->what & EV_SIGNAL)
        return os_has_signal(event->base->process, (int)event->fd);
    return event->fd >= 0 && (((event->what & EV_READ) && os_readable((int)event->fd)) ||
                              ((event->what & EV_WRITE) && os_writable((int)event->fd)));
}

static bool any_ready(void *context)
{
    const struct event_base *base = context;

    for (unsigned i = 0; i < base->count; i++)
        if (is_ready(base->all[i]))
            return true;
    return false;
}

static int64_t earliest(const struct event_base *base)
{
    int64_t next = INT64_MAX;

    for (unsigned i = 0; i < base->count; i++)
        if (base->all[i]->pending && base->all[i]->deadline < next)
            next = base->all[i]->deadline;
    return next;
}

static void fire(struct event *event)
{
    bool timed = event->deadline <= os_now_ns();

    if (event->interval > 0 && timed)
        event->deadline = os_now_ns() + event->interval;
    else
        event->deadline = INT64_MAX;
    if (!(event->what & EV_PERSIST))
        event->pending = false;
    if (event->what & EV_SIGNAL)
        os_take_signal(event->base->process, (int)event->fd);
    event->call(event->fd, event->what, event->context);
}

/* One of the ready ones; false if there is none. */
static bool fire_one(struct event_base *base)
{
    unsigned start = base->count == 0 ? 0 : (unsigned)os_draw(base->count);

    for (unsigned i = 0; i < base->count; i++) {
        struct event *event = base->all[(start + i) % base->count];

        if (is_ready(event)) {
            fire(event);
            return true;
        }
    }
    return false;
}

int __wrap_event_base_dispatch(struct event_base *base)
{
    while (!base->left) {
        if (fire_one(base))
            os_wait(NULL, NULL, os_now_ns());
        else
            os_wait(any_ready, base, earliest(base));
    }
    return 0;
}

int __wrap_event_base_loopbreak(struct event_base *base)
{
    base->left = true;
    return 0;
}

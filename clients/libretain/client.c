/* Opens and closes clients, and turns the wheel: step (send, receive, set the timer), wait,
 * deliver.
 *
 * ZMQ_FD is edge-triggered and any call on a socket may swallow the edge, so a step ends only when
 * a whole round moved nothing: then the next thing to happen makes the descriptor readable. What
 * waits for the caller (acknowledgements, alerts) arms the timer at once. */
#include "clients/libretain/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <zmq.h>

#include "protocol/limits.h"

enum {
    WINDOW_MESSAGES = 32,
    WINDOW_MESSAGES_MAX = 65536,
    WINDOW_BYTES = 8 << 20,
    BATCH_EVENTS = 500,
    BATCH_BYTES = 512 << 10,
    BATCH_BYTES_MAX = 2 << 20,
    RESEND_MS = 35000,
    LOOK_EVERY = 32, /* sends from retain_push between looks for answers */
    FLYING_MANY = 2, /* messages without an answer, from which on a batch rather fills up */
};

void retain_options_init(struct retain_options *options)
{
    *options = (struct retain_options){
        .size = sizeof(*options),
        .events = RETAIN_EVENTS_DEFAULT,
        .alerts = RETAIN_ALERTS_DEFAULT,
        .query = RETAIN_QUERY_DEFAULT,
        .window_messages = WINDOW_MESSAGES,
        .window_bytes = WINDOW_BYTES,
        .batch_events = BATCH_EVENTS,
        .batch_bytes = BATCH_BYTES,
        .resend_ms = RESEND_MS,
    };
}

/* The caller's options on top of the defaults, as far as its (perhaps older) struct reaches; false
 * if they make no sense. */
static bool options_read(struct retain_options *to, const struct retain_options *from)
{
    retain_options_init(to);
    if (from == NULL)
        return true;
    if (from->size < sizeof(size_t) || from->size > sizeof(*to))
        return false;
    memcpy(to, from, from->size);
    return to->events != NULL && to->alerts != NULL && to->query != NULL &&
           to->window_messages >= 1 && to->window_messages <= WINDOW_MESSAGES_MAX &&
           to->window_bytes >= 1 && to->batch_events >= 1 && to->batch_events <= RT_BATCH_EVENTS &&
           to->batch_bytes >= 1 && to->batch_bytes <= BATCH_BYTES_MAX && to->resend_ms > 0;
}

int64_t rt_client_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t rt_client_deadline(int timeout_ms)
{
    return timeout_ms < 0 ? INT64_MAX : rt_client_now() + timeout_ms;
}

int rt_client_watch(retain_client *client, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};

    if (epoll_ctl(client->epoll, EPOLL_CTL_ADD, fd, &event) == 0)
        return RETAIN_OK;
    return errno == ENOMEM ? RETAIN_NO_MEMORY : RETAIN_SYSTEM;
}

static int channel_open(retain_client *client, struct rt_channel *channel, const char *address)
{
    int fds[2];
    int code = rt_channel_open(channel, client->context, address, &client->key);

    if (code != RETAIN_OK)
        return code;
    rt_channel_descriptors(channel, fds);
    code = rt_client_watch(client, fds[0]);
    if (code == RETAIN_OK)
        code = rt_client_watch(client, fds[1]);
    if (code != RETAIN_OK)
        rt_channel_close(channel);
    return code;
}

int rt_client_open_query(retain_client *client)
{
    if (client->query.socket != NULL)
        return RETAIN_OK;
    return channel_open(client, &client->query, client->query_address);
}

static int descriptors_open(retain_client *client)
{
    client->epoll = epoll_create1(EPOLL_CLOEXEC);
    client->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (client->epoll < 0 || client->timer < 0)
        return RETAIN_SYSTEM;
    return rt_client_watch(client, client->timer);
}

static bool addresses_copy(retain_client *client, const struct retain_options *options)
{
    client->events_address = strdup(options->events);
    client->alerts_address = strdup(options->alerts);
    client->query_address = strdup(options->query);
    return client->events_address != NULL && client->alerts_address != NULL &&
           client->query_address != NULL;
}

static int parts_open(retain_client *client, const struct retain_options *options)
{
    const struct rt_outbox_limits limits = {
        .messages = options->window_messages,
        .bytes = options->window_bytes,
        .batch_events = options->batch_events,
        .batch_bytes = options->batch_bytes,
        .resend_ms = options->resend_ms,
        .quiet = options->quiet,
    };
    int code = descriptors_open(client);

    if (code != RETAIN_OK)
        return code;
    client->outbox = rt_outbox_new(&limits);
    if (client->outbox == NULL || !addresses_copy(client, options))
        return RETAIN_NO_MEMORY;
    client->context = zmq_ctx_new();
    if (client->context == NULL)
        return RETAIN_NO_MEMORY;
    return channel_open(client, &client->events, client->events_address);
}

int retain_open(retain_client **client, const struct retain_options *options)
{
    struct retain_options effective;
    retain_client *fresh;
    int code;

    if (client == NULL || !options_read(&effective, options))
        return RETAIN_BAD_ARGUMENT;
    fresh = calloc(1, sizeof(*fresh));
    if (fresh == NULL)
        return RETAIN_NO_MEMORY;
    fresh->epoll = fresh->timer = -1;
    fresh->armed = INT64_MAX;
    fresh->next_question = 1;
    fresh->on_ack = effective.on_ack;
    fresh->on_ack_arg = effective.on_ack_arg;
    code = effective.key == NULL ? RETAIN_OK : rt_client_key_read(effective.key, &fresh->key);
    if (code == RETAIN_OK)
        code = parts_open(fresh, &effective);
    if (code != RETAIN_OK) {
        retain_close(fresh);
        return code;
    }
    *client = fresh;
    return RETAIN_OK;
}

void retain_close(retain_client *client)
{
    int saved = errno;

    if (client == NULL)
        return;
    rt_listener_free(client);
    rt_channel_close(&client->events);
    rt_channel_close(&client->query);
    rt_outbox_free(client->outbox);
    if (client->context != NULL)
        zmq_ctx_term(client->context);
    if (client->epoll >= 0)
        close(client->epoll);
    if (client->timer >= 0)
        close(client->timer);
    rt_client_key_forget(&client->key);
    free(client->events_address);
    free(client->alerts_address);
    free(client->query_address);
    free(client);
    errno = saved;
}

int retain_fd(const retain_client *client)
{
    return client->epoll;
}

/* ---- the wheel ----------------------------------------------------------------------------------
 */

static bool events_send(retain_client *client, int64_t now)
{
    uint64_t number;
    struct rt_span payload;
    bool moved = false;

    client->events_stuck = false;
    while (rt_outbox_next(client->outbox, now, &number, &payload)) {
        if (!rt_channel_send(&client->events, number, payload)) {
            client->events_stuck = true;
            break;
        }
        rt_outbox_sent(client->outbox, number, now);
        moved = true;
    }
    return moved;
}

/* A batch that is not full goes out when the caller turns to something else, but not behind others
 * that are on their way: their answers let it go, fuller by then. So a slow producer waits for
 * nobody and a fast one sends large messages. */
static bool batch_release(retain_client *client)
{
    if (!client->release || rt_outbox_flying(client->outbox) >= FLYING_MANY)
        return false;
    client->release = false;
    if (!rt_outbox_gathering(client->outbox))
        return false;
    rt_outbox_close_batch(client->outbox, false);
    return true;
}

static bool events_receive(retain_client *client, int64_t now)
{
    struct rt_incoming incoming;
    struct rt_span payload;
    uint64_t number;
    bool moved = false;

    if (rt_channel_lost(&client->events)) {
        rt_outbox_lost(client->outbox, now);
        moved = true;
    }
    while (rt_channel_receive(&client->events, &incoming, &number, &payload)) {
        (void)rt_outbox_answer(client->outbox, number, payload, now);
        rt_channel_release(&incoming);
        moved = true;
    }
    return moved;
}

static bool something_to_do(const retain_client *client)
{
    if (client->blocked)
        return false;
    return rt_outbox_has_ack(client->outbox, false) ||
           (rt_outbox_gathering(client->outbox) && !client->release) ||
           (client->listener != NULL && rt_listener_has_alert(client->listener));
}

/* Arms the timer for a moment of the steady clock: 0 is at once, INT64_MAX never. Once it has gone
 * off it stays readable until it is armed anew. */
static int timer_arm(retain_client *client, int64_t due)
{
    struct itimerspec when = {0};

    if (due == client->armed)
        return RETAIN_OK;
    if (due == 0) {
        when.it_value.tv_nsec = 1;
    } else if (due != INT64_MAX) {
        when.it_value.tv_sec = due / 1000;
        when.it_value.tv_nsec = due % 1000 * 1000000;
    }
    if (timerfd_settime(client->timer, TFD_TIMER_ABSTIME, &when, NULL) != 0)
        return RETAIN_SYSTEM;
    client->armed = due;
    return RETAIN_OK;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int rt_client_step(retain_client *client)
{
    int64_t now = rt_client_now(), due;
    bool moved;

    do {
        due = INT64_MAX;
        moved = rt_spool_step(client, now, &due);
        moved = batch_release(client) || moved;
        moved = events_send(client, now) || moved;
        moved = events_receive(client, now) || moved;
        moved = rt_questions_step(client) || moved;
        moved = rt_listener_step(client, now, &due) || moved;
        moved = (client->events_stuck && rt_channel_can_send(&client->events)) || moved;
        moved = (client->query_stuck && rt_channel_can_send(&client->query)) || moved;
    } while (moved);
    due = earlier(due, rt_outbox_due(client->outbox, !client->events_stuck));
    return timer_arm(client, something_to_do(client) || due <= now ? 0 : due);
}

int rt_client_wait(retain_client *client, int64_t deadline)
{
    struct pollfd fd = {.fd = client->epoll, .events = POLLIN};
    int64_t left = deadline == INT64_MAX ? -1 : deadline - rt_client_now();

    if (deadline != INT64_MAX && left < 0)
        left = 0;
    if (left > 60000)
        left = 60000;
    if (poll(&fd, 1, (int)left) < 0 && errno != EINTR)
        return RETAIN_SYSTEM;
    return RETAIN_OK;
}

/* Calls on_ack for every acknowledgement; true if there was one (or one waits for retain_next_ack).
 */
static bool deliver(retain_client *client)
{
    struct retain_ack ack;
    bool any = false;

    if (client->on_ack == NULL)
        return rt_outbox_has_ack(client->outbox, false);
    while (rt_outbox_ack(client->outbox, false, &ack)) {
        client->on_ack(&ack, client->on_ack_arg);
        any = true;
    }
    return any;
}

int retain_work(retain_client *client, int timeout_ms)
{
    int64_t deadline = rt_client_deadline(timeout_ms);

    for (;;) {
        int code;
        bool any;

        client->release = rt_outbox_gathering(client->outbox);
        code = rt_client_step(client);
        any = deliver(client);
        if (code == RETAIN_OK && any)
            code =
                rt_client_step(client); /* there is room now, and the timer must not stay armed */
        if (code != RETAIN_OK || any ||
            (client->listener != NULL && rt_listener_has_alert(client->listener)) ||
            rt_client_now() >= deadline)
            return code;
        code = rt_client_wait(client, deadline);
        if (code != RETAIN_OK)
            return code;
    }
}

/* ---- events -------------------------------------------------------------------------------------
 */

/* A full batch goes out at once. Sending may swallow the edge that tells of an answer, so the timer
 * sees to it that retain_work looks; to look after every send would cost more than the send. */
static int push(retain_client *client, struct rt_span event, uint64_t token)
{
    int code = rt_outbox_add(client->outbox, event, token, false);

    if (code != RETAIN_OK)
        return code;
    if (!rt_outbox_gathering(client->outbox)) {
        client->release = false;
        if (++client->sends % LOOK_EVERY == 0)
            (void)rt_client_step(client);
        else
            (void)events_send(client, rt_client_now());
    }
    (void)timer_arm(client, 0);
    return RETAIN_OK;
}

int retain_push(retain_client *client, const void *event, size_t size, uint64_t token)
{
    if (event == NULL || !rt_msgpack_check(rt_span(event, size), RT_NESTING))
        return RETAIN_BAD_ARGUMENT;
    return push(client, rt_span(event, size), token);
}

int retain_push_map(retain_client *client, retain_map *event, uint64_t token)
{
    struct rt_span packed;
    int code = rt_map_pack(event, &packed);

    return code == RETAIN_OK ? push(client, packed, token) : code;
}

int rt_client_work_while(retain_client *client, rt_client_condition *waiting, int timeout_ms)
{
    int64_t deadline = rt_client_deadline(timeout_ms);
    int code;

    client->blocked = true;
    code = retain_work(client, 0);
    while (code == RETAIN_OK && waiting(client)) {
        if (rt_client_now() >= deadline) {
            code = RETAIN_TIMED_OUT;
            break;
        }
        code = rt_client_wait(client, deadline);
        if (code == RETAIN_OK)
            code = retain_work(client, 0);
    }
    client->blocked = false;
    (void)rt_client_step(client); /* sets the timer for what waits for the caller */
    return code;
}

static bool events_pending(const retain_client *client)
{
    return rt_outbox_pending(client->outbox, false) > 0;
}

int retain_flush(retain_client *client, int timeout_ms)
{
    return rt_client_work_while(client, events_pending, timeout_ms);
}

int retain_next_ack(retain_client *client, struct retain_ack *ack)
{
    return client->on_ack == NULL && rt_outbox_ack(client->outbox, false, ack);
}

size_t retain_pending(const retain_client *client)
{
    return rt_outbox_pending(client->outbox, false);
}

void retain_get_counts(const retain_client *client, struct retain_counts *counts)
{
    struct rt_outbox_counts window;

    rt_outbox_get_counts(client->outbox, &window);
    *counts = (struct retain_counts){
        .accepted = window.accepted,
        .duplicate = window.duplicate,
        .rejected = window.rejected,
        .resent = window.resent,
        .busy = window.busy,
        .connected = client->events.connected,
    };
}

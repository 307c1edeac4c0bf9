/* See publish.h.
 *
 * Subscriptions cost memory in libzmq, and so do alerts that subscribers do not read; 4.3.4 cannot
 * shut out one peer. Beyond limits.subscriptions and limits.unread_bytes the socket is closed and
 * bound again; so it is when a key that heard alerts has lost rights, and when one asked for what it
 * may not hear (it is not let in again before the next reload). All subscribers are dropped; honest
 * ones come back by themselves and fill the gap from alert.list.
 *
 * Nobody hears what his key does not allow, not even once: the first frame of a message fixes who
 * gets it, and the second leaves only after every subscription that was in force then has been
 * looked at. A message without its second frame is never sent (adr/040).
 *
 * At a start alerts wait until every worker is READY: what became due while nobody ran is then
 * published in the order of its moments, whoever found it. Their messages are kept in memory up to
 * EARLY_BYTES; beyond that an alert is numbered, so that the list has it, and not sent. */
#include "daemon/publish.h"

#include <stdlib.h>

#include "daemon/bounds.h"
#include "daemon/clock.h"
#include "daemon/daemon.h"
#include "daemon/door.h"
#include "daemon/log.h"
#include "daemon/unread.h"
#include "daemon/worker_link.h"
#include "protocol/alert.h"
#include "protocol/assert.h"
#include "protocol/cursor.h"

enum {
    EARLY_BYTES = 16 << 20,
    REOPEN_MS = 50,
    DRAIN_MS = 2000,
    SUBSCRIPTIONS_AT_ONCE = 20000,
    LATENCY_MAX_MS = 3600000, /* beyond that it is a clock that was set, not a latency */
};

/* ---- dropping all subscribers ---------------------------------------------------------------- */

void rt_publish_drop(struct rt_daemon *daemon, const char *reason)
{
    struct rt_publisher *publisher = &daemon->publisher;
    struct timeval now = {0, 0};

    if (publisher->socket.socket != NULL && publisher->dropping == NULL) {
        publisher->dropping = reason;
        rt_zsocket_read(&publisher->socket, false);
        event_add(publisher->reopen_timer, &now);
    }
}

/* What a closed socket still held goes in libzmq's own time: until then it is not held against the
 * new one. */
static void watch_unread(struct rt_daemon *daemon)
{
    struct rt_publisher *publisher = &daemon->publisher;
    size_t limit = (size_t)daemon->config.limits_unread_bytes;
    size_t unread = atomic_load_explicit(&publisher->unread, memory_order_relaxed);

    if (unread > limit && rt_now_ms() >= publisher->drained_at) {
        rt_publish_drop(daemon, "they leave more unread than limits.unread_bytes");
    }
}

/* ---- subscriptions --------------------------------------------------------------------------- */

static void shut_out(struct rt_daemon *daemon, struct rt_key *key, struct rt_span topic)
{
    rt_log(RT_LOG_WARNING,
           "endpoint=alerts name=%s topic=\"%.*s\" it may not hear that: shut out until the next "
           "reload",
           key == NULL ? "-" : key->name, (int)topic.size, (const char *)topic.data);
    if (key != NULL) {
        key->shut_out = true;
    }
    rt_publish_drop(daemon, "a subscription was not allowed");
}

/* A peer that asks for a topic beyond its rights takes all subscribers down. */
static void check_subscription(struct rt_daemon *daemon, zmq_msg_t *message, struct rt_span bytes)
{
    struct rt_key *key;
    struct rt_span topic;

    if (!daemon->doors.access.asked || !rt_subscription_topic(bytes, &topic)) {
        return;
    }
    key = rt_access_find(&daemon->doors.access, rt_door_peer_name(message));
    if (!rt_key_may_hear(key, topic)) {
        shut_out(daemon, key, topic);
    }
}

/* Subscribers speak. */
static bool on_subscriber(void *context)
{
    struct rt_daemon *daemon = context;
    struct rt_publisher *publisher = &daemon->publisher;
    uint64_t limit = (uint64_t)daemon->config.limits_subscriptions;
    struct rt_span bytes;
    zmq_msg_t message;

    zmq_msg_init(&message);
    if (zmq_msg_recv(&message, publisher->socket.socket, ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(&message);
        return false;
    }
    rt_zsocket_heard(&publisher->socket, &message);
    bytes = rt_span(zmq_msg_data(&message), zmq_msg_size(&message));
    rt_subscriptions_count(&publisher->subscriptions, bytes,
                           zmq_msg_gets(&message, "Socket-Type") != NULL);
    check_subscription(daemon, &message, bytes);
    zmq_msg_close(&message);
    if (!rt_subscriptions_fit(&publisher->subscriptions, limit)) {
        rt_publish_drop(daemon, "they ask for more than limits.subscriptions");
    }
    return true;
}

/* Whether all who are subscribed now may be. Without keys there is nothing to look at. */
static bool audience_is_allowed(struct rt_daemon *daemon)
{
    struct rt_publisher *publisher = &daemon->publisher;

    for (int i = 0; i < SUBSCRIPTIONS_AT_ONCE; i++) {
        if (!daemon->doors.access.asked || publisher->dropping != NULL) {
            return publisher->dropping == NULL;
        }
        if (!on_subscriber(daemon)) {
            return true;
        }
    }
    rt_publish_drop(daemon, "subscriptions come faster than they can be looked at");
    return false;
}

/* ---- sending --------------------------------------------------------------------------------- */

/* The topic; whether the payload may follow. */
static bool send_topic(struct rt_daemon *daemon, struct rt_span topic)
{
    return daemon->publisher.dropping == NULL &&
           zmq_send(daemon->publisher.socket.socket, topic.data, topic.size,
                    ZMQ_DONTWAIT | ZMQ_SNDMORE) >= 0 &&
           audience_is_allowed(daemon);
}

static void send_message(struct rt_daemon *daemon, struct rt_span topic, struct rt_span payload)
{
    struct rt_publisher *publisher = &daemon->publisher;
    void *socket = publisher->socket.socket;

    if (socket == NULL) {
        return;
    }
    if (send_topic(daemon, topic)) {
        zmq_send(socket, payload.data, payload.size, ZMQ_DONTWAIT);
    }
    rt_zsocket_kick(&publisher->socket);
}

/* Takes over the message. */
static void send_one_tree(struct rt_daemon *daemon, enum rt_topic_tree tree,
                          const struct rt_link_alert *alert, zmq_msg_t *message)
{
    struct rt_publisher *publisher = &daemon->publisher;
    const struct rt_topic parts = {.owner = alert->owner,
                                   .severity = alert->severity,
                                   .kind = alert->kind,
                                   .account = alert->account};

    rt_buffer_clear(&publisher->topic);
    rt_alert_topic(&publisher->topic, tree, &parts);
    if (!send_topic(daemon, rt_buffer_span(&publisher->topic)) ||
        zmq_msg_send(message, publisher->socket.socket, ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(message);
    }
    rt_zsocket_kick(&publisher->socket);
}

/* One payload for both trees, counted until the last subscriber has it. Without memory the alert is
 * in the list only. */
static void send_trees(struct rt_daemon *daemon, const struct rt_link_alert *alert)
{
    struct rt_publisher *publisher = &daemon->publisher;
    struct rt_span payload = rt_buffer_span(&publisher->message);
    zmq_msg_t first, second;

    if (publisher->socket.socket == NULL ||
        !rt_unread_message(&first, payload, payload.size + 4 * RT_FRAME_COST, &publisher->unread,
                           NULL)) {
        return;
    }
    zmq_msg_init(&second);
    zmq_msg_copy(&second, &first);
    send_one_tree(daemon, RT_TREE_ALERT, alert, &first);
    send_one_tree(daemon, RT_TREE_OWNER, alert, &second);
}

static void measure(struct rt_daemon *daemon, const struct rt_link_alert *alert)
{
    int64_t latency = rt_wall_ms() - alert->received;

    if (alert->received > 0 && latency >= 0 && latency < LATENCY_MAX_MS) {
        rt_histogram_add(&daemon->metrics.push_to_alert, (double)latency / 1e3);
    }
}

/* The worker keeps the number: it is what alert.list goes by. */
static void tell_number(struct rt_worker *worker, uint64_t position, uint64_t number)
{
    struct rt_buffer *body = &worker->daemon->publisher.topic;

    rt_buffer_clear(body);
    rt_put_u64(body, position);
    rt_put_u64(body, number);
    if (body->failed) {
        worker->link.control.failed = true;
    }
    rt_worker_link_control(worker, RT_LINK_PUBLISHED, 0, 0, rt_buffer_span(body));
}

static void publish(struct rt_worker *worker, const struct rt_link_alert *alert)
{
    struct rt_publisher *publisher = &worker->daemon->publisher;
    char cursor[RT_CURSOR_TEXT];
    uint64_t number;
    size_t size;
    bool again;

    number = rt_numbers_give(&publisher->numbers, alert->position, rt_wall_us(), &again);
    tell_number(worker, alert->position, number);
    if (again || !alert->publish) {
        return;
    }
    size = rt_cursor_encode(number, cursor);
    rt_buffer_clear(&publisher->message);
    if (rt_alert_with_cursor(&publisher->message, alert->map, rt_span(cursor, size)) &&
        !publisher->message.failed) {
        send_trees(worker->daemon, alert);
        watch_unread(worker->daemon);
    }
    worker->daemon->metrics.alerts++;
    measure(worker->daemon, alert);
}

static void keep_early(struct rt_worker *worker, const struct rt_link_alert *alert,
                       struct rt_span body)
{
    struct rt_publisher *publisher = &worker->daemon->publisher;

    if (publisher->early.size + body.size > EARLY_BYTES) {
        body.size = 0;
    }
    rt_put_u32(&publisher->early, worker->index);
    rt_put_u64(&publisher->early, alert->position);
    rt_put_u64(&publisher->early, (uint64_t)alert->due);
    rt_put_bytes(&publisher->early, body);
    publisher->early_count++;
}

bool rt_publish_alert(struct rt_worker *worker, struct rt_span body)
{
    struct rt_link_alert alert;

    if (!rt_link_alert_decode(body, &alert) || alert.position == 0) {
        return false;
    }
    if (worker->daemon->publisher.complete) {
        publish(worker, &alert);
    } else {
        keep_early(worker, &alert, body);
    }
    return true;
}

void rt_publish_ready(struct rt_worker *worker, uint64_t newest)
{
    rt_numbers_seen(&worker->daemon->publisher.numbers, newest);
}

struct early {
    uint32_t worker;
    uint64_t position;
    int64_t due;
    struct rt_span body; /* empty: not kept */
    size_t place;        /* among those of the same moment the order of arrival stays */
};

static int by_moment(const void *left, const void *right)
{
    const struct early *a = left, *b = right;

    if (a->due != b->due) {
        return a->due < b->due ? -1 : 1;
    }
    return (a->place > b->place) - (a->place < b->place);
}

static void read_early(struct rt_span kept, struct early *all, size_t count)
{
    struct rt_reader reader = rt_reader(kept);

    for (size_t i = 0; i < count; i++) {
        uint64_t due;

        RT_ASSERT(rt_get_u32(&reader, &all[i].worker) && rt_get_u64(&reader, &all[i].position) &&
                  rt_get_u64(&reader, &due) && rt_get_bytes(&reader, &all[i].body));
        all[i].due = (int64_t)due;
        all[i].place = i;
    }
}

static void publish_one_early(struct rt_daemon *daemon, const struct early *early)
{
    struct rt_worker *worker = &daemon->workers[early->worker];
    struct rt_link_alert alert;
    bool again;

    if (early->body.size > 0) {
        RT_ASSERT(rt_link_alert_decode(early->body, &alert));
        publish(worker, &alert);
        return;
    }
    tell_number(worker, early->position,
                rt_numbers_give(&daemon->publisher.numbers, early->position, rt_wall_us(), &again));
    daemon->metrics.dropped[RT_DROPPED_ALERTS]++;
}

static void publish_early(struct rt_daemon *daemon)
{
    struct rt_buffer kept = daemon->publisher.early;
    size_t count = daemon->publisher.early_count;
    struct early *all = calloc(count + 1, sizeof *all);

    daemon->publisher.early = (struct rt_buffer){0};
    RT_ASSERT(all != NULL && !kept.failed);
    read_early(rt_buffer_span(&kept), all, count);
    qsort(all, count, sizeof *all, by_moment);
    for (size_t i = 0; i < count; i++) {
        publish_one_early(daemon, &all[i]);
    }
    free(all);
    rt_buffer_free(&kept);
}

/* ---- cursor topic ---------------------------------------------------------------------------- */

static void schedule_cursor(struct rt_daemon *daemon)
{
    int64_t pause = daemon->config.alerts_cursor_ms;
    struct timeval wait = {.tv_sec = pause / 1000, .tv_usec = pause % 1000 * 1000};

    event_add(daemon->publisher.cursor_timer, &wait);
}

static void on_cursor(evutil_socket_t descriptor, short what, void *context)
{
    struct rt_daemon *daemon = context;
    struct rt_publisher *publisher = &daemon->publisher;
    char cursor[RT_CURSOR_TEXT];
    size_t size = rt_cursor_encode(publisher->numbers.last, cursor);

    (void)descriptor;
    (void)what;
    rt_buffer_clear(&publisher->message);
    rt_write_map(&publisher->message, 2);
    rt_write_key_str(&publisher->message, "cursor", rt_span(cursor, size));
    rt_write_key_int(&publisher->message, "ts", rt_daemon_time(daemon));
    if (!publisher->message.failed) {
        send_message(daemon, rt_span_text("cursor"), rt_buffer_span(&publisher->message));
    }
    schedule_cursor(daemon);
}

/* ---- opening and dropping -------------------------------------------------------------------- */

static bool attach(struct rt_daemon *daemon)
{
    struct rt_publisher *publisher = &daemon->publisher;
    struct rt_zsocket_user user = {.take = on_subscriber, .context = daemon};

    if (!rt_guard_attach(&publisher->guard, daemon->base) ||
        !rt_zsocket_attach(&publisher->socket, daemon->base, user)) {
        return false;
    }
    rt_zsocket_read(&publisher->socket, true);
    return true;
}

static bool bind_socket(struct rt_daemon *daemon, const char *address, char *error,
                        size_t error_size)
{
    return rt_door_open(daemon, RT_DOOR_ALERTS, &daemon->publisher.socket, &daemon->publisher.guard,
                        ZMQ_XPUB, address, error, error_size);
}

/* What they have not read goes with them. */
static void close_socket(struct rt_daemon *daemon)
{
    struct rt_publisher *publisher = &daemon->publisher;
    int none = 0;

    rt_log(RT_LOG_WARNING,
           "endpoint=alerts subscriptions=%llu unread_bytes=%zu all subscribers dropped: %s",
           (unsigned long long)publisher->subscriptions.held,
           atomic_load_explicit(&publisher->unread, memory_order_relaxed), publisher->dropping);
    daemon->metrics.dropped[RT_DROPPED_SUBSCRIBERS]++;
    publisher->subscriptions = (struct rt_subscriptions){0};
    publisher->drained_at = rt_now_ms() + DRAIN_MS;
    publisher->dropping = NULL;
    zmq_setsockopt(publisher->socket.socket, ZMQ_LINGER, &none, sizeof none);
    rt_guard_close(&publisher->guard);
    rt_zsocket_close(&publisher->socket);
}

/* The old listener goes away in libzmq's own time: tried until the address is free. */
static void on_reopen(evutil_socket_t descriptor, short what, void *context)
{
    struct rt_daemon *daemon = context;
    struct rt_publisher *publisher = &daemon->publisher;
    struct timeval again = {0, REOPEN_MS * 1000};
    char address[RT_ADDRESS_TEXT], error[256];

    (void)descriptor;
    (void)what;
    memcpy(address, publisher->socket.address, sizeof address);
    if (publisher->socket.socket != NULL) {
        close_socket(daemon);
    }
    if (!bind_socket(daemon, address, error, sizeof error) ||
        (publisher->complete && !attach(daemon))) {
        rt_guard_close(&publisher->guard);
        rt_zsocket_close(&publisher->socket);
        memcpy(publisher->socket.address, address, sizeof address);
        event_add(publisher->reopen_timer, &again);
    }
}

/* ---- start and stop -------------------------------------------------------------------------- */

bool rt_publish_open(struct rt_daemon *daemon, char *error, size_t error_size)
{
    struct rt_publisher *publisher = &daemon->publisher;

    publisher->cursor_timer = evtimer_new(daemon->base, on_cursor, daemon);
    publisher->reopen_timer = evtimer_new(daemon->base, on_reopen, daemon);
    if (publisher->cursor_timer == NULL || publisher->reopen_timer == NULL) {
        return false;
    }
    return bind_socket(daemon, daemon->config.listen_alerts, error, error_size);
}

void rt_publish_start(struct rt_daemon *daemon)
{
    struct rt_publisher *publisher = &daemon->publisher;

    rt_numbers_begin(&publisher->numbers, rt_wall_us());
    publisher->complete = true;
    if (publisher->socket.socket != NULL) {
        RT_ASSERT(attach(daemon));
    }
    publish_early(daemon);
    schedule_cursor(daemon);
}

void rt_publish_close(struct rt_daemon *daemon)
{
    struct rt_publisher *publisher = &daemon->publisher;

    if (publisher->cursor_timer != NULL) {
        event_free(publisher->cursor_timer);
    }
    if (publisher->reopen_timer != NULL) {
        event_free(publisher->reopen_timer);
    }
    rt_guard_close(&publisher->guard);
    rt_zsocket_close(&publisher->socket);
    rt_buffer_free(&publisher->early);
    rt_buffer_free(&publisher->message);
    rt_buffer_free(&publisher->topic);
}

/* libretain against a peer that misbehaves: a ROUTER in the same process, driven step by step. No
 * sleeps: every wait is for something. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "protocol/batch.h"
#include "protocol/limits.h"
#include "retain.h"

enum { PATIENCE = 2000 }; /* turns of the wheel before a test gives up */

struct peer {
    void *context, *events, *query, *alerts;
    char directory[64], address[3][128];
};

/* Binds; while the address is still taken by a socket that is being closed, again. */
static void *peer_bind(struct peer *peer, int type, int which)
{
    void *socket = zmq_socket(peer->context, type);
    int linger = 0;

    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof(linger));
    while (zmq_bind(socket, peer->address[which]) != 0)
        assert_int_equal(zmq_errno(), EADDRINUSE);
    return socket;
}

static void peer_open(struct peer *peer)
{
    size_t size = sizeof(peer->address[0]);

    snprintf(peer->directory, sizeof(peer->directory), "/tmp/test_client.XXXXXX");
    assert_non_null(mkdtemp(peer->directory));
    peer->context = zmq_ctx_new();
    for (int i = 0; i < 3; i++)
        snprintf(peer->address[i], sizeof(peer->address[i]), "ipc://%s/%d", peer->directory, i);
    /* events by tcp: a closing ipc socket would remove the file of the one that follows it */
    snprintf(peer->address[0], sizeof(peer->address[0]), "tcp://127.0.0.1:*");
    peer->events = peer_bind(peer, ZMQ_ROUTER, 0);
    zmq_getsockopt(peer->events, ZMQ_LAST_ENDPOINT, peer->address[0], &size);
    peer->query = peer_bind(peer, ZMQ_ROUTER, 1);
    peer->alerts = peer_bind(peer, ZMQ_XPUB, 2);
}

static void directory_remove(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    char name[512];

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        (void)unlink(name);
    }
    if (dir != NULL)
        closedir(dir);
    (void)rmdir(path);
}

static void peer_close(struct peer *peer)
{
    zmq_close(peer->events);
    zmq_close(peer->query);
    zmq_close(peer->alerts);
    zmq_ctx_term(peer->context);
    directory_remove(peer->directory);
}

static retain_client *client_open(const struct peer *peer, size_t batch)
{
    struct retain_options options;
    retain_client *client = NULL;

    retain_options_init(&options);
    options.events = peer->address[0];
    options.query = peer->address[1];
    options.alerts = peer->address[2];
    options.batch_events = batch;
    options.window_messages = 8;
    assert_int_equal(retain_open(&client, &options), RETAIN_OK);
    return client;
}

/* A message the peer got: its frames before the payload, and the payload. */
struct request {
    struct rt_buffer frames[4];
    size_t count;
};

static void request_free(struct request *request)
{
    for (size_t i = 0; i < 4; i++)
        rt_buffer_free(&request->frames[i]);
    request->count = 0;
}

static bool request_take(void *socket, struct request *request)
{
    zmq_msg_t frame;
    bool more = true;

    request_free(request);
    while (more) {
        zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, socket, ZMQ_DONTWAIT) < 0)
            return false;
        assert_in_range(request->count, 0, 3);
        rt_buffer_append(&request->frames[request->count++], zmq_msg_data(&frame),
                         zmq_msg_size(&frame));
        more = zmq_msg_more(&frame);
        zmq_msg_close(&frame);
    }
    return true;
}

/* Turns the client's wheel until the peer has a request. */
static void request_await(retain_client *client, void *socket, struct request *request)
{
    for (int i = 0; i < PATIENCE; i++) {
        zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};

        assert_int_equal(retain_work(client, 0), RETAIN_OK);
        (void)zmq_poll(&item, 1, 2); /* retain_work would not wait while acknowledgements do */
        if (request_take(socket, request))
            return;
    }
    fail_msg("no request came");
}

static void reply_send(void *socket, const struct request *request, struct rt_buffer *reply)
{
    for (size_t i = 0; i + 1 < request->count; i++)
        zmq_send(socket, request->frames[i].data, request->frames[i].size, ZMQ_SNDMORE);
    zmq_send(socket, reply->data, reply->size, 0);
    rt_buffer_free(reply);
}

static uint32_t events_in(const struct request *request)
{
    struct rt_batch batch;
    struct rt_fault fault;

    assert_int_equal(rt_batch_open(rt_buffer_span(&request->frames[request->count - 1]),
                                   RT_MESSAGE_BYTES, &batch, &fault),
                     RT_OK);
    return batch.count;
}

static void accept_all(void *socket, const struct request *request)
{
    struct rt_buffer reply = {0};

    rt_push_reply_begin(&reply, events_in(request), 0, 0);
    reply_send(socket, request, &reply);
}

static void push(retain_client *client, uint64_t token)
{
    char id[32];
    retain_map *event;

    snprintf(id, sizeof(id), "e%llu", (unsigned long long)token);
    event = retain_event_new("call", "ACME", id, 1);
    assert_int_equal(retain_push_map(client, event, token), RETAIN_OK);
    retain_map_free(event);
}

static void ack_await(retain_client *client, struct retain_ack *ack)
{
    for (int i = 0; i < PATIENCE; i++) {
        if (retain_next_ack(client, ack))
            return;
        assert_int_equal(retain_work(client, 2), RETAIN_OK);
    }
    fail_msg("no acknowledgement came");
}

/* ---- negative cases -------------------------------------------------------------------------- */

static void options_that_make_no_sense_are_refused(void **state)
{
    struct retain_options options;
    retain_client *client = (retain_client *)&options;

    (void)state;
    retain_options_init(&options);
    options.batch_events = 0;
    assert_int_equal(retain_open(&client, &options), RETAIN_BAD_ARGUMENT);
    retain_options_init(&options);
    options.events = NULL;
    assert_int_equal(retain_open(&client, &options), RETAIN_BAD_ARGUMENT);
    retain_options_init(&options);
    options.size = 1 << 20;
    assert_int_equal(retain_open(&client, &options), RETAIN_BAD_ARGUMENT);
    retain_options_init(&options);
    options.events = "nonsense";
    assert_int_equal(retain_open(&client, &options), RETAIN_BAD_ADDRESS);
    assert_ptr_equal(client, &options); /* untouched */
    assert_int_equal(retain_open(NULL, NULL), RETAIN_BAD_ARGUMENT);
}

static void what_is_no_event_is_not_taken(void **state)
{
    struct peer peer;
    retain_client *client;
    retain_map *map = retain_map_new();

    (void)state;
    peer_open(&peer);
    client = client_open(&peer, 1);
    assert_int_equal(retain_push(client, "\xc1", 1, 0), RETAIN_BAD_ARGUMENT);
    assert_int_equal(retain_push(client, "\x80\x80", 2, 0), RETAIN_BAD_ARGUMENT);
    assert_int_equal(retain_push(client, NULL, 0, 0), RETAIN_BAD_ARGUMENT);
    retain_map_text(map, "account", "\xff");
    assert_int_equal(retain_push_map(client, map, 0), RETAIN_BAD_ARGUMENT);
    assert_int_equal(retain_push_map(client, NULL, 0), RETAIN_NO_MEMORY);
    assert_int_equal(retain_pending(client), 0);
    assert_int_equal(retain_subscribe(client, "nonsense"), RETAIN_BAD_ARGUMENT);
    assert_int_equal(retain_flush_spool(client, 0), RETAIN_BAD_ARGUMENT);
    retain_map_free(map);
    retain_close(client);
    retain_close(NULL);
    peer_close(&peer);
}

static void nobody_there_is_a_timeout(void **state)
{
    struct peer peer;
    struct retain_options options;
    retain_client *client;
    retain_reply *reply = NULL;

    (void)state;
    peer_open(&peer);
    retain_options_init(&options);
    options.events = options.query = options.alerts = "ipc:///tmp/test_client.nobody";
    assert_int_equal(retain_open(&client, &options), RETAIN_OK);
    push(client, 1);
    assert_int_equal(retain_flush(client, 20), RETAIN_TIMED_OUT);
    assert_int_equal(retain_pending(client), 1);
    assert_int_equal(retain_query(client, "stats", NULL, 20, &reply), RETAIN_TIMED_OUT);
    assert_null(reply);
    retain_close(client);
    peer_close(&peer);
}

static void a_reply_that_is_none_of_ours_is_dropped(void **state)
{
    struct peer peer;
    struct request request = {0};
    struct rt_buffer nonsense = {0};
    struct retain_ack ack;
    retain_client *client;

    (void)state;
    peer_open(&peer);
    client = client_open(&peer, 1);
    push(client, 5);
    request_await(client, peer.events, &request);
    /* a payload alone; a number that was never given; three frames */
    zmq_send(peer.events, request.frames[0].data, request.frames[0].size, ZMQ_SNDMORE);
    zmq_send(peer.events, "x", 1, 0);
    zmq_send(peer.events, request.frames[0].data, request.frames[0].size, ZMQ_SNDMORE);
    zmq_send(peer.events, "12345678", 8, ZMQ_SNDMORE);
    zmq_send(peer.events, "\x80", 1, 0);
    zmq_send(peer.events, request.frames[0].data, request.frames[0].size, ZMQ_SNDMORE);
    zmq_send(peer.events, request.frames[1].data, request.frames[1].size, ZMQ_SNDMORE);
    zmq_send(peer.events, "\x80", 1, ZMQ_SNDMORE);
    zmq_send(peer.events, "\x80", 1, 0);
    rt_buffer_append(&nonsense,
                     "\x81\xa8"
                     "accepted\x01",
                     11);
    reply_send(peer.events, &request, &nonsense); /* ours, but no push reply: it is sent again */
    request_await(client, peer.events, &request);
    accept_all(peer.events, &request);
    ack_await(client, &ack);
    assert_int_equal(ack.token, 5);
    assert_int_equal(ack.outcome, RETAIN_ACCEPTED);
    request_free(&request);
    retain_close(client);
    peer_close(&peer);
}

static void a_peer_that_dies_gets_all_of_it_again(void **state)
{
    struct peer peer;
    struct request request = {0};
    struct retain_counts counts;
    uint64_t seen = 0;
    retain_client *client;

    (void)state;
    peer_open(&peer);
    client = client_open(&peer, 2);
    for (uint64_t i = 0; i < 6; i++)
        push(client, i);
    for (int i = 0; i < 3; i++)
        request_await(client, peer.events, &request);
    zmq_close(peer.events); /* three messages are on it, none is answered */
    peer.events = peer_bind(&peer, ZMQ_ROUTER, 0);
    for (int i = 0; i < 3; i++) {
        request_await(client, peer.events, &request);
        assert_int_equal(events_in(&request), 2);
        accept_all(peer.events, &request);
    }
    while (seen != 63) {
        struct retain_ack ack;

        ack_await(client, &ack);
        assert_true((seen & UINT64_C(1) << ack.token) == 0);
        seen |= UINT64_C(1) << ack.token;
    }
    assert_int_equal(retain_pending(client), 0);
    retain_get_counts(client, &counts);
    assert_int_equal(counts.accepted, 6);
    assert_true(counts.resent >= 3);
    assert_true(counts.connected);
    request_free(&request);
    retain_close(client);
    peer_close(&peer);
}

static void busy_sends_all_of_it_again(void **state)
{
    struct peer peer;
    struct request request = {0};
    struct rt_buffer reply = {0};
    struct retain_counts counts;
    retain_client *client;

    (void)state;
    peer_open(&peer);
    client = client_open(&peer, 10);
    push(client, 1);
    push(client, 2);
    for (int i = 0; i < 3; i++) {
        request_await(client, peer.events, &request);
        assert_int_equal(events_in(&request), 2);
        rt_push_refusal(&reply, i == 1 ? RT_STOPPING : RT_BUSY, "full");
        reply_send(peer.events, &request, &reply);
    }
    request_await(client, peer.events, &request);
    accept_all(peer.events, &request);
    assert_int_equal(retain_flush(client, 10000), RETAIN_OK);
    retain_get_counts(client, &counts);
    assert_int_equal(counts.busy, 3);
    assert_int_equal(counts.accepted, 2);
    request_free(&request);
    retain_close(client);
    peer_close(&peer);
}

/* ---- the descriptor -------------------------------------------------------------------------- */

/* Waits on the descriptor alone and works without waiting: an edge that got lost would hang here.
 */
static void the_descriptor_alone_is_enough(void **state)
{
    struct peer peer;
    struct request request = {0};
    struct pollfd fd;
    retain_client *client;

    (void)state;
    peer_open(&peer);
    client = client_open(&peer, 4);
    fd = (struct pollfd){.fd = retain_fd(client), .events = POLLIN};
    for (int round = 0; round < 200; round++) {
        struct retain_ack ack;
        int got = 0;

        push(client, 1);
        push(client, 2);
        while (got < 2) {
            if (request_take(peer.events, &request))
                accept_all(peer.events, &request);
            while (retain_next_ack(client, &ack))
                got++;
            if (got == 2)
                break;
            (void)poll(&fd, 1, 20);
            if ((fd.revents & POLLIN) != 0)
                assert_int_equal(retain_work(client, 0), RETAIN_OK);
        }
    }
    request_free(&request);
    retain_close(client);
    peer_close(&peer);
}

/* ---- the spool ------------------------------------------------------------------------------- */

static void the_spool_is_emptied_by_acknowledgements_alone(void **state)
{
    struct peer peer;
    struct request request = {0};
    struct retain_spool_usage usage;
    struct rt_buffer reply = {0};
    char directory[96];
    retain_client *client;
    retain_spool *spool;
    retain_map *event;

    (void)state;
    peer_open(&peer);
    snprintf(directory, sizeof(directory), "%s.spool", peer.directory);
    assert_int_equal(retain_spool_open(&spool, directory, 0), RETAIN_OK);
    for (int i = 0; i < 3; i++) {
        char id[16];

        snprintf(id, sizeof(id), "s%d", i);
        event = retain_event_new("call", "ACME", id, 1);
        assert_int_equal(retain_spool_put_map(spool, event), RETAIN_OK);
        retain_map_free(event);
    }
    client = client_open(&peer, 10);
    assert_int_equal(retain_attach_spool(client, spool), RETAIN_OK);
    request_await(client, peer.events, &request);
    assert_int_equal(events_in(&request), 3);
    assert_int_equal(retain_spool_usage(spool, &usage), RETAIN_OK);
    assert_int_equal(usage.waiting, 3); /* sent is not acknowledged */
    rt_push_reply_begin(&reply, 1, 1, 1);
    rt_push_reply_rejection(&reply, 1, RT_BAD_FIELD, rt_span_text("type: unknown"));
    reply_send(peer.events, &request, &reply);
    assert_int_equal(retain_flush_spool(client, 10000), RETAIN_OK);
    assert_int_equal(retain_spool_usage(spool, &usage), RETAIN_OK);
    assert_int_equal(usage.waiting, 0);
    assert_int_equal(usage.rejected, 1);
    assert_int_equal(retain_pending(client), 0);
    assert_int_equal(retain_attach_spool(client, NULL), RETAIN_OK);
    retain_spool_close(spool);
    request_free(&request);
    retain_close(client);
    directory_remove(directory);
    peer_close(&peer);
}

/* A name that leaves no room for `.rejected` is cut, for else the file would come up for ever. */
static void junk_with_a_long_name_is_set_aside(void **state)
{
    struct peer peer;
    struct retain_spool_usage usage;
    char directory[96], path[96 + NAME_MAX + 2], name[NAME_MAX + 1];
    retain_client *client;
    retain_spool *spool;
    FILE *file;

    (void)state;
    peer_open(&peer);
    snprintf(directory, sizeof(directory), "%s.spool", peer.directory);
    assert_int_equal(retain_spool_open(&spool, directory, 0), RETAIN_OK);
    memset(name, 'x', NAME_MAX);
    memcpy(name + NAME_MAX - 6, ".event", 7);
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("no event", file);
    fclose(file);
    client = client_open(&peer, 10);
    assert_int_equal(retain_attach_spool(client, spool), RETAIN_OK);
    assert_int_equal(retain_flush_spool(client, 10000), RETAIN_OK);
    assert_int_equal(retain_spool_usage(spool, &usage), RETAIN_OK);
    assert_int_equal(usage.waiting, 0);
    assert_int_equal(usage.rejected, 1);
    assert_int_equal(retain_attach_spool(client, NULL), RETAIN_OK);
    retain_spool_close(spool);
    retain_close(client);
    directory_remove(directory);
    peer_close(&peer);
}

/* ---- alerts ---------------------------------------------------------------------------------- */

/* {"id", "kind", "severity", "state", "account", "owner", "ts", "published", "cursor"} */
static void alert_pack(struct rt_buffer *out, int number, const char *account)
{
    char id[16];

    snprintf(id, sizeof(id), "0-%d", number);
    rt_write_map(out, 9);
    rt_write_key_text(out, "id", id);
    rt_write_key_text(out, "kind", "silence");
    rt_write_key_text(out, "severity", "warning");
    rt_write_key_text(out, "state", "raised");
    rt_write_key_text(out, "account", account);
    rt_write_key_text(out, "owner", "kim.b");
    rt_write_key_int(out, "ts", 1000 + number);
    rt_write_key_int(out, "published", 1000 + number);
    rt_write_key_text(out, "cursor", id + 2);
}

static void alert_publish(struct peer *peer, const char *topic, int number, const char *account)
{
    struct rt_buffer map = {0};

    alert_pack(&map, number, account);
    zmq_send(peer->alerts, topic, strlen(topic), ZMQ_SNDMORE);
    zmq_send(peer->alerts, map.data, map.size, 0);
    rt_buffer_free(&map);
}

static void cursor_publish(struct peer *peer, const char *cursor)
{
    struct rt_buffer map = {0};

    rt_write_map(&map, 2);
    rt_write_key_text(&map, "cursor", cursor);
    rt_write_key_int(&map, "ts", 1);
    zmq_send(peer->alerts, "cursor", 6, ZMQ_SNDMORE);
    zmq_send(peer->alerts, map.data, map.size, 0);
    rt_buffer_free(&map);
}

/* The answer to alert.list: alerts first .. last, and the cursor behind them. */
static void list_answer(struct peer *peer, const struct request *request, int first, int last,
                        const char *account)
{
    struct rt_buffer reply = {0};
    char cursor[16];

    snprintf(cursor, sizeof(cursor), "%d", last);
    rt_write_map(&reply, 3);
    rt_write_key_bool(&reply, "ok", true);
    rt_write_text(&reply, "alerts");
    rt_write_array(&reply, (uint32_t)(last - first + 1));
    for (int i = first; i <= last; i++)
        alert_pack(&reply, i, account);
    rt_write_key_text(&reply, "cursor", cursor);
    reply_send(peer->query, request, &reply);
}

/* Waits until the peer has `count` subscriptions. */
static void subscriptions_await(struct peer *peer, retain_client *client, int count)
{
    for (int i = 0; i < PATIENCE && count > 0; i++) {
        char bytes[64];

        assert_int_equal(retain_work(client, 2), RETAIN_OK);
        while (zmq_recv(peer->alerts, bytes, sizeof(bytes), ZMQ_DONTWAIT) > 0)
            count--;
    }
    assert_int_equal(count, 0);
}

static void alert_await(retain_client *client, struct retain_alert *alert)
{
    for (int i = 0; i < PATIENCE; i++) {
        if (retain_next_alert(client, alert))
            return;
        assert_int_equal(retain_work(client, 2), RETAIN_OK);
    }
    fail_msg("no alert came");
}

static void alert_expect(retain_client *client, const char *id, bool live)
{
    struct retain_alert alert;
    char text[32];

    alert_await(client, &alert);
    assert_false(alert.gap);
    retain_value_copy(retain_value_get(alert.map, "id"), text, sizeof(text));
    assert_string_equal(text, id);
    assert_int_equal(alert.live, live);
}

static void since_of(const struct request *request, char *out, size_t size)
{
    const struct rt_buffer *payload = &request->frames[request->count - 1];

    retain_value_copy(retain_value_get(retain_value_of(payload->data, payload->size), "since"), out,
                      size);
}

static void alerts_come_once_and_gaps_are_filled(void **state)
{
    struct peer peer;
    struct request request = {0};
    struct retain_alert alert;
    char since[32];
    retain_client *client;

    (void)state;
    peer_open(&peer);
    client = client_open(&peer, 1);
    assert_int_equal(retain_subscribe(client, "alert."), RETAIN_OK);
    assert_int_equal(retain_subscribe(client, "owner.kim%2Eb."), RETAIN_OK);
    subscriptions_await(&peer, client, 3);
    cursor_publish(&peer, "4"); /* from now */
    alert_publish(&peer, "alert.warning.silence.A", 5, "A");
    alert_publish(&peer, "owner.kim%2Eb.warning.silence.A", 5,
                  "A"); /* the same by the other tree */
    alert_expect(client, "0-5", true);
    assert_string_equal(retain_cursor(client), "4");
    cursor_publish(&peer, "8"); /* 6, 7 and 8 did not come */
    request_await(client, peer.query, &request);
    since_of(&request, since, sizeof(since));
    assert_string_equal(since, "4");
    alert_publish(&peer, "alert.warning.silence.A", 7, "A"); /* late, while we ask */
    alert_expect(client, "0-7", true);
    list_answer(&peer, &request, 5, 8, "A");
    alert_expect(client, "0-6", false);
    assert_string_equal(retain_cursor(client), "4"); /* 8 was not handed out yet */
    alert_expect(client, "0-8", false);
    assert_int_equal(retain_next_alert(client, &alert), 0);
    assert_string_equal(retain_cursor(client), "8");
    alert_publish(&peer, "alert.warning.silence.A", 8, "A"); /* very late */
    alert_publish(&peer, "alert.warning.silence.A", 9, "A");
    alert_expect(client, "0-9", true);
    request_free(&request);
    retain_close(client);
    peer_close(&peer);
}

static void history_is_filtered_as_the_subscription_is(void **state)
{
    struct peer peer;
    struct request request = {0};
    retain_client *client;
    struct retain_alert alert;
    char since[32];

    (void)state;
    peer_open(&peer);
    client = client_open(&peer, 1);
    assert_int_equal(retain_subscribe(client, "owner.other."), RETAIN_OK);
    assert_int_equal(retain_subscribe(client, "alert.warning.silence.A%2EB"), RETAIN_OK);
    assert_int_equal(retain_resume(client, "2"), RETAIN_OK);
    request_await(client, peer.query, &request);
    since_of(&request, since, sizeof(since));
    assert_string_equal(since, "2");
    list_answer(&peer, &request, 3, 4, "C");
    while (strcmp(retain_cursor(client), "4") != 0) {
        assert_int_equal(retain_work(client, 2), RETAIN_OK);
        assert_int_equal(retain_next_alert(client, &alert), 0);
    }
    subscriptions_await(&peer, client, 3);
    cursor_publish(&peer, "5");
    request_await(client, peer.query, &request);
    list_answer(&peer, &request, 5, 5, "A.B");
    alert_expect(client, "0-5", false);
    request_free(&request);
    retain_close(client);
    peer_close(&peer);
}

static void a_history_that_is_gone_is_a_gap(void **state)
{
    struct peer peer;
    struct request request = {0};
    struct rt_buffer reply = {0};
    struct retain_alert alert;
    char since[32];
    retain_client *client;

    (void)state;
    peer_open(&peer);
    client = client_open(&peer, 1);
    assert_int_equal(retain_subscribe(client, "alert."), RETAIN_OK);
    assert_int_equal(retain_resume(client, "2"), RETAIN_OK);
    request_await(client, peer.query, &request);
    rt_write_map(&reply, 4);
    rt_write_key_bool(&reply, "ok", false);
    rt_write_key_text(&reply, "error", "cursor_gone");
    rt_write_key_text(&reply, "message", "too old");
    rt_write_key_text(&reply, "oldest", "7");
    reply_send(peer.query, &request, &reply);
    alert_await(client, &alert);
    assert_true(alert.gap);
    request_await(client, peer.query, &request);
    since_of(&request, since, sizeof(since));
    assert_string_equal(since, "7");
    list_answer(&peer, &request, 8, 8, "A");
    alert_expect(client, "0-8", false);
    request_free(&request);
    retain_close(client);
    peer_close(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_that_make_no_sense_are_refused),
        cmocka_unit_test(what_is_no_event_is_not_taken),
        cmocka_unit_test(nobody_there_is_a_timeout),
        cmocka_unit_test(a_reply_that_is_none_of_ours_is_dropped),
        cmocka_unit_test(a_peer_that_dies_gets_all_of_it_again),
        cmocka_unit_test(busy_sends_all_of_it_again),
        cmocka_unit_test(the_descriptor_alone_is_enough),
        cmocka_unit_test(the_spool_is_emptied_by_acknowledgements_alone),
        cmocka_unit_test(junk_with_a_long_name_is_set_aside),
        cmocka_unit_test(alerts_come_once_and_gaps_are_filled),
        cmocka_unit_test(history_is_filtered_as_the_subscription_is),
        cmocka_unit_test(a_history_that_is_gone_is_a_gap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* See zsocket.h.
 *
 * Failure modes: a peer that is gone or reads nothing (the reply is dropped, the caller counts), an
 * envelope beyond the limits (the message is read to its end and dropped), a frame beyond
 * ZMQ_MAXMSGSIZE (libzmq ends the connection). */
#include "daemon/zsocket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/bounds.h"
#include "daemon/clock.h"
#include "daemon/unread.h"

enum {
    PUMP_MESSAGES = 256,
    PUMP_NS = 1000000,
    LOOK_BYTES = 4096, /* taken between two looks at the clock: some microseconds of work */
    FRAME_BYTES = 64,  /* what a frame costs beside its bytes, in theirs */
    LINGER_MS = 1000,
    /* Known to libzmq since 4.3, to its header only with drafts: refuse where ZAP does not answer. */
    ZAP_ENFORCE_DOMAIN = 93,
};

static bool set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool set_options(void *socket, int type, size_t message_bytes, int unsent)
{
    int64_t largest = (int64_t)(2 * message_bytes);

    return set_int(socket, ZMQ_LINGER, LINGER_MS) &&
           set_int(socket, ZMQ_HANDSHAKE_IVL, RT_HANDSHAKE_MS) &&
           set_int(socket, ZMQ_BACKLOG, RT_BACKLOG) && set_int(socket, ZMQ_TCP_KEEPALIVE, 1) &&
           set_int(socket, ZMQ_TCP_KEEPALIVE_IDLE, RT_KEEPALIVE_IDLE_S) &&
           set_int(socket, ZMQ_RCVHWM, RT_RECEIVE_HWM) && set_int(socket, ZMQ_SNDHWM, unsent) &&
           (type != ZMQ_ROUTER || set_int(socket, ZMQ_ROUTER_MANDATORY, 1)) &&
           (type != ZMQ_XPUB || set_int(socket, ZMQ_XPUB_VERBOSER, 1)) &&
           zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &largest, sizeof largest) == 0;
}

bool rt_zsocket_open(struct rt_zsocket *zsocket, void *context, int type, const char *name,
                     size_t message_bytes, int unsent, char *error, size_t error_size)
{
    *zsocket = (struct rt_zsocket){.name = name, .socket = zmq_socket(context, type)};
    if (zsocket->socket != NULL && set_options(zsocket->socket, type, message_bytes, unsent)) {
        return true;
    }
    snprintf(error, error_size, "socket %s: %s", name, zmq_strerror(errno));
    rt_zsocket_close(zsocket);
    return false;
}

bool rt_zsocket_ask_keys(struct rt_zsocket *zsocket, const char *server_key, const char *domain,
                         char *error, size_t error_size)
{
    void *socket = zsocket->socket;

    if (set_int(socket, ZMQ_CURVE_SERVER, 1) && set_int(socket, ZAP_ENFORCE_DOMAIN, 1) &&
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, server_key, strlen(server_key) + 1) == 0 &&
        zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, domain, strlen(domain)) == 0) {
        return true;
    }
    snprintf(error, error_size, "listen.%s: no CURVE with this server key: %s", zsocket->name,
             zmq_strerror(errno));
    return false;
}

/* An activated socket says itself what it is; the configured address only says whether it is
 * wanted. */
static bool activated_address(int descriptor, char *address, size_t size)
{
    struct sockaddr_un where;
    socklen_t length = sizeof where;

    if (getsockname(descriptor, (struct sockaddr *)&where, &length) != 0) {
        return false;
    }
    if (where.sun_family == AF_UNIX) {
        snprintf(address, size, "ipc://%s", where.sun_path);
    } else {
        snprintf(address, size, "%s",
                 where.sun_family == AF_INET6 ? "tcp://[::]:*" : "tcp://0.0.0.0:*");
    }
    return true;
}

static bool use_descriptor(struct rt_zsocket *zsocket, int descriptor, char *address, size_t size)
{
    int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 3); /* libzmq closes what it is given */

    if (copy < 0) {
        return false;
    }
    if (activated_address(copy, address, size) && set_int(zsocket->socket, ZMQ_USE_FD, copy)) {
        return true;
    }
    close(copy);
    return false;
}

bool rt_zsocket_bind(struct rt_zsocket *zsocket, const char *address, int descriptor, char *error,
                     size_t error_size)
{
    char activated[RT_ADDRESS_TEXT];
    size_t size = sizeof zsocket->address;

    if (descriptor >= 0) {
        if (!use_descriptor(zsocket, descriptor, activated, sizeof activated)) {
            snprintf(error, error_size, "listen.%s: cannot use the activated socket: %s",
                     zsocket->name, zmq_strerror(errno));
            return false;
        }
        address = activated;
    }
    if (strncmp(address, "tcp://[", 7) == 0) {
        set_int(zsocket->socket, ZMQ_IPV6, 1);
    }
    if (zmq_bind(zsocket->socket, address) != 0) {
        snprintf(error, error_size, "listen.%s: cannot bind %s: %s", zsocket->name, address,
                 zmq_strerror(errno));
        return false;
    }
    if (zmq_getsockopt(zsocket->socket, ZMQ_LAST_ENDPOINT, zsocket->address, &size) != 0) {
        snprintf(error, error_size, "listen.%s: no address: %s", zsocket->name,
                 zmq_strerror(errno));
        return false;
    }
    return true;
}

static bool readable(struct rt_zsocket *zsocket)
{
    int events = 0;
    size_t size = sizeof events;

    return zmq_getsockopt(zsocket->socket, ZMQ_EVENTS, &events, &size) == 0 &&
           (events & ZMQ_POLLIN) != 0;
}

static bool is_spent(struct rt_zsocket *zsocket, int64_t end)
{
    if (zsocket->unlooked < LOOK_BYTES) {
        return false;
    }
    zsocket->unlooked = 0;
    zsocket->now_ns = rt_now_ns();
    return zsocket->now_ns >= end;
}

/* Takes messages until there are none, reading is paused, or the budget is spent; returns how many.
 */
static unsigned take_some(struct rt_zsocket *zsocket, int64_t end)
{
    unsigned taken = 0;

    while (zsocket->reading && taken < PUMP_MESSAGES && zsocket->user.take(zsocket->user.context)) {
        taken++;
        if (is_spent(zsocket, end)) {
            return PUMP_MESSAGES;
        }
    }
    return taken;
}

/* Looking at ZMQ_EVENTS at the end is what arms the descriptor again. */
static void pump(struct rt_zsocket *zsocket)
{
    int64_t end;
    unsigned taken = 0, more;

    zsocket->now_ns = rt_now_ns();
    zsocket->unlooked = 0;
    end = zsocket->now_ns + PUMP_NS;
    zsocket->kicked = false;
    while (readable(zsocket) && zsocket->reading) {
        more = take_some(zsocket, end);
        taken += more;
        if (taken >= PUMP_MESSAGES) {
            rt_zsocket_kick(zsocket);
            break;
        }
        if (more == 0) {
            break;
        }
    }
    if (taken > 0 && zsocket->user.after != NULL) {
        zsocket->user.after(zsocket->user.context);
    }
}

static void on_event(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    pump(context);
}

bool rt_zsocket_attach(struct rt_zsocket *zsocket, struct event_base *base,
                       struct rt_zsocket_user user)
{
    int descriptor = -1;
    size_t size = sizeof descriptor;

    if (zmq_getsockopt(zsocket->socket, ZMQ_FD, &descriptor, &size) != 0) {
        return false;
    }
    zsocket->user = user;
    zsocket->readable = event_new(base, descriptor, EV_READ | EV_PERSIST, on_event, zsocket);
    zsocket->kick = evtimer_new(base, on_event, zsocket);
    if (zsocket->readable == NULL || zsocket->kick == NULL ||
        event_add(zsocket->readable, NULL) != 0) {
        return false;
    }
    rt_zsocket_kick(zsocket);
    return true;
}

void rt_zsocket_close(struct rt_zsocket *zsocket)
{
    if (zsocket->readable != NULL) {
        event_free(zsocket->readable);
    }
    if (zsocket->kick != NULL) {
        event_free(zsocket->kick);
    }
    if (zsocket->socket != NULL) {
        zmq_close(zsocket->socket);
    }
    zsocket->readable = zsocket->kick = NULL;
    zsocket->socket = NULL;
    zsocket->reading = zsocket->kicked = false;
}

void rt_zsocket_read(struct rt_zsocket *zsocket, bool on)
{
    if (zsocket->reading == on) {
        return;
    }
    zsocket->reading = on;
    if (on) {
        rt_zsocket_kick(zsocket);
    }
}

void rt_zsocket_kick(struct rt_zsocket *zsocket)
{
    static const struct timeval soon = {0, 0};

    if (zsocket->kick != NULL && !zsocket->kicked && event_add(zsocket->kick, &soon) == 0) {
        zsocket->kicked = true;
    }
}

/* ---- how many messages may wait for us ------------------------------------------------------- */

void rt_zsocket_heard(struct rt_zsocket *zsocket, zmq_msg_t *message)
{
    struct rt_connections *connections = zsocket->connections;

    if (connections != NULL && rt_connections_listen(connections)) {
        rt_connections_heard(connections, zmq_msg_get(message, ZMQ_SRCFD), rt_now_ms());
    }
}

enum rt_zsocket_result rt_zsocket_receive(struct rt_zsocket *zsocket, struct rt_envelope *envelope,
                                          zmq_msg_t *payload)
{
    bool fits = true;

    zmq_msg_init(payload);
    while (zmq_msg_recv(payload, zsocket->socket, ZMQ_DONTWAIT) >= 0) {
        zsocket->unlooked += FRAME_BYTES + zmq_msg_size(payload);
        if (!zmq_msg_more(payload)) {
            rt_zsocket_heard(zsocket, payload);
            if (fits) {
                return RT_RECEIVED;
            }
            break;
        }
        fits = fits &&
               rt_envelope_add(envelope, rt_span(zmq_msg_data(payload), zmq_msg_size(payload)));
    }
    zmq_msg_close(payload);
    rt_envelope_clear(envelope);
    return fits ? RT_NOTHING : RT_DROPPED;
}

/* The payload as a message of its own whose end is counted, once there is enough to count: what was
 * sent to one peer before is gone when it is. */
static bool send_settling(struct rt_zsocket *zsocket, struct rt_span payload,
                          struct rt_peers *peers, struct rt_peer *peer)
{
    zmq_msg_t message;
    bool sent;

    if (!rt_unread_message(&message, payload, peer->unsettled, &peers->unread, &peer->unread)) {
        return false;
    }
    sent = zmq_msg_send(&message, zsocket->socket, ZMQ_DONTWAIT) >= 0;
    if (sent) {
        peer->unsettled = 0;
    } else {
        zmq_msg_close(&message);
    }
    return sent;
}

static bool send_payload(struct rt_zsocket *zsocket, struct rt_span payload, struct rt_peers *peers,
                         struct rt_peer *peer)
{
    if (peer->unsettled >= RT_UNREAD_SETTLE) {
        return send_settling(zsocket, payload, peers, peer);
    }
    return zmq_send(zsocket->socket, payload.data, payload.size, ZMQ_DONTWAIT) >= 0;
}

bool rt_zsocket_send(struct rt_zsocket *zsocket, const struct rt_envelope *envelope,
                     struct rt_span payload, struct rt_peers *peers, struct rt_peer *peer)
{
    size_t bytes = payload.size + envelope->bytes + (envelope->count + 1u) * RT_FRAME_COST;
    bool sent = rt_peers_may_send(peers, peer, bytes);

    for (unsigned i = 0; sent && i < envelope->count; i++) {
        struct rt_span frame = rt_envelope_frame(envelope, i);

        sent = zmq_send(zsocket->socket, frame.data, frame.size, ZMQ_DONTWAIT | ZMQ_SNDMORE) >= 0;
    }
    if (!sent) {
        return false;
    }
    peer->unsettled += bytes;
    sent = send_payload(zsocket, payload, peers, peer);
    rt_zsocket_kick(zsocket);
    return sent;
}

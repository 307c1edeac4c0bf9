/* See guard.h.
 *
 * A connection is ended by shutdown(2) on its descriptor, which libzmq owns: its thread then reads
 * the end and closes it. By the time we hear of a descriptor it may be another's. So it must be
 * a socket of this endpoint; if it is another peer's of the same endpoint, that one comes back by
 * itself. Descriptors of our own are opened and closed by this thread only, and never mistaken. */
#include "daemon/guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "daemon/bounds.h"
#include "daemon/clock.h"
#include "daemon/log.h"

enum { SAY_AGAIN_MS = 60000, EVENTS = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED };

size_t rt_guard_limit(size_t wanted)
{
    struct rlimit descriptors;
    size_t most;

    if (getrlimit(RLIMIT_NOFILE, &descriptors) != 0 || descriptors.rlim_cur == RLIM_INFINITY) {
        return wanted;
    }
    most = (size_t)descriptors.rlim_cur;
    most = most > RT_RESERVED_DESCRIPTORS ? (most - RT_RESERVED_DESCRIPTORS) / RT_ENDPOINTS : 0;
    if (most == 0) {
        most = 1;
    }
    return wanted < most ? wanted : most;
}

/* ---- ending one ------------------------------------------------------------------------------ */

static unsigned port_of(const struct sockaddr_storage *where)
{
    switch (where->ss_family) {
    case AF_INET:
        return ntohs(((const struct sockaddr_in *)where)->sin_port);
    case AF_INET6:
        return ntohs(((const struct sockaddr_in6 *)where)->sin6_port);
    default:
        return 0;
    }
}

static bool is_of_endpoint(const char *address, int descriptor)
{
    struct sockaddr_storage where;
    socklen_t size = sizeof where;
    const char *colon = strrchr(address, ':');

    memset(&where, 0, sizeof where);
    if (getsockname(descriptor, (struct sockaddr *)&where, &size) != 0) {
        return false;
    }
    if (where.ss_family == AF_UNIX) {
        return strncmp(address, "ipc://", 6) == 0 &&
               strcmp(address + 6, ((const struct sockaddr_un *)&where)->sun_path) == 0;
    }
    return colon != NULL && port_of(&where) != 0 && strtoul(colon + 1, NULL, 10) == port_of(&where);
}

static void say(struct rt_guard *guard)
{
    int64_t now = rt_now_ms();

    if (guard->said_at != 0 && now - guard->said_at < SAY_AGAIN_MS) {
        return;
    }
    rt_log(RT_LOG_WARNING,
           "endpoint=%s connections=%zu ended=%llu more connections than there may be",
           guard->guarded->name, guard->connections.count,
           (unsigned long long)(*guard->cut - guard->said_cut));
    guard->said_at = now;
    guard->said_cut = *guard->cut;
}

static void end_connection(struct rt_guard *guard, int descriptor)
{
    if (is_of_endpoint(guard->guarded->address, descriptor)) {
        shutdown(descriptor, SHUT_RDWR);
        ++*guard->cut;
    }
}

/* ---- who brings how much --------------------------------------------------------------------- */

/* Either TCP's count, or, for what has none, what waits now on top of what was seen before. */
static enum rt_transport received_by(const struct rt_connections *connections, int descriptor,
                                     uint64_t *received)
{
    struct tcp_info info;
    socklen_t size = sizeof info;
    int waiting = 0;

    memset(&info, 0, sizeof info);
    if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) == 0) {
        *received = info.tcpi_bytes_received;
        return RT_TCP;
    }
    *received = connections->slots[descriptor].received;
    *received = *received == UINT64_MAX ? 0 : *received;
    if (ioctl(descriptor, FIONREAD, &waiting) == 0 && waiting > 0) {
        *received += (uint64_t)waiting;
    }
    return RT_LOCAL;
}

void rt_guard_watch(struct rt_guard *guard, bool on)
{
    if (guard->guarded != NULL) {
        rt_connections_watch(&guard->connections, on);
    }
}

static uint64_t greater(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void rt_guard_look(struct rt_guard *guard, struct rt_brought *brought, bool begins)
{
    struct rt_connections *connections = &guard->connections;

    for (int i = guard->guarded == NULL ? RT_NO_CONNECTION : connections->oldest;
         i != RT_NO_CONNECTION; i = connections->slots[i].next) {
        uint64_t received, bytes;
        enum rt_transport transport = received_by(connections, i, &received);

        connections->slots[i].transport = transport;
        rt_connections_look(connections, i, received, begins);
        bytes = rt_connections_brought(connections, i);
        brought[transport].bytes += bytes;
        brought[transport].most = greater(bytes, brought[transport].most);
        brought[transport].held =
            greater(rt_connections_held(connections, i), brought[transport].held);
    }
}

size_t rt_guard_end_talkers(struct rt_guard *guard, enum rt_transport transport, bool held,
                            uint64_t bytes)
{
    struct rt_connections *connections = &guard->connections;
    size_t ended = 0;
    int next;

    for (int i = guard->guarded == NULL ? RT_NO_CONNECTION : connections->oldest;
         i != RT_NO_CONNECTION; i = next) {
        uint64_t own =
            held ? rt_connections_held(connections, i) : rt_connections_brought(connections, i);

        next = connections->slots[i].next;
        if (connections->slots[i].transport == (int)transport && own >= bytes) {
            rt_connections_ended(connections, i);
            end_connection(guard, i);
            ended++;
        }
    }
    return ended;
}

/* ---- what libzmq tells ----------------------------------------------------------------------- */

/* Two frames: u16 event, u32 value (the descriptor), in the machine's order; and the address. */
static bool read_event(void *socket, uint16_t *event, int32_t *value)
{
    zmq_msg_t message;
    bool good;

    zmq_msg_init(&message);
    if (zmq_msg_recv(&message, socket, ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(&message);
        return false;
    }
    *event = 0;
    *value = RT_NO_CONNECTION;
    good = zmq_msg_size(&message) == sizeof *event + sizeof *value;
    if (good) {
        memcpy(event, zmq_msg_data(&message), sizeof *event);
        memcpy(value, (const char *)zmq_msg_data(&message) + sizeof *event, sizeof *value);
    }
    while (zmq_msg_more(&message) && zmq_msg_recv(&message, socket, ZMQ_DONTWAIT) >= 0) {
    }
    zmq_msg_close(&message);
    return true;
}

static bool on_event(void *context)
{
    struct rt_guard *guard = context;
    uint16_t event;
    int32_t descriptor;
    int victim;

    if (!read_event(guard->monitor.socket, &event, &descriptor)) {
        return false;
    }
    if (event == ZMQ_EVENT_DISCONNECTED) {
        rt_connections_ended(&guard->connections, descriptor);
    } else if (event == ZMQ_EVENT_ACCEPTED) {
        victim = rt_connections_accepted(&guard->connections, descriptor, rt_now_ms());
        if (victim != RT_NO_CONNECTION) {
            end_connection(guard, victim);
            say(guard);
        }
    }
    return true;
}

/* ---- opening --------------------------------------------------------------------------------- */

/* Without a limit of messages: libzmq's thread waits for room when it tells of a connection. */
static bool listen_to(struct rt_guard *guard, void *context, const char *address)
{
    static const int none = 0;

    guard->monitor.socket = zmq_socket(context, ZMQ_PAIR);
    return guard->monitor.socket != NULL &&
           zmq_setsockopt(guard->monitor.socket, ZMQ_RCVHWM, &none, sizeof none) == 0 &&
           zmq_setsockopt(guard->monitor.socket, ZMQ_LINGER, &none, sizeof none) == 0 &&
           zmq_socket_monitor(guard->guarded->socket, address, EVENTS) == 0 &&
           zmq_connect(guard->monitor.socket, address) == 0;
}

bool rt_guard_open(struct rt_guard *guard, void *context, struct rt_zsocket *guarded, size_t limit,
                   uint64_t *cut, char *error, size_t error_size)
{
    char address[64];

    *guard = (struct rt_guard){.guarded = guarded, .cut = cut, .monitor.name = guarded->name};
    rt_connections_init(&guard->connections, limit);
    guarded->connections = &guard->connections;
    snprintf(address, sizeof address, "inproc://guard.%s", guarded->name);
    if (listen_to(guard, context, address)) {
        return true;
    }
    snprintf(error, error_size, "socket %s cannot be watched: %s", guarded->name,
             zmq_strerror(errno));
    rt_guard_close(guard);
    return false;
}

bool rt_guard_attach(struct rt_guard *guard, struct event_base *base)
{
    struct rt_zsocket_user user = {.take = on_event, .context = guard};

    if (!rt_zsocket_attach(&guard->monitor, base, user)) {
        return false;
    }
    rt_zsocket_read(&guard->monitor, true);
    return true;
}

void rt_guard_close(struct rt_guard *guard)
{
    if (guard->guarded != NULL && guard->guarded->socket != NULL) {
        zmq_socket_monitor(guard->guarded->socket, NULL, 0);
    }
    rt_zsocket_close(&guard->monitor);
    rt_connections_free(&guard->connections);
    if (guard->guarded != NULL) {
        guard->guarded->connections = NULL;
    }
}

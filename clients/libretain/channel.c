/* Happy path: connect, send [number][payload], receive [number][payload].
 *
 * Failure modes: nobody listens, or the connection breaks -- ZMQ_IMMEDIATE keeps messages out of
 * pipes that lead nowhere, so a send says false, and the monitor tells of the break, so that
 * whoever waits for an answer sends again. A peer that is silent in TCP's sense too (a dead host, a
 * stopped process) is found by heartbeats. */
#include "clients/libretain/channel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <zmq.h>

#include "retain.h"

enum {
    RECONNECT_MS = 100,
    RECONNECT_MAX_MS = 1000,
    HANDSHAKE_MS = 5000,
    HEARTBEAT_MS = 5000,
    HEARTBEAT_TIMEOUT_MS = 20000,
};

_Static_assert(sizeof(zmq_msg_t) == sizeof(struct rt_incoming), "room for a zmq_msg_t");

static const int64_t reply_bytes_max = INT64_C(256) << 20;

static bool option(void *socket, int name, int value)
{
    return zmq_setsockopt(socket, name, &value, sizeof(value)) == 0;
}

static bool options_set(void *socket)
{
    return option(socket, ZMQ_LINGER, 0) && option(socket, ZMQ_IMMEDIATE, 1) &&
           option(socket, ZMQ_SNDHWM, 0) && option(socket, ZMQ_RCVHWM, 0) &&
           option(socket, ZMQ_IPV6, 1) && option(socket, ZMQ_RECONNECT_IVL, RECONNECT_MS) &&
           option(socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS) &&
           option(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) &&
           option(socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS) &&
           option(socket, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS) &&
           zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &reply_bytes_max, sizeof(reply_bytes_max)) == 0;
}

static int system_code(void)
{
    return errno == ENOMEM ? RETAIN_NO_MEMORY : RETAIN_SYSTEM;
}

static int monitor_open(struct rt_channel *channel, void *context)
{
    char address[64];

    snprintf(address, sizeof(address), "inproc://retain-monitor-%p", channel->socket);
    if (zmq_socket_monitor(channel->socket, address,
                           ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED) != 0)
        return system_code();
    channel->monitor = zmq_socket(context, ZMQ_PAIR);
    if (channel->monitor == NULL || !option(channel->monitor, ZMQ_LINGER, 0) ||
        zmq_connect(channel->monitor, address) != 0)
        return system_code();
    return RETAIN_OK;
}

int rt_channel_open(struct rt_channel *channel, void *context, const char *address,
                    const struct rt_client_key *key)
{
    int code;

    *channel = (struct rt_channel){.socket = zmq_socket(context, ZMQ_DEALER)};
    if (channel->socket == NULL)
        return system_code();
    code = options_set(channel->socket) && rt_client_key_show(key, channel->socket)
               ? monitor_open(channel, context)
               : system_code();
    if (code == RETAIN_OK && zmq_connect(channel->socket, address) != 0)
        code = RETAIN_BAD_ADDRESS;
    if (code != RETAIN_OK)
        rt_channel_close(channel);
    return code;
}

void rt_channel_close(struct rt_channel *channel)
{
    if (channel->socket != NULL) {
        zmq_socket_monitor(channel->socket, NULL, 0);
        zmq_close(channel->socket);
    }
    if (channel->monitor != NULL)
        zmq_close(channel->monitor);
    *channel = (struct rt_channel){0};
}

bool rt_channel_send(struct rt_channel *channel, uint64_t number, struct rt_span payload)
{
    if (zmq_send(channel->socket, &number, sizeof(number), ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
        return false;
    /* the pipe took the first frame, so it takes the rest: libzmq never ends between frames for
     * want of room */
    return zmq_send(channel->socket, payload.data, payload.size, ZMQ_DONTWAIT) >= 0;
}

bool rt_channel_can_send(struct rt_channel *channel)
{
    int events = 0;
    size_t size = sizeof(events);

    return zmq_getsockopt(channel->socket, ZMQ_EVENTS, &events, &size) == 0 &&
           (events & ZMQ_POLLOUT) != 0;
}

/* Takes the rest of a message that is not what we expect. */
static void drop_rest(void *socket, zmq_msg_t *frame)
{
    while (zmq_msg_more(frame)) {
        zmq_msg_close(frame);
        zmq_msg_init(frame);
        if (zmq_msg_recv(frame, socket, ZMQ_DONTWAIT) < 0)
            break;
    }
    zmq_msg_close(frame);
}

/* One whole message of exactly [number][payload]. 1, 0: dropped another, -1: none. */
static int receive_one(void *socket, zmq_msg_t *frame, uint64_t *number)
{
    zmq_msg_init(frame);
    if (zmq_msg_recv(frame, socket, ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(frame);
        return -1;
    }
    if (zmq_msg_size(frame) != sizeof(*number) || !zmq_msg_more(frame)) {
        drop_rest(socket, frame);
        return 0;
    }
    memcpy(number, zmq_msg_data(frame), sizeof(*number));
    zmq_msg_close(frame);
    zmq_msg_init(frame);
    if (zmq_msg_recv(frame, socket, ZMQ_DONTWAIT) < 0 || zmq_msg_more(frame)) {
        drop_rest(socket, frame);
        return 0;
    }
    return 1;
}

bool rt_channel_receive(struct rt_channel *channel, struct rt_incoming *incoming, uint64_t *number,
                        struct rt_span *payload)
{
    zmq_msg_t *frame = (zmq_msg_t *)incoming->message;
    int got;

    do {
        got = receive_one(channel->socket, frame, number);
    } while (got == 0);
    if (got < 0)
        return false;
    *payload = rt_span(zmq_msg_data(frame), zmq_msg_size(frame));
    return true;
}

void rt_channel_release(struct rt_incoming *incoming)
{
    zmq_msg_close((zmq_msg_t *)incoming->message);
}

/* The next event of the monitor; false if there is none. */
static bool monitor_receive(struct rt_channel *channel, uint16_t *event)
{
    zmq_msg_t frame;

    zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, channel->monitor, ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(&frame);
        return false;
    }
    *event = 0;
    if (zmq_msg_size(&frame) >= sizeof(*event))
        memcpy(event, zmq_msg_data(&frame), sizeof(*event));
    drop_rest(channel->monitor, &frame); /* its address */
    return true;
}

/* The word of a break comes before the broken pipe is taken away, and what is sent in between goes
 * down with it. So the handshake that follows a break counts as a break too: what was sent by then
 * may be gone. The pipe is gone for certain once the socket has looked at its commands, which the
 * look at its state makes it do. */
bool rt_channel_lost(struct rt_channel *channel)
{
    bool lost = false;
    uint16_t event;

    while (monitor_receive(channel, &event)) {
        channel->connected = event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
        if (channel->connected) {
            lost = lost || channel->broken;
            channel->broken = false;
        } else {
            lost = channel->broken = true;
        }
    }
    if (lost)
        (void)rt_channel_can_send(channel);
    return lost;
}

void rt_channel_descriptors(const struct rt_channel *channel, int fds[2])
{
    size_t size = sizeof(int);

    (void)zmq_getsockopt(channel->socket, ZMQ_FD, &fds[0], &size);
    size = sizeof(int);
    (void)zmq_getsockopt(channel->monitor, ZMQ_FD, &fds[1], &size);
}

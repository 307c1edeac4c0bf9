/* libzmq, as far as the daemon uses it, between its sockets and the driver. ZMQ_FD signals an edge: it
 * is readable once something has come since the last look at ZMQ_EVENTS or the last send (which
 * swallows it). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "tests/sim/system/os.h"

enum { SOCKETS = 64, WAITING = 4096, ADDRESS = 128 };

struct waiting {
    struct waiting *next;
    struct os_message message; /* its bytes follow */
    unsigned taken;            /* frames */
};

struct socket {
    int type, fd;
    char address[ADDRESS];
    struct waiting *oldest, **newest;
    size_t count;
    bool edge, more;
    struct os_process *owner;
    struct os_message sending;
    uint8_t *parts[OS_FRAMES];
};

static struct socket *sockets[SOCKETS];
static os_heard *heard_by;

void *__wrap_zmq_ctx_new(void);
int __wrap_zmq_ctx_term(void *context);
void *__wrap_zmq_socket(void *context, int type);
int __wrap_zmq_close(void *socket);
int __wrap_zmq_bind(void *socket, const char *address);
int __wrap_zmq_connect(void *socket, const char *address);
int __wrap_zmq_socket_monitor(void *socket, const char *address, int events);
int __wrap_zmq_setsockopt(void *socket, int option, const void *value, size_t size);
int __wrap_zmq_getsockopt(void *socket, int option, void *value, size_t *size);
int __wrap_zmq_msg_recv(zmq_msg_t *message, void *socket, int flags);
int __wrap_zmq_msg_more(const zmq_msg_t *message);
int __wrap_zmq_send(void *socket, const void *data, size_t size, int flags);
int __wrap_zmq_msg_send(zmq_msg_t *message, void *socket, int flags);

/* ---- for the driver -------------------------------------------------------------------------- */

void os_sockets_hear(os_heard *heard)
{
    heard_by = heard;
}

static struct socket *bound_to(const char *address)
{
    for (unsigned i = 0; i < SOCKETS; i++)
        if (sockets[i] != NULL && os_alive(sockets[i]->owner) &&
            strcmp(sockets[i]->address, address) == 0)
            return sockets[i];
    return NULL;
}

static struct waiting *copy(const struct os_message *message)
{
    size_t size = 0;
    struct waiting *waiting;
    uint8_t *at;

    for (unsigned i = 0; i < message->count; i++)
        size += message->frames[i].size;
    waiting = malloc(sizeof(*waiting) + size);
    OS_CHECK(waiting != NULL, "no memory for a message");
    *waiting = (struct waiting){.message = *message};
    at = (uint8_t *)(waiting + 1);
    for (unsigned i = 0; i < message->count; i++) {
        memcpy(at, message->frames[i].data, message->frames[i].size);
        waiting->message.frames[i].data = at;
        at += message->frames[i].size;
    }
    return waiting;
}

bool os_sockets_put(const char *address, const struct os_message *message)
{
    struct socket *socket = bound_to(address);
    struct waiting *waiting;

    if (socket == NULL || socket->count >= WAITING)
        return false;
    waiting = copy(message);
    *socket->newest = waiting;
    socket->newest = &waiting->next;
    socket->count++;
    socket->edge = true;
    return true;
}

size_t os_sockets_waiting(const char *address)
{
    struct socket *socket = bound_to(address);

    return socket == NULL ? 0 : socket->count;
}

/* ---- the library ----------------------------------------------------------------------------- */

void *__wrap_zmq_ctx_new(void)
{
    return sockets; /* never looked into */
}

int __wrap_zmq_ctx_term(void *context)
{
    (void)context;
    return 0;
}

static bool has_edge(void *context)
{
    return ((struct socket *)context)->edge;
}

void *__wrap_zmq_socket(void *context, int type)
{
    struct socket *socket = calloc(1, sizeof(*socket));
    unsigned slot = 0;

    (void)context;
    while (slot < SOCKETS && sockets[slot] != NULL && os_alive(sockets[slot]->owner))
        slot++;
    OS_CHECK(socket != NULL && slot < SOCKETS, "too many sockets");
    socket->type = type;
    socket->owner = os_running();
    socket->newest = &socket->oldest;
    socket->fd = os_fd_of(has_edge, socket);
    sockets[slot] = socket;
    return socket;
}

static void drop_oldest(struct socket *socket)
{
    struct waiting *waiting = socket->oldest;

    socket->oldest = waiting->next;
    if (socket->oldest == NULL)
        socket->newest = &socket->oldest;
    socket->count--;
    free(waiting);
}

int __wrap_zmq_close(void *closed)
{
    struct socket *socket = closed;

    for (unsigned i = 0; i < SOCKETS; i++)
        if (sockets[i] == socket)
            sockets[i] = NULL;
    while (socket->oldest != NULL)
        drop_oldest(socket);
    os_fd_forget(socket->fd);
    free(socket);
    return 0;
}

int __wrap_zmq_bind(void *bound, const char *address)
{
    struct socket *socket = bound;

    if (bound_to(address) != NULL) {
        errno = EADDRINUSE;
        return -1;
    }
    snprintf(socket->address, sizeof(socket->address), "%s", address);
    return 0;
}

/* Within the process: nobody tells a monitor anything, connections are not simulated. */
int __wrap_zmq_connect(void *socket, const char *address)
{
    (void)socket;
    (void)address;
    return 0;
}

int __wrap_zmq_socket_monitor(void *socket, const char *address, int events)
{
    (void)socket;
    (void)address;
    (void)events;
    return 0;
}

int __wrap_zmq_setsockopt(void *socket, int option, const void *value, size_t size)
{
    (void)socket;
    (void)option;
    (void)value;
    (void)size;
    return 0;
}

int __wrap_zmq_getsockopt(void *asked, int option, void *value, size_t *size)
{
    struct socket *socket = asked;

    switch (option) {
    case ZMQ_FD:
        *(int *)value = socket->fd;
        return 0;
    case ZMQ_EVENTS:
        socket->edge = false;
        *(int *)value = (socket->count > 0 ? ZMQ_POLLIN : 0) | ZMQ_POLLOUT;
        return 0;
    case ZMQ_LAST_ENDPOINT:
        snprintf(value, *size, "%s", socket->address);
        return 0;
    default:
        errno = EINVAL;
        return -1;
    }
}

int __wrap_zmq_msg_recv(zmq_msg_t *message, void *from, int flags)
{
    struct socket *socket = from;
    struct os_frame *frame;

    (void)flags;
    os_yield();
    if (socket->oldest == NULL) {
        errno = EAGAIN;
        return -1;
    }
    frame = &socket->oldest->message.frames[socket->oldest->taken++];
    zmq_msg_close(message);
    OS_CHECK(zmq_msg_init_size(message, frame->size) == 0, "no memory for a message");
    memcpy(zmq_msg_data(message), frame->data, frame->size);
    socket->more = socket->oldest->taken < socket->oldest->message.count;
    if (!socket->more)
        drop_oldest(socket);
    return (int)zmq_msg_size(message);
}

/* Asked right after a receive, with nothing in between. */
int __wrap_zmq_msg_more(const zmq_msg_t *message)
{
    (void)message;
    for (unsigned i = 0; i < SOCKETS; i++)
        if (sockets[i] != NULL && sockets[i]->owner == os_running() && sockets[i]->more)
            return 1;
    return 0;
}

static void forget_parts(struct socket *socket)
{
    for (unsigned i = 0; i < socket->sending.count; i++)
        free(socket->parts[i]);
    socket->sending.count = 0;
}

int __wrap_zmq_send(void *to, const void *data, size_t size, int flags)
{
    struct socket *socket = to;
    unsigned place = socket->sending.count;

    OS_CHECK(place < OS_FRAMES, "a message of too many frames");
    socket->parts[place] = malloc(size + 1);
    OS_CHECK(socket->parts[place] != NULL, "no memory for a message");
    memcpy(socket->parts[place], data, size);
    socket->sending.frames[place] = (struct os_frame){socket->parts[place], size};
    socket->sending.count++;
    socket->edge = false;
    if (!(flags & ZMQ_SNDMORE)) {
        heard_by(socket->address, &socket->sending);
        forget_parts(socket);
        os_yield();
    }
    return (int)size;
}

int __wrap_zmq_msg_send(zmq_msg_t *message, void *socket, int flags)
{
    int size = __wrap_zmq_send(socket, zmq_msg_data(message), zmq_msg_size(message), flags);

    zmq_msg_close(message);
    return size;
}

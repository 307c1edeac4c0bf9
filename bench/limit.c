/* The limit: a miniature of retaind's own pipeline that does nothing but carry bytes to the disk.
 *
 * Messages come in over a ROUTER socket, are copied once into a batch, go over a socketpair to a
 * worker process, which writes what is there into space that is zeroed and used again, syncs it
 * once and says how many messages it was; then they are answered, and those whose tag says so are
 * published as an alert. Nobody looks at an event: no checks, no accounts, no identities, and after
 * a crash nobody could read it back. What retaind reaches of this figure is what its promises cost.
 *
 *   limit DIR EVENTS ALERTS       endpoints as for ZeroMQ; DIR/endpoints says which it got
 *
 * LIMIT_SECRET (Z85) makes it speak CURVE and let everyone in. Ends with SIGTERM, or with status 1 and
 * a line on standard error if anything fails. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <signal.h>
#include <unistd.h>

#include <zmq.h>

#include "protocol/batch.h"

enum {
    SPACE_BYTES = 64 << 20,
    BATCH_BYTES = 4 << 20,
    LINK_BYTES = 8 << 20,
    WAITING_MAX = 1 << 20, /* messages unanswered, a power of two */
    PUMP = 256,            /* messages taken before the link is served again */
    ALERT_BYTES = 600,     /* as large as one of retaind's */
};

#define ALERT_BIT (UINT64_C(1) << 63)

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "limit: %s: %s\n", what, zmq_strerror(errno));
    exit(1);
}

/* ---- the worker ------------------------------------------------------------------------------ */

static int zeroed_space(const char *directory)
{
    static char zeros[1 << 20];
    char path[512];
    int file;

    snprintf(path, sizeof(path), "%s/space", directory);
    file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0)
        fail(path);
    for (size_t done = 0; done < SPACE_BYTES; done += sizeof(zeros))
        if (write(file, zeros, sizeof(zeros)) != (ssize_t)sizeof(zeros))
            fail(path);
    if (fdatasync(file) != 0)
        fail(path);
    return file;
}

/* Bytes of whole messages (u32 size, then so many) at the start, and how many they are. */
static size_t whole(const uint8_t *bytes, size_t size, uint32_t *messages)
{
    size_t at = 0;
    uint32_t length;

    for (*messages = 0; size - at >= sizeof(length); ++*messages) {
        memcpy(&length, bytes + at, sizeof(length));
        if (size - at - sizeof(length) < length)
            break;
        at += sizeof(length) + length;
    }
    return at;
}

static _Noreturn void work(const char *directory, int link)
{
    static uint8_t batch[BATCH_BYTES];
    size_t held = 0, place = 0;
    int file = zeroed_space(directory);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        ssize_t got = read(link, batch + held, sizeof(batch) - held);
        uint32_t messages;
        size_t size;

        if (got <= 0)
            exit(0);
        held += (size_t)got;
        size = whole(batch, held, &messages);
        if (messages == 0)
            continue;
        if (place + size > SPACE_BYTES)
            place = 0;
        if (pwrite(file, batch, size, (off_t)place) != (ssize_t)size || fdatasync(file) != 0)
            fail("write");
        place += size;
        memmove(batch, batch + size, held - size);
        held -= size;
        if (write(link, &messages, sizeof(messages)) != (ssize_t)sizeof(messages))
            fail("link");
    }
}

/* ---- the daemon ------------------------------------------------------------------------------ */

/* A message that waits for the disk: whom to answer, and what. */
struct waiting {
    zmq_msg_t peer, tag;
    uint32_t events;
};

struct limit {
    void *events, *alerts;
    int link;
    struct waiting *waiting; /* a ring */
    uint64_t first, next;
    struct rt_buffer out; /* for the link */
    size_t sent;
    struct rt_buffer reply;
};

/* As many as the payload's first byte or bytes say. */
static uint32_t count_events(const uint8_t *payload, size_t size)
{
    if (size >= 1 && (payload[0] & 0xf0) == 0x90)
        return payload[0] & 15;
    if (size >= 3 && payload[0] == 0xdc)
        return (uint32_t)payload[1] << 8 | payload[2];
    return 1;
}

/* False if no message is there. */
static bool take_message(struct limit *limit)
{
    struct waiting *waiting = &limit->waiting[limit->next & (WAITING_MAX - 1)];
    zmq_msg_t payload;
    uint32_t size;

    if (limit->next - limit->first == WAITING_MAX)
        return false;
    zmq_msg_init(&waiting->peer);
    if (zmq_msg_recv(&waiting->peer, limit->events, ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(&waiting->peer);
        return false;
    }
    zmq_msg_init(&waiting->tag);
    zmq_msg_init(&payload);
    if (zmq_msg_recv(&waiting->tag, limit->events, 0) < 0 ||
        zmq_msg_recv(&payload, limit->events, 0) < 0)
        fail("receive");
    size = (uint32_t)zmq_msg_size(&payload);
    waiting->events = count_events(zmq_msg_data(&payload), size);
    rt_buffer_append(&limit->out, &size, sizeof(size));
    rt_buffer_append(&limit->out, zmq_msg_data(&payload), size);
    zmq_msg_close(&payload);
    if (limit->out.failed)
        fail("memory");
    limit->next++;
    return true;
}

static bool take_messages(struct limit *limit)
{
    int taken = 0;

    while (taken < PUMP && limit->out.size - limit->sent < BATCH_BYTES && take_message(limit))
        taken++;
    return taken > 0;
}

static void serve_link(struct limit *limit)
{
    ssize_t sent;

    if (limit->out.size == limit->sent)
        return;
    sent = send(limit->link, limit->out.data + limit->sent, limit->out.size - limit->sent,
                MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN)
        fail("link");
    limit->sent += sent > 0 ? (size_t)sent : 0;
    if (limit->sent == limit->out.size) {
        rt_buffer_clear(&limit->out);
        limit->sent = 0;
    }
}

static void publish(struct limit *limit, zmq_msg_t *tag)
{
    static char payload[ALERT_BYTES];
    uint64_t number;
    char topic[80];
    int size;

    if (zmq_msg_size(tag) != sizeof(number))
        return;
    memcpy(&number, zmq_msg_data(tag), sizeof(number));
    if ((number & ALERT_BIT) == 0)
        return;
    size = snprintf(topic, sizeof(topic), "alert.critical.ticket_overdue.lat-0-%llu",
                    (unsigned long long)(number & ~ALERT_BIT));
    zmq_send(limit->alerts, topic, (size_t)size, ZMQ_SNDMORE);
    zmq_send(limit->alerts, payload, sizeof(payload), 0);
}

static void answer(struct limit *limit, struct waiting *waiting)
{
    zmq_msg_t message;

    publish(limit, &waiting->tag);
    rt_buffer_clear(&limit->reply);
    rt_push_reply_begin(&limit->reply, waiting->events, 0, 0);
    zmq_msg_init_size(&message, limit->reply.size);
    memcpy(zmq_msg_data(&message), limit->reply.data, limit->reply.size);
    if (zmq_msg_send(&waiting->peer, limit->events, ZMQ_SNDMORE) < 0 ||
        zmq_msg_send(&waiting->tag, limit->events, ZMQ_SNDMORE) < 0 ||
        zmq_msg_send(&message, limit->events, 0) < 0)
        fail("answer");
}

static void take_commits(struct limit *limit)
{
    uint32_t counts[64];
    ssize_t got = recv(limit->link, counts, sizeof(counts), MSG_DONTWAIT);

    if (got == 0 || (got < 0 && errno != EAGAIN))
        fail("the worker is gone");
    for (size_t i = 0; got > 0 && i < (size_t)got / sizeof(*counts); i++)
        for (; counts[i] > 0; counts[i]--)
            answer(limit, &limit->waiting[limit->first++ & (WAITING_MAX - 1)]);
}

static bool is_readable(void *socket)
{
    int events;
    size_t size = sizeof(events);

    if (zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size) != 0)
        fail("events");
    return (events & ZMQ_POLLIN) != 0;
}

static _Noreturn void serve(struct limit *limit)
{
    struct pollfd fds[3] = {{.events = POLLIN}, {.events = POLLIN}, {.fd = limit->link}};
    size_t size = sizeof(int);

    zmq_getsockopt(limit->events, ZMQ_FD, &fds[0].fd, &size);
    zmq_getsockopt(limit->alerts, ZMQ_FD, &fds[1].fd, &size);
    for (;;) {
        bool busy = take_messages(limit);

        serve_link(limit);
        take_commits(limit);
        is_readable(limit->alerts); /* lets it see its subscribers */
        fds[2].events = (short)(limit->out.size > limit->sent ? POLLIN | POLLOUT : POLLIN);
        if (!busy && !(is_readable(limit->events) && limit->next - limit->first < WAITING_MAX &&
                       limit->out.size - limit->sent < BATCH_BYTES))
            poll(fds, 3, 100);
    }
}

static void *bind_socket(void *context, int type, const char *address)
{
    void *socket = zmq_socket(context, type);
    const char *secret = getenv("LIMIT_SECRET");
    int none = 0, one = 1;

    zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof(none));
    zmq_setsockopt(socket, ZMQ_SNDHWM, &none, sizeof(none));
    if (secret != NULL) {
        zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &one, sizeof(one));
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret, strlen(secret));
    }
    if (zmq_bind(socket, address) != 0)
        fail(address);
    return socket;
}

static void write_endpoints(const char *directory, void *events, void *alerts)
{
    char path[512], made[512], one[256], two[256];
    size_t size = sizeof(one);
    FILE *file;

    snprintf(path, sizeof(path), "%s/endpoints", directory);
    snprintf(made, sizeof(made), "%s/endpoints.new", directory);
    zmq_getsockopt(events, ZMQ_LAST_ENDPOINT, one, &size);
    size = sizeof(two);
    zmq_getsockopt(alerts, ZMQ_LAST_ENDPOINT, two, &size);
    file = fopen(made, "w");
    if (file == NULL || fprintf(file, "events %s\nalerts %s\n", one, two) < 0 ||
        fclose(file) != 0 || rename(made, path) != 0)
        fail(path);
}

int main(int argc, char **argv)
{
    struct limit limit = {0};
    int ends[2], bytes = LINK_BYTES;
    void *context;

    if (argc != 4) {
        fprintf(stderr, "usage: limit DIR EVENTS ALERTS\n");
        return 2;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        fail("link");
    if (setsockopt(ends[0], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) != 0)
        setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    switch (fork()) {
    case -1:
        fail("fork");
    case 0:
        close(ends[0]);
        work(argv[1], ends[1]);
    }
    close(ends[1]);
    limit.link = ends[0];
    limit.waiting = calloc(WAITING_MAX, sizeof(*limit.waiting));
    context = zmq_ctx_new();
    if (limit.waiting == NULL || context == NULL)
        fail("memory");
    limit.events = bind_socket(context, ZMQ_ROUTER, argv[2]);
    limit.alerts = bind_socket(context, ZMQ_PUB, argv[3]);
    write_endpoints(argv[1], limit.events, limit.alerts);
    serve(&limit);
}

/* Descriptors that are not files: streams between processes, eventfds, timerfds, and the readiness of
 * sockets. A stream delivers what was written in pieces, after a while, in order; a reader gets part
 * of what is there, a writer gets rid of part of what it has. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "protocol/link.h"
#include "tests/sim/system/os.h"

enum { FDS = 4096, MS = 1000000 };

enum kind { FREE, STREAM, EVENT, TIMER, OTHER };

struct stream { /* one direction */
    uint8_t *bytes;
    size_t size, capacity, limit;
    size_t arrived; /* of size: can be read */
    bool delivering;
    bool writer_gone, reader_gone, lost; /* lost: the reader gets an error once */
    int64_t stalled_until;
    unsigned users;
};

struct descriptor {
    enum kind kind;
    struct os_process *owner;
    struct stream *in, *out; /* STREAM */
    uint64_t count;          /* EVENT */
    int64_t expires;         /* TIMER: wall, ns; 0: not armed */
    bool canceled;
    os_ready *ready; /* OTHER */
    void *context;
};

static struct descriptor table[FDS];
static unsigned used;

/* The descriptor of that number in the running process; NULL: the host's. */
static struct descriptor *descriptor_of(int fd)
{
    if (os_running() != NULL && fd == RT_LINK_FD && os_link(os_running()) >= 0)
        fd = os_link(os_running());
    if (fd < OS_FD_FIRST)
        return NULL;
    OS_CHECK(fd - OS_FD_FIRST < (int)used && table[fd - OS_FD_FIRST].kind != FREE,
             "descriptor %d is not open", fd - OS_FD_FIRST);
    return &table[fd - OS_FD_FIRST];
}

/* Numbers are not used again: a stale one is noticed. */
static int new_descriptor(enum kind kind)
{
    OS_CHECK(used < FDS, "too many descriptors");
    table[used] = (struct descriptor){.kind = kind, .owner = os_running()};
    return OS_FD_FIRST + (int)used++;
}

/* ---- streams --------------------------------------------------------------------------------- */

static void stream_release(struct stream *stream)
{
    if (--stream->users == 0) {
        free(stream->bytes);
        free(stream);
    }
}

static void deliver(void *context);

static void deliver_later(struct stream *stream)
{
    int64_t delay = (int64_t)os_draw(os_chance(20) ? 20 * MS : MS / 5);

    if (stream->delivering || stream->arrived == stream->size)
        return;
    stream->delivering = true;
    stream->users++;
    os_at((stream->stalled_until > os_now_ns() ? stream->stalled_until : os_now_ns()) + delay,
          deliver, stream);
}

static void deliver(void *context)
{
    struct stream *stream = context;
    size_t more = stream->size - stream->arrived;

    stream->delivering = false;
    if (stream->stalled_until <= os_now_ns())
        stream->arrived += more > 0 && os_chance(3) ? 1 + (size_t)os_draw(more) : more;
    deliver_later(stream);
    stream_release(stream);
}

static struct stream *stream_new(size_t limit)
{
    struct stream *stream = calloc(1, sizeof(*stream));

    OS_CHECK(stream != NULL, "no memory for a stream");
    stream->limit = limit;
    stream->users = 2;
    return stream;
}

void os_pair(int ends[2])
{
    size_t limit = os_chance(3) ? 4096 + (size_t)os_draw(60000) : 4 << 20;
    struct stream *there = stream_new(limit), *back = stream_new(limit);

    ends[0] = new_descriptor(STREAM);
    ends[1] = new_descriptor(STREAM);
    table[ends[0] - OS_FD_FIRST].in = table[ends[1] - OS_FD_FIRST].out = there;
    table[ends[0] - OS_FD_FIRST].out = table[ends[1] - OS_FD_FIRST].in = back;
}

static ssize_t stream_read(struct stream *stream, void *to, size_t size)
{
    size_t part = stream->arrived < size ? stream->arrived : size;

    if (part == 0) {
        if (!stream->writer_gone) {
            errno = EAGAIN;
            return -1;
        }
        if (stream->lost) {
            stream->lost = false;
            errno = ECONNRESET;
            return -1;
        }
        return 0;
    }
    if (os_chance(4))
        part = 1 + (size_t)os_draw(part);
    memcpy(to, stream->bytes, part);
    memmove(stream->bytes, stream->bytes + part, stream->size - part);
    stream->size -= part;
    stream->arrived -= part;
    return (ssize_t)part;
}

static ssize_t stream_write(struct stream *stream, const void *from, size_t size)
{
    size_t room = stream->limit - stream->size;

    if (stream->reader_gone) {
        errno = EPIPE;
        return -1;
    }
    if (room == 0) {
        errno = EAGAIN;
        return -1;
    }
    if (size > room)
        size = room;
    if (size > 1 && os_chance(8))
        size = 1 + (size_t)os_draw(size);
    if (stream->capacity < stream->size + size) {
        stream->capacity = stream->size + size + 4096;
        stream->bytes = realloc(stream->bytes, stream->capacity);
        OS_CHECK(stream->bytes != NULL, "no memory for a stream");
    }
    memcpy(stream->bytes + stream->size, from, size);
    stream->size += size;
    deliver_later(stream);
    return (ssize_t)size;
}

/* What was written before stays readable, at once; what nobody has read is an error to its writer. */
static void close_stream(struct descriptor *descriptor)
{
    struct stream *in = descriptor->in, *out = descriptor->out;

    out->arrived = out->size;
    out->writer_gone = true;
    in->reader_gone = true;
    if (in->size > 0)
        out->lost = true;
    stream_release(in);
    stream_release(out);
}

void os_cut(int fd)
{
    struct descriptor *descriptor = &table[fd - OS_FD_FIRST];

    if (descriptor->kind != STREAM)
        return;
    descriptor->in->size = descriptor->in->arrived;
    descriptor->in->writer_gone = descriptor->in->reader_gone = true;
    descriptor->out->size = descriptor->out->arrived;
    descriptor->out->writer_gone = descriptor->out->reader_gone = true;
}

void os_stall(int fd, int64_t ns)
{
    struct descriptor *descriptor = &table[fd - OS_FD_FIRST];

    if (descriptor->kind == STREAM)
        descriptor->in->stalled_until = descriptor->out->stalled_until = os_now_ns() + ns;
}

/* ---- all descriptors ------------------------------------------------------------------------- */

void os_give(int fd, struct os_process *process)
{
    table[fd - OS_FD_FIRST].owner = process;
}

int os_fd_of(os_ready *ready, void *context)
{
    int fd = new_descriptor(OTHER);

    table[fd - OS_FD_FIRST].ready = ready;
    table[fd - OS_FD_FIRST].context = context;
    return fd;
}

void os_fd_forget(int fd)
{
    table[fd - OS_FD_FIRST].kind = FREE;
}

static void close_descriptor(struct descriptor *descriptor)
{
    if (descriptor->kind == STREAM)
        close_stream(descriptor);
    descriptor->kind = FREE;
}

void os_close_all(struct os_process *process)
{
    for (unsigned i = 0; i < used; i++)
        if (table[i].kind != FREE && table[i].owner == process)
            close_descriptor(&table[i]);
}

void os_wall_was_set(void)
{
    for (unsigned i = 0; i < used; i++)
        if (table[i].kind == TIMER && table[i].expires != 0)
            table[i].canceled = true;
}

static bool readable(const struct descriptor *descriptor)
{
    switch (descriptor->kind) {
    case STREAM:
        return descriptor->in->arrived > 0 || descriptor->in->writer_gone;
    case EVENT:
        return descriptor->count > 0;
    case TIMER:
        return descriptor->canceled ||
               (descriptor->expires != 0 && os_wall_ns() >= descriptor->expires);
    default:
        return descriptor->ready(descriptor->context);
    }
}

bool os_readable(int fd)
{
    return readable(descriptor_of(fd));
}

bool os_writable(int fd)
{
    const struct descriptor *descriptor = descriptor_of(fd);

    return descriptor->kind == STREAM &&
           (descriptor->out->size < descriptor->out->limit || descriptor->out->reader_gone);
}

/* ---- system calls ---------------------------------------------------------------------------- */

ssize_t __real_read(int fd, void *to, size_t size);
ssize_t __wrap_read(int fd, void *to, size_t size);
ssize_t __real_write(int fd, const void *from, size_t size);
ssize_t __wrap_write(int fd, const void *from, size_t size);
ssize_t __wrap_recv(int fd, void *to, size_t size, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
int __real_close(int fd);
int __wrap_close(int fd);
int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_eventfd(unsigned count, int flags);
int __wrap_timerfd_create(clockid_t clock, int flags);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *when,
                           struct itimerspec *before);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);

static ssize_t read_count(struct descriptor *descriptor, void *to)
{
    uint64_t count = descriptor->kind == EVENT ? descriptor->count : 1;

    if (!readable(descriptor)) {
        errno = EAGAIN;
        return -1;
    }
    if (descriptor->kind == TIMER) {
        bool canceled = descriptor->canceled;

        descriptor->canceled = false;
        if (!canceled)
            descriptor->expires = 0;
        errno = ECANCELED;
        if (canceled)
            return -1;
    }
    descriptor->count = 0;
    memcpy(to, &count, sizeof(count));
    return sizeof(count);
}

ssize_t __wrap_read(int fd, void *to, size_t size)
{
    struct descriptor *descriptor = descriptor_of(fd);

    if (descriptor == NULL)
        return __real_read(fd, to, size);
    os_yield();
    return descriptor->kind == STREAM ? stream_read(descriptor->in, to, size)
                                      : read_count(descriptor, to);
}

/* What a program says on its standard error is a line of the trace. */
ssize_t __wrap_write(int fd, const void *from, size_t size)
{
    struct descriptor *descriptor = descriptor_of(fd);

    if (descriptor == NULL && fd == STDERR_FILENO && os_running() != NULL) {
        os_trace("| %.*s", (int)size, (const char *)from);
        return (ssize_t)size;
    }
    if (descriptor == NULL)
        return __real_write(fd, from, size);
    os_yield();
    if (descriptor->kind == STREAM)
        return stream_write(descriptor->out, from, size);
    descriptor->count += *(const uint64_t *)from;
    return (ssize_t)size;
}

ssize_t __wrap_recv(int fd, void *to, size_t size, int flags)
{
    (void)flags;
    return __wrap_read(fd, to, size);
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
    ssize_t all = 0;

    (void)flags;
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        const struct iovec *piece = &message->msg_iov[i];
        ssize_t part = stream_write(descriptor_of(fd)->out, piece->iov_base, piece->iov_len);

        if (part < 0)
            return all > 0 ? all : part;
        all += part;
        if ((size_t)part < piece->iov_len)
            break;
    }
    os_yield();
    return all;
}

int __wrap_close(int fd)
{
    struct descriptor *descriptor = descriptor_of(fd);

    if (descriptor == NULL) {
        os_unlock(fd);
        return __real_close(fd);
    }
    close_descriptor(descriptor);
    return 0;
}

int __wrap_fcntl(int fd, int command, ...)
{
    va_list arguments;
    long argument;

    if (descriptor_of(fd) != NULL)
        return 0;
    va_start(arguments, command);
    argument = va_arg(arguments, long);
    va_end(arguments);
    return __real_fcntl(fd, command, argument);
}

int __wrap_eventfd(unsigned count, int flags)
{
    int fd = new_descriptor(EVENT);

    (void)flags;
    table[fd - OS_FD_FIRST].count = count;
    return fd;
}

int __wrap_timerfd_create(clockid_t clock, int flags)
{
    (void)flags;
    OS_CHECK(clock == CLOCK_REALTIME, "a timer of another clock");
    return new_descriptor(TIMER);
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *when,
                           struct itimerspec *before)
{
    struct descriptor *descriptor = descriptor_of(fd);

    (void)before;
    OS_CHECK(flags & TFD_TIMER_ABSTIME, "a timer that is not absolute");
    descriptor->expires = (int64_t)when->it_value.tv_sec * 1000000000 + when->it_value.tv_nsec;
    descriptor->canceled = false;
    return 0;
}

struct polled {
    struct pollfd *fds;
    nfds_t count;
};

static bool any_ready(void *context)
{
    struct polled *polled = context;
    bool any = false;

    for (nfds_t i = 0; i < polled->count; i++) {
        struct pollfd *one = &polled->fds[i];

        one->revents = 0;
        if ((one->events & POLLIN) && os_readable(one->fd))
            one->revents |= POLLIN;
        if ((one->events & POLLOUT) && os_writable(one->fd))
            one->revents |= POLLOUT;
        any = any || one->revents != 0;
    }
    return any;
}

/* A timer moves with the wall clock, which wakes whoever waits for it when it is set. */
static int64_t earliest(const struct polled *polled, int64_t until)
{
    for (nfds_t i = 0; i < polled->count; i++) {
        const struct descriptor *descriptor = descriptor_of(polled->fds[i].fd);

        if (descriptor->kind == TIMER && descriptor->expires != 0) {
            int64_t at = os_now_ns() + (descriptor->expires - os_wall_ns());

            until = at < until ? at : until;
        }
    }
    return until;
}

/* The link of the running process has another number for everybody else: predicates are called from
 * the scheduler. */
static void resolve(struct pollfd *fds, nfds_t count)
{
    for (nfds_t i = 0; i < count; i++)
        if (fds[i].fd == RT_LINK_FD)
            fds[i].fd = os_link(os_running());
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
    struct polled polled = {fds, count};
    int64_t end = timeout < 0 ? INT64_MAX : os_now_ns() + (int64_t)timeout * MS;
    int ready = 0;

    resolve(fds, count);
    if (timeout == 0 || any_ready(&polled))
        os_wait(NULL, NULL, os_now_ns());
    while (!any_ready(&polled) && os_now_ns() < end)
        os_wait(any_ready, &polled, earliest(&polled, end));
    any_ready(&polled);
    for (nfds_t i = 0; i < count; i++)
        ready += fds[i].revents != 0;
    return ready;
}

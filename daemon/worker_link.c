/* See worker_link.h.
 *
 * Write: the rest of a frame begun, then control frames, then the window's frames while the worker
 * is ready. Failure modes: the worker is gone (EPIPE, ECONNRESET, end of file) or sends what is no
 * frame: one path, rt_supervisor_link_ended. */
#include "daemon/worker_link.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/daemon.h"
#include "daemon/supervisor.h"
#include "protocol/assert.h"

enum { READ_BYTES = 256 << 10, READS = 8, PIECES = 64, INPUT_KEPT = 1 << 20 };

static void on_readable(evutil_socket_t descriptor, short what, void *context);
static void on_writable(evutil_socket_t descriptor, short what, void *context);

bool rt_worker_link_open(struct rt_worker *worker, int descriptor)
{
    struct rt_worker_link *link = &worker->link;
    struct event_base *base = worker->daemon->base;

    link->descriptor = descriptor;
    link->readable = event_new(base, descriptor, EV_READ | EV_PERSIST, on_readable, worker);
    link->writable = event_new(base, descriptor, EV_WRITE, on_writable, worker);
    if (link->readable != NULL && link->writable != NULL && event_add(link->readable, NULL) == 0) {
        return true;
    }
    rt_worker_link_close(worker);
    return false;
}

void rt_worker_link_close(struct rt_worker *worker)
{
    struct rt_worker_link *link = &worker->link;

    if (link->readable != NULL) {
        event_free(link->readable);
    }
    if (link->writable != NULL) {
        event_free(link->writable);
    }
    if (link->descriptor >= 0) {
        close(link->descriptor);
    }
    link->readable = link->writable = NULL;
    link->descriptor = -1;
    link->waiting = link->deaf = false;
    link->control_written = 0;
    rt_buffer_free(&link->control);
    rt_buffer_free(&link->input);
}

void rt_worker_link_deafen(struct rt_worker *worker)
{
    worker->link.deaf = true;
    if (worker->link.readable != NULL) {
        event_del(worker->link.readable);
    }
}

void rt_worker_link_control(struct rt_worker *worker, enum rt_link_kind kind, uint8_t flags,
                            uint64_t tag, struct rt_span body)
{
    if (worker->link.descriptor >= 0) {
        rt_link_frame(&worker->link.control, kind, flags, tag, body);
    }
}

static bool window_open(const struct rt_worker *worker)
{
    return worker->state == RT_WORKER_READY && !worker->stopping;
}

/* The pieces of one write. A frame of the window that was begun comes first; *control tells how
 * much of the rest is control. */
static size_t collect(struct rt_worker *worker, struct iovec *pieces, size_t *begun,
                      size_t *control)
{
    struct rt_worker_link *link = &worker->link;
    size_t count = 0;

    *begun = rt_window_begun(&worker->window, &pieces[0]);
    if (*begun > 0) {
        count++;
    }
    *control = link->control.size - link->control_written;
    if (*control > 0) {
        pieces[count++] = (struct iovec){.iov_base = link->control.data + link->control_written,
                                         .iov_len = *control};
    }
    if (count == 0 && window_open(worker)) {
        count = rt_window_pieces(&worker->window, pieces, PIECES);
    }
    return count;
}

static void account_written(struct rt_worker *worker, size_t size, size_t begun, size_t control)
{
    struct rt_worker_link *link = &worker->link;
    size_t part = size < begun ? size : begun;

    rt_window_written(&worker->window, part);
    size -= part;
    part = size < control ? size : control;
    link->control_written += part;
    if (control > 0 && part == control) {
        rt_buffer_clear(&link->control);
        link->control_written = 0;
    }
    rt_window_written(&worker->window, size - part);
}

static void wait_for_room(struct rt_worker *worker)
{
    if (!worker->link.waiting && event_add(worker->link.writable, NULL) == 0) {
        worker->link.waiting = true;
    }
}

/* One write. False when there is nothing more to do now. */
static bool write_some(struct rt_worker *worker)
{
    struct iovec pieces[PIECES];
    struct msghdr message = {.msg_iov = pieces};
    size_t begun, control;
    ssize_t size;

    message.msg_iovlen = collect(worker, pieces, &begun, &control);
    if (message.msg_iovlen == 0) {
        return false;
    }
    size = sendmsg(worker->link.descriptor, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size >= 0) {
        account_written(worker, (size_t)size, begun, control);
        return true;
    }
    if (errno == EINTR) {
        return true;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
        wait_for_room(worker);
    }
    return false; /* a dead link is seen by the reader, after all that the worker still said */
}

void rt_worker_link_flush(struct rt_worker *worker)
{
    if (worker->link.control.failed) {
        rt_supervisor_broken(worker, "out of memory");
        return;
    }
    if (window_open(worker)) {
        rt_ingest_bury_poison(worker);
    }
    while (worker->link.descriptor >= 0 && !worker->link.waiting && write_some(worker)) {
    }
}

static void on_writable(evutil_socket_t descriptor, short what, void *context)
{
    struct rt_worker *worker = context;

    (void)descriptor;
    (void)what;
    worker->link.waiting = false;
    rt_worker_link_flush(worker);
}

/* Handles the whole frames at the front of the input; false if the link is broken. The link is
 * never closed in here. */
static bool handle_frames(struct rt_worker *worker)
{
    struct rt_buffer *input = &worker->link.input;
    size_t at = 0;

    while (input->size - at >= RT_LINK_HEADER) {
        struct rt_link_header header;

        if (!rt_link_header_decode(input->data + at, &header)) {
            rt_supervisor_broken(worker, "it sent what is no frame");
            return false;
        }
        if (input->size - at - RT_LINK_HEADER < header.size) {
            break;
        }
        if (!rt_supervisor_frame(worker, &header,
                                 rt_span(input->data + at + RT_LINK_HEADER, header.size))) {
            rt_supervisor_broken(worker, "it sent a frame that makes no sense");
            return false;
        }
        at += RT_LINK_HEADER + header.size;
    }
    if (at > 0) {
        memmove(input->data, input->data + at, input->size - at);
        input->size -= at;
    }
    return true;
}

static size_t missing_bytes(const struct rt_buffer *input)
{
    struct rt_link_header header;

    if (input->size < RT_LINK_HEADER || !rt_link_header_decode(input->data, &header)) {
        return READ_BYTES;
    }
    return header.size > READ_BYTES ? RT_LINK_HEADER + header.size - input->size : READ_BYTES;
}

/* One read and what it brought. False when there is no more now, or the link is closed. */
static bool read_some(struct rt_worker *worker)
{
    struct rt_worker_link *link = &worker->link;
    struct rt_buffer *input = &link->input;
    size_t room = missing_bytes(input);
    ssize_t size;

    if (!rt_buffer_reserve(input, room)) {
        rt_supervisor_broken(worker, "out of memory");
        return false;
    }
    size = recv(link->descriptor, input->data + input->size, room, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        return false;
    }
    if (size <= 0) {
        rt_supervisor_link_ended(worker);
        return false;
    }
    input->size += (size_t)size;
    link->read_ns = rt_now_ns();
    return handle_frames(worker) && (size_t)size == room;
}

static void shrink(struct rt_buffer *input)
{
    if (input->size == 0 && input->capacity > INPUT_KEPT) {
        rt_buffer_free(input);
    }
}

static void on_readable(evutil_socket_t descriptor, short what, void *context)
{
    struct rt_worker *worker = context;
    int reads = 0;

    (void)descriptor;
    (void)what;
    while (reads++ < READS && read_some(worker)) {
    }
    shrink(&worker->link.input);
    rt_ingest_resume(worker->daemon);
    if (worker->link.descriptor >= 0) {
        rt_worker_link_flush(worker);
    }
}

void rt_worker_link_drain(struct rt_worker *worker)
{
    while (worker->link.descriptor >= 0 && !worker->link.deaf && read_some(worker)) {
    }
    rt_worker_link_close(worker);
}

#include "workers/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { READ_CHUNK = 256 << 10 };

void rt_wire_init(struct rt_wire *wire, int fd)
{
    *wire = (struct rt_wire){.fd = fd};
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

void rt_wire_free(struct rt_wire *wire)
{
    rt_buffer_free(&wire->in);
    rt_buffer_free(&wire->out);
}

/* Moves the unfinished frame to the front, so that the buffer does not grow with what is done. */
static void compact(struct rt_wire *wire)
{
    if (wire->in_at == 0)
        return;
    memmove(wire->in.data, wire->in.data + wire->in_at, wire->in.size - wire->in_at);
    wire->in.size -= wire->in_at;
    wire->in_at = 0;
}

bool rt_wire_wants(const struct rt_wire *wire, size_t limit)
{
    size_t left = wire->in.size - wire->in_at;
    struct rt_link_header header;

    if (left < limit || left < RT_LINK_HEADER)
        return true;
    return rt_link_header_decode(wire->in.data + wire->in_at, &header) &&
           left - RT_LINK_HEADER < header.size;
}

void rt_wire_receive(struct rt_wire *wire, size_t limit)
{
    compact(wire);
    while (!wire->ended && rt_wire_wants(wire, limit)) {
        ssize_t got;

        if (!rt_buffer_reserve(&wire->in, READ_CHUNK)) {
            wire->ended = true;
            return;
        }
        got = read(wire->fd, wire->in.data + wire->in.size, READ_CHUNK);
        if (got > 0)
            wire->in.size += (size_t)got;
        else if (got == 0 || (errno != EAGAIN && errno != EINTR))
            wire->ended = true;
        else if (errno == EAGAIN)
            return;
    }
}

bool rt_wire_next(struct rt_wire *wire, struct rt_link_header *header, struct rt_span *body)
{
    size_t left = wire->in.size - wire->in_at;

    if (left < RT_LINK_HEADER)
        return false;
    if (!rt_link_header_decode(wire->in.data + wire->in_at, header)) {
        wire->ended = true;
        return false;
    }
    if (left - RT_LINK_HEADER < header->size)
        return false;
    *body = rt_span(wire->in.data + wire->in_at + RT_LINK_HEADER, header->size);
    wire->in_at += RT_LINK_HEADER + header->size;
    return true;
}

bool rt_wire_next_of(struct rt_wire *wire, enum rt_link_kind kind, struct rt_link_header *header,
                     struct rt_span *body)
{
    size_t at = wire->in_at;

    if (!rt_wire_next(wire, header, body))
        return false;
    if (header->kind == kind)
        return true;
    wire->in_at = at;
    return false;
}

void rt_wire_send(struct rt_wire *wire)
{
    if (wire->out.failed)
        wire->ended = true;
    while (!wire->ended && wire->out_at < wire->out.size) {
        ssize_t put = write(wire->fd, wire->out.data + wire->out_at, wire->out.size - wire->out_at);

        if (put >= 0)
            wire->out_at += (size_t)put;
        else if (errno == EAGAIN)
            return;
        else if (errno != EINTR)
            wire->ended = true;
    }
    if (wire->out_at == wire->out.size) {
        rt_buffer_clear(&wire->out);
        wire->out_at = 0;
    }
}

bool rt_wire_has_output(const struct rt_wire *wire)
{
    return wire->out_at < wire->out.size;
}

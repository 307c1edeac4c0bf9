#include "tests/lib/link_end.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/assert.h"

enum { READ_BYTES = 1 << 20 };

void link_put(struct link_end *link, struct rt_span bytes)
{
    while (bytes.size > 0) {
        ssize_t sent = send(link->fd, bytes.data, bytes.size, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return;
        bytes = rt_span(bytes.data + sent, bytes.size - (size_t)sent);
    }
}

void link_tell(struct link_end *link, enum rt_link_kind kind, uint64_t tag, struct rt_span body)
{
    struct rt_buffer frame = {0};

    rt_link_frame(&frame, kind, 0, tag, body);
    link_put(link, rt_buffer_span(&frame));
    rt_buffer_free(&frame);
}

struct link_frame *link_ask(struct link_end *link, enum rt_link_kind kind, uint8_t flags,
                            uint64_t tag, struct rt_span body)
{
    struct link_frame *frame = &link->frames[link->count];

    RT_ASSERT(link->count++ < LINK_FRAMES);
    *frame = (struct link_frame){.tag = tag, .kind = kind};
    rt_link_frame(&frame->bytes, kind, flags, tag, body);
    link_put(link, rt_buffer_span(&frame->bytes));
    return frame;
}

struct link_frame *link_frame_of(struct link_end *link, uint64_t tag)
{
    size_t at = 0;

    while (at < link->count && link->frames[at].tag != tag)
        at++;
    RT_ASSERT(at < link->count); /* else it answers what was not asked */
    return &link->frames[at];
}

void link_forget(struct link_end *link, struct link_frame *frame)
{
    rt_buffer_free(&frame->bytes);
    link->count--;
    memmove(frame, frame + 1, (size_t)(link->frames + link->count - frame) * sizeof(*frame));
}

void link_ask_again(struct link_end *link)
{
    for (size_t i = 0; i < link->count; i++)
        link_put(link, rt_buffer_span(&link->frames[i].bytes));
}

static void take_whole(struct link_end *link, link_take *take, void *context)
{
    struct rt_link_header header;
    size_t at = 0;

    while (link->in.size - at >= RT_LINK_HEADER &&
           rt_link_header_decode(link->in.data + at, &header) &&
           link->in.size - at - RT_LINK_HEADER >= header.size) {
        take(context, &header, rt_span(link->in.data + at + RT_LINK_HEADER, header.size));
        at += RT_LINK_HEADER + header.size;
    }
    link->in.size -= at;
    memmove(link->in.data, link->in.data + at, link->in.size);
}

bool link_hear(struct link_end *link, int timeout_ms, link_take *take, void *context)
{
    struct pollfd readable = {.fd = link->fd, .events = POLLIN};
    ssize_t got;

    if (poll(&readable, 1, timeout_ms) <= 0)
        return true;
    RT_ASSERT(rt_buffer_reserve(&link->in, READ_BYTES));
    got = read(link->fd, link->in.data + link->in.size, READ_BYTES);
    if (got <= 0)
        return false;
    link->in.size += (size_t)got;
    take_whole(link, take, context);
    return true;
}

void link_free(struct link_end *link)
{
    while (link->count > 0)
        link_forget(link, link->frames);
    rt_buffer_free(&link->in);
}

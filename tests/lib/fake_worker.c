/* A worker that keeps nothing: it speaks the link protocol, accepts every event, and misbehaves on
 * demand. For tests of the daemon alone (workers.program).
 *
 * An event that holds the bytes "crash-me" ends it by SIGABRT before it answers; "hang-me" stops it
 * for good; an account "reject-me" is refused as bad_field; "refuse-me" makes the frame `busy`.
 * With FAKE_WORKER_EXIT set it leaves at once with that status. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "protocol/event.h"
#include "protocol/link.h"

enum { READ_BYTES = 1 << 20 };

static struct rt_buffer in, out;
static uint64_t accounts;

static bool holds(struct rt_span bytes, const char *text)
{
    return memmem(bytes.data, bytes.size, text, strlen(text)) != NULL;
}

static void misbehave(struct rt_span event)
{
    if (holds(event, "crash-me")) {
        abort();
    }
    while (holds(event, "hang-me")) {
        pause();
    }
}

static void take_event(struct rt_span event, uint32_t index, struct rt_link_done *done,
                       struct rt_buffer *rejections)
{
    misbehave(event);
    if (holds(event, "refuse-me")) {
        done->error = RT_BUSY;
    } else if (holds(event, "reject-me")) {
        const struct rt_link_rejection rejection = {
            .index = index, .code = RT_BAD_FIELD, .text = rt_span_text("account: as told")};

        rt_link_rejection_encode(rejections, &rejection);
        done->rejected++;
    } else {
        done->accepted++;
    }
}

static void on_events(uint64_t tag, struct rt_span body)
{
    struct rt_reader reader = rt_reader(body);
    struct rt_link_done done = {0};
    struct rt_buffer rejections = {0};
    struct rt_span event;
    uint32_t index;
    size_t mark;

    while (rt_link_next_event(&reader, &index, &event)) {
        take_event(event, index, &done, &rejections);
    }
    if (done.error != RT_OK) {
        done = (struct rt_link_done){.error = done.error};
        rt_buffer_clear(&rejections);
    }
    mark = rt_link_begin(&out, RT_LINK_DONE, 0, tag);
    rt_link_done_encode(&out, &done);
    rt_buffer_append(&out, rejections.data, rejections.size);
    rt_link_end(&out, mark);
    rt_buffer_free(&rejections);
    accounts = 1;
}

static void on_bury(uint64_t tag)
{
    const struct rt_link_done done = {.dead = 1};
    size_t mark = rt_link_begin(&out, RT_LINK_DONE, 0, tag);

    rt_link_done_encode(&out, &done);
    rt_link_end(&out, mark);
}

static void on_query(uint64_t tag)
{
    size_t mark = rt_link_begin(&out, RT_LINK_ANSWER, 0, tag);

    rt_write_map(&out, 3);
    rt_write_key_bool(&out, "ok", true);
    rt_write_key_int(&out, "accounts", (int64_t)accounts);
    rt_write_text(&out, "events");
    rt_write_map(&out, 0);
    rt_link_end(&out, mark);
}

static void on_ping(uint64_t tag)
{
    size_t mark = rt_link_begin(&out, RT_LINK_PONG, 0, tag);

    rt_write_map(&out, 1);
    rt_write_key_int(&out, "accounts", (int64_t)accounts);
    rt_link_end(&out, mark);
}

static void on_setup(void)
{
    const struct rt_link_ready ready = {0};
    struct rt_buffer body = {0};

    rt_link_ready_encode(&body, &ready);
    rt_link_frame(&out, RT_LINK_READY, 0, 0, rt_buffer_span(&body));
    rt_buffer_free(&body);
}

static void flush(void)
{
    size_t written = 0;

    while (written < out.size) {
        ssize_t size = write(RT_LINK_FD, out.data + written, out.size - written);

        if (size <= 0) {
            exit(0);
        }
        written += (size_t)size;
    }
    rt_buffer_clear(&out);
}

static void on_frame(const struct rt_link_header *header, struct rt_span body)
{
    switch (header->kind) {
    case RT_LINK_SETUP:
        on_setup();
        break;
    case RT_LINK_EVENTS:
        on_events(header->tag, body);
        break;
    case RT_LINK_BURY:
        on_bury(header->tag);
        break;
    case RT_LINK_QUERY:
        on_query(header->tag);
        break;
    case RT_LINK_PING:
        on_ping(header->tag);
        break;
    case RT_LINK_STOP:
        rt_link_frame(&out, RT_LINK_STOPPED, 0, 0, rt_span(NULL, 0));
        flush();
        exit(0);
    default:
        break;
    }
}

static void on_input(void)
{
    struct rt_link_header header;
    size_t at = 0;

    while (in.size - at >= RT_LINK_HEADER && rt_link_header_decode(in.data + at, &header) &&
           in.size - at - RT_LINK_HEADER >= header.size) {
        on_frame(&header, rt_span(in.data + at + RT_LINK_HEADER, header.size));
        at += RT_LINK_HEADER + header.size;
    }
    memmove(in.data, in.data + at, in.size - at);
    in.size -= at;
}

int main(void)
{
    const char *status = getenv("FAKE_WORKER_EXIT");
    ssize_t size;

    if (status != NULL) {
        return atoi(status);
    }
    signal(SIGTERM, SIG_IGN);
    while (rt_buffer_reserve(&in, READ_BYTES) &&
           (size = read(RT_LINK_FD, in.data + in.size, READ_BYTES)) > 0) {
        in.size += (size_t)size;
        on_input();
        flush();
    }
    rt_buffer_free(&in);
    rt_buffer_free(&out);
    return 0;
}

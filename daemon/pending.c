/* See pending.h. */
#include "daemon/pending.h"

#include <stdlib.h>

#include "protocol/assert.h"

struct rt_pending *rt_pending_new(struct rt_pendings *pendings, int64_t now_ns)
{
    struct rt_pending *pending = pendings->spare;

    if (pending != NULL) {
        pendings->spare = pending->next;
    } else {
        pending = malloc(sizeof *pending);
        if (pending == NULL) {
            return NULL;
        }
    }
    memset(pending, 0, sizeof *pending);
    pending->received_ns = now_ns;
    pending->previous = pendings->newest;
    *(pendings->newest == NULL ? &pendings->oldest : &pendings->newest->next) = pending;
    pendings->newest = pending;
    pendings->count++;
    return pending;
}

void rt_pending_free(struct rt_pendings *pendings, struct rt_pending *pending)
{
    RT_ASSERT(pending->waiting == 0 && pendings->count > 0);
    *(pending->previous == NULL ? &pendings->oldest : &pending->previous->next) = pending->next;
    *(pending->next == NULL ? &pendings->newest : &pending->next->previous) = pending->previous;
    rt_envelope_clear(&pending->envelope);
    rt_buffer_free(&pending->rejections);
    pending->next = pendings->spare;
    pendings->spare = pending;
    pendings->count--;
}

void rt_pendings_free(struct rt_pendings *pendings)
{
    while (pendings->oldest != NULL) {
        pendings->oldest->waiting = 0;
        rt_pending_free(pendings, pendings->oldest);
    }
    while (pendings->spare != NULL) {
        struct rt_pending *next = pendings->spare->next;

        free(pendings->spare);
        pendings->spare = next;
    }
}

void rt_pending_reject(struct rt_pending *pending, uint32_t index, enum rt_error code,
                       struct rt_span text)
{
    rt_put_u32(&pending->rejections, index);
    rt_put_u8(&pending->rejections, (uint8_t)code);
    rt_put_bytes(&pending->rejections, text);
    pending->rejected++;
}

/* The rejections of a DONE are in its body as they are kept here: taken over in one piece, once
 * each has been read. */
bool rt_pending_done(struct rt_pending *pending, const struct rt_link_done *done,
                     struct rt_reader rejections)
{
    const uint8_t *start = rejections.at;
    struct rt_link_rejection rejection;
    uint32_t count = 0;

    RT_ASSERT(pending->waiting > 0);
    while (rt_link_next_rejection(&rejections, &rejection)) {
        count++;
    }
    if (!rt_read_done(&rejections) || count != done->rejected) {
        return false;
    }
    pending->waiting--;
    if (done->error != RT_OK && pending->refused == RT_OK) {
        pending->refused = done->error;
    }
    pending->accepted += done->accepted;
    pending->duplicate += done->duplicate;
    pending->rejected += done->rejected;
    if (count > 0) {
        rt_buffer_append(&pending->rejections, start, (size_t)(rejections.at - start));
    }
    return true;
}

static int by_index(const void *a, const void *b)
{
    const struct rt_link_rejection *x = a, *y = b;

    return (x->index > y->index) - (x->index < y->index);
}

static void write_rejections(const struct rt_pending *pending, struct rt_buffer *out)
{
    struct rt_reader reader = rt_reader(rt_buffer_span(&pending->rejections));
    struct rt_link_rejection *all = malloc(pending->rejected * sizeof *all);

    if (all == NULL) {
        out->failed = true;
        return;
    }
    for (uint32_t i = 0; i < pending->rejected; i++) {
        RT_ASSERT(rt_link_next_rejection(&reader, &all[i]));
    }
    qsort(all, pending->rejected, sizeof *all, by_index);
    for (uint32_t i = 0; i < pending->rejected; i++) {
        rt_push_reply_rejection(out, all[i].index, all[i].code, all[i].text);
    }
    free(all);
}

static const char *refusal_text(enum rt_error code)
{
    switch (code) {
    case RT_BUSY:
        return "not taken: keep it and send all of it again";
    case RT_STOPPING:
        return "the daemon is stopping: keep it and send all of it again";
    default:
        return "refused";
    }
}

void rt_pending_reply(const struct rt_pending *pending, struct rt_buffer *out)
{
    if (pending->refused != RT_OK || pending->rejections.failed) {
        enum rt_error code = pending->refused != RT_OK ? pending->refused : RT_BUSY;

        rt_push_refusal(out, code, refusal_text(code));
        return;
    }
    rt_push_reply_begin(out, pending->accepted, pending->duplicate, pending->rejected);
    if (pending->rejected > 0) {
        write_rejections(pending, out);
    }
}

/* See window.h. */
#include "daemon/window.h"

#include <stdlib.h>

#include "daemon/pending.h"
#include "daemon/restart.h"
#include "protocol/assert.h"
#include "protocol/link.h"

enum { CHUNK_BYTES = 256 << 10, RING_MIN = 64, ENTRY_HEADER = 8 /* index and size */ };

struct rt_chunk {
    size_t size, capacity;
    size_t live;
    uint8_t bytes[];
};

static struct rt_frame *frame_at(const struct rt_window *window, uint64_t tag)
{
    return &window->ring[tag & (window->capacity - 1)];
}

static void chunk_retire(struct rt_window *window, struct rt_chunk *chunk)
{
    if (window->spare == NULL && chunk->capacity == CHUNK_BYTES) {
        chunk->size = 0;
        window->spare = chunk;
    } else {
        free(chunk);
    }
}

/* One frame less in the chunk. */
static void chunk_release(struct rt_window *window, struct rt_chunk *chunk)
{
    RT_ASSERT(chunk->live > 0);
    chunk->live--;
    if (chunk->live > 0) {
        return;
    }
    if (chunk == window->filling) {
        chunk->size = 0;
    } else {
        chunk_retire(window, chunk);
    }
}

static struct rt_chunk *chunk_new(struct rt_window *window, size_t size)
{
    struct rt_chunk *chunk = window->spare;

    if (chunk != NULL && size <= chunk->capacity) {
        window->spare = NULL;
        return chunk;
    }
    if (size < CHUNK_BYTES) {
        size = CHUNK_BYTES;
    }
    chunk = malloc(sizeof *chunk + size);
    if (chunk != NULL) {
        *chunk = (struct rt_chunk){.capacity = size};
    }
    return chunk;
}

static bool reserve_bytes(struct rt_window *window, size_t size)
{
    struct rt_chunk *chunk;

    if (window->filling != NULL && window->filling->capacity - window->filling->size >= size) {
        return true;
    }
    chunk = chunk_new(window, size);
    if (chunk == NULL) {
        return false;
    }
    if (window->filling != NULL && window->filling->live == 0) {
        chunk_retire(window, window->filling);
    }
    window->filling = chunk;
    return true;
}

static bool reserve_ring(struct rt_window *window, size_t count)
{
    size_t used = (size_t)(window->end - window->first);
    size_t capacity = window->capacity == 0 ? RING_MIN : window->capacity;
    struct rt_frame *ring;

    while (capacity < used + count) {
        capacity *= 2;
    }
    if (capacity == window->capacity) {
        return true;
    }
    ring = malloc(capacity * sizeof *ring);
    if (ring == NULL) {
        return false;
    }
    for (uint64_t tag = window->first; tag != window->end; tag++) {
        ring[tag & (capacity - 1)] = *frame_at(window, tag);
    }
    free(window->ring);
    window->ring = ring;
    window->capacity = capacity;
    return true;
}

static void free_chunks(struct rt_frame *frame)
{
    if (!frame->done && --frame->chunk->live == 0) {
        free(frame->chunk);
    }
}

void rt_window_free(struct rt_window *window)
{
    if (window->filling != NULL) {
        window->filling->live++; /* so that it goes last */
    }
    for (uint64_t tag = window->first; tag != window->end; tag++) {
        free_chunks(frame_at(window, tag));
    }
    for (size_t i = 0; i < window->held_count; i++) {
        free_chunks(&window->held[i]);
    }
    free(window->filling);
    free(window->spare);
    free(window->held);
    free(window->ring);
    *window = (struct rt_window){0};
}

bool rt_window_fits(const struct rt_window *window, size_t size, size_t limit)
{
    return window->bytes == 0 || (window->bytes <= limit && size <= limit - window->bytes);
}

bool rt_window_reserve(struct rt_window *window, size_t size, size_t count)
{
    return reserve_bytes(window, size) && reserve_ring(window, count);
}

struct rt_frame *rt_window_add(struct rt_window *window, size_t size, uint64_t *tag)
{
    struct rt_chunk *chunk;
    struct rt_frame *frame;

    if (!rt_window_reserve(window, size, 1)) {
        return NULL;
    }
    chunk = window->filling;
    *tag = window->end++;
    frame = frame_at(window, *tag);
    *frame = (struct rt_frame){
        .chunk = chunk, .bytes = chunk->bytes + chunk->size, .size = (uint32_t)size};
    chunk->size += size;
    chunk->live++;
    window->bytes += size;
    return frame;
}

struct rt_frame *rt_window_find(struct rt_window *window, uint64_t tag)
{
    struct rt_frame *frame;

    if (tag < window->first || tag >= window->end) {
        return NULL;
    }
    frame = frame_at(window, tag);
    return frame->done ? NULL : frame;
}

/* Takes the frame out of the sequence; its chunk and its bytes stay accounted for. */
static void leave_sequence(struct rt_window *window, struct rt_frame *frame)
{
    if (frame->sent) {
        window->in_flight--;
        if (frame->single) {
            window->single_in_flight = false;
        }
    }
    frame->done = true;
    while (window->first != window->end && frame_at(window, window->first)->done) {
        window->first++;
    }
    if (window->next < window->first) {
        window->next = window->first;
        window->offset = 0;
    }
}

void rt_window_done(struct rt_window *window, uint64_t tag)
{
    struct rt_frame *frame = rt_window_find(window, tag);

    RT_ASSERT(frame != NULL && window->bytes >= frame->size);
    window->bytes -= frame->size;
    chunk_release(window, frame->chunk);
    leave_sequence(window, frame);
}

bool rt_window_hold(struct rt_window *window, uint64_t tag)
{
    struct rt_frame *frame = rt_window_find(window, tag);

    RT_ASSERT(frame != NULL);
    if (window->held_count == window->held_capacity) {
        size_t capacity = window->held_capacity == 0 ? 16 : 2 * window->held_capacity;
        struct rt_frame *held = realloc(window->held, capacity * sizeof *held);

        if (held == NULL) {
            return false;
        }
        window->held = held;
        window->held_capacity = capacity;
    }
    window->held[window->held_count] = *frame;
    window->held[window->held_count++].sent = false;
    leave_sequence(window, frame);
    return true;
}

static void set_tag(struct rt_frame *frame, uint64_t tag)
{
    struct rt_link_header header;

    RT_ASSERT(rt_link_header_decode(frame->bytes, &header));
    header.tag = tag;
    rt_link_header_encode(&header, frame->bytes);
}

void rt_window_release(struct rt_window *window)
{
    if (!reserve_ring(window, window->held_count)) {
        return; /* they stay held until the next try */
    }
    for (size_t i = 0; i < window->held_count; i++) {
        uint64_t tag = window->end++;

        *frame_at(window, tag) = window->held[i];
        set_tag(frame_at(window, tag), tag);
    }
    window->held_count = 0;
}

/* May this frame be written now, after those that are in flight or stand before it in the same
 * write? */
static bool may_follow(const struct rt_window *window, const struct rt_frame *frame, size_t before)
{
    if (frame->sent) {
        return true; /* the rest of it must */
    }
    if (window->single_in_flight) {
        return false;
    }
    return !frame->single || (window->in_flight == 0 && before == 0);
}

size_t rt_window_begun(const struct rt_window *window, struct iovec *rest)
{
    struct rt_frame *frame;

    if (window->offset == 0) {
        return 0;
    }
    frame = frame_at(window, window->next);
    *rest = (struct iovec){.iov_base = frame->bytes + window->offset,
                           .iov_len = frame->size - window->offset};
    return rest->iov_len;
}

size_t rt_window_pieces(const struct rt_window *window, struct iovec *pieces, size_t max)
{
    size_t count = 0, offset = window->offset;

    for (uint64_t tag = window->next; tag != window->end; tag++) {
        struct rt_frame *frame = frame_at(window, tag);
        uint8_t *start = frame->bytes + offset;
        size_t size = frame->size - offset;

        offset = 0;
        if (frame->done) {
            continue;
        }
        if (!may_follow(window, frame, count)) {
            break;
        }
        if (count > 0 &&
            (uint8_t *)pieces[count - 1].iov_base + pieces[count - 1].iov_len == start) {
            pieces[count - 1].iov_len += size;
        } else if (count == max) {
            break;
        } else {
            pieces[count++] = (struct iovec){.iov_base = start, .iov_len = size};
        }
        if (frame->single) {
            break;
        }
    }
    return count;
}

static void mark_sent(struct rt_window *window, struct rt_frame *frame)
{
    if (frame->sent) {
        return;
    }
    frame->sent = true;
    window->in_flight++;
    window->single_in_flight = frame->single;
}

void rt_window_written(struct rt_window *window, size_t size)
{
    while (size > 0 || (window->next != window->end && frame_at(window, window->next)->done)) {
        struct rt_frame *frame = frame_at(window, window->next);
        size_t rest = frame->size - window->offset;

        RT_ASSERT(window->next != window->end);
        if (!frame->done) {
            mark_sent(window, frame);
            if (size < rest) {
                window->offset += size;
                return;
            }
            size -= rest;
        }
        window->offset = 0;
        window->next++;
    }
}

bool rt_window_poison(const struct rt_window *window, uint64_t *tag)
{
    struct rt_frame *frame;

    if (rt_window_written_whole(window)) {
        return false;
    }
    frame = frame_at(window, window->next);
    if (frame->done || frame->sent || !frame->single || frame->crashes < RT_RESTART_POISON) {
        return false;
    }
    *tag = window->next;
    return true;
}

static bool is_events(const struct rt_frame *frame)
{
    return frame->bytes[4] == RT_LINK_EVENTS;
}

static bool to_be_split(const struct rt_frame *frame)
{
    return !frame->done && !frame->single && frame->crashes >= RT_RESTART_SINGLY &&
           is_events(frame);
}

/* What the split of all frames that need it will take. */
static void count_split(const struct rt_window *window, size_t *frames, size_t *bytes)
{
    *frames = 0;
    *bytes = 0;
    for (uint64_t tag = window->first; tag != window->end; tag++) {
        const struct rt_frame *frame = frame_at(window, tag);
        struct rt_reader body =
            rt_reader(rt_span(frame->bytes + RT_LINK_HEADER, frame->size - RT_LINK_HEADER));
        struct rt_span event;
        uint32_t index;

        *frames += 1;
        while (to_be_split(frame) && rt_link_next_event(&body, &index, &event)) {
            *frames += 1;
            *bytes += RT_LINK_HEADER + ENTRY_HEADER + event.size;
        }
    }
}

/* Writes one frame for each event of `frame` to the window's filling chunk and puts it at tags from
 * *tag on. */
static void split_frame(struct rt_window *window, const struct rt_frame *frame, uint64_t *tag)
{
    struct rt_reader body =
        rt_reader(rt_span(frame->bytes + RT_LINK_HEADER, frame->size - RT_LINK_HEADER));
    struct rt_chunk *chunk = window->filling;
    struct rt_link_header header;
    struct rt_span event;
    uint32_t index, parts = 0;

    RT_ASSERT(rt_link_header_decode(frame->bytes, &header));
    while (rt_link_next_event(&body, &index, &event)) {
        struct rt_frame *part = frame_at(window, *tag);

        *part = *frame;
        part->chunk = chunk;
        part->bytes = chunk->bytes + chunk->size;
        part->single = true;
        part->crashes = RT_RESTART_SINGLY; /* none of them alone, however often the frame */
        header.size = (uint32_t)(ENTRY_HEADER + event.size);
        header.tag = (*tag)++;
        part->size = RT_LINK_HEADER + header.size;
        rt_link_header_encode(&header, part->bytes);
        memcpy(part->bytes + RT_LINK_HEADER, event.data - ENTRY_HEADER, header.size);
        chunk->size += part->size;
        chunk->live++;
        window->bytes += part->size;
        parts++;
    }
    RT_ASSERT(parts > 0);
    if (frame->pending != NULL) {
        frame->pending->waiting += parts - 1;
    }
    window->bytes -= frame->size;
    chunk_release(window, frame->chunk);
}

/* Everything it may need is reserved first: then it cannot fail half-way. */
static bool split(struct rt_window *window)
{
    struct rt_window old = *window;
    size_t frames, bytes, capacity = RING_MIN;

    count_split(window, &frames, &bytes);
    while (capacity < frames) {
        capacity *= 2;
    }
    window->ring = malloc(capacity * sizeof *window->ring);
    if (window->ring == NULL || !reserve_bytes(window, bytes)) {
        free(window->ring);
        window->ring = old.ring;
        return false;
    }
    window->capacity = capacity;
    window->first = window->next = old.end;
    for (uint64_t tag = old.first; tag != old.end; tag++) {
        struct rt_frame *frame = frame_at(&old, tag);

        if (to_be_split(frame)) {
            split_frame(window, frame, &window->end);
        } else if (!frame->done) {
            *frame_at(window, window->end) = *frame;
            set_tag(frame, window->end++);
        }
    }
    free(old.ring);
    return true;
}

bool rt_window_rewind(struct rt_window *window, bool blame)
{
    bool splits = false;

    for (uint64_t tag = window->first; tag != window->end; tag++) {
        struct rt_frame *frame = frame_at(window, tag);

        if (!frame->done && frame->sent) {
            frame->sent = false;
            frame->crashes += blame && frame->crashes < UINT8_MAX;
        }
        splits = splits || to_be_split(frame);
    }
    window->next = window->first;
    window->offset = 0;
    window->in_flight = 0;
    window->single_in_flight = false;
    return !splits || split(window);
}

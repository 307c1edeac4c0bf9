/* What one worker has been given and has not yet answered: the only queue between a socket and the
 * journal.
 *
 * Frames (EVENTS and BURY of protocol/link.h) are built in place in large chunks, written to the
 * link from there, and kept there until the worker's DONE: the bytes of an event are copied once,
 * from the message into the chunk. A frame's tag is its place in the worker's sequence.
 *
 *     first            next               end        tags
 *       | in flight ... | not yet written ... |
 *
 * When the worker is lost everything goes back to 'not yet written', in order. Frames that were in
 * flight at two crashes are split into frames of one event; such a frame is written only when
 * nothing else is in flight, so that a third crash knows whom to blame (restart.h).
 *
 * Invariants:
 *  1. first <= next <= end; frames before `next` are written whole or done.
 *  2. bytes = the sum of the sizes of all frames that are not done, held ones included.
 *  3. a chunk's `live` = the number of its frames that are not done; a chunk with none is reused or
 * released.
 *  4. while a frame marked `single` is in flight, nothing else is. */
#ifndef RT_DAEMON_WINDOW_H
#define RT_DAEMON_WINDOW_H

#include <sys/uio.h>

#include "protocol/errors.h"
#include "protocol/span.h"

struct rt_pending;
struct rt_chunk;

struct rt_frame {
    struct rt_chunk *chunk;
    uint8_t *bytes; /* header and body, in the chunk */
    uint32_t size;
    uint8_t crashes; /* of the worker, each with this frame in flight */
    bool sent;       /* a byte of it was written to the link as it is now */
    bool single;     /* to be alone in flight */
    bool done;
    struct rt_pending *pending; /* the push it belongs to, not owned; NULL: nobody waits */
};

struct rt_window {
    struct rt_frame *ring;
    size_t capacity; /* of the ring, a power of two */
    uint64_t first, next, end;
    size_t offset; /* bytes of frame `next` that are written */
    size_t bytes;
    unsigned in_flight;
    bool single_in_flight;
    struct rt_frame *held; /* refused for lack of space, to be sent again: rt_window_hold */
    size_t held_count, held_capacity;
    struct rt_chunk *filling; /* frames are added here */
    struct rt_chunk *spare;   /* one empty chunk, kept for the next */
};

/* A zeroed struct is an empty window. Releases everything. */
void rt_window_free(struct rt_window *window);

/* Room within `limit` bytes? A frame that alone is beyond the limit fits into an empty window. */
bool rt_window_fits(const struct rt_window *window, size_t size, size_t limit);

/* Makes sure that `count` frames of `size` bytes in all can be added. False without memory: nothing
 * changed. */
bool rt_window_reserve(struct rt_window *window, size_t size, size_t count);

/* Adds a frame of `size` bytes (header included), which the caller fills in at frame->bytes before
 * anything else is done with the window. *tag receives its tag. NULL without memory; never after
 * rt_window_reserve. The pointer is valid until the next call that adds. */
struct rt_frame *rt_window_add(struct rt_window *window, size_t size, uint64_t *tag);

/* The frame of a tag, NULL if there is none or it is done. */
struct rt_frame *rt_window_find(struct rt_window *window, uint64_t tag);

/* The worker has answered it. */
void rt_window_done(struct rt_window *window, uint64_t tag);

/* The worker had no space: the frame is kept and leaves the sequence until rt_window_release. False
 * without memory. */
bool rt_window_hold(struct rt_window *window, uint64_t tag);
/* Puts held frames back at the end of the sequence, under new tags. */
void rt_window_release(struct rt_window *window);

/* The rest of a frame that is written in part, which must go before anything else; its size, 0 if
 * there is none. */
size_t rt_window_begun(const struct rt_window *window, struct iovec *rest);
/* Bytes to be written next, in at most `max` pieces; returns how many pieces. */
size_t rt_window_pieces(const struct rt_window *window, struct iovec *pieces, size_t max);
/* So many of them were written. */
void rt_window_written(struct rt_window *window, size_t size);

/* The worker is lost: everything is to be written again. With `blame` the frames in flight count
 * one crash more, and those with two or more are split. False without memory for the split: the
 * frames stay whole, counted, and the next rewind splits them. */
bool rt_window_rewind(struct rt_window *window, bool blame);

/* If the next frame to be written is a single event that crashed the worker three times, its tag;
 * the caller buries it elsewhere and calls rt_window_done. */
bool rt_window_poison(const struct rt_window *window, uint64_t *tag);

/* True if nothing waits to be written (held frames aside). */
static inline bool rt_window_written_whole(const struct rt_window *window)
{
    return window->next == window->end;
}

#endif

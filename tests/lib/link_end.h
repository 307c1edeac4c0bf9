/* The daemon's end of a worker's link, for tests that play the daemon: frames out, each kept until it is
 * answered, and frames in, each given to the test. */
#ifndef RT_TESTS_LIB_LINK_END_H
#define RT_TESTS_LIB_LINK_END_H

#include "protocol/link.h"

enum { LINK_FRAMES = 512 /* without an answer, at most */ };

/* What was asked; `account`, `first` and the flags are the test's. */
struct link_frame {
    uint64_t tag;
    struct rt_buffer bytes; /* the whole frame, to be sent again */
    enum rt_link_kind kind;
    unsigned account, first, events;
    bool is_erase, repeated;
};

struct link_end {
    int fd; /* -1: there is no worker */
    struct rt_buffer in;
    struct link_frame frames[LINK_FRAMES]; /* in the order they were sent */
    size_t count;
};

/* All of it; into a link whose worker has died it goes nowhere. */
void link_put(struct link_end *link, struct rt_span bytes);
/* A frame that is not kept. */
void link_tell(struct link_end *link, enum rt_link_kind kind, uint64_t tag, struct rt_span body);
/* A frame that is kept; it is returned, valid until one is forgotten. */
struct link_frame *link_ask(struct link_end *link, enum rt_link_kind kind, uint8_t flags,
                            uint64_t tag, struct rt_span body);

/* The frame of a tag, which must be there. */
struct link_frame *link_frame_of(struct link_end *link, uint64_t tag);
/* It is answered. */
void link_forget(struct link_end *link, struct link_frame *frame);
/* All that are not, to a new worker. */
void link_ask_again(struct link_end *link);

/* Gives what comes within the time to `take`. False: the worker has gone. */
typedef void link_take(void *context, const struct rt_link_header *header, struct rt_span body);
bool link_hear(struct link_end *link, int timeout_ms, link_take *take, void *context);

/* Releases what it holds; the descriptor is the caller's. */
void link_free(struct link_end *link);

#endif

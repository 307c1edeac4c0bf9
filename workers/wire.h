/* The worker's end of its link: frames in, bytes out, nothing that blocks. */
#ifndef RT_WORKERS_WIRE_H
#define RT_WORKERS_WIRE_H

#include "protocol/link.h"

struct rt_wire {
    int fd;
    struct rt_buffer in, out;
    size_t in_at;  /* frames before it are done with */
    size_t out_at; /* bytes before it are sent */
    bool ended;    /* the daemon is gone, or said what nobody understands */
};

void rt_wire_init(struct rt_wire *wire, int fd);
void rt_wire_free(struct rt_wire *wire);

/* Is there less than `limit` bytes to take, or not even the whole frame that comes first? */
bool rt_wire_wants(const struct rt_wire *wire, size_t limit);
/* Reads what is there, as long as it wants more. */
void rt_wire_receive(struct rt_wire *wire, size_t limit);
/* The next whole frame; its body is valid until the next receive. False: none yet. */
bool rt_wire_next(struct rt_wire *wire, struct rt_link_header *header, struct rt_span *body);
/* The same, if it is of this kind; another stays where it is. */
bool rt_wire_next_of(struct rt_wire *wire, enum rt_link_kind kind, struct rt_link_header *header,
                     struct rt_span *body);
/* Writes what it can of `out`. */
void rt_wire_send(struct rt_wire *wire);
bool rt_wire_has_output(const struct rt_wire *wire);

#endif

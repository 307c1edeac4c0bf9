/* Frames over the socket to a worker: non-blocking, coalesced. Knows bytes and order, not what
 * frames mean. */
#ifndef RT_DAEMON_WORKER_LINK_H
#define RT_DAEMON_WORKER_LINK_H

#include "daemon/worker.h"

/* Takes over the descriptor. False without memory: it is closed. */
bool rt_worker_link_open(struct rt_worker *worker, int descriptor);
/* Drops what was not written and what was not whole. Takes a closed one. */
void rt_worker_link_close(struct rt_worker *worker);
/* Nothing the worker says is heard any more. */
void rt_worker_link_deafen(struct rt_worker *worker);

/* A frame that goes ahead of the events (SETUP, QUERY, PING, CONFIG, STOP) and is lost with the
 * link. Nothing if the link is closed. Goes out with the next rt_worker_link_flush. */
void rt_worker_link_control(struct rt_worker *worker, enum rt_link_kind kind, uint8_t flags,
                            uint64_t tag, struct rt_span body);

/* Writes what the socket takes, the rest when it has room. */
void rt_worker_link_flush(struct rt_worker *worker);

/* Reads what is there up to the end, for a process that is gone; then the link is closed. */
void rt_worker_link_drain(struct rt_worker *worker);

#endif

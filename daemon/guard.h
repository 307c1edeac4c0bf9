/* Watches the connections of one ZeroMQ socket and ends those that are too many: libzmq accepts
 * until there are no descriptors left, and then spins. It tells of a connection after the fact, so a
 * few more than the limit may be open for a moment. */
#ifndef RT_DAEMON_GUARD_H
#define RT_DAEMON_GUARD_H

#include "daemon/connections.h"
#include "daemon/zsocket.h"

struct rt_guard {
    struct rt_zsocket monitor;
    struct rt_zsocket *guarded;
    struct rt_connections connections;
    uint64_t *cut;     /* counts those that were ended */
    int64_t said_at;   /* in the log, ms */
    uint64_t said_cut; /* how many there were then */
};

/* Before the socket is bound: at most `limit` connections; *cut counts those that are ended. False
 * with a sentence in error: nothing is open. */
bool rt_guard_open(struct rt_guard *guard, void *context, struct rt_zsocket *guarded, size_t limit,
                   uint64_t *cut, char *error, size_t error_size);
/* Puts it on the loop. False without memory. */
bool rt_guard_attach(struct rt_guard *guard, struct event_base *base);
/* Before the socket is closed. Takes a zeroed struct. */
void rt_guard_close(struct rt_guard *guard);

/* What connections have brought (connections.h). TCP counts it; of a unix socket's we see only what waits in
 * the kernel at the moments of the looks, and add that up: more of one that brings more. */
struct rt_brought {
    uint64_t bytes; /* all together, in this window and the one before */
    uint64_t most;  /* one of them */
    uint64_t held;  /* one of them, since its last whole message */
};

enum rt_transport { RT_TCP, RT_LOCAL, RT_TRANSPORTS };

/* Listens to all connections, for the looks to come, or no more. */
void rt_guard_watch(struct rt_guard *guard, bool on);
/* A look at all connections, added to brought[RT_TRANSPORTS]. `begins`: a window does. */
void rt_guard_look(struct rt_guard *guard, struct rt_brought *brought, bool begins);
/* Ends those of the transport that brought, or with `held` hold, at least so many bytes (> 0); returns
 * how many. */
size_t rt_guard_end_talkers(struct rt_guard *guard, enum rt_transport transport, bool held,
                            uint64_t bytes);

/* How many connections an endpoint may have when `wanted` are wished for: descriptors are left for
 * what the daemon itself needs. */
size_t rt_guard_limit(size_t wanted);

#endif

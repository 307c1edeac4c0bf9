/* The order in which this daemon published alerts, so that a message has the same cursor in
 * alert.list as it had on the wire. Pure.
 *
 * A cursor is a vector of places, one of each log. The daemon moves it from message to message as
 * they arrive from the workers; that order cannot be told afterwards from the logs alone. It is
 * kept in memory, for the newest messages; older ones are listed by the moment they were published.
 */
#ifndef RT_DAEMON_CHAIN_H
#define RT_DAEMON_CHAIN_H

#include "protocol/cursor.h"

struct rt_chain_link {
    uint32_t log;
    uint64_t sequence;
};

/* A zeroed struct is empty. */
struct rt_chain {
    struct rt_cursor base; /* before the first link */
    struct rt_cursor now;  /* after the last */
    struct rt_chain_link *links;
    size_t count, capacity;
};

enum { RT_CHAIN_MAX = 1 << 16 };

/* Names a log, before the first link. Logs are named in ascending order. */
void rt_chain_begin(struct rt_chain *chain, uint32_t log, uint64_t sequence);

/* The next message. Without memory, or when it is full, the oldest links are forgotten. */
void rt_chain_add(struct rt_chain *chain, uint32_t log, uint64_t sequence);

void rt_chain_free(struct rt_chain *chain);

#endif

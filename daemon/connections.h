/* The connections of one endpoint: how many there are, and which must go when there are too many.
 * Pure: times are arguments (ms of a monotonic clock), connections are descriptors.
 *
 * Beyond the limit goes the oldest of those that have said nothing and may still be introducing
 * themselves: an honest peer does that in milliseconds, one that only holds the place is the first to
 * lose it. If there is none, the newest goes: who is at work is never cut off for a stranger. */
#ifndef RT_DAEMON_CONNECTIONS_H
#define RT_DAEMON_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RT_NO_CONNECTION = -1 };

struct rt_connection {
    int64_t since;
    int previous, next;  /* in order of arrival */
    uint64_t received;   /* bytes up to the last look */
    uint64_t windows[2]; /* bytes up to where the window before, and this one, began */
    uint64_t whole;      /* bytes up to the first look after its last whole message */
    int transport;       /* the caller's: what kind it is */
    bool there;
    bool heard; /* it has said something; perhaps before we are told of its accept */
    bool spoke; /* it has said something since the last look */
};

struct rt_connections {
    struct rt_connection *slots; /* by descriptor */
    int capacity;
    size_t count, limit;
    int oldest, newest;
    int young;    /* the oldest that may be younger than RT_HANDSHAKE_MS and have said nothing */
    bool watched; /* all are listened to, and looked at */
};

/* Sets a zeroed struct up. */
void rt_connections_init(struct rt_connections *connections, size_t limit);
void rt_connections_free(struct rt_connections *connections);

/* One was accepted. Returns the descriptor of the one that must go (perhaps this one), which is not
 * counted any more, or RT_NO_CONNECTION. Without memory the new one must go. */
int rt_connections_accepted(struct rt_connections *connections, int descriptor, int64_t now);

/* From now on all are looked at, a few times in each window, or no more. */
void rt_connections_watch(struct rt_connections *connections, bool on);
/* A look at one that is there: it has received so many bytes since it was accepted. `begins`: with
 * this look a window begins. */
void rt_connections_look(struct rt_connections *connections, int descriptor, uint64_t received,
                         bool begins);
/* What it has brought in this window and the one before; not before it was watched. */
uint64_t rt_connections_brought(const struct rt_connections *connections, int descriptor);
/* What it has brought since its last whole message: of one that is being sent, perhaps for ever. */
uint64_t rt_connections_held(const struct rt_connections *connections, int descriptor);

/* It has said something. Takes one that is not there. */
void rt_connections_heard(struct rt_connections *connections, int descriptor, int64_t now);
/* Is there one of whom that is worth knowing? */
static inline bool rt_connections_listen(const struct rt_connections *connections)
{
    return connections->watched || connections->young != RT_NO_CONNECTION ||
           connections->count == 0;
}

/* It ended. Takes one that is not there. */
void rt_connections_ended(struct rt_connections *connections, int descriptor);

#endif

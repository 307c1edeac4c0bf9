/* The last bound: libzmq holds what peers send until a message is whole, however many parts it has,
 * and a hundred messages of each besides; no option of it counts bytes. So the daemon looks how much
 * memory it has, more often the less is left. When it is more than limits.memory_bytes, the connections are
 * ended that hold the most of messages which are not whole yet, however slowly they send; if nobody holds
 * much, those that brought the most of late. An honest peer comes back and sends again. */
#ifndef RT_DAEMON_MEMORY_H
#define RT_DAEMON_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

struct rt_daemon;

struct rt_memory {
    uint64_t resident_bytes; /* at the last look */
    uint64_t window_bytes;   /* the same where the window began */
    int64_t window_at;       /* ms, as all that follow */
    int64_t said_at;         /* in the log */
    int64_t trimmed_at;      /* malloc gave back what it only kept */
    struct event *timer;     /* between the ticks */
};

/* Once, before anything is allocated: large blocks go back to the system when they are freed. */
void rt_memory_prepare(void);

/* Puts it on the loop; false without memory. */
bool rt_memory_open(struct rt_daemon *daemon);
/* Takes one that was never opened. */
void rt_memory_close(struct rt_daemon *daemon);

/* A few times a second; between them it sees to itself. */
void rt_memory_tick(struct rt_daemon *daemon, int64_t now);

#endif

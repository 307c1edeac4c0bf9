/* The last bound: libzmq holds what peers send until a message is whole, however many parts it has,
 * and a hundred messages of each besides; no option of it counts bytes. So the daemon looks how much
 * memory it has, and when that is more than limits.memory_bytes, the connections that brought the
 * most since the last look are ended. An honest peer comes back and sends again. */
#ifndef RT_DAEMON_MEMORY_H
#define RT_DAEMON_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

struct rt_daemon;

struct rt_memory {
    uint64_t resident_bytes; /* at the last look */
    int64_t said_at;         /* in the log, ms */
};

/* Once, before anything is allocated: large blocks go back to the system when they are freed. */
void rt_memory_prepare(void);

/* A few times a second. */
void rt_memory_tick(struct rt_daemon *daemon, int64_t now);

#endif

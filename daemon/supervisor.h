/* The life of workers: started, watched, reaped, started again.
 *
 * A dead link, a dead process, a silent worker and one that talks nonsense take one path: LOST ->
 * (kill if it still lives, read what it still said) -> link closed and process reaped -> window
 * rewound, queries answered `unavailable`, pause -> STARTING -> SETUP -> READY
 * -> the window's frames are written again. */
#ifndef RT_DAEMON_SUPERVISOR_H
#define RT_DAEMON_SUPERVISOR_H

#include "daemon/worker.h"

/* Makes the table and starts all. False without memory. */
bool rt_supervisor_start(struct rt_daemon *daemon);
void rt_supervisor_free(struct rt_daemon *daemon);

/* SIGCHLD. */
void rt_supervisor_reap(struct rt_daemon *daemon);
/* A few times a second: pings, silence, those that do not leave. */
void rt_supervisor_tick(struct rt_daemon *daemon, int64_t now);

/* A frame of the worker. False if it makes no sense: the link is broken then. */
bool rt_supervisor_frame(struct rt_worker *worker, const struct rt_link_header *header,
                         struct rt_span body);
/* End of the link. */
void rt_supervisor_link_ended(struct rt_worker *worker);
/* It cannot go on with this worker: it is killed. `why` goes to the log. */
void rt_supervisor_broken(struct rt_worker *worker, const char *why);

/* Hands the workers a changed configuration text. */
void rt_supervisor_configure(struct rt_daemon *daemon);

/* All are ready. */
bool rt_supervisor_all_ready(const struct rt_daemon *daemon);

/* While stopping: tells those with nothing left to do to leave. True when all have left. */
bool rt_supervisor_stop(struct rt_daemon *daemon);

#endif

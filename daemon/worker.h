/* One worker as the daemon sees it: a process, a link, a window of unanswered frames, and what it
 * said of itself last. */
#ifndef RT_DAEMON_WORKER_H
#define RT_DAEMON_WORKER_H

#include <event2/event.h>
#include <sys/types.h>

#include "daemon/restart.h"
#include "daemon/window.h"
#include "protocol/event.h"
#include "protocol/link.h"
#include "protocol/writer.h"

struct rt_daemon;

enum rt_worker_state {
    RT_WORKER_DOWN,     /* no process; its start waits for the pause to end */
    RT_WORKER_STARTING, /* recovering */
    RT_WORKER_READY,
    RT_WORKER_LOST,    /* its link or its process ended, or it is being killed: waits until both are
                          gone */
    RT_WORKER_STOPPED, /* left as it was asked to; is not started again */
};

/* The stream socket to a worker: worker_link.c. */
struct rt_worker_link {
    int descriptor; /* -1: closed */
    struct event *readable, *writable;
    bool waiting;             /* for room to write */
    bool deaf;                /* its frames are read no more */
    struct rt_buffer control; /* whole frames that go ahead of the window's */
    size_t control_written;
    struct rt_buffer input; /* not yet a whole frame */
    int64_t read_ns;        /* monotonic: when what is being handled was read */
};

/* From PONG. */
struct rt_worker_numbers {
    uint64_t accounts, journal_bytes, dedupe_bytes, identities, deadlines, tickets_evicted,
        dead_dropped, disk_left;
    bool disk_full, disk_low, clock_jump;
};

struct rt_worker {
    struct rt_daemon *daemon;
    uint32_t index, log;
    enum rt_worker_state state;
    pid_t pid;                 /* 0: none */
    struct event *start_timer; /* end of the pause */
    struct rt_worker_link link;
    struct rt_window window;
    struct rt_restart restart;
    bool failed;                                      /* said so in the log */
    bool hung;                                        /* we are killing it */
    bool stopping;                                    /* STOP is sent */
    int64_t lost_at, started_at, heard_at, pinged_at; /* ms, monotonic */
    uint64_t ping, pong;                              /* tags of the last ones */
    bool answered_watchdog;                           /* a PONG came since the last WATCHDOG=1 */
    uint64_t replayed, to_replay;
    uint64_t restarts;
    int64_t refill_at; /* when held frames are tried again; 0: none are held */
    struct rt_worker_numbers numbers;
};

#endif

/* Signals as events of the loop: TERM and INT stop, HUP reloads, CHLD reaps. PIPE is ignored. */
#ifndef RT_DAEMON_SIGNALS_H
#define RT_DAEMON_SIGNALS_H

#include <event2/event.h>
#include <stdbool.h>

struct rt_daemon;

enum { RT_SIGNALS = 4 };

struct rt_signals {
    struct event *events[RT_SIGNALS];
};

/* False without memory. */
bool rt_signals_start(struct rt_daemon *daemon);
void rt_signals_stop(struct rt_daemon *daemon);

#endif

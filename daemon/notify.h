/* systemd, where there is one: readiness, words, the watchdog, sockets it opened. Without it all of
 * this does nothing. */
#ifndef RT_DAEMON_NOTIFY_H
#define RT_DAEMON_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

struct rt_daemon;

enum { RT_ACTIVATED_MAX = 8 };

/* Listening sockets by name (FileDescriptorName=): events, firehose, alerts, query, http. */
struct rt_activation {
    int count;
    struct {
        char name[32];
        int descriptor;
    } all[RT_ACTIVATED_MAX];
};

void rt_activation_read(struct rt_activation *activation);
/* The descriptor (stays owned by the table), or -1. */
int rt_activation_find(const struct rt_activation *activation, const char *name);

struct rt_watchdog {
    int64_t interval; /* ms between signs of life, 0: none wanted */
    int64_t said_at;
    int64_t extended_at; /* of the start's time limit, ms */
};

void rt_watchdog_read(struct rt_watchdog *watchdog);
/* Says WATCHDOG=1 when it is time and every worker that is ready has answered since the last. One that
 * is not is being started again: no reason to end the others. */
void rt_watchdog_tick(struct rt_daemon *daemon, int64_t now);

void rt_notify_recovering(const struct rt_daemon *daemon);
/* A worker cannot start: the service stays as it is, starting, and is not begun anew. */
void rt_notify_failed(struct rt_watchdog *watchdog, int64_t now);
void rt_notify_ready(const struct rt_daemon *daemon);
void rt_notify_reloading(void);
void rt_notify_stopping(void);
/* STATUS=: what is wrong, or that nothing is. */
void rt_notify_status(const char *text);

#endif

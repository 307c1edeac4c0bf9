/* When a lost worker is started again, and what is blamed for its death. Pure: times are arguments
 * (ms of a monotonic clock).
 *
 * One worker's life: lost -> pause -> start -> ready -> (a minute of health: forgiven) -> lost ...
 * The pause doubles from workers.backoff_ms to RT_RESTART_PAUSE_MAX. A worker that is lost
 * RT_RESTART_EARLY times in a row before it was ready is `failed`: it is still tried, at the
 * longest pause.
 *
 * Blame: an event is suspected only of deaths that can be its doing: a signal of the worker's own
 * making (SIGSEGV, SIGABRT, ...) or a hang that we ended. A kill from outside, SIGBUS (journal and
 * snapshots are mapped: the disk failed) and an exit that the worker chose are nobody's fault. */
#ifndef RT_DAEMON_RESTART_H
#define RT_DAEMON_RESTART_H

#include <stdbool.h>
#include <stdint.h>

enum {
    RT_RESTART_PAUSE_MAX = 30000, /* ms */
    RT_RESTART_HEALTHY = 60000,   /* ms */
    RT_RESTART_EARLY = 5,
    RT_RESTART_SINGLY = 2, /* crashes after which a frame is fed event by event */
    RT_RESTART_POISON = 3, /* crashes after which an event fed alone is buried */
};

struct rt_restart {
    int64_t pause;    /* ms before the next start; 0: none so far */
    int64_t ready_at; /* when it was ready last; 0: not since it was started */
    unsigned early;   /* losses in a row before it was ready */
};

void rt_restart_ready(struct rt_restart *restart, int64_t now);

/* The worker is lost. Returns the pause in ms before it is to be started again; `first` is
 * workers.backoff_ms. */
int64_t rt_restart_lost(struct rt_restart *restart, int64_t now, int64_t first);

/* What it died of was found and is gone (an event was buried): the next pause is the first again. */
void rt_restart_cured(struct rt_restart *restart);

bool rt_restart_failed(const struct rt_restart *restart);

/* `status` as waitpid gives it; `hung`: we killed it because it was silent or talked nonsense. */
bool rt_restart_blames_events(int status, bool hung);

#endif

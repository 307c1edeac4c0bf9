#include "daemon/restart.h"

#include <signal.h>
#include <sys/wait.h>

void rt_restart_ready(struct rt_restart *restart, int64_t now)
{
    restart->ready_at = now;
    restart->early = 0;
}

int64_t rt_restart_lost(struct rt_restart *restart, int64_t now, int64_t first)
{
    bool was_ready = restart->ready_at != 0;
    bool was_healthy = was_ready && now - restart->ready_at >= RT_RESTART_HEALTHY;

    if (!was_ready) {
        restart->early++;
    }
    restart->ready_at = 0;
    restart->pause = was_healthy || restart->pause == 0 ? first : 2 * restart->pause;
    if (restart->pause > RT_RESTART_PAUSE_MAX || rt_restart_failed(restart)) {
        restart->pause = RT_RESTART_PAUSE_MAX;
    }
    return restart->pause;
}

void rt_restart_cured(struct rt_restart *restart)
{
    restart->pause = 0;
}

bool rt_restart_failed(const struct rt_restart *restart)
{
    return restart->early >= RT_RESTART_EARLY;
}

bool rt_restart_blames_events(int status, bool hung)
{
    if (hung) {
        return true;
    }
    if (!WIFSIGNALED(status)) {
        return false;
    }
    switch (WTERMSIG(status)) {
    case SIGKILL:
    case SIGTERM:
    case SIGINT:
    case SIGHUP:
    case SIGQUIT:
    case SIGBUS: /* a page of a mapped file that the disk would not give */
        return false;
    default:
        return true;
    }
}

#include "daemon/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "daemon/clock.h"
#include "daemon/daemon.h"

enum { EXTEND_US = 60000000 };

void rt_activation_read(struct rt_activation *activation)
{
    char **names = NULL;
    int count = sd_listen_fds_with_names(1, &names);

    activation->count = 0;
    for (int i = 0; i < count; i++) {
        if (i < RT_ACTIVATED_MAX) {
            snprintf(activation->all[i].name, sizeof activation->all[i].name, "%s",
                     names == NULL ? "" : names[i]);
            activation->all[i].descriptor = SD_LISTEN_FDS_START + i;
            activation->count++;
        }
        if (names != NULL) {
            free(names[i]);
        }
    }
    free(names);
}

int rt_activation_find(const struct rt_activation *activation, const char *name)
{
    for (int i = 0; i < activation->count; i++) {
        if (strcmp(activation->all[i].name, name) == 0) {
            return activation->all[i].descriptor;
        }
    }
    return -1;
}

void rt_watchdog_read(struct rt_watchdog *watchdog)
{
    uint64_t us = 0;

    watchdog->interval = sd_watchdog_enabled(1, &us) > 0 ? (int64_t)(us / 2000) : 0;
}

void rt_watchdog_tick(struct rt_daemon *daemon, int64_t now)
{
    struct rt_watchdog *watchdog = &daemon->watchdog;

    if (watchdog->interval == 0 || now - watchdog->said_at < watchdog->interval) {
        return;
    }
    for (uint32_t i = 0; daemon->phase == RT_PHASE_SERVING && i < daemon->worker_count; i++) {
        if (daemon->workers[i].state == RT_WORKER_READY && !daemon->workers[i].answered_watchdog) {
            return;
        }
    }
    for (uint32_t i = 0; i < daemon->worker_count; i++) {
        daemon->workers[i].answered_watchdog = false;
    }
    watchdog->said_at = now;
    sd_notify(0, "WATCHDOG=1");
}

void rt_notify_recovering(const struct rt_daemon *daemon)
{
    uint64_t replayed = 0, all = 0;

    for (uint32_t i = 0; i < daemon->worker_count; i++) {
        replayed += daemon->workers[i].replayed;
        all += daemon->workers[i].to_replay;
    }
    if (daemon->phase == RT_PHASE_RECOVERING) {
        sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%d\nSTATUS=Recovering: %llu of %llu MiB read", EXTEND_US,
                   (unsigned long long)(replayed >> 20), (unsigned long long)(all >> 20));
    }
}

void rt_notify_failed(struct rt_watchdog *watchdog, int64_t now)
{
    if (watchdog->extended_at == 0 || now - watchdog->extended_at >= EXTEND_US / 3000) {
        watchdog->extended_at = now;
        sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%d", EXTEND_US);
    }
}

void rt_notify_ready(const struct rt_daemon *daemon)
{
    (void)daemon;
    sd_notify(0, "READY=1\nSTATUS=Serving");
}

void rt_notify_reloading(void)
{
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)(rt_now_ns() / 1000));
}

void rt_notify_stopping(void)
{
    sd_notify(0, "STOPPING=1\nSTATUS=Finishing what was read");
}

void rt_notify_status(const char *text)
{
    sd_notifyf(0, "STATUS=%s", text);
}

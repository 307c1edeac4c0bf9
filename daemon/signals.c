#include "daemon/signals.h"

#include <signal.h>

#include "daemon/daemon.h"
#include "daemon/log.h"
#include "daemon/supervisor.h"

static void on_signal(evutil_socket_t number, short what, void *context)
{
    struct rt_daemon *daemon = context;

    (void)what;
    switch (number) {
    case SIGCHLD:
        rt_supervisor_reap(daemon);
        break;
    case SIGHUP:
        rt_daemon_reload(daemon);
        break;
    default:
        rt_log(RT_LOG_INFO, "signal=%s stopping", number == SIGINT ? "INT" : "TERM");
        rt_daemon_stop(daemon);
        break;
    }
}

bool rt_signals_start(struct rt_daemon *daemon)
{
    static const int numbers[RT_SIGNALS] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};

    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < RT_SIGNALS; i++) {
        struct event *event = evsignal_new(daemon->base, numbers[i], on_signal, daemon);

        if (event == NULL || event_add(event, NULL) != 0) {
            return false;
        }
        daemon->signals.events[i] = event;
    }
    return true;
}

void rt_signals_stop(struct rt_daemon *daemon)
{
    for (int i = 0; i < RT_SIGNALS; i++) {
        if (daemon->signals.events[i] != NULL) {
            event_free(daemon->signals.events[i]);
        }
        daemon->signals.events[i] = NULL;
    }
}

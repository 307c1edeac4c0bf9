/* retain-worker: started by the daemon, which it serves over an inherited descriptor and outlives
 * by no more than what it takes to notice. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "workers/worker.h"

/* The daemon decides when a worker stops: a signal to the group must not. */
static void set_signals(void)
{
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "retain-worker");
}

int main(void)
{
    struct rt_worker *worker = calloc(1, sizeof(*worker));
    int status;

    if (worker == NULL || fcntl(RT_LINK_FD, F_GETFD) < 0) {
        fprintf(stderr, "retain-worker is started by retaind, not by hand\n");
        free(worker);
        return 2;
    }
    set_signals();
    status = rt_worker_run(worker);
    free(worker);
    return status;
}

/* What is wrong right now, in sentences a person can act on. */
#ifndef RT_DAEMON_HEALTH_H
#define RT_DAEMON_HEALTH_H

#include "daemon/daemon.h"

/* Writes one sentence a line to `text` (cut to size): faults, then warnings of what will be one,
 * which begin with "warning: ". Returns the number of faults; 0: all is well, whatever is warned of. */
unsigned rt_health(const struct rt_daemon *daemon, char *text, size_t size);

/* Keeps systemd's STATUS= in step; says each change once in the log. */
void rt_health_tick(struct rt_daemon *daemon);

#endif

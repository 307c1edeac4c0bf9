/* /metrics: what was counted, as Prometheus reads it (text format 0.0.4). No label has more values
 * than the code has names or there are workers; accounts are never one. */
#ifndef RT_DAEMON_EXPOSITION_H
#define RT_DAEMON_EXPOSITION_H

#include "daemon/daemon.h"

void rt_exposition(const struct rt_daemon *daemon, struct rt_buffer *out);

#endif

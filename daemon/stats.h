/* The reply to `stats`: the workers' sums and what the daemon knows itself. */
#ifndef RT_DAEMON_STATS_H
#define RT_DAEMON_STATS_H

#include "daemon/daemon.h"
#include "daemon/merge.h"

/* False if a part cannot be read, or without memory (out->failed). */
bool rt_stats_reply(const struct rt_daemon *daemon, const struct rt_merge *merge,
                    struct rt_buffer *out);

#endif

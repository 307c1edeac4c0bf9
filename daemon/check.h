/* retaind --check-config: the configuration, and the files that it names to decide who may come in. */
#ifndef RT_DAEMON_CHECK_H
#define RT_DAEMON_CHECK_H

#include "daemon/options.h"

/* Reads all of it and writes nothing. Says what is wrong with which file on standard error; true if nothing
 * is. Credentials of systemd can only be looked at where it hands them over. */
bool rt_check(const struct rt_options *options);

#endif

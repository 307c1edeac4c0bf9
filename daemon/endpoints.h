/* STATE_DIR/endpoints: a line "name address" for each open endpoint, there as long as every
 * partition is served. */
#ifndef RT_DAEMON_ENDPOINTS_H
#define RT_DAEMON_ENDPOINTS_H

#include <stdbool.h>

struct rt_daemon;

/* False with errno. */
bool rt_endpoints_write(const struct rt_daemon *daemon);
void rt_endpoints_remove(const struct rt_daemon *daemon);

#endif

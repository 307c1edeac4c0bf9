/* What a worker says of itself with each PONG. Pure. */
#ifndef RT_DAEMON_PONG_H
#define RT_DAEMON_PONG_H

#include "daemon/worker.h"

/* Reads the map; keys that are not known are passed over, those that are missing keep their value.
 * False if it is no map. */
bool rt_pong_read(struct rt_span body, struct rt_worker_numbers *numbers);

#endif

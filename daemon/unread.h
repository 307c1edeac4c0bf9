/* Messages whose end libzmq reports: how many bytes it still holds for peers that do not read is
 * known by nobody else. */
#ifndef RT_DAEMON_UNREAD_H
#define RT_DAEMON_UNREAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <zmq.h>

#include "protocol/span.h"

/* Makes a message of a copy of `payload` and adds `bytes` to both counters until libzmq, in its own
 * thread, has released it and all its copies. `one` may be NULL; both must live until then, which is
 * at the latest when zmq_ctx_term returns. False without memory: nothing is counted. */
bool rt_unread_message(zmq_msg_t *message, struct rt_span payload, size_t bytes, atomic_size_t *all,
                       atomic_size_t *one);

#endif

/* Who may connect: libzmq asks here (ZAP, RFC 27) for each CURVE handshake, over a socket inside the
 * process, and waits for the answer.
 *
 * Fails closed: what is not understood, not known, or not for this endpoint is refused, and without
 * this socket nobody gets in (ZMQ_ZAP_ENFORCE_DOMAIN). The public key becomes the user id that each
 * message of the connection bears. */
#ifndef RT_DAEMON_ZAP_H
#define RT_DAEMON_ZAP_H

#include "daemon/zsocket.h"

struct rt_daemon;

struct rt_zap {
    struct rt_zsocket socket;
    int64_t told_at; /* when a refusal was logged last: ms, monotonic */
};

/* Opens it, if keys are asked for, before any endpoint is bound. False with a sentence in error. */
bool rt_zap_open(struct rt_daemon *daemon, char *error, size_t error_size);
void rt_zap_close(struct rt_daemon *daemon);

#endif

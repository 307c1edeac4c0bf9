/* What a request of ZAP (RFC 27) says, and whether whoever it is about may come in. Pure.
 *
 * A request has the frames identity, "", version, request id, domain, address, routing id, mechanism, and
 * for CURVE the client's public key as its body. Fails closed: what is not exactly that has no key. */
#ifndef RT_DAEMON_ZAP_REQUEST_H
#define RT_DAEMON_ZAP_REQUEST_H

#include "daemon/access.h"
#include "daemon/envelope.h"

enum rt_zap_frame {
    RT_ZAP_PEER,
    RT_ZAP_EMPTY,
    RT_ZAP_VERSION,
    RT_ZAP_REQUEST,
    RT_ZAP_DOMAIN,
    RT_ZAP_ADDRESS,
    RT_ZAP_ROUTING,
    RT_ZAP_MECHANISM,
    RT_ZAP_FRAMES, /* and the key behind them */
};

struct rt_zap_verdict {
    char key[RT_KEY_TEXT];      /* in Z85, "" if the request is not one of CURVE as it should be */
    const struct rt_key *known; /* NULL: there is no such key; valid until the table changes */
    bool enters;
};

/* False if it is none of libzmq's, which gets no answer: whoever waits for one runs into its time-out. */
bool rt_zap_judge(const struct rt_access *access, const struct rt_envelope *request,
                  struct rt_span body, struct rt_zap_verdict *verdict);

#endif

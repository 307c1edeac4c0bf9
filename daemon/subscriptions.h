/* What the subscribers of an XPUB socket ask for: how much it is, and whether a key may hear it. Pure; a
 * message of a subscriber is a byte, 1 to subscribe, 0 to unsubscribe, and the topic; all else is not for us.
 *
 * libzmq passes on what a peer gives back without having had it, so what was given back is counted too:
 * both together are never less than what is there. What libzmq says itself for a peer that left is true. */
#ifndef RT_DAEMON_SUBSCRIPTIONS_H
#define RT_DAEMON_SUBSCRIPTIONS_H

#include "daemon/key.h"

struct rt_subscriptions {
    uint64_t held;       /* topics, those that are long more than once (bounds.h) */
    uint64_t given_back; /* of them, by peers that are still there, since the socket was bound */
};

/* One more message; `from_peer`: not libzmq's own word. */
void rt_subscriptions_count(struct rt_subscriptions *subscriptions, struct rt_span message,
                            bool from_peer);
/* Whether that is within limits.subscriptions. */
bool rt_subscriptions_fit(const struct rt_subscriptions *subscriptions, uint64_t limit);

/* The topic that the message subscribes to; false if it subscribes to none. */
bool rt_subscription_topic(struct rt_span message, struct rt_span *topic);

#endif

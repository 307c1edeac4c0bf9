/* See subscriptions.h. */
#include "daemon/subscriptions.h"

#include "daemon/bounds.h"

enum { UNSUBSCRIBES = 0, SUBSCRIBES = 1, NEITHER = 2 };

static uint8_t kind_of(struct rt_span message)
{
    return message.size > 0 ? message.data[0] : NEITHER;
}

void rt_subscriptions_count(struct rt_subscriptions *subscriptions, struct rt_span message,
                            bool from_peer)
{
    uint64_t cost = 1 + message.size / RT_TOPIC_PART;

    if (kind_of(message) == SUBSCRIBES) {
        subscriptions->held += cost;
    } else if (kind_of(message) == UNSUBSCRIBES) {
        subscriptions->held -= cost < subscriptions->held ? cost : subscriptions->held;
        subscriptions->given_back += from_peer ? cost : 0;
    }
}

bool rt_subscriptions_fit(const struct rt_subscriptions *subscriptions, uint64_t limit)
{
    return subscriptions->held <= limit && subscriptions->given_back <= limit;
}

bool rt_subscription_topic(struct rt_span message, struct rt_span *topic)
{
    if (kind_of(message) != SUBSCRIBES) {
        return false;
    }
    *topic = rt_span(message.data + 1, message.size - 1);
    return true;
}

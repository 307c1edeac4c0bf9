/* Any messages of any subscribers: what is counted is never less than what libzmq holds for those that are
 * there, whatever they give back without having had it; a topic is asked for by a first byte of 1 alone, and
 * who may not hear a topic he asked for hears no other either.
 *
 * The input: steps of a byte (which peer; whether it leaves), a byte of size and the message. */
#include <stdlib.h>

#include "daemon/access.h"
#include "daemon/subscriptions.h"
#include "protocol/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PEERS = 4, TOPICS = 64, TOPIC_PART = 32 /* docs/OPERATIONS.md */ };

/* What libzmq holds: each topic of each peer once. */
struct peer {
    struct rt_span topics[TOPICS];
    unsigned count;
};

struct model {
    struct rt_subscriptions counted;
    struct peer peers[PEERS];
};

static const char file[] = "[key]\nname = n\nrole = subscriber\nowner = kim\nowner = a.b\n"
                           "public = rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\n";

static uint64_t held(const struct model *model)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < PEERS; i++)
        for (unsigned j = 0; j < model->peers[i].count; j++)
            sum += 1 + (model->peers[i].topics[j].size + 1) / TOPIC_PART;
    return sum;
}

static unsigned find(const struct peer *peer, struct rt_span topic)
{
    unsigned at = 0;

    while (at < peer->count && !rt_span_equal(peer->topics[at], topic))
        at++;
    return at;
}

static void speak(struct model *model, struct peer *peer, struct rt_span message)
{
    struct rt_span topic = {0};
    bool asks = message.size > 0 && message.data[0] == 1;
    unsigned at;

    RT_ASSERT(rt_subscription_topic(message, &topic) == asks);
    if (message.size > 0)
        topic = rt_span(message.data + 1, message.size - 1);
    at = find(peer, topic);
    if (asks && at == TOPICS)
        return; /* more than the model holds */
    if (asks && at == peer->count)
        peer->topics[peer->count++] = topic;
    else if (message.size > 0 && message.data[0] == 0 && at < peer->count)
        peer->topics[at] = peer->topics[--peer->count];
    rt_subscriptions_count(&model->counted, message, true);
}

/* libzmq says it for each topic of a peer that left. */
static void leave(struct model *model, struct peer *peer)
{
    while (peer->count > 0) {
        struct rt_span topic = peer->topics[--peer->count];
        uint8_t message[256] = {0};

        if (topic.size > 0)
            memcpy(message + 1, topic.data, topic.size);
        rt_subscriptions_count(&model->counted, rt_span(message, topic.size + 1), false);
    }
}

static void check(const struct model *model)
{
    const struct rt_subscriptions *counted = &model->counted;
    uint64_t limit = held(model) / 2;

    RT_ASSERT(counted->held + counted->given_back >= held(model));
    RT_ASSERT(held(model) == 0 || limit == 0 || counted->held + counted->given_back > 0);
    /* twice the limit is never held */
    RT_ASSERT(!rt_subscriptions_fit(counted, limit) || held(model) <= 2 * limit);
}

/* One of an owner's topics, or all that begin with less than its name? Said anew here. */
static void ask(struct rt_key *key, struct rt_span message)
{
    struct rt_span topic;
    bool begins;

    if (!rt_subscription_topic(message, &topic))
        return;
    begins = (topic.size >= 10 && memcmp(topic.data, "owner.kim.", 10) == 0) ||
             (topic.size >= 12 && memcmp(topic.data, "owner.a%2Eb.", 12) == 0) ||
             rt_span_is(topic, "cursor");
    RT_ASSERT(rt_key_may_hear(key, topic) == (begins && !key->shut_out));
    key->shut_out = key->shut_out || !begins;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct model model = {0};
    char error[RT_KEY_ERROR];
    struct rt_key key;

    RT_ASSERT(rt_key_parse(file, &key, error));
    while (size >= 2) {
        struct peer *peer = &model.peers[data[0] % PEERS];
        size_t claimed = data[1] < size - 2 ? data[1] : size - 2;

        if (data[0] & 0x80) {
            leave(&model, peer);
        } else {
            speak(&model, peer, rt_span(data + 2, claimed));
            ask(&key, rt_span(data + 2, claimed));
        }
        check(&model);
        data += 2 + claimed;
        size -= 2 + claimed;
    }
    for (unsigned i = 0; i < PEERS; i++)
        leave(&model, &model.peers[i]);
    RT_ASSERT(held(&model) == 0);
    rt_key_clear(&key);
    return 0;
}

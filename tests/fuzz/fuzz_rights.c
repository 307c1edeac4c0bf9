/* Any text as a key file, and any bytes as what the owner of the key then subscribes to, sends or
 * asks: a key may do nothing that its file does not say.
 *
 * The input: two bytes of size (little-endian), the text or as much as there is of it, then the
 * bytes. */
#include <stdlib.h>

#include "daemon/access.h"
#include "protocol/assert.h"
#include "protocol/event.h"
#include "protocol/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char other[] = "somebody whom no file names";

static bool begins_with(const struct rt_buffer *topic, struct rt_span subscription)
{
    return topic->size >= subscription.size &&
           memcmp(topic->data, subscription.data, subscription.size) == 0;
}

static bool names(const struct rt_names *list, const char *name)
{
    struct rt_reader reader = rt_reader(rt_buffer_span(&list->bytes));
    struct rt_span one;

    while (reader.at != reader.end && rt_get_bytes(&reader, &one))
        if (rt_span_is(one, name))
            return true;
    return false;
}

/* No topic of an alert of this owner begins with what it subscribed to. */
static void is_not_heard(struct rt_span subscription, struct rt_span owner)
{
    const struct rt_topic parts = {.owner = owner,
                                   .severity = rt_span_text("warning"),
                                   .kind = rt_span_text("silence"),
                                   .account = rt_span_text("A")};
    struct rt_buffer topic = {0};

    for (int tree = RT_TREE_ALERT; tree <= RT_TREE_OWNER; tree++) {
        rt_buffer_clear(&topic);
        rt_alert_topic(&topic, (enum rt_topic_tree)tree, &parts);
        RT_ASSERT(!topic.failed && !begins_with(&topic, subscription));
    }
    rt_buffer_free(&topic);
}

/* Of owners whose names begin like those it may hear. */
static void namesakes_are_not_heard(const struct rt_key *key, struct rt_span subscription)
{
    struct rt_reader reader = rt_reader(rt_buffer_span(&key->owners.bytes));
    char namesake[RT_TEXT_BYTES + 2];
    struct rt_span owner;

    while (reader.at != reader.end && rt_get_bytes(&reader, &owner)) {
        memcpy(namesake, owner.data, owner.size);
        memcpy(namesake + owner.size, "2", 2);
        if (!names(&key->owners, namesake))
            is_not_heard(subscription, rt_span_text(namesake));
    }
}

/* What it may subscribe to brings no alert of an owner it may not hear. */
static void hears_its_owners_alone(const struct rt_key *key, struct rt_span subscription)
{
    if (!rt_key_may_hear(key, subscription)) {
        RT_ASSERT(key->role != RT_ROLE_ADMIN);
        return;
    }
    RT_ASSERT(key->role == RT_ROLE_SUBSCRIBER || key->role == RT_ROLE_ADMIN);
    if (key->owners.count == 0)
        return;
    if (!names(&key->owners, other))
        is_not_heard(subscription, rt_span_text(other));
    namesakes_are_not_heard(key, subscription);
}

static void writes_its_own_alone(const struct rt_key *key, struct rt_span bytes)
{
    struct rt_span source = rt_span(bytes.data, bytes.size / 2);
    struct rt_span account = rt_span(bytes.data + bytes.size / 2, bytes.size - bytes.size / 2);
    bool may = rt_key_may_write(key, source, account, NULL) == RT_OK;

    RT_ASSERT(may || !rt_key_may_write_all(key));
    RT_ASSERT(!may || key->role == RT_ROLE_PRODUCER || key->role == RT_ROLE_ADMIN);
    RT_ASSERT(names(&key->accounts, other) || key->accounts.count == 0 ||
              rt_key_may_write(key, source, rt_span_text(other), NULL) == RT_DENIED);
}

static void asks_what_it_may(const struct rt_key *key, struct rt_span payload)
{
    struct rt_query query;
    struct rt_fault fault;

    if (!rt_msgpack_check(payload, RT_NESTING) || rt_query_decode(payload, &query, &fault) != RT_OK)
        return;
    if (rt_key_may_query(key, &query, &fault) != RT_OK) {
        RT_ASSERT(fault.code == RT_DENIED && fault.text[0] != '\0');
        return;
    }
    RT_ASSERT(key->role == RT_ROLE_ADMIN ||
              (query.op != RT_ACCOUNT_ERASE && query.op != RT_ALERT_ACK &&
               query.op != RT_ALERT_SNOOZE && query.op != RT_DEAD_DROP &&
               query.op != RT_DEAD_RETRY && query.op != RT_ACCOUNT_OVERRIDE &&
               query.op != RT_ACCOUNT_OVERRIDE_END && query.op != RT_EVENT_VOID));
}

static void as_key(const char *text, struct rt_span bytes)
{
    struct rt_access access = {.asked = true};
    char error[RT_KEY_ERROR] = "";
    struct rt_key key;

    if (!rt_key_parse(text, &key, error)) {
        RT_ASSERT(error[0] != '\0');
        return;
    }
    RT_ASSERT(key.name[0] != '\0' && strlen(key.public_key) == RT_KEY_TEXT - 1);
    RT_ASSERT(rt_key_equal(&key, &key));
    hears_its_owners_alone(&key, bytes);
    writes_its_own_alone(&key, bytes);
    asks_what_it_may(&key, bytes);
    RT_ASSERT(rt_access_add(&access, &key));
    rt_access_seal(&access, NULL, NULL);
    RT_ASSERT(rt_access_find(&access, rt_span_text(access.keys[0].public_key)) == access.keys);
    RT_ASSERT(rt_access_of(&access, rt_span(NULL, 0)) == NULL);
    rt_access_clear(&access);
}

static char *text_of(struct rt_span bytes)
{
    char *text = malloc(bytes.size + 1);

    RT_ASSERT(text != NULL);
    if (bytes.size > 0)
        memcpy(text, bytes.data, bytes.size);
    text[bytes.size] = '\0';
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rt_span bytes;
    size_t claimed;
    char *text;

    if (size < 2)
        return 0;
    claimed = (size_t)(data[0] | data[1] << 8);
    claimed = claimed < size - 2 ? claimed : size - 2;
    bytes = rt_span(data + 2 + claimed, size - 2 - claimed);
    text = text_of(rt_span(data + 2, claimed));
    as_key(text, bytes);
    free(text);
    return 0;
}

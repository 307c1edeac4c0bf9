/* One interaction event: its keys, their rules, and a decoder that trusts nothing. */
#ifndef RT_PROTOCOL_EVENT_H
#define RT_PROTOCOL_EVENT_H

#include "protocol/errors.h"
#include "protocol/reader.h"
#include "protocol/writer.h"

enum rt_event_type { RT_CALL, RT_EMAIL, RT_VISIT, RT_TICKET, RT_ACCOUNT, RT_EVENT_TYPES };

enum rt_direction { RT_DIRECTION_NONE, RT_IN, RT_OUT };

enum rt_outcome {
    RT_OUTCOME_NONE,
    /* calls */
    RT_ANSWERED,
    RT_MISSED,
    RT_VOICEMAIL,
    RT_CALL_BUSY,
    RT_FAILED,
    RT_ABANDONED,
    /* visits */
    RT_HELD,
    RT_NO_SHOW,
    RT_CANCELLED,
};

enum rt_channel { RT_CHANNEL_NONE, RT_ONSITE, RT_REMOTE, RT_WEB };

enum rt_action {
    RT_ACTION_NONE,
    RT_OPENED,
    RT_UPDATED,
    RT_REPLIED,
    RT_ESCALATED,
    RT_RESOLVED,
    RT_REOPENED,
    RT_CLOSED,
};

/* The keys of a profile, in the order they are listed to users. */
enum rt_profile_key {
    RT_PROFILE_NAME,
    RT_PROFILE_OWNER,
    RT_PROFILE_TIER,
    RT_PROFILE_REGION,
    RT_PROFILE_CURRENCY,
    RT_PROFILE_STATUS,
    RT_PROFILE_CONTACTS,
    RT_PROFILE_RENEWAL,
    RT_PROFILE_VALUE,
    RT_PROFILE_KEYS,
};

enum rt_presence { RT_KEY_ABSENT, RT_KEY_CLEARED, RT_KEY_SET };

/* What an account event says of one key. `text` is the string (name, owner, tier, region, currency,
 * status) or the packed array (contacts); renewal and value are numbers. In other events all keys
 * are absent, and nothing but `presence` is defined. */
struct rt_profile_value {
    enum rt_presence presence;
    struct rt_span text;
    int64_t renewal;
    double value;
};

/* Spans point into the decoded bytes. A span that is absent has data NULL. */
struct rt_event {
    struct rt_span raw; /* the event as it was sent */
    struct rt_span id, source, account;
    enum rt_event_type type;
    int64_t ts;
    enum rt_direction direction;
    struct rt_span contact, agent;
    bool has_sentiment;
    double sentiment; /* -1..1 */
    bool has_duration, has_wait;
    double duration, wait;   /* seconds */
    enum rt_outcome outcome; /* calls and visits: never NONE, the default is filled in */
    struct rt_span thread;
    bool bounced;
    enum rt_channel channel;
    struct rt_span ticket;
    enum rt_action action;
    int severity; /* 1..4, 0 if not stated */
    int csat;     /* 1..5, 0 if not stated */
    struct rt_profile_value profile[RT_PROFILE_KEYS];
};

/* Decodes one event whose bytes have passed rt_msgpack_check as part of its payload. `now` (ms)
 * judges the future. On a fault *event is undefined. Returns RT_OK or the fault's code (bad_event,
 * missing_field, bad_field, ts_in_future). `limit` is the largest size of an event in bytes. */
enum rt_error rt_event_decode(struct rt_span bytes, int64_t now, size_t limit,
                              struct rt_event *event, struct rt_fault *fault);

/* The same without judging the future, up to RT_TS_MAX: for events that were accepted before
 * (journal, timelines). */
enum rt_error rt_event_decode_accepted(struct rt_span bytes, struct rt_event *event,
                                       struct rt_fault *fault);

/* The account an event would be routed by: the first valid `account` key of a map. False if there
 * is none; such an event has a fault that rt_event_decode names. */
bool rt_event_account(struct rt_span bytes, struct rt_span *account);

/* The source an event says it comes from: its first `source` key, empty if it has none or nil. False
 * if that is no string; such an event, and one with two of them, has a fault that rt_event_decode
 * names. */
bool rt_event_source(struct rt_span bytes, struct rt_span *source);

const char *rt_event_type_name(enum rt_event_type type);
const char *rt_profile_key_name(enum rt_profile_key key);

/* docs/PROTOCOL.md, "What counts". */
static inline bool rt_event_unanswered(const struct rt_event *event)
{
    return event->type == RT_CALL && (event->outcome == RT_FAILED ||
                                      (event->direction == RT_IN && event->outcome != RT_ANSWERED));
}

static inline bool rt_event_is_contact(const struct rt_event *event)
{
    switch (event->type) {
    case RT_CALL:
        return true;
    case RT_VISIT:
        return event->outcome == RT_HELD;
    case RT_EMAIL:
        return !event->bounced;
    case RT_TICKET:
        return event->action == RT_OPENED || event->action == RT_REPLIED ||
               event->action == RT_REOPENED;
    default:
        return false;
    }
}

#endif

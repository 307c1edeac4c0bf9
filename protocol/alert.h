/* Alerts: kinds, severities, states, the message and its topics. */
#ifndef RT_PROTOCOL_ALERT_H
#define RT_PROTOCOL_ALERT_H

#include "protocol/reader.h"
#include "protocol/writer.h"

enum rt_alert_kind {
    RT_CHURN_RISK,
    RT_SCORE_DROP,
    RT_SILENCE,
    RT_TICKET_OVERDUE,
    RT_SENTIMENT,
    RT_RENEWAL_RISK,
    RT_UPSELL,
    RT_ALERT_KINDS,
};

enum rt_severity { RT_INFO, RT_WARNING, RT_CRITICAL, RT_SEVERITY_COUNT };

enum rt_alert_state { RT_RAISED, RT_CHANGED, RT_REMINDED, RT_CLEARED, RT_ALERT_STATES };

enum { RT_REASONS = 12, RT_REASON_TEXT = 480, RT_SENTENCE = 400 };

struct rt_reason {
    const char *factor; /* static name */
    double points;      /* signed */
    char text[RT_REASON_TEXT];
    size_t fact;   /* so many bytes of the text say what is; the rest what follows from it */
    bool ordinary; /* no more than what happens to every customer */
};

/* An acknowledgement or a snooze; by.data NULL: none. */
struct rt_hold {
    struct rt_span by, note;
    int64_t until, ts;
};

struct rt_alert {
    struct rt_span id;
    enum rt_alert_kind kind;
    enum rt_severity severity;
    enum rt_alert_state state;
    struct rt_span account, owner, tier; /* owner, tier: data NULL if none */
    double score;
    bool has_previous;
    double previous;
    int64_t ts, published;
    struct rt_span cause_type, cause_id; /* data NULL: time did */
    const struct rt_reason *reasons;     /* heaviest first */
    size_t reason_count;
    struct rt_span text, clears;
    int64_t worsens; /* 0: it does not */
    struct rt_hold ack, snooze;
};

const char *rt_alert_kind_name(enum rt_alert_kind kind);
const char *rt_severity_name(enum rt_severity severity);
const char *rt_alert_state_name(enum rt_alert_state state);
/* False if there is no such name. */
bool rt_alert_kind_parse(struct rt_span name, enum rt_alert_kind *kind);
bool rt_severity_parse(struct rt_span name, enum rt_severity *severity);
bool rt_alert_state_parse(struct rt_span name, enum rt_alert_state *state);

/* The message as a map without its cursor (the publisher adds that as the last pair). */
void rt_alert_encode(struct rt_buffer *out, const struct rt_alert *alert);

/* Copies a packed map with one more pair at its end, cursor: text. False if `map` is no map. */
bool rt_alert_with_cursor(struct rt_buffer *out, struct rt_span map, struct rt_span cursor);

/* What a reader of the history needs of a packed message; spans point into it. Reasons and texts
 * are not read. */
bool rt_alert_decode(struct rt_span map, struct rt_alert *alert);

/* "alert.<severity>.<kind>.<account>" and "owner.<owner>.<severity>.<kind>.<account>"; owner "-" if
 * empty. Bytes '.', '%' and control bytes (0..31, 127) of owner and account are percent-encoded. */
enum rt_topic_tree { RT_TREE_ALERT, RT_TREE_OWNER };
struct rt_topic {
    struct rt_span owner, severity, kind, account;
};
void rt_alert_topic(struct rt_buffer *out, enum rt_topic_tree tree, const struct rt_topic *topic);
/* What all topics of one owner begin with: "owner.<owner>." */
void rt_owner_prefix(struct rt_buffer *out, struct rt_span owner);
/* True if the topic begins with it. Takes no memory. */
bool rt_topic_of_owner(struct rt_span topic, struct rt_span owner);

#endif

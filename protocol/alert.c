/* The alert message: encode, decode, and the topics it goes out on.
 *
 * Failure: bytes that are no alert of ours decode to false; encoding fails only with its buffer. */
#include "protocol/alert.h"

#include "protocol/assert.h"
#include "protocol/limits.h"

static const char *const kind_names[] = {
    "churn_risk", "score_drop", "silence", "ticket_overdue", "sentiment", "renewal_risk", "upsell",
};
static const char *const severity_names[] = {"info", "warning", "critical"};
static const char *const state_names[] = {"raised", "changed", "reminded", "cleared"};

_Static_assert(sizeof(kind_names) / sizeof(kind_names[0]) == RT_ALERT_KINDS, "a name for each");
_Static_assert(sizeof(severity_names) / sizeof(severity_names[0]) == RT_SEVERITY_COUNT,
               "a name for each");
_Static_assert(sizeof(state_names) / sizeof(state_names[0]) == RT_ALERT_STATES, "a name for each");

const char *rt_alert_kind_name(enum rt_alert_kind kind)
{
    RT_ASSERT((unsigned)kind < RT_ALERT_KINDS);
    return kind_names[kind];
}

const char *rt_severity_name(enum rt_severity severity)
{
    RT_ASSERT((unsigned)severity < RT_SEVERITY_COUNT);
    return severity_names[severity];
}

const char *rt_alert_state_name(enum rt_alert_state state)
{
    RT_ASSERT((unsigned)state < RT_ALERT_STATES);
    return state_names[state];
}

static bool find(struct rt_span name, const char *const *names, int count, int *place)
{
    for (int i = 0; i < count; i++) {
        if (rt_span_is(name, names[i])) {
            *place = i;
            return true;
        }
    }
    return false;
}

bool rt_alert_kind_parse(struct rt_span name, enum rt_alert_kind *kind)
{
    int place;

    if (!find(name, kind_names, RT_ALERT_KINDS, &place))
        return false;
    *kind = (enum rt_alert_kind)place;
    return true;
}

bool rt_severity_parse(struct rt_span name, enum rt_severity *severity)
{
    int place;

    if (!find(name, severity_names, RT_SEVERITY_COUNT, &place))
        return false;
    *severity = (enum rt_severity)place;
    return true;
}

bool rt_alert_state_parse(struct rt_span name, enum rt_alert_state *state)
{
    int place;

    if (!find(name, state_names, RT_ALERT_STATES, &place))
        return false;
    *state = (enum rt_alert_state)place;
    return true;
}

static void write_key_optional(struct rt_buffer *out, const char *key, struct rt_span value)
{
    rt_write_text(out, key);
    rt_write_optional(out, value);
}

static void write_cause(struct rt_buffer *out, const struct rt_alert *alert)
{
    rt_write_text(out, "cause");
    if (alert->cause_id.data == NULL) {
        rt_write_nil(out);
        return;
    }
    rt_write_map(out, 2);
    rt_write_key_str(out, "type", alert->cause_type);
    rt_write_key_str(out, "id", alert->cause_id);
}

static void write_reasons(struct rt_buffer *out, const struct rt_alert *alert)
{
    rt_write_text(out, "reasons");
    rt_write_array(out, (uint32_t)alert->reason_count);
    for (size_t i = 0; i < alert->reason_count; i++) {
        rt_write_map(out, 3);
        rt_write_key_text(out, "factor", alert->reasons[i].factor);
        rt_write_key_double(out, "points", alert->reasons[i].points);
        rt_write_key_text(out, "text", alert->reasons[i].text);
    }
}

static void write_hold(struct rt_buffer *out, const char *key, const struct rt_hold *hold)
{
    rt_write_text(out, key);
    if (hold->by.data == NULL) {
        rt_write_nil(out);
        return;
    }
    rt_write_map(out, 4);
    rt_write_key_str(out, "by", hold->by);
    rt_write_key_int(out, "until", hold->until);
    write_key_optional(out, "note", hold->note);
    rt_write_key_int(out, "ts", hold->ts);
}

enum { ALERT_PAIRS = 18 }; /* without the cursor */

void rt_alert_encode(struct rt_buffer *out, const struct rt_alert *alert)
{
    rt_write_map(out, ALERT_PAIRS);
    rt_write_key_str(out, "id", alert->id);
    rt_write_key_text(out, "kind", rt_alert_kind_name(alert->kind));
    rt_write_key_text(out, "severity", rt_severity_name(alert->severity));
    rt_write_key_text(out, "state", rt_alert_state_name(alert->state));
    rt_write_key_str(out, "account", alert->account);
    write_key_optional(out, "owner", alert->owner);
    write_key_optional(out, "tier", alert->tier);
    rt_write_key_double(out, "score", alert->score);
    if (alert->has_previous)
        rt_write_key_double(out, "previous", alert->previous);
    else
        rt_write_key_nil(out, "previous");
    rt_write_key_int(out, "ts", alert->ts);
    rt_write_key_int(out, "published", alert->published);
    write_cause(out, alert);
    write_reasons(out, alert);
    write_key_optional(out, "text", alert->text);
    write_key_optional(out, "clears", alert->clears);
    if (alert->worsens != 0)
        rt_write_key_int(out, "worsens", alert->worsens);
    else
        rt_write_key_nil(out, "worsens");
    write_hold(out, "ack", &alert->ack);
    write_hold(out, "snooze", &alert->snooze);
}

bool rt_alert_with_cursor(struct rt_buffer *out, struct rt_span map, struct rt_span cursor)
{
    struct rt_reader reader = rt_reader(map);
    uint32_t pairs;

    if (!rt_read_map(&reader, &pairs) || pairs == UINT32_MAX)
        return false;
    rt_write_map(out, pairs + 1);
    rt_buffer_append(out, reader.at, (size_t)(reader.end - reader.at));
    rt_write_key_str(out, "cursor", cursor);
    return true;
}

/* One bit for each key without which an alert means nothing. */
enum {
    SEEN_ID = 1,
    SEEN_KIND = 2,
    SEEN_SEVERITY = 4,
    SEEN_STATE = 8,
    SEEN_ACCOUNT = 16,
    SEEN_TS = 32,
    SEEN_ALL = 63,
};

static bool read_optional(struct rt_reader *reader, struct rt_span *value)
{
    if (rt_read_kind(reader) == RT_KIND_NIL)
        return rt_read_nil(reader);
    return rt_read_str(reader, value);
}

static bool read_pair_of_cause(struct rt_reader *reader, struct rt_span key, struct rt_alert *alert)
{
    if (rt_span_is(key, "type"))
        return rt_read_str(reader, &alert->cause_type);
    if (rt_span_is(key, "id"))
        return rt_read_str(reader, &alert->cause_id);
    return rt_read_skip(reader, NULL);
}

static bool read_cause(struct rt_reader *reader, struct rt_alert *alert)
{
    struct rt_span key;
    uint32_t pairs;

    if (rt_read_kind(reader) == RT_KIND_NIL)
        return rt_read_nil(reader);
    if (!rt_read_map(reader, &pairs))
        return false;
    for (uint32_t i = 0; i < pairs; i++) {
        if (!rt_read_str(reader, &key) || !read_pair_of_cause(reader, key, alert))
            return false;
    }
    return true;
}

static bool read_pair_of_hold(struct rt_reader *reader, struct rt_span key, struct rt_hold *hold)
{
    if (rt_span_is(key, "by"))
        return rt_read_str(reader, &hold->by);
    if (rt_span_is(key, "until"))
        return rt_read_int(reader, &hold->until);
    if (rt_span_is(key, "note"))
        return read_optional(reader, &hold->note);
    if (rt_span_is(key, "ts"))
        return rt_read_int(reader, &hold->ts);
    return rt_read_skip(reader, NULL);
}

static bool read_hold(struct rt_reader *reader, struct rt_hold *hold)
{
    struct rt_span key;
    uint32_t pairs;

    if (rt_read_kind(reader) == RT_KIND_NIL)
        return rt_read_nil(reader);
    if (!rt_read_map(reader, &pairs))
        return false;
    for (uint32_t i = 0; i < pairs; i++) {
        if (!rt_read_str(reader, &key) || !read_pair_of_hold(reader, key, hold))
            return false;
    }
    return true;
}

static bool read_previous(struct rt_reader *reader, struct rt_alert *alert)
{
    if (rt_read_kind(reader) == RT_KIND_NIL)
        return rt_read_nil(reader);
    alert->has_previous = true;
    return rt_read_number(reader, &alert->previous);
}

static bool read_worsens(struct rt_reader *reader, struct rt_alert *alert)
{
    if (rt_read_kind(reader) == RT_KIND_NIL)
        return rt_read_nil(reader);
    return rt_read_int(reader, &alert->worsens);
}

static bool read_names(struct rt_reader *reader, struct rt_span key, struct rt_alert *alert,
                       unsigned *seen)
{
    struct rt_span name;

    if (!rt_read_str(reader, &name))
        return false;
    if (rt_span_is(key, "kind")) {
        *seen |= SEEN_KIND;
        return rt_alert_kind_parse(name, &alert->kind);
    }
    if (rt_span_is(key, "severity")) {
        *seen |= SEEN_SEVERITY;
        return rt_severity_parse(name, &alert->severity);
    }
    *seen |= SEEN_STATE;
    return rt_alert_state_parse(name, &alert->state);
}

static bool read_identity(struct rt_reader *reader, struct rt_span key, struct rt_alert *alert,
                          unsigned *seen)
{
    if (rt_span_is(key, "id")) {
        *seen |= SEEN_ID;
        return rt_read_str(reader, &alert->id);
    }
    if (rt_span_is(key, "account")) {
        *seen |= SEEN_ACCOUNT;
        return rt_read_str(reader, &alert->account);
    }
    *seen |= SEEN_TS;
    return rt_read_int(reader, &alert->ts);
}

static bool read_pair(struct rt_reader *reader, struct rt_span key, struct rt_alert *alert,
                      unsigned *seen)
{
    if (rt_span_is(key, "id") || rt_span_is(key, "account") || rt_span_is(key, "ts"))
        return read_identity(reader, key, alert, seen);
    if (rt_span_is(key, "kind") || rt_span_is(key, "severity") || rt_span_is(key, "state"))
        return read_names(reader, key, alert, seen);
    if (rt_span_is(key, "owner"))
        return read_optional(reader, &alert->owner);
    if (rt_span_is(key, "tier"))
        return read_optional(reader, &alert->tier);
    if (rt_span_is(key, "score"))
        return rt_read_number(reader, &alert->score);
    if (rt_span_is(key, "previous"))
        return read_previous(reader, alert);
    if (rt_span_is(key, "published"))
        return rt_read_int(reader, &alert->published);
    if (rt_span_is(key, "cause"))
        return read_cause(reader, alert);
    if (rt_span_is(key, "worsens"))
        return read_worsens(reader, alert);
    if (rt_span_is(key, "ack"))
        return read_hold(reader, &alert->ack);
    if (rt_span_is(key, "snooze"))
        return read_hold(reader, &alert->snooze);
    return rt_read_skip(reader, NULL);
}

bool rt_alert_decode(struct rt_span map, struct rt_alert *alert)
{
    struct rt_reader reader = rt_reader(map);
    unsigned seen = 0;
    struct rt_span key;
    uint32_t pairs;

    *alert = (struct rt_alert){0};
    if (!rt_read_map(&reader, &pairs))
        return false;
    for (uint32_t i = 0; i < pairs; i++) {
        if (!rt_read_str(&reader, &key) || !read_pair(&reader, key, alert, &seen))
            return false;
    }
    return seen == SEEN_ALL && rt_read_done(&reader);
}

static void append_text(struct rt_buffer *out, const char *text)
{
    rt_buffer_append(out, text, strlen(text));
}

/* Dots part the levels of a topic, so a name must not bring its own. Returns how many bytes stand for
 * this one. */
static size_t encode_byte(uint8_t byte, uint8_t code[3])
{
    static const char digits[] = "0123456789ABCDEF";

    if (byte != '.' && byte != '%' && byte >= 0x20 && byte != 0x7f) {
        code[0] = byte;
        return 1;
    }
    code[0] = '%';
    code[1] = (uint8_t)digits[byte >> 4];
    code[2] = (uint8_t)digits[byte & 15];
    return 3;
}

static void append_encoded(struct rt_buffer *out, struct rt_span name)
{
    for (size_t i = 0; i < name.size; i++) {
        uint8_t code[3];

        size_t size = encode_byte(name.data[i], code);

        rt_buffer_append(out, code, size);
    }
}

static struct rt_span owner_or_none(struct rt_span owner)
{
    return owner.size == 0 ? rt_span_text("-") : owner;
}

void rt_owner_prefix(struct rt_buffer *out, struct rt_span owner)
{
    append_text(out, "owner.");
    append_encoded(out, owner_or_none(owner));
    append_text(out, ".");
}

static bool take(struct rt_span *text, const void *bytes, size_t size)
{
    if (text->size < size || memcmp(text->data, bytes, size) != 0)
        return false;
    *text = rt_span(text->data + size, text->size - size);
    return true;
}

bool rt_topic_of_owner(struct rt_span topic, struct rt_span owner)
{
    bool inside = take(&topic, "owner.", 6);

    owner = owner_or_none(owner);
    for (size_t i = 0; inside && i < owner.size; i++) {
        uint8_t code[3];
        size_t size = encode_byte(owner.data[i], code);

        inside = take(&topic, code, size);
    }
    return inside && take(&topic, ".", 1);
}

void rt_alert_topic(struct rt_buffer *out, enum rt_topic_tree tree, const struct rt_topic *topic)
{
    if (tree == RT_TREE_OWNER)
        rt_owner_prefix(out, topic->owner);
    else
        append_text(out, "alert.");
    rt_buffer_append(out, topic->severity.data, topic->severity.size);
    append_text(out, ".");
    rt_buffer_append(out, topic->kind.data, topic->kind.size);
    append_text(out, ".");
    append_encoded(out, topic->account);
}

/* Events: from bytes nobody vouches for to a struct, and back.
 *
 * Decoding is one pass over the map, which notes where the value of each known key stands, and then
 * one reading of each key that the event's type gives a meaning: only then is the type known, which
 * may stand last. Nothing is allocated and strings stay where they are. Failure: the first fault
 * found ends it, named in *fault. */
#include "protocol/event.h"

#include "protocol/assert.h"
#include "protocol/limits.h"

/* X(symbol, name). The profile's keys stand together, in the order of enum rt_profile_key. */
#define EVENT_KEYS(X)                                                                              \
    X(ID, "id")                                                                                    \
    X(TYPE, "type")                                                                                \
    X(ACCOUNT, "account")                                                                          \
    X(TS, "ts")                                                                                    \
    X(SOURCE, "source")                                                                            \
    X(PARTY, "party")                                                                              \
    X(DIRECTION, "direction")                                                                      \
    X(CONTACT, "contact")                                                                          \
    X(AGENT, "agent")                                                                              \
    X(SENTIMENT, "sentiment")                                                                      \
    X(DURATION, "duration")                                                                        \
    X(OUTCOME, "outcome")                                                                          \
    X(WAIT, "wait")                                                                                \
    X(THREAD, "thread")                                                                            \
    X(BOUNCED, "bounced")                                                                          \
    X(CHANNEL, "channel")                                                                          \
    X(TICKET, "ticket")                                                                            \
    X(ACTION, "action")                                                                            \
    X(SEVERITY, "severity")                                                                        \
    X(CSAT, "csat")                                                                                \
    X(NAME, "name")                                                                                \
    X(OWNER, "owner")                                                                              \
    X(TIER, "tier")                                                                                \
    X(REGION, "region")                                                                            \
    X(CURRENCY, "currency")                                                                        \
    X(STATUS, "status")                                                                            \
    X(CONTACTS, "contacts")                                                                        \
    X(RENEWAL, "renewal")                                                                          \
    X(VALUE, "value")

#define KEY_SYMBOL(symbol, name) KEY_##symbol,
enum key { EVENT_KEYS(KEY_SYMBOL) KEY_COUNT, KEY_NONE = KEY_COUNT };
#undef KEY_SYMBOL

#define KEY_NAME(symbol, name) name,
static const char *const key_names[] = {EVENT_KEYS(KEY_NAME)};
#undef KEY_NAME

_Static_assert(KEY_COUNT <= 32, "one bit for each key");
_Static_assert((int)KEY_VALUE - (int)KEY_NAME == (int)RT_PROFILE_VALUE,
               "the profile's keys stand in the order of enum rt_profile_key");

/* Where the values of an event's known keys stand. */
struct scan {
    uint32_t given;               /* bit KEY_x: the key is there */
    const uint8_t *at[KEY_COUNT]; /* of its value, where given */
    const uint8_t *end;
    struct rt_fault *fault;
};

static inline enum key key_if(bool equal, enum key key)
{
    return equal ? key : KEY_NONE;
}

#define IS(text) (memcmp(name.data, text, sizeof(text) - 1) == 0)

static inline enum key key_of_seven(struct rt_span name)
{
    switch (name.data[0]) {
    case 'a':
        return key_if(IS("account"), KEY_ACCOUNT);
    case 'b':
        return key_if(IS("bounced"), KEY_BOUNCED);
    case 'c':
        return IS("contact") ? KEY_CONTACT : key_if(IS("channel"), KEY_CHANNEL);
    case 'o':
        return key_if(IS("outcome"), KEY_OUTCOME);
    default:
        return key_if(IS("renewal"), KEY_RENEWAL);
    }
}

static inline enum key key_of_six(struct rt_span name)
{
    switch (name.data[0]) {
    case 's':
        return IS("source") ? KEY_SOURCE : key_if(IS("status"), KEY_STATUS);
    case 't':
        return IS("ticket") ? KEY_TICKET : key_if(IS("thread"), KEY_THREAD);
    case 'a':
        return key_if(IS("action"), KEY_ACTION);
    default:
        return key_if(IS("region"), KEY_REGION);
    }
}

static inline enum key key_of_five(struct rt_span name)
{
    switch (name.data[0]) {
    case 'a':
        return key_if(IS("agent"), KEY_AGENT);
    case 'o':
        return key_if(IS("owner"), KEY_OWNER);
    case 'p':
        return key_if(IS("party"), KEY_PARTY);
    default:
        return key_if(IS("value"), KEY_VALUE);
    }
}

static inline enum key key_of_four(struct rt_span name)
{
    switch (name.data[0]) {
    case 't':
        return IS("type") ? KEY_TYPE : key_if(IS("tier"), KEY_TIER);
    case 'w':
        return key_if(IS("wait"), KEY_WAIT);
    case 'c':
        return key_if(IS("csat"), KEY_CSAT);
    default:
        return key_if(IS("name"), KEY_NAME);
    }
}

static inline enum key key_of_eight(struct rt_span name)
{
    switch (name.data[0]) {
    case 'd':
        return key_if(IS("duration"), KEY_DURATION);
    case 's':
        return key_if(IS("severity"), KEY_SEVERITY);
    default:
        return IS("contacts") ? KEY_CONTACTS : key_if(IS("currency"), KEY_CURRENCY);
    }
}

static inline enum key key_of(struct rt_span name)
{
    switch (name.size) {
    case 2:
        return IS("id") ? KEY_ID : key_if(IS("ts"), KEY_TS);
    case 4:
        return key_of_four(name);
    case 5:
        return key_of_five(name);
    case 6:
        return key_of_six(name);
    case 7:
        return key_of_seven(name);
    case 8:
        return key_of_eight(name);
    case 9:
        return IS("direction") ? KEY_DIRECTION : key_if(IS("sentiment"), KEY_SENTIMENT);
    default:
        return KEY_NONE;
    }
}

#undef IS

static enum rt_error bad_field(const struct scan *scan, enum key key, const char *fault)
{
    return rt_fault_set(scan->fault, RT_BAD_FIELD, "%s: %s", key_names[key], fault);
}

static inline bool has(const struct scan *scan, enum key key)
{
    return (scan->given >> key & 1) != 0;
}

static inline struct rt_reader value_of(const struct scan *scan, enum key key)
{
    return (struct rt_reader){.at = scan->at[key], .end = scan->end};
}

/* The key is there, and not nil. */
static inline bool states(const struct scan *scan, enum key key)
{
    enum { NIL = 0xc0 };

    return has(scan, key) && *scan->at[key] != NIL;
}

static __attribute__((noinline)) const uint8_t *behind_any(const uint8_t *at, const uint8_t *end)
{
    struct rt_reader reader = {.at = at, .end = end};

    return rt_read_skip_any(&reader, NULL) ? reader.at : NULL;
}

/* Behind the object at `at`; NULL if there is none that is whole. By value, so that the scan stays
 * in registers; the size of a short string without the table, for that is what the scan waits for.
 */
static inline const uint8_t *behind(const uint8_t *at, const uint8_t *end)
{
    size_t size;

    if (at == end)
        return NULL;
    size = (*at & 0xe0) == 0xa0 ? 1 + (*at & 0x1fu) : rt_formats[*at].size;
    return size != 0 && size <= (size_t)(end - at) ? at + size : behind_any(at, end);
}

static __attribute__((noinline)) enum key key_at_any(const uint8_t *at, const uint8_t *end)
{
    struct rt_reader reader = {.at = at, .end = end};
    struct rt_span name;

    return rt_read_str_any(&reader, &name) ? key_of(name) : KEY_NONE;
}

/* The key that an object from `at` to `end` names. */
static inline enum key key_at(const uint8_t *at, const uint8_t *end)
{
    if ((*at & 0xe0) == 0xa0)
        return key_of(rt_span(at + 1, (size_t)(end - at) - 1));
    return key_at_any(at, end);
}

/* Notes the pairs from `at` on. False if one cannot be read or bytes are left over. */
static bool scan_pairs(struct scan *scan, const uint8_t *at, uint32_t pairs, enum key *twice)
{
    const uint8_t *end = scan->end;
    uint32_t given = 0;

    for (; pairs > 0; pairs--) {
        const uint8_t *value = behind(at, end);
        const uint8_t *next = value == NULL ? NULL : behind(value, end);
        enum key key;

        if (next == NULL)
            return false;
        key = key_at(at, value);
        if (key != KEY_NONE) {
            if ((given >> key & 1) != 0 && *twice == KEY_NONE)
                *twice = key;
            given |= UINT32_C(1) << key;
            scan->at[key] = value;
        }
        at = next;
    }
    scan->given = given;
    return at == end;
}

static enum rt_error scan_event(struct scan *scan, struct rt_span bytes, struct rt_fault *fault)
{
    struct rt_reader reader = rt_reader(bytes);
    enum key twice = KEY_NONE;
    uint32_t pairs;

    scan->end = reader.end;
    scan->fault = fault;
    if (rt_read_kind(&reader) == RT_KIND_ARRAY)
        return rt_fault_set(fault, RT_BAD_EVENT, "event: must be a map (an array is reserved)");
    if (!rt_read_map(&reader, &pairs))
        return rt_fault_set(fault, RT_BAD_EVENT, "event: must be a map");
    if (!scan_pairs(scan, reader.at, pairs, &twice))
        return rt_fault_set(fault, RT_BAD_EVENT, "event: is unreadable");
    if (twice != KEY_NONE)
        return bad_field(scan, twice, "given twice");
    return RT_OK;
}

static inline bool text_read(struct rt_reader *reader, size_t least, size_t most,
                             struct rt_span *text)
{
    return rt_read_str(reader, text) && text->size >= least && text->size <= most &&
           rt_utf8_valid(*text);
}

/* A string that names something: not empty. */
static enum rt_error check_text(const struct scan *scan, enum key key, size_t most,
                                struct rt_span *text)
{
    struct rt_reader reader;

    if (!states(scan, key))
        return RT_OK;
    reader = value_of(scan, key);
    if (!text_read(&reader, 1, most, text))
        return rt_fault_set(scan->fault, RT_BAD_FIELD,
                            "%s: must be a string of 1 to %zu bytes of UTF-8", key_names[key],
                            most);
    return RT_OK;
}

static enum rt_error check_required(const struct scan *scan, enum key key)
{
    if (!states(scan, key))
        return rt_fault_set(scan->fault, RT_MISSING_FIELD, "%s: is missing", key_names[key]);
    return RT_OK;
}

static enum rt_error check_required_text(const struct scan *scan, enum key key, size_t most,
                                         struct rt_span *text)
{
    enum rt_error code = check_required(scan, key);

    return code != RT_OK ? code : check_text(scan, key, most, text);
}

static enum rt_error check_source(const struct scan *scan, struct rt_span *source)
{
    struct rt_reader reader;

    *source = rt_span("", 0);
    if (!states(scan, KEY_SOURCE))
        return RT_OK;
    reader = value_of(scan, KEY_SOURCE);
    if (!text_read(&reader, 0, RT_SOURCE_BYTES, source))
        return rt_fault_set(scan->fault, RT_BAD_FIELD,
                            "source: must be a string of at most %d bytes of UTF-8",
                            RT_SOURCE_BYTES);
    return RT_OK;
}

struct word {
    const char *text;
    size_t size;
};

#define WORD(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* The words a key may have; the first of them stands for the enum value `first`, the next for the
 * next. */
struct words {
    const struct word *names;
    int count, first;
    const char *fault;
};

#define WORDS(names, first, fault)                                                                 \
    (const struct words)                                                                           \
    {                                                                                              \
        names, sizeof(names) / sizeof((names)[0]), first, "must be " fault                         \
    }

static enum rt_error check_word(const struct scan *scan, enum key key, const struct words words,
                                int *value)
{
    struct rt_reader reader;
    struct rt_span text;

    if (!states(scan, key))
        return RT_OK;
    reader = value_of(scan, key);
    if (!rt_read_str(&reader, &text))
        return bad_field(scan, key, words.fault);
    for (int i = 0; i < words.count; i++) {
        if (text.size == words.names[i].size &&
            memcmp(text.data, words.names[i].text, text.size) == 0) {
            *value = words.first + i;
            return RT_OK;
        }
    }
    return bad_field(scan, key, words.fault);
}

static enum rt_error check_number(const struct scan *scan, enum key key, bool *given, double *value)
{
    struct rt_reader reader;

    if (!states(scan, key))
        return RT_OK;
    reader = value_of(scan, key);
    if (!rt_read_number(&reader, value) || *value < 0)
        return bad_field(scan, key, "must be a number that is not negative");
    *given = true;
    return RT_OK;
}

static enum rt_error check_int(const struct scan *scan, enum key key, int least, int most,
                               int *value)
{
    struct rt_reader reader;
    int64_t wide;

    if (!states(scan, key))
        return RT_OK;
    reader = value_of(scan, key);
    if (!rt_read_int(&reader, &wide) || wide < least || wide > most)
        return rt_fault_set(scan->fault, RT_BAD_FIELD, "%s: must be an int from %d to %d",
                            key_names[key], least, most);
    *value = (int)wide;
    return RT_OK;
}

static enum rt_error check_sentiment(const struct scan *scan, struct rt_event *event)
{
    struct rt_reader reader;

    if (!states(scan, KEY_SENTIMENT))
        return RT_OK;
    reader = value_of(scan, KEY_SENTIMENT);
    if (!rt_read_number(&reader, &event->sentiment) || event->sentiment < -1 ||
        event->sentiment > 1)
        return bad_field(scan, KEY_SENTIMENT, "must be a number from -1 to 1");
    event->has_sentiment = true;
    return RT_OK;
}

static enum rt_error check_ts(const struct scan *scan, int64_t now, int64_t *ts)
{
    enum rt_error code = check_required(scan, KEY_TS);
    struct rt_reader reader;
    bool read;

    if (code != RT_OK)
        return code;
    reader = value_of(scan, KEY_TS);
    if (rt_read_kind(&reader) == RT_KIND_EXT)
        read = rt_read_timestamp(&reader, ts);
    else
        read = rt_read_int(&reader, ts);
    if (!read || *ts < 0)
        return bad_field(scan, KEY_TS,
                         "must be an int (ms since the epoch) or a timestamp, not negative");
    if (*ts - RT_FUTURE_MS > now)
        return rt_fault_set(scan->fault, RT_TS_IN_FUTURE, "ts: lies more than %d minutes ahead",
                            RT_FUTURE_MS / 60000);
    return RT_OK;
}

static const struct word type_names[] = {WORD("call"), WORD("email"), WORD("visit"), WORD("ticket"),
                                         WORD("account")};
static const struct word direction_names[] = {WORD("in"), WORD("out")};
static const struct word call_names[] = {WORD("answered"), WORD("missed"), WORD("voicemail"),
                                         WORD("busy"),     WORD("failed"), WORD("abandoned")};
static const struct word visit_names[] = {WORD("held"), WORD("no_show"), WORD("cancelled")};
static const struct word channel_names[] = {WORD("onsite"), WORD("remote"), WORD("web")};
static const struct word action_names[] = {WORD("opened"),    WORD("updated"),  WORD("replied"),
                                           WORD("escalated"), WORD("resolved"), WORD("reopened"),
                                           WORD("closed")};
static const struct word status_names[] = {WORD("active"), WORD("churned")};

_Static_assert(sizeof(type_names) / sizeof(type_names[0]) == RT_EVENT_TYPES, "a name for each");
_Static_assert((int)RT_ABANDONED - (int)RT_ANSWERED == 5 && (int)RT_CANCELLED - (int)RT_HELD == 2,
               "outcomes in the order of their names");

static enum rt_error check_type(const struct scan *scan, struct rt_event *event)
{
    enum rt_error code = check_required(scan, KEY_TYPE);
    int type = RT_CALL;

    if (code == RT_OK)
        code =
            check_word(scan, KEY_TYPE,
                       WORDS(type_names, RT_CALL, "call, email, visit, ticket or account"), &type);
    event->type = (enum rt_event_type)type;
    return code;
}

static enum rt_error check_direction(const struct scan *scan, struct rt_event *event)
{
    int direction = RT_DIRECTION_NONE;
    enum rt_error code =
        check_word(scan, KEY_DIRECTION, WORDS(direction_names, RT_IN, "in or out"), &direction);

    event->direction = (enum rt_direction)direction;
    return code;
}

/* docs/PROTOCOL.md: "`party` (a phone number or address in place of `account`) is reserved". Judged
 * before the account, which such an event may well lack. */
static enum rt_error check_party(const struct scan *scan)
{
    return states(scan, KEY_PARTY) ? bad_field(scan, KEY_PARTY, "is reserved") : RT_OK;
}

/* The keys that mean the same in every event, in the order in which their faults are told. */
static enum rt_error check_general(const struct scan *scan, int64_t now, struct rt_event *event)
{
    enum rt_error code;

    if ((code = check_required_text(scan, KEY_ID, RT_ID_BYTES, &event->id)) != RT_OK ||
        (code = check_type(scan, event)) != RT_OK || (code = check_party(scan)) != RT_OK ||
        (code = check_required_text(scan, KEY_ACCOUNT, RT_ACCOUNT_BYTES, &event->account)) !=
            RT_OK ||
        (code = check_ts(scan, now, &event->ts)) != RT_OK ||
        (code = check_source(scan, &event->source)) != RT_OK)
        return code;
    if ((code = check_direction(scan, event)) != RT_OK ||
        (code = check_text(scan, KEY_CONTACT, RT_TEXT_BYTES, &event->contact)) != RT_OK ||
        (code = check_text(scan, KEY_AGENT, RT_TEXT_BYTES, &event->agent)) != RT_OK)
        return code;
    return check_sentiment(scan, event);
}

static enum rt_error check_duration(const struct scan *scan, struct rt_event *event)
{
    return check_number(scan, KEY_DURATION, &event->has_duration, &event->duration);
}

static enum rt_error check_call(const struct scan *scan, struct rt_event *event)
{
    int outcome = RT_ANSWERED;
    enum rt_error code = check_duration(scan, event);

    if (code == RT_OK)
        code = check_word(scan, KEY_OUTCOME,
                          WORDS(call_names, RT_ANSWERED,
                                "answered, missed, voicemail, busy, failed or abandoned"),
                          &outcome);
    event->outcome = (enum rt_outcome)outcome;
    if (code == RT_OK)
        code = check_number(scan, KEY_WAIT, &event->has_wait, &event->wait);
    return code;
}

static enum rt_error check_visit(const struct scan *scan, struct rt_event *event)
{
    int outcome = RT_HELD;
    int channel = RT_CHANNEL_NONE;
    enum rt_error code = check_duration(scan, event);

    if (code == RT_OK)
        code = check_word(scan, KEY_OUTCOME,
                          WORDS(visit_names, RT_HELD, "held, no_show or cancelled"), &outcome);
    if (code == RT_OK)
        code = check_word(scan, KEY_CHANNEL,
                          WORDS(channel_names, RT_ONSITE, "onsite, remote or web"), &channel);
    event->outcome = (enum rt_outcome)outcome;
    event->channel = (enum rt_channel)channel;
    return code;
}

static enum rt_error check_email(const struct scan *scan, struct rt_event *event)
{
    enum rt_error code = check_text(scan, KEY_THREAD, RT_TEXT_BYTES, &event->thread);
    struct rt_reader reader;

    if (code != RT_OK || !states(scan, KEY_BOUNCED))
        return code;
    reader = value_of(scan, KEY_BOUNCED);
    if (!rt_read_bool(&reader, &event->bounced))
        return bad_field(scan, KEY_BOUNCED, "must be a bool");
    return RT_OK;
}

static enum rt_error check_action(const struct scan *scan, struct rt_event *event)
{
    enum rt_error code = check_required(scan, KEY_ACTION);
    int action = RT_ACTION_NONE;

    if (code == RT_OK)
        code =
            check_word(scan, KEY_ACTION,
                       WORDS(action_names, RT_OPENED,
                             "opened, updated, replied, escalated, resolved, reopened or closed"),
                       &action);
    event->action = (enum rt_action)action;
    return code;
}

static enum rt_error check_ticket(const struct scan *scan, struct rt_event *event)
{
    enum rt_error code = check_required_text(scan, KEY_TICKET, RT_TICKET_BYTES, &event->ticket);

    if (code == RT_OK)
        code = check_action(scan, event);
    if (code == RT_OK)
        code = check_int(scan, KEY_SEVERITY, 1, 4, &event->severity);
    if (code == RT_OK)
        code = check_int(scan, KEY_CSAT, 1, 5, &event->csat);
    return code;
}

static enum rt_error check_owner(const struct scan *scan, struct rt_span *owner)
{
    enum rt_error code = check_text(scan, KEY_OWNER, RT_TEXT_BYTES, owner);

    if (code == RT_OK && rt_span_is(*owner, "-"))
        return bad_field(scan, KEY_OWNER, "must not be \"-\", which stands for none");
    return code;
}

static enum rt_error check_status(const struct scan *scan, struct rt_span *status)
{
    int word = 0;
    enum rt_error code =
        check_word(scan, KEY_STATUS, WORDS(status_names, 0, "active or churned"), &word);

    return code != RT_OK ? code : check_text(scan, KEY_STATUS, RT_TEXT_BYTES, status);
}

static enum rt_error check_renewal(const struct scan *scan, int64_t *renewal)
{
    struct rt_reader reader;

    if (!states(scan, KEY_RENEWAL))
        return RT_OK;
    reader = value_of(scan, KEY_RENEWAL);
    if (!rt_read_int(&reader, renewal) || *renewal < 0)
        return bad_field(scan, KEY_RENEWAL, "must be an int (ms since the epoch), not negative");
    return RT_OK;
}

enum { CONTACT_NAME = 1, CONTACT_EMAIL = 2, CONTACT_PHONE = 4 };

static unsigned contact_key(struct rt_span name)
{
    if (rt_span_is(name, "name"))
        return CONTACT_NAME;
    if (rt_span_is(name, "email"))
        return CONTACT_EMAIL;
    return rt_span_is(name, "phone") ? CONTACT_PHONE : 0;
}

/* One person: {name, email, phone}, each a string or nil, none twice. */
static bool contact_valid(struct rt_reader *reader)
{
    unsigned given = 0;
    struct rt_span text;
    uint32_t pairs;

    if (!rt_read_map(reader, &pairs))
        return false;
    for (uint32_t i = 0; i < pairs; i++) {
        unsigned key = 0;

        if (rt_read_kind(reader) != RT_KIND_STR)
            rt_read_skip(reader, NULL);
        else if (rt_read_str(reader, &text))
            key = contact_key(text);
        if ((given & key) != 0)
            return false;
        given |= key;
        if (key == 0 || rt_read_kind(reader) == RT_KIND_NIL)
            rt_read_skip(reader, NULL);
        else if (!text_read(reader, 0, RT_TEXT_BYTES, &text))
            return false;
    }
    return !reader->failed;
}

static enum rt_error check_contacts(const struct scan *scan, struct rt_span *contacts)
{
    struct rt_reader reader, whole;
    uint32_t count;

    if (!states(scan, KEY_CONTACTS))
        return RT_OK;
    reader = whole = value_of(scan, KEY_CONTACTS);
    if (!rt_read_array(&reader, &count) || count > RT_CONTACTS)
        return rt_fault_set(scan->fault, RT_BAD_FIELD, "contacts: must be an array of at most %d",
                            RT_CONTACTS);
    for (uint32_t i = 0; i < count; i++) {
        if (!contact_valid(&reader))
            return rt_fault_set(
                scan->fault, RT_BAD_FIELD,
                "contacts: each must be a map whose name, email and phone are strings of at "
                "most %d bytes of UTF-8",
                RT_TEXT_BYTES);
    }
    rt_read_skip(&whole, contacts);
    return RT_OK;
}

static enum rt_presence presence_of(const struct scan *scan, enum key key)
{
    if (states(scan, key))
        return RT_KEY_SET;
    return has(scan, key) ? RT_KEY_CLEARED : RT_KEY_ABSENT;
}

static enum rt_error check_profile_key(const struct scan *scan, enum rt_profile_key profile_key,
                                       struct rt_profile_value *value)
{
    enum key key = (enum key)((int)KEY_NAME + (int)profile_key);
    bool given = false;

    *value = (struct rt_profile_value){.presence = presence_of(scan, key)};
    switch (profile_key) {
    case RT_PROFILE_OWNER:
        return check_owner(scan, &value->text);
    case RT_PROFILE_STATUS:
        return check_status(scan, &value->text);
    case RT_PROFILE_CONTACTS:
        return check_contacts(scan, &value->text);
    case RT_PROFILE_RENEWAL:
        return check_renewal(scan, &value->renewal);
    case RT_PROFILE_VALUE:
        return check_number(scan, key, &given, &value->value);
    default:
        return check_text(scan, key, RT_TEXT_BYTES, &value->text);
    }
}

static enum rt_error check_profile(const struct scan *scan, struct rt_event *event)
{
    enum rt_error code = RT_OK;

    for (int i = 0; i < RT_PROFILE_KEYS && code == RT_OK; i++)
        code = check_profile_key(scan, (enum rt_profile_key)i, &event->profile[i]);
    return code;
}

static enum rt_error check_typed(const struct scan *scan, struct rt_event *event)
{
    switch (event->type) {
    case RT_CALL:
        return check_call(scan, event);
    case RT_EMAIL:
        return check_email(scan, event);
    case RT_VISIT:
        return check_visit(scan, event);
    case RT_TICKET:
        return check_ticket(scan, event);
    default:
        return check_profile(scan, event);
    }
}

/* Of the profile, which is most of an event and absent from most of them, only what says so. */
static void event_clear(struct rt_event *event)
{
    memset(event, 0, offsetof(struct rt_event, profile));
    for (int i = 0; i < RT_PROFILE_KEYS; i++)
        event->profile[i].presence = RT_KEY_ABSENT;
}

enum rt_error rt_event_decode(struct rt_span bytes, int64_t now, size_t limit,
                              struct rt_event *event, struct rt_fault *fault)
{
    struct scan scan;
    enum rt_error code;

    if (bytes.size > limit)
        return rt_fault_set(fault, RT_BAD_EVENT, "event: larger than %zu bytes", limit);
    code = scan_event(&scan, bytes, fault);
    if (code != RT_OK)
        return code;
    event_clear(event);
    event->raw = bytes;
    code = check_general(&scan, now, event);
    return code != RT_OK ? code : check_typed(&scan, event);
}

enum rt_error rt_event_decode_accepted(struct rt_span bytes, struct rt_event *event,
                                       struct rt_fault *fault)
{
    return rt_event_decode(bytes, RT_TS_MAX - RT_FUTURE_MS, SIZE_MAX, event, fault);
}

bool rt_event_account(struct rt_span bytes, struct rt_span *account)
{
    struct rt_reader reader = rt_reader(bytes);
    struct rt_span key, found;
    uint32_t pairs;

    if (!rt_read_map(&reader, &pairs))
        return false;
    for (uint32_t i = 0; i < pairs; i++) {
        bool wanted = false;

        if (rt_read_kind(&reader) != RT_KIND_STR)
            rt_read_skip(&reader, NULL);
        else if (rt_read_str(&reader, &key))
            wanted = key.size == 7 && memcmp(key.data, "account", 7) == 0;
        if (wanted && rt_read_kind(&reader) == RT_KIND_STR) {
            if (text_read(&reader, 1, RT_ACCOUNT_BYTES, &found)) {
                *account = found;
                return true;
            }
        } else {
            rt_read_skip(&reader, NULL);
        }
    }
    return false;
}

bool rt_event_source(struct rt_span bytes, struct rt_span *source)
{
    struct rt_reader reader = rt_reader(bytes);
    struct rt_span key;
    uint32_t pairs;

    if (!rt_read_map(&reader, &pairs))
        return false;
    for (uint32_t i = 0; i < pairs; i++) {
        if (rt_read_kind(&reader) != RT_KIND_STR) {
            rt_read_skip(&reader, NULL);
        } else if (rt_read_str(&reader, &key) && rt_span_is(key, "source")) {
            if (rt_read_kind(&reader) != RT_KIND_NIL)
                return rt_read_str(&reader, source);
            break;
        }
        rt_read_skip(&reader, NULL);
    }
    *source = rt_span("", 0);
    return !reader.failed;
}

const char *rt_event_type_name(enum rt_event_type type)
{
    RT_ASSERT((unsigned)type < RT_EVENT_TYPES);
    return type_names[type].text;
}

const char *rt_profile_key_name(enum rt_profile_key key)
{
    RT_ASSERT((unsigned)key < RT_PROFILE_KEYS);
    return key_names[(int)KEY_NAME + (int)key];
}

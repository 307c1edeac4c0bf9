/* Queries: the request decoded by the keys its op takes, the error reply, and the ids that queries
 * name.
 *
 * Decoding is one pass that notes where the value of each known key stands, then a check of those
 * the op takes: `op` may stand last. Failure: bad_request or unknown_op, with the fault's text. */
#include "protocol/query.h"

#include <inttypes.h>
#include <stdio.h>

#include "protocol/assert.h"
#include "protocol/cursor.h"
#include "protocol/limits.h"

#define QUERY_KEYS(X)                                                                              \
    X(OP, "op")                                                                                    \
    X(ACCOUNT, "account")                                                                          \
    X(AT, "at")                                                                                    \
    X(OWNER, "owner")                                                                              \
    X(TIER, "tier")                                                                                \
    X(REGION, "region")                                                                            \
    X(BAND, "band")                                                                                \
    X(SORT, "sort")                                                                                \
    X(LIMIT, "limit")                                                                              \
    X(AFTER, "after")                                                                              \
    X(SINCE, "since")                                                                              \
    X(UNTIL, "until")                                                                              \
    X(KIND, "kind")                                                                                \
    X(SEVERITY, "severity")                                                                        \
    X(OPEN, "open")                                                                                \
    X(HISTORY, "history")                                                                          \
    X(ID, "id")                                                                                    \
    X(BY, "by")                                                                                    \
    X(NOTE, "note")                                                                                \
    X(SCORE, "score")                                                                              \
    X(REASON, "reason")                                                                            \
    X(SOURCE, "source")

#define KEY_SYMBOL(symbol, name) KEY_##symbol,
enum key { QUERY_KEYS(KEY_SYMBOL) KEY_COUNT };
#undef KEY_SYMBOL

#define KEY_TEXT(symbol, name) name,
static const char *const key_names[] = {QUERY_KEYS(KEY_TEXT)};
#undef KEY_TEXT

#define BIT(symbol) (1u << KEY_##symbol)

/* What each op takes and what it cannot do without. */
static const struct op {
    const char *name;
    unsigned takes, needs;
} ops[] = {
    [RT_ACCOUNT_GET] = {"account.get", BIT(ACCOUNT) | BIT(AT) | BIT(HISTORY), BIT(ACCOUNT)},
    [RT_ACCOUNT_LIST] = {"account.list",
                         BIT(OWNER) | BIT(TIER) | BIT(BAND) | BIT(SORT) | BIT(LIMIT) | BIT(AFTER),
                         0},
    [RT_ACCOUNT_TIMELINE] = {"account.timeline",
                             BIT(ACCOUNT) | BIT(SINCE) | BIT(UNTIL) | BIT(LIMIT) | BIT(AFTER),
                             BIT(ACCOUNT)},
    [RT_ACCOUNT_ERASE] = {"account.erase", BIT(ACCOUNT), BIT(ACCOUNT)},
    [RT_ACCOUNT_OVERRIDE] = {"account.override",
                             BIT(ACCOUNT) | BIT(SCORE) | BIT(BAND) | BIT(BY) | BIT(REASON) |
                                 BIT(UNTIL),
                             BIT(ACCOUNT) | BIT(BY) | BIT(REASON) | BIT(UNTIL)},
    [RT_ACCOUNT_OVERRIDE_END] = {"account.override.end", BIT(ACCOUNT) | BIT(BY) | BIT(REASON),
                                 BIT(ACCOUNT) | BIT(BY)},
    [RT_EVENT_VOID] = {"event.void", BIT(ACCOUNT) | BIT(ID) | BIT(SOURCE) | BIT(BY) | BIT(REASON),
                       BIT(ACCOUNT) | BIT(ID) | BIT(BY)},
    [RT_ALERT_LIST] = {"alert.list",
                       BIT(SINCE) | BIT(ACCOUNT) | BIT(OWNER) | BIT(KIND) | BIT(SEVERITY) |
                           BIT(OPEN) | BIT(LIMIT),
                       0},
    [RT_ALERT_ACK] = {"alert.ack", BIT(ID) | BIT(BY) | BIT(UNTIL) | BIT(NOTE), BIT(ID)},
    [RT_ALERT_SNOOZE] = {"alert.snooze", BIT(ID) | BIT(BY) | BIT(UNTIL) | BIT(NOTE), BIT(ID)},
    [RT_REPORT_PORTFOLIO] = {"report.portfolio", BIT(OWNER), 0},
    [RT_REPORT_MANAGEMENT] = {"report.management",
                              BIT(OWNER) | BIT(TIER) | BIT(REGION) | BIT(LIMIT), 0},
    [RT_DEAD_LIST] = {"dead.list", BIT(LIMIT) | BIT(AFTER), 0},
    [RT_DEAD_RETRY] = {"dead.retry", BIT(ID), BIT(ID)},
    [RT_DEAD_DROP] = {"dead.drop", BIT(ID), BIT(ID)},
    [RT_STATS] = {"stats", 0, 0},
    [RT_DEAD_GET] = {"dead.get", BIT(ID), BIT(ID)},
};

_Static_assert(sizeof(ops) / sizeof(ops[0]) == RT_OPS, "a row for each");

/* Where the values of the known keys stand. */
struct scan {
    unsigned given, twice; /* bit KEY_x */
    struct rt_reader at[KEY_COUNT];
};

static void scan_pair(struct scan *scan, struct rt_reader *reader)
{
    struct rt_span name;

    if (rt_read_kind(reader) != RT_KIND_STR) {
        rt_read_skip(reader, NULL);
        rt_read_skip(reader, NULL);
        return;
    }
    if (!rt_read_str(reader, &name))
        return;
    for (unsigned key = 0; key < KEY_COUNT; key++) {
        if (rt_span_is(name, key_names[key])) {
            scan->twice |= scan->given & 1u << key;
            scan->given |= 1u << key;
            scan->at[key] = *reader;
            break;
        }
    }
    rt_read_skip(reader, NULL);
}

static enum rt_error scan_query(struct scan *scan, struct rt_span payload, struct rt_fault *fault)
{
    struct rt_reader reader = rt_reader(payload);
    uint32_t pairs;

    scan->given = scan->twice = 0;
    if (!rt_read_map(&reader, &pairs))
        return rt_fault_set(fault, RT_BAD_REQUEST, "query: must be a map");
    for (uint32_t i = 0; i < pairs && !reader.failed; i++)
        scan_pair(scan, &reader);
    if (!rt_read_done(&reader))
        return rt_fault_set(fault, RT_BAD_REQUEST, "query: is unreadable");
    return RT_OK;
}

/* The key is there, and not nil. */
static bool states(const struct scan *scan, enum key key)
{
    return (scan->given >> key & 1) != 0 && rt_read_kind(&scan->at[key]) != RT_KIND_NIL;
}

static enum rt_error bad_request(enum key key, const char *text, struct rt_fault *fault)
{
    return rt_fault_set(fault, RT_BAD_REQUEST, "%s: %s", key_names[key], text);
}

static enum rt_error check_op(const struct scan *scan, bool internal, enum rt_op *op,
                              struct rt_fault *fault)
{
    unsigned count = internal ? RT_OPS : RT_DEAD_GET;
    struct rt_reader reader;
    struct rt_span name;

    if (!states(scan, KEY_OP))
        return bad_request(KEY_OP, "is missing", fault);
    if ((scan->twice & BIT(OP)) != 0)
        return bad_request(KEY_OP, "given twice", fault);
    reader = scan->at[KEY_OP];
    if (!rt_read_str(&reader, &name))
        return bad_request(KEY_OP, "must be a string", fault);
    for (unsigned i = 0; i < count; i++) {
        if (rt_span_is(name, ops[i].name)) {
            *op = (enum rt_op)i;
            return RT_OK;
        }
    }
    return rt_fault_set(fault, RT_UNKNOWN_OP, "op: there is no such operation");
}

static enum rt_error check_text(struct rt_reader value, enum key key, size_t least, size_t most,
                                struct rt_span *text, struct rt_fault *fault)
{
    if (!rt_read_str(&value, text) || text->size < least || text->size > most ||
        !rt_utf8_valid(*text))
        return rt_fault_set(fault, RT_BAD_REQUEST,
                            "%s: must be a string of %zu to %zu bytes of UTF-8", key_names[key],
                            least, most);
    return RT_OK;
}

static enum rt_error check_ms(struct rt_reader value, enum key key, bool *given, int64_t *ms,
                              struct rt_fault *fault)
{
    if (!rt_read_int(&value, ms))
        return bad_request(key, "must be an int (ms since the epoch)", fault);
    *given = true;
    return RT_OK;
}

/* A cursor for alerts, a moment for timelines. */
static enum rt_error check_since(struct rt_reader value, struct rt_query *query,
                                 struct rt_fault *fault)
{
    uint64_t cursor;

    if (query->op != RT_ALERT_LIST)
        return check_ms(value, KEY_SINCE, &query->has_since, &query->since, fault);
    if (!rt_read_str(&value, &query->since_cursor) ||
        !rt_cursor_decode(query->since_cursor, &cursor))
        return bad_request(KEY_SINCE, "must be a cursor as an alert or alert.list gave it", fault);
    return RT_OK;
}

static const char *const band_names[] = {"at_risk", "watch", "healthy"};
static const char *const sort_names[] = {"account", "score", "-score", "value", "renewal"};

_Static_assert(sizeof(band_names) / sizeof(band_names[0]) == RT_BANDS, "a name for each");

static bool find(struct rt_reader value, const char *const *names, int count, int *place)
{
    struct rt_span name;

    if (!rt_read_str(&value, &name))
        return false;
    for (int i = 0; i < count; i++) {
        if (rt_span_is(name, names[i])) {
            *place = i;
            return true;
        }
    }
    return false;
}

static enum rt_error check_band(struct rt_reader value, struct rt_query *query,
                                struct rt_fault *fault)
{
    int place;

    if (!find(value, band_names, RT_BANDS, &place))
        return bad_request(KEY_BAND, "must be healthy, watch or at_risk", fault);
    query->has_band = true;
    query->band = (enum rt_band)place;
    return RT_OK;
}

static enum rt_error check_score(struct rt_reader value, struct rt_query *query,
                                 struct rt_fault *fault)
{
    if (!rt_read_number(&value, &query->score) || !(query->score >= 0 && query->score <= 100))
        return bad_request(KEY_SCORE, "must be a number from 0 to 100", fault);
    query->has_score = true;
    return RT_OK;
}

static enum rt_error check_sort(struct rt_reader value, struct rt_query *query,
                                struct rt_fault *fault)
{
    int place;

    if (!find(value, sort_names, RT_SORT_RENEWAL + 1, &place))
        return bad_request(KEY_SORT, "must be account, score, -score, value or renewal", fault);
    query->sort = (enum rt_sort)place;
    return RT_OK;
}

static enum rt_error check_kind(struct rt_reader value, struct rt_query *query,
                                struct rt_fault *fault)
{
    struct rt_span name;

    if (!rt_read_str(&value, &name) || !rt_alert_kind_parse(name, &query->kind))
        return bad_request(KEY_KIND,
                           "must be churn_risk, score_drop, silence, ticket_overdue, sentiment, "
                           "renewal_risk or upsell",
                           fault);
    query->has_kind = true;
    return RT_OK;
}

static enum rt_error check_severity(struct rt_reader value, struct rt_query *query,
                                    struct rt_fault *fault)
{
    struct rt_span name;

    if (!rt_read_str(&value, &name) || !rt_severity_parse(name, &query->severity))
        return bad_request(KEY_SEVERITY, "must be info, warning or critical", fault);
    query->has_severity = true;
    return RT_OK;
}

static enum rt_error check_bool(struct rt_reader value, enum key key, bool *is,
                                struct rt_fault *fault)
{
    if (!rt_read_bool(&value, is))
        return bad_request(key, "must be a bool", fault);
    return RT_OK;
}

static enum rt_error check_limit(struct rt_reader value, struct rt_query *query,
                                 struct rt_fault *fault)
{
    int64_t limit;

    if (!rt_read_int(&value, &limit) || limit < 1 || limit > RT_LIST_MAX)
        return rt_fault_set(fault, RT_BAD_REQUEST, "limit: must be an int from 1 to %d",
                            RT_LIST_MAX);
    query->limit = (uint32_t)limit;
    return RT_OK;
}

/* An acknowledgement may be nobody's, as it always might. */
static bool names_author(enum rt_op op)
{
    return op == RT_ACCOUNT_OVERRIDE || op == RT_ACCOUNT_OVERRIDE_END || op == RT_EVENT_VOID;
}

static enum rt_error check_key(const struct scan *scan, enum key key, struct rt_query *query,
                               struct rt_fault *fault)
{
    struct rt_reader value = scan->at[key];

    switch (key) {
    case KEY_ACCOUNT:
        return check_text(value, key, 1, RT_ACCOUNT_BYTES, &query->account, fault);
    case KEY_OWNER:
        return check_text(value, key, 1, RT_TEXT_BYTES, &query->owner, fault);
    case KEY_TIER:
        return check_text(value, key, 1, RT_TEXT_BYTES, &query->tier, fault);
    case KEY_REGION:
        return check_text(value, key, 1, RT_TEXT_BYTES, &query->region, fault);
    case KEY_ID:
        return check_text(value, key, 1, RT_TEXT_BYTES, &query->id, fault);
    case KEY_BY:
        return check_text(value, key, names_author(query->op) ? 1 : 0, RT_TEXT_BYTES, &query->by,
                          fault);
    case KEY_NOTE:
        return check_text(value, key, 0, RT_NOTE_BYTES, &query->note, fault);
    case KEY_REASON:
        return check_text(value, key, 1, RT_NOTE_BYTES, &query->reason, fault);
    case KEY_SOURCE:
        return check_text(value, key, 0, RT_SOURCE_BYTES, &query->source, fault);
    case KEY_SCORE:
        return check_score(value, query, fault);
    case KEY_AFTER:
        return check_text(value, key, 1, RT_AFTER_BYTES, &query->after, fault);
    case KEY_AT:
        return check_ms(value, key, &query->has_at, &query->at, fault);
    case KEY_UNTIL:
        return check_ms(value, key, &query->has_until, &query->until, fault);
    case KEY_SINCE:
        return check_since(value, query, fault);
    case KEY_BAND:
        return check_band(value, query, fault);
    case KEY_SORT:
        return check_sort(value, query, fault);
    case KEY_KIND:
        return check_kind(value, query, fault);
    case KEY_SEVERITY:
        return check_severity(value, query, fault);
    case KEY_OPEN:
        return check_bool(value, key, &query->open, fault);
    case KEY_HISTORY:
        return check_bool(value, key, &query->history, fault);
    case KEY_LIMIT:
        return check_limit(value, query, fault);
    default:
        return RT_OK;
    }
}

static enum rt_error check_taken(const struct scan *scan, enum key key, struct rt_query *query,
                                 struct rt_fault *fault)
{
    unsigned bit = 1u << key;

    if ((ops[query->op].takes & bit) == 0)
        return RT_OK;
    if ((scan->twice & bit) != 0)
        return bad_request(key, "given twice", fault);
    if (states(scan, key))
        return check_key(scan, key, query, fault);
    if ((ops[query->op].needs & bit) != 0)
        return bad_request(key, "is missing", fault);
    return RT_OK;
}

static enum rt_error decode(struct rt_span payload, bool internal, struct rt_query *query,
                            struct rt_fault *fault)
{
    struct scan scan;
    enum rt_error code = scan_query(&scan, payload, fault);

    *query = (struct rt_query){.limit = RT_LIST_DEFAULT};
    if (code == RT_OK)
        code = check_op(&scan, internal, &query->op, fault);
    for (unsigned key = 0; key < KEY_COUNT && code == RT_OK; key++)
        code = check_taken(&scan, (enum key)key, query, fault);
    if (code == RT_OK && query->op == RT_ACCOUNT_OVERRIDE && query->has_score == query->has_band)
        code = rt_fault_set(fault, RT_BAD_REQUEST, "score, band: one of the two must be there");
    return code;
}

enum rt_error rt_query_decode(struct rt_span payload, struct rt_query *query,
                              struct rt_fault *fault)
{
    return decode(payload, false, query, fault);
}

enum rt_error rt_query_decode_internal(struct rt_span payload, struct rt_query *query,
                                       struct rt_fault *fault)
{
    return decode(payload, true, query, fault);
}

bool rt_query_sees(const struct rt_query *query, struct rt_span owner)
{
    struct rt_reader reader = rt_reader(query->owners);
    struct rt_span name;

    if (query->owners.size == 0)
        return true;
    if (owner.size == 0)
        owner = rt_span_text("-");
    while (reader.at != reader.end && rt_get_bytes(&reader, &name)) {
        if (rt_span_equal(name, owner))
            return true;
    }
    return false;
}

const char *rt_op_name(enum rt_op op)
{
    RT_ASSERT((unsigned)op < RT_OPS);
    return ops[op].name;
}

const char *rt_band_name(enum rt_band band)
{
    RT_ASSERT((unsigned)band < RT_BANDS);
    return band_names[band];
}

enum rt_band rt_band_of(double score)
{
    if (score >= 70)
        return RT_HEALTHY;
    return score >= 40 ? RT_WATCH : RT_AT_RISK;
}

void rt_query_error(struct rt_buffer *out, enum rt_error code, const char *message)
{
    rt_write_map(out, 3);
    rt_write_key_bool(out, "ok", false);
    rt_write_key_text(out, "error", rt_error_name(code));
    rt_write_key_text(out, "message", message);
}

/* A decimal number without sign and leading zeros, at most `most`. */
static bool decimal_read(struct rt_span text, size_t *at, uint64_t most, uint64_t *value)
{
    size_t start = *at;
    uint64_t result = 0;

    for (; *at < text.size && text.data[*at] >= '0' && text.data[*at] <= '9'; (*at)++) {
        uint64_t digit = (uint64_t)(text.data[*at] - '0');

        if (result > (most - digit) / 10)
            return false;
        result = result * 10 + digit;
    }
    if (*at == start || (text.data[start] == '0' && *at - start > 1))
        return false;
    *value = result;
    return true;
}

bool rt_episode_parse(struct rt_span id, uint32_t *partition, uint64_t *sequence)
{
    uint64_t first, second;
    size_t at = 0;

    if (!decimal_read(id, &at, UINT32_MAX, &first) || at == id.size || id.data[at] != '-')
        return false;
    at++;
    if (!decimal_read(id, &at, UINT64_MAX, &second) || at != id.size)
        return false;
    *partition = (uint32_t)first;
    *sequence = second;
    return true;
}

size_t rt_episode_format(uint32_t partition, uint64_t sequence, char text[40])
{
    return (size_t)snprintf(text, 40, "%" PRIu32 "-%" PRIu64, partition, sequence);
}

/* See key.h.
 *
 * Happy path: lines become fields, the fields are checked against each other once all are read.
 * Failure: the first fault ends it, with its line. */
#include "daemon/key.h"

#include <stdio.h>

#include "config/ini.h"
#include "protocol/assert.h"
#include "protocol/limits.h"

const struct rt_key rt_key_anyone = {.name = "anyone", .role = RT_ROLE_ADMIN};

static const char *const role_names[] = {"producer", "subscriber", "reader", "admin"};
static const char *const door_names[] = {"events", "firehose", "alerts", "query"};

_Static_assert(sizeof(role_names) / sizeof(role_names[0]) == RT_ROLES, "a name for each");
_Static_assert(sizeof(door_names) / sizeof(door_names[0]) == RT_DOORS, "a name for each");

const char *rt_role_name(enum rt_role role)
{
    RT_ASSERT((unsigned)role < RT_ROLES);
    return role_names[role];
}

const char *rt_door_name(enum rt_door door)
{
    RT_ASSERT((unsigned)door < RT_DOORS);
    return door_names[door];
}

bool rt_door_parse(struct rt_span name, enum rt_door *door)
{
    for (int i = 0; i < RT_DOORS; i++) {
        if (rt_span_is(name, door_names[i])) {
            *door = (enum rt_door)i;
            return true;
        }
    }
    return false;
}

/* ---- lists of names -------------------------------------------------------------------------- */

static bool next_name(struct rt_reader *reader, struct rt_span *name)
{
    return reader->at != reader->end && rt_get_bytes(reader, name);
}

static bool holds(const struct rt_names *names, struct rt_span wanted)
{
    struct rt_reader reader = rt_reader(rt_buffer_span(&names->bytes));
    struct rt_span name;

    while (next_name(&reader, &name)) {
        if (rt_span_equal(name, wanted)) {
            return true;
        }
    }
    return false;
}

static bool fits(const struct rt_names *names, struct rt_span wanted)
{
    return names->count == 0 || holds(names, wanted);
}

/* ---- parsing --------------------------------------------------------------------------------- */

/* What a file gives, and which of the single fields it gave. */
struct parse {
    struct rt_key key;
    bool has_name, has_role, has_public;
    const char *fault;
};

static bool wrong(struct parse *parse, const char *fault)
{
    parse->fault = fault;
    return false;
}

static bool all_of(const char *text, const char *allowed)
{
    return text[0] != '\0' && text[strspn(text, allowed)] == '\0';
}

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static bool take_name(struct parse *parse, const char *value)
{
    if (parse->has_name) {
        return wrong(parse, "name: is given twice");
    }
    if (strlen(value) >= RT_KEY_NAME || !all_of(value, LETTERS "._-@+")) {
        return wrong(parse, "name: must be 1 to 64 letters, digits and . _ - @ +");
    }
    memcpy(parse->key.name, value, strlen(value) + 1);
    parse->has_name = true;
    return true;
}

static bool take_role(struct parse *parse, const char *value)
{
    if (parse->has_role) {
        return wrong(parse, "role: is given twice");
    }
    for (int i = 0; i < RT_ROLES; i++) {
        if (strcmp(value, role_names[i]) == 0) {
            parse->key.role = (enum rt_role)i;
            parse->has_role = true;
            return true;
        }
    }
    return wrong(parse, "role: must be producer, subscriber, reader or admin");
}

static bool take_public(struct parse *parse, const char *value)
{
    if (parse->has_public) {
        return wrong(parse, "public: is given twice");
    }
    if (strlen(value) != RT_KEY_TEXT - 1 || !all_of(value, LETTERS ".-:+=^!/*?&<>()[]{}@%$#")) {
        return wrong(parse, "public: must be 40 characters of Z85 (if # is the first, no blank may "
                            "stand before it)");
    }
    memcpy(parse->key.public_key, value, RT_KEY_TEXT);
    parse->has_public = true;
    return true;
}

static bool take_listed(struct parse *parse, struct rt_names *names, const char *value,
                        size_t least, size_t most)
{
    struct rt_span name = rt_span_text(value);

    if (name.size < least || name.size > most || !rt_utf8_valid(name)) {
        return wrong(parse, "source, account, owner: must be UTF-8, as long as an event's may be");
    }
    if (holds(names, name)) {
        return wrong(parse, "source, account, owner: the same is given twice");
    }
    if (names->count == RT_KEY_NAMES) {
        return wrong(parse, "source, account, owner: more than 256 of one kind");
    }
    rt_put_bytes(&names->bytes, name);
    if (names->bytes.failed) {
        return wrong(parse, "out of memory");
    }
    names->count++;
    return true;
}

static bool take_value(struct parse *parse, const char *name, const char *value)
{
    struct rt_key *key = &parse->key;

    if (strcmp(name, "name") == 0) {
        return take_name(parse, value);
    }
    if (strcmp(name, "role") == 0) {
        return take_role(parse, value);
    }
    if (strcmp(name, "public") == 0) {
        return take_public(parse, value);
    }
    if (strcmp(name, "source") == 0) {
        return take_listed(parse, &key->sources, value, 0, RT_SOURCE_BYTES);
    }
    if (strcmp(name, "account") == 0) {
        return take_listed(parse, &key->accounts, value, 1, RT_ACCOUNT_BYTES);
    }
    if (strcmp(name, "owner") == 0) {
        return take_listed(parse, &key->owners, value, 1, RT_TEXT_BYTES);
    }
    if (strcmp(name, "secret") == 0) {
        return wrong(parse, "secret: a secret belongs to the client alone: make a new pair");
    }
    return wrong(parse, "takes name, role, public, source, account and owner");
}

static bool take_line(struct parse *parse, const struct rt_ini *ini, enum rt_ini_kind kind)
{
    if (kind == RT_INI_FAULT) {
        return wrong(parse, ini->fault);
    }
    if (strcmp(ini->section, "key") != 0) {
        return wrong(parse, "the only section is [key]");
    }
    return kind == RT_INI_SECTION || take_value(parse, ini->key, ini->value);
}

static bool check_whole(struct parse *parse)
{
    const struct rt_key *key = &parse->key;
    bool writes = key->role == RT_ROLE_PRODUCER;
    bool reads = key->role == RT_ROLE_SUBSCRIBER || key->role == RT_ROLE_READER;

    if (!parse->has_name || !parse->has_role || !parse->has_public) {
        return wrong(parse, "name, role and public must be there");
    }
    if (!writes && key->sources.count + key->accounts.count > 0) {
        return wrong(parse, "source and account are for producers");
    }
    return reads || key->owners.count == 0 || wrong(parse, "owner is for subscribers and readers");
}

static bool read_lines(struct parse *parse, struct rt_ini *ini, const char *text)
{
    enum rt_ini_kind kind;

    rt_ini_begin(ini, text);
    while ((kind = rt_ini_next(ini)) != RT_INI_END) {
        if (!take_line(parse, ini, kind)) {
            return false;
        }
    }
    return check_whole(parse);
}

bool rt_key_parse(const char *text, struct rt_key *key, char *error)
{
    struct parse parse = {0};
    struct rt_ini ini;

    if (read_lines(&parse, &ini, text)) {
        *key = parse.key;
        return true;
    }
    snprintf(error, RT_KEY_ERROR, "line %d: %s", ini.line, parse.fault);
    rt_key_clear(&parse.key);
    return false;
}

void rt_key_clear(struct rt_key *key)
{
    rt_buffer_free(&key->sources.bytes);
    rt_buffer_free(&key->accounts.bytes);
    rt_buffer_free(&key->owners.bytes);
    *key = (struct rt_key){0};
}

static bool same(const struct rt_names *a, const struct rt_names *b)
{
    return rt_span_equal(rt_buffer_span(&a->bytes), rt_buffer_span(&b->bytes));
}

bool rt_key_equal(const struct rt_key *a, const struct rt_key *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->public_key, b->public_key) == 0 &&
           a->role == b->role && same(&a->sources, &b->sources) &&
           same(&a->accounts, &b->accounts) && same(&a->owners, &b->owners);
}

/* ---- what it may do -------------------------------------------------------------------------- */

static bool is_role(const struct rt_key *key, enum rt_role role)
{
    return key != NULL && (key->role == role || key->role == RT_ROLE_ADMIN);
}

bool rt_key_may_enter(const struct rt_key *key, enum rt_door door)
{
    switch (door) {
    case RT_DOOR_EVENTS:
    case RT_DOOR_QUERY:
        return key != NULL;
    case RT_DOOR_FIREHOSE:
        return rt_key_may_push(key);
    case RT_DOOR_ALERTS:
        return is_role(key, RT_ROLE_SUBSCRIBER) && !key->shut_out;
    default:
        return false;
    }
}

bool rt_key_may_push(const struct rt_key *key)
{
    return is_role(key, RT_ROLE_PRODUCER);
}

bool rt_key_may_write_all(const struct rt_key *key)
{
    return rt_key_may_push(key) && key->sources.count == 0 && key->accounts.count == 0;
}

enum rt_error rt_key_may_write(const struct rt_key *key, struct rt_span source,
                               struct rt_span account, struct rt_fault *fault)
{
    const char *reason = NULL;

    if (!rt_key_may_push(key)) {
        reason = "this key may not send events";
    } else if (!fits(&key->sources, source)) {
        reason = "source: this key may not write it";
    } else if (!fits(&key->accounts, account)) {
        reason = "account: this key may not write it";
    }
    if (reason == NULL) {
        return RT_OK;
    }
    return fault == NULL ? RT_DENIED : rt_fault_set(fault, RT_DENIED, "%s", reason);
}

bool rt_key_may_hear(const struct rt_key *key, struct rt_span topic)
{
    struct rt_reader reader;
    struct rt_span owner;

    if (!is_role(key, RT_ROLE_SUBSCRIBER) || key->shut_out) {
        return false;
    }
    if (key->owners.count == 0 || rt_span_is(topic, "cursor")) {
        return true;
    }
    reader = rt_reader(rt_buffer_span(&key->owners.bytes));
    /* Every topic that begins with `topic` must be one owner's: owner.<owner>. with its closing dot. */
    while (next_name(&reader, &owner)) {
        if (rt_topic_of_owner(topic, owner)) {
            return true;
        }
    }
    return false;
}

bool rt_key_may_ask(const struct rt_key *key)
{
    return is_role(key, RT_ROLE_READER) || is_role(key, RT_ROLE_SUBSCRIBER);
}

/* Who hears alerts may ask for those that were missed. Dead letters and the numbers of the daemon
 * tell of every account. */
static bool is_open_to(const struct rt_key *key, enum rt_op op)
{
    switch (op) {
    case RT_ALERT_LIST:
        return true;
    case RT_ACCOUNT_GET:
    case RT_ACCOUNT_LIST:
    case RT_ACCOUNT_TIMELINE:
    case RT_REPORT_PORTFOLIO:
    case RT_REPORT_MANAGEMENT:
        return key->role == RT_ROLE_READER;
    case RT_DEAD_LIST:
    case RT_STATS:
        return key->role == RT_ROLE_READER && key->owners.count == 0;
    default:
        return false;
    }
}

enum rt_error rt_key_may_query(const struct rt_key *key, const struct rt_query *query,
                               struct rt_fault *fault)
{
    if (!rt_key_may_ask(key)) {
        return rt_fault_set(fault, RT_DENIED, "this key may not ask");
    }
    if (key->role == RT_ROLE_ADMIN) {
        return RT_OK;
    }
    if (!is_open_to(key, query->op)) {
        return rt_fault_set(fault, RT_DENIED, "op: this key may not ask it");
    }
    if (query->owner.data != NULL && !fits(&key->owners, query->owner)) {
        return rt_fault_set(fault, RT_DENIED, "owner: this key may not see it");
    }
    return RT_OK;
}

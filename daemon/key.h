/* One client's key: what its file says, and what it may therefore do. Pure.
 *
 *     [key]
 *     name = pbx-berlin        for logs: letters, digits and . _ - @ +
 *     role = producer          producer, subscriber, reader or admin
 *     public =rq:rM>}U?@Lns... the public key in Z85
 *     source = pbx-berlin      producer: the sources it may write (one a line; empty: events
 *                              without a source); none given: any
 *     account = acme           producer: the accounts it may write; none given: any
 *     owner = kim              subscriber, reader: the owners it may hear or see; none given: all;
 *                              `-`: accounts that have none
 *
 * A producer with sources and accounts needs both to fit. Everything fails closed: a file with any
 * fault is no key, and a key that is NULL may do nothing. */
#ifndef RT_DAEMON_KEY_H
#define RT_DAEMON_KEY_H

#include "protocol/query.h"

enum {
    RT_KEY_TEXT = 41,   /* a public key in Z85, with its end */
    RT_KEY_NAME = 65,   /* with its end */
    RT_KEY_NAMES = 256, /* sources, accounts, owners: of each */
    RT_KEY_FILE_BYTES = 64 << 10,
    RT_KEY_ERROR = 200,
};

enum rt_role { RT_ROLE_PRODUCER, RT_ROLE_SUBSCRIBER, RT_ROLE_READER, RT_ROLE_ADMIN, RT_ROLES };

/* The endpoints, as they are called in `listen` and, as ZAP domains, to whoever is let in. */
enum rt_door { RT_DOOR_EVENTS, RT_DOOR_FIREHOSE, RT_DOOR_ALERTS, RT_DOOR_QUERY, RT_DOORS };

/* A list of names: u32 size and bytes each (rt_put_bytes). */
struct rt_names {
    struct rt_buffer bytes;
    uint32_t count;
};

struct rt_key {
    char name[RT_KEY_NAME];
    char public_key[RT_KEY_TEXT];
    enum rt_role role;
    struct rt_names sources, accounts, owners; /* empty: not restricted */
    bool shut_out; /* it asked for what it may not hear: not let in again to the alerts */
};

/* What everybody may do where no keys are asked for: all. */
extern const struct rt_key rt_key_anyone;

/* Parses a key file. False with a sentence in error (RT_KEY_ERROR bytes), *key untouched. On
 * success the caller owns its lists: rt_key_clear. */
bool rt_key_parse(const char *text, struct rt_key *key, char *error);
void rt_key_clear(struct rt_key *key);
/* The same rights under the same name and public key. */
bool rt_key_equal(const struct rt_key *a, const struct rt_key *b);

const char *rt_role_name(enum rt_role role);
const char *rt_door_name(enum rt_door door);
bool rt_door_parse(struct rt_span name, enum rt_door *door);

/* A key may be NULL: then nothing is allowed. */

/* May it connect? Where there are answers anyone with a key may, and is told `denied`; the firehose
 * and the alerts have no answers and admit their roles alone. */
bool rt_key_may_enter(const struct rt_key *key, enum rt_door door);
/* May it send events at all? */
bool rt_key_may_push(const struct rt_key *key);
/* May it send every event? Then rt_key_may_write need not be asked. */
bool rt_key_may_write_all(const struct rt_key *key);
/* May it send this one? RT_OK, or RT_DENIED with the field that does not fit; fault may be NULL. */
enum rt_error rt_key_may_write(const struct rt_key *key, struct rt_span source,
                               struct rt_span account, struct rt_fault *fault);
/* May it hear this topic and all that begin with it? */
bool rt_key_may_hear(const struct rt_key *key, struct rt_span topic);
/* May it ask anything at all? */
bool rt_key_may_ask(const struct rt_key *key);
/* May it ask this? RT_OK, or RT_DENIED with the reason. The answer is then still to be held to the
 * key's owners, if it has some. */
enum rt_error rt_key_may_query(const struct rt_key *key, const struct rt_query *query,
                               struct rt_fault *fault);

#endif

/* libretain: send interaction events to retaind, hear its alerts, ask it questions.
 *
 * In short:
 *
 *     retain_client *client;
 *     retain_map *event;
 *
 *     if (retain_open(&client, NULL) != RETAIN_OK) ...
 *     event = retain_event_new("call", "ACME", "pbx-4711", 1767225600000);
 *     retain_map_text(event, "direction", "in");
 *     retain_push_map(client, event, 0);
 *     retain_map_free(event);
 *     if (retain_flush(client, 5000) != RETAIN_OK) ...  it is not on retaind's disk yet
 *     retain_close(client);
 *
 * Rules that hold everywhere:
 * - Functions that can fail return RETAIN_OK (0) or a negative enum retain_error; retain_strerror()
 * names it. A failed call leaves its outputs and the client as they were.
 * - Strings are UTF-8 and end with a zero byte unless a size stands beside them. Times are
 * milliseconds since the epoch, UTC; durations end in _ms; a time-out of -1 waits for ever, 0 does
 * not wait.
 * - A client (with its replies, its acknowledgements and its alerts) belongs to one thread at a
 * time; different clients are independent. A spool may be written by any number of threads and
 * processes, each with its own retain_spool.
 * - The library starts no thread of its own but libzmq's, writes to no stream, installs no signal
 * handler, and never ends the process because of what a peer sent. After fork() the child must not
 * use a client of its parent.
 * - Sending an event again is always safe: its identity is (id, source, account). Resending is how
 * nothing gets lost. */
#ifndef RETAIN_H
#define RETAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RETAIN_API __attribute__((visibility("default")))

#define RETAIN_EVENTS_DEFAULT "tcp://127.0.0.1:7600"
#define RETAIN_ALERTS_DEFAULT "tcp://127.0.0.1:7602"
#define RETAIN_QUERY_DEFAULT "tcp://127.0.0.1:7603"

enum retain_error {
    RETAIN_OK = 0,
    RETAIN_NO_MEMORY = -1,
    RETAIN_BAD_ARGUMENT = -2, /* a call that can never succeed: the caller's mistake */
    RETAIN_BAD_ADDRESS = -3,  /* an endpoint that libzmq does not understand */
    RETAIN_WINDOW_FULL = -4,  /* too much is unacknowledged: retain_work(), then try again */
    RETAIN_TIMED_OUT = -5,
    RETAIN_REFUSED = -6,    /* retaind answered with an error: the reply says which */
    RETAIN_SPOOL_FULL = -7, /* the spool has reached its bytes */
    RETAIN_SYSTEM = -8,     /* the operating system refused: errno says why */
    RETAIN_BAD_REPLY = -9,  /* what came back is not retaind's protocol */
    RETAIN_TOO_LARGE = -10, /* larger than any message may be */
    RETAIN_BAD_KEY = -11,   /* the file named in options.key is not there, others may read it, or it
                               holds no key */
};

/* A sentence for an error; static. */
RETAIN_API const char *retain_strerror(int error);

/* The version of the library, "major.minor.patch"; static. */
RETAIN_API const char *retain_version(void);

/* ---- the client ------------------------------------------------------------------------------ */

typedef struct retain_client retain_client;

/* What became of one event. ACCEPTED, DUPLICATE and STORED all mean: on retaind's disk, counted
 * exactly once. */
enum retain_outcome {
    RETAIN_ACCEPTED,
    RETAIN_DUPLICATE, /* it was there before */
    RETAIN_STORED, /* accepted or duplicate: the batch held both, and the answer does not say which
                      was which */
    RETAIN_REJECTED, /* will never be taken as it is: code and error say why */
};

struct retain_ack {
    uint64_t token; /* as given to retain_push */
    enum retain_outcome outcome;
    const char *code;  /* REJECTED: "bad_field", ...; else NULL */
    const char *error; /* REJECTED: names the field and the fault; else NULL */
};

/* Called from retain_work() and retain_flush() alone. The strings live until it returns or pushes.
 * It may call retain_push, not retain_work, retain_flush, retain_query or retain_close. */
typedef void retain_ack_fn(const struct retain_ack *ack, void *arg);

/* Fill with retain_options_init, then change what should differ. Strings are copied by retain_open.
 */
struct retain_options {
    size_t size; /* of this struct, set by init: lets it grow without breaking old programs */
    const char *events;
    const char *alerts;
    const char *query;
    size_t window_messages; /* unacknowledged messages at most, 1..65536; default 32 */
    size_t window_bytes;    /* and their bytes; default 8 MiB */
    size_t batch_events;    /* events gathered into one message, 1..10000; default 500 */
    size_t batch_bytes;     /* and their bytes, at most 2 MiB; default 512 KiB */
    int resend_ms; /* an unanswered message is sent again after so long; default 35000 (retaind
                      answers within 30 s); a lost connection resends at once when it is back */
    bool quiet;    /* bulk loading of history: no alerts until the load is over */
    retain_ack_fn *on_ack; /* NULL: acknowledgements wait for retain_next_ack */
    void *on_ack_arg;
    const char *key; /* file with the client's secret key, as `retainctl keygen` writes it: read by
                        retain_open. NULL: none; a retaind that asks for keys is then silent */
};

RETAIN_API void retain_options_init(struct retain_options *options);

/* A client; `options` NULL: the defaults. Connects in the background: that nobody listens is no
 * error here, events wait in the window. Errors: NO_MEMORY, BAD_ARGUMENT, BAD_ADDRESS, BAD_KEY, SYSTEM. The
 * caller owns *client: retain_close. */
RETAIN_API int retain_open(retain_client **client, const struct retain_options *options);

/* Takes NULL. What was not acknowledged is forgotten: retain_flush first. */
RETAIN_API void retain_close(retain_client *client);

/* A descriptor that becomes readable (level-triggered) when retain_work has something to do,
 * time-outs included. Owned by the client: poll it, do not read or close it. */
RETAIN_API int retain_fd(const retain_client *client);

/* Does all that can be done now (sends, receives, resends, calls on_ack) and, if nothing was to be
 * done, waits up to timeout_ms for something. Returns after any acknowledgement or alert. OK (also
 * when the time is over), NO_MEMORY, SYSTEM. */
RETAIN_API int retain_work(retain_client *client, int timeout_ms);

/* ---- building maps: events and parameters ---------------------------------------------------- */

/* A map under construction. Setters never fail visibly: without memory or with a wrong argument the
 * map turns bad, and whoever takes it says so. Setting a key again replaces it. Keys and values are
 * copied. */
typedef struct retain_map retain_map;

/* NULL without memory; the caller owns it. */
RETAIN_API retain_map *retain_map_new(void);
/* An event with the four keys each one needs. `type`: call, email, visit, ticket, account. */
RETAIN_API retain_map *retain_event_new(const char *type, const char *account, const char *id,
                                        int64_t ts_ms);
/* Takes NULL. */
RETAIN_API void retain_map_free(retain_map *map);
/* Empties it, keeps its memory, makes a bad one good. */
RETAIN_API void retain_map_clear(retain_map *map);

RETAIN_API void retain_map_text(retain_map *map, const char *key, const char *value);
RETAIN_API void retain_map_text_n(retain_map *map, const char *key, const char *value, size_t size);
RETAIN_API void retain_map_int(retain_map *map, const char *key, int64_t value);
RETAIN_API void retain_map_number(retain_map *map, const char *key, double value); /* finite */
RETAIN_API void retain_map_bool(retain_map *map, const char *key, bool value);
/* In a profile (an `account` event) nil clears the key. */
RETAIN_API void retain_map_nil(retain_map *map, const char *key);
/* A value that is MessagePack already: exactly one object. */
RETAIN_API void retain_map_packed_value(retain_map *map, const char *key, const void *packed,
                                        size_t size);
/* One more person for `contacts` of a profile; NULL: not known. */
RETAIN_API void retain_map_contact(retain_map *map, const char *name, const char *email,
                                   const char *phone);

/* The packed map, valid until the next change; NULL if it is bad. */
RETAIN_API const void *retain_map_bytes(retain_map *map, size_t *size);

/* ---- sending events -------------------------------------------------------------------------- */

/* Takes a copy of one packed event (a MessagePack map) into the window; never blocks, and sends
 * when a batch is full; retain_work lets one go that is not, at the latest when those before it are
 * answered. `token` comes back with the acknowledgement. WINDOW_FULL: nothing was taken. TOO_LARGE:
 * beyond 2 MiB (retaind takes 64 KiB by default). BAD_ARGUMENT: not exactly one MessagePack object.
 */
RETAIN_API int retain_push(retain_client *client, const void *event, size_t size, uint64_t token);
/* The same; BAD_ARGUMENT or NO_MEMORY also for a bad map. The map stays the caller's. */
RETAIN_API int retain_push_map(retain_client *client, retain_map *event, uint64_t token);

/* Works until every event has its acknowledgement (and the callback was called, or they wait for
 * retain_next_ack). TIMED_OUT: some are still pending, and go on being sent by later calls. */
RETAIN_API int retain_flush(retain_client *client, int timeout_ms);

/* Without on_ack: the next acknowledgement, 1, or 0 if there is none now. Strings live until the
 * next call on this client. Those not fetched count against the window. */
RETAIN_API int retain_next_ack(retain_client *client, struct retain_ack *ack);

/* Events pushed and neither acknowledged nor rejected. */
RETAIN_API size_t retain_pending(const retain_client *client);

struct retain_counts {
    uint64_t accepted, duplicate, rejected; /* events, as answered */
    uint64_t resent, busy;                  /* messages sent again; answers busy or stopping */
    bool connected;                         /* to the events endpoint, now */
};

RETAIN_API void retain_get_counts(const retain_client *client, struct retain_counts *counts);

/* ---- reading values -------------------------------------------------------------------------- */

enum retain_kind {
    RETAIN_NONE, /* absent, or no valid bytes */
    RETAIN_NIL,
    RETAIN_BOOL,
    RETAIN_INT,
    RETAIN_FLOAT,
    RETAIN_TEXT,
    RETAIN_BYTES,
    RETAIN_LIST,
    RETAIN_MAP,
    RETAIN_EXTENSION, /* MessagePack timestamps and the like */
};

/* A place in packed bytes: no ownership, valid as long as what it came from. Reading is safe on any
 * bytes; what is not there reads as RETAIN_NONE and falls back. */
typedef struct retain_value {
    const void *at;
    const void *end;
} retain_value;

RETAIN_API retain_value retain_value_of(const void *bytes, size_t size);
RETAIN_API enum retain_kind retain_value_kind(retain_value value);
/* The value of a key of a map. */
RETAIN_API retain_value retain_value_get(retain_value map, const char *key);
/* Entries of a list or map, else 0. */
RETAIN_API size_t retain_value_size(retain_value value);
RETAIN_API int64_t retain_value_int(retain_value value, int64_t fallback);
RETAIN_API double retain_value_number(retain_value value, double fallback); /* integers too */
RETAIN_API bool retain_value_bool(retain_value value, bool fallback);
/* The bytes of a text or of bytes, not terminated; NULL if it is neither. */
RETAIN_API const char *retain_value_text(retain_value value, size_t *size);
/* Copies a text, cut to fit and terminated; "" if it is none. Returns its full length. */
RETAIN_API size_t retain_value_copy(retain_value value, char *out, size_t capacity);

/* Walks a list or map: for (it = retain_iterate(v); retain_next(&it, &key, &item);). `key` may be
 * NULL; it is NONE in lists. */
typedef struct retain_iterator {
    const void *at;
    const void *end;
    uint32_t left;
    bool pairs;
} retain_iterator;

RETAIN_API retain_iterator retain_iterate(retain_value value);
RETAIN_API bool retain_next(retain_iterator *iterator, retain_value *key, retain_value *item);

/* ---- queries --------------------------------------------------------------------------------- */

typedef struct retain_reply retain_reply;

/* Asks and waits for the answer: `op` as in docs/PROTOCOL.md ("account.get"), `params` a map of its
 * keys or NULL (the map is not changed and stays the caller's). OK; REFUSED (the answer is an
 * error; *reply is given and says which); TIMED_OUT, BAD_REPLY, NO_MEMORY, BAD_ARGUMENT: no reply.
 * The caller owns *reply: retain_reply_free. Events and alerts move on meanwhile; on_ack is not
 * called. */
RETAIN_API int retain_query(retain_client *client, const char *op, retain_map *params,
                            int timeout_ms, retain_reply **reply);
/* Takes NULL. */
RETAIN_API void retain_reply_free(retain_reply *reply);
RETAIN_API retain_value retain_reply_value(const retain_reply *reply);
RETAIN_API const void *retain_reply_bytes(const retain_reply *reply, size_t *size);
/* Of a refusal: "not_found", ... and a sentence; "" otherwise. They live as long as the reply. */
RETAIN_API const char *retain_reply_error(const retain_reply *reply);
RETAIN_API const char *retain_reply_message(const retain_reply *reply);

/* ---- alerts ---------------------------------------------------------------------------------- */

/* Hears alerts whose topic begins with the prefix ("alert.", "alert.critical.", "owner.kim.").
 * Several prefixes add up; each alert is handed out once. BAD_ARGUMENT: NULL, or neither "alert..."
 * nor "owner...". */
RETAIN_API int retain_subscribe(retain_client *client, const char *prefix);

/* Goes on after this cursor: alerts published since are fetched from the history. Without it, or
 * NULL: from now. Call it before the first retain_work. */
RETAIN_API int retain_resume(retain_client *client, const char *cursor);

struct retain_alert {
    retain_value map; /* keys as in docs/PROTOCOL.md; valid until the next call on this client */
    bool live;        /* false: it was missed by the subscription and fetched from the history */
    bool gap; /* the history no longer reaches back to the cursor: alerts before this moment may be
                 missing; `map` is RETAIN_NONE */
};

/* The next alert, 1, or 0 if there is none now. */
RETAIN_API int retain_next_alert(retain_client *client, struct retain_alert *alert);

/* Everything up to here was handed out: store it and give it to retain_resume in the next run. ""
 * while not known. Alerts after it may have been handed out too; the next run hands them out again.
 * Valid until the next call. */
RETAIN_API const char *retain_cursor(const retain_client *client);

/* ---- spool: never lose an event while retaind is away ---------------------------------------- */

/* A directory of events to be sent. Putting one in touches no network: a telephony or mail hook can
 * do it and be done. Whoever has a client (or `retainctl spool DIR`) sends them and removes each
 * after its acknowledgement. A rejected event is kept as NAME.rejected, and is not sent again. */
typedef struct retain_spool retain_spool;

/* Makes the directory (mode 0700) if it is missing. `max_bytes`: what its files may hold together,
 * 0: 64 MiB. The caller owns *spool. Errors: NO_MEMORY, BAD_ARGUMENT, SYSTEM. */
RETAIN_API int retain_spool_open(retain_spool **spool, const char *directory, uint64_t max_bytes);
/* Takes NULL. */
RETAIN_API void retain_spool_close(retain_spool *spool);

/* OK means: on disk (file and directory are synced). SPOOL_FULL, SYSTEM (errno), BAD_ARGUMENT (not
 * exactly one MessagePack object), TOO_LARGE. A crash in between leaves nothing or all of it. */
RETAIN_API int retain_spool_put(retain_spool *spool, const void *event, size_t size);
RETAIN_API int retain_spool_put_map(retain_spool *spool, retain_map *event);

struct retain_spool_usage {
    uint64_t waiting;  /* events */
    uint64_t rejected; /* events that retaind refused, kept as *.rejected */
    uint64_t bytes;    /* of all files */
};

RETAIN_API int retain_spool_usage(retain_spool *spool, struct retain_spool_usage *usage);

/* Called from retain_work for a file that was kept as NAME.rejected; strings live until it returns.
 */
typedef void retain_spool_rejection_fn(const char *name, const char *code, const char *error,
                                       void *arg);
RETAIN_API void retain_spool_on_rejection(retain_spool *spool, retain_spool_rejection_fn *call,
                                          void *arg);

/* From now on retain_work also sends what is in the spool, as the window allows. The spool must
 * outlive the client or be detached (NULL). Its events are not reported to on_ack, but are in the
 * counts. */
RETAIN_API int retain_attach_spool(retain_client *client, retain_spool *spool);

/* Works until the attached spool is empty. TIMED_OUT: some are left. BAD_ARGUMENT: no spool.
 * SYSTEM: a file cannot be read or removed (errno), NO_MEMORY; it stays, and is sent again another
 * time. */
RETAIN_API int retain_flush_spool(retain_client *client, int timeout_ms);

#ifdef __cplusplus
}
#endif

#endif

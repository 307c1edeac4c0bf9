/* Alerts, each once and none missed: the subscription is the fast path, the history is the truth.
 *
 * The topic `cursor` says every few seconds how far the history reaches. If that is not where we
 * are, alert.list tells what came since: what the subscription brought already is left out
 * (seen.h), the rest is handed out, and the cursor moves.
 *
 * Failure modes: a slow reader (we stop reading the socket, retaind drops, the history fills the
 * gap); retaind away (the question waits for the connection); an answer that is an error (asked
 * again later); a history that no longer reaches back (`gap` is handed out and we go on at its
 * oldest end); no memory (the message is left for the history, a mark is made later). */
#include "clients/libretain/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zmq.h>

#include "clients/libretain/seen.h"
#include "protocol/alert.h"
#include "protocol/cursor.h"

enum {
    QUEUE_MAX = 4096, /* alerts waiting for the caller before we stop reading */
    SUB_HWM = 100000,
    LIST_LIMIT = 1000,
    NESTING = 32,
    RETRY_MS = 1000,
    ANSWER_MS = 15000,
    CURSOR_SIZE = 64, /* with its end; ours are shorter */
};

/* Handed out in order: an alert, a gap, or a mark that moves the caller's cursor. */
struct item {
    struct item *next;
    enum { ALERT, GAP, MARK } what;
    bool live;
    size_t size;
    uint8_t bytes[];
};

struct rt_listener {
    void *socket;
    struct rt_seen *seen;
    struct item *first, *last, *current; /* current: lent to the caller */
    size_t waiting;
    char **prefixes;
    size_t prefix_count;
    char cursor[CURSOR_SIZE]; /* asked from here on; "": not known */
    char handed[CURSOR_SIZE]; /* what retain_cursor says */
    bool unmarked;            /* `cursor` has moved and there was no memory for its mark */
    struct rt_question question;
    struct rt_buffer request;
    bool asking, wanted;
    int64_t ask_due, answer_due;
};

/* ---- set up ---------------------------------------------------------------------------------- */

static int socket_open(retain_client *client, struct rt_listener *listener)
{
    static const int linger = 0, hwm = SUB_HWM, ipv6 = 1, heartbeat = 5000, silence = 20000;
    size_t size = sizeof(int);
    void *socket = zmq_socket(client->context, ZMQ_SUB);
    int fd;

    listener->socket = socket;
    if (socket == NULL || zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof(linger)) != 0 ||
        zmq_setsockopt(socket, ZMQ_RCVHWM, &hwm, sizeof(hwm)) != 0 ||
        zmq_setsockopt(socket, ZMQ_IPV6, &ipv6, sizeof(ipv6)) != 0 ||
        zmq_setsockopt(socket, ZMQ_HEARTBEAT_IVL, &heartbeat, sizeof(heartbeat)) != 0 ||
        zmq_setsockopt(socket, ZMQ_HEARTBEAT_TIMEOUT, &silence, sizeof(silence)) != 0 ||
        zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "cursor", 6) != 0 ||
        !rt_client_key_show(&client->key, socket))
        return errno == ENOMEM ? RETAIN_NO_MEMORY : RETAIN_SYSTEM;
    if (zmq_connect(socket, client->alerts_address) != 0)
        return RETAIN_BAD_ADDRESS;
    if (zmq_getsockopt(socket, ZMQ_FD, &fd, &size) != 0)
        return RETAIN_SYSTEM;
    return rt_client_watch(client, fd);
}

int rt_listener_new(retain_client *client)
{
    int code = rt_client_open_query(client);

    if (code != RETAIN_OK || client->listener != NULL)
        return code;
    client->listener = calloc(1, sizeof(*client->listener));
    if (client->listener == NULL)
        return RETAIN_NO_MEMORY;
    client->listener->seen = rt_seen_new();
    code =
        client->listener->seen == NULL ? RETAIN_NO_MEMORY : socket_open(client, client->listener);
    if (code != RETAIN_OK)
        rt_listener_free(client);
    return code;
}

void rt_listener_free(retain_client *client)
{
    struct rt_listener *listener = client->listener;
    struct item *item;

    if (listener == NULL)
        return;
    rt_question_forget(client, &listener->question);
    if (listener->socket != NULL)
        zmq_close(listener->socket);
    while ((item = listener->first) != NULL) {
        listener->first = item->next;
        free(item);
    }
    free(listener->current);
    for (size_t i = 0; i < listener->prefix_count; i++)
        free(listener->prefixes[i]);
    free(listener->prefixes);
    rt_seen_free(listener->seen);
    rt_buffer_free(&listener->request);
    rt_buffer_free(&listener->question.answer);
    free(listener);
    client->listener = NULL;
}

static bool prefix_valid(const char *prefix)
{
    return prefix != NULL && (strncmp(prefix, "alert", 5) == 0 || strncmp(prefix, "owner", 5) == 0);
}

int retain_subscribe(retain_client *client, const char *prefix)
{
    struct rt_listener *listener;
    char **prefixes, *copy;
    int code;

    if (!prefix_valid(prefix))
        return RETAIN_BAD_ARGUMENT;
    code = rt_listener_new(client);
    if (code != RETAIN_OK)
        return code;
    listener = client->listener;
    prefixes = realloc(listener->prefixes, (listener->prefix_count + 1) * sizeof(*prefixes));
    if (prefixes == NULL)
        return RETAIN_NO_MEMORY;
    listener->prefixes = prefixes;
    copy = strdup(prefix);
    if (copy == NULL)
        return RETAIN_NO_MEMORY;
    if (zmq_setsockopt(listener->socket, ZMQ_SUBSCRIBE, prefix, strlen(prefix)) != 0) {
        free(copy);
        return RETAIN_SYSTEM;
    }
    listener->prefixes[listener->prefix_count++] = copy;
    return RETAIN_OK;
}

static void cursor_set(char to[CURSOR_SIZE], struct rt_span cursor)
{
    memcpy(to, cursor.data, cursor.size);
    to[cursor.size] = '\0';
}

int retain_resume(retain_client *client, const char *cursor)
{
    struct rt_span from = rt_span_text(cursor == NULL ? "" : cursor);
    int code = from.size < CURSOR_SIZE ? rt_listener_new(client) : RETAIN_BAD_ARGUMENT;

    if (code != RETAIN_OK || from.size == 0)
        return code;
    cursor_set(client->listener->cursor, from);
    cursor_set(client->listener->handed, from);
    client->listener->wanted = true;
    return RETAIN_OK;
}

/* ---- what is handed out ---------------------------------------------------------------------- */

static struct item *item_new(int what, bool live, struct rt_span bytes)
{
    struct item *item = malloc(sizeof(*item) + bytes.size);

    if (item == NULL)
        return NULL;
    item->next = NULL;
    item->what = what;
    item->live = live;
    item->size = bytes.size;
    if (bytes.size > 0)
        memcpy(item->bytes, bytes.data, bytes.size);
    return item;
}

static void item_append(struct rt_listener *listener, struct item *item)
{
    if (listener->first == NULL)
        listener->first = item;
    else
        listener->last->next = item;
    listener->last = item;
    listener->waiting += item->what != MARK;
}

static bool enqueue(struct rt_listener *listener, int what, struct rt_span bytes)
{
    struct item *item = item_new(what, false, bytes);

    if (item != NULL)
        item_append(listener, item);
    return item != NULL;
}

static struct item *dequeue(struct rt_listener *listener)
{
    struct item *item = listener->first;

    if (item == NULL)
        return NULL;
    listener->first = item->next;
    listener->waiting -= item->what != MARK;
    return item;
}

/* Marks at the head of the queue: all before them was taken. */
static void marks_pass(struct rt_listener *listener)
{
    while (listener->first != NULL && listener->first->what == MARK) {
        struct item *mark = dequeue(listener);

        cursor_set(listener->handed, rt_span(mark->bytes, mark->size));
        free(mark);
    }
}

bool rt_listener_has_alert(const struct rt_listener *listener)
{
    return listener->waiting > 0;
}

int retain_next_alert(retain_client *client, struct retain_alert *alert)
{
    struct rt_listener *listener = client->listener;

    if (listener == NULL)
        return 0;
    free(listener->current);
    listener->current = NULL;
    marks_pass(listener);
    listener->current = dequeue(listener);
    if (listener->current == NULL)
        return 0;
    *alert = (struct retain_alert){
        .map = retain_value_of(listener->current->bytes, listener->current->size),
        .live = listener->current->live,
        .gap = listener->current->what == GAP,
    };
    if (listener->waiting == QUEUE_MAX - 1)
        (void)rt_client_step(client); /* we had stopped reading */
    return 1;
}

const char *retain_cursor(const retain_client *client)
{
    return client->listener == NULL ? "" : client->listener->handed;
}

/* ---- messages -------------------------------------------------------------------------------- */

static struct rt_span text_of(retain_value map, const char *key)
{
    size_t size = 0;
    const char *text = retain_value_text(retain_value_get(map, key), &size);

    return rt_span(text == NULL ? "" : text, size);
}

/* One that could not be ours is none. */
static struct rt_span cursor_in(retain_value map, const char *key)
{
    struct rt_span cursor = text_of(map, key);

    return cursor.size < CURSOR_SIZE ? cursor : rt_span("", 0);
}

static struct rt_span bytes_of(retain_value value)
{
    return rt_span(value.at, (size_t)((const uint8_t *)value.end - (const uint8_t *)value.at));
}

/* Hands out an alert unless it was before. Without memory it is left out and the history asked
 * again. */
static bool alert_take(struct rt_listener *listener, retain_value map, bool live)
{
    static const char *const parts[] = {"id", "state", "severity", "ts", "published"};
    struct rt_buffer key = {0};
    struct item *item = item_new(ALERT, live, bytes_of(map));
    bool good;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        struct rt_span part = bytes_of(retain_value_get(map, parts[i]));

        rt_buffer_append(&key, part.data, part.size);
    }
    good = item != NULL && !key.failed;
    if (good && rt_seen_add(listener->seen, rt_buffer_span(&key)))
        item_append(listener, item);
    else
        free(item);
    rt_buffer_free(&key);
    return good;
}

static bool topic_wanted(const struct rt_listener *listener, struct rt_span topic)
{
    for (size_t i = 0; i < listener->prefix_count; i++) {
        size_t size = strlen(listener->prefixes[i]);

        if (size <= topic.size && memcmp(listener->prefixes[i], topic.data, size) == 0)
            return true;
    }
    return false;
}

/* Would the subscription have brought it? */
static bool alert_wanted(const struct rt_listener *listener, retain_value map)
{
    const struct rt_topic parts = {.owner = text_of(map, "owner"),
                                   .severity = text_of(map, "severity"),
                                   .kind = text_of(map, "kind"),
                                   .account = text_of(map, "account")};
    struct rt_buffer topic = {0}, owner_topic = {0};
    bool wanted;

    rt_alert_topic(&topic, RT_TREE_ALERT, &parts);
    rt_alert_topic(&owner_topic, RT_TREE_OWNER, &parts);
    wanted = topic.failed || owner_topic.failed || topic_wanted(listener, rt_buffer_span(&topic)) ||
             topic_wanted(listener, rt_buffer_span(&owner_topic));
    rt_buffer_free(&topic);
    rt_buffer_free(&owner_topic);
    return wanted;
}

/* All that is handed out up to here was before the cursor. */
static void mark(struct rt_listener *listener)
{
    listener->unmarked = !enqueue(listener, MARK, rt_span_text(listener->cursor));
}

static void move_to(struct rt_listener *listener, struct rt_span cursor)
{
    cursor_set(listener->cursor, cursor);
    mark(listener);
}

/* The first message of a subscription could not be kept: the history is asked from just before it on. */
static void begin_before(struct rt_listener *listener, struct rt_span cursor)
{
    uint64_t number;
    char text[RT_CURSOR_TEXT];

    if (rt_cursor_decode(cursor, &number) && number > 0)
        cursor_set(listener->cursor, rt_span(text, rt_cursor_encode(number - 1, text)));
}

static void message_take(struct rt_listener *listener, struct rt_span topic, struct rt_span payload)
{
    retain_value map = retain_value_of(payload.data, payload.size);
    struct rt_span cursor;

    if (!rt_msgpack_check(payload, NESTING) || retain_value_kind(map) != RETAIN_MAP)
        return;
    cursor = cursor_in(map, "cursor");
    if (rt_span_is(topic, "cursor")) {
        if (listener->cursor[0] == '\0')
            move_to(listener, cursor);
        else if (!rt_span_is(cursor, listener->cursor))
            listener->wanted = true;
        return;
    }
    if (!alert_take(listener, map, true)) {
        listener->wanted = true;
        if (listener->cursor[0] == '\0')
            begin_before(listener, cursor);
    } else if (listener->cursor[0] == '\0' && cursor.size > 0) {
        move_to(listener, cursor);
    }
}

/* One message of two frames; false if there is none. */
static bool message_receive(struct rt_listener *listener)
{
    zmq_msg_t topic, payload;
    bool more = false;

    zmq_msg_init(&topic);
    zmq_msg_init(&payload);
    if (zmq_msg_recv(&topic, listener->socket, ZMQ_DONTWAIT) < 0)
        return false;
    if (zmq_msg_more(&topic) && zmq_msg_recv(&payload, listener->socket, ZMQ_DONTWAIT) >= 0) {
        more = zmq_msg_more(&payload);
        if (!more)
            message_take(listener, rt_span(zmq_msg_data(&topic), zmq_msg_size(&topic)),
                         rt_span(zmq_msg_data(&payload), zmq_msg_size(&payload)));
    }
    while (more && zmq_msg_recv(&payload, listener->socket, ZMQ_DONTWAIT) >= 0)
        more = zmq_msg_more(&payload);
    zmq_msg_close(&topic);
    zmq_msg_close(&payload);
    return true;
}

/* ---- the history ----------------------------------------------------------------------------- */

static void ask(retain_client *client, int64_t now)
{
    struct rt_listener *listener = client->listener;

    rt_buffer_clear(&listener->request);
    rt_write_map(&listener->request, 3);
    rt_write_key_text(&listener->request, "op", "alert.list");
    rt_write_key_str(&listener->request, "since", rt_span_text(listener->cursor));
    rt_write_key_int(&listener->request, "limit", LIST_LIMIT);
    if (listener->request.failed) {
        listener->ask_due = now + RETRY_MS;
        return;
    }
    rt_question_ask(client, &listener->question, rt_buffer_span(&listener->request));
    listener->asking = true;
    listener->wanted = false;
    listener->answer_due = now + ANSWER_MS;
}

/* The alerts of an answer; false without memory. */
static bool list_take(struct rt_listener *listener, retain_value alerts)
{
    retain_iterator iterator = retain_iterate(alerts);
    retain_value map;

    while (retain_next(&iterator, NULL, &map)) {
        if (alert_wanted(listener, map) && !alert_take(listener, map, false))
            return false;
    }
    return true;
}

/* Moves on behind what was listed; false if the answer is an error to be tried again. */
static bool answer_take(struct rt_listener *listener, retain_value reply)
{
    retain_value alerts = retain_value_get(reply, "alerts");
    struct rt_span cursor = cursor_in(reply, "cursor");

    if (rt_span_is(text_of(reply, "error"), "cursor_gone")) {
        cursor = cursor_in(reply, "oldest");
        listener->wanted = true;
        if (cursor.size == 0 || !enqueue(listener, GAP, rt_span(NULL, 0)))
            return false;
        cursor_set(listener->cursor, cursor);
        return true;
    }
    if (!retain_value_bool(retain_value_get(reply, "ok"), false) || cursor.size == 0 ||
        !list_take(listener, alerts))
        return false;
    if (retain_value_size(alerts) >= LIST_LIMIT)
        listener->wanted = true;
    move_to(listener, cursor);
    return true;
}

static void answer_read(retain_client *client, int64_t now)
{
    struct rt_listener *listener = client->listener;
    struct rt_span bytes = rt_buffer_span(&listener->question.answer);
    bool good = !listener->question.no_memory && rt_msgpack_check(bytes, NESTING);

    rt_question_forget(client, &listener->question);
    listener->asking = false;
    if (good && answer_take(listener, retain_value_of(bytes.data, bytes.size)))
        return;
    listener->wanted = true;
    listener->ask_due = now + RETRY_MS;
}

static void history_step(retain_client *client, int64_t now, bool *moved)
{
    struct rt_listener *listener = client->listener;

    if (listener->asking && listener->question.answered) {
        answer_read(client, now);
        *moved = true;
    } else if (listener->asking && now >= listener->answer_due) {
        rt_question_forget(client, &listener->question);
        listener->asking = false;
        listener->wanted = true;
    }
    if (listener->wanted && !listener->asking && now >= listener->ask_due &&
        listener->waiting < QUEUE_MAX) {
        ask(client, now);
        *moved = true;
    }
}

bool rt_listener_step(retain_client *client, int64_t now, int64_t *due)
{
    struct rt_listener *listener = client->listener;
    bool moved = false;

    if (listener == NULL)
        return false;
    while (listener->waiting < QUEUE_MAX && message_receive(listener))
        moved = true;
    history_step(client, now, &moved);
    if (listener->unmarked)
        mark(listener);
    if (listener->waiting == 0)
        marks_pass(listener);
    if (listener->asking && listener->answer_due < *due)
        *due = listener->answer_due;
    if (listener->wanted && !listener->asking && listener->waiting < QUEUE_MAX &&
        listener->ask_due < *due)
        *due = listener->ask_due;
    return moved;
}

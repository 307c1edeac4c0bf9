/* See outbox.h. Invariants:
 *   1. messages stand in the list in the order they were begun; numbers ascend and are never used
 * twice;
 *   2. at most one message is OPEN for the caller and one for the spool;
 *   3. `bytes` is the sum of the payloads of all messages, `pending[]` the sum of their events not
 * yet answered;
 *   4. READY messages number `ready`, SENT messages `flying`, and never more than `allowed` were
 * sent while others wait (retreat on busy).
 *
 * Failure: without memory an add or an answer changes nothing; an answer that could not be kept is
 * asked for again by sending again, which is always safe. */
#include "clients/libretain/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/assert.h"
#include "protocol/limits.h"

enum {
    PAYLOAD_MAX = 2 << 20, /* half of what retaind takes: room for a smaller limit there */
    ARRAY_HEADER = 5,      /* array 32 */
    BACKOFF_FIRST_MS = 10,
    BACKOFF_LAST_MS = 1000,
    SPARE_MAX = 64, /* messages kept for use again */
};

enum state { OPEN, READY, SENT, ANSWERED };

struct rejection {
    uint32_t index;
    enum rt_error code;
    size_t text; /* offset into texts */
};

struct rt_message {
    struct rt_message *next, *before;
    uint64_t number;
    enum state state;
    bool spool;
    int64_t due; /* READY: not before; SENT: send again at */
    struct rt_buffer payload;
    size_t header; /* bytes before the array's header */
    uint32_t count, capacity;
    uint32_t taken; /* acknowledgements handed out */
    uint32_t accepted, duplicate;
    uint64_t *tokens;
    struct rt_buffer rejections; /* of struct rejection, ascending by index */
    struct rt_buffer texts;      /* zero-terminated */
    size_t next_rejection;
};

struct rt_outbox {
    struct rt_outbox_limits limits;
    struct rt_message *first, *last;
    struct rt_message *open[2]; /* [spool] */
    struct rt_message *spare;
    struct rt_message
        *lent[2]; /* all acknowledgements taken, the strings of the last still in use */
    struct rt_message **slots; /* by number modulo slot_count: where a number most probably is */
    size_t slot_count;
    size_t messages, bytes, spares, flying, ready, allowed;
    size_t pending[2];
    size_t untaken[2];    /* acknowledgements that wait to be taken */
    uint64_t ready_from;  /* no message before this number is READY */
    int64_t expiry_floor; /* no SENT message is due earlier */
    uint64_t next_number;
    int64_t hold_until; /* busy: nothing is sent before */
    int64_t backoff_ms;
    struct rt_outbox_counts counts;
};

struct rt_outbox *rt_outbox_new(const struct rt_outbox_limits *limits)
{
    struct rt_outbox *outbox = calloc(1, sizeof(*outbox));

    if (outbox == NULL)
        return NULL;
    outbox->limits = *limits;
    outbox->slot_count = limits->messages * 2;
    outbox->slots = calloc(outbox->slot_count, sizeof(struct rt_message *));
    if (outbox->slots == NULL) {
        free(outbox);
        return NULL;
    }
    outbox->allowed = limits->messages;
    outbox->next_number = outbox->ready_from = 1;
    outbox->expiry_floor = INT64_MAX;
    outbox->backoff_ms = BACKOFF_FIRST_MS;
    return outbox;
}

static void message_free(struct rt_message *message)
{
    rt_buffer_free(&message->payload);
    rt_buffer_free(&message->rejections);
    rt_buffer_free(&message->texts);
    free(message->tokens);
    free(message);
}

void rt_outbox_free(struct rt_outbox *outbox)
{
    struct rt_message *lists[2], *message;

    if (outbox == NULL)
        return;
    lists[0] = outbox->first;
    lists[1] = outbox->spare;
    for (int i = 0; i < 2; i++) {
        while ((message = lists[i]) != NULL) {
            lists[i] = message->next;
            message_free(message);
        }
    }
    free(outbox->slots);
    free(outbox);
}

/* ---- gathering ------------------------------------------------------------------------------- */

/* A batch with options is {"quiet": true, "events": [...]}, without them the array alone. */
static void payload_begin(struct rt_message *message, bool quiet)
{
    rt_buffer_clear(&message->payload);
    if (quiet) {
        rt_write_map(&message->payload, 2);
        rt_write_key_bool(&message->payload, "quiet", true);
        rt_write_text(&message->payload, "events");
    }
    message->header = message->payload.size;
    (void)rt_write_array_begin(&message->payload);
}

static struct rt_message *message_new(struct rt_outbox *outbox, bool spool)
{
    struct rt_message *message = outbox->spare;

    if (message != NULL) {
        outbox->spare = message->next;
        outbox->spares--;
    } else if ((message = calloc(1, sizeof(*message))) == NULL) {
        return NULL;
    }
    message->next = message->before = NULL;
    message->state = OPEN;
    message->spool = spool;
    message->due = 0;
    message->count = message->taken = message->accepted = message->duplicate = 0;
    message->next_rejection = 0;
    rt_buffer_clear(&message->rejections);
    rt_buffer_clear(&message->texts);
    payload_begin(message, outbox->limits.quiet);
    return message;
}

static void message_retire(struct rt_outbox *outbox, struct rt_message *message)
{
    if (outbox->spares >= SPARE_MAX) {
        message_free(message);
        return;
    }
    message->next = outbox->spare;
    outbox->spare = message;
    outbox->spares++;
}

static bool tokens_reserve(struct rt_message *message)
{
    uint32_t capacity = message->capacity == 0 ? 16 : message->capacity * 2;
    uint64_t *tokens;

    if (message->count < message->capacity)
        return true;
    tokens = realloc(message->tokens, capacity * sizeof(*tokens));
    if (tokens == NULL)
        return false;
    message->tokens = tokens;
    message->capacity = capacity;
    return true;
}

static struct rt_message **slot_of(const struct rt_outbox *outbox, uint64_t number)
{
    return &outbox->slots[number % outbox->slot_count];
}

static void unlink_message(struct rt_outbox *outbox, struct rt_message *gone)
{
    if (gone->before != NULL)
        gone->before->next = gone->next;
    else
        outbox->first = gone->next;
    if (gone->next != NULL)
        gone->next->before = gone->before;
    else
        outbox->last = gone->before;
    if (*slot_of(outbox, gone->number) == gone)
        *slot_of(outbox, gone->number) = NULL;
    outbox->messages--;
    outbox->bytes -= gone->payload.size;
    message_retire(outbox, gone);
}

/* Lets go of a message whose acknowledgements were all taken. */
static void reclaim(struct rt_outbox *outbox, bool spool)
{
    if (outbox->lent[spool] == NULL)
        return;
    unlink_message(outbox, outbox->lent[spool]);
    outbox->lent[spool] = NULL;
}

static void append(struct rt_outbox *outbox, struct rt_message *message)
{
    message->number = outbox->next_number++;
    message->before = outbox->last;
    if (outbox->last != NULL)
        outbox->last->next = message;
    else
        outbox->first = message;
    outbox->last = message;
    *slot_of(outbox, message->number) = message;
    outbox->messages++;
    outbox->bytes += message->payload.size;
}

static void become_ready(struct rt_outbox *outbox, struct rt_message *message)
{
    message->state = READY;
    message->due = 0;
    outbox->ready++;
    if (message->number < outbox->ready_from)
        outbox->ready_from = message->number;
}

static void batch_close(struct rt_outbox *outbox, bool spool)
{
    struct rt_message *message = outbox->open[spool];

    if (message == NULL)
        return;
    rt_write_end(&message->payload, message->header, message->count);
    become_ready(outbox, message);
    outbox->open[spool] = NULL;
}

static bool batch_fits(const struct rt_outbox *outbox, const struct rt_message *message,
                       size_t size)
{
    return message->count < outbox->limits.batch_events &&
           message->payload.size + size <= outbox->limits.batch_bytes;
}

static int message_put(struct rt_message *message, struct rt_span event, uint64_t token)
{
    if (!tokens_reserve(message) || !rt_buffer_reserve(&message->payload, event.size)) {
        message->payload.failed = false; /* what was gathered before stands */
        return RETAIN_NO_MEMORY;
    }
    rt_buffer_append(&message->payload, event.data, event.size);
    message->tokens[message->count++] = token;
    return RETAIN_OK;
}

bool rt_outbox_has_room(const struct rt_outbox *outbox)
{
    return outbox->messages < outbox->limits.messages && outbox->bytes < outbox->limits.bytes;
}

static bool room_for(const struct rt_outbox *outbox, size_t size)
{
    return outbox->messages < outbox->limits.messages &&
           (outbox->bytes == 0 || outbox->bytes + size <= outbox->limits.bytes);
}

static int add_first(struct rt_outbox *outbox, struct rt_span event, uint64_t token, bool spool)
{
    struct rt_message *message;
    int code;

    if (!room_for(outbox, event.size))
        reclaim(outbox, spool);
    if (!room_for(outbox, event.size))
        return RETAIN_WINDOW_FULL;
    message = message_new(outbox, spool);
    if (message == NULL)
        return RETAIN_NO_MEMORY;
    code = message_put(message, event, token);
    if (code != RETAIN_OK) {
        message_retire(outbox, message);
        return code;
    }
    append(outbox, message);
    outbox->open[spool] = message;
    return RETAIN_OK;
}

int rt_outbox_add(struct rt_outbox *outbox, struct rt_span event, uint64_t token, bool spool)
{
    struct rt_message *message = outbox->open[spool];
    int code;

    if (event.size > PAYLOAD_MAX)
        return RETAIN_TOO_LARGE;
    if (message != NULL && !batch_fits(outbox, message, event.size)) {
        batch_close(outbox, spool);
        message = NULL;
    }
    if (message == NULL) {
        code = add_first(outbox, event, token, spool);
    } else if (outbox->bytes + event.size > outbox->limits.bytes) {
        return RETAIN_WINDOW_FULL;
    } else {
        code = message_put(message, event, token);
        if (code == RETAIN_OK)
            outbox->bytes += event.size;
    }
    if (code != RETAIN_OK)
        return code;
    outbox->pending[spool]++;
    message = outbox->open[spool];
    if (!batch_fits(outbox, message, 1))
        batch_close(outbox, spool);
    return RETAIN_OK;
}

void rt_outbox_close_batch(struct rt_outbox *outbox, bool spool)
{
    batch_close(outbox, spool);
}

bool rt_outbox_gathering(const struct rt_outbox *outbox)
{
    return outbox->open[false] != NULL;
}

size_t rt_outbox_flying(const struct rt_outbox *outbox)
{
    return outbox->flying;
}

/* ---- sending --------------------------------------------------------------------------------- */

/* The slot, or where a newer message took it, the list. */
static struct rt_message *find(const struct rt_outbox *outbox, uint64_t number)
{
    struct rt_message *message = *slot_of(outbox, number);

    if (message != NULL && message->number == number)
        return message;
    message = outbox->first;
    while (message != NULL && message->number < number)
        message = message->next;
    return message != NULL && message->number == number ? message : NULL;
}

static void send_again(struct rt_outbox *outbox, struct rt_message *message)
{
    RT_ASSERT(outbox->flying > 0);
    outbox->flying--;
    outbox->counts.resent++;
    become_ready(outbox, message);
}

static void expire(struct rt_outbox *outbox, int64_t now)
{
    if (now < outbox->expiry_floor)
        return;
    outbox->expiry_floor = INT64_MAX;
    for (struct rt_message *message = outbox->first; message != NULL; message = message->next) {
        if (message->state != SENT)
            continue;
        if (message->due <= now)
            send_again(outbox, message);
        else if (message->due < outbox->expiry_floor)
            outbox->expiry_floor = message->due;
    }
}

static struct rt_message *first_ready(struct rt_outbox *outbox)
{
    struct rt_message *message = *slot_of(outbox, outbox->ready_from);

    if (message == NULL || message->number != outbox->ready_from)
        message = outbox->first;
    while (message->state != READY) /* there is one: outbox->ready counts them */
        message = message->next;
    outbox->ready_from = message->number;
    return message;
}

bool rt_outbox_next(struct rt_outbox *outbox, int64_t now, uint64_t *number,
                    struct rt_span *payload)
{
    struct rt_message *message;

    expire(outbox, now);
    if (now < outbox->hold_until || outbox->flying >= outbox->allowed || outbox->ready == 0)
        return false;
    message = first_ready(outbox);
    *number = message->number;
    *payload = rt_buffer_span(&message->payload);
    return true;
}

void rt_outbox_sent(struct rt_outbox *outbox, uint64_t number, int64_t now)
{
    struct rt_message *message = find(outbox, number);

    RT_ASSERT(message != NULL && message->state == READY);
    message->state = SENT;
    message->due = now + outbox->limits.resend_ms;
    if (message->due < outbox->expiry_floor)
        outbox->expiry_floor = message->due;
    outbox->ready--;
    outbox->flying++;
}

void rt_outbox_lost(struct rt_outbox *outbox, int64_t now)
{
    for (struct rt_message *message = outbox->first; message != NULL; message = message->next) {
        if (message->state == SENT)
            send_again(outbox, message);
    }
    outbox->hold_until = now;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The floor may be early: then the look that follows moves it. */
int64_t rt_outbox_due(const struct rt_outbox *outbox, bool can_send)
{
    int64_t due = outbox->flying > 0 ? outbox->expiry_floor : INT64_MAX;

    if (can_send && outbox->ready > 0 && outbox->flying < outbox->allowed)
        due = earlier(due, outbox->hold_until);
    return due;
}

/* ---- answers --------------------------------------------------------------------------------- */

/* busy, stopping: wait, longer each time in a row, and keep fewer messages in flight until answers
 * come again. */
static void retreat(struct rt_outbox *outbox, struct rt_message *message, int64_t now)
{
    send_again(outbox, message);
    outbox->counts.busy++;
    outbox->allowed = outbox->allowed > 1 ? outbox->allowed / 2 : 1;
    if (now < outbox->hold_until)
        return; /* the same jam, seen by another message */
    outbox->hold_until = now + outbox->backoff_ms;
    outbox->backoff_ms = earlier(outbox->backoff_ms * 2, BACKOFF_LAST_MS);
}

static void advance(struct rt_outbox *outbox)
{
    outbox->backoff_ms = BACKOFF_FIRST_MS;
    if (outbox->allowed < outbox->limits.messages)
        outbox->allowed++;
}

static bool reject(struct rt_message *message, uint32_t index, enum rt_error code,
                   struct rt_span text)
{
    struct rejection rejection = {.index = index, .code = code, .text = message->texts.size};

    rt_buffer_append(&message->texts, text.data, text.size);
    rt_buffer_append(&message->texts, "", 1);
    rt_buffer_append(&message->rejections, &rejection, sizeof(rejection));
    return !message->texts.failed && !message->rejections.failed;
}

static struct rejection *rejections_of(const struct rt_message *message, size_t *count)
{
    *count = message->rejections.size / sizeof(struct rejection);
    return (struct rejection *)(void *)message->rejections.data;
}

static int by_index(const void *a, const void *b)
{
    const struct rejection *left = a, *right = b;

    return (left->index > right->index) - (left->index < right->index);
}

/* False if two rejections name the same event, or one names an event that was not sent. */
static bool rejections_order(struct rt_message *message)
{
    size_t count;
    struct rejection *all = rejections_of(message, &count);

    if (count == 0)
        return true;
    qsort(all, count, sizeof(*all), by_index);
    for (size_t i = 0; i + 1 < count; i++) {
        if (all[i].index == all[i + 1].index)
            return false;
    }
    return all[count - 1].index < message->count;
}

static void message_forget(struct rt_message *message)
{
    rt_buffer_clear(&message->rejections);
    rt_buffer_clear(&message->texts);
}

/* Keeps what the answer says of each event; false (nothing kept) if it does not add up, or without
 * memory. */
static bool outcome_take(struct rt_message *message, struct rt_push_reply *reply)
{
    uint32_t index;
    enum rt_error code;
    struct rt_span text;
    size_t count;
    bool good = (uint64_t)reply->accepted + reply->duplicate + reply->rejected == message->count;

    while (good && rt_push_reply_next(reply, &index, &code, &text))
        good = reject(message, index, code, text);
    (void)rejections_of(message, &count);
    if (!good || count != reply->rejected || !rejections_order(message)) {
        message_forget(message);
        return false;
    }
    message->accepted = reply->accepted;
    message->duplicate = reply->duplicate;
    return true;
}

/* The payload was refused whole and for good: so is every event in it. */
static bool refusal_take(struct rt_message *message, const struct rt_push_reply *reply)
{
    for (uint32_t i = 0; i < message->count; i++) {
        if (!reject(message, i, reply->error, reply->message)) {
            message_forget(message);
            return false;
        }
    }
    return true;
}

/* too_large for several events together says nothing of each: the second half becomes a message of
 * its own. Later batches are made smaller. */
static bool split(struct rt_outbox *outbox, struct rt_message *message)
{
    struct rt_message *half = message_new(outbox, message->spool);
    struct rt_reader reader = rt_reader(rt_buffer_span(&message->payload));
    uint32_t keep = message->count / 2;

    if (half == NULL)
        return false;
    reader.at += message->header + ARRAY_HEADER;
    for (uint32_t i = 0; i < message->count; i++) {
        struct rt_span event;
        const uint8_t *begin = reader.at;

        RT_ASSERT(rt_read_skip(&reader, &event));
        if (i == keep)
            message->next_rejection = (size_t)(begin - message->payload.data);
        if (i >= keep && message_put(half, event, message->tokens[i]) != RETAIN_OK) {
            message_retire(outbox, half);
            message->next_rejection = 0;
            return false;
        }
    }
    outbox->bytes -= message->payload.size - message->next_rejection;
    message->payload.size = message->next_rejection;
    message->next_rejection = 0;
    message->count = keep;
    rt_write_end(&message->payload, message->header, keep);
    rt_write_end(&half->payload, half->header, half->count);
    append(outbox, half);
    become_ready(outbox, half);
    outbox->limits.batch_bytes = message->payload.size;
    return true;
}

static void answered(struct rt_outbox *outbox, struct rt_message *message)
{
    size_t rejected;

    (void)rejections_of(message, &rejected);
    message->state = ANSWERED;
    outbox->flying--;
    outbox->pending[message->spool] -= message->count;
    outbox->untaken[message->spool] += message->count;
    outbox->counts.accepted += message->accepted;
    outbox->counts.duplicate += message->duplicate;
    outbox->counts.rejected += rejected;
    advance(outbox);
}

bool rt_outbox_answer(struct rt_outbox *outbox, uint64_t number, struct rt_span reply, int64_t now)
{
    struct rt_message *message = find(outbox, number);
    struct rt_push_reply decoded;
    bool kept;

    if (message == NULL || message->state == ANSWERED || message->state == OPEN)
        return true;
    if (message->state == READY) { /* answered after all, while it waited to be sent again */
        message->state = SENT;
        outbox->ready--;
        outbox->flying++;
    }
    kept = rt_push_reply_decode(reply, &decoded);
    if (kept && (decoded.error == RT_BUSY || decoded.error == RT_STOPPING)) {
        retreat(outbox, message, now);
        return true;
    }
    if (kept && decoded.error == RT_TOO_LARGE && message->count > 1) {
        kept = split(outbox, message);
        retreat(outbox, message, now);
        return kept;
    }
    if (kept)
        kept = decoded.error == RT_OK ? outcome_take(message, &decoded)
                                      : refusal_take(message, &decoded);
    if (kept)
        answered(outbox, message);
    else
        retreat(outbox, message, now);
    return kept;
}

/* ---- acknowledgements ------------------------------------------------------------------------ */

/* There is one: outbox->untaken counts its acknowledgements. */
static struct rt_message *first_answered(const struct rt_outbox *outbox, bool spool)
{
    struct rt_message *message = outbox->first;

    while (message->state != ANSWERED || message->spool != spool ||
           message->taken == message->count)
        message = message->next;
    return message;
}

static enum retain_outcome outcome_of(const struct rt_message *message)
{
    if (message->duplicate == 0)
        return RETAIN_ACCEPTED;
    return message->accepted == 0 ? RETAIN_DUPLICATE : RETAIN_STORED;
}

bool rt_outbox_has_ack(const struct rt_outbox *outbox, bool spool)
{
    return outbox->untaken[spool] > 0;
}

bool rt_outbox_ack(struct rt_outbox *outbox, bool spool, struct retain_ack *ack)
{
    struct rt_message *message;
    struct rejection *rejections;
    size_t count;

    reclaim(outbox, spool);
    if (outbox->untaken[spool] == 0)
        return false;
    message = first_answered(outbox, spool);
    rejections = rejections_of(message, &count);
    *ack = (struct retain_ack){.token = message->tokens[message->taken],
                               .outcome = outcome_of(message)};
    if (message->next_rejection < count &&
        rejections[message->next_rejection].index == message->taken) {
        struct rejection *rejection = &rejections[message->next_rejection++];

        ack->outcome = RETAIN_REJECTED;
        ack->code = rt_error_name(rejection->code);
        ack->error = (const char *)message->texts.data + rejection->text;
    }
    outbox->untaken[spool]--;
    if (++message->taken == message->count)
        outbox->lent[spool] = message;
    return true;
}

size_t rt_outbox_pending(const struct rt_outbox *outbox, bool spool)
{
    return outbox->pending[spool];
}

void rt_outbox_get_counts(const struct rt_outbox *outbox, struct rt_outbox_counts *counts)
{
    *counts = outbox->counts;
}

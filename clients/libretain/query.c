/* Questions and their answers over one DEALER connection, which several may use at once.
 *
 * Failure modes: no connection (the question waits for one until its time is over); a connection
 * lost with the question on it (asked again: every operation says the same twice, or does nothing
 * the second time); an answer that is no map (BAD_REPLY). */
#include "clients/libretain/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPLY_NESTING = 32, ERROR_TEXT = 64, MESSAGE_TEXT = 512 };

struct retain_reply {
    struct rt_buffer bytes;
    char error[ERROR_TEXT];
    char message[MESSAGE_TEXT];
};

void rt_question_ask(retain_client *client, struct rt_question *question, struct rt_span payload)
{
    rt_buffer_clear(&question->answer);
    question->number = client->next_question++;
    question->payload = payload;
    question->sent = question->answered = question->no_memory = false;
    question->next = client->questions;
    client->questions = question;
}

void rt_question_forget(retain_client *client, struct rt_question *question)
{
    struct rt_question **link = &client->questions;

    while (*link != NULL && *link != question)
        link = &(*link)->next;
    if (*link != NULL)
        *link = question->next;
}

static bool questions_send(retain_client *client)
{
    bool moved = false;

    client->query_stuck = false;
    for (struct rt_question *q = client->questions; q != NULL; q = q->next) {
        if (q->sent || q->answered)
            continue;
        if (!rt_channel_send(&client->query, q->number, q->payload)) {
            client->query_stuck = true;
            break;
        }
        q->sent = moved = true;
    }
    return moved;
}

static void answer_take(retain_client *client, uint64_t number, struct rt_span payload)
{
    struct rt_question *q = client->questions;

    while (q != NULL && q->number != number)
        q = q->next;
    if (q == NULL || q->answered)
        return;
    rt_buffer_append(&q->answer, payload.data, payload.size);
    q->no_memory = q->answer.failed;
    q->answered = true;
}

bool rt_questions_step(retain_client *client)
{
    struct rt_incoming incoming;
    struct rt_span payload;
    uint64_t number;
    bool moved;

    if (client->query.socket == NULL)
        return false;
    if (rt_channel_lost(&client->query)) {
        for (struct rt_question *q = client->questions; q != NULL; q = q->next)
            q->sent = false;
    }
    moved = questions_send(client);
    while (rt_channel_receive(&client->query, &incoming, &number, &payload)) {
        answer_take(client, number, payload);
        rt_channel_release(&incoming);
        moved = true;
    }
    return moved;
}

/* {"op": op, then the parameters} */
static int request_pack(struct rt_buffer *request, const char *op, retain_map *params)
{
    struct rt_span packed = {0};
    struct rt_reader reader;
    uint32_t pairs = 0;
    int code;

    if (params != NULL) {
        code = rt_map_pack(params, &packed);
        if (code != RETAIN_OK)
            return code;
        reader = rt_reader(packed);
        (void)rt_read_map(&reader, &pairs);
    }
    rt_write_map(request, pairs + 1);
    rt_write_key_text(request, "op", op);
    if (pairs > 0)
        rt_buffer_append(request, reader.at, (size_t)(reader.end - reader.at));
    return request->failed ? RETAIN_NO_MEMORY : RETAIN_OK;
}

/* Takes over the answer's bytes. */
static int reply_new(struct rt_buffer *answer, retain_reply **reply)
{
    retain_reply *fresh;
    retain_value value;

    if (!rt_msgpack_check(rt_buffer_span(answer), REPLY_NESTING))
        return RETAIN_BAD_REPLY;
    value = retain_value_of(answer->data, answer->size);
    if (retain_value_kind(retain_value_get(value, "ok")) != RETAIN_BOOL)
        return RETAIN_BAD_REPLY;
    fresh = calloc(1, sizeof(*fresh));
    if (fresh == NULL)
        return RETAIN_NO_MEMORY;
    fresh->bytes = *answer;
    *answer = (struct rt_buffer){0};
    *reply = fresh;
    if (retain_value_bool(retain_value_get(value, "ok"), false))
        return RETAIN_OK;
    retain_value_copy(retain_value_get(value, "error"), fresh->error, sizeof(fresh->error));
    retain_value_copy(retain_value_get(value, "message"), fresh->message, sizeof(fresh->message));
    return RETAIN_REFUSED;
}

/* Turns the wheel until the answer is there; the question is off the list afterwards. */
static int answer_wait(retain_client *client, struct rt_question *question, int timeout_ms)
{
    int64_t deadline = rt_client_deadline(timeout_ms);
    int code = RETAIN_OK;

    client->blocked = true;
    while (code == RETAIN_OK) {
        code = rt_client_step(client);
        if (code != RETAIN_OK || question->answered)
            break;
        code = rt_client_now() >= deadline ? RETAIN_TIMED_OUT : rt_client_wait(client, deadline);
    }
    rt_question_forget(client, question);
    client->blocked = false;
    (void)rt_client_step(client);
    return code == RETAIN_OK && question->no_memory ? RETAIN_NO_MEMORY : code;
}

int retain_query(retain_client *client, const char *op, retain_map *params, int timeout_ms,
                 retain_reply **reply)
{
    struct rt_buffer request = {0};
    struct rt_question question = {0};
    int code;

    if (client == NULL || op == NULL || reply == NULL)
        return RETAIN_BAD_ARGUMENT;
    code = rt_client_open_query(client);
    if (code == RETAIN_OK)
        code = request_pack(&request, op, params);
    if (code == RETAIN_OK) {
        rt_question_ask(client, &question, rt_buffer_span(&request));
        code = answer_wait(client, &question, timeout_ms);
    }
    if (code == RETAIN_OK)
        code = reply_new(&question.answer, reply);
    rt_buffer_free(&question.answer);
    rt_buffer_free(&request);
    return code;
}

void retain_reply_free(retain_reply *reply)
{
    if (reply == NULL)
        return;
    rt_buffer_free(&reply->bytes);
    free(reply);
}

retain_value retain_reply_value(const retain_reply *reply)
{
    return retain_value_of(reply->bytes.data, reply->bytes.size);
}

const void *retain_reply_bytes(const retain_reply *reply, size_t *size)
{
    *size = reply->bytes.size;
    return reply->bytes.data;
}

const char *retain_reply_error(const retain_reply *reply)
{
    return reply->error;
}

const char *retain_reply_message(const retain_reply *reply)
{
    return reply->message;
}

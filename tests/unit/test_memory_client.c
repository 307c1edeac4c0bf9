/* Every allocation of libretain's own fails in turn while it works with sockets and files: opening, the
 * subscription with its history, questions, the spool. libzmq's own are let alone: it ends the process. An
 * error comes back or what was left out is made up for: no alert is missed or comes twice, no gap is
 * concealed, a spool is never called empty that is not, and nothing waits for an answer that cannot come.
 *
 * The sockets are inproc, time is an argument, and answers of the history are put where they would arrive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "clients/libretain/client.h"
#include "clients/libretain/seen.h"
#include "clients/libretain/spool.h"
#include "retain.h"
#include "tests/lib/notation.h"
#include "tests/lib/scratch.h"
#include "tests/lib/short_memory.h"

enum { CALLS_MAX = 1000, STEP_MS = 20000 /* whatever waits is due */, ROUNDS = 10 };

static long failed_at; /* printed if the walk fails */

/* Runs `scenario` with the 1st, 2nd, ... allocation failing once, then with all from it on. */
static void walk(void (*scenario)(void))
{
    scenario(); /* what the test itself keeps is there afterwards */
    for (int for_good = 0; for_good < 2; for_good++) {
        bool failed = true;

        for (failed_at = 0; failed; failed_at++) {
            long blocks = short_memory_blocks();

            assert_true(failed_at < CALLS_MAX);
            short_memory_after(failed_at, for_good == 1);
            scenario();
            failed = short_memory_end();
            if (short_memory_blocks() != blocks)
                fail_msg("call %ld: %ld blocks more", failed_at, short_memory_blocks() - blocks);
        }
    }
    print_message("%ld allocations\n", failed_at - 1);
}

/* What is called until it works; memory comes back after the first failure. */
#define UNTIL_OK(call)                                                                             \
    do {                                                                                           \
        int code_ = (call);                                                                        \
                                                                                                   \
        if (code_ != RETAIN_OK) {                                                                  \
            assert_int_equal(code_, RETAIN_NO_MEMORY);                                             \
            short_memory_end();                                                                    \
            assert_int_equal((call), RETAIN_OK);                                                   \
        }                                                                                          \
    } while (0)

static retain_client *client_open(void)
{
    struct retain_options options;
    retain_client *client = NULL;

    retain_options_init(&options);
    options.events = "inproc://events";
    options.query = "inproc://query";
    options.alerts = "inproc://alerts";
    UNTIL_OK(retain_open(&client, &options));
    return client;
}

static void opening(void)
{
    retain_close(client_open());
}

/* ---- the subscription and its history ---------------------------------------------------------- */

/* Plays retaind: alerts 1, 2, ... of which it publishes some. */
struct story {
    retain_client *client;
    void *publisher;
    int64_t now;
    bool gone; /* the history begins at 2 */
    bool heard[ROUNDS], gap;
};

static struct rt_span alert_text(int number)
{
    char text[200];
    struct rt_span packed;

    short_memory_pause();
    snprintf(text, sizeof(text),
             "{id: '0-%d', kind: 'silence', severity: 'info', state: 'raised', account: 'a', "
             "owner: 'kim', ts: %d, published: %d, cursor: '%x'}",
             number, number, number, (unsigned)number);
    packed = notation_kept(text);
    short_memory_resume();
    return packed;
}

static void publish(struct story *story, const char *topic, struct rt_span map)
{
    assert_int_equal(zmq_send(story->publisher, topic, strlen(topic), ZMQ_SNDMORE), strlen(topic));
    assert_int_equal(zmq_send(story->publisher, map.data, map.size, 0), map.size);
}

static struct rt_span kept(const char *text)
{
    struct rt_span packed;

    short_memory_pause();
    packed = notation_kept(text);
    short_memory_resume();
    return packed;
}

static const char *since_of(const struct rt_question *question, char text[32])
{
    retain_value map = retain_value_of(question->payload.data, question->payload.size);

    retain_value_copy(retain_value_get(map, "since"), text, 32);
    return text;
}

static void answer_with(struct rt_question *question, struct rt_span reply)
{
    rt_buffer_append(&question->answer, reply.data, reply.size);
    question->no_memory = question->answer.failed;
    question->answered = true;
}

/* The alerts from behind `since` up to 5. */
static void answer_history(struct story *story)
{
    struct rt_question *question = story->client->questions;
    struct rt_buffer reply = {0};
    char text[32];
    int since;

    if (question == NULL || question->answered)
        return;
    since = (int)strtol(since_of(question, text), NULL, 16);
    if (story->gone && since < 2) {
        answer_with(question, kept("{ok: false, error: 'cursor_gone', message: 'm', oldest: '2'}"));
        return;
    }
    short_memory_pause();
    rt_write_map(&reply, 3);
    rt_write_key_bool(&reply, "ok", true);
    rt_write_text(&reply, "alerts");
    rt_write_array(&reply, since < 5 ? (uint32_t)(5 - since) : 0);
    for (int number = since + 1; number <= 5; number++)
        rt_write_raw(&reply, alert_text(number));
    rt_write_key_text(&reply, "cursor", "5");
    short_memory_resume();
    answer_with(question, rt_buffer_span(&reply));
    short_memory_pause();
    rt_buffer_free(&reply);
    short_memory_resume();
}

/* Hands out what is there; each alert once. */
static void take_alerts(struct story *story)
{
    struct retain_alert alert;

    while (retain_next_alert(story->client, &alert)) {
        char id[16];
        long number;

        if (alert.gap) {
            story->gap = true;
            continue;
        }
        retain_value_copy(retain_value_get(alert.map, "id"), id, sizeof(id));
        number = strtol(id + 2, NULL, 10);
        assert_in_range(number, 1, 5);
        assert_false(story->heard[number]);
        story->heard[number] = true;
    }
}

/* Memory comes back after the first round. */
static void turn(struct story *story)
{
    for (int round = 0; round < ROUNDS; round++) {
        int64_t due = INT64_MAX;

        while (rt_listener_step(story->client, story->now, &due))
            answer_history(story);
        take_alerts(story);
        story->now += STEP_MS;
        short_memory_end();
    }
}

static struct story story_begin(bool gone, const char *cursor)
{
    struct story story = {.client = client_open(), .now = STEP_MS, .gone = gone};
    char subscription[64];

    story.publisher = zmq_socket(story.client->context, ZMQ_XPUB);
    assert_int_equal(zmq_bind(story.publisher, "inproc://alerts"), 0);
    UNTIL_OK(retain_subscribe(story.client, "alert."));
    UNTIL_OK(retain_resume(story.client, cursor));
    while (zmq_recv(story.publisher, subscription, sizeof(subscription), ZMQ_DONTWAIT) > 0)
        continue;
    return story;
}

static void story_end(struct story *story)
{
    zmq_close(story->publisher);
    retain_close(story->client);
}

/* Without a cursor, from the first message on; the third comes by the history alone. */
static void from_now_on(void)
{
    struct story story = story_begin(false, NULL);

    publish(&story, "alert.info.silence.a", alert_text(2));
    publish(&story, "alert.info.silence.a", alert_text(4));
    publish(&story, "cursor", kept("{cursor: '5', ts: 1}"));
    turn(&story);
    publish(&story, "cursor", kept("{cursor: '5', ts: 1}"));
    turn(&story);
    for (int number = 2; number <= 5; number++)
        assert_true(story.heard[number]);
    assert_false(story.heard[1] || story.gap);
    assert_string_equal(retain_cursor(story.client), "5");
    story_end(&story);
}

/* Goes on at a cursor to which the history no longer reaches back. */
static void from_a_cursor(void)
{
    struct story story = story_begin(true, "1");

    turn(&story);
    publish(&story, "cursor", kept("{cursor: '5', ts: 1}"));
    turn(&story);
    assert_true(story.gap);
    for (int number = 3; number <= 5; number++)
        assert_true(story.heard[number]);
    assert_string_equal(retain_cursor(story.client), "5");
    story_end(&story);
}

/* ---- questions --------------------------------------------------------------------------------- */

/* Answers each request with the same reply, until the context ends. Allocates nothing. */
static void *answer_all(void *socket)
{
    static const uint8_t reply[] = "\x82\xa2ok\xc3\xa4more\x01";
    uint8_t frames[3][256];

    for (;;) {
        int sizes[3], count = 0;
        size_t size = sizeof(int);
        int more = 1;

        while (more && count < 3) {
            sizes[count] = zmq_recv(socket, frames[count], sizeof(frames[count]), 0);
            if (sizes[count] < 0) {
                zmq_close(socket);
                return NULL;
            }
            zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size);
            count++;
        }
        for (int i = 0; i + 1 < count; i++)
            zmq_send(socket, frames[i], (size_t)sizes[i], ZMQ_SNDMORE);
        zmq_send(socket, reply, sizeof(reply) - 1, 0);
    }
}

static void asking(void)
{
    retain_client *client = client_open();
    retain_reply *reply = NULL;
    retain_map *params;
    pthread_t thread;
    void *socket = zmq_socket(client->context, ZMQ_ROUTER);
    size_t size;

    assert_int_equal(zmq_bind(socket, "inproc://query"), 0);
    assert_int_equal(pthread_create(&thread, NULL, answer_all, socket), 0);
    params = retain_map_new();
    if (params != NULL)
        retain_map_text(params, "account", "ACME");
    if (params == NULL || retain_map_bytes(params, &size) == NULL) {
        retain_map_free(params);
        params = NULL; /* the caller gave up on them */
    }
    UNTIL_OK(retain_query(client, "account.get", params, 60000, &reply));
    assert_int_equal(retain_value_int(retain_value_get(retain_reply_value(reply), "more"), 0), 1);
    retain_reply_free(reply);
    retain_map_free(params);
    retain_close(client);
    pthread_join(thread, NULL);
}

/* ---- the spool --------------------------------------------------------------------------------- */

static char *folder;

static uint64_t waiting(retain_spool *spool)
{
    struct retain_spool_usage usage;

    assert_int_equal(retain_spool_usage(spool, &usage), RETAIN_OK);
    assert_int_equal(usage.rejected, 0);
    return usage.waiting;
}

static void put(retain_spool *spool, const char *id)
{
    char text[100];
    struct rt_span event;

    snprintf(text, sizeof(text), "{id: '%s', type: 'call', account: 'a', ts: 1}", id);
    event = kept(text);
    UNTIL_OK(retain_spool_put(spool, event.data, event.size));
}

/* All that is in the window is accepted. True if anything was. */
static bool accept(retain_client *client, int64_t now)
{
    struct rt_span payload;
    struct rt_batch batch;
    struct rt_fault fault;
    uint64_t number;
    bool any = false;

    while (rt_outbox_next(client->outbox, now, &number, &payload)) {
        struct rt_buffer reply = {0};

        assert_int_equal(rt_batch_open(payload, RT_MESSAGE_BYTES, &batch, &fault), RT_OK);
        rt_outbox_sent(client->outbox, number, now);
        short_memory_pause();
        rt_push_reply_begin(&reply, batch.count, 0, 0);
        short_memory_resume();
        (void)rt_outbox_answer(client->outbox, number, rt_buffer_span(&reply), now);
        short_memory_pause();
        rt_buffer_free(&reply);
        short_memory_resume();
        any = true;
    }
    return any;
}

/* A spool with two events. Nobody takes the messages of this client but the scenario. */
static retain_spool *spool_begin(retain_client *client)
{
    retain_spool *spool = NULL;

    UNTIL_OK(retain_spool_open(&spool, folder, 0));
    assert_int_equal(retain_attach_spool(client, spool), RETAIN_OK);
    put(spool, "1");
    put(spool, "2");
    assert_int_equal(waiting(spool), 2);
    return spool;
}

/* Sends all; whatever fails, an answer or the clock goes on with it. */
static void spool_end(retain_client *client, retain_spool *spool)
{
    int64_t now = rt_client_now();

    for (int round = 0; waiting(spool) > 0; round++) {
        int64_t due = INT64_MAX;

        assert_true(round < ROUNDS);
        now += STEP_MS;
        while (rt_spool_step(client, now, &due))
            continue;
        assert_true(accept(client, now) || due < INT64_MAX || waiting(spool) == 0);
        short_memory_end();
    }
    assert_int_equal(retain_attach_spool(client, NULL), RETAIN_OK);
    retain_spool_close(spool);
    retain_close(client);
}

static void spooling(void)
{
    retain_client *client = client_open();

    spool_end(client, spool_begin(client));
}

static void flushing(void)
{
    retain_client *client = client_open();
    retain_spool *spool = spool_begin(client);
    int code = retain_flush_spool(client, 0);

    assert_true(code == RETAIN_TIMED_OUT || code == RETAIN_NO_MEMORY); /* never: it is empty */
    rt_outbox_lost(client->outbox, rt_client_now());
    spool_end(client, spool);
}

static void remembering(void)
{
    struct rt_seen *seen = rt_seen_new();

    if (seen == NULL) {
        short_memory_end();
        seen = rt_seen_new();
    }
    assert_true(rt_seen_add(seen, rt_span_text("a")));
    assert_false(rt_seen_add(seen, rt_span_text("a")));
    rt_seen_free(seen);
}

/* ---- tests ------------------------------------------------------------------------------------- */

static void clients_open(void **state)
{
    (void)state;
    walk(opening);
}

static void alerts_from_now_on_come_once(void **state)
{
    (void)state;
    walk(from_now_on);
}

static void alerts_from_a_cursor_come_once_and_the_gap_is_told(void **state)
{
    (void)state;
    walk(from_a_cursor);
}

static void questions_are_answered(void **state)
{
    (void)state;
    walk(asking);
}

static void the_spool_is_sent(void **state)
{
    (void)state;
    folder = rt_scratch_new();
    walk(spooling);
    walk(flushing);
    rt_scratch_remove(folder);
}

static void what_was_seen_is_known(void **state)
{
    (void)state;
    walk(remembering);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_open),
        cmocka_unit_test(alerts_from_now_on_come_once),
        cmocka_unit_test(alerts_from_a_cursor_come_once_and_the_gap_is_told),
        cmocka_unit_test(questions_are_answered),
        cmocka_unit_test(the_spool_is_sent),
        cmocka_unit_test(what_was_seen_is_known),
    };

    if (!short_memory_works())
        printf("skipped the walk: a sanitizer has its own malloc; the scenarios run once\n");
    short_memory_own();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Memory that runs out in the daemon's pure cores and in what the protocol writes: the walk of
 * tests/lib/memory_walk.h over their operations. A push that had no memory is answered `busy` or not at all,
 * never as if it had been taken whole; a key that had none may do nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/access.h"
#include "daemon/connections.h"
#include "daemon/merge.h"
#include "daemon/peer.h"
#include "daemon/pending.h"
#include "daemon/retry.h"
#include "daemon/window.h"
#include "tests/lib/memory_walk.h"
#include "tests/lib/notation.h"
#include "tests/lib/short_memory.h"

enum {
    FRAMES = 64 /* as many as a fresh window holds */,
    LARGE = 300 << 10,
    KEYS = 16,
    PEERS = 64,
    REJECTED = 40
};

#define PUBLIC "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct state {
    struct rt_window window;
    struct rt_pendings pendings;
    struct rt_peers peers;
    struct rt_connections connections;
    struct rt_access access;
    struct rt_envelope envelope;
    struct rt_buffer out, done;
};

/* ---- what can be seen of it ------------------------------------------------------------------ */

static void print_frame(const struct rt_frame *frame, struct rt_buffer *out)
{
    rt_put_u8(out, (uint8_t)(frame->done << 2 | frame->sent << 1 | frame->single));
    if (!frame->done) {
        rt_put_u8(out, frame->crashes);
        rt_put_bytes(out, rt_span(frame->bytes, frame->size));
    }
}

static void print_window(const struct rt_window *window, struct rt_buffer *out)
{
    rt_put_u64(out, window->first);
    rt_put_u64(out, window->next);
    rt_put_u64(out, window->bytes);
    rt_put_u32(out, window->in_flight);
    for (uint64_t tag = window->first; tag != window->end; tag++)
        print_frame(&window->ring[tag & (window->capacity - 1)], out);
    rt_put_u64(out, window->held_count);
    for (size_t i = 0; i < window->held_count; i++)
        print_frame(&window->held[i], out);
}

static void print(struct state *s, struct rt_buffer *out)
{
    rt_buffer_clear(out);
    print_window(&s->window, out);
    rt_put_u64(out, s->pendings.count);
    rt_put_u64(out, s->peers.count);
    rt_put_u64(out, s->connections.count);
    rt_put_u32(out, (uint32_t)s->connections.oldest);
    rt_put_u32(out, (uint32_t)s->connections.newest);
    rt_put_u64(out, s->access.count);
    for (size_t i = 0; i < s->access.count; i++)
        rt_put_bytes(out, rt_span_text(s->access.keys[i].name));
    for (unsigned i = 0; i < s->envelope.count; i++)
        rt_put_bytes(out, rt_envelope_frame(&s->envelope, i));
    assert_false(out->failed);
}

static struct state *state_new(void)
{
    struct state *s = calloc(1, sizeof(*s));

    rt_connections_init(&s->connections, PEERS);
    return s;
}

static void forget_output(struct state *s)
{
    rt_buffer_free(&s->out);
}

static void release(struct state *s)
{
    rt_window_free(&s->window);
    rt_pendings_free(&s->pendings);
    rt_peers_free(&s->peers);
    rt_connections_free(&s->connections);
    rt_access_clear(&s->access);
    rt_envelope_clear(&s->envelope);
    rt_buffer_free(&s->out);
    rt_buffer_free(&s->done);
    free(s);
}

static void make_nothing(struct state *s)
{
    (void)s;
}

/* ---- windows --------------------------------------------------------------------------------- */

/* A frame of three events; false without memory. */
static bool add_frame(struct rt_window *window)
{
    enum { EVENTS = 3, EVENT = 20, ENTRY = 8 + EVENT };
    struct rt_link_header header = {.size = EVENTS * ENTRY, .kind = RT_LINK_EVENTS};
    struct rt_frame *frame = rt_window_add(window, RT_LINK_HEADER + header.size, &header.tag);

    if (frame == NULL)
        return false;
    memset(frame->bytes, 0, frame->size);
    rt_link_header_encode(&header, frame->bytes);
    for (uint8_t i = 0; i < EVENTS; i++) {
        frame->bytes[RT_LINK_HEADER + i * ENTRY] = i;
        frame->bytes[RT_LINK_HEADER + i * ENTRY + 4] = EVENT;
    }
    return true;
}

static void make_full(struct state *s)
{
    for (int i = 0; i < FRAMES; i++)
        assert_true(add_frame(&s->window));
}

static void write_all(struct rt_window *window)
{
    struct iovec piece;

    while (rt_window_pieces(window, &piece, 1) > 0)
        rt_window_written(window, piece.iov_len);
}

/* The list of those that are held is full. */
static void make_held(struct state *s)
{
    make_full(s);
    write_all(&s->window);
    do {
        assert_true(rt_window_hold(&s->window, s->window.first));
    } while (s->window.held_count < s->window.held_capacity);
}

/* As many in the ring as it takes, and some that are held beside. */
static void make_held_beside_full(struct state *s)
{
    make_held(s);
    while (s->window.end - s->window.first < FRAMES)
        assert_true(add_frame(&s->window));
}

/* All of them were in flight at one crash. */
static void make_suspect(struct state *s)
{
    make_full(s);
    write_all(&s->window);
    assert_true(rt_window_rewind(&s->window, true));
    write_all(&s->window);
}

static bool run_reserve(struct state *s)
{
    return rt_window_reserve(&s->window, LARGE, 5);
}

static bool run_add(struct state *s)
{
    return add_frame(&s->window);
}

static bool run_hold(struct state *s)
{
    return rt_window_hold(&s->window, s->window.first);
}

static bool run_release(struct state *s)
{
    rt_window_release(&s->window);
    return s->window.held_count == 0;
}

static bool run_rewind(struct state *s)
{
    return rt_window_rewind(&s->window, true);
}

/* Whole for lack of memory at its second crash, a frame is split at the third, and none of its events is taken
 * for the culprit: each has still to be alone. */
static bool run_crashes(struct state *s)
{
    bool split = rt_window_rewind(&s->window, true);
    uint64_t tag;

    if (!split) {
        write_all(&s->window);
        short_memory_end();
        assert_true(rt_window_rewind(&s->window, true));
    }
    assert_false(rt_window_poison(&s->window, &tag));
    assert_int_equal(s->window.end - s->window.first, FRAMES * 3);
    return split;
}

/* ---- pushes and their answers ------------------------------------------------------------------ */

static void make_push(struct state *s)
{
    for (uint32_t i = 0; i < REJECTED; i++) {
        const struct rt_link_rejection rejection = {
            .index = REJECTED - i, .code = RT_BAD_FIELD, .text = rt_span_text("type: unknown")};

        rt_link_rejection_encode(&s->done, &rejection);
    }
}

static bool answered(struct state *s, struct rt_pending *pending)
{
    const struct rt_link_done done = {.accepted = 5, .rejected = REJECTED};
    struct rt_push_reply reply;

    pending->waiting = 1;
    rt_pending_reject(pending, REJECTED + 1, RT_BAD_EVENT, rt_span_text("no map"));
    assert_true(rt_pending_done(pending, &done, rt_reader(rt_buffer_span(&s->done))));
    rt_pending_reply(pending, &s->out);
    if (s->out.failed)
        return false;
    assert_true(rt_push_reply_decode(rt_buffer_span(&s->out), &reply));
    assert_true(reply.error == RT_BUSY || reply.rejected == REJECTED + 1);
    return reply.error == RT_OK;
}

static bool run_push(struct state *s)
{
    struct rt_pending *pending = rt_pending_new(&s->pendings, 1);
    bool good;

    if (pending == NULL)
        return false;
    good = answered(s, pending);
    rt_pending_free(&s->pendings, pending);
    return good;
}

static bool run_envelope(struct state *s)
{
    static const uint8_t frame[100];

    return rt_envelope_add(&s->envelope, rt_span(frame, sizeof(frame)));
}

static bool run_retry_request(struct state *s)
{
    rt_retry_request(&s->out, "dead.drop", rt_span_text("0-1"));
    return !s->out.failed;
}

/* The refusal of a push that found no memory itself is no reply to make another of. */
static bool run_retry_reply(struct state *s)
{
    struct rt_buffer refusal = {0};
    bool good;

    rt_push_refusal(&refusal, RT_BUSY, "a partition has no room");
    good = rt_retry_reply(&s->out, rt_buffer_span(&refusal));
    rt_buffer_free(&refusal);
    return good;
}

/* ---- merges ------------------------------------------------------------------------------------ */

static bool merged(struct state *s, bool (*merge)(const struct rt_merge *, struct rt_buffer *),
                   const char *asked, const char *first, const char *second)
{
    struct rt_span parts[2], request;
    struct rt_query query;
    struct rt_fault fault;
    const struct rt_merge both = {
        .query = &query, .parts = parts, .count = 2, .moment = 77, .cursor = 255};
    bool good;

    short_memory_pause();
    request = notation_kept(asked);
    parts[0] = notation_kept(first);
    parts[1] = notation_kept(second);
    assert_int_equal(rt_query_decode(request, &query, &fault), RT_OK);
    short_memory_resume();
    good = merge(&both, &s->out);
    assert_int_equal(s->out.failed, !good); /* never blamed on a worker's part */
    return good;
}

#define MERGE(name, asked, first, second)                                                          \
    static bool run_merge_##name(struct state *s)                                                  \
    {                                                                                              \
        return merged(s, rt_merge_##name, asked, first, second);                                   \
    }

MERGE(accounts, "{op: 'account.list', sort: 'score', limit: 1}",
      "{ok: true, accounts: [{account: 'b', score: 1.5}, {account: 'd', score: 90}]}",
      "{ok: true, accounts: [{account: 'a', score: 1.5}]}")
MERGE(alerts, "{op: 'alert.list'}", "{ok: true, alerts: [[10, {n: 1}], [30, {n: 3}]], more: false}",
      "{ok: true, alerts: [[20, {n: 2}]], more: false}")
MERGE(dead, "{op: 'dead.list', limit: 1}",
      "{ok: true, dead: [{id: '0-10', ts: 5}, {id: '0-2', ts: 9}]}",
      "{ok: true, dead: [{id: '1-9', ts: 5}]}")
MERGE(erase, "{op: 'account.erase', account: 'a'}", "{ok: true, events: 0}",
      "{ok: true, events: 7}")
MERGE(report, "{op: 'report.portfolio', owner: 'kim'}",
      "{ok: true, numbers: {accounts: 2, score_sum: 100.5, scored: 2, bands: {healthy: 1}}, "
      "lists: {worst: [[10, {account: 'x'}], [30, {account: 'z'}]]}}",
      "{ok: true, numbers: {accounts: 3, score_sum: 20, scored: 1, bands: {healthy: 1}}, "
      "lists: {worst: [[20, {account: 'y'}]]}}")

/* ---- peers, connections, keys -------------------------------------------------------------------- */

static bool enter(struct state *s, uint32_t name)
{
    return rt_peers_enter(&s->peers, rt_span(&name, sizeof(name))) != NULL;
}

static void make_peers(struct state *s)
{
    for (uint32_t i = 0; i < PEERS; i++)
        assert_true(enter(s, i));
}

static bool run_peer(struct state *s)
{
    return enter(s, PEERS);
}

static void make_connections(struct state *s)
{
    for (int i = 0; i < PEERS / 2; i++)
        assert_int_equal(rt_connections_accepted(&s->connections, i, 1), RT_NO_CONNECTION);
}

/* Its descriptor is beyond the table; without memory it is the one that must go. */
static bool run_connection(struct state *s)
{
    enum { BEYOND = 500 };
    int victim = rt_connections_accepted(&s->connections, BEYOND, 2);

    assert_true(victim == RT_NO_CONNECTION || victim == BEYOND);
    return victim == RT_NO_CONNECTION;
}

static struct rt_key *key_of(struct rt_key *key)
{
    static const char text[] =
        "[key]\nname = n\nrole = subscriber\npublic = " PUBLIC "\nowner = kim\nowner = a.b\n";
    char error[RT_KEY_ERROR];

    return rt_key_parse(text, key, error) ? key : NULL;
}

static void make_keys(struct state *s)
{
    struct rt_key key;

    for (int i = 0; i < KEYS; i++) {
        assert_non_null(key_of(&key));
        assert_true(rt_access_add(&s->access, &key));
    }
}

static bool run_key(struct state *s)
{
    struct rt_key key;

    if (key_of(&key) == NULL)
        return false;
    if (!rt_access_add(&s->access, &key)) {
        rt_key_clear(&key);
        return false;
    }
    return true;
}

/* Nobody is shut out because there is no memory. */
static bool run_hear(struct state *s)
{
    assert_true(rt_key_may_hear(&s->access.keys[0], rt_span_text("owner.a%2Eb.critical.")));
    assert_false(rt_key_may_hear(&s->access.keys[0], rt_span_text("owner.a%2Ec.critical.")));
    return true;
}

/* ---- what is written for others -------------------------------------------------------------------- */

static bool run_alert(struct state *s)
{
    const struct rt_topic parts = {rt_span_text("kim.b"), rt_span_text("info"),
                                   rt_span_text("silence"),
                                   rt_span_text("an account with a name of some length")};
    struct rt_span alert;

    short_memory_pause();
    alert = notation_kept("{id: '0-1', text: 'x'*2000}");
    short_memory_resume();
    rt_alert_topic(&s->out, RT_TREE_OWNER, &parts);
    assert_true(rt_alert_with_cursor(&s->out, alert, rt_span_text("1f")));
    return !s->out.failed;
}

static bool run_setup(struct state *s)
{
    const struct rt_link_setup setup = {.count = 1,
                                        .state_dir = rt_span_text("/var"),
                                        .config = rt_span_text("[x]"),
                                        .version = rt_span_text("1")};
    size_t mark = rt_link_begin(&s->out, RT_LINK_SETUP, 0, 0);

    rt_link_setup_encode(&s->out, &setup);
    rt_link_end(&s->out, mark);
    return !s->out.failed;
}

/* ---- the walk ------------------------------------------------------------------------------------ */

static const struct operation operations[] = {
    {"window: first frame", make_nothing, run_add, 0},
    {"window: one frame more than there is room for", make_full, run_add, 0},
    {"window: room for a large frame", make_full, run_reserve, 0},
    {"window: a frame held", make_held, run_hold, 0},
    {"window: held frames back in the sequence", make_held_beside_full, run_release, 0},
    {"window: frames split after the second crash", make_suspect, run_rewind, PARTLY},
    {"window: frames split after the third crash", make_suspect, run_crashes, LATER},
    {"push: taken and answered", make_push, run_push, 0},
    {"envelope: large", make_nothing, run_envelope, 0},
    {"dead.retry: request", make_nothing, run_retry_request, 0},
    {"dead.retry: reply", make_nothing, run_retry_reply, 0},
    {"merge: account.list", make_nothing, run_merge_accounts, 0},
    {"merge: alert.list", make_nothing, run_merge_alerts, 0},
    {"merge: dead.list", make_nothing, run_merge_dead, 0},
    {"merge: account.erase", make_nothing, run_merge_erase, 0},
    {"merge: report.portfolio", make_nothing, run_merge_report, 0},
    {"peers: the first", make_nothing, run_peer, 0},
    {"peers: one more than there is room for", make_peers, run_peer, 0},
    {"connections: the first", make_nothing, run_connection, 0},
    {"connections: one beyond the table", make_connections, run_connection, 0},
    {"keys: the first", make_nothing, run_key, 0},
    {"keys: one more than there is room for", make_keys, run_key, 0},
    {"keys: what may be heard", make_keys, run_hear, 0},
    {"alert: topic and message", make_nothing, run_alert, 0},
    {"link: setup", make_nothing, run_setup, 0},
};

static void every_operation_survives(void **state)
{
    (void)state;
    walk_all(operations, COUNT(operations));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_survives),
    };

    if (!short_memory_works())
        printf("skipped the walk: a sanitizer has its own malloc; the operations run once\n");
    return cmocka_run_group_tests(tests, NULL, NULL);
}

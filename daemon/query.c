/* See query.h. */
#include "daemon/query.h"

#include <stdlib.h>

#include "daemon/bounds.h"
#include "daemon/clock.h"
#include "daemon/daemon.h"
#include "daemon/door.h"
#include "daemon/merge.h"
#include "daemon/retry.h"
#include "daemon/stats.h"
#include "daemon/worker_link.h"
#include "protocol/assert.h"
#include "protocol/batch.h"

/* ---- questions under way --------------------------------------------------------------------- */

/* A peer that has many under way leaves a part of them to the others, and one that does not read has
 * enough to read. */
static bool may_ask(const struct rt_queries *queries, const struct rt_peer *peer)
{
    size_t most = peer->requests > RT_ASKS_MAX / RT_FAIR_SHARE
                      ? RT_ASKS_MAX - RT_ASKS_MAX / RT_FAIR_RESERVE
                      : RT_ASKS_MAX;

    return queries->count < most && queries->bytes <= RT_ASKS_BYTES_MAX &&
           rt_peer_reads(&queries->peers, peer);
}

/* Takes over the caller's place of the peer. NULL: too many, or no memory. */
static struct rt_ask *ask_new(struct rt_daemon *daemon, struct rt_peer *peer)
{
    struct rt_queries *queries = &daemon->queries;
    struct rt_ask *ask;

    if (!may_ask(queries, peer)) {
        return NULL;
    }
    ask = calloc(1, sizeof *ask);
    if (ask == NULL) {
        return NULL;
    }
    do {
        ask->tag = ++queries->serial;
    } while (queries->slots[ask->tag % RT_ASKS_MAX] != NULL);
    queries->slots[ask->tag % RT_ASKS_MAX] = ask;
    queries->count++;
    ask->peer = peer;
    ask->asked_at = rt_now_ms();
    ask->previous = queries->newest;
    *(queries->newest == NULL ? &queries->oldest : &queries->newest->next) = ask;
    queries->newest = ask;
    return ask;
}

static void ask_free(struct rt_daemon *daemon, struct rt_ask *ask)
{
    struct rt_queries *queries = &daemon->queries;

    *(ask->previous == NULL ? &queries->oldest : &ask->previous->next) = ask->next;
    *(ask->next == NULL ? &queries->newest : &ask->next->previous) = ask->previous;
    queries->slots[ask->tag % RT_ASKS_MAX] = NULL;
    queries->count--;
    queries->bytes -= ask->payload.size;
    for (uint32_t i = 0; ask->parts != NULL && i < daemon->worker_count; i++) {
        queries->bytes -= ask->parts[i].size;
        rt_buffer_free(&ask->parts[i]);
    }
    free(ask->parts);
    rt_peers_leave(&queries->peers, ask->peer, 0);
    rt_envelope_clear(&ask->envelope);
    rt_buffer_free(&ask->payload);
    rt_buffer_free(&ask->kept);
    free(ask);
}

static struct rt_ask *ask_find(struct rt_daemon *daemon, uint64_t tag)
{
    struct rt_ask *ask = daemon->queries.slots[tag % RT_ASKS_MAX];

    return ask != NULL && ask->tag == tag ? ask : NULL;
}

/* ---- replies --------------------------------------------------------------------------------- */

static bool send_reply(struct rt_daemon *daemon, const struct rt_envelope *envelope,
                       struct rt_peer *peer, struct rt_span reply)
{
    struct rt_queries *queries = &daemon->queries;

    return rt_zsocket_send(&queries->socket, envelope, reply, &queries->peers, peer);
}

static void send_error(struct rt_daemon *daemon, const struct rt_envelope *envelope,
                       struct rt_peer *peer, enum rt_error code, const char *message)
{
    rt_buffer_clear(&daemon->queries.reply);
    rt_query_error(&daemon->queries.reply, code, message);
    daemon->metrics.queries_failed[code]++;
    if (daemon->queries.reply.failed ||
        !send_reply(daemon, envelope, peer, rt_buffer_span(&daemon->queries.reply))) {
        daemon->metrics.dropped[RT_DROPPED_REPLY]++;
    }
}

/* An answer that finds no room because others do not read theirs becomes a short one. */
static void finish(struct rt_daemon *daemon, struct rt_ask *ask, struct rt_span reply)
{
    if (!send_reply(daemon, &ask->envelope, ask->peer, reply)) {
        send_error(daemon, &ask->envelope, ask->peer, RT_BUSY, "too many answers wait to be read");
    }
    ask_free(daemon, ask);
}

static void fail(struct rt_daemon *daemon, struct rt_ask *ask, enum rt_error code,
                 const char *message)
{
    send_error(daemon, &ask->envelope, ask->peer, code, message);
    ask_free(daemon, ask);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static bool is_there(const struct rt_daemon *daemon, uint32_t worker)
{
    return daemon->workers[worker].state == RT_WORKER_READY && !daemon->workers[worker].stopping;
}

/* `key` NULL: the daemon asks for itself. */
static void ask_worker(struct rt_daemon *daemon, struct rt_ask *ask, uint32_t worker,
                       struct rt_span payload, const struct rt_key *key)
{
    struct rt_buffer *body = &daemon->queries.reply;

    ask->waiting |= UINT64_C(1) << worker;
    rt_buffer_clear(body);
    rt_link_query_encode(body, ask->moment,
                         key == NULL ? (struct rt_span){0} : rt_buffer_span(&key->owners.bytes),
                         payload);
    if (body->failed) {
        daemon->workers[worker].link.control.failed = true;
    }
    rt_worker_link_control(&daemon->workers[worker], RT_LINK_QUERY,
                           ask->stage == RT_ASK_ALL ? RT_LINK_PART : 0, ask->tag,
                           rt_buffer_span(body));
    rt_worker_link_flush(&daemon->workers[worker]);
}

static bool goes_to_all(enum rt_op op)
{
    return op == RT_ACCOUNT_LIST || op == RT_ALERT_LIST || op == RT_REPORT_PORTFOLIO ||
           op == RT_REPORT_MANAGEMENT || op == RT_DEAD_LIST || op == RT_STATS ||
           op == RT_ACCOUNT_ERASE;
}

/* The worker that owns what the query names; false if there can be no such thing. */
static bool find_worker(const struct rt_daemon *daemon, const struct rt_query *query,
                        uint32_t *worker)
{
    const struct rt_route *route = &daemon->ingest.route;
    uint32_t partition;
    uint64_t sequence;

    if (query->account.data != NULL) {
        *worker = rt_route_account(route, query->account);
        return true;
    }
    if (!rt_episode_parse(query->id, &partition, &sequence) || partition >= route->partitions) {
        return false;
    }
    *worker = rt_route_partition(route, partition);
    return true;
}

static void ask_one(struct rt_daemon *daemon, struct rt_ask *ask, const struct rt_query *query,
                    const struct rt_key *key)
{
    struct rt_buffer request = {0};
    uint32_t worker;

    if (!find_worker(daemon, query, &worker)) {
        fail(daemon, ask, RT_NOT_FOUND, "no such id");
        return;
    }
    if (!is_there(daemon, worker)) {
        fail(daemon, ask, RT_UNAVAILABLE, "the worker of this partition is not there");
        return;
    }
    if (query->op != RT_DEAD_RETRY) {
        ask_worker(daemon, ask, worker, rt_buffer_span(&ask->payload), key);
        return;
    }
    ask->stage = RT_ASK_LETTER;
    rt_retry_request(&request, "dead.get", query->id);
    ask_worker(daemon, ask, worker, rt_buffer_span(&request), NULL);
    rt_buffer_free(&request);
}

/* A list that is not by name goes on at the moment its first page was asked: scores move with time,
 * and a page must not lose what moved across its edge. `after` names that moment (merge_lists.c).
 */
static int64_t moment_of(struct rt_daemon *daemon, const struct rt_query *query)
{
    int64_t moment;

    if (query->op == RT_ACCOUNT_LIST && query->sort != RT_SORT_ACCOUNT &&
        rt_merge_after_moment(query->after, &moment)) {
        return moment;
    }
    return rt_daemon_time(daemon);
}

static void ask_all(struct rt_daemon *daemon, struct rt_ask *ask, const struct rt_key *key)
{
    ask->stage = RT_ASK_ALL;
    ask->parts = calloc(daemon->worker_count, sizeof *ask->parts);
    if (ask->parts == NULL) {
        fail(daemon, ask, RT_BUSY, "out of memory");
        return;
    }
    for (uint32_t i = 0; i < daemon->worker_count; i++) {
        if (!is_there(daemon, i)) {
            fail(daemon, ask, RT_UNAVAILABLE, "a worker is not there");
            return;
        }
    }
    for (uint32_t i = 0; i < daemon->worker_count; i++) {
        ask_worker(daemon, ask, i, rt_buffer_span(&ask->payload), key);
    }
}

/* Why a payload is no question at all, or not for this key to ask. */
static enum rt_error refusal(struct rt_daemon *daemon, const struct rt_key *key,
                             struct rt_span payload, struct rt_query *query, struct rt_fault *fault)
{
    enum rt_error code;

    if (!rt_key_may_ask(key)) {
        return rt_fault_set(fault, RT_DENIED,
                            "this key may not ask, or its peer has a routing id of its own");
    }
    if (daemon->phase == RT_PHASE_STOPPING) {
        return rt_fault_set(fault, RT_STOPPING, "the daemon is stopping");
    }
    if (payload.size > (size_t)daemon->config.limits_message_bytes) {
        return rt_fault_set(fault, RT_TOO_LARGE, "more than %lld bytes",
                            (long long)daemon->config.limits_message_bytes);
    }
    if (!rt_msgpack_check(payload, RT_NESTING)) {
        return rt_fault_set(fault, RT_BAD_MSGPACK, "not one MessagePack object");
    }
    code = rt_query_decode(payload, query, fault);
    return code != RT_OK ? code : rt_key_may_query(key, query, fault);
}

/* Takes over the envelope and the caller's place of the peer. */
static void ask(struct rt_daemon *daemon, const struct rt_key *key, struct rt_envelope *envelope,
                struct rt_peer *peer, struct rt_span payload)
{
    struct rt_query query;
    struct rt_fault fault;
    struct rt_ask *question;
    enum rt_error code = refusal(daemon, key, payload, &query, &fault);

    daemon->metrics.queries++;
    question = code == RT_OK ? ask_new(daemon, peer) : NULL;
    if (question == NULL) {
        send_error(daemon, envelope, peer, code == RT_OK ? RT_BUSY : code,
                   code == RT_OK ? "too many queries under way" : fault.text);
        rt_peers_leave(&daemon->queries.peers, peer, 0);
        rt_envelope_clear(envelope);
        return;
    }
    question->envelope = *envelope;
    rt_buffer_append(&question->payload, payload.data, payload.size);
    daemon->queries.bytes += question->payload.size;
    if (question->payload.failed ||
        rt_query_decode(rt_buffer_span(&question->payload), &query, &fault) != RT_OK) {
        fail(daemon, question, RT_BUSY, "out of memory");
        return;
    }
    question->moment = moment_of(daemon, &query);
    question->cursor = daemon->publisher.numbers.last;
    if (goes_to_all(query.op)) {
        ask_all(daemon, question, key);
    } else {
        ask_one(daemon, question, &query, key);
    }
}

static bool on_query(void *context)
{
    struct rt_daemon *daemon = context;
    struct rt_envelope envelope = {0};
    struct rt_peer *peer;
    zmq_msg_t message;
    enum rt_zsocket_result result =
        rt_zsocket_receive(&daemon->queries.socket, &envelope, &message);

    if (result != RT_RECEIVED) {
        daemon->metrics.dropped[RT_DROPPED_ENVELOPE] += result == RT_DROPPED;
        return result == RT_DROPPED;
    }
    peer = rt_peers_enter(&daemon->queries.peers, rt_envelope_frame(&envelope, 0));
    if (peer == NULL) {
        rt_envelope_clear(&envelope);
        daemon->metrics.dropped[RT_DROPPED_REPLY]++;
    } else {
        ask(daemon, rt_door_asker(daemon, &envelope, &message), &envelope, peer,
            rt_span(zmq_msg_data(&message), zmq_msg_size(&message)));
    }
    zmq_msg_close(&message);
    return true;
}

/* ---- answers --------------------------------------------------------------------------------- */

static bool merge_parts(struct rt_daemon *daemon, struct rt_ask *question, struct rt_buffer *out)
{
    struct rt_span parts[RT_WORKERS_MAX];
    struct rt_query query;
    struct rt_fault fault;
    struct rt_merge merge = {.query = &query,
                             .parts = parts,
                             .count = daemon->worker_count,
                             .moment = question->moment,
                             .cursor = question->cursor};

    RT_ASSERT(rt_query_decode(rt_buffer_span(&question->payload), &query, &fault) == RT_OK);
    for (uint32_t i = 0; i < daemon->worker_count; i++) {
        parts[i] = rt_buffer_span(&question->parts[i]);
    }
    switch (query.op) {
    case RT_ACCOUNT_LIST:
        return rt_merge_accounts(&merge, out);
    case RT_ALERT_LIST:
        return rt_merge_alerts(&merge, out);
    case RT_REPORT_PORTFOLIO:
        return rt_merge_report(&merge, out);
    case RT_REPORT_MANAGEMENT:
        return rt_merge_management(&merge, out);
    case RT_DEAD_LIST:
        return rt_merge_dead(&merge, out);
    case RT_ACCOUNT_ERASE:
        return rt_merge_erase(&merge, out);
    default:
        return rt_stats_reply(daemon, &merge, out);
    }
}

static void merge_and_finish(struct rt_daemon *daemon, struct rt_ask *question)
{
    struct rt_buffer *reply = &daemon->queries.reply;

    rt_buffer_clear(reply);
    if (merge_parts(daemon, question, reply)) {
        finish(daemon, question, rt_buffer_span(reply));
    } else if (reply->failed) {
        rt_buffer_free(reply);
        fail(daemon, question, RT_BUSY, "out of memory");
    } else {
        fail(daemon, question, RT_UNAVAILABLE, "a worker's answer cannot be read");
    }
}

static void take_part(struct rt_daemon *daemon, struct rt_ask *question, uint32_t worker,
                      struct rt_span body)
{
    rt_buffer_append(&question->parts[worker], body.data, body.size);
    if (question->parts[worker].failed) {
        fail(daemon, question, RT_BUSY, "out of memory");
        return;
    }
    daemon->queries.bytes += body.size;
    if (question->waiting == 0) {
        merge_and_finish(daemon, question);
    }
}

static void take_letter(struct rt_daemon *daemon, struct rt_ask *question, struct rt_span body)
{
    struct rt_span letter;
    uint64_t tag = question->tag;

    if (!rt_retry_letter(body, &letter)) {
        finish(daemon, question, body); /* not_found, busy */
        return;
    }
    question->stage = RT_ASK_PUSH;
    rt_ingest_retry(daemon, letter, tag);
}

void rt_query_retried(struct rt_daemon *daemon, uint64_t tag, struct rt_span reply)
{
    struct rt_ask *question = ask_find(daemon, tag);
    struct rt_buffer request = {0};
    struct rt_query query;
    struct rt_fault fault;
    uint32_t worker;

    if (question == NULL || question->stage != RT_ASK_PUSH) {
        return;
    }
    if (!rt_retry_reply(&question->kept, reply)) {
        fail(daemon, question, RT_BUSY, "out of memory");
        return;
    }
    RT_ASSERT(rt_query_decode(rt_buffer_span(&question->payload), &query, &fault) == RT_OK);
    if (!rt_retry_taken(reply) || !find_worker(daemon, &query, &worker) ||
        !is_there(daemon, worker)) {
        finish(daemon, question, rt_buffer_span(&question->kept));
        return;
    }
    question->stage = RT_ASK_DROP;
    rt_retry_request(&request, "dead.drop", query.id);
    ask_worker(daemon, question, worker, rt_buffer_span(&request), NULL);
    rt_buffer_free(&request);
}

bool rt_query_answered(struct rt_daemon *daemon, uint32_t worker, uint64_t tag, struct rt_span body)
{
    struct rt_ask *question = ask_find(daemon, tag);

    if (!rt_msgpack_check(body, 2 * RT_NESTING)) {
        return false;
    }
    if (question == NULL || (question->waiting >> worker & 1) == 0) {
        daemon->metrics.dropped[RT_DROPPED_LATE]++;
        return true;
    }
    question->waiting &= ~(UINT64_C(1) << worker);
    switch (question->stage) {
    case RT_ASK_WORKER:
        finish(daemon, question, body);
        break;
    case RT_ASK_ALL:
        take_part(daemon, question, worker, body);
        break;
    case RT_ASK_LETTER:
        take_letter(daemon, question, body);
        break;
    case RT_ASK_DROP:
        finish(daemon, question, rt_buffer_span(&question->kept));
        break;
    default:
        RT_ASSERT(!"no answer is waited for");
    }
    return true;
}

/* ---- what goes wrong ------------------------------------------------------------------------- */

/* The push of a dead.retry that was taken is the answer, whatever becomes of the letter. */
static void give_up(struct rt_daemon *daemon, struct rt_ask *question, enum rt_error code,
                    const char *message)
{
    if (question->stage == RT_ASK_DROP) {
        finish(daemon, question, rt_buffer_span(&question->kept));
    } else {
        fail(daemon, question, code, message);
    }
}

void rt_queries_worker_lost(struct rt_daemon *daemon, uint32_t worker)
{
    struct rt_ask *next;

    for (struct rt_ask *question = daemon->queries.oldest; question != NULL; question = next) {
        next = question->next;
        if (question->waiting >> worker & 1) {
            give_up(daemon, question, RT_UNAVAILABLE, "the worker was lost");
        }
    }
}

bool rt_queries_wait_for(const struct rt_daemon *daemon, uint32_t worker)
{
    for (struct rt_ask *question = daemon->queries.oldest; question != NULL;
         question = question->next) {
        if (question->waiting >> worker & 1) {
            return true;
        }
    }
    return false;
}

void rt_queries_expire(struct rt_daemon *daemon, int64_t now)
{
    int64_t limit = now - daemon->config.limits_answer_ms;

    while (daemon->queries.oldest != NULL && daemon->queries.oldest->asked_at <= limit) {
        give_up(daemon, daemon->queries.oldest, RT_BUSY, "not answered in time");
    }
}

/* ---- start and stop -------------------------------------------------------------------------- */

bool rt_query_open(struct rt_daemon *daemon, char *error, size_t error_size)
{
    daemon->queries.peers.unread_limit = (size_t)daemon->config.limits_unread_bytes;
    daemon->queries.peers.seed = daemon->secret;
    return rt_door_open(daemon, RT_DOOR_QUERY, &daemon->queries.socket, &daemon->queries.guard,
                        ZMQ_ROUTER, daemon->config.listen_query, error, error_size);
}

void rt_query_start(struct rt_daemon *daemon)
{
    struct rt_zsocket_user user = {.take = on_query, .context = daemon};

    if (daemon->queries.socket.socket != NULL) {
        RT_ASSERT(rt_guard_attach(&daemon->queries.guard, daemon->base));
        RT_ASSERT(rt_zsocket_attach(&daemon->queries.socket, daemon->base, user));
        rt_zsocket_read(&daemon->queries.socket, true);
    }
}

void rt_query_close(struct rt_daemon *daemon)
{
    while (daemon->queries.oldest != NULL) {
        ask_free(daemon, daemon->queries.oldest);
    }
    rt_guard_close(&daemon->queries.guard);
    rt_zsocket_close(&daemon->queries.socket);
    rt_buffer_free(&daemon->queries.reply);
}

void rt_query_free(struct rt_daemon *daemon)
{
    rt_peers_free(&daemon->queries.peers);
}

/* See ingest.h.
 *
 * Failure modes: a payload refused whole (answered at once; from the firehose: a dead letter), a
 * window without room (`busy`; the firehose waits with one message in hand), a worker without disk
 * space (`busy`; frames of the firehose are held and tried again), no answer in limits.answer_ms
 * (`busy`, the late one is counted), a peer that is gone (counted). */
#include "daemon/ingest.h"

#include "daemon/bounds.h"
#include "daemon/clock.h"
#include "daemon/daemon.h"
#include "daemon/door.h"
#include "daemon/log.h"
#include "daemon/worker_link.h"
#include "protocol/assert.h"

enum { HELD_PAUSE_MS = 500, BURY_OVERHEAD = RT_LINK_HEADER + 1 + 4 + RT_FAULT_TEXT + 4 };

/* ---- answers --------------------------------------------------------------------------------- */

/* Sends out->reply to whoever asked. */
static void send_reply(struct rt_daemon *daemon, struct rt_pending *pending)
{
    struct rt_ingest *ingest = &daemon->ingest;

    pending->answered = true;
    if (pending->retry != 0) {
        rt_query_retried(daemon, pending->retry, rt_buffer_span(&ingest->reply));
    } else if (ingest->reply.failed ||
               !rt_zsocket_send(&ingest->events, &pending->envelope, rt_buffer_span(&ingest->reply),
                                &ingest->peers, pending->peer)) {
        daemon->metrics.dropped[RT_DROPPED_REPLY]++;
    }
}

static void refuse(struct rt_daemon *daemon, struct rt_pending *pending, enum rt_error code,
                   const char *text)
{
    rt_buffer_clear(&daemon->ingest.reply);
    rt_push_refusal(&daemon->ingest.reply, code, text);
    daemon->metrics.refused[code]++;
    send_reply(daemon, pending);
}

static void forget(struct rt_daemon *daemon, struct rt_pending *pending)
{
    rt_peers_leave(&daemon->ingest.peers, pending->peer, pending->held);
    rt_pending_free(&daemon->ingest.pendings, pending);
}

/* Its last frame is answered. */
static void finish(struct rt_daemon *daemon, struct rt_pending *pending, int64_t now_ns)
{
    if (pending->answered) {
        daemon->metrics.dropped[RT_DROPPED_LATE]++;
    } else {
        rt_buffer_clear(&daemon->ingest.reply);
        rt_pending_reply(pending, &daemon->ingest.reply);
        if (pending->refused != RT_OK) {
            daemon->metrics.refused[pending->refused]++;
        }
        rt_histogram_add(&daemon->metrics.push_to_ack,
                         (double)(now_ns - pending->received_ns) / 1e9);
        send_reply(daemon, pending);
    }
    forget(daemon, pending);
}

/* ---- hand-over to workers -------------------------------------------------------------------- */

static struct rt_worker *bury_target(struct rt_daemon *daemon)
{
    return &daemon->workers[rt_route_partition(&daemon->ingest.route, 0)];
}

static size_t bury_size(struct rt_span letter)
{
    return BURY_OVERHEAD + (letter.size < RT_DEAD_BYTES ? letter.size : RT_DEAD_BYTES);
}

/* Adds a BURY frame; the window may be overfull by it. False without memory. */
static bool bury(struct rt_daemon *daemon, enum rt_error code, const char *reason,
                 struct rt_span letter, struct rt_pending *pending)
{
    struct rt_worker *worker = bury_target(daemon);
    struct rt_buffer frame = {0};
    struct rt_frame *added = NULL;
    size_t mark = rt_link_begin(&frame, RT_LINK_BURY, 0, worker->window.end);
    uint64_t tag;

    if (letter.size > RT_DEAD_BYTES) {
        letter.size = RT_DEAD_BYTES;
    }
    rt_link_bury_encode(&frame, code, rt_span_text(reason), letter);
    rt_link_end(&frame, mark);
    if (!frame.failed) {
        added = rt_window_add(&worker->window, frame.size, &tag);
    }
    if (added != NULL) {
        memcpy(added->bytes, frame.data, frame.size);
        added->pending = pending;
        if (pending != NULL) {
            pending->waiting++;
        }
    }
    rt_buffer_free(&frame);
    return added != NULL;
}

/* Bytes of a worker's window that are there for a frame of `size` bytes; peer NULL: the firehose, whose
 * senders cannot be told apart. */
static size_t window_share(const struct rt_daemon *daemon, const struct rt_peer *peer, size_t size)
{
    return rt_peer_share(peer, size, (size_t)daemon->config.workers_window_bytes);
}

static bool has_room_for_letters(struct rt_daemon *daemon, size_t size)
{
    return rt_window_fits(&bury_target(daemon)->window, size, window_share(daemon, NULL, size));
}

/* Can every target take its frame, and (for the firehose) the dead letters? Reserves the memory. */
static bool has_room(struct rt_daemon *daemon, const struct rt_route *route, bool firehose,
                     const struct rt_peer *peer)
{
    size_t dead = 0;

    for (uint32_t i = 0; firehose && i < route->faulty_count; i++) {
        dead += bury_size(route->faulty[i].event);
    }
    if (dead > 0 && !has_room_for_letters(daemon, dead)) {
        return false;
    }
    for (uint32_t i = 0; i < route->workers; i++) {
        struct rt_worker *worker = &daemon->workers[i];
        size_t size = rt_route_frame_size(route, i);

        if ((route->targets >> i & 1) == 0) {
            continue;
        }
        if ((worker->failed && !firehose) ||
            !rt_window_fits(&worker->window, size, window_share(daemon, peer, size)) ||
            !rt_window_reserve(&worker->window, size, 1)) {
            return false;
        }
    }
    return true;
}

/* Builds the frames of all targets; has_room was true. */
static void hand_over(struct rt_daemon *daemon, uint8_t flags, struct rt_pending *pending)
{
    const struct rt_route *route = &daemon->ingest.route;
    uint64_t tags[RT_WORKERS_MAX];
    uint8_t *bytes[RT_WORKERS_MAX];

    for (uint32_t i = 0; i < route->workers; i++) {
        struct rt_frame *frame;

        if ((route->targets >> i & 1) == 0) {
            continue;
        }
        frame = rt_window_add(&daemon->workers[i].window, rt_route_frame_size(route, i), &tags[i]);
        RT_ASSERT(frame != NULL);
        bytes[i] = frame->bytes;
        frame->pending = pending;
        if (pending != NULL) {
            pending->waiting++;
        }
    }
    rt_route_frames(route, flags, tags, bytes);
}

static void explain(struct rt_daemon *daemon, const struct rt_key *key, struct rt_span event,
                    struct rt_fault *fault)
{
    struct rt_event decoded;

    if (event.size <= daemon->ingest.route.event_bytes &&
        rt_route_allowed(key, event, fault) != RT_OK) {
        return;
    }
    if (rt_event_decode(event, rt_daemon_time(daemon), (size_t)daemon->config.limits_event_bytes,
                        &decoded, fault) == RT_OK) {
        rt_fault_set(fault, RT_BAD_FIELD, "account: is not readable");
    }
}

static void reject_faulty(struct rt_daemon *daemon, const struct rt_key *key,
                          struct rt_pending *pending)
{
    const struct rt_route *route = &daemon->ingest.route;

    for (uint32_t i = 0; i < route->faulty_count; i++) {
        struct rt_fault fault;

        explain(daemon, key, route->faulty[i].event, &fault);
        rt_pending_reject(pending, route->faulty[i].index, fault.code, rt_span_text(fault.text));
        daemon->metrics.rejected[fault.code]++;
    }
}

static void bury_faulty(struct rt_daemon *daemon, const struct rt_key *key)
{
    const struct rt_route *route = &daemon->ingest.route;

    for (uint32_t i = 0; i < route->faulty_count; i++) {
        struct rt_fault fault;

        explain(daemon, key, route->faulty[i].event, &fault);
        if (!bury(daemon, fault.code, fault.text, route->faulty[i].event, NULL)) {
            rt_log(RT_LOG_ERROR, "a faulty event of the firehose lost: no memory for its letter");
            daemon->metrics.dropped[RT_DROPPED_FIREHOSE]++;
        }
    }
}

static void flush_workers(void *context)
{
    struct rt_daemon *daemon = context;

    for (uint32_t i = 0; i < daemon->worker_count; i++) {
        rt_worker_link_flush(&daemon->workers[i]);
    }
    rt_ingest_resume(daemon);
}

/* ---- pushes ---------------------------------------------------------------------------------- */

/* What a push costs us until it is answered. */
static size_t cost_of(const struct rt_route *route, const struct rt_pending *pending)
{
    size_t bytes = sizeof *pending + pending->envelope.bytes;

    for (uint32_t i = 0; i < route->workers; i++) {
        bytes += (route->targets >> i & 1) == 0 ? 0 : rt_route_frame_size(route, i);
    }
    return bytes;
}

/* Accounts for the push; false if its sender has too much in flight for it. */
static bool admit(struct rt_daemon *daemon, struct rt_pending *pending)
{
    struct rt_ingest *ingest = &daemon->ingest;
    size_t cost = cost_of(&ingest->route, pending);

    if (pending->peer == NULL) {
        return true;
    }
    if (!rt_peers_admit(&ingest->peers, pending->peer, cost,
                        (size_t)daemon->config.limits_total_bytes)) {
        return false;
    }
    rt_peers_hold(&ingest->peers, pending->peer, cost);
    pending->held = cost;
    return true;
}

/* Answers at once or leaves frames to wait for. */
static void push(struct rt_daemon *daemon, const struct rt_key *key, struct rt_span payload,
                 struct rt_pending *pending)
{
    struct rt_route *route = &daemon->ingest.route;
    struct rt_batch batch;
    struct rt_fault fault = {0};
    enum rt_error code =
        rt_batch_open(payload, (size_t)daemon->config.limits_message_bytes, &batch, &fault);

    if (code != RT_OK) {
        refuse(daemon, pending, code, fault.text);
        return;
    }
    rt_route_batch(route, batch, key);
    if (!has_room(daemon, route, false, pending->peer) || !admit(daemon, pending)) {
        refuse(daemon, pending, RT_BUSY, "a partition has no room: send all of it again");
        return;
    }
    reject_faulty(daemon, key, pending);
    hand_over(daemon, batch.quiet ? RT_LINK_QUIET : 0, pending);
}

static void push_and_answer(struct rt_daemon *daemon, const struct rt_key *key,
                            struct rt_span payload, struct rt_pending *pending)
{
    if (!rt_key_may_push(key)) {
        refuse(daemon, pending, RT_DENIED,
               "this key may not send events, or its peer has a routing id of its own");
    } else if (daemon->phase == RT_PHASE_STOPPING) {
        refuse(daemon, pending, RT_STOPPING, "the daemon is stopping: send all of it again");
    } else {
        push(daemon, key, payload, pending);
    }
    if (pending->answered) {
        forget(daemon, pending);
    } else if (pending->waiting == 0) {
        finish(daemon, pending, rt_now_ns());
    }
}

/* Takes over the envelope. NULL without memory. */
static struct rt_pending *begin(struct rt_daemon *daemon, const struct rt_envelope *envelope)
{
    struct rt_ingest *ingest = &daemon->ingest;
    struct rt_pending *pending = rt_pending_new(&ingest->pendings, ingest->events.now_ns);

    if (pending == NULL) {
        return NULL;
    }
    pending->peer = rt_peers_enter(&ingest->peers, rt_envelope_frame(envelope, 0));
    if (pending->peer == NULL) {
        rt_pending_free(&ingest->pendings, pending);
        return NULL;
    }
    pending->envelope = *envelope;
    return pending;
}

/* Takes one message of the ROUTER. */
static bool on_push(void *context)
{
    struct rt_daemon *daemon = context;
    struct rt_envelope envelope = {0};
    struct rt_pending *pending;
    zmq_msg_t message;
    enum rt_zsocket_result result = rt_zsocket_receive(&daemon->ingest.events, &envelope, &message);

    if (result != RT_RECEIVED) {
        daemon->metrics.dropped[RT_DROPPED_ENVELOPE] += result == RT_DROPPED;
        return result == RT_DROPPED;
    }
    daemon->metrics.payloads++;
    daemon->metrics.received_bytes += zmq_msg_size(&message);
    pending = begin(daemon, &envelope);
    if (pending == NULL) {
        rt_envelope_clear(&envelope);
        daemon->metrics.dropped[RT_DROPPED_REPLY]++;
    } else {
        push_and_answer(daemon, rt_door_asker(daemon, &envelope, &message),
                        rt_span(zmq_msg_data(&message), zmq_msg_size(&message)), pending);
    }
    zmq_msg_close(&message);
    return true;
}

void rt_ingest_retry(struct rt_daemon *daemon, struct rt_span payload, uint64_t retry)
{
    struct rt_pending *pending = rt_pending_new(&daemon->ingest.pendings, rt_now_ns());

    if (pending == NULL) {
        struct rt_buffer refusal = {0};

        rt_push_refusal(&refusal, RT_BUSY, "out of memory");
        rt_query_retried(daemon, retry, rt_buffer_span(&refusal));
        rt_buffer_free(&refusal);
        return;
    }
    pending->retry = retry;
    push_and_answer(daemon, &rt_key_anyone, payload, pending); /* an operator wants it */
    flush_workers(daemon);
}

/* ---- firehose -------------------------------------------------------------------------------- */

static enum rt_error open_payload(struct rt_daemon *daemon, const struct rt_key *key,
                                  struct rt_span payload, struct rt_batch *batch,
                                  struct rt_fault *fault)
{
    if (!rt_key_may_push(key)) {
        return rt_fault_set(fault, RT_DENIED, "this key may not send events");
    }
    return rt_batch_open(payload, (size_t)daemon->config.limits_message_bytes, batch, fault);
}

/* False: no room, nothing was taken. The key may be another, or none, when it is tried again. */
static bool take_in(struct rt_daemon *daemon, zmq_msg_t *message)
{
    struct rt_span payload = rt_span(zmq_msg_data(message), zmq_msg_size(message));
    const struct rt_key *key = rt_door_peer(daemon, message);
    struct rt_route *route = &daemon->ingest.route;
    struct rt_batch batch;
    struct rt_fault fault = {0};
    enum rt_error code = open_payload(daemon, key, payload, &batch, &fault);

    if (code != RT_OK) {
        if (!has_room_for_letters(daemon, bury_size(payload))) {
            return false;
        }
        daemon->metrics.refused[code]++;
        return bury(daemon, code, fault.text, payload, NULL);
    }
    rt_route_batch(route, batch, key);
    if (!has_room(daemon, route, true, NULL)) {
        return false;
    }
    hand_over(daemon, (uint8_t)(RT_LINK_FIREHOSE | (batch.quiet ? RT_LINK_QUIET : 0)), NULL);
    bury_faulty(daemon, key);
    return true;
}

/* Takes one message of the PULL socket. */
static bool on_firehose(void *context)
{
    struct rt_daemon *daemon = context;
    struct rt_ingest *ingest = &daemon->ingest;
    struct rt_envelope envelope = {.count =
                                       1}; /* as if the peer had an identity, and it were empty */
    enum rt_zsocket_result result;

    RT_ASSERT(!ingest->is_parked);
    result = rt_zsocket_receive(&ingest->firehose, &envelope, &ingest->parked);
    rt_envelope_clear(&envelope);
    if (result != RT_RECEIVED) {
        daemon->metrics.dropped[RT_DROPPED_ENVELOPE] += result == RT_DROPPED;
        return result == RT_DROPPED;
    }
    daemon->metrics.firehose_payloads++;
    daemon->metrics.received_bytes += zmq_msg_size(&ingest->parked);
    if (take_in(daemon, &ingest->parked)) {
        zmq_msg_close(&ingest->parked);
    } else {
        ingest->is_parked = true;
        rt_zsocket_read(&ingest->firehose, false);
    }
    return true;
}

static void go_on_with_parked(struct rt_daemon *daemon)
{
    struct rt_ingest *ingest = &daemon->ingest;

    if (ingest->is_parked && take_in(daemon, &ingest->parked)) {
        zmq_msg_close(&ingest->parked);
        ingest->is_parked = false;
        for (uint32_t i = 0; i < daemon->worker_count; i++) {
            rt_worker_link_flush(&daemon->workers[i]);
        }
    }
}

void rt_ingest_resume(struct rt_daemon *daemon)
{
    struct rt_ingest *ingest = &daemon->ingest;

    if (daemon->phase == RT_PHASE_RECOVERING) {
        return;
    }
    go_on_with_parked(daemon);
    ingest->throttled =
        rt_daemon_unanswered_bytes(daemon) >= (size_t)daemon->config.limits_total_bytes;
    rt_zsocket_read(&ingest->events, !ingest->throttled || daemon->phase == RT_PHASE_STOPPING);
    rt_zsocket_read(&ingest->firehose,
                    !ingest->throttled && !ingest->is_parked && daemon->phase == RT_PHASE_SERVING);
}

/* ---- answers of workers ---------------------------------------------------------------------- */

/* A frame nobody waits for that the worker has no space for: kept and tried again, unless we are
 * leaving. */
static void hold(struct rt_worker *worker, uint64_t tag)
{
    if (worker->daemon->phase == RT_PHASE_STOPPING || !rt_window_hold(&worker->window, tag)) {
        rt_log(RT_LOG_ERROR, "worker=%u frame lost: the worker has no space for it", worker->index);
        worker->daemon->metrics.dropped[RT_DROPPED_FIREHOSE]++;
        rt_window_done(&worker->window, tag);
        return;
    }
    if (worker->refill_at == 0) {
        worker->refill_at = rt_now_ms() + HELD_PAUSE_MS;
    }
}

static void count_done(struct rt_metrics *metrics, const struct rt_link_done *done,
                       struct rt_reader rejections)
{
    struct rt_link_rejection rejection;

    metrics->accepted += done->accepted;
    metrics->duplicate += done->duplicate;
    metrics->dead += done->dead;
    while (done->rejected > 0 && rt_link_next_rejection(&rejections, &rejection)) {
        metrics->rejected[rejection.code]++;
    }
}

bool rt_ingest_done(struct rt_worker *worker, uint64_t tag, struct rt_span body)
{
    struct rt_daemon *daemon = worker->daemon;
    struct rt_frame *frame = rt_window_find(&worker->window, tag);
    struct rt_reader reader = rt_reader(body);
    struct rt_pending *pending;
    struct rt_link_done done;

    if (frame == NULL || !frame->sent || !rt_link_done_decode(&reader, &done)) {
        return false;
    }
    pending = frame->pending;
    if (pending == NULL && done.error != RT_OK) {
        hold(worker, tag);
        return true;
    }
    if (pending != NULL && !rt_pending_done(pending, &done, reader)) {
        return false;
    }
    count_done(&daemon->metrics, &done, reader);
    rt_window_done(&worker->window, tag);
    if (pending != NULL && pending->waiting == 0) {
        finish(daemon, pending, worker->link.read_ns);
    }
    return true;
}

void rt_ingest_bury_poison(struct rt_worker *worker)
{
    struct rt_daemon *daemon = worker->daemon;
    static const char reason[] = "poison: the worker crashed three times on it";
    uint64_t tag;

    while (rt_window_poison(&worker->window, &tag)) {
        struct rt_frame frame = *rt_window_find(&worker->window, tag);
        struct rt_reader body =
            rt_reader(rt_span(frame.bytes + RT_LINK_HEADER, frame.size - RT_LINK_HEADER));
        struct rt_span event;
        uint32_t index;

        RT_ASSERT(rt_link_next_event(&body, &index, &event));
        if (!bury(daemon, RT_POISON, reason, event, frame.pending)) {
            return; /* without memory: tried again with the next write */
        }
        rt_log(RT_LOG_ERROR, "worker=%u poison: an event of %zu bytes goes to the dead letters",
               worker->index, event.size);
        daemon->metrics.rejected[RT_POISON]++;
        rt_restart_cured(&worker->restart);
        if (frame.pending != NULL) {
            rt_pending_reject(frame.pending, index, RT_POISON, rt_span_text(reason));
            frame.pending->waiting--; /* the BURY waits in its place */
        }
        rt_window_done(&worker->window, tag);
        if (bury_target(daemon) != worker) {
            rt_worker_link_flush(bury_target(daemon));
        }
    }
}

/* ---- time ------------------------------------------------------------------------------------ */

static void release_held(struct rt_worker *worker, int64_t now)
{
    if (worker->refill_at != 0 && now >= worker->refill_at) {
        worker->refill_at = 0;
        rt_window_release(&worker->window);
        rt_worker_link_flush(worker);
    }
}

void rt_ingest_expire(struct rt_daemon *daemon)
{
    int64_t limit = rt_now_ns() - daemon->config.limits_answer_ms * 1000000;

    for (uint32_t i = 0; i < daemon->worker_count; i++) {
        release_held(&daemon->workers[i], rt_now_ms());
    }
    for (struct rt_pending *pending = daemon->ingest.pendings.oldest;
         pending != NULL && pending->received_ns <= limit; pending = pending->next) {
        if (!pending->answered) {
            refuse(daemon, pending, RT_BUSY, "not committed in time: send all of it again");
        }
    }
}

void rt_ingest_abandon(struct rt_worker *worker)
{
    struct rt_window *window = &worker->window;
    size_t lost = 0;

    rt_window_release(window);
    for (uint64_t tag = window->first; tag != window->end; tag++) {
        struct rt_frame *frame = rt_window_find(window, tag);

        if (frame == NULL) {
            continue;
        }
        if (frame->pending == NULL) {
            lost++;
        } else {
            frame->pending->refused = RT_STOPPING;
            if (--frame->pending->waiting == 0) {
                finish(worker->daemon, frame->pending, rt_now_ns());
            }
        }
        rt_window_done(window, tag);
    }
    if (lost > 0) {
        rt_log(RT_LOG_ERROR, "worker=%u stopped: %zu unacknowledged payloads of the firehose lost",
               worker->index, lost);
        worker->daemon->metrics.dropped[RT_DROPPED_FIREHOSE] += lost;
    }
}

/* ---- start and stop -------------------------------------------------------------------------- */

bool rt_ingest_open(struct rt_daemon *daemon, char *error, size_t error_size)
{
    struct rt_ingest *ingest = &daemon->ingest;

    ingest->route.partitions = daemon->state.partitions;
    ingest->route.workers = daemon->worker_count;
    ingest->route.event_bytes = (size_t)daemon->config.limits_event_bytes;
    ingest->peers.unread_limit = (size_t)daemon->config.limits_unread_bytes;
    ingest->peers.seed = daemon->secret;
    return rt_door_open(daemon, RT_DOOR_EVENTS, &ingest->events, &ingest->events_guard, ZMQ_ROUTER,
                        daemon->config.listen_events, error, error_size) &&
           rt_door_open(daemon, RT_DOOR_FIREHOSE, &ingest->firehose, &ingest->firehose_guard,
                        ZMQ_PULL, daemon->config.listen_firehose, error, error_size);
}

static void start_one(struct rt_daemon *daemon, struct rt_zsocket *socket, struct rt_guard *guard,
                      bool (*take)(void *))
{
    struct rt_zsocket_user user = {.take = take, .after = flush_workers, .context = daemon};

    if (socket->socket != NULL) {
        RT_ASSERT(rt_guard_attach(guard, daemon->base));
        RT_ASSERT(rt_zsocket_attach(socket, daemon->base, user));
        rt_zsocket_read(socket, true);
    }
}

void rt_ingest_start(struct rt_daemon *daemon)
{
    start_one(daemon, &daemon->ingest.events, &daemon->ingest.events_guard, on_push);
    start_one(daemon, &daemon->ingest.firehose, &daemon->ingest.firehose_guard, on_firehose);
}

void rt_ingest_stop(struct rt_daemon *daemon)
{
    rt_zsocket_read(&daemon->ingest.firehose, false);
    rt_ingest_resume(daemon);
}

void rt_ingest_close(struct rt_daemon *daemon)
{
    struct rt_ingest *ingest = &daemon->ingest;

    rt_guard_close(&ingest->events_guard);
    rt_guard_close(&ingest->firehose_guard);
    rt_zsocket_close(&ingest->events);
    rt_zsocket_close(&ingest->firehose);
    if (ingest->is_parked) {
        zmq_msg_close(&ingest->parked);
    }
    rt_pendings_free(&ingest->pendings);
    rt_buffer_free(&ingest->reply);
}

void rt_ingest_free(struct rt_daemon *daemon)
{
    rt_peers_free(&daemon->ingest.peers);
}

/* Queries on their way through the worker: answered at once, or as a scan between batches. */
#include <stdio.h>

#include "workers/answer.h"
#include "workers/erase.h"
#include "workers/hold.h"
#include "workers/worker.h"

/* Room in the journal for the largest command an operator can give. */
enum { COMMAND_ROOM = 8 << 10 };

static void erase_account(struct rt_worker *worker, const struct rt_query *query,
                          struct rt_account *account, struct rt_buffer *out)
{
    struct rt_core *core = &worker->core;
    struct rt_shard *shard = rt_core_shard(core, query->account);
    char error[RT_JOURNAL_ERROR] = "";
    uint64_t events = 0;

    for (int type = 0; type < RT_EVENT_TYPES; type++)
        events += rt_account_events(account, (enum rt_event_type)type);
    rt_worker_flush(worker);
    rt_keep_wait(worker);
    rt_buffer_clear(&core->scratch);
    rt_erase_encode(&core->scratch, query->account, worker->secret);
    if (!rt_room_for(worker, COMMAND_ROOM, 1) ||
        rt_journal_append(worker->journal, RT_RECORD_ERASE, 0, shard->partition, 0,
                          rt_buffer_span(&core->scratch)) == 0) {
        rt_query_error(out, RT_BUSY, "no space for the intent: free some and ask again");
        return;
    }
    rt_worker_flush(worker);
    rt_keep_wait(worker); /* a snapshot that was taken with the intent still holds the account */
    if (!rt_forget(worker) || !rt_erase_scrub(core, worker->journal, shard, account, error))
        rt_worker_die(worker, "erase", error);
    if (!rt_erase_curve(core, shard, query->account, worker->state_dir, error))
        rt_worker_die(worker, "erase", error);
    rt_core_forget(core, shard, account);
    for (struct rt_scan *scan = worker->scans; scan != NULL; scan = scan->next)
        rt_scan_restart(scan, &worker->core);
    if (!rt_erase_snapshot(core, worker->journal, shard, worker->state_dir, rt_worker_now(worker),
                           error) ||
        !rt_forget(worker)) /* alerts that waited for a snapshot */
        rt_worker_die(worker, "erase", error);
    rt_write_map(out, 2);
    rt_write_key_bool(out, "ok", true);
    rt_write_key_int(out, "events", (int64_t)events);
}

/* The account is another worker's; letters that nobody could read may name it here. */
static void erase_letters(struct rt_worker *worker, const struct rt_query *query,
                          struct rt_buffer *out)
{
    char error[RT_JOURNAL_ERROR] = "";

    rt_worker_flush(worker);
    if (!rt_forget(worker) ||
        !rt_erase_letters(&worker->core, worker->journal, query->account, error))
        rt_worker_die(worker, "erase", error);
    rt_write_map(out, 2);
    rt_write_key_bool(out, "ok", true);
    rt_write_key_int(out, "events", 0);
}

/* A backup that met a half-erased account would keep it. */
static void answer_erase(struct rt_worker *worker, const struct rt_query *query,
                         struct rt_buffer *out)
{
    bool own = rt_core_shard(&worker->core, query->account) != NULL;
    struct rt_account *account = own ? rt_core_find(&worker->core, query->account) : NULL;
    char error[RT_JOURNAL_ERROR];
    int hold;

    if (own && account == NULL) {
        rt_query_error(out, RT_NOT_FOUND, "no such account");
        return;
    }
    hold = rt_hold_shared(worker->state_dir);
    if (hold >= 0 && worker->core.index == 0 && !rt_journal_cut_others(worker->journal, error))
        rt_worker_die(worker, "erase", error);
    if (hold < 0)
        rt_query_error(out, RT_BUSY, "a backup is being taken: ask again when it is over");
    else if (own)
        erase_account(worker, query, account, out);
    else
        erase_letters(worker, query, out);
    rt_hold_release(hold);
}

/* Behind the command a snapshot, before anything may be trimmed: a replay of it would need every event
 * of the account. A backup copies files that must not change meanwhile. */
static void answer_void(struct rt_worker *worker, const struct rt_query *query,
                        struct rt_buffer *out)
{
    struct rt_core *core = &worker->core;
    struct rt_shard *shard = rt_core_shard(core, query->account);
    int64_t now = rt_worker_now(worker);
    char error[RT_JOURNAL_ERROR] = "";
    int hold = rt_hold_shared(worker->state_dir);

    if (hold < 0) {
        rt_query_error(out, RT_BUSY, "a backup is being taken: ask again when it is over");
        return;
    }
    if (rt_answer_void(core, query, now, out)) {
        rt_worker_flush(worker);
        rt_keep_wait(worker);
        if (!rt_erase_snapshot(core, worker->journal, shard, worker->state_dir, now, error))
            rt_worker_die(worker, "void", error);
    }
    rt_hold_release(hold);
}

static void answer(struct rt_worker *worker, const struct rt_query *query, struct rt_buffer *out)
{
    struct rt_core *core = &worker->core;
    int64_t now = rt_worker_now(worker);

    switch (query->op) {
    case RT_ACCOUNT_GET:
        rt_answer_account(core, query, now, out);
        break;
    case RT_ACCOUNT_TIMELINE:
        rt_answer_timeline(core, query, out);
        break;
    case RT_ACCOUNT_ERASE:
        answer_erase(worker, query, out);
        break;
    case RT_EVENT_VOID:
        answer_void(worker, query, out);
        break;
    case RT_ACCOUNT_OVERRIDE:
    case RT_ACCOUNT_OVERRIDE_END:
        rt_answer_override(core, query, now, out);
        break;
    case RT_ALERT_ACK:
    case RT_ALERT_SNOOZE:
        rt_answer_hold(core, query, now, out);
        break;
    case RT_DEAD_LIST:
        rt_answer_dead_list(core, query, out);
        break;
    case RT_DEAD_GET:
        rt_answer_dead_get(core, query, out);
        break;
    case RT_DEAD_DROP:
        rt_answer_dead_drop(core, query, now, out);
        break;
    case RT_STATS:
        rt_answer_stats(core, out);
        break;
    default:
        rt_query_error(out, RT_UNKNOWN_OP, "not for a worker");
    }
}

static void send_answer(struct rt_worker *worker, uint64_t tag, struct rt_buffer *reply)
{
    if (reply->failed) {
        rt_buffer_free(reply);
        rt_query_error(reply, RT_BUSY, "out of memory");
    }
    if (reply->size > RT_LINK_BODY_MAX) {
        rt_buffer_clear(reply);
        rt_query_error(reply, RT_TOO_LARGE, "the answer is: ask with a smaller limit");
    }
    rt_link_frame(rt_worker_answers(worker), RT_LINK_ANSWER, 0, tag, rt_buffer_span(reply));
    rt_buffer_free(reply);
}

static void start_scan(struct rt_worker *worker, uint64_t tag, struct rt_span payload,
                       struct rt_span owners, int64_t asked)
{
    struct rt_fault fault;
    struct rt_scan *scan = rt_scan_new(&worker->core, payload, owners, tag, asked, &fault);
    struct rt_scan **last = &worker->scans;
    struct rt_buffer reply = {0};

    if (scan == NULL) {
        rt_query_error(&reply, fault.code, fault.text);
        send_answer(worker, tag, &reply);
        return;
    }
    while (*last != NULL)
        last = &(*last)->next;
    *last = scan;
}

static bool needs_room(const struct rt_query *query)
{
    return query->op == RT_ALERT_ACK || query->op == RT_ALERT_SNOOZE || query->op == RT_DEAD_DROP ||
           query->op == RT_EVENT_VOID || query->op == RT_ACCOUNT_OVERRIDE ||
           query->op == RT_ACCOUNT_OVERRIDE_END;
}

void rt_ask(struct rt_worker *worker, const struct rt_link_header *header, struct rt_span body)
{
    struct rt_buffer reply = {0};
    struct rt_span owners, request;
    struct rt_query query;
    struct rt_fault fault;
    int64_t asked;

    if (!rt_link_query_decode(body, &asked, &owners, &request)) {
        worker->wire.ended = true;
        return;
    }
    if (rt_query_decode_internal(request, &query, &fault) != RT_OK) {
        rt_query_error(&reply, fault.code, fault.text);
        send_answer(worker, header->tag, &reply);
        return;
    }
    query.owners = owners;
    if (rt_scan_wanted(&query)) {
        start_scan(worker, header->tag, request, owners, asked);
        return;
    }
    if (needs_room(&query) && !rt_room_for(worker, COMMAND_ROOM, 1)) {
        rt_query_error(&reply, RT_BUSY, "the disk is full: free some space and ask again");
    } else {
        answer(worker, &query, &reply);
    }
    send_answer(worker, header->tag, &reply);
}

/* A piece of the oldest scan: a bounded piece of work between two batches. */
void rt_scan_on(struct rt_worker *worker)
{
    struct rt_scan *scan = worker->scans;
    struct rt_buffer reply = {0};

    if (scan == NULL || !rt_scan_step(scan, &worker->core))
        return;
    worker->scans = scan->next;
    rt_scan_answer(scan, &worker->core, &reply);
    send_answer(worker, scan->tag, &reply);
    rt_scan_free(scan);
}

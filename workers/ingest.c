/* Events: decode -> duplicate? -> core (journal, account) -> DONE.
 *
 * Failure modes: no space for the frame: nothing of it is taken, DONE says busy. A bad event: a
 * rejection, or from the firehose a dead letter. Memory that runs out in the middle ends the
 * worker, which comes back from disk. */
#include <stdio.h>

#include "protocol/assert.h"
#include "protocol/partition.h"
#include "workers/duplicate.h"
#include "workers/record.h"
#include "workers/worker.h"

enum { CHUNK = 16, LETTER_ROOM = 64 };

/* A chunk of events on its way: decoded together, so that the memory each needs is on its way, too.
 */
struct item {
    uint32_t index;
    struct rt_event event;
    struct rt_fault fault;
    uint64_t identity;
    struct rt_place place;
};

struct intake {
    struct rt_worker *worker;
    struct rt_link_done done;
    int64_t now;
    bool quiet, firehose;
};

static bool is_duplicate(struct rt_worker *worker, const struct item *item)
{
    rt_position damaged;
    bool duplicate = rt_is_duplicate(&worker->core, worker->journal, worker->dedupe, &item->event,
                                     item->identity, &damaged);

    if (damaged != 0)
        rt_worker_log(
            worker, "warning",
            "damaged file=journal/%04x-%06x.seg offset=%llu what=\"the record of an event "
            "that was sent again\"",
            rt_position_log(damaged), rt_position_segment(damaged),
            (unsigned long long)rt_position_offset(damaged));
    return duplicate;
}

static uint32_t partition_of(const struct rt_worker *worker, struct rt_span event)
{
    struct rt_span account;
    uint32_t partition;

    if (!rt_event_account(event, &account))
        return worker->core.index;
    partition = rt_partition(account, worker->core.partitions);
    return worker->core.shards[partition] != NULL ? partition : worker->core.index;
}

/* False if the journal has no room. */
static bool bury(struct rt_worker *worker, uint32_t partition, enum rt_error code,
                 struct rt_span reason, struct rt_span bytes, int64_t now)
{
    struct rt_shard *shard = worker->core.shards[partition];
    struct rt_dead_letter letter = {
        .sequence = shard->dead.next + 1,
        .ts = now,
        .bytes = bytes.size,
        .code = code,
        .reason = reason,
        .letter = rt_span(bytes.data, bytes.size < RT_DEAD_BYTES ? bytes.size : RT_DEAD_BYTES),
    };
    struct rt_buffer *scratch = &worker->core.scratch;
    rt_position position;

    rt_buffer_clear(scratch);
    rt_dead_encode(scratch, &letter);
    if (scratch->failed || !rt_dead_reserve(&shard->dead))
        return false;
    position = rt_journal_append(worker->journal, RT_RECORD_DEAD, 0, partition, 0,
                                 rt_buffer_span(scratch));
    if (position == 0)
        return false;
    RT_ASSERT(rt_dead_add(&shard->dead, &letter, position));
    rt_keep_dead(worker, shard);
    shard->dirty = true;
    worker->appended += scratch->size;
    return true;
}

static void reject(struct intake *intake, const struct item *item, struct rt_span raw)
{
    struct rt_span text = rt_span_text(item->fault.text);
    struct rt_link_rejection rejection = {
        .index = item->index, .code = item->fault.code, .text = text};

    if (intake->firehose) {
        struct rt_worker *worker = intake->worker;

        RT_ASSERT(
            bury(worker, partition_of(worker, raw), item->fault.code, text, raw, intake->now));
        intake->done.dead++;
        return;
    }
    rt_link_rejection_encode(&intake->worker->rejections, &rejection);
    intake->done.rejected++;
}

static void take(struct intake *intake, const struct item *item)
{
    struct rt_worker *worker = intake->worker;
    rt_position position;

    if (is_duplicate(worker, item)) {
        intake->done.duplicate++;
        return;
    }
    RT_ASSERT(rt_core_event(&worker->core, item->place, &item->event, intake->now, intake->quiet,
                            &position));
    RT_ASSERT(rt_dedupe_add(worker->dedupe, item->identity, position));
    worker->appended += item->event.raw.size;
    intake->done.accepted++;
}

static void prefetch_accounts(const struct item *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (items[i].fault.code == RT_OK)
            rt_table_prefetch_account(&items[i].place.shard->table, items[i].place.hash);
    for (size_t i = 0; i < count; i++)
        if (items[i].fault.code == RT_OK)
            rt_table_prefetch_facts(&items[i].place.shard->table, items[i].place.hash);
}

static void take_chunk(struct intake *intake, struct item *items, struct rt_span *raw, size_t count)
{
    struct rt_worker *worker = intake->worker;

    for (size_t i = 0; i < count; i++) {
        struct item *item = &items[i];

        item->fault.code =
            rt_event_decode(raw[i], intake->now, (size_t)worker->config->limits_event_bytes,
                            &item->event, &item->fault);
        if (item->fault.code == RT_OK &&
            !rt_core_locate(&worker->core, item->event.account, &item->place))
            rt_fault_set(&item->fault, RT_BAD_FIELD, "account: not of this partition");
        if (item->fault.code != RT_OK)
            continue;
        rt_table_prefetch(&item->place.shard->table, item->place.hash);
        item->identity = rt_identity(&item->event);
        rt_dedupe_touch(worker->dedupe, item->identity);
    }
    prefetch_accounts(items, count);
    for (size_t i = 0; i < count; i++) {
        if (items[i].fault.code == RT_OK)
            take(intake, &items[i]);
        else
            reject(intake, &items[i], raw[i]);
    }
}

static uint32_t count_events(struct rt_span body)
{
    struct rt_reader reader = rt_reader(body);
    struct rt_span event;
    uint32_t count = 0, index;

    while (rt_link_next_event(&reader, &index, &event))
        count++;
    return count;
}

static void finish(struct intake *intake, uint64_t tag)
{
    struct rt_worker *worker = intake->worker;
    struct rt_buffer *out = rt_worker_answers(worker);
    size_t mark = rt_link_begin(out, RT_LINK_DONE, 0, tag);

    rt_link_done_encode(out, &intake->done);
    rt_buffer_append(out, worker->rejections.data, worker->rejections.size);
    rt_link_end(out, mark);
    rt_buffer_clear(&worker->rejections);
}

/* Room for the events, and for a dead letter of each. */
static bool has_room(struct rt_worker *worker, struct rt_span body)
{
    uint32_t count = count_events(body);

    return rt_room_for(worker, body.size + (uint64_t)count * RT_FAULT_TEXT, count);
}

void rt_ingest(struct rt_worker *worker, const struct rt_link_header *header, struct rt_span body)
{
    struct intake intake = {.worker = worker,
                            .now = rt_worker_now(worker),
                            .quiet = header->flags & RT_LINK_QUIET,
                            .firehose = header->flags & RT_LINK_FIREHOSE};
    struct rt_reader reader = rt_reader(body);
    struct item items[CHUNK];
    struct rt_span raw[CHUNK];
    size_t count;

    if (!has_room(worker, body)) {
        intake.done.error = RT_BUSY;
        finish(&intake, header->tag);
        return;
    }
    if (intake.quiet)
        worker->last_quiet = intake.now;
    else
        worker->core.received = rt_worker_now(worker);
    do {
        for (count = 0; count < CHUNK; count++)
            if (!rt_link_next_event(&reader, &items[count].index, &raw[count]))
                break;
        take_chunk(&intake, items, raw, count);
    } while (count == CHUNK);
    finish(&intake, header->tag);
}

void rt_bury(struct rt_worker *worker, const struct rt_link_header *header, struct rt_span body)
{
    struct intake intake = {.worker = worker, .now = rt_worker_now(worker)};
    struct rt_span reason, payload;
    enum rt_error code;

    if (!rt_link_bury_decode(body, &code, &reason, &payload)) {
        worker->wire.ended = true;
        return;
    }
    if (rt_room_for(worker, body.size + LETTER_ROOM, 1) &&
        bury(worker, partition_of(worker, payload), code, reason, payload, intake.now))
        intake.done.dead = 1;
    else
        intake.done.error = RT_BUSY;
    finish(&intake, header->tag);
}

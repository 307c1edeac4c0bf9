/* Events: decode -> duplicate? -> core (journal, account) -> DONE.
 *
 * Frames that stand behind one another are taken together until they fill a chunk: a producer that
 * sends one event a message would else wait for memory at each.
 *
 * Failure modes: no space for a frame: nothing of it is taken, its DONE says busy. A bad event: a
 * rejection, or from the firehose a dead letter. Memory that runs out in the middle ends the
 * worker, which comes back from disk. */
#include <stdio.h>

#include "protocol/assert.h"
#include "protocol/partition.h"
#include "workers/duplicate.h"
#include "workers/record.h"
#include "workers/worker.h"

enum { CHUNK = 16, LETTER_ROOM = 64 };

/* One EVENTS frame of a run. */
struct frame {
    uint64_t tag;
    struct rt_reader events; /* not yet decoded */
    uint32_t count;          /* of them */
    uint64_t bytes;          /* that the journal may need */
    struct rt_link_done done;
    size_t
        rejections_end; /* in the worker's scratch; they begin where those of the one before end */
    bool quiet, firehose;
};

/* A chunk of events on its way: decoded together, so that the memory each needs is on its way, too.
 */
struct item {
    struct frame *frame;
    uint32_t index;
    struct rt_span raw;
    struct rt_event event;
    struct rt_fault fault;
    uint64_t identity;
    struct rt_place place;
};

/* Frames taken together: all but the last have fewer than CHUNK events between them. */
struct run {
    struct rt_worker *worker;
    int64_t now;
    struct frame frames[CHUNK];
    size_t frame_count;
    uint64_t
        bytes; /* of the events that have room in the journal, and of what a letter needs more */
    uint32_t events;
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

static void reject(struct run *run, const struct item *item)
{
    struct rt_worker *worker = run->worker;
    struct frame *frame = item->frame;
    struct rt_span text = rt_span_text(item->fault.text);
    struct rt_link_rejection rejection = {
        .index = item->index, .code = item->fault.code, .text = text};

    if (frame->firehose) {
        RT_ASSERT(bury(worker, partition_of(worker, item->raw), item->fault.code, text, item->raw,
                       run->now));
        frame->done.dead++;
        return;
    }
    rt_link_rejection_encode(&worker->rejections, &rejection);
    frame->done.rejected++;
}

static void take(struct run *run, const struct item *item)
{
    struct rt_worker *worker = run->worker;
    struct frame *frame = item->frame;
    rt_position position;

    if (is_duplicate(worker, item)) {
        frame->done.duplicate++;
        return;
    }
    RT_ASSERT(
        rt_core_event(&worker->core, item->place, &item->event, run->now, frame->quiet, &position));
    RT_ASSERT(rt_dedupe_add(worker->dedupe, item->identity, position));
    worker->appended += item->event.raw.size;
    frame->done.accepted++;
}

static void decode(const struct run *run, struct item *item)
{
    struct rt_worker *worker = run->worker;

    item->fault.code =
        rt_event_decode(item->raw, run->now, (size_t)worker->config->limits_event_bytes,
                        &item->event, &item->fault);
    if (item->fault.code == RT_OK &&
        !rt_core_locate(&worker->core, item->event.account, &item->place))
        rt_fault_set(&item->fault, RT_BAD_FIELD, "account: not of this partition");
    if (item->fault.code != RT_OK)
        return;
    rt_table_prefetch(&item->place.shard->table, item->place.hash);
    item->identity = rt_identity(&item->event);
    rt_dedupe_touch(worker->dedupe, item->identity);
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

static void take_chunk(struct run *run, struct item *items, size_t count)
{
    prefetch_accounts(items, count);
    for (size_t i = 0; i < count; i++) {
        if (items[i].fault.code == RT_OK)
            take(run, &items[i]);
        else
            reject(run, &items[i]);
        items[i].frame->rejections_end = run->worker->rejections.size;
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

static void say_done(struct rt_worker *worker, uint64_t tag, const struct rt_link_done *done,
                     struct rt_span rejections)
{
    struct rt_buffer *out = rt_worker_answers(worker);
    size_t mark = rt_link_begin(out, RT_LINK_DONE, 0, tag);

    rt_link_done_encode(out, done);
    rt_buffer_append(out, rejections.data, rejections.size);
    rt_link_end(out, mark);
}

static void say_all_done(struct run *run)
{
    struct rt_buffer *rejections = &run->worker->rejections;
    size_t at = 0;

    for (size_t i = 0; i < run->frame_count; i++) {
        const struct frame *frame = &run->frames[i];
        size_t size = frame->done.rejected > 0 ? frame->rejections_end - at : 0;

        say_done(run->worker, frame->tag, &frame->done,
                 size > 0 ? rt_span(rejections->data + at, size) : (struct rt_span){0});
        at += size;
    }
    rt_buffer_clear(rejections);
}

/* What the journal may need for a frame: its events, or a dead letter of each. */
static uint64_t bytes_of(struct rt_span body, uint32_t count)
{
    return body.size + (uint64_t)count * RT_FAULT_TEXT;
}

static void add_frame(struct run *run, const struct rt_link_header *header, struct rt_span body)
{
    struct frame *frame = &run->frames[run->frame_count++];

    *frame = (struct frame){.tag = header->tag,
                            .events = rt_reader(body),
                            .count = count_events(body),
                            .quiet = header->flags & RT_LINK_QUIET,
                            .firehose = header->flags & RT_LINK_FIREHOSE};
    frame->bytes = bytes_of(body, frame->count);
    run->bytes += frame->bytes;
    run->events += frame->count;
}

/* There is room for all of them, which is nearly always so, or each is told by itself. */
static void find_room(struct run *run)
{
    uint64_t bytes = 0;
    uint32_t events = 0;

    if (rt_journal_reserve(run->worker->journal, run->bytes, run->events))
        return;
    for (size_t i = 0; i < run->frame_count; i++) {
        struct frame *frame = &run->frames[i];

        if (rt_room_for(run->worker, bytes + frame->bytes, events + frame->count)) {
            bytes += frame->bytes;
            events += frame->count;
        } else {
            frame->done.error = RT_BUSY;
            frame->events = rt_reader((struct rt_span){0});
        }
    }
}

static void note_arrival(struct run *run, const struct frame *frame)
{
    if (frame->quiet)
        run->worker->last_quiet = run->now;
    else
        run->worker->core.received = run->now;
}

/* Takes the frames' events in their order, a chunk at a time. */
static void take_events(struct run *run)
{
    struct item items[CHUNK];
    size_t count = 0;

    for (size_t i = 0; i < run->frame_count; i++) {
        struct frame *frame = &run->frames[i];

        if (frame->done.error == RT_OK)
            note_arrival(run, frame);
        while (rt_link_next_event(&frame->events, &items[count].index, &items[count].raw)) {
            items[count].frame = frame;
            decode(run, &items[count]);
            if (++count == CHUNK) {
                take_chunk(run, items, count);
                count = 0;
            }
        }
    }
    take_chunk(run, items, count);
}

void rt_ingest(struct rt_worker *worker, const struct rt_link_header *header, struct rt_span body)
{
    struct run run = {.worker = worker, .now = rt_worker_now(worker)};
    struct rt_link_header next = *header;

    do {
        add_frame(&run, &next, body);
    } while (run.frame_count < CHUNK && run.events < CHUNK &&
             rt_wire_next_of(&worker->wire, RT_LINK_EVENTS, &next, &body));
    find_room(&run);
    take_events(&run);
    say_all_done(&run);
}

void rt_bury(struct rt_worker *worker, const struct rt_link_header *header, struct rt_span body)
{
    struct rt_link_done done = {0};
    struct rt_span reason, payload;
    enum rt_error code;

    if (!rt_link_bury_decode(body, &code, &reason, &payload)) {
        worker->wire.ended = true;
        return;
    }
    if (rt_room_for(worker, body.size + LETTER_ROOM, 1) &&
        bury(worker, partition_of(worker, payload), code, reason, payload, rt_worker_now(worker)))
        done.dead = 1;
    else
        done.error = RT_BUSY;
    say_done(worker, header->tag, &done, (struct rt_span){0});
}

/* Opening, appending, committing, reading, trimming. The happy path of an event: rt_journal_reserve
 * finds room, rt_journal_append encodes the record into the group's memory, rt_journal_commit
 * closes the group and hands it to the writer's thread, rt_journal_poll reports it DONE and moves
 * the end.
 *
 * Invariants while a group is filled:
 * 1. The current segment has room for a COMMIT and an END, so that closing a group never needs a
 * segment.
 * 2. The group has memory for a COMMIT (and a START before it), so that closing it never allocates.
 * 3. A group is one run of positions: it begins where the one before ended. */
#include "workers/journal_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "protocol/assert.h"

enum {
    COMMIT_SPACE = 40,
    START_SPACE = 32,
    END_SPACE = 24,
    TAIL_SPACE = COMMIT_SPACE + END_SPACE,
    GROUP_BYTES_MIN = 64 << 10,
};

/* ---- the group that is being filled ------------------------------------------------------- */

static bool group_room(struct rt_group *group, size_t more)
{
    size_t capacity = group->capacity == 0 ? GROUP_BYTES_MIN : group->capacity;
    uint8_t *bytes;
    struct rt_chunk *chunks;

    if (group->chunk_count + 3 > group->chunk_capacity) {
        chunks = realloc(group->chunks, (group->chunk_count + 8) * sizeof(*chunks));
        if (chunks == NULL) {
            return false;
        }
        group->chunks = chunks;
        group->chunk_capacity = group->chunk_count + 8;
    }
    while (capacity - group->size < more) {
        capacity *= 2;
    }
    if (capacity != group->capacity) {
        bytes = realloc(group->bytes, capacity);
        if (bytes == NULL) {
            return false;
        }
        group->bytes = bytes;
        group->capacity = capacity;
    }
    return true;
}

static struct rt_chunk *current_chunk(struct rt_journal *journal)
{
    struct rt_group *group = &journal->groups[journal->filling];
    const struct rt_current *current = &journal->current;
    struct rt_chunk *last;

    if (group->chunk_count > 0) {
        last = &group->chunks[group->chunk_count - 1];
        if (last->segment == current->header.number) {
            return last;
        }
    }
    last = &group->chunks[group->chunk_count++];
    *last = (struct rt_chunk){
        .fd = current->fd,
        .segment = current->header.number,
        .epoch = current->header.epoch,
        .offset = current->offset,
        .begin = group->size,
        .begins = current->offset == RT_SEGMENT_FIRST,
    };
    return last;
}

/* Space and memory are there. */
static rt_position put(struct rt_journal *journal, const struct rt_record *record)
{
    struct rt_group *group = &journal->groups[journal->filling];
    struct rt_current *current = &journal->current;
    struct rt_chunk *chunk = current_chunk(journal);
    size_t space = rt_record_space(record->body.size);
    rt_position position = rt_position_make(journal->id, current->header.number, current->offset);

    RT_ASSERT(current->offset + space <= current->header.size);
    rt_record_encode(group->bytes + group->size, current->header.epoch, current->offset, record);
    group->size += space;
    chunk->size += space;
    current->offset += space;
    return position;
}

/* The time in it is filled in by rt_journal_commit. */
static void put_start(struct rt_journal *journal)
{
    static const uint8_t body[RT_START_BODY];
    const struct rt_record start = {.type = RT_RECORD_START, .body = rt_span(body, sizeof(body))};

    put(journal, &start);
}

void rt_journal_begin_segment(struct rt_journal *journal, const struct rt_spare *spare)
{
    struct rt_segment *segment = rt_log_add(journal->own, spare->header.number);

    RT_ASSERT(segment != NULL);
    segment->known = true;
    segment->size = spare->header.size;
    segment->epoch = spare->header.epoch;
    journal->current =
        (struct rt_current){.fd = spare->fd, .header = spare->header, .offset = RT_SEGMENT_FIRST};
}

static bool rotate(struct rt_journal *journal)
{
    const struct rt_record end = {.type = RT_RECORD_END};
    struct rt_spare spare;

    if (!rt_log_reserve(journal->own) || !rt_spares_take(journal->spares, &spare)) {
        return false;
    }
    put(journal, &end);
    current_chunk(journal)->ends = true;
    rt_journal_begin_segment(journal, &spare);
    return true;
}

static void begin_group(struct rt_journal *journal)
{
    if (journal->groups[journal->filling].size == 0) {
        journal->first = rt_journal_next(journal);
    }
}

rt_position rt_journal_append(struct rt_journal *journal, enum rt_record_type type, uint8_t flags,
                              uint32_t partition, rt_position previous, struct rt_span body)
{
    const struct rt_record record = {
        .type = type, .flags = flags, .partition = partition, .previous = previous, .body = body};
    struct rt_current *current = &journal->current;
    size_t space = rt_record_space(body.size);

    if (body.size > rt_journal_body_max(journal) ||
        !group_room(&journal->groups[journal->filling],
                    END_SPACE + START_SPACE + space + COMMIT_SPACE)) {
        return 0;
    }
    begin_group(journal);
    if (current->offset + START_SPACE + space + TAIL_SPACE > current->header.size &&
        !rotate(journal)) {
        return 0;
    }
    if (current->offset == RT_SEGMENT_FIRST) {
        put_start(journal);
    }
    return put(journal, &record);
}

uint64_t rt_journal_pending(const struct rt_journal *journal)
{
    return journal->groups[journal->filling].size;
}

size_t rt_journal_body_max(const struct rt_journal *journal)
{
    uint64_t quarter = journal->segment_bytes / 4;

    return quarter < RT_RECORD_BODY_MAX ? (size_t)quarter : RT_RECORD_BODY_MAX;
}

/* ---- space -------------------------------------------------------------------------------- */

bool rt_journal_reserve(struct rt_journal *journal, uint64_t bytes, uint32_t records)
{
    const struct rt_current *current = &journal->current;
    uint64_t max = rt_journal_body_max(journal);
    /* what the last record that does not fit may leave unused at a segment's end */
    uint64_t waste = rt_record_space(bytes < max ? (size_t)bytes : (size_t)max);
    uint64_t fixed = RT_SEGMENT_FIRST + START_SPACE + TAIL_SPACE + waste;
    uint64_t need = bytes + (uint64_t)records * rt_record_space(RT_RECORD_ALIGN - 1) +
                    journal->segment_bytes / 2;
    uint64_t used = current->offset + START_SPACE + TAIL_SPACE + waste;
    uint64_t room = current->header.size > used ? current->header.size - used : 0;
    uint64_t each = journal->segment_bytes - fixed;
    uint64_t spares = need > room ? (need - room + each - 1) / each : 0;

    if (journal->failed) {
        return false;
    }
    return rt_spares_want(journal->spares, spares > 0 ? (size_t)spares : 1, spares > 0) ||
           spares == 0;
}

void rt_journal_room(const struct rt_journal *journal, struct rt_journal_room *room)
{
    uint64_t available, total, used, max;

    *room = (struct rt_journal_room){0};
    if (rt_disk_space(journal->folder, &available, &total)) {
        *room = (struct rt_journal_room){.left = available, .of = total};
    }
    rt_spares_size(journal->spares, &used, &max);
    if (max > 0) {
        uint64_t left = max > used ? max - used : 0;

        if (room->of == 0 || (double)left / (double)max < (double)room->left / (double)room->of) {
            *room = (struct rt_journal_room){.left = left, .of = max};
        }
    }
}

bool rt_journal_room_is_low(const struct rt_journal *journal, const struct rt_journal_room *room,
                            unsigned percent)
{
    return percent > 0 && room->of > 0 &&
           (room->left < journal->segment_bytes || room->left / percent < room->of / 100);
}

/* A limit below one segment would allow nothing at all. */
void rt_journal_set_max(struct rt_journal *journal, uint64_t max_bytes)
{
    if (max_bytes > 0 && max_bytes < journal->segment_bytes) {
        max_bytes = journal->segment_bytes;
    }
    rt_spares_limit(journal->spares, max_bytes);
}

/* ---- committing --------------------------------------------------------------------------- */

void rt_journal_fail(struct rt_journal *journal, const char *what, int fault)
{
    if (!journal->failed) {
        journal->failed = true;
        snprintf(journal->failure, sizeof(journal->failure), "journal/%04x: %s: %s", journal->id,
                 what, strerror(fault));
    }
}

bool rt_journal_failed(const struct rt_journal *journal)
{
    return journal->failed;
}

bool rt_journal_in_flight(const struct rt_journal *journal)
{
    return journal->in_flight;
}

static void set_begun(struct rt_group *group, int64_t now)
{
    for (size_t i = 0; i < group->chunk_count; i++) {
        const struct rt_chunk *chunk = &group->chunks[i];
        uint8_t *start = group->bytes + chunk->begin;

        if (chunk->begins) {
            rt_store_u64(start + RT_RECORD_HEADER, (uint64_t)now);
            rt_record_seal(start, chunk->epoch, chunk->offset);
        }
    }
}

void rt_journal_commit(struct rt_journal *journal, int64_t now, uint64_t config_epoch)
{
    struct rt_group *group = &journal->groups[journal->filling];
    uint8_t body[RT_COMMIT_BODY];
    struct rt_record commit = {.type = RT_RECORD_COMMIT, .body = rt_span(body, sizeof(body))};

    RT_ASSERT(!journal->in_flight);
    if (journal->failed) {
        return;
    }
    begin_group(journal);
    if (journal->current.offset == RT_SEGMENT_FIRST) {
        put_start(journal);
    }
    rt_commit_encode(body, now, config_epoch);
    commit.previous = journal->first;
    put(journal, &commit);
    set_begun(group, now);
    journal->time = now;
    journal->in_flight = true;
    journal->flight_time = now;
    journal->flight_end = rt_journal_next(journal);
    rt_writer_start(journal->writer, group);
    journal->filling ^= 1;
}

static void clear_group(struct rt_group *group)
{
    for (size_t i = 0; i < group->chunk_count; i++) {
        if (group->chunks[i].ends) {
            rt_disk_close(group->chunks[i].fd);
        }
    }
    group->size = 0;
    group->chunk_count = 0;
}

static enum rt_journal_state report(struct rt_journal *journal, enum rt_journal_state state,
                                    int fault, char *error)
{
    if (state == RT_JOURNAL_FAILED) {
        rt_journal_fail(journal, "writing a group failed", fault);
    }
    if (journal->failed) {
        snprintf(error, RT_JOURNAL_ERROR, "%s", journal->failure);
        return RT_JOURNAL_FAILED;
    }
    if (state == RT_JOURNAL_DONE) {
        journal->in_flight = false;
        journal->own->end = journal->flight_end;
        journal->own->time = journal->flight_time;
        clear_group(&journal->groups[journal->filling ^ 1]);
    }
    return state;
}

enum rt_journal_state rt_journal_poll(struct rt_journal *journal, char *error)
{
    int fault = 0;
    enum rt_journal_state state = rt_writer_poll(journal->writer, &fault);

    return report(journal, state, fault, error);
}

enum rt_journal_state rt_journal_wait(struct rt_journal *journal, char *error)
{
    int fault = 0;
    enum rt_journal_state state = rt_writer_wait(journal->writer, &fault);

    return report(journal, state, fault, error);
}

/* ---- reading ------------------------------------------------------------------------------ */

static bool read_group(const struct rt_group *group, rt_position position, struct rt_record *record)
{
    uint32_t segment = rt_position_segment(position);
    uint64_t offset = rt_position_offset(position);
    size_t space;

    for (size_t i = 0; i < group->chunk_count; i++) {
        const struct rt_chunk *chunk = &group->chunks[i];

        if (chunk->segment == segment && offset >= chunk->offset &&
            offset < chunk->offset + chunk->size) {
            size_t at = (size_t)(offset - chunk->offset);

            record->position = position;
            return rt_record_decode(group->bytes + chunk->begin + at, chunk->size - at,
                                    chunk->epoch, offset, record, &space) == RT_RECORD_GOOD;
        }
    }
    return false;
}

bool rt_journal_read(struct rt_journal *journal, rt_position position, struct rt_record *record)
{
    struct rt_log *log =
        rt_logs_get(&journal->logs, journal->folder, rt_position_log(position), false);
    enum rt_log_read found;

    record->previous = 0;
    if (position == 0 || log == NULL) {
        return false;
    }
    if (log == journal->own && position >= log->end) {
        return read_group(&journal->groups[journal->filling ^ 1], position, record) ||
               read_group(&journal->groups[journal->filling], position, record);
    }
    found = rt_log_read(log, position, record);
    if (found == RT_LOG_UNREADABLE) {
        rt_journal_fail(journal, "reading a segment failed", errno);
    }
    if (found == RT_LOG_GONE || found == RT_LOG_UNREADABLE) {
        record->previous = 0;
    }
    return found == RT_LOG_READ;
}

bool rt_journal_is_damaged(struct rt_journal *journal, rt_position position)
{
    struct rt_log *log =
        rt_logs_get(&journal->logs, journal->folder, rt_position_log(position), false);
    struct rt_record record;

    return log != NULL && (log != journal->own || position < log->end) &&
           rt_log_segment(log, rt_position_segment(position)) != NULL &&
           rt_log_read(log, position, &record) == RT_LOG_GONE;
}

rt_position rt_journal_end(const struct rt_journal *journal)
{
    return journal->own->end;
}

rt_position rt_journal_next(const struct rt_journal *journal)
{
    return rt_position_make(journal->id, journal->current.header.number, journal->current.offset);
}

int64_t rt_journal_time(const struct rt_journal *journal)
{
    return journal->time;
}

const char *rt_journal_note(const struct rt_journal *journal)
{
    return journal->note;
}

size_t rt_journal_logs(struct rt_journal *journal, uint32_t *logs, size_t max)
{
    for (size_t i = 0; i < journal->logs.count && i < max; i++) {
        logs[i] = journal->logs.logs[i].id;
    }
    return journal->logs.count;
}

uint64_t rt_journal_bytes(const struct rt_journal *journal)
{
    uint64_t bytes, max;

    rt_spares_size(journal->spares, &bytes, &max);

    for (size_t i = 0; i < journal->logs.count; i++) {
        const struct rt_log *log = &journal->logs.logs[i];

        for (size_t k = 0; log != journal->own && k < log->count; k++) {
            bytes += log->segments[k].size;
        }
    }
    return bytes;
}

/* dead.list, dead.get (internal), dead.drop. */
#include <stdlib.h>

#include "protocol/assert.h"
#include "workers/answer.h"
#include "workers/command.h"

struct found {
    const struct rt_dead_entry *entry;
    uint32_t partition;
};

/* By time, then by id: what `after` continues from. */
static int oldest_first(const void *left, const void *right)
{
    const struct found *a = left, *b = right;

    if (a->entry->ts != b->entry->ts)
        return a->entry->ts < b->entry->ts ? -1 : 1;
    if (a->partition != b->partition)
        return a->partition < b->partition ? -1 : 1;
    return (a->entry->sequence > b->entry->sequence) - (a->entry->sequence < b->entry->sequence);
}

static struct rt_shard *shard_of(struct rt_core *core, struct rt_span id, uint64_t *sequence)
{
    uint32_t partition;

    if (!rt_episode_parse(id, &partition, sequence) || partition >= core->partitions)
        return NULL;
    return core->shards[partition];
}

static bool read_letter(struct rt_core *core, const struct rt_dead_entry *entry,
                        struct rt_dead_letter *letter)
{
    struct rt_record record;

    return core->store.read(core->store.context, entry->position, &record) &&
           rt_dead_decode(record.body, letter);
}

static size_t collect(struct rt_core *core, struct found *found)
{
    size_t count = 0;

    for (uint32_t p = core->index; p < core->partitions; p += core->count)
        for (size_t i = 0; i < core->shards[p]->dead.count; i++) {
            if (found != NULL)
                found[count] = (struct found){&core->shards[p]->dead.entries[i], p};
            count++;
        }
    return count;
}

static void write_letter(struct rt_core *core, const struct found *found, struct rt_buffer *out,
                         uint32_t *written)
{
    struct rt_dead_letter letter;
    char id[40];

    if (!read_letter(core, found->entry, &letter))
        return;
    rt_episode_format(found->partition, found->entry->sequence, id);
    rt_write_map(out, 5);
    rt_write_key_text(out, "id", id);
    rt_write_key_int(out, "ts", letter.ts);
    rt_write_key_str(out, "reason", letter.reason);
    rt_write_key_text(out, "code", rt_error_name(letter.code));
    rt_write_text(out, "bytes");
    rt_write_bin(out, letter.letter);
    (*written)++;
}

/* The `after` of the page before: "ts:partition-sequence". */
static bool parse_after(struct rt_span after, struct rt_dead_entry *entry, struct found *last)
{
    const uint8_t *colon = memchr(after.data, ':', after.size);
    char number[24];
    char *end;
    size_t length;

    if (colon == NULL || (length = (size_t)(colon - after.data)) >= sizeof(number))
        return false;
    memcpy(number, after.data, length);
    number[length] = '\0';
    entry->ts = strtoll(number, &end, 10);
    last->entry = entry;
    return *end == '\0' && length > 0 &&
           rt_episode_parse(rt_span(colon + 1, after.size - length - 1), &last->partition,
                            &entry->sequence);
}

void rt_answer_dead_list(struct rt_core *core, const struct rt_query *query, struct rt_buffer *out)
{
    struct rt_dead_entry after_entry = {0};
    struct found after = {0}, *found;
    size_t count = collect(core, NULL), mark;
    uint32_t written = 0;

    if (query->after.data != NULL && !parse_after(query->after, &after_entry, &after)) {
        rt_query_error(out, RT_BAD_REQUEST, "after: is not what an earlier answer gave");
        return;
    }
    found = malloc((count + 1) * sizeof(*found));
    if (found == NULL) {
        rt_query_error(out, RT_BUSY, "out of memory");
        return;
    }
    collect(core, found);
    qsort(found, count, sizeof(*found), oldest_first);
    rt_write_map(out, 2);
    rt_write_key_bool(out, "ok", true);
    rt_write_text(out, "dead");
    mark = rt_write_array_begin(out);
    for (size_t i = 0; i < count && written <= query->limit; i++)
        if (after.entry == NULL || oldest_first(&found[i], &after) > 0)
            write_letter(core, &found[i], out, &written);
    rt_write_end(out, mark, written);
    free(found);
}

void rt_answer_dead_get(struct rt_core *core, const struct rt_query *query, struct rt_buffer *out)
{
    uint64_t sequence;
    struct rt_shard *shard = shard_of(core, query->id, &sequence);
    const struct rt_dead_entry *entry = shard == NULL ? NULL : rt_dead_find(&shard->dead, sequence);
    struct rt_dead_letter letter;

    if (entry == NULL || !read_letter(core, entry, &letter)) {
        rt_query_error(out, RT_NOT_FOUND, "no such dead letter");
        return;
    }
    rt_write_map(out, 4);
    rt_write_key_bool(out, "ok", true);
    rt_write_key_int(out, "size", (int64_t)letter.bytes);
    rt_write_key_str(out, "reason", letter.reason);
    rt_write_text(out, "letter");
    rt_write_bin(out, letter.letter);
}

void rt_answer_dead_drop(struct rt_core *core, const struct rt_query *query, int64_t now,
                         struct rt_buffer *out)
{
    struct rt_command command = {.kind = RT_COMMAND_DROP, .ts = now};
    struct rt_shard *shard = shard_of(core, query->id, &command.sequence);
    rt_position position;

    if (shard == NULL || rt_dead_find(&shard->dead, command.sequence) == NULL) {
        rt_query_error(out, RT_NOT_FOUND, "no such dead letter");
        return;
    }
    rt_buffer_clear(&core->scratch);
    rt_command_encode(&core->scratch, &command);
    position = core->scratch.failed
                   ? 0
                   : core->store.append(core->store.context, RT_RECORD_COMMAND, 0, shard->partition,
                                        0, rt_buffer_span(&core->scratch));
    if (position == 0) {
        rt_query_error(out, RT_BUSY, "no space to keep it: free some and say it again");
        return;
    }
    RT_ASSERT(rt_command_apply(core, shard, &command, position));
    rt_write_map(out, 1);
    rt_write_key_bool(out, "ok", true);
}

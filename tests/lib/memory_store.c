#include "tests/lib/memory_store.h"

#include <stdlib.h>

#include "protocol/assert.h"

static rt_position append(void *context, enum rt_record_type type, uint8_t flags,
                          uint32_t partition, rt_position previous, struct rt_span body)
{
    struct memory_store *memory = context;
    struct memory_record *kept;

    if (memory->full)
        return 0;
    if (memory->count == memory->capacity) {
        memory->capacity = memory->capacity ? memory->capacity * 2 : 64;
        memory->records = realloc(memory->records, memory->capacity * sizeof(*memory->records));
        RT_ASSERT(memory->records != NULL);
    }
    kept = &memory->records[memory->count++];
    kept->body = malloc(body.size + 1);
    RT_ASSERT(kept->body != NULL);
    if (body.size > 0)
        memcpy(kept->body, body.data, body.size);
    kept->record = (struct rt_record){
        .position = (rt_position)memory->log << 48 | memory->count,
        .previous = previous,
        .type = type,
        .flags = flags,
        .partition = partition,
        .body = rt_span(kept->body, body.size),
    };
    return kept->record.position;
}

static bool read_back(void *context, rt_position position, struct rt_record *record)
{
    const struct memory_store *memory = context;
    size_t at = (size_t)(position & 0xffffffffffff);

    if (at == 0 || at > memory->count) {
        record->previous = 0;
        return false;
    }
    *record = memory->records[at - 1].record;
    return true;
}

struct rt_store memory_store(struct memory_store *memory)
{
    return (struct rt_store){.context = memory, .append = append, .read = read_back};
}

void memory_store_free(struct memory_store *memory)
{
    for (size_t i = 0; i < memory->count; i++)
        free(memory->records[i].body);
    free(memory->records);
    *memory = (struct memory_store){0};
}

/* See voids.h. */
#include "workers/voids.h"

#include <stdlib.h>
#include <string.h>

#include "workers/command.h"

void rt_voids_free(struct rt_voids *voids)
{
    free(voids->all);
    *voids = (struct rt_voids){0};
}

/* The place of the first whose event is not before it. */
static size_t place_of(const struct rt_voids *voids, rt_position event)
{
    size_t low = 0, high = voids->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (voids->all[middle].event < event)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool grow(struct rt_voids *voids)
{
    size_t capacity = voids->capacity > 0 ? voids->capacity * 2 : 16;
    struct rt_void *larger;

    if (voids->count < voids->capacity)
        return true;
    larger = realloc(voids->all, capacity * sizeof(*larger));
    if (larger == NULL)
        return false;
    voids->all = larger;
    voids->capacity = capacity;
    return true;
}

bool rt_voids_note(struct rt_voids *voids, const struct rt_record *record)
{
    struct rt_command command;
    size_t at;

    if (record->type != RT_RECORD_COMMAND || !rt_command_decode(record->body, &command) ||
        command.kind != RT_COMMAND_VOID || rt_voids_find(voids, command.sequence) != NULL)
        return true;
    if (!grow(voids))
        return false;
    at = place_of(voids, command.sequence);
    memmove(voids->all + at + 1, voids->all + at, (voids->count - at) * sizeof(*voids->all));
    voids->all[at] = (struct rt_void){.event = command.sequence, .command = record->position};
    voids->count++;
    return true;
}

const struct rt_void *rt_voids_find(const struct rt_voids *voids, rt_position event)
{
    size_t at = place_of(voids, event);

    return at < voids->count && voids->all[at].event == event ? &voids->all[at] : NULL;
}

/* Merging stats: sums over the workers; the daemon adds what it knows itself (stats.c). */
#include "daemon/merge.h"
#include "protocol/event.h"

static bool number_at(struct rt_span map, const char *key, uint64_t *sum)
{
    struct rt_reader reader;
    int64_t value;

    if (!rt_merge_find(map, key, &reader) || !rt_read_int(&reader, &value) || value < 0) {
        return false;
    }
    *sum += (uint64_t)value;
    return true;
}

static bool map_at(struct rt_span map, const char *key, struct rt_span *inner)
{
    struct rt_reader reader;

    return rt_merge_find(map, key, &reader) && rt_read_kind(&reader) == RT_KIND_MAP &&
           rt_read_skip(&reader, inner);
}

static bool add_part(struct rt_span part, struct rt_merge_stats *stats)
{
    struct rt_span events;

    if (!number_at(part, "accounts", &stats->accounts) || !map_at(part, "events", &events)) {
        return false;
    }
    for (int type = 0; type < RT_EVENT_TYPES; type++) {
        number_at(events, rt_event_type_name((enum rt_event_type)type), &stats->events[type]);
    }
    return true;
}

bool rt_merge_stats(const struct rt_merge *merge, struct rt_merge_stats *stats)
{
    *stats = (struct rt_merge_stats){0};
    for (uint32_t i = 0; i < merge->count; i++) {
        uint64_t before = stats->accounts;

        if (!add_part(merge->parts[i], stats)) {
            return false;
        }
        stats->worker_accounts[i] = stats->accounts - before;
    }
    return true;
}

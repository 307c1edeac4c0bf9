#include "workers/alert_log.h"

#include <stdlib.h>

enum { LOG_MIN = 64 };

void rt_alert_log_free(struct rt_alert_log *log)
{
    free(log->entries);
    *log = (struct rt_alert_log){0};
}

static void compact(struct rt_alert_log *log)
{
    memmove(log->entries, log->entries + log->first,
            (log->count - log->first) * sizeof(*log->entries));
    log->count -= log->first;
    log->first = 0;
}

bool rt_alert_log_add(struct rt_alert_log *log, const struct rt_alert_entry *entry)
{
    if (log->count == log->capacity && log->first > log->capacity / 2)
        compact(log);
    if (log->count == log->capacity) {
        size_t capacity = log->capacity ? log->capacity * 2 : LOG_MIN;
        struct rt_alert_entry *larger = realloc(log->entries, capacity * sizeof(*larger));

        if (larger == NULL)
            return false;
        log->entries = larger;
        log->capacity = capacity;
    }
    log->entries[log->count++] = *entry;
    return true;
}

static int by_publication(const void *left, const void *right)
{
    const struct rt_alert_entry *a = left, *b = right;

    if (a->published != b->published)
        return a->published < b->published ? -1 : 1;
    return (a->position > b->position) - (a->position < b->position);
}

void rt_alert_log_settle(struct rt_alert_log *log)
{
    size_t kept = log->first;

    if (log->count == log->first)
        return;
    qsort(log->entries + log->first, log->count - log->first, sizeof(*log->entries),
          by_publication);
    for (size_t i = log->first; i < log->count; i++)
        if (kept == log->first || log->entries[kept - 1].position != log->entries[i].position)
            log->entries[kept++] = log->entries[i];
    log->count = kept;
}

void rt_alert_log_expire(struct rt_alert_log *log, int64_t before)
{
    while (log->first < log->count && log->entries[log->first].published < before) {
        const struct rt_alert_entry *entry = &log->entries[log->first++];

        rt_cursor_advance(&log->gone, rt_position_log(entry->position), entry->sequence);
    }
}

void rt_alert_log_remove(struct rt_alert_log *log, rt_position position)
{
    for (size_t i = log->first; i < log->count; i++)
        if (log->entries[i].position == position) {
            memmove(log->entries + i, log->entries + i + 1,
                    (log->count - i - 1) * sizeof(*log->entries));
            log->count--;
            return;
        }
}

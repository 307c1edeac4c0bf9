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

bool rt_alert_log_reserve(struct rt_alert_log *log)
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
    return true;
}

bool rt_alert_log_add(struct rt_alert_log *log, const struct rt_alert_entry *entry)
{
    if (!rt_alert_log_reserve(log))
        return false;
    log->entries[log->count++] = *entry;
    return true;
}

/* Numbers come in the order the alerts were added: after the one that was found last, nearly
 * always. */
static size_t find(const struct rt_alert_log *log, rt_position position)
{
    size_t at = log->count;

    if (log->hint >= log->first && log->hint < log->count &&
        log->entries[log->hint].position == position)
        return log->hint;
    while (at > log->first && log->entries[at - 1].position != position)
        at--;
    return at == log->first ? log->count : at - 1;
}

/* What has no number yet stands at the end. Its place is then the first of those, unless it was
 * given its number in an earlier life and the worker has not kept it. */
const struct rt_alert_entry *rt_alert_log_publish(struct rt_alert_log *log, rt_position position,
                                                  uint64_t number)
{
    struct rt_alert_entry entry;
    size_t from = find(log, position), to;

    /* Also that of an alert that is gone: no number is given twice. */
    if (number > log->newest)
        log->newest = number;
    if (from == log->count)
        return NULL;
    log->hint = from + 1;
    entry = log->entries[from];
    if (entry.number != 0)
        return &log->entries[from];
    entry.number = number;
    to = log->settled ? rt_alert_log_after(log, number) : from;
    memmove(log->entries + to + 1, log->entries + to, (from - to) * sizeof(entry));
    log->entries[to] = entry;
    return &log->entries[to];
}

static int by_position(const void *left, const void *right)
{
    const struct rt_alert_entry *a = left, *b = right;

    return (a->position > b->position) - (a->position < b->position);
}

static int by_number(const void *left, const void *right)
{
    const struct rt_alert_entry *a = left, *b = right;

    if (a->number != b->number)
        return a->number - 1 < b->number - 1 ? -1 : 1; /* 0, none yet, wraps to the end */
    return by_position(left, right);
}

void rt_alert_log_settle(struct rt_alert_log *log)
{
    size_t count = log->count - log->first, kept = 0;
    struct rt_alert_entry *entries;

    log->settled = true;
    if (count == 0)
        return; /* there may be no memory to point into */
    entries = log->entries + log->first;
    qsort(entries, count, sizeof(*entries), by_position);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || entries[kept - 1].position != entries[i].position)
            entries[kept++] = entries[i];
    qsort(entries, kept, sizeof(*entries), by_number);
    log->count = log->first + kept;
}

size_t rt_alert_log_after(const struct rt_alert_log *log, uint64_t number)
{
    size_t low = log->first, high = log->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint64_t here = log->entries[middle].number;

        if (here != 0 && here <= number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void rt_alert_log_expire(struct rt_alert_log *log, int64_t before, rt_alert_log_goes *goes,
                         void *context)
{
    size_t end = log->first, kept;

    while (end < log->count && log->entries[end].published < before)
        end++;
    kept = end;
    for (size_t i = end; i-- > log->first;) {
        uint64_t number = log->entries[i].number;

        if (number > log->gone)
            log->gone = number;
        if (!goes(context, &log->entries[i]))
            log->entries[--kept] = log->entries[i];
    }
    log->first = kept;
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

/* Merging what all workers answered to one query into one reply (protocol/query.h says what the
 * parts look like). Pure.
 *
 * A part that is an error wins: the reply is that error. A part that cannot be read fails the
 * merge. */
#ifndef RT_DAEMON_MERGE_H
#define RT_DAEMON_MERGE_H

#include "protocol/cursor.h"
#include "protocol/limits.h"
#include "protocol/event.h"
#include "protocol/query.h"

struct rt_merge {
    const struct rt_query *query;
    const struct rt_span *parts; /* one of each worker */
    uint32_t count;              /* <= RT_WORKERS_MAX */
    int64_t moment;              /* at which it was asked, ms */
    uint64_t cursor;             /* number given last when the workers were asked */
};

/* Writes the reply. False if a part is not what it should be, or without memory (out->failed then).
 */
bool rt_merge_accounts(const struct rt_merge *merge, struct rt_buffer *out);
bool rt_merge_alerts(const struct rt_merge *merge, struct rt_buffer *out);
bool rt_merge_dead(const struct rt_merge *merge, struct rt_buffer *out);
bool rt_merge_erase(const struct rt_merge *merge, struct rt_buffer *out);
bool rt_merge_report(const struct rt_merge *merge, struct rt_buffer *out);
bool rt_merge_management(const struct rt_merge *merge, struct rt_buffer *out);

/* The sums over all parts of a `stats`. */
struct rt_merge_stats {
    uint64_t accounts;
    uint64_t worker_accounts[RT_WORKERS_MAX];
    uint64_t events[RT_EVENT_TYPES];
};
bool rt_merge_stats(const struct rt_merge *merge, struct rt_merge_stats *stats);

/* The moment that an `after` of rt_merge_accounts names (lists that are not by name). */
bool rt_merge_after_moment(struct rt_span after, int64_t *moment);

/* True if a part is an error, which *error then is. */
bool rt_merge_error(const struct rt_merge *merge, struct rt_span *error);

/* The value of a key of a packed map: false if `map` is none or has no such key. */
bool rt_merge_find(struct rt_span map, const char *key, struct rt_reader *value);

/* One entry of a list on its way into a merged one. */
struct rt_merge_item {
    double key;
    double second_key; /* then by this */
    int64_t first;     /* then by this */
    uint64_t second;
    struct rt_span name; /* then by this, in byte order */
    struct rt_span map;
};

struct rt_merge_list {
    struct rt_merge_item *items;
    uint32_t count;
    uint32_t capacity;
    bool failed; /* there was no memory */
};

/* Appends; false, and list->failed, without memory. */
bool rt_merge_add(struct rt_merge_list *list, const struct rt_merge_item *item);
void rt_merge_sort(struct rt_merge_list *list);
void rt_merge_free(struct rt_merge_list *list);

#endif

/* Merging account.list and dead.list: entries in order, cut at the limit, `after` to go on from. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "daemon/merge.h"

typedef bool take_item(const struct rt_query *query, struct rt_merge_item *item);

/* Puts the entries of array `name` of all parts in order. */
static bool collect(const struct rt_merge *merge, const char *name, take_item *take,
                    struct rt_merge_list *list)
{
    for (uint32_t i = 0; i < merge->count; i++) {
        struct rt_reader entries;
        uint32_t count;

        if (!rt_merge_find(merge->parts[i], name, &entries) || !rt_read_array(&entries, &count)) {
            return false;
        }
        for (uint32_t j = 0; j < count; j++) {
            struct rt_merge_item item = {0};

            if (!rt_read_skip(&entries, &item.map) || !take(merge->query, &item) ||
                !rt_merge_add(list, &item)) {
                return false;
            }
        }
    }
    rt_merge_sort(list);
    return true;
}

static bool text_at(struct rt_span map, const char *key, struct rt_span *text)
{
    struct rt_reader value;

    return rt_merge_find(map, key, &value) && rt_read_str(&value, text);
}

static bool number_at(struct rt_span map, const char *key, double *number)
{
    struct rt_reader value;

    if (!rt_merge_find(map, key, &value)) {
        return false;
    }
    if (rt_read_kind(&value) == RT_KIND_NIL) {
        *number = INFINITY; /* those without one come last */
        return true;
    }
    return rt_read_number(&value, number);
}

/* The key each sort ascends by: as the workers have it (and `after` names it). */
static bool take_account(const struct rt_query *query, struct rt_merge_item *item)
{
    static const char *const keys[] = {
        [RT_SORT_SCORE] = "score",
        [RT_SORT_SCORE_DOWN] = "score",
        [RT_SORT_VALUE] = "value",
        [RT_SORT_RENEWAL] = "renewal",
    };
    bool descends = query->sort == RT_SORT_SCORE_DOWN || query->sort == RT_SORT_VALUE;

    if (!text_at(item->map, "account", &item->name)) {
        return false;
    }
    if (query->sort == RT_SORT_ACCOUNT) {
        return true;
    }
    if (!number_at(item->map, keys[query->sort], &item->key)) {
        return false;
    }
    if (descends && !isinf(item->key)) {
        item->key = -item->key;
    }
    return true;
}

static bool take_dead(const struct rt_query *query, struct rt_merge_item *item)
{
    struct rt_reader ts;
    uint32_t partition;
    int64_t when;

    (void)query;
    if (!text_at(item->map, "id", &item->name) || !rt_merge_find(item->map, "ts", &ts) ||
        !rt_read_int(&ts, &when) || !rt_episode_parse(item->name, &partition, &item->second)) {
        return false;
    }
    item->key = (double)when;
    item->first = partition;
    return true;
}

/* {"ok", NAME: the first `limit`} and, if that cut any, "after". */
static void write_list(const struct rt_merge *merge, const char *name,
                       const struct rt_merge_list *list, const struct rt_buffer *after,
                       struct rt_buffer *out)
{
    uint32_t limit = merge->query->limit;
    bool cut = list->count > limit;

    rt_write_map(out, cut ? 3 : 2);
    rt_write_key_bool(out, "ok", true);
    rt_write_text(out, name);
    rt_write_array(out, cut ? limit : list->count);
    for (uint32_t i = 0; i < list->count && i < limit; i++) {
        rt_write_raw(out, list->items[i].map);
    }
    if (cut) {
        rt_write_key_str(out, "after", rt_buffer_span(after));
    }
}

bool rt_merge_after_moment(struct rt_span after, int64_t *moment)
{
    const uint8_t *colon =
        after.data == NULL ? NULL : memchr(after.data, ':', after.size < 19 ? after.size : 19);
    int64_t read = 0;

    if (colon == NULL || colon == after.data) {
        return false;
    }
    for (const uint8_t *at = after.data; at < colon; at++) {
        if (*at < '0' || *at > '9') {
            return false;
        }
        read = read * 10 + (*at - '0');
    }
    *moment = read;
    return true;
}

static void name_last(const struct rt_merge *merge, const struct rt_merge_list *list, bool dead,
                      struct rt_buffer *after)
{
    const struct rt_merge_item *last;
    char key[64] = "";

    if (list->count <= merge->query->limit) {
        return;
    }
    last = &list->items[merge->query->limit - 1];
    if (dead) {
        snprintf(key, sizeof key, "%.0f:", last->key);
    } else if (merge->query->sort != RT_SORT_ACCOUNT) {
        snprintf(key, sizeof key, "%" PRId64 ":%.17g:", merge->moment, last->key);
    }
    rt_buffer_append(after, key, strlen(key));
    rt_buffer_append(after, last->name.data, last->name.size);
}

static bool merge_list(const struct rt_merge *merge, const char *name, take_item *take, bool dead,
                       struct rt_buffer *out)
{
    struct rt_merge_list list = {0};
    struct rt_buffer after = {0};
    struct rt_span error;
    bool good = true;

    if (rt_merge_error(merge, &error)) {
        rt_write_raw(out, error);
        return !out->failed;
    }
    good = collect(merge, name, take, &list);
    if (good) {
        name_last(merge, &list, dead, &after);
        write_list(merge, name, &list, &after, out);
    }
    out->failed = out->failed || after.failed || list.failed;
    rt_buffer_free(&after);
    rt_merge_free(&list);
    return good && !out->failed;
}

bool rt_merge_accounts(const struct rt_merge *merge, struct rt_buffer *out)
{
    return merge_list(merge, "accounts", take_account, false, out);
}

bool rt_merge_dead(const struct rt_merge *merge, struct rt_buffer *out)
{
    return merge_list(merge, "dead", take_dead, true, out);
}

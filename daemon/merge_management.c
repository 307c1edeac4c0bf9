/* Merging report.management: numbers are added key by key, groups by their name, lists merged by
 * their keys and the account's name, and cut. Of more than GROUPS_MAX names the first in byte order
 * have a row: each worker has said all it knows of those. */
#include "daemon/merge_sums.h"

enum { GROUPS_MAX = 256 };

static const char *const group_names[] = {"owners", "tiers", "regions", "currencies"};
static const char *const list_names[] = {"at_risk", "next_renewals", "complaints",
                                         "owed",    "visits",        "growth"};

enum {
    GROUPS = sizeof group_names / sizeof *group_names,
    LISTS = sizeof list_names / sizeof *list_names,
};

typedef bool take_row(struct rt_reader *rows, struct rt_merge_item *item);

/* The rows of all parts, in order. */
static bool collect(const struct rt_places *places, take_row *take, struct rt_merge_list *list)
{
    for (uint32_t i = 0; i < places->count; i++) {
        struct rt_reader rows = places->at[i];
        uint32_t count;

        if (!rt_read_array(&rows, &count)) {
            return false;
        }
        while (count-- > 0) {
            struct rt_merge_item item = {0};

            if (!take(&rows, &item) || !rt_merge_add(list, &item)) {
                return false;
            }
        }
    }
    rt_merge_sort(list);
    return true;
}

/* ---- groups ---------------------------------------------------------------------------------- */

/* [name or nil, numbers]; those without a name come first. */
static bool take_group(struct rt_reader *rows, struct rt_merge_item *item)
{
    uint32_t two;

    if (!rt_read_array(rows, &two) || two != 2) {
        return false;
    }
    if (rt_read_kind(rows) == RT_KIND_NIL) {
        rt_read_skip(rows, NULL);
    } else if (!rt_read_str(rows, &item->name)) {
        return false;
    }
    return rt_read_skip(rows, &item->map);
}

/* The rows from `at` on that have one name, as one; *next is the row after them. */
static bool write_group(const struct rt_merge_list *list, uint32_t at, uint32_t *next,
                        struct rt_buffer *out)
{
    struct rt_span name = list->items[at].name;
    struct rt_places places = {0};
    size_t mark = rt_write_map_begin(out);
    int64_t pairs;

    for (; at < list->count && rt_span_equal(list->items[at].name, name); at++) {
        if (places.count == RT_WORKERS_MAX) {
            return false;
        }
        places.at[places.count++] = rt_reader(list->items[at].map);
    }
    *next = at;
    rt_write_text(out, "name");
    rt_write_optional(out, name.size == 0 ? rt_span(NULL, 0) : name);
    pairs = rt_merge_numbers(&places, out);
    if (pairs < 0) {
        return false;
    }
    rt_write_end(out, mark, (uint32_t)(1 + pairs));
    return true;
}

static bool write_groups(const struct rt_places *places, struct rt_buffer *out)
{
    struct rt_merge_list list = {0};
    bool good = collect(places, take_group, &list);
    size_t mark = rt_write_array_begin(out);
    uint32_t groups = 0;

    for (uint32_t at = 0; good && at < list.count && groups < GROUPS_MAX; groups++) {
        good = write_group(&list, at, &at, out);
    }
    rt_write_end(out, mark, groups);
    out->failed = out->failed || list.failed;
    rt_merge_free(&list);
    return good;
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* [key, second key, map] */
static bool take_line(struct rt_reader *rows, struct rt_merge_item *item)
{
    struct rt_reader name;
    uint32_t three;

    return rt_read_array(rows, &three) && three == 3 && rt_read_number(rows, &item->key) &&
           rt_read_number(rows, &item->second_key) && rt_read_skip(rows, &item->map) &&
           rt_merge_find(item->map, "account", &name) && rt_read_str(&name, &item->name);
}

static bool write_list(const struct rt_places *places, uint32_t limit, struct rt_buffer *out)
{
    struct rt_merge_list list = {0};
    bool good = collect(places, take_line, &list);
    uint32_t count = list.count < limit ? list.count : limit;

    rt_write_array(out, count);
    for (uint32_t i = 0; i < count; i++) {
        rt_write_raw(out, list.items[i].map);
    }
    out->failed = out->failed || list.failed;
    rt_merge_free(&list);
    return good;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool write_all_groups(const struct rt_places *parts, struct rt_buffer *out)
{
    struct rt_places groups = rt_merge_descend(parts, "groups");

    for (int i = 0; i < GROUPS; i++) {
        struct rt_places places = rt_merge_descend(&groups, group_names[i]);

        rt_write_text(out, group_names[i]);
        if (places.count != parts->count || !write_groups(&places, out)) {
            return false;
        }
    }
    return true;
}

static bool write_all_lists(const struct rt_places *parts, uint32_t limit, struct rt_buffer *out)
{
    struct rt_places lists = rt_merge_descend(parts, "lists");

    for (int i = 0; i < LISTS; i++) {
        struct rt_places places = rt_merge_descend(&lists, list_names[i]);

        rt_write_text(out, list_names[i]);
        if (places.count != parts->count || !write_list(&places, limit, out)) {
            return false;
        }
    }
    return true;
}

static bool write_report(const struct rt_merge *merge, const struct rt_places *parts,
                         struct rt_buffer *out)
{
    struct rt_places numbers = rt_merge_descend(parts, "numbers");
    size_t mark = rt_write_map_begin(out);
    int64_t pairs;

    if (numbers.count != merge->count) {
        return false;
    }
    rt_write_key_bool(out, "ok", true);
    rt_write_key_int(out, "at", merge->moment);
    rt_write_text(out, "owner");
    rt_write_optional(out, merge->query->owner);
    rt_write_text(out, "tier");
    rt_write_optional(out, merge->query->tier);
    rt_write_text(out, "region");
    rt_write_optional(out, merge->query->region);
    pairs = rt_merge_numbers(&numbers, out);
    if (pairs < 0 || !write_all_groups(parts, out) ||
        !write_all_lists(parts, merge->query->limit, out)) {
        return false;
    }
    rt_write_end(out, mark, (uint32_t)(5 + pairs + GROUPS + LISTS));
    return true;
}

bool rt_merge_management(const struct rt_merge *merge, struct rt_buffer *out)
{
    return rt_merge_parts(merge, write_report, out);
}

/* Merging alert.list: messages by publication number, each with it as its cursor.
 *
 * A worker hears of a number before it hears of a query that was asked later. So the parts hold
 * every alert up to the number that was the last when they were asked for: that is the cursor of an
 * answer that was not cut. What was published since is left to the next answer: a part that was made
 * later holds some of it, another none, and nothing may come twice or be passed over. What the
 * workers have dropped for its age differs: `oldest` is the place from which on all of them still
 * have everything. */
#include "daemon/merge.h"

/* [number, map] */
static bool read_message(struct rt_reader *reader, struct rt_merge_item *item)
{
    uint32_t two;

    return rt_read_array(reader, &two) && two == 2 && rt_read_int(reader, &item->first) &&
           item->first > 0 && rt_read_skip(reader, &item->map);
}

/* Of an open episode the last message is all there is. */
static bool is_later(const struct rt_merge *merge, const struct rt_merge_item *item)
{
    return !merge->query->open && (uint64_t)item->first > merge->cursor;
}

static bool collect(const struct rt_merge *merge, struct rt_merge_list *list, bool *more)
{
    *more = false;
    for (uint32_t i = 0; i < merge->count; i++) {
        struct rt_reader reader, flag;
        uint32_t count;
        bool cut;

        if (!rt_merge_find(merge->parts[i], "more", &flag) || !rt_read_bool(&flag, &cut) ||
            !rt_merge_find(merge->parts[i], "alerts", &reader) || !rt_read_array(&reader, &count)) {
            return false;
        }
        *more = *more || cut;
        while (count-- > 0) {
            struct rt_merge_item item = {0};

            if (!read_message(&reader, &item)) {
                return false;
            }
            if (!is_later(merge, &item) && !rt_merge_add(list, &item)) {
                return false;
            }
        }
    }
    rt_merge_sort(list);
    return true;
}

static void write_message(const struct rt_merge_item *item, struct rt_buffer *out)
{
    char text[RT_CURSOR_TEXT];
    size_t size = rt_cursor_encode((uint64_t)item->first, text);

    if (!rt_alert_with_cursor(out, item->map, rt_span(text, size))) {
        out->failed = true;
    }
}

static void write_reply(const struct rt_merge *merge, const struct rt_merge_list *list, bool more,
                        struct rt_buffer *out)
{
    uint32_t limit = merge->query->limit;
    uint32_t count = list->count < limit ? list->count : limit;
    bool cut = count > 0 && (more || count < list->count);
    char text[RT_CURSOR_TEXT];

    rt_cursor_encode(cut ? (uint64_t)list->items[count - 1].first : merge->cursor, text);
    rt_write_map(out, 3);
    rt_write_key_bool(out, "ok", true);
    rt_write_text(out, "alerts");
    rt_write_array(out, count);
    for (uint32_t i = 0; i < count; i++) {
        write_message(&list->items[i], out);
    }
    rt_write_key_text(out, "cursor", text);
}

/* True if a part is an error, which *error then is: of `cursor_gone` alone the one with the latest
 * `oldest`, any other comes first. */
static bool find_error(const struct rt_merge *merge, struct rt_span *error)
{
    uint64_t latest = 0;
    bool found = false;

    for (uint32_t i = 0; i < merge->count; i++) {
        const struct rt_merge one = {.parts = merge->parts + i, .count = 1};
        struct rt_reader value;
        struct rt_span text, part;
        uint64_t oldest = 0;

        if (!rt_merge_error(&one, &part)) {
            continue;
        }
        if (!rt_merge_find(part, "oldest", &value) || !rt_read_str(&value, &text) ||
            !rt_cursor_decode(text, &oldest)) {
            *error = part;
            return true;
        }
        if (!found || oldest > latest) {
            *error = part;
            latest = oldest;
        }
        found = true;
    }
    return found;
}

bool rt_merge_alerts(const struct rt_merge *merge, struct rt_buffer *out)
{
    struct rt_merge_list list = {0};
    struct rt_span error;
    bool more, good;

    if (find_error(merge, &error)) {
        rt_write_raw(out, error);
        return !out->failed;
    }
    good = collect(merge, &list, &more);
    if (good) {
        write_reply(merge, &list, more, out);
    }
    out->failed = out->failed || list.failed;
    rt_merge_free(&list);
    return good && !out->failed;
}

/* Merging alert.list: messages by (published, log, sequence), each with the cursor that stands
 * after it.
 *
 * The cursor grows message by message from `since`. A cursor must name every log that is older than
 * one it names, or a reader would take that log as seen (cursor.h): so before it names log L it
 * names, at 0, all known logs up to L. When it is full, its oldest log is dropped: messages come in
 * the order they were published, so the logs of an old generation are through by then. */
#include <stdlib.h>

#include "daemon/merge.h"

enum { LOGS_MAX = RT_WORKERS_MAX * (RT_WORKERS_MAX + 1) };

/* The newest of each log that any part knows, and the logs that are written now. */
struct ends {
    struct {
        uint32_t log;
        uint64_t sequence;
    } at[LOGS_MAX];
    uint32_t count;
};

static bool add_end(struct ends *ends, uint32_t log, uint64_t sequence)
{
    uint32_t i = ends->count;

    while (i > 0 && ends->at[i - 1].log > log) {
        i--;
    }
    if (i > 0 && ends->at[i - 1].log == log) {
        if (sequence > ends->at[i - 1].sequence) {
            ends->at[i - 1].sequence = sequence;
        }
        return true;
    }
    if (ends->count == LOGS_MAX) {
        return false;
    }
    memmove(&ends->at[i + 1], &ends->at[i], (ends->count - i) * sizeof ends->at[0]);
    ends->at[i].log = log;
    ends->at[i].sequence = sequence;
    ends->count++;
    return true;
}

static bool read_end(struct rt_reader *reader, struct ends *ends)
{
    int64_t log, sequence;
    uint32_t two;

    return rt_read_array(reader, &two) && two == 2 && rt_read_int(reader, &log) &&
           rt_read_int(reader, &sequence) && log > 0 && log <= UINT32_MAX && sequence >= 0 &&
           add_end(ends, (uint32_t)log, (uint64_t)sequence);
}

static bool collect_ends(const struct rt_merge *merge, struct ends *ends)
{
    for (uint32_t i = 0; i < merge->count; i++) {
        struct rt_reader reader;
        uint32_t count;

        if (!add_end(ends, merge->log + i, 0) || !rt_merge_find(merge->parts[i], "end", &reader) ||
            !rt_read_array(&reader, &count)) {
            return false;
        }
        while (count-- > 0) {
            if (!read_end(&reader, ends)) {
                return false;
            }
        }
    }
    return true;
}

/* [log, sequence, published, map]: key published, first log, second sequence. */
static bool read_message(struct rt_reader *reader, struct rt_merge_item *item)
{
    int64_t sequence, published;
    uint32_t four;

    if (!rt_read_array(reader, &four) || four != 4 || !rt_read_int(reader, &item->first) ||
        !rt_read_int(reader, &sequence) || !rt_read_int(reader, &published) ||
        !rt_read_skip(reader, &item->map)) {
        return false;
    }
    item->key = (double)published;
    item->second = (uint64_t)sequence;
    return item->first > 0 && item->first <= UINT32_MAX && sequence >= 0;
}

static bool collect_messages(const struct rt_merge *merge, struct rt_merge_list *list, bool *more)
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

            if (!read_message(&reader, &item) || !rt_merge_add(list, &item)) {
                return false;
            }
        }
    }
    rt_merge_sort(list);
    return true;
}

static void advance(struct rt_cursor *cursor, uint32_t log, uint64_t sequence)
{
    while (!rt_cursor_advance(cursor, log, sequence)) {
        memmove(&cursor->at[0], &cursor->at[1], --cursor->count * sizeof cursor->at[0]);
    }
}

static void advance_past(struct rt_cursor *cursor, const struct ends *ends, uint32_t log,
                         uint64_t sequence)
{
    for (uint32_t i = 0; i < ends->count && ends->at[i].log <= log; i++) {
        advance(cursor, ends->at[i].log, 0);
    }
    advance(cursor, log, sequence);
}

static void write_messages(const struct rt_merge_list *list, uint32_t count,
                           const struct ends *ends, struct rt_cursor *cursor, struct rt_buffer *out)
{
    char text[RT_CURSOR_TEXT];

    rt_write_text(out, "alerts");
    rt_write_array(out, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct rt_merge_item *item = &list->items[i];
        size_t size;

        advance_past(cursor, ends, (uint32_t)item->first, item->second);
        size = rt_cursor_encode(cursor, text);
        if (!rt_alert_with_cursor(out, item->map, rt_span(text, size))) {
            out->failed = true;
        }
    }
}

static void write_reply(const struct rt_merge *merge, const struct rt_merge_list *list, bool more,
                        const struct ends *ends, struct rt_cursor *cursor, struct rt_buffer *out)
{
    uint32_t limit = merge->query->limit;
    uint32_t count = list->count < limit ? list->count : limit;
    char text[RT_CURSOR_TEXT];
    size_t size;

    rt_write_map(out, 3);
    rt_write_key_bool(out, "ok", true);
    write_messages(list, count, ends, cursor, out);
    if (!more && count == list->count) { /* nothing was cut: all there is has been seen */
        for (uint32_t i = 0; i < ends->count; i++) {
            advance(cursor, ends->at[i].log, ends->at[i].sequence);
        }
    }
    size = rt_cursor_encode(cursor, text);
    rt_write_key_str(out, "cursor", rt_span(text, size));
}

bool rt_merge_alerts(const struct rt_merge *merge, struct rt_buffer *out)
{
    struct rt_merge_list list = {0};
    struct rt_cursor cursor = {0};
    struct ends *ends = calloc(1, sizeof *ends);
    struct rt_span error;
    bool more, good = ends != NULL;

    if (good && rt_merge_error(merge, &error)) {
        rt_write_raw(out, error);
        free(ends);
        return !out->failed;
    }
    good = good &&
           (merge->query->since_cursor.data == NULL ||
            rt_cursor_decode(merge->query->since_cursor, &cursor)) &&
           collect_ends(merge, ends) && collect_messages(merge, &list, &more);
    if (good) {
        write_reply(merge, &list, more, ends, &cursor, out);
    }
    rt_merge_free(&list);
    free(ends);
    return good && !out->failed;
}

/* Merging alert.list: messages in the order they were published, each with the cursor that stands
 * after it.
 *
 * Messages of this daemon's life stand in its chain (chain.h): their place and their cursor come
 * from there, so that the list shows what was on the wire. Older ones come before those, by
 * (published, log, sequence), and their cursor grows message by message from `since`.
 *
 * A cursor must name every log that is older than one it names, or a reader would take that log as
 * seen (cursor.h): so before it names log L it names, at 0, all known logs up to L, and all of this
 * generation if L is one of them. When it is full, its oldest log is dropped: the logs of an old
 * generation are through by then. */
#include <math.h>
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

/* [log, sequence, published, map] */
static bool read_message(struct rt_reader *reader, struct rt_merge_item *item)
{
    int64_t log, sequence, published;
    uint32_t four;

    if (!rt_read_array(reader, &four) || four != 4 || !rt_read_int(reader, &log) ||
        !rt_read_int(reader, &sequence) || !rt_read_int(reader, &published) ||
        !rt_read_skip(reader, &item->map)) {
        return false;
    }
    item->log = (uint32_t)log;
    item->sequence = (uint64_t)sequence;
    item->key = (double)published;
    item->first = log;
    item->second = item->sequence;
    return log > 0 && log <= UINT32_MAX && sequence >= 0;
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
    return true;
}

/* ---- the order on the wire --------------------------------------------------------------------
 */

static int by_message(const void *left, const void *right)
{
    const struct rt_merge_item *a = left, *b = right;

    if (a->log != b->log) {
        return a->log < b->log ? -1 : 1;
    }
    return (a->sequence > b->sequence) - (a->sequence < b->sequence);
}

static struct rt_merge_item *find_message(struct rt_merge_list *list,
                                          const struct rt_chain_link *link)
{
    const struct rt_merge_item wanted = {.log = link->log, .sequence = link->sequence};

    return bsearch(&wanted, list->items, list->count, sizeof wanted, by_message);
}

/* Messages of the chain get their place there as their order, after all older ones. */
static void order_by_chain(const struct rt_chain *chain, struct rt_merge_list *list)
{
    if (list->count == 0) {
        return;
    }
    qsort(list->items, list->count, sizeof *list->items, by_message);
    for (size_t i = 0; i < chain->count; i++) {
        struct rt_merge_item *item = find_message(list, &chain->links[i]);

        if (item != NULL) {
            item->key = INFINITY;
            item->first = (int64_t)i;
            item->second = 0;
        }
    }
    rt_merge_sort(list);
}

/* ---- cursors ----------------------------------------------------------------------------------
 */

static void advance(struct rt_cursor *cursor, uint32_t log, uint64_t sequence)
{
    while (!rt_cursor_advance(cursor, log, sequence)) {
        memmove(&cursor->at[0], &cursor->at[1], --cursor->count * sizeof cursor->at[0]);
    }
}

static void advance_past(const struct rt_merge *merge, const struct ends *ends, uint32_t log,
                         uint64_t sequence, struct rt_cursor *cursor)
{
    uint32_t last = log < merge->log ? log : merge->log + merge->count - 1;

    for (uint32_t i = 0; i < ends->count && ends->at[i].log <= last; i++) {
        advance(cursor, ends->at[i].log, 0);
    }
    advance(cursor, log, sequence);
}

/* Walks along the list and the chain at once. */
struct walk {
    struct rt_cursor cursor; /* from `since` on, past every message that was listed */
    struct rt_cursor chain;  /* after the link before `place` */
    size_t place;
};

static void step(const struct rt_merge *merge, const struct ends *ends,
                 const struct rt_merge_item *item, struct walk *walk)
{
    if (!isinf(item->key)) {
        advance_past(merge, ends, item->log, item->sequence, &walk->cursor);
        return;
    }
    for (; walk->place <= (size_t)item->first; walk->place++) {
        rt_cursor_advance(&walk->chain, merge->chain->links[walk->place].log,
                          merge->chain->links[walk->place].sequence);
    }
    for (uint32_t i = 0; i < walk->chain.count; i++) {
        advance(&walk->cursor, walk->chain.at[i].log, walk->chain.at[i].sequence);
    }
}

static void write_messages(const struct rt_merge *merge, const struct rt_merge_list *list,
                           uint32_t count, const struct ends *ends, struct walk *walk,
                           struct rt_buffer *out)
{
    char text[RT_CURSOR_TEXT];

    rt_write_text(out, "alerts");
    rt_write_array(out, count);
    for (uint32_t i = 0; i < count; i++) {
        bool on_the_wire = isinf(list->items[i].key);
        size_t size;

        step(merge, ends, &list->items[i], walk);
        size = rt_cursor_encode(on_the_wire ? &walk->chain : &walk->cursor, text);
        if (!rt_alert_with_cursor(out, list->items[i].map, rt_span(text, size))) {
            out->failed = true;
        }
    }
}

static void write_reply(const struct rt_merge *merge, const struct rt_merge_list *list, bool more,
                        const struct ends *ends, struct walk *walk, struct rt_buffer *out)
{
    uint32_t limit = merge->query->limit;
    uint32_t count = list->count < limit ? list->count : limit;
    char text[RT_CURSOR_TEXT];
    size_t size;

    rt_write_map(out, 3);
    rt_write_key_bool(out, "ok", true);
    write_messages(merge, list, count, ends, walk, out);
    if (!more && count == list->count) { /* nothing was cut: all there is has been seen */
        for (uint32_t i = 0; i < ends->count; i++) {
            advance(&walk->cursor, ends->at[i].log, ends->at[i].sequence);
        }
    }
    size = rt_cursor_encode(&walk->cursor, text);
    rt_write_key_str(out, "cursor", rt_span(text, size));
}

bool rt_merge_alerts(const struct rt_merge *merge, struct rt_buffer *out)
{
    struct rt_merge_list list = {0};
    struct walk walk = {.chain = merge->chain->base};
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
            rt_cursor_decode(merge->query->since_cursor, &walk.cursor)) &&
           collect_ends(merge, ends) && collect_messages(merge, &list, &more);
    if (good) {
        order_by_chain(merge->chain, &list);
        write_reply(merge, &list, more, ends, &walk, out);
    }
    rt_merge_free(&list);
    free(ends);
    return good && !out->failed;
}

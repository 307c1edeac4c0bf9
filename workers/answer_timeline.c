/* account.timeline: a walk back along the account's chain in the journal, the asked slice kept in a
 * heap, newest first.
 *
 * What was set by hand stands in the same chain, newest first: it comes with the first page.
 *
 * The order is by (ts, id, source), descending: a function of the set of events. `after` is that
 * key of the last event of the page before, as text: "ts:length of id:id source". */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "workers/answer.h"
#include "workers/command.h"
#include "workers/voids.h"

struct entry {
    int64_t ts;
    struct rt_span id, source, raw;
};

struct page {
    struct entry *heap; /* the oldest of the chosen at the top */
    size_t count, limit;
    bool more;
    struct rt_buffer overrides; /* maps, at most `limit` */
    uint32_t override_count;
    struct rt_voids voids;
    struct rt_buffer voided; /* maps, at most `limit` */
    uint32_t voided_count;
};

static int compare(const struct entry *a, const struct entry *b)
{
    int order;

    if (a->ts != b->ts)
        return a->ts < b->ts ? -1 : 1;
    order = rt_span_compare(a->id, b->id);
    return order != 0 ? order : rt_span_compare(a->source, b->source);
}

static void sift_down(struct page *page, size_t at)
{
    for (;;) {
        size_t child = 2 * at + 1;
        struct entry moved;

        if (child >= page->count)
            return;
        if (child + 1 < page->count && compare(&page->heap[child + 1], &page->heap[child]) < 0)
            child++;
        if (compare(&page->heap[at], &page->heap[child]) <= 0)
            return;
        moved = page->heap[at];
        page->heap[at] = page->heap[child];
        page->heap[child] = moved;
        at = child;
    }
}

static void sift_up(struct page *page, size_t at)
{
    while (at > 0 && compare(&page->heap[at], &page->heap[(at - 1) / 2]) < 0) {
        struct entry moved = page->heap[at];

        page->heap[at] = page->heap[(at - 1) / 2];
        page->heap[(at - 1) / 2] = moved;
        at = (at - 1) / 2;
    }
}

static void offer(struct page *page, const struct entry *entry)
{
    if (page->count < page->limit) {
        page->heap[page->count++] = *entry;
        sift_up(page, page->count - 1);
        return;
    }
    page->more = true;
    if (compare(entry, &page->heap[0]) > 0) {
        page->heap[0] = *entry;
        sift_down(page, 0);
    }
}

static int newest_first(const void *a, const void *b)
{
    return -compare(a, b);
}

static bool parse_after(struct rt_span text, struct entry *after)
{
    struct rt_span rest = text;
    char number[48];
    int64_t ts;
    size_t length;
    int end = 0;

    memcpy(number, text.data, text.size < sizeof(number) - 1 ? text.size : sizeof(number) - 1);
    number[text.size < sizeof(number) - 1 ? text.size : sizeof(number) - 1] = '\0';
    if (sscanf(number, "%" SCNd64 ":%zu:%n", &ts, &length, &end) < 2 || end == 0)
        return false;
    rest.data += end;
    rest.size -= (size_t)end;
    if (length > rest.size)
        return false;
    *after = (struct entry){.ts = ts,
                            .id = rt_span(rest.data, length),
                            .source = rt_span(rest.data + length, rest.size - length)};
    return true;
}

static void write_after(struct rt_buffer *out, const struct entry *last)
{
    char text[48 + RT_ID_BYTES + RT_SOURCE_BYTES];
    int size = snprintf(text, 48, "%" PRId64 ":%zu:", last->ts, last->id.size);

    memcpy(text + size, last->id.data, last->id.size);
    if (last->source.size > 0)
        memcpy(text + size + last->id.size, last->source.data, last->source.size);
    rt_write_key_str(out, "after", rt_span(text, (size_t)size + last->id.size + last->source.size));
}

/* {"ts", "by", "reason"} and of one that was set what it is and its `until`, else "ended": true. */
static void write_override(struct rt_buffer *out, const struct rt_command *command)
{
    const struct rt_override *override = &command->override;
    bool set = command->kind == RT_COMMAND_OVERRIDE;

    rt_write_map(out, set ? 5 : 4);
    rt_write_key_int(out, "ts", command->ts);
    rt_write_key_str(out, "by", command->by);
    rt_write_key_str(out, "reason", command->note);
    if (!set) {
        rt_write_key_bool(out, "ended", true);
        return;
    }
    rt_write_key_int(out, "until", command->until);
    if (override->form == RT_OVERRIDE_SCORE)
        rt_write_key_double(out, "score", override->score);
    else
        rt_write_key_text(out, "band", rt_band_name(override->band));
}

static void take_command(const struct rt_query *query, struct rt_span body, struct page *page)
{
    struct rt_command command;

    if (query->after.data != NULL || page->override_count == page->limit ||
        !rt_command_decode(body, &command) ||
        (command.kind != RT_COMMAND_OVERRIDE && command.kind != RT_COMMAND_OVERRIDE_END) ||
        (query->has_since && command.ts < query->since) ||
        (query->has_until && command.ts >= query->until))
        return;
    write_override(&page->overrides, &command);
    page->override_count++;
}

/* {"ts", "by", "reason", "event"}: of an event in the asked time that was taken back. */
static void take_voided(struct rt_core *core, const struct rt_query *query,
                        const struct rt_event *event, const struct rt_void *taken,
                        struct page *page)
{
    struct rt_buffer *out = &page->voided;
    struct rt_command command;
    struct rt_record record;

    if (query->after.data != NULL || page->voided_count == page->limit ||
        (query->has_since && event->ts < query->since) ||
        (query->has_until && event->ts >= query->until) ||
        !core->store.read(core->store.context, taken->command, &record) ||
        !rt_command_decode(record.body, &command))
        return;
    rt_write_map(out, 4);
    rt_write_key_int(out, "ts", command.ts);
    rt_write_key_str(out, "by", command.by);
    rt_write_key_str(out, "reason", command.note);
    rt_write_text(out, "event");
    rt_write_raw(out, event->raw);
    page->voided_count++;
}

static void collect(struct rt_core *core, const struct rt_account *account,
                    const struct rt_query *query, const struct entry *after, struct page *page)
{
    struct rt_record record = {.previous = rt_account_chain(account)};

    while (record.previous != 0 &&
           core->store.read(core->store.context, record.previous, &record)) {
        const struct rt_void *taken;
        struct rt_event event;
        struct rt_fault fault;
        struct entry entry;

        if (record.type == RT_RECORD_COMMAND)
            take_command(query, record.body, page);
        if (!rt_voids_note(&page->voids, &record))
            page->voided.failed = true;
        if (record.type != RT_RECORD_EVENT ||
            rt_event_decode_accepted(record.body, &event, &fault) != RT_OK)
            continue;
        taken = rt_voids_find(&page->voids, record.position);
        if (taken != NULL) {
            take_voided(core, query, &event, taken, page);
            continue;
        }
        entry = (struct entry){event.ts, event.id, event.source, event.raw};
        if ((query->has_since && entry.ts < query->since) ||
            (query->has_until && entry.ts >= query->until) ||
            (after != NULL && compare(&entry, after) >= 0))
            continue;
        offer(page, &entry);
    }
}

static void write_page(struct page *page, struct rt_buffer *out)
{
    qsort(page->heap, page->count, sizeof(*page->heap), newest_first);
    rt_write_map(out, 2 + page->more + (page->override_count > 0) + (page->voided_count > 0));
    rt_write_key_bool(out, "ok", true);
    rt_write_text(out, "events");
    rt_write_array(out, (uint32_t)page->count);
    for (size_t i = 0; i < page->count; i++)
        rt_write_raw(out, page->heap[i].raw);
    if (page->override_count > 0) {
        rt_write_text(out, "overrides");
        rt_write_array(out, page->override_count);
        rt_buffer_append(out, page->overrides.data, page->overrides.size);
    }
    if (page->voided_count > 0) {
        rt_write_text(out, "voided");
        rt_write_array(out, page->voided_count);
        rt_buffer_append(out, page->voided.data, page->voided.size);
    }
    out->failed = out->failed || page->overrides.failed || page->voided.failed;
    if (page->more)
        write_after(out, &page->heap[page->count - 1]);
}

void rt_answer_timeline(struct rt_core *core, const struct rt_query *query, struct rt_buffer *out)
{
    const struct rt_account *account = rt_core_find(core, query->account);
    struct page page = {.limit = query->limit};
    struct entry after;

    if (!rt_answer_sees(query, account)) {
        rt_query_error(out, RT_DENIED, "account: this key may not see it");
        return;
    }
    if (account == NULL) {
        rt_query_error(out, RT_NOT_FOUND, "no such account");
        return;
    }
    if (query->after.data != NULL && !parse_after(query->after, &after)) {
        rt_query_error(out, RT_BAD_REQUEST, "after: is not what an earlier answer gave");
        return;
    }
    page.heap = malloc(page.limit * sizeof(*page.heap));
    if (page.heap == NULL) {
        rt_query_error(out, RT_BUSY, "out of memory");
        return;
    }
    collect(core, account, query, query->after.data != NULL ? &after : NULL, &page);
    write_page(&page, out);
    rt_buffer_free(&page.overrides);
    rt_buffer_free(&page.voided);
    rt_voids_free(&page.voids);
    free(page.heap);
}

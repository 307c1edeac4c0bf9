#include "workers/scan.h"

#include <math.h>
#include <stdlib.h>

#include "protocol/cursor.h"
#include "workers/answer.h"

bool rt_scan_wanted(const struct rt_query *query)
{
    return query->op == RT_ACCOUNT_LIST || query->op == RT_REPORT_PORTFOLIO ||
           query->op == RT_REPORT_MANAGEMENT || query->op == RT_ALERT_LIST;
}

static bool is_history(const struct rt_query *query)
{
    return query->op == RT_ALERT_LIST && !query->open;
}

/* `after` of a list in another order than by name is "moment:key:name": the moment is the daemon's
 * business, the key is as in struct rt_scan_item. */
static bool parse_after(struct rt_scan *scan)
{
    struct rt_span after = scan->query.after;
    const uint8_t *colon;
    char number[40], *end;
    size_t length;

    scan->after_name = after;
    if (after.data == NULL || scan->query.sort == RT_SORT_ACCOUNT)
        return true;
    colon = memchr(after.data, ':', after.size);
    if (colon == NULL)
        return false;
    after.size -= (size_t)(colon + 1 - after.data);
    after.data = colon + 1;
    colon = memchr(after.data, ':', after.size);
    if (colon == NULL || (length = (size_t)(colon - after.data)) >= sizeof(number) || length == 0)
        return false;
    memcpy(number, after.data, length);
    number[length] = '\0';
    scan->after_key = strtod(number, &end);
    scan->after_name = rt_span(colon + 1, after.size - length - 1);
    return *end == '\0' && !isnan(scan->after_key);
}

/* Copies the request and decodes the copy. */
static enum rt_error take_request(struct rt_scan *scan, struct rt_span payload,
                                  struct rt_span owners, struct rt_fault *fault)
{
    enum rt_error code;

    rt_buffer_append(&scan->payload, payload.data, payload.size);
    if (owners.size > 0)
        rt_buffer_append(&scan->payload, owners.data, owners.size);
    if (scan->payload.failed)
        return rt_fault_set(fault, RT_BUSY, "out of memory");
    code = rt_query_decode(rt_span(scan->payload.data, payload.size), &scan->query, fault);
    scan->query.owners = rt_span(scan->payload.data + payload.size, owners.size);
    return code;
}

struct rt_scan *rt_scan_new(const struct rt_core *core, struct rt_span payload,
                            struct rt_span owners, uint64_t tag, int64_t now,
                            struct rt_fault *fault)
{
    struct rt_scan *scan = calloc(1, sizeof(*scan));

    if (scan == NULL)
        goto no_memory;
    if (take_request(scan, payload, owners, fault) != RT_OK)
        goto refused;
    scan->tag = tag;
    scan->now = now;
    scan->limit = (size_t)scan->query.limit + 1; /* one more tells that there is more */
    scan->items = malloc(scan->limit * sizeof(*scan->items));
    if (scan->items == NULL)
        goto no_memory;
    if (scan->query.op == RT_REPORT_MANAGEMENT &&
        (scan->management = rt_management_new(scan->query.limit)) == NULL)
        goto no_memory;
    if (scan->query.since_cursor.data != NULL &&
        !rt_cursor_decode(scan->query.since_cursor, &scan->since)) {
        rt_fault_set(fault, RT_BAD_REQUEST, "since: is no cursor");
        goto refused;
    }
    if (!parse_after(scan)) {
        rt_fault_set(fault, RT_BAD_REQUEST, "after: is not what an earlier answer gave");
        goto refused;
    }
    rt_scan_restart(scan, core);
    return scan;
no_memory:
    rt_fault_set(fault, RT_BUSY, "out of memory");
refused:
    rt_scan_free(scan);
    return NULL;
}

void rt_scan_free(struct rt_scan *scan)
{
    if (scan == NULL)
        return;
    rt_buffer_free(&scan->payload);
    rt_alert_history_free(&scan->history);
    rt_management_free(scan->management);
    free(scan->items);
    free(scan);
}

void rt_scan_restart(struct rt_scan *scan, const struct rt_core *core)
{
    rt_alert_history_begin(&scan->history, core, scan->query.since_cursor.data != NULL,
                           scan->since);
    scan->partition = 0;
    scan->count = 0;
    scan->report = (struct rt_report){0};
    if (scan->management != NULL)
        rt_management_reset(scan->management);
}

/* ---- the first `limit` in order -------------------------------------------------------------- */

static int compare_place(double key, struct rt_span name, double other_key,
                         struct rt_span other_name)
{
    if (key != other_key)
        return key < other_key ? -1 : 1;
    return rt_span_compare(name, other_name);
}

static int compare(const struct rt_scan_item *a, const struct rt_scan_item *b)
{
    if (a->number != b->number) /* alerts: in the order they were published */
        return a->number < b->number ? -1 : 1;
    return compare_place(a->key, rt_account_name(a->account), b->key, rt_account_name(b->account));
}

static void swap(struct rt_scan_item *a, struct rt_scan_item *b)
{
    struct rt_scan_item moved = *a;

    *a = *b;
    *b = moved;
}

static void sift_up(struct rt_scan *scan, size_t at)
{
    while (at > 0 && compare(&scan->items[at], &scan->items[(at - 1) / 2]) > 0) {
        swap(&scan->items[at], &scan->items[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static void sift_down(struct rt_scan *scan, size_t at)
{
    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= scan->count)
            return;
        if (child + 1 < scan->count && compare(&scan->items[child + 1], &scan->items[child]) > 0)
            child++;
        if (compare(&scan->items[at], &scan->items[child]) >= 0)
            return;
        swap(&scan->items[at], &scan->items[child]);
        at = child;
    }
}

static void offer(struct rt_scan *scan, const struct rt_scan_item *item)
{
    if (scan->count < scan->limit) {
        scan->items[scan->count++] = *item;
        sift_up(scan, scan->count - 1);
    } else if (compare(item, &scan->items[0]) < 0) {
        scan->items[0] = *item;
        sift_down(scan, 0);
    }
}

static int in_order(const void *a, const void *b)
{
    return compare(a, b);
}

/* ---- what is asked --------------------------------------------------------------------------- */

static bool has_text(const struct rt_account *account, enum rt_profile_key key,
                     struct rt_span wanted)
{
    struct rt_profile_value value;

    if (wanted.data == NULL)
        return true;
    value = rt_account_profile(account, key);
    if (value.presence != RT_KEY_SET)
        return key == RT_PROFILE_OWNER && rt_span_is(wanted, "-");
    return rt_span_equal(value.text, wanted);
}

static double sort_key(const struct rt_scan *scan, const struct rt_account *account, double score)
{
    struct rt_profile_value value;

    switch (scan->query.sort) {
    case RT_SORT_SCORE:
        return score;
    case RT_SORT_SCORE_DOWN:
        return -score;
    case RT_SORT_VALUE: /* the largest first, those without one last */
        value = rt_account_profile(account, RT_PROFILE_VALUE);
        return value.presence == RT_KEY_SET ? -value.value : INFINITY;
    case RT_SORT_RENEWAL: /* the soonest first, those without one last */
        value = rt_account_profile(account, RT_PROFILE_RENEWAL);
        return value.presence == RT_KEY_SET ? (double)value.renewal : INFINITY;
    default:
        return 0;
    }
}

static bool needs_score(const struct rt_query *query)
{
    return query->has_band || query->sort == RT_SORT_SCORE || query->sort == RT_SORT_SCORE_DOWN;
}

static void look_at_account(struct rt_scan *scan, const struct rt_core *core,
                            const struct rt_account *account)
{
    const struct rt_query *query = &scan->query;
    struct rt_scan_item item = {.account = account};
    double score = 0;

    if (!has_text(account, RT_PROFILE_OWNER, query->owner) ||
        !has_text(account, RT_PROFILE_TIER, query->tier))
        return;
    if (needs_score(query))
        score = rt_score_value(rt_account_tier(account, core->config), account, scan->now);
    if (query->has_band && rt_band_of(score) != query->band)
        return;
    item.key = sort_key(scan, account, score);
    if (query->after.data == NULL ||
        compare_place(item.key, rt_account_name(account), scan->after_key, scan->after_name) > 0)
        offer(scan, &item);
}

static void look_at_alerts(struct rt_scan *scan, const struct rt_account *account)
{
    const struct rt_query *query = &scan->query;

    if ((query->account.data != NULL && !rt_span_equal(query->account, rt_account_name(account))) ||
        !has_text(account, RT_PROFILE_OWNER, query->owner))
        return;
    for (size_t i = 0; i < rt_account_episodes(account); i++) {
        const struct rt_episode *episode = rt_account_episode(account, i);
        struct rt_scan_item item = {
            .account = account, .kind = episode->kind, .number = episode->number};

        if (episode->number <= scan->since || (query->has_kind && episode->kind != query->kind) ||
            (query->has_severity && episode->severity != query->severity))
            continue;
        offer(scan, &item);
    }
}

static void look_at_standing(struct rt_scan *scan, const struct rt_core *core,
                             const struct rt_account *account)
{
    const struct rt_query *query = &scan->query;

    if (has_text(account, RT_PROFILE_OWNER, query->owner) &&
        has_text(account, RT_PROFILE_TIER, query->tier) &&
        has_text(account, RT_PROFILE_REGION, query->region))
        rt_management_take(scan->management, core, &scan->curves, account, scan->now);
}

static void look_at(struct rt_scan *scan, const struct rt_core *core,
                    const struct rt_account *account)
{
    if (!rt_answer_sees(&scan->query, account))
        return;
    if (scan->query.op == RT_ALERT_LIST)
        look_at_alerts(scan, account);
    else if (scan->query.op == RT_ACCOUNT_LIST)
        look_at_account(scan, core, account);
    else if (scan->query.op == RT_REPORT_MANAGEMENT)
        look_at_standing(scan, core, account);
    else if (has_text(account, RT_PROFILE_OWNER, scan->query.owner))
        rt_report_take(&scan->report, core, account, scan->now);
}

bool rt_scan_step(struct rt_scan *scan, const struct rt_core *core)
{
    const struct rt_table *table;

    if (is_history(&scan->query))
        return rt_alert_history_step(&scan->history, core, &scan->query);
    while (scan->partition < core->partitions && core->shards[scan->partition] == NULL)
        scan->partition++;
    if (scan->partition >= core->partitions)
        return true;
    if (scan->management != NULL)
        rt_core_curves(core, scan->partition, &scan->curves);
    table = &core->shards[scan->partition++]->table;
    for (size_t at = 0; at < table->capacity; at++)
        if (table->hashes[at] != 0)
            look_at(scan, core, table->accounts[at]);
    rt_curve_table_free(&scan->curves);
    return scan->partition >= core->partitions;
}

/* ---- the answer ------------------------------------------------------------------------------ */

static void write_accounts(const struct rt_scan *scan, const struct rt_core *core,
                           struct rt_buffer *out)
{
    rt_write_map(out, 2);
    rt_write_key_bool(out, "ok", true);
    rt_write_text(out, "accounts");
    rt_write_array(out, (uint32_t)scan->count);
    for (size_t i = 0; i < scan->count; i++)
        rt_report_line_write(core, scan->items[i].account, scan->now, out);
}

/* [number, map] of one open episode; false if it moved meanwhile. */
static bool write_open(struct rt_core *core, const struct rt_scan_item *item, int64_t now,
                       struct rt_buffer *out)
{
    const struct rt_episode *episode = rt_account_episode_of(item->account, item->kind);

    if (episode == NULL || episode->number != item->number)
        return false;
    rt_write_array(out, 2);
    rt_write_int(out, (int64_t)episode->number);
    rt_answer_episode(core, item->account, episode, now, false, out);
    return true;
}

static void write_alerts(const struct rt_scan *scan, struct rt_core *core, struct rt_buffer *out)
{
    size_t limit = scan->query.limit, mark;
    uint32_t written = 0;

    rt_write_map(out, 3);
    rt_write_key_bool(out, "ok", true);
    rt_write_text(out, "alerts");
    mark = rt_write_array_begin(out);
    for (size_t i = 0; i < scan->count && i < limit; i++)
        written += write_open(core, &scan->items[i], scan->now, out);
    rt_write_end(out, mark, written);
    rt_write_key_bool(out, "more", scan->count > limit);
}

void rt_scan_answer(struct rt_scan *scan, struct rt_core *core, struct rt_buffer *out)
{
    qsort(scan->items, scan->count, sizeof(*scan->items), in_order);
    if (is_history(&scan->query))
        rt_alert_history_answer(&scan->history, core, out);
    else if (scan->query.op == RT_ALERT_LIST)
        write_alerts(scan, core, out);
    else if (scan->query.op == RT_ACCOUNT_LIST)
        write_accounts(scan, core, out);
    else if (scan->query.op == RT_REPORT_MANAGEMENT)
        rt_management_write(scan->management, core, scan->now, out);
    else
        rt_report_write(&scan->report, core, scan->now, out);
}

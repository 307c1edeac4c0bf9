/* See alert_history.h. */
#include "workers/alert_history.h"

#include "protocol/cursor.h"
#include "workers/answer.h"

enum { AT_ONCE = 256 }; /* entries, each one read of the journal: some hundred microseconds */

void rt_alert_history_begin(struct rt_alert_history *history, const struct rt_core *core,
                            bool from_cursor, uint64_t since)
{
    history->from_cursor = from_cursor;
    history->since = from_cursor ? since : core->alerts.gone; /* what is older is for `open` */
    history->looked = history->since;
    history->found = 0;
    history->more = false;
    rt_buffer_clear(&history->entries);
}

void rt_alert_history_free(struct rt_alert_history *history)
{
    rt_buffer_free(&history->entries);
}

static bool is_asked(const struct rt_query *query, const struct rt_link_alert *message)
{
    if (query->account.data != NULL && !rt_span_equal(query->account, message->account))
        return false;
    if (query->owner.data != NULL &&
        !rt_span_equal(message->owner.size > 0 ? message->owner : rt_span_text("-"), query->owner))
        return false;
    if (!rt_query_sees(query, message->owner))
        return false;
    if (query->has_kind && !rt_span_is(message->kind, rt_alert_kind_name(query->kind)))
        return false;
    return !query->has_severity || rt_span_is(message->severity, rt_severity_name(query->severity));
}

static void look_at(struct rt_alert_history *history, const struct rt_core *core,
                    const struct rt_query *query, const struct rt_alert_entry *entry)
{
    struct rt_link_alert message;
    struct rt_record record;

    if (!core->store.read(core->store.context, entry->position, &record) ||
        !rt_link_alert_decode(record.body, &message) || !is_asked(query, &message))
        return;
    if (history->found == query->limit) {
        history->more = true;
        return;
    }
    rt_write_array(&history->entries, 2);
    rt_write_int(&history->entries, (int64_t)entry->number);
    rt_write_raw(&history->entries, message.map);
    history->found++;
}

bool rt_alert_history_step(struct rt_alert_history *history, const struct rt_core *core,
                           const struct rt_query *query)
{
    const struct rt_alert_log *log = &core->alerts;
    size_t at = rt_alert_log_after(log, history->looked);

    for (size_t end = at + AT_ONCE; at < end; at++) {
        if (at >= log->count || log->entries[at].number == 0) /* those without one come last */
            return true;
        look_at(history, core, query, &log->entries[at]);
        if (history->more || history->entries.failed)
            return true;
        history->looked = log->entries[at].number;
    }
    return false;
}

static void write_gone(const struct rt_core *core, struct rt_buffer *out)
{
    char oldest[RT_CURSOR_TEXT];

    rt_cursor_encode(core->alerts.gone, oldest);
    rt_write_map(out, 4);
    rt_write_key_bool(out, "ok", false);
    rt_write_key_text(out, "error", rt_error_name(RT_CURSOR_GONE));
    rt_write_key_text(out, "message", "alerts after this cursor are not kept any more");
    rt_write_key_text(out, "oldest", oldest);
}

/* Looked at last: what was let go of while the history was read would be missing in silence. */
void rt_alert_history_answer(const struct rt_alert_history *history, const struct rt_core *core,
                             struct rt_buffer *out)
{
    if (history->from_cursor && history->since < core->alerts.gone) {
        write_gone(core, out);
        return;
    }
    out->failed = out->failed || history->entries.failed;
    rt_write_map(out, 3);
    rt_write_key_bool(out, "ok", true);
    rt_write_text(out, "alerts");
    rt_write_array(out, history->found);
    rt_write_raw(out, rt_buffer_span(&history->entries));
    rt_write_key_bool(out, "more", history->more);
}

/* Any bytes as a query: refused with a text, or every key within its limits. */
#include "protocol/assert.h"
#include "protocol/cursor.h"
#include "protocol/limits.h"
#include "protocol/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void text_is_sound(struct rt_span text, size_t least, size_t most)
{
    RT_ASSERT(text.data == NULL ||
              (text.size >= least && text.size <= most && rt_utf8_valid(text)));
}

static void query_is_sound(const struct rt_query *query)
{
    uint64_t cursor;

    RT_ASSERT((unsigned)query->op < RT_OPS && query->limit >= 1 && query->limit <= RT_LIST_MAX);
    text_is_sound(query->account, 1, RT_ACCOUNT_BYTES);
    text_is_sound(query->owner, 1, RT_TEXT_BYTES);
    text_is_sound(query->tier, 1, RT_TEXT_BYTES);
    text_is_sound(query->id, 1, RT_TEXT_BYTES);
    text_is_sound(query->by, 0, RT_TEXT_BYTES);
    text_is_sound(query->note, 0, RT_NOTE_BYTES);
    text_is_sound(query->reason, 1, RT_NOTE_BYTES);
    text_is_sound(query->source, 0, RT_SOURCE_BYTES);
    text_is_sound(query->after, 1, RT_AFTER_BYTES);
    RT_ASSERT(query->since_cursor.data == NULL || rt_cursor_decode(query->since_cursor, &cursor));
    if (query->op == RT_ACCOUNT_GET || query->op == RT_ACCOUNT_TIMELINE ||
        query->op == RT_ACCOUNT_ERASE)
        RT_ASSERT(query->account.data != NULL);
    if (query->op == RT_ALERT_ACK || query->op == RT_ALERT_SNOOZE || query->op == RT_DEAD_GET)
        RT_ASSERT(query->id.data != NULL);
    if (query->op == RT_ACCOUNT_OVERRIDE)
        RT_ASSERT(query->account.data != NULL && query->by.size > 0 && query->reason.size > 0 &&
                  query->has_until && query->has_score != query->has_band);
    if (query->has_score)
        RT_ASSERT(query->score >= 0 && query->score <= 100);
    if (query->op == RT_EVENT_VOID)
        RT_ASSERT(query->account.data != NULL && query->id.data != NULL && query->by.size > 0);
}

/* An id that parses is the one text of what it parses to. */
static void episode_is_sound(struct rt_span text)
{
    char again[40];
    uint32_t partition;
    uint64_t sequence;

    if (rt_episode_parse(text, &partition, &sequence))
        RT_ASSERT(
            rt_span_equal(text, rt_span(again, rt_episode_format(partition, sequence, again))));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct rt_span payload = rt_span(data, size);
    struct rt_query query, internal;
    struct rt_fault fault;
    enum rt_error code = rt_query_decode(payload, &query, &fault);
    enum rt_error internal_code = rt_query_decode_internal(payload, &internal, &fault);

    RT_ASSERT(internal_code == code || code == RT_UNKNOWN_OP);
    RT_ASSERT(code == RT_OK || code == RT_BAD_REQUEST || code == RT_UNKNOWN_OP);
    RT_ASSERT(internal_code == RT_OK || (fault.code == internal_code && fault.text[0] != 0));
    if (code == RT_OK) {
        RT_ASSERT(query.op != RT_DEAD_GET);
        query_is_sound(&query);
    }
    if (internal_code == RT_OK)
        query_is_sound(&internal);
    episode_is_sound(payload);
    return 0;
}

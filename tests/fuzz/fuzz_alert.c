/* Any bytes as an alert: what decodes takes a cursor, and says the same after it was encoded again.
 */
#include "protocol/alert.h"
#include "protocol/assert.h"
#include "protocol/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned dots(struct rt_span text)
{
    unsigned count = 0;

    for (size_t i = 0; i < text.size; i++) {
        count += text.data[i] == '.';
        RT_ASSERT(text.data[i] >= 0x20 && text.data[i] != 0x7f);
    }
    return count;
}

/* However a customer is called, the levels of a topic stay where they are. */
static void topics_are_sound(const struct rt_alert *alert, struct rt_buffer *buffer)
{
    const struct rt_topic parts = {.owner = alert->owner,
                                   .severity = rt_span_text(rt_severity_name(alert->severity)),
                                   .kind = rt_span_text(rt_alert_kind_name(alert->kind)),
                                   .account = alert->account};

    rt_buffer_clear(buffer);
    rt_alert_topic(buffer, RT_TREE_ALERT, &parts);
    RT_ASSERT(dots(rt_buffer_span(buffer)) == 3);
    rt_buffer_clear(buffer);
    rt_alert_topic(buffer, RT_TREE_OWNER, &parts);
    RT_ASSERT(dots(rt_buffer_span(buffer)) == 4);
}

static void encodes_to_the_same(const struct rt_alert *alert, struct rt_buffer *buffer)
{
    struct rt_alert again;

    rt_buffer_clear(buffer);
    rt_alert_encode(buffer, alert);
    RT_ASSERT(rt_msgpack_check(rt_buffer_span(buffer), RT_NESTING));
    RT_ASSERT(rt_alert_decode(rt_buffer_span(buffer), &again));
    RT_ASSERT(rt_span_equal(again.id, alert->id) && rt_span_equal(again.account, alert->account));
    RT_ASSERT(again.kind == alert->kind && again.severity == alert->severity &&
              again.state == alert->state);
    RT_ASSERT(again.ts == alert->ts && again.published == alert->published);
    RT_ASSERT(again.score == alert->score && again.worsens == alert->worsens);
    RT_ASSERT((again.owner.data == NULL) == (alert->owner.data == NULL));
    RT_ASSERT((again.ack.by.data == NULL) == (alert->ack.by.data == NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct rt_span map = rt_span(data, size);
    struct rt_buffer buffer = {0};
    struct rt_alert alert;

    if (rt_alert_with_cursor(&buffer, map, rt_span_text("657d0a2c41b3f")) &&
        rt_msgpack_check(map, RT_NESTING))
        RT_ASSERT(rt_msgpack_check(rt_buffer_span(&buffer), RT_NESTING));
    if (rt_alert_decode(map, &alert)) {
        struct rt_alert with_cursor;

        RT_ASSERT(rt_alert_decode(rt_buffer_span(&buffer), &with_cursor));
        topics_are_sound(&alert, &buffer);
        encodes_to_the_same(&alert, &buffer);
    }
    rt_buffer_free(&buffer);
    return 0;
}

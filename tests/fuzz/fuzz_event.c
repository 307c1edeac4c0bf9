/* Any bytes as one event: a fault with its text, or an event that keeps every rule. */
#include <math.h>

#include "protocol/assert.h"
#include "protocol/event.h"
#include "protocol/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int64_t NOW = INT64_C(1767225600000);

static void fault_is_told(enum rt_error code, const struct rt_fault *fault)
{
    RT_ASSERT(code == RT_BAD_EVENT || code == RT_MISSING_FIELD || code == RT_BAD_FIELD ||
              code == RT_TS_IN_FUTURE);
    RT_ASSERT(fault->code == code);
    RT_ASSERT(memchr(fault->text, 0, sizeof(fault->text)) != NULL &&
              strstr(fault->text, ": ") != NULL);
    RT_ASSERT(rt_utf8_valid(rt_span_text(fault->text)));
}

/* Absent, or within its limits and the event's bytes. */
static void text_is_sound(const struct rt_event *event, struct rt_span text, size_t least,
                          size_t most)
{
    if (text.data == NULL)
        return;
    RT_ASSERT(text.size >= least && text.size <= most && rt_utf8_valid(text));
    RT_ASSERT(text.size == 0 || (text.data >= event->raw.data &&
                                 text.data + text.size <= event->raw.data + event->raw.size));
}

static void profile_is_sound(const struct rt_event *event)
{
    for (int i = 0; i < RT_PROFILE_KEYS; i++) {
        const struct rt_profile_value *value = &event->profile[i];

        RT_ASSERT(event->type == RT_ACCOUNT || value->presence == RT_KEY_ABSENT);
        if (value->presence != RT_KEY_SET)
            continue;
        RT_ASSERT(value->renewal >= 0 && value->value >= 0 && isfinite(value->value));
        if (i != RT_PROFILE_CONTACTS)
            text_is_sound(event, value->text, 1, RT_TEXT_BYTES);
    }
}

static void event_is_sound(const struct rt_event *event)
{
    struct rt_span account, source;

    RT_ASSERT(event->id.data != NULL && event->account.data != NULL && event->source.data != NULL);
    text_is_sound(event, event->id, 1, RT_ID_BYTES);
    text_is_sound(event, event->account, 1, RT_ACCOUNT_BYTES);
    text_is_sound(event, event->source, 0, RT_SOURCE_BYTES);
    text_is_sound(event, event->contact, 1, RT_TEXT_BYTES);
    text_is_sound(event, event->agent, 1, RT_TEXT_BYTES);
    text_is_sound(event, event->thread, 1, RT_TEXT_BYTES);
    text_is_sound(event, event->ticket, 1, RT_TICKET_BYTES);
    RT_ASSERT((event->type == RT_TICKET) == (event->ticket.data != NULL));
    RT_ASSERT((event->type == RT_TICKET) == (event->action != RT_ACTION_NONE));
    RT_ASSERT((event->type == RT_CALL || event->type == RT_VISIT) ==
              (event->outcome != RT_OUTCOME_NONE));
    RT_ASSERT(event->ts >= 0 && event->ts <= NOW + RT_FUTURE_MS);
    RT_ASSERT(event->sentiment >= -1 && event->sentiment <= 1);
    RT_ASSERT(event->duration >= 0 && event->wait >= 0);
    RT_ASSERT(event->severity >= 0 && event->severity <= 4 && event->csat >= 0 && event->csat <= 5);
    RT_ASSERT(rt_event_account(event->raw, &account) && account.data == event->account.data);
    RT_ASSERT(rt_event_source(event->raw, &source) && rt_span_equal(source, event->source));
    profile_is_sound(event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct rt_span bytes = rt_span(data, size);
    struct rt_event event;
    struct rt_fault fault;
    struct rt_span account;
    enum rt_error code = rt_event_decode(bytes, NOW, RT_EVENT_BYTES, &event, &fault);

    if (code == RT_OK) {
        event_is_sound(&event);
        RT_ASSERT(rt_event_decode_accepted(bytes, &event, &fault) == RT_OK);
    } else {
        fault_is_told(code, &fault);
        (void)rt_event_account(bytes, &account);
        (void)rt_event_source(bytes, &account);
    }
    return 0;
}

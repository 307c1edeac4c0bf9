/* Events by hand, for unit tests of the account, its score and its rules. */
#ifndef RT_TESTS_LIB_INTERACTION_H
#define RT_TESTS_LIB_INTERACTION_H

#include "protocol/limits.h"
#include "tests/lib/history.h"

static inline struct rt_event a_call(int64_t ts)
{
    return (struct rt_event){
        .id = rt_span_text("c"), .type = RT_CALL, .ts = ts, .outcome = RT_ANSWERED};
}

static inline struct rt_event a_missed_call(int64_t ts)
{
    return (struct rt_event){.id = rt_span_text("c"),
                             .type = RT_CALL,
                             .ts = ts,
                             .direction = RT_IN,
                             .outcome = RT_MISSED};
}

static inline struct rt_event a_visit(int64_t ts, enum rt_outcome outcome)
{
    return (struct rt_event){
        .id = rt_span_text("v"), .type = RT_VISIT, .ts = ts, .outcome = outcome};
}

static inline struct rt_event a_mail(int64_t ts, enum rt_direction direction, const char *thread)
{
    return (struct rt_event){.id = rt_span_text("m"),
                             .type = RT_EMAIL,
                             .ts = ts,
                             .direction = direction,
                             .thread = thread == NULL ? rt_span(NULL, 0) : rt_span_text(thread)};
}

static inline struct rt_event with_sentiment(struct rt_event event, double sentiment)
{
    event.has_sentiment = true;
    event.sentiment = sentiment;
    return event;
}

static inline struct rt_event a_ticket(const char *number, int64_t ts, enum rt_action action,
                                       int severity)
{
    return (struct rt_event){.id = rt_span_text("t"),
                             .type = RT_TICKET,
                             .ts = ts,
                             .ticket = rt_span_text(number),
                             .action = action,
                             .severity = severity};
}

static inline struct rt_event a_profile(const char *id, int64_t ts)
{
    return (struct rt_event){.id = rt_span_text(id), .type = RT_ACCOUNT, .ts = ts};
}

static inline struct rt_event with_text(struct rt_event event, enum rt_profile_key key,
                                        const char *text)
{
    event.profile[key] =
        (struct rt_profile_value){.presence = RT_KEY_SET, .text = rt_span_text(text)};
    return event;
}

static inline struct rt_event with_renewal(struct rt_event event, int64_t renewal)
{
    event.profile[RT_PROFILE_RENEWAL] =
        (struct rt_profile_value){.presence = RT_KEY_SET, .renewal = renewal};
    return event;
}

static inline struct rt_event without(struct rt_event event, enum rt_profile_key key)
{
    event.profile[key] = (struct rt_profile_value){.presence = RT_KEY_CLEARED};
    return event;
}

static inline void apply(struct rt_account *account, struct rt_event event)
{
    history_apply(account, &event);
}

/* A call every `gap` days, the last one at `last`. */
static inline struct rt_account *customer(int64_t last, int calls, double gap)
{
    struct rt_account *account = rt_account_new(rt_span_text("acme"));

    for (int i = 0; i < calls; i++)
        apply(account, a_call(last - (int64_t)(i * gap * (double)RT_DAY_MS)));
    return account;
}

#endif

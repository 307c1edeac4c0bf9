/* Each rule as a story: what raises it, to the millisecond, what does not, what it says, what
 * clears it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/lib/interaction.h"
#include "workers/override.h"
#include "workers/rules.h"

static const int64_t NOW = INT64_C(1763800000000);

static struct rt_config config;
static struct rt_judgement judgement;
static struct rt_account *account;

/* ---- telling --------------------------------------------------------------------------------- */

static void take(const struct rt_transition *message, int64_t now)
{
    struct rt_alert alert = {
        .kind = message->kind,
        .severity = message->severity,
        .state = message->state,
        .score = message->score,
        .ts = now,
    };

    assert_true(rt_account_alert(account, &alert, 1, 1));
}

/* What is said at `now`; of one kind, or NULL if nothing is. Everything said is fed back. */
static const struct rt_transition *judge_on(int64_t now, enum rt_judged_on on,
                                            enum rt_alert_kind kind)
{
    const struct rt_transition *found = NULL;

    rt_rules_judge(&config, account, now, on, &judgement);
    assert_true(judgement.deadline > now);
    for (size_t i = 0; i < judgement.count; i++) {
        if (judgement.transitions[i].kind == kind)
            found = &judgement.transitions[i];
        take(&judgement.transitions[i], now);
    }
    return found;
}

static const struct rt_transition *passes(int64_t now, enum rt_alert_kind kind)
{
    return judge_on(now, RT_ON_TIME, kind);
}

/* An event happens and is judged. */
static const struct rt_transition *happens(struct rt_event event, int64_t now,
                                           enum rt_alert_kind kind)
{
    rt_rules_before(&config, account, now);
    apply(account, event);
    return judge_on(now, RT_ON_EVENT, kind);
}

static void assert_says(const struct rt_transition *message, enum rt_alert_state state,
                        enum rt_severity severity, const char *text)
{
    assert_non_null(message);
    assert_int_equal(message->state, state);
    assert_int_equal(message->severity, severity);
    if (strstr(message->text, text) == NULL)
        fail_msg("'%s' does not say '%s'", message->text, text);
}

static bool is_open(enum rt_alert_kind kind)
{
    return rt_account_episode_of(account, kind) != NULL;
}

/* ---- nothing to say -------------------------------------------------------------------------- */

static void test_too_little_is_known(void **state)
{
    (void)state;
    account = customer(NOW, 2, 7);
    for (int day = 0; day < 200; day++)
        passes(NOW + day * RT_DAY_MS, RT_SILENCE);
    assert_int_equal(rt_account_episodes(account), 0);
    assert_true(judgement.deadline == INT64_MAX);
}

static void test_without_any_contact(void **state)
{
    (void)state;
    account = rt_account_new(rt_span_text("acme"));
    assert_null(happens(a_visit(NOW, RT_NO_SHOW), NOW, RT_CHURN_RISK));
    assert_true(judgement.score == 0);
    assert_true(judgement.deadline == INT64_MAX);
    assert_int_equal(rt_account_episodes(account), 0);
}

static void test_dormant_accounts_raise_nothing(void **state)
{
    int64_t now = NOW + 366 * RT_DAY_MS;

    (void)state;
    account = customer(NOW, 20, 7);
    apply(account, with_renewal(a_profile("p", NOW), now + 5 * RT_DAY_MS));
    apply(account, a_ticket("1", NOW - RT_DAY_MS, RT_OPENED, 1));
    passes(now, RT_SILENCE);
    assert_int_equal(judgement.count, 0);
    /* A day earlier all would have been said. */
    passes(NOW + 365 * RT_DAY_MS, RT_SILENCE);
    assert_true(is_open(RT_SILENCE) && is_open(RT_CHURN_RISK) && is_open(RT_TICKET_OVERDUE) &&
                is_open(RT_RENEWAL_RISK));
    /* What is open stays open. */
    passes(now, RT_SILENCE);
    assert_true(is_open(RT_SILENCE) && is_open(RT_CHURN_RISK) && is_open(RT_TICKET_OVERDUE));
}

static void test_churned_accounts_are_left_alone(void **state)
{
    const struct rt_transition *message;

    (void)state;
    account = customer(NOW, 20, 7);
    apply(account, with_renewal(a_profile("o", NOW), NOW + 90 * RT_DAY_MS));
    passes(NOW + 70 * RT_DAY_MS, RT_SILENCE);
    assert_true(is_open(RT_SILENCE) && is_open(RT_RENEWAL_RISK));
    message = happens(with_text(a_profile("p", NOW + 1), RT_PROFILE_STATUS, "churned"),
                      NOW + 70 * RT_DAY_MS, RT_SILENCE);
    assert_says(message, RT_CLEARED, RT_CRITICAL, "has left");
    assert_true(message->publish);
    assert_int_equal(rt_account_episodes(account), 0);
    assert_true(judgement.deadline == INT64_MAX);
    passes(NOW + 100 * RT_DAY_MS, RT_CHURN_RISK);
    assert_int_equal(judgement.count, 0);
}

static void test_describing_what_is_not_open(void **state)
{
    struct rt_transition message;

    (void)state;
    account = customer(NOW, 2, 7);
    rt_rules_describe(&config, account, RT_SILENCE, NOW, &message);
    assert_string_equal(message.text, "");
    assert_int_equal(message.reason_count, 0);
}

/* ---- silence --------------------------------------------------------------------------------- */

static void test_silence_comes_at_its_moment(void **state)
{
    const struct rt_transition *message;
    /* 11 calls, one a day: (10 d + 2 * 14 d) / 12, times 3 */
    int64_t limit = (10 + 28) * RT_DAY_MS / 12 * 3;

    (void)state;
    account = customer(NOW, 11, 1);
    assert_null(happens(a_call(NOW), NOW, RT_SILENCE));
    assert_int_equal(judgement.deadline, NOW + limit + 1);
    assert_null(passes(NOW + limit, RT_SILENCE));
    message = passes(NOW + limit + 1, RT_SILENCE);
    assert_says(message, RT_RAISED, RT_WARNING,
                "Last heard from 9 days ago; this customer is usually in touch every day");
    assert_true(message->publish);
    assert_false(message->has_previous);
    assert_string_equal(message->clears, "a call, visit or mail");
    assert_int_equal(message->worsens, NOW + 2 * limit + 1);
    assert_int_equal(judgement.deadline, NOW + 2 * limit + 1);
    assert_null(passes(NOW + 2 * limit, RT_SILENCE));
    message = passes(NOW + 2 * limit + 1, RT_SILENCE);
    assert_says(message, RT_CHANGED, RT_CRITICAL, "19 days ago");
    assert_true(message->has_previous);
    assert_int_equal(message->worsens, 0);
    message = happens(a_call(NOW + 2 * limit + 2), NOW + 2 * limit + 2, RT_SILENCE);
    assert_says(message, RT_CLEARED, RT_CRITICAL, "No unusual silence any more");
    assert_string_equal(message->clears, "");
}

static void test_silence_is_never_shorter_than_a_week(void **state)
{
    (void)state;
    account = customer(NOW, 200, 1);
    assert_null(happens(a_call(NOW), NOW, RT_SILENCE));
    assert_int_equal(judgement.deadline, NOW + 7 * RT_DAY_MS + 1);
}

static void test_a_single_day_with_an_open_ticket_is_enough(void **state)
{
    (void)state;
    account = customer(NOW, 1, 1);
    apply(account, a_ticket("1", NOW, RT_OPENED, 4));
    /* 3 * 2 * 14 / 2 */
    assert_null(passes(NOW + 42 * RT_DAY_MS, RT_SILENCE));
    assert_non_null(passes(NOW + 42 * RT_DAY_MS + 1, RT_SILENCE));
}

/* ---- churn_risk ------------------------------------------------------------------------------ */

static void six_critical_tickets(void)
{
    static const char *const numbers[] = {"1", "2", "3", "4", "5", "6"};

    for (int i = 0; i < 6; i++)
        apply(account, a_ticket(numbers[i], NOW, RT_OPENED, 1));
}

static void test_six_critical_tickets_after_a_good_year(void **state)
{
    const struct rt_transition *message;

    (void)state;
    account = customer(NOW, 52, 7);
    judge_on(NOW, RT_ON_LOAD, RT_CHURN_RISK);
    rt_rules_before(&config, account, NOW);
    six_critical_tickets();
    message = judge_on(NOW, RT_ON_EVENT, RT_CHURN_RISK);
    assert_says(message, RT_RAISED, RT_WARNING, "6 tickets open");
    assert_string_equal(message->reasons[0].factor, "tickets");
    assert_true(message->reasons[0].points < -40);
    assert_non_null(strstr(message->clears, "health back at 45: resolve ticket"));
    assert_true(message->worsens > NOW);
    for (int i = 0; i < 6; i++) {
        char number[2] = {(char)('1' + i), '\0'};

        message = happens(a_ticket(number, NOW, RT_RESOLVED, 0), NOW, RT_CHURN_RISK);
        if (message != NULL)
            break;
    }
    assert_says(message, RT_CLEARED, RT_WARNING, "again");
    assert_true(message->score >= 45);
}

static void test_time_alone_brings_churn_risk(void **state)
{
    int64_t at;

    (void)state;
    account = customer(NOW, 52, 7);
    for (at = NOW; !is_open(RT_CHURN_RISK); at = judgement.deadline) {
        passes(at, RT_CHURN_RISK);
        assert_true(judgement.score >= 40 || is_open(RT_CHURN_RISK));
    }
    assert_true(judgement.score < 40 && judgement.score > 39.999);
    for (; rt_account_episode_of(account, RT_CHURN_RISK)->severity != RT_CRITICAL;
         at = judgement.deadline)
        passes(at, RT_CHURN_RISK);
    assert_true(judgement.score < 20 && judgement.score > 19.999);
    assert_true(judgement.deadline == INT64_MAX);
}

static void test_between_the_thresholds_it_stays_as_it_was(void **state)
{
    struct rt_tier *tier = &config.tiers[0];

    (void)state;
    account = customer(NOW, 10, 7); /* about 85 */
    tier->churn_below = 90;
    tier->churn_clear = 95;
    assert_non_null(judge_on(NOW, RT_ON_CONFIGURATION, RT_CHURN_RISK));
    tier->churn_below = 60;
    assert_null(judge_on(NOW, RT_ON_CONFIGURATION, RT_CHURN_RISK));
    assert_true(is_open(RT_CHURN_RISK));
    tier->churn_clear = 80;
    assert_non_null(judge_on(NOW, RT_ON_CONFIGURATION, RT_CHURN_RISK));
    assert_false(is_open(RT_CHURN_RISK));
}

static void test_a_near_renewal_makes_it_critical(void **state)
{
    const struct rt_transition *message;

    (void)state;
    account = customer(NOW, 52, 7);
    six_critical_tickets();
    apply(account, with_renewal(a_profile("p", NOW), NOW + 30 * RT_DAY_MS + 5));
    message = judge_on(NOW, RT_ON_EVENT, RT_CHURN_RISK);
    assert_says(message, RT_RAISED, RT_WARNING, "");
    assert_int_equal(message->worsens, NOW + 5);
    assert_null(passes(NOW + 4, RT_CHURN_RISK));
    message = passes(NOW + 5, RT_CHURN_RISK);
    assert_says(message, RT_CHANGED, RT_CRITICAL, "");
}

/* ---- score_drop ------------------------------------------------------------------------------ */

static void test_a_fall_is_raised_by_events_alone(void **state)
{
    const struct rt_transition *message;

    (void)state;
    account = customer(NOW, 52, 7);
    judge_on(NOW, RT_ON_LOAD, RT_SCORE_DROP);
    apply(account, a_ticket("9", NOW, RT_OPENED, 1));
    assert_null(passes(NOW + 1, RT_SCORE_DROP));
    message = judge_on(NOW + 2, RT_ON_EVENT, RT_SCORE_DROP);
    assert_says(message, RT_RAISED, RT_WARNING, "Health fell from 88 to 7");
    assert_non_null(strstr(message->clears, "health back at 81: resolve ticket 9"));
    /* It ends after a week even so. */
    assert_null(passes(NOW + 2 + 7 * RT_DAY_MS - 1, RT_SCORE_DROP));
    assert_says(passes(NOW + 2 + 7 * RT_DAY_MS, RT_SCORE_DROP), RT_CLEARED, RT_WARNING, "");
}

static void test_a_fall_is_over_when_half_is_back(void **state)
{
    const struct rt_transition *message;

    (void)state;
    account = customer(NOW, 52, 7);
    judge_on(NOW, RT_ON_LOAD, RT_SCORE_DROP);
    six_critical_tickets();
    message = judge_on(NOW, RT_ON_EVENT, RT_SCORE_DROP);
    assert_says(message, RT_RAISED, RT_CRITICAL, "Health fell from 88 to 32");
    for (int i = 0; i < 5; i++) {
        char number[2] = {(char)('1' + i), '\0'};

        assert_null(happens(a_ticket(number, NOW, RT_RESOLVED, 0), NOW, RT_SCORE_DROP));
    }
    message = happens(a_ticket("6", NOW, RT_RESOLVED, 0), NOW, RT_SCORE_DROP);
    assert_says(message, RT_CLEARED, RT_CRITICAL, "again");
}

/* Two small falls within nine days are none within seven. */
static void test_older_days_are_no_measure(void **state)
{
    (void)state;
    account = customer(NOW, 52, 7);
    judge_on(NOW, RT_ON_LOAD, RT_SCORE_DROP);
    assert_true(judgement.score > 88);
    assert_null(happens(a_ticket("1", NOW + 5 * RT_DAY_MS, RT_OPENED, 3), NOW + 5 * RT_DAY_MS,
                        RT_SCORE_DROP));
    assert_null(happens(a_ticket("2", NOW + 9 * RT_DAY_MS, RT_OPENED, 3), NOW + 9 * RT_DAY_MS,
                        RT_SCORE_DROP));
    assert_true(judgement.score < 73);
}

/* What a fall is measured against is stored with it. */
static void test_a_fall_survives_being_stored(void **state)
{
    struct rt_transition before, after;
    struct rt_buffer bytes = {0};
    struct rt_reader reader;
    bool no_memory;

    (void)state;
    account = customer(NOW, 52, 7);
    judge_on(NOW, RT_ON_LOAD, RT_SCORE_DROP);
    six_critical_tickets();
    judge_on(NOW, RT_ON_EVENT, RT_SCORE_DROP);
    rt_rules_describe(&config, account, RT_SCORE_DROP, NOW + 20 * RT_DAY_MS, &before);
    assert_non_null(strstr(before.text, "Health fell from 88 to"));
    rt_account_encode(&bytes, account);
    rt_account_free(account);
    reader = rt_reader(rt_buffer_span(&bytes));
    account = rt_account_decode(&reader, &no_memory);
    rt_rules_describe(&config, account, RT_SCORE_DROP, NOW + 20 * RT_DAY_MS, &after);
    assert_string_equal(after.text, before.text);
    assert_string_equal(after.clears, before.clears);
    rt_buffer_free(&bytes);
}

/* Nothing was noted for weeks: the score of a week ago is worked out from what was known before the
 * event. */
static void test_a_fall_after_quiet_weeks(void **state)
{
    int64_t now = NOW + 20 * RT_DAY_MS;

    (void)state;
    account = customer(NOW, 52, 7);
    apply(account, a_ticket("1", now, RT_OPENED, 1));
    apply(account, a_ticket("2", now, RT_OPENED, 1));
    assert_null(judge_on(now, RT_ON_EVENT, RT_SCORE_DROP)); /* nothing to compare with */
    rt_account_free(account);
    account = customer(NOW, 52, 7);
    rt_rules_before(&config, account, now);
    apply(account, a_ticket("1", now, RT_OPENED, 1));
    apply(account, a_ticket("2", now, RT_OPENED, 1));
    assert_non_null(judge_on(now, RT_ON_EVENT, RT_SCORE_DROP));
}

static void test_a_quiet_load_is_no_fall(void **state)
{
    (void)state;
    account = customer(NOW, 52, 7);
    judge_on(NOW, RT_ON_EVENT, RT_SCORE_DROP);
    six_critical_tickets();
    assert_null(judge_on(NOW, RT_ON_LOAD, RT_SCORE_DROP));
    assert_null(happens(a_mail(NOW, RT_IN, NULL), NOW, RT_SCORE_DROP));
}

static void test_new_parameters_are_no_fall(void **state)
{
    (void)state;
    account = customer(NOW, 20, 7);
    apply(account, a_ticket("1", NOW, RT_OPENED, 2));
    judge_on(NOW, RT_ON_EVENT, RT_SCORE_DROP);
    config.tiers[0].ticket_weight[1] = 5;
    assert_null(judge_on(NOW, RT_ON_CONFIGURATION, RT_SCORE_DROP));
    assert_null(happens(a_mail(NOW, RT_IN, NULL), NOW, RT_SCORE_DROP));
}

/* ---- ticket_overdue -------------------------------------------------------------------------- */

static void test_each_severity_has_its_limit(void **state)
{
    static const int64_t hours[] = {4, 24, 72, 168};
    static const char *const limits[] = {"limit of 4 hours", "limit of 24 hours", "limit of 3 days",
                                         "limit of 7 days"};

    (void)state;
    for (int severity = 1; severity <= 4; severity++) {
        int64_t limit = hours[severity - 1] * RT_HOUR_MS;
        enum rt_severity first = severity == 1 ? RT_CRITICAL : RT_WARNING;
        const struct rt_transition *message;

        rt_account_free(account);
        account = customer(NOW, 10, 7);
        assert_null(happens(a_ticket("47", NOW, RT_OPENED, severity), NOW, RT_TICKET_OVERDUE));
        assert_int_equal(judgement.deadline, NOW + limit + 1);
        assert_null(passes(NOW + limit, RT_TICKET_OVERDUE));
        message = passes(NOW + limit + 1, RT_TICKET_OVERDUE);
        assert_says(message, RT_RAISED, first, limits[severity - 1]);
        assert_string_equal(message->clears, "resolving 47");
        assert_int_equal(message->worsens, severity == 1 ? 0 : NOW + 3 * limit + 1);
        if (severity > 1) {
            assert_null(passes(NOW + 3 * limit, RT_TICKET_OVERDUE));
            assert_says(passes(NOW + 3 * limit + 1, RT_TICKET_OVERDUE), RT_CHANGED, RT_CRITICAL,
                        "Ticket 47");
        }
        message =
            happens(a_ticket("47", NOW + 1, RT_CLOSED, 0), NOW + 4 * limit, RT_TICKET_OVERDUE);
        assert_says(message, RT_CLEARED, RT_CRITICAL, "No ticket is overdue");
    }
}

static void test_many_overdue_tickets_are_counted(void **state)
{
    const struct rt_transition *message;

    (void)state;
    account = customer(NOW, 1, 1);
    six_critical_tickets();
    message = passes(NOW + 5 * RT_HOUR_MS, RT_TICKET_OVERDUE);
    assert_says(message, RT_RAISED, RT_CRITICAL, "; 5 more are overdue");
    assert_non_null(strstr(message->clears, " and 3 more"));
}

/* ---- sentiment ------------------------------------------------------------------------------- */

static void test_three_bad_tones(void **state)
{
    const struct rt_transition *message;

    (void)state;
    account = customer(NOW, 1, 1);
    assert_null(happens(with_sentiment(a_call(NOW), -0.4), NOW, RT_SENTIMENT));
    assert_null(happens(with_sentiment(a_call(NOW), -0.4), NOW, RT_SENTIMENT));
    message = happens(with_sentiment(a_call(NOW), -0.4), NOW, RT_SENTIMENT);
    assert_says(message, RT_RAISED, RT_WARNING, "The tone of 3 interactions averages -0.40");
    assert_null(passes(NOW + 300 * RT_DAY_MS, RT_SENTIMENT)); /* silence heals nothing */
    message = happens(with_sentiment(a_call(NOW), -1), NOW, RT_SENTIMENT);
    assert_null(message);
    for (int i = 0; i < 3 && message == NULL; i++)
        message = happens(with_sentiment(a_call(NOW), -1), NOW, RT_SENTIMENT);
    assert_says(message, RT_CHANGED, RT_CRITICAL, "");
    message = NULL;
    for (int i = 0; i < 20 && is_open(RT_SENTIMENT); i++)
        message = happens(with_sentiment(a_call(NOW), 0.5), NOW, RT_SENTIMENT);
    assert_says(message, RT_CLEARED, RT_WARNING, "The tone has recovered");
}

/* ---- renewal_risk ---------------------------------------------------------------------------- */

static void test_a_renewal_comes_near(void **state)
{
    int64_t renewal = NOW + 100 * RT_DAY_MS;
    const struct rt_transition *message;

    (void)state;
    account = customer(NOW, 1, 1);
    assert_null(happens(with_renewal(a_profile("p", NOW), renewal), NOW, RT_RENEWAL_RISK));
    assert_int_equal(judgement.deadline, NOW + 10 * RT_DAY_MS);
    assert_null(passes(NOW + 10 * RT_DAY_MS - 1, RT_RENEWAL_RISK));
    message = passes(NOW + 10 * RT_DAY_MS, RT_RENEWAL_RISK);
    assert_says(message, RT_RAISED, RT_WARNING, "up for renewal in 90 days and health is at 4");
    assert_true(message->worsens > NOW + 10 * RT_DAY_MS);
    while (rt_account_episode_of(account, RT_RENEWAL_RISK)->severity == RT_WARNING)
        passes(judgement.deadline, RT_RENEWAL_RISK);
    assert_true(judgement.score < 40);
    assert_null(passes(renewal - 1, RT_RENEWAL_RISK));
    message = passes(renewal, RT_RENEWAL_RISK);
    assert_says(message, RT_CLEARED, RT_CRITICAL, "The date of renewal has passed");
}

static void test_a_healthy_customer_renews_in_peace(void **state)
{
    (void)state;
    account = customer(NOW, 60, 3);
    assert_null(
        happens(with_renewal(a_profile("p", NOW), NOW + 40 * RT_DAY_MS), NOW, RT_RENEWAL_RISK));
    config.tiers[0].renewal_below = 99;
    config.tiers[0].renewal_clear = 99;
    assert_says(judge_on(NOW, RT_ON_CONFIGURATION, RT_RENEWAL_RISK), RT_RAISED, RT_WARNING, "");
    assert_says(
        happens(with_renewal(a_profile("q", NOW + 1), NOW + 400 * RT_DAY_MS), NOW, RT_RENEWAL_RISK),
        RT_CLEARED, RT_WARNING, "Health is at");
}

/* ---- upsell ---------------------------------------------------------------------------------- */

static void test_growing_contact_is_good_news(void **state)
{
    const struct rt_transition *message;

    (void)state;
    account = customer(NOW, 30, 3); /* 30 days in 90 */
    for (int i = 0; i < 10; i++)
        apply(account, a_call(NOW - (100 + i) * RT_DAY_MS));
    assert_null(passes(NOW, RT_UPSELL)); /* time tells no good news */
    message = judge_on(NOW, RT_ON_EVENT, RT_UPSELL);
    assert_says(message, RT_RAISED, RT_INFO, "30 days in the last 90 after 10 in the 90 before");
    assert_true(message->reasons[0].points > 0);
    for (int i = 0; is_open(RT_UPSELL) && i < 50; i++)
        message = passes(judgement.deadline, RT_UPSELL);
    assert_says(message, RT_CLEARED, RT_INFO, "Contact no longer grows");
    assert_true(message->score > 75);
}

static void test_no_contact_before_is_no_growth(void **state)
{
    (void)state;
    account = customer(NOW, 30, 3);
    assert_null(judge_on(NOW, RT_ON_EVENT, RT_UPSELL));
    assert_true(judgement.score >= 80);
}

/* ---- acknowledged, snoozed, waited for ------------------------------------------------------- */

static void hold(enum rt_alert_kind kind, bool snooze, int64_t until)
{
    struct rt_hold by_kim = {.by = rt_span_text("kim"), .until = until};

    assert_true(rt_account_hold(account, kind, snooze, &by_kim));
}

/* A silence that is raised at NOW and gets critical at NOW + 21 d. */
static void silent_customer(void)
{
    account = customer(NOW - 21 * RT_DAY_MS - 1, 3, 7);
    config.tiers[0].rhythm_days = 7;
    assert_non_null(passes(NOW, RT_SILENCE));
}

/* ---- what changed since it last spoke -------------------------------------------------------- */

/* The message of a transition, packed. */
static void pack_message(const struct rt_transition *message, int64_t ts, struct rt_buffer *packed)
{
    struct rt_alert alert = {
        .kind = message->kind,
        .ts = ts,
        .reasons = message->reasons,
        .reason_count = message->reason_count,
    };

    rt_alert_encode(packed, &alert);
    assert_false(packed->failed);
}

static const char *reason_of(const struct rt_transition *message, const char *factor)
{
    for (size_t i = 0; i < message->reason_count; i++)
        if (strcmp(message->reasons[i].factor, factor) == 0)
            return message->reasons[i].text;
    fail_msg("no reason %s", factor);
    return NULL;
}

static void test_what_changed_is_said(void **state)
{
    static struct rt_transition message; /* large: not on the stack */
    struct rt_buffer packed = {0};
    double before;

    (void)state;
    silent_customer();
    rt_rules_describe(&config, account, RT_SILENCE, NOW, &message);
    before = message.score;
    pack_message(&message, INT64_C(1780272000000), &packed);
    apply(account, a_ticket("4711", NOW + 30 * RT_DAY_MS, RT_OPENED, 1));
    rt_rules_describe(&config, account, RT_SILENCE, NOW + 60 * RT_DAY_MS, &message);
    message.previous = before;
    rt_rules_tell_change(&message, rt_buffer_span(&packed));
    assert_non_null(strstr(reason_of(&message, "silence"),
                           " points heavier than when this alert spoke on 1 June 2026"));
    assert_non_null(
        strstr(reason_of(&message, "tickets"), "; new since this alert spoke on 1 June 2026"));
    assert_non_null(strstr(message.text, " when this alert spoke on 1 June 2026"));
    rt_buffer_free(&packed);
}

/* What answers the trouble is suggested where that brings more than just to be in touch. */
static void test_the_best_step_is_suggested(void **state)
{
    const struct rt_transition *message;

    (void)state;
    account = customer(NOW - 100 * RT_DAY_MS, 20, 7);
    message = passes(NOW, RT_CHURN_RISK);
    assert_non_null(message);
    assert_non_null(strstr(message->clears, "health back at 45: a call, visit or mail (+"));
    for (int i = 0; i < 9; i++)
        apply(account, with_sentiment(a_call(NOW - (100 + i) * RT_DAY_MS), -0.9));
    rt_rules_describe(&config, account, RT_CHURN_RISK, NOW, &judgement.transitions[0]);
    assert_non_null(
        strstr(judgement.transitions[0].clears, "health back at 45: a good conversation (+"));
}

/* What is no message, or says nothing new, adds nothing. */
static void test_without_a_change_nothing_is_said(void **state)
{
    static struct rt_transition message, same;
    struct rt_buffer packed = {0};
    struct rt_span bytes;

    (void)state;
    silent_customer();
    rt_rules_describe(&config, account, RT_SILENCE, NOW, &message);
    message.previous = message.score;
    same = message;
    pack_message(&message, NOW, &packed);
    rt_rules_tell_change(&same, rt_buffer_span(&packed));
    assert_string_equal(same.text, message.text);
    assert_string_equal(same.reasons[0].text, message.reasons[0].text);
    same.previous = 0;
    bytes = rt_buffer_span(&packed);
    while (bytes.size-- > 0)
        rt_rules_tell_change(&same, bytes);
    assert_string_equal(same.text, message.text);
    rt_buffer_free(&packed);
}

static void test_acknowledged_is_quiet_until_its_end(void **state)
{
    const struct rt_transition *message;

    (void)state;
    silent_customer();
    hold(RT_SILENCE, false, NOW + 30 * RT_DAY_MS);
    message = passes(NOW + 21 * RT_DAY_MS + 1, RT_SILENCE);
    assert_says(message, RT_CHANGED, RT_CRITICAL, "");
    assert_false(message->publish);
    assert_true(rt_rules_deadline(&config, account, NOW + 29 * RT_DAY_MS) <= NOW + 30 * RT_DAY_MS);
    assert_null(passes(NOW + 30 * RT_DAY_MS - 1, RT_SILENCE));
    message = passes(NOW + 30 * RT_DAY_MS, RT_SILENCE);
    assert_says(message, RT_REMINDED, RT_CRITICAL, "Still open: last heard from");
    assert_true(message->publish);
    assert_null(rt_account_episode_of(account, RT_SILENCE)->ack->by.data);
    assert_null(passes(NOW + 60 * RT_DAY_MS, RT_SILENCE));
}

static void test_the_end_of_what_was_acknowledged_is_told(void **state)
{
    const struct rt_transition *message;

    (void)state;
    silent_customer();
    hold(RT_SILENCE, false, NOW + 30 * RT_DAY_MS);
    message = happens(a_call(NOW + 1), NOW + 1, RT_SILENCE);
    assert_says(message, RT_CLEARED, RT_WARNING, "");
    assert_true(message->publish);
}

static void test_the_end_of_what_was_snoozed_is_logged(void **state)
{
    const struct rt_transition *message;

    (void)state;
    silent_customer();
    hold(RT_SILENCE, true, NOW + 30 * RT_DAY_MS);
    message = happens(a_call(NOW + 1), NOW + 1, RT_SILENCE);
    assert_says(message, RT_CLEARED, RT_WARNING, "");
    assert_false(message->publish);
    rt_account_free(account);
    silent_customer();
    hold(RT_SILENCE, true, NOW + 1); /* over */
    message = happens(a_call(NOW + 1), NOW + 1, RT_SILENCE);
    assert_says(message, RT_CLEARED, RT_WARNING, "");
    assert_true(message->publish);
}

static void test_snoozed_speaks_only_when_critical(void **state)
{
    struct rt_tier *tier = &config.tiers[0];
    const struct rt_transition *message;

    (void)state;
    silent_customer();
    hold(RT_SILENCE, true, NOW + 100 * RT_DAY_MS);
    message = passes(NOW + 21 * RT_DAY_MS + 1, RT_SILENCE);
    assert_says(message, RT_CHANGED, RT_CRITICAL, "");
    assert_true(message->publish);
    assert_null(rt_account_episode_of(account, RT_SILENCE)->snooze->by.data);
    hold(RT_SILENCE, true, NOW + 100 * RT_DAY_MS);
    tier->silence_critical = 50; /* back to a warning: logged, not told */
    message = judge_on(NOW + 22 * RT_DAY_MS, RT_ON_CONFIGURATION, RT_SILENCE);
    assert_says(message, RT_CHANGED, RT_WARNING, "");
    assert_false(message->publish);
    assert_non_null(rt_account_episode_of(account, RT_SILENCE)->snooze->by.data);
    tier->silence_critical = 1;
    hold(RT_SILENCE, true, NOW + 22 * RT_DAY_MS); /* over */
    message = judge_on(NOW + 22 * RT_DAY_MS, RT_ON_CONFIGURATION, RT_SILENCE);
    assert_true(message->publish);
}

static void test_a_condition_must_hold_for_the_dwell(void **state)
{
    int64_t limit = 7 * RT_DAY_MS + 1, last;

    (void)state;
    config.tiers[0].dwell_ms = 1000;
    account = customer(NOW, 200, 1);
    assert_null(passes(NOW + limit, RT_SILENCE));
    assert_int_equal(judgement.deadline, NOW + limit + 1000);
    assert_int_equal(rt_rules_deadline(&config, account, NOW + limit), NOW + limit + 1000);
    assert_null(passes(NOW + limit + 999, RT_SILENCE));
    /* It ends before: nothing is said, and the next one begins anew. */
    last = NOW + limit + 999;
    assert_null(happens(a_call(last), last, RT_SILENCE));
    assert_null(passes(last + limit + 5, RT_SILENCE));
    assert_null(passes(last + limit + 1004, RT_SILENCE));
    assert_non_null(passes(last + limit + 1005, RT_SILENCE));
}

/* ---- words ----------------------------------------------------------------------------------- */

/* ---- what is set by hand --------------------------------------------------------------------- */

static void set_by_hand(const struct rt_override *override)
{
    struct rt_override *copy = rt_override_copy(override);

    assert_non_null(copy);
    assert_true(rt_account_set_override(account, copy));
}

static const struct rt_transition *judge_at_deadline(int64_t *now, enum rt_alert_kind kind)
{
    *now = rt_rules_deadline(&config, account, *now);
    return passes(*now, kind);
}

static void test_rules_follow_a_score_set_by_hand_until_its_end(void **state)
{
    struct rt_override low = {.form = RT_OVERRIDE_SCORE,
                              .score = 31,
                              .since = NOW,
                              .until = NOW + RT_DAY_MS,
                              .by = rt_span_text("kim"),
                              .reason = rt_span_text("they told me")};
    const struct rt_transition *message;
    int64_t now = NOW;

    (void)state;
    account = customer(NOW, 52, 7);
    passes(now, RT_CHURN_RISK);
    assert_false(is_open(RT_CHURN_RISK));
    set_by_hand(&low);
    message = judge_at_deadline(&now, RT_CHURN_RISK);
    assert_true(now == NOW + 1);
    assert_says(
        message, RT_RAISED, RT_WARNING,
        "Health is at 31 of 100: set by hand to 31 by kim until 23 November 2025: they told me");
    assert_string_equal(message->reasons[0].factor, "override");
    assert_true(message->score == 31 && message->reasons[0].points < -40);
    assert_non_null(strstr(message->clears, "set by hand until 23 November 2025"));
    assert_false(is_open(RT_SCORE_DROP)); /* nothing happened */
    message = judge_at_deadline(&now, RT_CHURN_RISK);
    assert_true(now == NOW + RT_DAY_MS);
    assert_says(message, RT_CLEARED, RT_WARNING, "again");
    assert_true(message->score > 80);
    assert_null(rt_account_override(account, now - 1)); /* given back */
}

static void test_a_fall_is_measured_on_the_computed_score(void **state)
{
    struct rt_override high = {.form = RT_OVERRIDE_BAND,
                               .band = RT_HEALTHY,
                               .since = NOW,
                               .until = NOW + 30 * RT_DAY_MS,
                               .by = rt_span_text("kim"),
                               .reason = rt_span_text("ours")};
    const struct rt_transition *message;

    (void)state;
    account = customer(NOW, 52, 7);
    judge_on(NOW, RT_ON_LOAD, RT_SCORE_DROP);
    set_by_hand(&high);
    six_critical_tickets();
    message = judge_on(NOW, RT_ON_EVENT, RT_SCORE_DROP);
    assert_non_null(message);
    assert_true(message->score < 60);
    assert_false(is_open(RT_CHURN_RISK)); /* held */
    assert_true(rt_account_override(account, NOW) != NULL);
    message = passes(high.until, RT_CHURN_RISK);
    assert_says(message, RT_RAISED, RT_CRITICAL, "");
    assert_true(strcmp(message->reasons[0].factor, "override") != 0);
}

/* In a band the computed score falls, down to its edge; what comes of it comes at its moment. */
static void test_a_band_holds_the_computed_score(void **state)
{
    struct rt_override watch = {.form = RT_OVERRIDE_BAND, .band = RT_WATCH};
    struct rt_override at_risk = {.form = RT_OVERRIDE_BAND, .band = RT_AT_RISK};
    double last = 101;

    (void)state;
    for (double computed = 100; computed >= 0; computed -= 0.25) {
        double score = rt_override_score(&watch, computed);

        assert_true(rt_band_of(score) == RT_WATCH && score <= last);
        assert_true(computed < 40 || computed > 69 || score == computed);
        assert_true(rt_band_of(rt_override_score(&at_risk, computed)) == RT_AT_RISK);
        last = score;
    }
}

static void test_an_override_survives_being_stored(void **state)
{
    struct rt_override low = {.form = RT_OVERRIDE_SCORE,
                              .score = 0.1,
                              .since = NOW,
                              .until = NOW + 7,
                              .by = rt_span_text("kim"),
                              .reason = rt_span_text("x")};
    const struct rt_override *stored;
    struct rt_buffer bytes = {0}, again = {0};
    struct rt_reader reader;
    bool no_memory;

    (void)state;
    account = customer(NOW, 5, 7);
    set_by_hand(&low);
    rt_account_encode(&bytes, account);
    rt_account_free(account);
    reader = rt_reader(rt_buffer_span(&bytes));
    account = rt_account_decode(&reader, &no_memory);
    assert_non_null(account);
    stored = rt_account_override(account, NOW + 6);
    assert_true(stored != NULL && stored->score == 0.1 && stored->since == NOW);
    assert_true(rt_span_is(stored->by, "kim") && rt_span_is(stored->reason, "x"));
    assert_null(rt_account_override(account, NOW + 7));
    rt_account_encode(&again, account);
    assert_true(rt_span_equal(rt_buffer_span(&bytes), rt_buffer_span(&again)));
    rt_buffer_free(&bytes);
    rt_buffer_free(&again);
}

static void test_new_parameters_are_the_first_reason(void **state)
{
    const struct rt_transition *message;

    (void)state;
    account = customer(NOW, 10, 7);
    config.tiers[0].churn_below = 95;
    config.tiers[0].churn_clear = 99;
    message = judge_on(NOW, RT_ON_CONFIGURATION, RT_CHURN_RISK);
    assert_says(message, RT_RAISED, RT_WARNING, "");
    assert_int_equal(message->reason_count, 2);
    assert_string_equal(message->reasons[0].factor, "contact"); /* the heaviest comes first */
    assert_string_equal(message->reasons[1].factor, "configuration");
    assert_true(message->reasons[1].points == 0);
}

static void test_others_text_is_tamed(void **state)
{
    const struct rt_transition *message;
    static const char number[] = "\x1b]0;\n\xe3\x82\xab\xe3\x82\xab\xe3\x82\xab\xe3\x82\xab"
                                 "\xe3\x82\xab\xe3\x82\xab\xe3\x82\xab\xe3\x82\xab\xe3\x82\xab"
                                 "\xe3\x82\xab\xe3\x82\xab\xe3\x82\xab\xe3\x82\xab";

    (void)state;
    account = customer(NOW, 10, 7);
    apply(account, a_ticket(number, NOW, RT_OPENED, 1));
    message = passes(NOW + RT_DAY_MS, RT_TICKET_OVERDUE);
    assert_non_null(message);
    assert_true(rt_utf8_valid(rt_span_text(message->text)));
    assert_true(rt_utf8_valid(rt_span_text(message->clears)));
    assert_null(strpbrk(message->text, "\x1b\n"));
    assert_null(strpbrk(message->clears, "\x1b\n"));
}

static void test_open_ones_can_be_described_later(void **state)
{
    struct rt_transition message;

    (void)state;
    silent_customer();
    rt_rules_describe(&config, account, RT_SILENCE, NOW + RT_DAY_MS, &message);
    assert_non_null(strstr(message.text, "Last heard from 22 days ago"));
    assert_string_equal(message.clears, "a call, visit or mail");
    assert_int_equal(message.worsens, NOW + 21 * RT_DAY_MS);
    assert_int_equal(message.severity, RT_WARNING);
}

static void test_what_is_due_is_due_at_once(void **state)
{
    (void)state;
    account = customer(NOW, 10, 7);
    assert_int_equal(rt_rules_deadline(&config, account, NOW + 100 * RT_DAY_MS),
                     NOW + 100 * RT_DAY_MS + 1);
}

static int set_up(void **state)
{
    (void)state;
    rt_config_init(&config);
    account = NULL;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rt_account_free(account);
    return 0;
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(test_too_little_is_known),
        STORY(test_without_any_contact),
        STORY(test_dormant_accounts_raise_nothing),
        STORY(test_churned_accounts_are_left_alone),
        STORY(test_describing_what_is_not_open),
        STORY(test_silence_comes_at_its_moment),
        STORY(test_silence_is_never_shorter_than_a_week),
        STORY(test_a_single_day_with_an_open_ticket_is_enough),
        STORY(test_six_critical_tickets_after_a_good_year),
        STORY(test_time_alone_brings_churn_risk),
        STORY(test_between_the_thresholds_it_stays_as_it_was),
        STORY(test_a_near_renewal_makes_it_critical),
        STORY(test_a_fall_is_raised_by_events_alone),
        STORY(test_a_fall_is_over_when_half_is_back),
        STORY(test_older_days_are_no_measure),
        STORY(test_a_fall_survives_being_stored),
        STORY(test_a_fall_after_quiet_weeks),
        STORY(test_a_quiet_load_is_no_fall),
        STORY(test_new_parameters_are_no_fall),
        STORY(test_each_severity_has_its_limit),
        STORY(test_many_overdue_tickets_are_counted),
        STORY(test_three_bad_tones),
        STORY(test_a_renewal_comes_near),
        STORY(test_a_healthy_customer_renews_in_peace),
        STORY(test_growing_contact_is_good_news),
        STORY(test_no_contact_before_is_no_growth),
        STORY(test_what_changed_is_said),
        STORY(test_the_best_step_is_suggested),
        STORY(test_without_a_change_nothing_is_said),
        STORY(test_acknowledged_is_quiet_until_its_end),
        STORY(test_the_end_of_what_was_acknowledged_is_told),
        STORY(test_the_end_of_what_was_snoozed_is_logged),
        STORY(test_snoozed_speaks_only_when_critical),
        STORY(test_a_condition_must_hold_for_the_dwell),
        STORY(test_rules_follow_a_score_set_by_hand_until_its_end),
        STORY(test_a_fall_is_measured_on_the_computed_score),
        STORY(test_an_override_survives_being_stored),
        STORY(test_a_band_holds_the_computed_score),
        STORY(test_new_parameters_are_the_first_reason),
        STORY(test_others_text_is_tamed),
        STORY(test_open_ones_can_be_described_later),
        STORY(test_what_is_due_is_due_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

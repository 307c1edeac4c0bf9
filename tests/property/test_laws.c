/* The laws of the score over thousands of random histories: docs/SCORE.md names them. RETAIN_SEED
 * repeats a run, RETAIN_ROUNDS sets how many histories each law is tried on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "protocol/limits.h"
#include "tests/lib/interaction.h"
#include "workers/score_remedy.h"
#include "workers/ticket.h"

static const int64_t NOW = INT64_C(1763800000000);

/* Rounding of a few dozen operations on numbers up to 100. */
#define ROUNDING 1e-11

static struct rt_config config;
static struct history history; /* large: not on the stack */

static unsigned rounds(void)
{
    const char *given = getenv("RETAIN_ROUNDS");

#if defined(__SANITIZE_ADDRESS__) /* these look for other faults, and take their time */
    const unsigned usual = 300;
#else
    const unsigned usual = 3000;
#endif

    return given != NULL ? (unsigned)atoi(given) : usual;
}

/* A tier within the ranges of the configuration. */
static struct rt_tier random_tier(struct random *random)
{
    static const double rhythms[] = {1, 3, 14, 14, 14, 60, 365};
    struct rt_tier tier = config.tiers[0];

    tier.rhythm_days = rhythms[random_below(random, 7)];
    if (random_chance(random, 0.3))
        tier.half_life_days = 1 + random_unit(random) * 3649;
    if (random_chance(random, 0.3))
        tier.prior = 0.01 + random_unit(random) * 20;
    if (random_chance(random, 0.2))
        tier.weight_response = 0.9 * random_unit(random);
    return tier;
}

static void fail_round(unsigned round, const char *law, double a, double b)
{
    fail_msg("%s: round %u of RETAIN_SEED=%llu: %.17g against %.17g", law, round,
             (unsigned long long)history_seed(), a, b);
}

static struct random round_random(unsigned round, uint64_t salt)
{
    struct random random = random_from(history_seed() * 1000003 + round * 7919 + salt);

    random_u64(&random);
    return random;
}

/* A random account: its history stays in `history`. */
static struct rt_account *random_account(struct random *random)
{
    struct temper temper = random_temper(random);

    history_make(&history, random, &temper, NOW);
    return history_account(&history);
}

static struct rt_account *copy(const struct rt_account *account)
{
    struct rt_buffer bytes = {0};
    struct rt_reader reader;
    struct rt_account *other;
    bool no_memory;

    rt_account_encode(&bytes, account);
    reader = rt_reader(rt_buffer_span(&bytes));
    other = rt_account_decode(&reader, &no_memory);
    assert_non_null(other);
    assert_true(rt_read_done(&reader));
    rt_buffer_free(&bytes);
    return other;
}

/* The score of the account had it counted one event more. */
static double score_with(const struct rt_tier *tier, const struct rt_account *account,
                         const struct rt_event *event, int64_t now)
{
    struct rt_account *other = copy(account);
    double score;

    history_apply(other, event);
    score = rt_score_value(tier, other, now);
    rt_account_free(other);
    return score;
}

/* ---- law 1: the set decides ------------------------------------------------------------------ */

static void test_order_does_not_matter(void **state)
{
    (void)state;
    for (unsigned round = 0; round < rounds(); round++) {
        struct random random = round_random(round, 1);
        struct rt_account *a = random_account(&random), *b;
        struct rt_buffer first = {0}, second = {0};

        history_shuffle(&history, &random);
        b = history_account(&history);
        rt_account_encode(&first, a);
        rt_account_encode(&second, b);
        if (!rt_span_equal(rt_buffer_span(&first), rt_buffer_span(&second)))
            fail_round(round, "order", (double)first.size, (double)second.size);
        if (rt_score_value(&config.tiers[0], a, NOW) != rt_score_value(&config.tiers[0], b, NOW))
            fail_round(round, "order", 0, 1);
        rt_buffer_free(&first);
        rt_buffer_free(&second);
        rt_account_free(a);
        rt_account_free(b);
    }
}

/* Stored in the middle and read back, an account goes on as if nothing had happened. */
static void test_storing_does_not_matter(void **state)
{
    (void)state;
    for (unsigned round = 0; round < rounds(); round++) {
        struct random random = round_random(round, 2);
        struct rt_account *a = random_account(&random);
        struct rt_account *b = rt_account_new(rt_span_text("acme"));
        size_t middle = random_below(&random, history.count + 1);
        struct rt_buffer first = {0}, second = {0};

        for (size_t i = 0; i < history.count; i++) {
            if (i == middle) {
                struct rt_account *again = copy(b);

                rt_account_free(b);
                b = again;
            }
            history_apply(b, &history.told[i].event);
        }
        rt_account_encode(&first, a);
        rt_account_encode(&second, b);
        if (!rt_span_equal(rt_buffer_span(&first), rt_buffer_span(&second)))
            fail_round(round, "stored", (double)first.size, (double)second.size);
        rt_buffer_free(&first);
        rt_buffer_free(&second);
        rt_account_free(a);
        rt_account_free(b);
    }
}

/* ---- law 3: time ----------------------------------------------------------------------------- */

static int64_t random_step(struct random *random)
{
    static const int64_t steps[] = {1,         1000,           RT_HOUR_MS,
                                    RT_DAY_MS, 28 * RT_DAY_MS, 400 * RT_DAY_MS};

    return 1 + (int64_t)random_below(random, (uint64_t)steps[random_below(random, 6)]);
}

static void test_time_never_raises(void **state)
{
    (void)state;
    for (unsigned round = 0; round < rounds(); round++) {
        struct random random = round_random(round, 3);
        struct rt_tier tier = random_tier(&random);
        struct rt_account *account = random_account(&random);
        int64_t now = NOW - RT_HOUR_MS;
        double score = rt_score_value(&tier, account, now);

        for (int i = 0; i < 50; i++) {
            int64_t later = now + random_step(&random);
            double next = rt_score_value(&tier, account, later);

            if (next > score + ROUNDING)
                fail_round(round, "time", score, next);
            if (next < 0 || next > 100)
                fail_round(round, "range", score, next);
            now = later;
            score = next;
        }
        rt_account_free(account);
    }
}

static void test_silence_leaves_a_quarter(void **state)
{
    (void)state;
    for (unsigned round = 0; round < rounds(); round++) {
        struct random random = round_random(round, 4);
        struct rt_tier tier = random_tier(&random);
        struct rt_account *account = random_account(&random);
        int64_t last;
        double day_after, long_after;

        if (rt_account_last_contact(account, &last)) {
            day_after = rt_score_value(&tier, account, last + RT_DAY_MS);
            long_after = rt_score_value(
                &tier, account, last + (int64_t)(12 * tier.rhythm_days * (double)RT_DAY_MS));
            if (long_after > day_after / 4)
                fail_round(round, "quarter", day_after, long_after);
        }
        rt_account_free(account);
    }
}

/* ---- law 4: tickets -------------------------------------------------------------------------- */

static struct rt_event ticket_event(enum rt_action action, int64_t ts, int severity)
{
    return (struct rt_event){
        .id = rt_span_text("probe"),
        .type = RT_TICKET,
        .ts = ts,
        .ticket = rt_span_text("probe-ticket"),
        .action = action,
        .severity = severity,
    };
}

static double score_with_ticket(const struct rt_tier *tier, const struct rt_account *account,
                                int64_t ts, int severity, bool resolved)
{
    struct rt_account *other = copy(account);
    struct rt_event opened = ticket_event(RT_OPENED, ts, severity);
    struct rt_event over = ticket_event(RT_RESOLVED, ts, 0);
    double score;

    history_apply(other, &opened);
    if (resolved)
        history_apply(other, &over);
    score = rt_score_value(tier, other, NOW);
    rt_account_free(other);
    return score;
}

static void test_open_tickets_cost(void **state)
{
    (void)state;
    for (unsigned round = 0; round < rounds(); round++) {
        struct random random = round_random(round, 5);
        struct rt_tier tier = random_tier(&random);
        struct rt_account *account = random_account(&random);
        int64_t ts = NOW - (int64_t)random_below(&random, (uint64_t)(300 * RT_DAY_MS));
        double resolved = score_with_ticket(&tier, account, ts, 1, true), before = 0;
        double older_resolved = score_with_ticket(&tier, account, ts - RT_DAY_MS, 1, true);

        for (int severity = 1; severity <= RT_SEVERITIES; severity++) {
            double open = score_with_ticket(&tier, account, ts, severity, false);
            double older = score_with_ticket(&tier, account, ts - RT_DAY_MS, severity, false);

            /* At the factor's floor nothing more can be lost. */
            if (open > resolved || (open == resolved && resolved > 1e-9 && before == 0))
                fail_round(round, "open ticket", resolved, open);
            if (open < before - ROUNDING)
                fail_round(round, "severity", before, open);
            /* The day of its opening counts as contact, here and there: compare what each loses
             * against resolving it at once. */
            if (older / older_resolved > open / resolved + ROUNDING)
                fail_round(round, "age", open / resolved, older / older_resolved);
            before = open;
        }
        rt_account_free(account);
    }
}

/* Resolving gives back all that the open ticket took. */
static void test_resolving_gives_back(void **state)
{
    (void)state;
    for (unsigned round = 0; round < rounds(); round++) {
        struct random random = round_random(round, 12);
        struct rt_tier tier = random_tier(&random);
        struct rt_account *account = random_account(&random);
        int64_t ts = NOW - (int64_t)random_below(&random, (uint64_t)(300 * RT_DAY_MS));
        struct rt_event opened = ticket_event(RT_OPENED, ts, 1);
        struct rt_event at_once = ticket_event(RT_RESOLVED, ts, 0);
        struct rt_event late = ticket_event(RT_CLOSED, NOW, 0);
        struct rt_account *other = copy(account);
        double resolved, given_back;

        history_apply(account, &opened);
        history_apply(account, &at_once);
        resolved = rt_score_value(&tier, account, NOW);
        history_apply(other, &opened);
        history_apply(other, &late);
        given_back = rt_score_value(&tier, other, NOW);
        if (given_back != resolved)
            fail_round(round, "given back", resolved, given_back);
        rt_account_free(account);
        rt_account_free(other);
    }
}

/* ---- law 5: outcomes ------------------------------------------------------------------------- */

/* A pair of events that differ in how they turned out. */
static void random_pair(struct random *random, struct rt_event *good, struct rt_event *bad)
{
    int64_t ts = NOW - (int64_t)random_below(random, (uint64_t)(1000 * RT_DAY_MS));

    if (random_chance(random, 0.3))
        ts = NOW;
    *good = (struct rt_event){.id = rt_span_text("probe"), .ts = ts, .direction = RT_IN};
    if (random_chance(random, 0.3))
        good->contact = rt_span_text("someone new");
    *bad = *good;
    switch (random_below(random, 6)) {
    case 0:
        good->type = bad->type = RT_CALL;
        good->outcome = RT_ANSWERED;
        bad->outcome = (enum rt_outcome)(RT_MISSED + random_below(random, 5));
        break;
    case 1:
        good->type = bad->type = RT_VISIT;
        good->outcome = RT_HELD;
        bad->outcome = RT_NO_SHOW;
        break;
    case 2:
        good->type = bad->type = RT_EMAIL;
        bad->bounced = true;
        break;
    case 3:
        good->type = bad->type = RT_TICKET;
        good->ticket = bad->ticket = rt_span_text("4701");
        good->action = bad->action = RT_UPDATED;
        good->csat = 4 + (int)random_below(random, 2);
        bad->csat = 1 + (int)random_below(random, 2);
        break;
    default:
        good->type = bad->type = random_chance(random, 0.5) ? RT_CALL : RT_EMAIL;
        good->outcome = bad->outcome = good->type == RT_CALL ? RT_ANSWERED : RT_OUTCOME_NONE;
        good->has_sentiment = bad->has_sentiment = true;
        good->sentiment = random_unit(random);
        bad->sentiment = -good->sentiment;
    }
}

static void test_bad_outcomes_never_raise(void **state)
{
    (void)state;
    for (unsigned round = 0; round < rounds(); round++) {
        struct random random = round_random(round, 6);
        struct rt_tier tier = random_tier(&random);
        struct rt_account *account = random_account(&random);
        struct rt_event good, bad;
        double with_good, with_bad;

        random_pair(&random, &good, &bad);
        with_good = score_with(&tier, account, &good, NOW);
        with_bad = score_with(&tier, account, &bad, NOW);
        if (with_bad > with_good + ROUNDING)
            fail_round(round, "bad outcome", with_good, with_bad);
        /* It does cost, unless years old or nothing is left to lose. */
        if (with_bad >= with_good && with_good > 1e-6 && tier.half_life_days > 60)
            fail_round(round, "bad outcome for nothing", with_good, with_bad);
        rt_account_free(account);
    }
}

static void test_no_shows_and_bounces_cost(void **state)
{
    (void)state;
    for (unsigned round = 0; round < rounds(); round++) {
        struct random random = round_random(round, 7);
        struct rt_tier tier = random_tier(&random);
        struct rt_account *account = random_account(&random);
        struct rt_event event = {.id = rt_span_text("probe"), .contact = rt_span_text("new")};
        double before = rt_score_value(&tier, account, NOW), after;

        event.ts = NOW - (int64_t)random_below(&random, (uint64_t)(1000 * RT_DAY_MS));
        event.type = random_chance(&random, 0.5) ? RT_VISIT : RT_EMAIL;
        event.outcome = event.type == RT_VISIT ? RT_NO_SHOW : RT_OUTCOME_NONE;
        event.bounced = event.type == RT_EMAIL;
        event.has_sentiment = random_chance(&random, 0.5);
        event.sentiment = 1 - 2 * random_unit(&random);
        after = score_with(&tier, account, &event, NOW);
        if (after > before + ROUNDING)
            fail_round(round, "no-show or bounce", before, after);
        if (after >= before && before > 1e-6 && tier.half_life_days > 60)
            fail_round(round, "no-show or bounce for nothing", before, after);
        rt_account_free(account);
    }
}

/* Any event that went well, at any time in the past. */
static struct rt_event good_event(struct random *random)
{
    struct rt_event event = {.id = rt_span_text("probe")};
    static const double spans[] = {1, 30, 500, 3000, 15000};

    event.ts =
        NOW - (int64_t)(random_unit(random) * spans[random_below(random, 5)] * (double)RT_DAY_MS);
    event.direction = (enum rt_direction)random_below(random, 3);
    if (random_chance(random, 0.5))
        event.contact = rt_span_text("someone new");
    if (random_chance(random, 0.3)) {
        event.has_sentiment = true;
        event.sentiment = random_unit(random);
    }
    switch (random_below(random, 4)) {
    case 0:
        event.type = RT_CALL;
        event.outcome = RT_ANSWERED;
        break;
    case 1:
        event.type = RT_VISIT;
        event.outcome = RT_HELD;
        break;
    case 2:
        event.type = RT_EMAIL;
        if (random_chance(random, 0.7))
            event.thread = rt_span_text(random_chance(random, 0.5) ? "thread3" : "a new one");
        break;
    default:
        event.type = RT_TICKET;
        event.ticket = rt_span_text("4702");
        event.action = random_chance(random, 0.5) ? RT_RESOLVED : RT_CLOSED;
        event.csat = random_chance(random, 0.5) ? 5 : 0;
        event.severity = 0;
    }
    return event;
}

/* The earliest event of the ticket: before it nothing can be resolved (its age would run from
 * there). */
static int64_t ticket_start(struct rt_span ticket)
{
    int64_t first = INT64_MAX;

    for (size_t i = 0; i < history.count; i++)
        if (history.told[i].event.type == RT_TICKET &&
            rt_span_equal(history.told[i].event.ticket, ticket) && history.told[i].event.ts < first)
            first = history.told[i].event.ts;
    return first;
}

static void test_good_events_never_lower(void **state)
{
    (void)state;
    for (unsigned round = 0; round < rounds(); round++) {
        struct random random = round_random(round, 8);
        struct rt_tier tier = random_tier(&random);
        struct rt_account *account = random_account(&random);
        struct rt_event event = good_event(&random);
        double before = rt_score_value(&tier, account, NOW), after;

        if (event.type == RT_TICKET) {
            int64_t start = ticket_start(event.ticket);

            if (start != INT64_MAX && event.ts < start)
                event.ts = start;
        }
        after = score_with(&tier, account, &event, NOW);
        if (after < before - ROUNDING)
            fail_round(round, "good event", before, after);
        rt_account_free(account);
    }
}

/* ---- law 6 and what the score says of itself ------------------------------------------------- */

/* Everything an account can have, at its largest: its record, all buckets since 1970 of five bad
 * kinds and the window of seven good ones, a thousand open tickets and the tombstones of closed
 * ones with the longest names, threads, a profile as large as an event, seven alerts. */
enum {
    TICKET_BYTES = 32 + 48 + 64 + 64,
    STATED_BYTES = 512 + 8 * (5 * 760 + 7 * 64) * 9 / 8 +
                   (1 + RT_TICKETS_CLOSED) * 1000 * TICKET_BYTES + 65536 + 4096,
};

static void test_state_is_bounded(void **state)
{
    struct random random = round_random(0, 9);
    struct temper temper = {.bad = 0.5, .tickets = true, .profile = true};
    struct rt_account *account = rt_account_new(rt_span_text("acme"));
    static struct told told;

    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        char number[RT_TICKET_BYTES + 1];

        history_event(&told, &random, &temper, i, (int64_t)(random_unit(&random) * (double)NOW));
        snprintf(number, sizeof(number), "%064u", (unsigned)random_below(&random, 50000));
        if (told.event.type == RT_TICKET)
            told.event.ticket = rt_span_text(number);
        history_apply(account, &told.event);
        if (i % 100 == 0 && rt_account_bytes(account) > STATED_BYTES)
            fail_round(i, "bytes", (double)rt_account_bytes(account), STATED_BYTES);
    }
    rt_account_free(account);
}

static void test_points_add_up(void **state)
{
    (void)state;
    for (unsigned round = 0; round < rounds(); round++) {
        struct random random = round_random(round, 10);
        struct rt_tier tier = random_tier(&random);
        struct rt_account *account = random_account(&random);
        int64_t now = NOW + (int64_t)random_below(&random, (uint64_t)(600 * RT_DAY_MS));
        struct rt_score score;
        double sum, value = rt_score_value(&tier, account, now);

        rt_score_explain(&tier, account, now, &score);
        sum = score.base;
        for (size_t i = 0; i < score.count; i++) {
            sum += score.factors[i].points;
            assert_true(rt_utf8_valid(rt_span_text(score.factors[i].text)));
            assert_true(score.factors[i].text[0] != '\0');
        }
        if (score.score != value || !(sum - value < 1e-9 && value - sum < 1e-9))
            fail_round(round, "sum", value, sum);
        rt_account_free(account);
    }
}

/* The good event that a factor's sentence promises points for. */
static struct rt_event promised(enum rt_part part, const struct rt_score_step *step)
{
    struct rt_event event;

    switch (part) {
    case RT_PART_SENTIMENT_LOSS:
        return with_sentiment(a_mail(NOW, RT_IN, NULL), step->amount / RT_CELL_UNIT);
    case RT_PART_CSAT_LOSS:
        event = a_ticket("one that is closed and rated", NOW, RT_CLOSED, 0);
        event.csat = 5;
        return event;
    case RT_PART_NO_SHOW:
        return a_visit(NOW, RT_HELD);
    case RT_PART_BOUNCED:
        return a_mail(NOW, RT_OUT, NULL);
    case RT_PART_TICKETS:
        event = a_ticket("", NOW, RT_RESOLVED, 0);
        event.ticket = rt_ticket_number(step->resolved);
        return event;
    default:
        return a_call(NOW);
    }
}

/* What a sentence says an event would bring, it brings. */
static void test_promises_are_kept(void **state)
{
    (void)state;
    for (unsigned round = 0; round < rounds(); round++) {
        struct random random = round_random(round, 12);
        struct rt_tier tier = random_tier(&random);
        struct rt_account *account = random_account(&random);
        enum rt_part part = (enum rt_part)(RT_PART_FIRST_LOSS + random_below(&random, 7));
        struct rt_score_step step = rt_score_remedy(&tier, account, part, NOW);
        struct rt_score_view view;
        struct rt_event event;
        double said, is;

        if (part != RT_PART_TICKETS || step.resolved != NULL) {
            event = promised(part, &step);
            rt_score_view(&view, &tier, account);
            said = rt_score_if(&view, NOW, &step);
            is = score_with(&tier, account, &event, NOW);
            if (is < said - 1e-9)
                fail_round(round, "a promise", said, is);
        }
        rt_account_free(account);
    }
}

static void test_crossings_are_exact(void **state)
{
    (void)state;
    for (unsigned round = 0; round < rounds(); round++) {
        struct random random = round_random(round, 11);
        struct rt_tier tier = random_tier(&random);
        struct rt_account *account = random_account(&random);
        double score = rt_score_value(&tier, account, NOW);
        double threshold = score * (0.02 + random_unit(&random));
        int64_t until = NOW + (int64_t)random_below(&random, (uint64_t)(3000 * RT_DAY_MS));
        int64_t at = rt_score_crossing(&tier, account, NOW, until, threshold);

        if (at == INT64_MAX) {
            if (until > NOW && rt_score_value(&tier, account, until) < threshold)
                fail_round(round, "missed crossing", threshold, 0);
        } else if (at <= NOW || at > until || !(rt_score_value(&tier, account, at) < threshold) ||
                   (at > NOW + 1 && rt_score_value(&tier, account, at - 1) < threshold)) {
            fail_round(round, "crossing", threshold, rt_score_value(&tier, account, at));
        }
        rt_account_free(account);
    }
}

static int set_up(void **state)
{
    (void)state;
    rt_config_init(&config);
    history_seed();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_does_not_matter),
        cmocka_unit_test(test_storing_does_not_matter),
        cmocka_unit_test(test_time_never_raises),
        cmocka_unit_test(test_silence_leaves_a_quarter),
        cmocka_unit_test(test_open_tickets_cost),
        cmocka_unit_test(test_resolving_gives_back),
        cmocka_unit_test(test_bad_outcomes_never_raise),
        cmocka_unit_test(test_no_shows_and_bounces_cost),
        cmocka_unit_test(test_good_events_never_lower),
        cmocka_unit_test(test_state_is_bounded),
        cmocka_unit_test(test_points_add_up),
        cmocka_unit_test(test_promises_are_kept),
        cmocka_unit_test(test_crossings_are_exact),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}

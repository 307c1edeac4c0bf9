/* Judging an account only when something happens and at its deadlines says the same as judging it
 * all the time: before its deadline nothing may change. Over random lives, with random dwell,
 * acknowledgements and snoozes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "protocol/limits.h"
#include "tests/lib/history.h"
#include "workers/override.h"
#include "workers/rules.h"

static const int64_t START = INT64_C(1763800000000);

static struct rt_config config;
static struct rt_judgement judgement; /* large: not on the stack */
static struct history history;
static unsigned seen[RT_ALERT_KINDS][RT_ALERT_STATES], seen_calm, seen_override;

struct life {
    struct random random;
    struct rt_account *account;
    int64_t now, deadline;
    unsigned round;
};

static unsigned rounds(void)
{
    const char *given = getenv("RETAIN_ROUNDS");

#if defined(__SANITIZE_ADDRESS__) /* these look for other faults, and take their time */
    const unsigned usual = 40;
#else
    const unsigned usual = 400;
#endif

    return given != NULL ? (unsigned)atoi(given) : usual;
}

static void fail_at(const struct life *life, const char *what)
{
    fail_msg("%s: round %u of RETAIN_SEED=%llu, hour %lld, deadline in %lld ms", what, life->round,
             (unsigned long long)history_seed(), (long long)((life->now - START) / RT_HOUR_MS),
             (long long)(life->deadline - life->now));
}

static double size_of(double points)
{
    return points < 0 ? -points : points;
}

static bool is_snoozed(const struct life *life, const struct rt_episode *episode)
{
    return episode != NULL && episode->snooze->by.data != NULL &&
           life->now < episode->snooze->until;
}

/* What every message must be like. */
static void check_message(const struct life *life, const struct rt_transition *message)
{
    const struct rt_episode *episode = rt_account_episode_of(life->account, message->kind);

    if ((message->state == RT_RAISED) != (episode == NULL))
        fail_at(life, "raised twice, or moved without being open");
    if (message->state == RT_CHANGED && message->severity == episode->severity)
        fail_at(life, "changed to the same severity");
    if (message->text[0] == '\0' || !rt_utf8_valid(rt_span_text(message->text)))
        fail_at(life, "no sentence");
    if ((message->state == RT_CLEARED) != (message->clears[0] == '\0'))
        fail_at(life, "nothing said of what clears it");
    if (message->worsens != 0 && message->worsens <= life->now)
        fail_at(life, "gets worse in the past");
    if (message->state == RT_CLEARED && message->publish != !is_snoozed(life, episode))
        fail_at(life, "cleared in silence, or aloud while it was snoozed");
    if (message->reason_count == 0)
        fail_at(life, "no reasons");
    for (size_t i = 1; i < message->reason_count; i++)
        if (size_of(message->reasons[i].points) > size_of(message->reasons[i - 1].points))
            fail_at(life, "reasons out of order");
}

static void take(struct life *life, const struct rt_transition *message)
{
    struct rt_alert alert = {
        .kind = message->kind,
        .severity = message->severity,
        .state = message->state,
        .score = message->score,
        .ts = life->now,
    };
    struct rt_hold hold = {.by = rt_span_text("kim"), .ts = life->now};

    check_message(life, message);
    seen[message->kind][message->state]++;
    assert_true(rt_account_alert(life->account, &alert, 1, 2));
    hold.until = life->now + 1 + (int64_t)random_below(&life->random, (uint64_t)(9 * RT_DAY_MS));
    if (message->state != RT_CLEARED && random_chance(&life->random, 0.3))
        assert_true(rt_account_hold(life->account, message->kind, random_chance(&life->random, 0.5),
                                    &hold));
}

/* Where the short way says that nothing is to be said, the long one must agree. */
static void check_calm(const struct life *life, int64_t next)
{
    int64_t least = next < life->deadline ? next : life->deadline;

    seen_calm++;
    if (judgement.count != 0)
        fail_at(life, "calm, but something is to be said");
    if (judgement.deadline < least)
        fail_at(life, "calm, but due before what it waits for");
}

static void judge(struct life *life, enum rt_judged_on on)
{
    int64_t again, next;
    bool calm = on == RT_ON_EVENT && rt_rules_calm(&config, life->account, life->now, &next);

    rt_rules_judge(&config, life->account, life->now, on, &judgement);
    if (calm)
        check_calm(life, next);
    for (size_t i = 0; i < judgement.count; i++)
        take(life, &judgement.transitions[i]);
    if (calm && random_chance(&life->random, 0.5)) {
        life->deadline = next < life->deadline ? next : life->deadline;
        return;
    }
    life->deadline = judgement.deadline;
    again = rt_rules_deadline(&config, life->account, life->now);
    if (again <= life->now)
        fail_at(life, "deadline in the past");
    /* What was acknowledged just now waits for that too. */
    if (judgement.count == 0 && again != life->deadline)
        fail_at(life, "two deadlines");
    life->deadline = again;
}

/* A manager sets something by hand, or ends it. Rules hear of it as of a deadline. */
static void set_by_hand(struct life *life)
{
    struct rt_override override = {
        .form = random_chance(&life->random, 0.5) ? RT_OVERRIDE_SCORE : RT_OVERRIDE_BAND,
        .score = (double)random_below(&life->random, 1001) / 10,
        .band = (enum rt_band)random_below(&life->random, RT_BANDS),
        .since = life->now,
        .until = life->now + 1 + (int64_t)random_below(&life->random, (uint64_t)(40 * RT_DAY_MS)),
        .by = rt_span_text("kim"),
        .reason = rt_span_text("because"),
    };

    assert_true(rt_account_set_override(
        life->account, random_chance(&life->random, 0.2) ? NULL : rt_override_copy(&override)));
    life->deadline = rt_rules_deadline(&config, life->account, life->now);
    seen_override++;
}

/* Nothing may be said at a moment before the deadline. */
static void check_quiet(struct life *life, int64_t at)
{
    int64_t now = life->now;

    if (at <= now || at >= life->deadline)
        return;
    life->now = at;
    rt_rules_judge(&config, life->account, at, RT_ON_TIME, &judgement);
    if (judgement.count != 0)
        fail_at(life, "said before its deadline");
    if (judgement.deadline < life->deadline)
        fail_at(life, "looking makes the deadline earlier");
    life->now = now;
}

/* Time passes, hour by hour, and at each deadline. */
static void pass(struct life *life, int64_t until)
{
    while (life->now < until) {
        int64_t next = life->deadline < until ? life->deadline : until;

        for (int64_t at = life->now + RT_HOUR_MS; at < next;
             at += (1 + (int64_t)random_below(&life->random, 20)) * RT_HOUR_MS)
            check_quiet(life, at);
        check_quiet(life, next - 1);
        life->now = next;
        if (life->now == life->deadline)
            judge(life, RT_ON_TIME);
    }
}

static int by_time(const void *a, const void *b)
{
    int64_t x = **(const int64_t *const *)a, y = **(const int64_t *const *)b;

    return (x > y) - (x < y);
}

/* Some lives are told late: neighbours change places. */
static void tell_late(struct random *random, const int64_t **order, size_t count)
{
    for (size_t i = 0; i + 1 < count; i++) {
        size_t reach = count - i < 20 ? count - i : 20;
        size_t other = i + (size_t)random_below(random, reach);
        const int64_t *kept = order[i];

        order[i] = order[other];
        order[other] = kept;
    }
}

static void random_config(struct random *random)
{
    struct rt_tier *tier = &config.tiers[0];

    rt_config_init(&config);
    if (random_chance(random, 0.3))
        tier->dwell_ms = (double)random_below(random, 3 * RT_DAY_MS);
    if (random_chance(random, 0.3))
        tier->rhythm_days = 1 + (double)random_below(random, 60);
    if (random_chance(random, 0.2))
        config.alerts_dormant_days = 30;
}

static void live(struct life *life)
{
    struct temper temper = random_temper(&life->random);
    const int64_t *order[HISTORY_MAX];
    int64_t end = START + 100 * RT_DAY_MS;
    bool overrides = random_chance(&life->random, 0.5);

    temper.profile = true;
    if (temper.days > 1000)
        temper.days = 1000;
    history_make(&history, &life->random, &temper, end);
    for (size_t i = 0; i < history.count; i++)
        order[i] = &history.told[i].event.ts;
    qsort(order, history.count, sizeof(order[0]), by_time);
    if (random_chance(&life->random, 0.3))
        tell_late(&life->random, order, history.count);
    life->account = rt_account_new(rt_span_text("acme"));
    life->now = *order[0];
    life->deadline = INT64_MAX;
    for (size_t i = 0; i < history.count; i++) {
        const struct told *told =
            (const struct told *)(const void *)((const char *)order[i] -
                                                offsetof(struct told, event.ts));

        pass(life, told->event.ts);
        rt_rules_before(&config, life->account, life->now);
        history_apply(life->account, &told->event);
        judge(life, random_chance(&life->random, 0.02) ? RT_ON_LOAD : RT_ON_EVENT);
        if (overrides && random_chance(&life->random, 0.05))
            set_by_hand(life);
    }
    pass(life, end + 150 * RT_DAY_MS);
    rt_account_free(life->account);
}

static void test_deadlines_miss_nothing(void **state)
{
    (void)state;
    for (unsigned round = 0; round < rounds(); round++) {
        struct life life = {.random = random_from(history_seed() * 1000003 + round),
                            .round = round};

        random_config(&life.random);
        live(&life);
    }
}

/* A test of nothing is none: all kinds and states have come up. */
static void test_everything_was_seen(void **state)
{
    (void)state;
    if (rounds() < 400)
        skip();
    assert_true(seen_calm > 0 && seen_override > 0);
    for (int kind = 0; kind < RT_ALERT_KINDS; kind++) {
        assert_true(seen[kind][RT_RAISED] > 0);
        assert_true(seen[kind][RT_CLEARED] > 0);
        assert_true(seen[kind][RT_REMINDED] > 0);
        if (kind != RT_UPSELL)
            assert_true(seen[kind][RT_CHANGED] > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deadlines_miss_nothing),
        cmocka_unit_test(test_everything_was_seen),
    };

    history_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* An account as a whole: what counts, what memory it takes, what happens without any, its stored
 * form and hostile bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/lib/interaction.h"
#include "workers/account_state.h"
#include "workers/score.h"

static const int64_t NOW = INT64_C(1763800000000);

/* ---- memory that runs out -------------------------------------------------------------------- */

/* Sanitizers bring an allocator of their own. */
#if defined(__SANITIZE_ADDRESS__) || !defined(__GLIBC__)
#define CAN_FAIL 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define CAN_FAIL 0
#endif
#endif
#ifndef CAN_FAIL
#define CAN_FAIL 1
#endif

static long allocations_left = -1; /* -1: as many as you like */

#if CAN_FAIL
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);

static bool may_allocate(void)
{
    return allocations_left < 0 || allocations_left-- > 0;
}

__attribute__((visibility("default"))) void *malloc(size_t size)
{
    return may_allocate() ? __libc_malloc(size) : NULL;
}

__attribute__((visibility("default"))) void *calloc(size_t count, size_t size)
{
    return may_allocate() ? __libc_calloc(count, size) : NULL;
}

__attribute__((visibility("default"))) void *realloc(void *block, size_t size)
{
    return may_allocate() ? __libc_realloc(block, size) : NULL;
}
#endif

static struct rt_buffer encoded(const struct rt_account *account)
{
    struct rt_buffer bytes = {0};

    rt_account_encode(&bytes, account);
    assert_false(bytes.failed);
    return bytes;
}

static void assert_same(const struct rt_account *account, const struct rt_buffer *bytes)
{
    struct rt_buffer now = encoded(account);

    assert_int_equal(now.size, bytes->size);
    assert_memory_equal(now.data, bytes->data, now.size);
    rt_buffer_free(&now);
}

/* Every event fails at every allocation it makes, leaves nothing behind, and then succeeds. */
static void test_without_memory_nothing_changes(void **state)
{
    struct random random = random_from(history_seed());
    struct temper temper = {.bad = 0.5, .tickets = true, .profile = true};
    struct rt_account *account;
    unsigned failures = 0;
    static struct told told;

    (void)state;
    if (!CAN_FAIL)
        skip();
    account = rt_account_new(rt_span_text("acme"));
    for (unsigned i = 0; i < 2000; i++) {
        struct rt_buffer before = encoded(account);
        uint64_t evicted = 0;
        bool applied = false;

        history_event(&told, &random, &temper, i, NOW - (int64_t)i * RT_DAY_MS);
        for (long allowed = 0; !applied; allowed++) {
            allocations_left = allowed;
            applied = rt_account_apply(account, &told.event, 1000, &evicted);
            allocations_left = -1;
            if (!applied) {
                failures++;
                assert_same(account, &before);
            }
        }
        rt_buffer_free(&before);
    }
    assert_true(failures > 100);
    rt_account_free(account);
}

static void test_decoding_without_memory_says_so(void **state)
{
    struct rt_account *account, *again = NULL;
    struct rt_buffer bytes;
    bool no_memory = false;

    (void)state;
    if (!CAN_FAIL)
        skip();
    account = customer(NOW, 10, 3);
    apply(account, a_ticket("1", NOW, RT_OPENED, 1));
    apply(account, a_mail(NOW, RT_IN, "thread"));
    apply(account, with_text(a_profile("p", NOW), RT_PROFILE_OWNER, "kim"));
    bytes = encoded(account);
    for (long allowed = 0; again == NULL; allowed++) {
        struct rt_reader reader = rt_reader(rt_buffer_span(&bytes));

        allocations_left = allowed;
        again = rt_account_decode(&reader, &no_memory);
        allocations_left = -1;
        /* Checking a profile needs memory for a moment: without it the bytes count as no profile.
         */
        assert_true(again != NULL || no_memory || allowed > 4);
    }
    assert_same(again, &bytes);
    rt_buffer_free(&bytes);
    rt_account_free(again);
    rt_account_free(account);
}

/* ---- hostile bytes --------------------------------------------------------------------------- */

static struct rt_account *full_account(void)
{
    struct rt_account *account = customer(NOW, 40, 5);
    struct rt_alert alert = {.kind = RT_SILENCE, .severity = RT_WARNING, .ts = NOW, .score = 41};
    struct rt_hold hold = {.by = rt_span_text("kim"), .note = rt_span_text("called"), .until = NOW};

    apply(account, with_sentiment(a_visit(NOW, RT_NO_SHOW), -0.5));
    apply(account, a_ticket("4711", NOW, RT_OPENED, 1));
    apply(account, a_ticket("4712", NOW, RT_CLOSED, 0));
    apply(account, a_mail(NOW, RT_IN, "a"));
    apply(account, a_mail(NOW, RT_OUT, "b"));
    apply(account, with_renewal(with_text(a_profile("p", NOW), RT_PROFILE_OWNER, "kim"), NOW));
    assert_true(rt_account_alert(account, &alert, 7, 8));
    assert_true(rt_account_hold(account, RT_SILENCE, false, &hold));
    alert.kind = RT_SCORE_DROP;
    assert_true(rt_account_alert(account, &alert, 9, 10));
    rt_account_set_chain(account, 12345);
    rt_account_wait(account)->at = NOW + 5;
    return account;
}

static struct rt_account *decode(struct rt_span bytes)
{
    struct rt_reader reader = rt_reader(bytes);
    bool no_memory;

    return rt_account_decode(&reader, &no_memory);
}

static void test_cut_bytes_are_no_account(void **state)
{
    struct rt_account *account = full_account();
    struct rt_buffer bytes = encoded(account);

    (void)state;
    for (size_t size = 0; size < bytes.size; size++)
        assert_null(decode(rt_span(bytes.data, size)));
    rt_buffer_free(&bytes);
    rt_account_free(account);
}

/* Any change of a byte gives no account, or one that can be scored, stored and freed. */
static void test_changed_bytes_do_no_harm(void **state)
{
    struct rt_account *account = full_account();
    struct rt_buffer bytes = encoded(account);
    static struct rt_config config;

    (void)state;
    rt_config_init(&config);
    for (size_t at = 0; at < bytes.size; at++)
        for (unsigned flip = 1; flip < 256; flip += at % 7 + 1) {
            struct rt_account *other;

            bytes.data[at] ^= (uint8_t)flip;
            other = decode(rt_buffer_span(&bytes));
            if (other != NULL) {
                struct rt_buffer again = encoded(other);
                double score = rt_score_value(&config.tiers[0], other, NOW);

                assert_true(score >= 0 && score <= 100);
                rt_buffer_free(&again);
                rt_account_free(other);
            }
            bytes.data[at] ^= (uint8_t)flip;
        }
    rt_buffer_free(&bytes);
    rt_account_free(account);
}

/* The newest day is that of the last contact: bytes that say otherwise are refused. */
static void test_bytes_that_contradict_themselves(void **state)
{
    struct rt_account *account = customer(NOW, 3, 5);
    struct rt_buffer bytes = encoded(account);
    bool found = false;

    (void)state;
    for (size_t at = 0; at + 8 <= bytes.size; at++) {
        if (memcmp(bytes.data + at, &NOW, 8) != 0)
            continue;
        found = true;
        bytes.data[at + 4] ^= 1; /* 50 days later */
        assert_null(decode(rt_buffer_span(&bytes)));
        bytes.data[at + 4] ^= 1;
    }
    assert_true(found);
    rt_buffer_free(&bytes);
    rt_account_free(account);
}

static void test_random_bytes_are_no_account(void **state)
{
    struct random random = random_from(history_seed());
    uint8_t bytes[300];

    (void)state;
    for (int i = 0; i < 20000; i++) {
        for (size_t at = 0; at < sizeof(bytes); at++)
            bytes[at] = (uint8_t)random_u64(&random);
        bytes[0] = 1 + bytes[0] % 4;
        bytes[1] = 1 + bytes[1] % 8;
        rt_account_free(decode(rt_span(bytes, random_below(&random, sizeof(bytes)))));
    }
}

/* ---- what counts ----------------------------------------------------------------------------- */

static void test_what_is_no_contact(void **state)
{
    struct rt_account *account = rt_account_new(rt_span_text("acme"));
    struct rt_event bounced = a_mail(NOW, RT_OUT, NULL);
    int64_t last;

    (void)state;
    bounced.bounced = true;
    apply(account, bounced);
    apply(account, a_visit(NOW, RT_NO_SHOW));
    apply(account, a_visit(NOW, RT_CANCELLED));
    apply(account, a_ticket("1", NOW, RT_UPDATED, 0));
    apply(account, a_ticket("1", NOW, RT_ESCALATED, 0));
    apply(account, a_ticket("1", NOW, RT_RESOLVED, 0));
    apply(account, a_ticket("1", NOW, RT_CLOSED, 0));
    apply(account, a_profile("p", NOW));
    assert_false(rt_account_last_contact(account, &last));
    assert_int_equal(rt_account_events(account, RT_EMAIL), 1);
    assert_int_equal(rt_account_events(account, RT_VISIT), 2);
    assert_int_equal(rt_account_events(account, RT_TICKET), 4);
    assert_int_equal(rt_account_events(account, RT_ACCOUNT), 1);
    rt_account_free(account);
}

static void test_what_is_contact(void **state)
{
    const struct rt_event contacts[] = {
        a_call(NOW),
        a_missed_call(NOW),
        a_visit(NOW, RT_HELD),
        a_mail(NOW, RT_IN, NULL),
        a_ticket("1", NOW, RT_OPENED, 0),
        a_ticket("1", NOW, RT_REPLIED, 0),
        a_ticket("1", NOW, RT_REOPENED, 0),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(contacts) / sizeof(contacts[0]); i++) {
        struct rt_account *account = rt_account_new(rt_span_text("acme"));
        int64_t last = 0;

        apply(account, contacts[i]);
        assert_true(rt_account_last_contact(account, &last));
        assert_int_equal(last, NOW);
        rt_account_free(account);
    }
}

static void test_the_profile_moves_no_contact(void **state)
{
    struct rt_account *account = customer(NOW, 3, 5);
    struct rt_event event =
        with_sentiment(with_text(a_profile("p", NOW + 9), RT_PROFILE_STATUS, "churned"), -1);
    static struct rt_config config;
    double before;
    int64_t last;

    (void)state;
    rt_config_init(&config);
    before = rt_score_value(&config.tiers[0], account, NOW);
    event.contact = rt_span_text("somebody");
    apply(account, event);
    assert_true(rt_score_value(&config.tiers[0], account, NOW) == before);
    assert_true(rt_account_last_contact(account, &last));
    assert_int_equal(last, NOW);
    assert_true(rt_account_churned(account));
    apply(account, with_text(a_profile("q", NOW + 10), RT_PROFILE_STATUS, "active"));
    assert_false(rt_account_churned(account));
    apply(account, with_text(a_profile("q", NOW + 11), RT_PROFILE_STATUS, "churned"));
    apply(account, without(a_profile("q", NOW + 12), RT_PROFILE_STATUS));
    assert_false(rt_account_churned(account));
    rt_account_free(account);
}

static void test_tier_in_force(void **state)
{
    struct rt_account *account = customer(NOW, 1, 1);
    static struct rt_config config;
    char error[RT_CONFIG_ERROR];

    (void)state;
    rt_config_init(&config);
    assert_true(rt_config_set(&config, "tier.key.rhythm_days", "7", error));
    assert_true(rt_account_tier(account, &config)->rhythm_days == 14);
    apply(account, with_text(a_profile("p", NOW), RT_PROFILE_TIER, "unheard of"));
    assert_true(rt_account_tier(account, &config)->rhythm_days == 14);
    apply(account, with_text(a_profile("q", NOW), RT_PROFILE_TIER, "key"));
    assert_true(rt_account_tier(account, &config)->rhythm_days == 7);
    rt_account_free(account);
}

/* ---- memory and stored form ------------------------------------------------------------------ */

static void test_a_common_account_is_small(void **state)
{
    struct rt_account *account = rt_account_new(rt_span_text("acme-limited"));
    struct rt_event event = with_renewal(a_profile("crm-000123", NOW), NOW);

    (void)state;
    event = with_text(with_text(event, RT_PROFILE_OWNER, "kim.smith"), RT_PROFILE_TIER, "key");
    event.profile[RT_PROFILE_VALUE] =
        (struct rt_profile_value){.presence = RT_KEY_SET, .value = 12000};
    apply(account, event);
    for (int i = 0; i < 4; i++) {
        apply(account, a_call(NOW - i * 40 * RT_DAY_MS));
        apply(account, a_mail(NOW - i * 3 * RT_DAY_MS, RT_OUT, NULL));
    }
    assert_in_range(rt_account_bytes(account), 256, 450);
    rt_account_free(account);
}

static void test_a_round_trip_keeps_all(void **state)
{
    struct rt_account *account = full_account(), *again;
    struct rt_buffer bytes = encoded(account);
    const struct rt_episode *episode;

    (void)state;
    again = decode(rt_buffer_span(&bytes));
    assert_non_null(again);
    assert_same(again, &bytes);
    assert_true(rt_span_is(rt_account_name(again), "acme"));
    assert_int_equal(rt_account_chain(again), 12345);
    assert_int_equal(rt_account_wait(again)->at, NOW + 5);
    assert_int_equal(rt_account_wait(again)->place, UINT32_MAX);
    assert_int_equal(rt_account_open_tickets(again), 1);
    assert_int_equal(rt_account_episodes(again), 2);
    episode = rt_account_episode_of(again, RT_SILENCE);
    assert_int_equal(episode->sequence, 7);
    assert_int_equal(episode->position, 8);
    assert_true(episode->spoke_score == 41);
    assert_true(rt_span_is(episode->ack->by, "kim"));
    assert_true(rt_span_is(episode->ack->note, "called"));
    assert_null(episode->snooze->by.data);
    assert_int_equal(rt_account_episode(again, 0)->kind, RT_SCORE_DROP);
    assert_null(rt_account_episode(again, 2));
    rt_buffer_free(&bytes);
    rt_account_free(again);
    rt_account_free(account);
}

static void cut_out(struct rt_buffer *bytes, size_t at, size_t size)
{
    memmove(bytes->data + at, bytes->data + at + size, bytes->size - at - size);
    bytes->size -= size;
}

/* The bytes as version 3 had them: without the lapse of each open episode, after six numbers. */
static struct rt_buffer as_version_3(const struct rt_account *account)
{
    struct rt_buffer bytes = encoded(account);

    for (size_t i = 0; i < rt_account_episodes(account); i++) {
        const struct rt_episode *episode = rt_account_episode(account, i);
        uint8_t head[10] = {(uint8_t)episode->kind, (uint8_t)episode->severity};
        const uint8_t *found;

        memcpy(head + 2, &episode->sequence, 8);
        found = memmem(bytes.data, bytes.size, head, sizeof(head));
        assert_non_null(found);
        cut_out(&bytes, (size_t)(found - bytes.data) + 2 + 6 * 8, 8);
    }
    bytes.data[0] = 3;
    return bytes;
}

/* The bytes as version 2 had them: a byte for the parts. */
static struct rt_buffer as_version_2(const struct rt_account *account)
{
    struct rt_buffer bytes = as_version_3(account);
    size_t parts = 2 + account->name_size + 8 + 8;

    assert_int_equal(bytes.data[parts + 1], 0);
    cut_out(&bytes, parts + 1, 1);
    bytes.data[0] = 2;
    return bytes;
}

/* The bytes as version 1 had them: without the two of the newest visit, which end the activity. */
static struct rt_buffer as_version_1(const struct rt_account *account)
{
    struct rt_buffer bytes = as_version_2(account);
    size_t activity = 2 + account->name_size + 8 + 8 + 1 + 1; /* after the mask of counts */
    size_t end;

    for (int type = 0; type < RT_EVENT_TYPES; type++)
        activity += account->counts[type] > 0 ? 4 : 0;
    end = activity + 8 + 8 + 4;
    end += 1 + 8 * bytes.data[end];
    for (int i = 0; i < RT_ACTIVITY_PEOPLE; i++)
        end += account->activity.people[i] != 0 ? 2 : 0;
    end += 2;
    assert_int_equal(bytes.data[end] | bytes.data[end + 1] << 8, account->activity.visit);
    cut_out(&bytes, end, 2);
    bytes.data[0] = 1;
    return bytes;
}

static void test_version_2_is_read(void **state)
{
    struct rt_account *account = full_account(), *again;
    struct rt_buffer bytes = encoded(account), old = as_version_2(account);

    (void)state;
    again = decode(rt_buffer_span(&old));
    assert_non_null(again);
    assert_same(again, &bytes);
    rt_buffer_free(&bytes);
    rt_buffer_free(&old);
    rt_account_free(again);
    rt_account_free(account);
}

/* Only the four weeks of a visit were known. */
/* A lapse was not stored; what was said of it is heard again when the next acknowledgement ends. */
static void test_version_3_knows_no_lapse(void **state)
{
    struct rt_account *account = full_account(), *again;
    struct rt_alert alert = {
        .kind = RT_SILENCE, .state = RT_REMINDED, .severity = RT_WARNING, .ts = NOW, .score = 41};
    struct rt_hold hold = {.by = rt_span_text("kim"), .until = NOW + 5};
    struct rt_buffer bytes, old;

    (void)state;
    assert_int_equal(rt_account_episode_of(account, RT_SILENCE)->lapsed, 0);
    assert_true(rt_account_alert(account, &alert, 7, 20));
    assert_int_equal(rt_account_episode_of(account, RT_SILENCE)->lapsed, NOW);
    bytes = encoded(account);
    old = as_version_3(account);
    again = decode(rt_buffer_span(&bytes));
    assert_int_equal(rt_account_episode_of(again, RT_SILENCE)->lapsed, NOW);
    rt_account_free(again);
    again = decode(rt_buffer_span(&old));
    assert_int_equal(rt_account_episode_of(again, RT_SILENCE)->lapsed, 0);
    rt_account_free(again);
    assert_true(rt_account_hold(account, RT_SILENCE, true, &hold)); /* a snooze promises nothing */
    assert_int_equal(rt_account_episode_of(account, RT_SILENCE)->lapsed, NOW);
    assert_true(rt_account_hold(account, RT_SILENCE, false, &hold));
    assert_int_equal(rt_account_episode_of(account, RT_SILENCE)->lapsed, 0);
    rt_buffer_free(&bytes);
    rt_buffer_free(&old);
    rt_account_free(account);
}

static void test_version_1_knows_the_last_visit_roughly(void **state)
{
    static const int64_t begins = 729 * RT_CELL_DAYS * RT_DAY_MS;
    struct rt_account *account = rt_account_new(rt_span_text("acme")), *again;
    struct rt_buffer bytes;
    int32_t day;

    (void)state;
    apply(account, a_call(begins + 40 * RT_DAY_MS));
    bytes = as_version_1(account);
    again = decode(rt_buffer_span(&bytes));
    assert_non_null(again);
    assert_false(rt_activity_visited(&again->activity, &day));
    rt_account_free(again);
    rt_buffer_free(&bytes);
    apply(account, a_visit(begins + 3 * RT_DAY_MS, RT_HELD));
    apply(account, a_visit(begins - 3 * RT_DAY_MS, RT_HELD));
    apply(account, a_call(begins + 9 * RT_DAY_MS));
    bytes = as_version_1(account);
    again = decode(rt_buffer_span(&bytes));
    assert_non_null(again);
    assert_true(rt_activity_visited(&again->activity, &day));
    assert_int_equal(day, rt_activity_day(begins) + 9);
    rt_account_free(again);
    rt_buffer_free(&bytes);
    rt_account_free(account);
}

static void test_only_visits_that_were_held_are_visits(void **state)
{
    struct rt_account *account = rt_account_new(rt_span_text("acme"));
    int32_t day;

    (void)state;
    apply(account, a_call(NOW));
    apply(account, a_visit(NOW, RT_NO_SHOW));
    apply(account, a_visit(NOW, RT_CANCELLED));
    assert_false(rt_activity_visited(&account->activity, &day));
    apply(account, a_visit(NOW - 5 * RT_DAY_MS, RT_HELD));
    assert_true(rt_activity_visited(&account->activity, &day));
    assert_int_equal(day, rt_activity_day(NOW) - 5);
    rt_account_free(account);
}

/* ---- episodes -------------------------------------------------------------------------------- */

static void test_holds_need_an_open_episode(void **state)
{
    struct rt_account *account = customer(NOW, 1, 1);
    struct rt_hold hold = {.by = rt_span_text("kim")};

    (void)state;
    assert_false(rt_account_hold(account, RT_SILENCE, false, &hold));
    assert_null(rt_account_episode_of(account, RT_SILENCE));
    assert_int_equal(rt_account_episodes(account), 0);
    rt_account_free(account);
}

static void test_the_life_of_an_episode(void **state)
{
    struct rt_account *account = customer(NOW, 1, 1);
    struct rt_alert alert = {.kind = RT_CHURN_RISK, .severity = RT_WARNING, .ts = NOW, .score = 30};
    struct rt_hold hold = {.by = rt_span_text("kim"), .until = NOW + 5};
    const struct rt_episode *episode;

    (void)state;
    alert.state = RT_CLEARED; /* of nothing: nothing */
    assert_true(rt_account_alert(account, &alert, 1, 1));
    alert.state = RT_RAISED;
    assert_true(rt_account_alert(account, &alert, 1, 1));
    assert_true(rt_account_hold(account, RT_CHURN_RISK, false, &hold));
    assert_true(rt_account_hold(account, RT_CHURN_RISK, true, &hold));
    alert.state = RT_CHANGED;
    alert.severity = RT_CRITICAL;
    alert.score = 10;
    alert.ts = NOW + 1;
    assert_true(rt_account_alert(account, &alert, 1, 2));
    episode = rt_account_episode_of(account, RT_CHURN_RISK);
    assert_int_equal(episode->severity, RT_CRITICAL);
    assert_int_equal(episode->raised, NOW);
    assert_true(episode->spoke_score == 10);
    assert_non_null(episode->ack->by.data);
    assert_null(episode->snooze->by.data);
    assert_true(rt_account_hold(account, RT_CHURN_RISK, true, &hold));
    alert.state = RT_REMINDED;
    assert_true(rt_account_alert(account, &alert, 1, 3));
    assert_null(episode->ack->by.data);
    assert_non_null(episode->snooze->by.data);
    hold.by.data = NULL;
    assert_true(rt_account_hold(account, RT_CHURN_RISK, true, &hold));
    assert_null(episode->snooze->by.data);
    alert.state = RT_CLEARED;
    assert_true(rt_account_alert(account, &alert, 1, 4));
    assert_int_equal(rt_account_episodes(account), 0);
    rt_account_free(account);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_memory_nothing_changes),
        cmocka_unit_test(test_decoding_without_memory_says_so),
        cmocka_unit_test(test_cut_bytes_are_no_account),
        cmocka_unit_test(test_changed_bytes_do_no_harm),
        cmocka_unit_test(test_bytes_that_contradict_themselves),
        cmocka_unit_test(test_random_bytes_are_no_account),
        cmocka_unit_test(test_what_is_no_contact),
        cmocka_unit_test(test_what_is_contact),
        cmocka_unit_test(test_the_profile_moves_no_contact),
        cmocka_unit_test(test_tier_in_force),
        cmocka_unit_test(test_a_common_account_is_small),
        cmocka_unit_test(test_a_round_trip_keeps_all),
        cmocka_unit_test(test_version_2_is_read),
        cmocka_unit_test(test_version_3_knows_no_lapse),
        cmocka_unit_test(test_version_1_knows_the_last_visit_roughly),
        cmocka_unit_test(test_only_visits_that_were_held_are_visits),
        cmocka_unit_test(test_holds_need_an_open_episode),
        cmocka_unit_test(test_the_life_of_an_episode),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

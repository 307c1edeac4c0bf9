/* The score on accounts whose history fits a line; the laws over random ones are in tests/property.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/lib/interaction.h"
#include "workers/score.h"
#include "workers/score_sentence.h"

static const int64_t NOW = INT64_C(1763800000000);

static struct rt_config config;

static const struct rt_tier *tier(void)
{
    return &config.tiers[0];
}

static double value(const struct rt_account *account, int64_t now)
{
    return rt_score_value(tier(), account, now);
}

static const struct rt_reason *factor(const struct rt_score *score, const char *name)
{
    for (size_t i = 0; i < score->count; i++)
        if (strcmp(score->factors[i].factor, name) == 0)
            return &score->factors[i];
    return NULL;
}

/* ---- nothing and too much -------------------------------------------------------------------- */

static void test_without_contact(void **state)
{
    struct rt_account *account = rt_account_new(rt_span_text("acme"));
    struct rt_score score;

    (void)state;
    assert_true(value(account, NOW) == 0);
    apply(account, a_visit(NOW, RT_NO_SHOW));
    apply(account, with_sentiment(a_ticket("1", NOW, RT_UPDATED, 1), 1));
    rt_score_explain(tier(), account, NOW, &score);
    assert_true(score.score == 0);
    assert_true(score.base == 50);
    assert_int_equal(score.count, 1);
    assert_true(score.factors[0].points == -50);
    assert_string_equal(
        score.factors[0].text,
        "no call, visit, mail or ticket so far; a call, visit or mail brings back 38");
    rt_account_free(account);
}

static void test_far_moments(void **state)
{
    struct rt_account *account = customer(NOW, 60, 7);
    static const int64_t moments[] = {0, 1, INT64_C(4000000000000), INT64_MAX / 2, INT64_MAX};

    (void)state;
    apply(account, a_ticket("1", NOW, RT_OPENED, 1));
    apply(account, with_sentiment(a_call(NOW), 0.5));
    for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++)
        assert_true(value(account, moments[i]) >= 0 && value(account, moments[i]) <= 100);
    assert_true(rt_score_crossing(tier(), account, INT64_MAX - 5, INT64_MAX, 10) == INT64_MAX);
    rt_account_free(account);
}

static void test_others_text_is_tamed(void **state)
{
    struct rt_account *account = customer(NOW, 3, 7);
    struct rt_score score;
    const char *text;

    (void)state;
    apply(account, a_ticket("\x1b[31m\xe2\x80\xae\xc2\x85"
                            "\xe3\x82\xab\xe3\x82\xab\xe3\x82\xab\xe3\x82\xab\xe3\x82\xab"
                            "\xe3\x82\xab\xe3\x82\xab\xe3\x82\xab\xe3\x82\xab\xe3\x82\xab"
                            "\xe3\x82\xab",
                            NOW, RT_OPENED, 1));
    rt_score_explain(tier(), account, NOW + 1000, &score);
    text = factor(&score, "tickets")->text;
    assert_true(rt_utf8_valid(rt_span_text(text)));
    assert_null(strchr(text, 0x1b));
    assert_null(strstr(text, "\xe2\x80\xae"));
    assert_null(strstr(text, "\xc2\x85"));
    assert_non_null(strstr(text, "..."));
    rt_account_free(account);
}

static void test_sentences_end_where_they_fit(void **state)
{
    char small[8];

    (void)state;
    for (size_t size = 4; size <= sizeof(small); size++) {
        struct rt_sentence sentence = rt_sentence(small, size);

        rt_say(&sentence, "%s", "a");
        rt_say_name(&sentence, rt_span_text("\xe3\x82\xab\xe3\x82\xab\xe3\x82\xab"), 100);
        rt_say(&sentence, "b");
        assert_true(strlen(small) < size);
        assert_true(rt_utf8_valid(rt_span_text(small)));
    }
}

static void test_no_crossing(void **state)
{
    struct rt_account *account = customer(NOW, 10, 7);

    (void)state;
    assert_true(rt_score_crossing(tier(), account, NOW, INT64_MAX, 0) == INT64_MAX);
    assert_true(rt_score_crossing(tier(), account, NOW, NOW, 99) == INT64_MAX);
    assert_true(rt_score_crossing(tier(), account, NOW, NOW + RT_DAY_MS, 1) == INT64_MAX);
    assert_int_equal(rt_score_crossing(tier(), account, NOW, INT64_MAX, 99), NOW + 1);
    rt_account_free(account);
}

/* ---- figures --------------------------------------------------------------------------------- */

static void test_what_is_promised(void **state)
{
    struct rt_account *once = customer(NOW, 1, 7), *weekly = customer(NOW, 52, 7);
    struct rt_account *twice = customer(NOW, 104, 3.5);
    static const char *const numbers[] = {"1", "2", "3", "4", "5", "6"};

    (void)state;
    assert_true(value(once, NOW) > 49 && value(once, NOW) < 52);
    assert_true(value(weekly, NOW) >= 75);
    assert_true(value(twice, NOW) >= 80);
    for (int i = 0; i < 6; i++)
        apply(weekly, a_ticket(numbers[i], NOW, RT_OPENED, 1));
    assert_true(value(weekly, NOW) < 40);
    for (int i = 0; i < 6; i++)
        apply(weekly, a_ticket(numbers[i], NOW, RT_RESOLVED, 0));
    assert_true(value(weekly, NOW) >= 75);
    rt_account_free(once);
    rt_account_free(weekly);
    rt_account_free(twice);
}

static void test_the_rhythm_is_the_tiers(void **state)
{
    struct rt_account *account = customer(NOW, 10, 30);
    struct rt_tier slow = *tier();

    (void)state;
    slow.rhythm_days = 60;
    assert_true(rt_score_value(&slow, account, NOW + 40 * RT_DAY_MS) >
                value(account, NOW + 40 * RT_DAY_MS) + 10);
    rt_account_free(account);
}

static void test_a_crossing_to_the_millisecond(void **state)
{
    struct rt_account *account = customer(NOW, 52, 7);

    (void)state;
    for (double threshold = 5; threshold < 85; threshold += 5) {
        int64_t at = rt_score_crossing(tier(), account, NOW, INT64_MAX, threshold);

        assert_true(value(account, at) < threshold);
        assert_true(value(account, at - 1) >= threshold);
    }
    rt_account_free(account);
}

/* At the threshold is not below it. */
static void test_a_crossing_is_below_not_at(void **state)
{
    struct rt_account *account = customer(NOW, 52, 7);
    int64_t at = NOW + 5 * RT_DAY_MS;

    (void)state;
    assert_int_equal(rt_score_crossing(tier(), account, NOW, INT64_MAX, value(account, at)),
                     at + 1);
    rt_account_free(account);
}

/* ---- factors --------------------------------------------------------------------------------- */

/* What an account of weekly calls gets for one event more. */
static void assert_factor(struct rt_event event, const char *name, int sign, const char *says)
{
    struct rt_account *account = customer(NOW - RT_DAY_MS, 20, 7);
    struct rt_score score;
    const struct rt_reason *reason;

    apply(account, event);
    rt_score_explain(tier(), account, NOW + 2 * RT_DAY_MS, &score);
    reason = factor(&score, name);
    assert_non_null(reason);
    assert_true(sign > 0 ? reason->points > 0 : reason->points < 0);
    if (strstr(reason->text, says) == NULL)
        fail_msg("%s: %s", name, reason->text);
    rt_account_free(account);
}

static void test_each_factor_has_its_sign_and_sentence(void **state)
{
    struct rt_event mail = a_mail(NOW, RT_OUT, NULL), rated = a_ticket("1", NOW, RT_CLOSED, 0);
    struct rt_event person = a_call(NOW);

    (void)state;
    assert_factor(a_call(NOW), "contact", 1,
                  "in touch on 14 days of the 90 up to the last contact");
    assert_factor(a_call(NOW), "silence", -1,
                  "last heard from 2 days ago; this customer is usually in touch every 7 days");
    assert_factor(with_sentiment(a_call(NOW), 0.5), "sentiment", 1, "averages +0.50");
    assert_factor(with_sentiment(a_call(NOW), -0.5), "sentiment", -1, "averages -0.50");
    rated.csat = 5;
    assert_factor(rated, "csat", 1, "+1.00");
    rated.csat = 2;
    assert_factor(rated, "csat", -1, "-1.00");
    assert_factor(a_missed_call(NOW), "unanswered", -1,
                  "1 of 21 calls went unanswered; an answered call brings back ");
    assert_factor(a_visit(NOW, RT_NO_SHOW), "no_show", -1, "the last visit was a no-show");
    mail.bounced = true;
    assert_factor(mail, "bounced", -1, "the last mail bounced");
    assert_factor(a_mail(NOW, RT_OUT, "x"), "response", 1, "1 mail of ours in conversations");
    assert_factor(a_ticket("4711", NOW - 3 * RT_DAY_MS, RT_OPENED, 1), "tickets", -1,
                  "1 ticket open, critical for 5 days (4711), not answered yet; resolving 4711 "
                  "brings back ");
    person.contact = rt_span_text("somebody");
    {
        struct rt_account *account = customer(NOW, 3, 7);
        struct rt_score score;

        apply(account, person);
        person.contact = rt_span_text("another one");
        apply(account, person);
        rt_score_explain(tier(), account, NOW, &score);
        assert_true(factor(&score, "breadth")->points > 0);
        rt_account_free(account);
    }
}

static const char *silence_of(struct rt_account *account, int64_t now)
{
    static char text[RT_REASON_TEXT];
    struct rt_score score;

    rt_score_explain(tier(), account, now, &score);
    snprintf(text, sizeof(text), "%s", factor(&score, "silence")->text);
    rt_account_free(account);
    return text;
}

static void test_a_silence_says_what_went_before(void **state)
{
    struct rt_account *unlucky = customer(NOW, 20, 7), *unhappy = customer(NOW, 20, 7);
    struct rt_account *waiting = customer(NOW, 20, 7), *slow = customer(NOW, 3, 30);

    (void)state;
    for (int i = 0; i < 4; i++)
        apply(unlucky, a_missed_call(NOW));
    assert_non_null(
        strstr(silence_of(unlucky, NOW + 30 * RT_DAY_MS), "; before that 4 of the last "));
    apply(unhappy, with_sentiment(a_call(NOW - 100 * RT_DAY_MS), 0.5));
    apply(unhappy, with_sentiment(a_call(NOW), -0.8));
    assert_non_null(strstr(silence_of(unhappy, NOW + 30 * RT_DAY_MS),
                           "; before that the tone of the last 1 interaction averages -0.80 on a "
                           "scale of -1 to 1, +0.50 before"));
    apply(waiting, a_ticket("4711", NOW, RT_OPENED, 1));
    assert_non_null(strstr(silence_of(waiting, NOW + 30 * RT_DAY_MS),
                           "; and 1 ticket open, critical for 30 days (4711)"));
    for (int i = 0; i < 12; i++)
        apply(slow, a_call(NOW - (100 + 7 * i) * RT_DAY_MS));
    assert_non_null(strstr(silence_of(slow, NOW + 30 * RT_DAY_MS),
                           "; before that more and more seldom: on 3 days of 90, after 12"));
    assert_null(strstr(silence_of(customer(NOW, 20, 7), NOW + 30 * RT_DAY_MS), "before that"));
}

/* What happens to everybody is no cause: one of many, or one that good ones outweigh. */
static void test_one_mishap_is_no_cause(void **state)
{
    struct rt_account *account = customer(NOW, 20, 7);

    (void)state;
    apply(account, a_missed_call(NOW));
    apply(account, a_visit(NOW, RT_NO_SHOW));
    apply(account, with_sentiment(a_call(NOW), -0.2));
    assert_null(strstr(silence_of(account, NOW + 30 * RT_DAY_MS), "before that"));
}

static void test_the_next_fall_is_dated(void **state)
{
    struct rt_account *account = customer(NOW, 52, 7);
    int64_t at = rt_score_crossing(tier(), account, NOW + 30 * RT_DAY_MS, INT64_MAX, 70);
    char words[64], text[RT_SENTENCE];
    struct rt_sentence sentence = rt_sentence(words, sizeof(words));

    (void)state;
    rt_say_date(&sentence, at);
    snprintf(text, sizeof(text), "; if nothing happens, health is below 70 on %s", words);
    assert_non_null(strstr(silence_of(account, NOW + 30 * RT_DAY_MS), text));
    sentence = rt_sentence(words, sizeof(words));
    rt_say_date(&sentence, INT64_C(1780272000000));
    assert_string_equal(words, "1 June 2026");
}

static void test_a_waiting_mail_is_named(void **state)
{
    struct rt_account *account = customer(NOW, 3, 7);
    struct rt_score score;

    (void)state;
    apply(account, a_mail(NOW, RT_OUT, "a"));
    apply(account, a_mail(NOW, RT_IN, "b"));
    rt_score_explain(tier(), account, NOW + 4 * RT_DAY_MS, &score);
    assert_non_null(strstr(factor(&score, "response")->text, "has waited 4 days for an answer"));
    rt_account_free(account);
}

static void test_the_faintest_tone_counts(void **state)
{
    struct rt_account *good = customer(NOW, 20, 7), *bad = customer(NOW, 20, 7);

    (void)state;
    apply(good, with_sentiment(a_call(NOW), 1e-9));
    apply(bad, with_sentiment(a_call(NOW), -1e-9));
    assert_true(value(bad, NOW) < value(good, NOW));
    rt_account_free(good);
    rt_account_free(bad);
}

static void test_trouble_with_a_ticket_costs(void **state)
{
    struct rt_account *account = customer(NOW, 20, 7);
    double before;

    (void)state;
    apply(account, a_ticket("1", NOW, RT_OPENED, 3));
    before = value(account, NOW);
    apply(account, a_ticket("1", NOW, RT_ESCALATED, 0));
    assert_true(value(account, NOW) < before);
    before = value(account, NOW);
    apply(account, a_ticket("1", NOW, RT_REOPENED, 0));
    assert_true(value(account, NOW) < before);
    before = value(account, NOW);
    apply(account, a_ticket("1", NOW, RT_REPLIED, 0)); /* our answer helps */
    assert_true(value(account, NOW) > before);
    rt_account_free(account);
}

/* A no-show or a bounce brings nothing good, whatever tone it is sent with. */
static void test_praise_for_a_no_show_is_none(void **state)
{
    struct rt_account *a = customer(NOW, 20, 7), *b = customer(NOW, 20, 7);

    (void)state;
    apply(a, a_visit(NOW, RT_NO_SHOW));
    apply(b, with_sentiment(a_visit(NOW, RT_NO_SHOW), 1));
    assert_true(value(a, NOW) == value(b, NOW));
    apply(b, with_sentiment(a_visit(NOW, RT_NO_SHOW), -1));
    assert_true(value(b, NOW) < value(a, NOW));
    rt_account_free(a);
    rt_account_free(b);
}

static void test_a_complaint_does_not_fade_by_silence(void **state)
{
    struct rt_account *account = customer(NOW, 20, 7), *plain = customer(NOW, 20, 7);
    double at_once, later;

    (void)state;
    apply(account, with_sentiment(a_call(NOW), -1));
    at_once = value(account, NOW) / value(plain, NOW);
    later = value(account, NOW + 200 * RT_DAY_MS) / value(plain, NOW + 200 * RT_DAY_MS);
    assert_true(at_once < 0.95);
    assert_true(later <= at_once + 1e-12);
    /* Contacts half a year later let it. */
    for (int i = 0; i < 20; i++) {
        apply(account, a_call(NOW + (180 + i) * RT_DAY_MS));
        apply(plain, a_call(NOW + (180 + i) * RT_DAY_MS));
    }
    assert_true(value(account, NOW + 200 * RT_DAY_MS) / value(plain, NOW + 200 * RT_DAY_MS) >
                at_once + 0.01);
    rt_account_free(account);
    rt_account_free(plain);
}

/* A slow tier remembers for years: what a new day or a new bucket pushes out of its window must
 * have weighed nothing already. */
static void test_a_new_day_pushes_no_old_one_out(void **state)
{
    struct rt_account *account = customer(NOW - 300 * RT_DAY_MS, 500, 1);
    struct rt_tier slow = *tier();
    double before;

    (void)state;
    slow.rhythm_days = 365;
    before = rt_score_value(&slow, account, NOW);
    apply(account, a_call(NOW));
    assert_true(rt_score_value(&slow, account, NOW) > before);
    rt_account_free(account);
}

static void test_new_praise_pushes_no_old_one_out(void **state)
{
    int64_t bucket = 28 * RT_DAY_MS, now = NOW / bucket * bucket + RT_HOUR_MS;
    struct rt_tier slow = *tier();

    (void)state;
    slow.half_life_days = 3650;
    for (int back = 60; back <= 70; back++) {
        struct rt_account *account = customer(now - bucket, 1, 1);
        double before;

        for (int i = 0; i < 50; i++)
            apply(account, with_sentiment(a_mail(now - back * bucket, RT_IN, NULL), 1));
        apply(account, with_sentiment(a_call(now - bucket), -1));
        before = rt_score_value(&slow, account, now);
        apply(account, with_sentiment(a_ticket("1", now, RT_CLOSED, 0), 0.01));
        assert_true(rt_score_value(&slow, account, now) > before);
        rt_account_free(account);
    }
}

static int set_up(void **state)
{
    (void)state;
    rt_config_init(&config);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_contact),
        cmocka_unit_test(test_far_moments),
        cmocka_unit_test(test_others_text_is_tamed),
        cmocka_unit_test(test_sentences_end_where_they_fit),
        cmocka_unit_test(test_no_crossing),
        cmocka_unit_test(test_what_is_promised),
        cmocka_unit_test(test_the_rhythm_is_the_tiers),
        cmocka_unit_test(test_a_crossing_to_the_millisecond),
        cmocka_unit_test(test_a_crossing_is_below_not_at),
        cmocka_unit_test(test_the_faintest_tone_counts),
        cmocka_unit_test(test_trouble_with_a_ticket_costs),
        cmocka_unit_test(test_each_factor_has_its_sign_and_sentence),
        cmocka_unit_test(test_a_silence_says_what_went_before),
        cmocka_unit_test(test_one_mishap_is_no_cause),
        cmocka_unit_test(test_the_next_fall_is_dated),
        cmocka_unit_test(test_a_waiting_mail_is_named),
        cmocka_unit_test(test_praise_for_a_no_show_is_none),
        cmocka_unit_test(test_a_complaint_does_not_fade_by_silence),
        cmocka_unit_test(test_a_new_day_pushes_no_old_one_out),
        cmocka_unit_test(test_new_praise_pushes_no_old_one_out),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}

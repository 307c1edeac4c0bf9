/* How an account stands: limits at their last millisecond and one after it, what is owed first,
 * visits; then sums by name and lists, in any order of accounts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/lib/interaction.h"
#include "workers/account_state.h"
#include "workers/groups.h"
#include "workers/score.h"
#include "workers/shortlist.h"

static const int64_t NOW = INT64_C(1763800000000);

static struct rt_config config;

static struct rt_standing standing_at(const struct rt_account *account, int64_t now)
{
    struct rt_standing standing;

    rt_standing(&standing, &config, account, now);
    return standing;
}

static void set(const char *key, const char *value)
{
    char error[RT_CONFIG_ERROR];

    assert_true(rt_config_set(&config, key, value, error));
}

static int defaults(void **state)
{
    (void)state;
    rt_config_init(&config);
    return 0;
}

static struct rt_event from_them(struct rt_event event)
{
    event.direction = RT_IN;
    return event;
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void an_answer_is_owed_until_it_is_late(void **state)
{
    struct rt_account *account = rt_account_new(rt_span_text("acme"));
    struct rt_standing s;

    (void)state;
    apply(account, a_ticket("T", NOW, RT_OPENED, 2)); /* 4 hours for an answer, a day in all */
    s = standing_at(account, NOW + 4 * RT_HOUR_MS);
    assert_int_equal(s.responses.waiting, 1);
    assert_int_equal(s.overdue, 0);
    assert_int_equal(s.due, INT64_MAX);
    s = standing_at(account, NOW + 4 * RT_HOUR_MS + 1);
    assert_int_equal(s.responses.waiting, 0);
    assert_int_equal(s.responses.missed, 1);
    assert_int_equal(s.overdue, 1);
    assert_int_equal(s.due, NOW + 4 * RT_HOUR_MS);
    assert_string_equal(s.owed, "response");
    assert_int_equal(s.resolutions.waiting, 1);
    s = standing_at(account, NOW + RT_DAY_MS + 1);
    assert_int_equal(s.tickets_overdue, 1);
    assert_int_equal(s.resolutions.missed, 1);
    assert_int_equal(s.overdue, 2);
    assert_int_equal(s.due, NOW + 4 * RT_HOUR_MS);
    assert_string_equal(s.owed, "response");
    assert_true(rt_span_is(rt_ticket_number(s.owed_ticket), "T"));
    rt_account_free(account);
}

static void kept_and_missed(void **state)
{
    static const struct {
        int64_t answer;
        unsigned kept, missed;
    } answers[] = {{4 * RT_HOUR_MS, 1, 0}, {4 * RT_HOUR_MS + 1, 0, 1}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct rt_account *account = rt_account_new(rt_span_text("acme"));
        struct rt_standing s;

        apply(account, a_ticket("T", NOW, RT_OPENED, 2));
        apply(account, from_them(a_ticket("T", NOW + 5, RT_REPLIED, 0))); /* no answer of ours */
        apply(account, a_ticket("T", NOW + answers[i].answer, RT_REPLIED, 0));
        s = standing_at(account, NOW + 5 * RT_HOUR_MS);
        assert_int_equal(s.responses.kept, answers[i].kept);
        assert_int_equal(s.responses.missed, answers[i].missed);
        assert_int_equal(s.overdue, 0);
        apply(account, a_ticket("T", NOW + RT_DAY_MS + (int64_t)i, RT_CLOSED, 0));
        s = standing_at(account, NOW + 3 * RT_DAY_MS);
        assert_int_equal(s.resolutions.kept, 1 - i);
        assert_int_equal(s.resolutions.missed, i);
        s = standing_at(account, NOW + 90 * RT_DAY_MS);
        assert_int_equal(s.responses.kept + s.responses.missed, 1);
        s = standing_at(account, NOW + 90 * RT_DAY_MS + 1); /* it began before those days */
        assert_int_equal(s.responses.kept + s.responses.missed, 0);
        assert_int_equal(s.resolutions.kept + s.resolutions.missed, 0);
        rt_account_free(account);
    }
}

/* A customer who closed his ticket in time waited for nobody. */
static void what_they_closed_themselves(void **state)
{
    struct rt_account *account = rt_account_new(rt_span_text("acme"));
    struct rt_standing s;

    (void)state;
    apply(account, a_ticket("early", NOW, RT_OPENED, 2));
    apply(account, from_them(a_ticket("early", NOW + RT_HOUR_MS, RT_CLOSED, 0)));
    s = standing_at(account, NOW + RT_DAY_MS);
    assert_int_equal(s.responses.kept + s.responses.missed + s.responses.waiting, 0);
    apply(account, a_ticket("late", NOW, RT_OPENED, 2));
    apply(account, from_them(a_ticket("late", NOW + 5 * RT_HOUR_MS, RT_CLOSED, 0)));
    s = standing_at(account, NOW + RT_DAY_MS);
    assert_int_equal(s.responses.missed, 1);
    assert_int_equal(s.overdue, 0);
    rt_account_free(account);
}

static void mails_that_wait(void **state)
{
    struct rt_account *account = rt_account_new(rt_span_text("acme"));
    struct rt_standing s;

    (void)state;
    apply(account, a_mail(NOW, RT_IN, "a"));
    apply(account, a_mail(NOW + 5, RT_IN, "b"));
    apply(account, a_mail(NOW + 6, RT_OUT, "b"));
    s = standing_at(account, NOW + RT_DAY_MS);
    assert_int_equal(s.mails_waiting, 0);
    s = standing_at(account, NOW + RT_DAY_MS + 1);
    assert_int_equal(s.mails_waiting, 1);
    assert_string_equal(s.owed, "mail");
    assert_null(s.owed_ticket);
    assert_int_equal(s.due, NOW + RT_DAY_MS);
    s = standing_at(account, NOW + 30 * RT_DAY_MS + 1); /* over */
    assert_int_equal(s.mails_waiting, 0);
    rt_account_free(account);
}

static void the_worst_ticket(void **state)
{
    struct rt_account *account = rt_account_new(rt_span_text("acme"));
    struct rt_standing s;

    (void)state;
    apply(account, a_ticket("old", NOW - 9 * RT_DAY_MS, RT_OPENED, 3));
    apply(account, a_ticket("young", NOW - RT_HOUR_MS, RT_OPENED, 1));
    apply(account, a_ticket("older", NOW - 2 * RT_HOUR_MS, RT_OPENED, 1));
    apply(account, a_ticket("done", NOW - 3 * RT_HOUR_MS, RT_CLOSED, 1));
    s = standing_at(account, NOW);
    assert_true(rt_span_is(rt_ticket_number(s.worst), "older"));
    assert_int_equal(s.tickets[0], 2);
    assert_int_equal(s.tickets[2], 1);
    rt_account_free(account);
}

/* ---- visits ---------------------------------------------------------------------------------- */

static void visits_are_due(void **state)
{
    struct rt_account *account = rt_account_new(rt_span_text("acme"));
    int64_t day = NOW / RT_DAY_MS * RT_DAY_MS;
    struct rt_standing s;

    (void)state;
    assert_false(standing_at(account, NOW).visit_due); /* the tier wants none */
    set("tier.visit_days", "30");
    assert_true(standing_at(account, NOW).visit_due); /* nobody was ever in touch */
    apply(account, a_call(day - 31 * RT_DAY_MS));
    s = standing_at(account, NOW);
    assert_true(s.visit_due && s.contacted && !s.visited);
    assert_int_equal(s.visit_at, day - RT_DAY_MS);
    apply(account, a_visit(day - 29 * RT_DAY_MS + 5, RT_HELD));
    s = standing_at(account, day + RT_DAY_MS - 1);
    assert_true(s.visited && !s.visit_due);
    assert_true(standing_at(account, day + RT_DAY_MS).visit_due);
    apply(account, a_visit(day, RT_NO_SHOW));
    assert_true(standing_at(account, day + RT_DAY_MS).visit_due);
    apply(account, with_text(a_profile("p", NOW), RT_PROFILE_STATUS, "churned"));
    assert_false(standing_at(account, day + RT_DAY_MS).visit_due);
    rt_account_free(account);
}

static void looks_ahead(void **state)
{
    struct rt_account *account = customer(NOW, 20, 3);
    struct rt_standing s = standing_at(account, NOW);

    (void)state;
    assert_true(s.score > s.ahead[0] && s.ahead[0] > s.ahead[1]);
    assert_true(s.ahead[1] == rt_score_value(&config.tiers[0], account, NOW + 30 * RT_DAY_MS));
    rt_account_free(account);
}

/* ---- groups and lists ------------------------------------------------------------------------ */

enum { NAMES = 700 };

static struct rt_groups groups;

static void count_names(const uint16_t *order, int from, int to)
{
    groups.count = 0;
    for (int i = from; i < to; i++) {
        char name[8];
        struct rt_sums *sums;

        snprintf(name, sizeof(name), "%03u", order[i] % (NAMES / 2));
        sums = rt_groups_of(&groups, rt_span_text(name));
        if (sums != NULL)
            sums->accounts++;
    }
}

/* Each name comes twice; the first 256 names have a row that counted both, whatever the order. */
static void the_first_names_have_whole_rows(void **state)
{
    struct random random = random_from(history_seed());
    uint16_t order[NAMES];

    (void)state;
    for (uint16_t i = 0; i < NAMES; i++)
        order[i] = i;
    for (int round = 0; round < 50; round++) {
        for (int i = NAMES - 1; i > 0; i--) {
            int j = (int)random_below(&random, (uint32_t)i + 1);
            uint16_t moved = order[i];

            order[i] = order[j];
            order[j] = moved;
        }
        count_names(order, 0, NAMES);
        assert_int_equal(groups.count, RT_GROUPS_MAX);
        for (unsigned i = 0; i < RT_GROUPS_MAX; i++) {
            char name[8];

            snprintf(name, sizeof(name), "%03u", i);
            assert_memory_equal(groups.groups[i].name, name, 3);
            assert_int_equal(groups.groups[i].sums.accounts, 2);
        }
    }
}

static void those_without_a_name_are_a_row(void **state)
{
    (void)state;
    groups.count = 0;
    rt_groups_of(&groups, rt_span_text("a"))->accounts = 1;
    rt_groups_of(&groups, rt_span(NULL, 0))->accounts = 2;
    assert_int_equal(groups.count, 2);
    assert_int_equal(groups.groups[0].size, 0);
    assert_int_equal(groups.groups[0].sums.accounts, 2);
}

static void a_shortlist_is_the_beginning_of_the_order(void **state)
{
    struct random random = random_from(history_seed());
    struct rt_account *accounts[200];
    struct rt_shortlist list;

    (void)state;
    for (int i = 0; i < 200; i++) {
        char name[8];

        snprintf(name, sizeof(name), "%03d", i);
        accounts[i] = rt_account_new(rt_span_text(name));
    }
    for (int round = 0; round < 50; round++) {
        assert_true(rt_shortlist_init(&list, 20));
        for (int i = 0, at = (int)random_below(&random, 200); i < 200; i++, at = (at + 77) % 200)
            rt_shortlist_offer(&list, at / 50, -(at / 10), accounts[at]);
        rt_shortlist_sort(&list);
        assert_int_equal(list.count, 20);
        for (int i = 0; i < 20; i++) /* 40..49, then 30..39 */
            assert_ptr_equal(list.items[i].account, accounts[i < 10 ? 40 + i : 20 + i]);
        rt_shortlist_free(&list);
    }
    for (int i = 0; i < 200; i++)
        rt_account_free(accounts[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_answer_is_owed_until_it_is_late, defaults),
        cmocka_unit_test_setup(kept_and_missed, defaults),
        cmocka_unit_test_setup(what_they_closed_themselves, defaults),
        cmocka_unit_test_setup(mails_that_wait, defaults),
        cmocka_unit_test_setup(the_worst_ticket, defaults),
        cmocka_unit_test_setup(visits_are_due, defaults),
        cmocka_unit_test_setup(looks_ahead, defaults),
        cmocka_unit_test(the_first_names_have_whole_rows),
        cmocka_unit_test(those_without_a_name_are_a_row),
        cmocka_unit_test(a_shortlist_is_the_beginning_of_the_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Tickets: which are open, since when, how severe; late news; the limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/lib/interaction.h"
#include "workers/ticket.h"

static unsigned take(struct rt_tickets **tickets, struct rt_event event, size_t max)
{
    struct rt_ticket *ticket = rt_tickets_prepare(tickets, &event);

    assert_non_null(ticket);
    return rt_tickets_commit(*tickets, ticket, max);
}

/* The only ticket there is. */
static const struct rt_ticket *only(const struct rt_tickets *tickets)
{
    assert_int_equal(tickets->open.count + tickets->closed.count, 1);
    return tickets->open.count == 1 ? tickets->open.at[0] : tickets->closed.at[0];
}

static void test_nothing(void **state)
{
    (void)state;
    assert_int_equal(rt_tickets_open(NULL), 0);
    assert_int_equal(rt_tickets_bytes(NULL), 0);
    rt_tickets_free(NULL);
}

static void test_a_late_opening_reopens_nothing(void **state)
{
    struct rt_tickets *tickets = NULL;

    (void)state;
    take(&tickets, a_ticket("1", 200, RT_RESOLVED, 0), 10);
    assert_int_equal(rt_tickets_open(tickets), 0);
    take(&tickets, a_ticket("1", 100, RT_OPENED, 2), 10);
    assert_int_equal(rt_tickets_open(tickets), 0);
    assert_int_equal(only(tickets)->first, 100);
    take(&tickets, a_ticket("1", 300, RT_REOPENED, 0), 10);
    assert_int_equal(rt_tickets_open(tickets), 1);
    assert_int_equal(only(tickets)->severity, 2);
    rt_tickets_free(tickets);
}

static void test_any_first_action_opens(void **state)
{
    static const enum rt_action actions[] = {RT_OPENED, RT_UPDATED, RT_REPLIED, RT_ESCALATED,
                                             RT_REOPENED};

    (void)state;
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        struct rt_tickets *tickets = NULL;

        take(&tickets, a_ticket("1", 100, actions[i], 0), 10);
        assert_int_equal(rt_tickets_open(tickets), 1);
        assert_int_equal(rt_ticket_severity(only(tickets)), 3);
        take(&tickets, a_ticket("1", 101, RT_CLOSED, 0), 10);
        assert_int_equal(rt_tickets_open(tickets), 0);
        rt_tickets_free(tickets);
    }
}

/* At one moment: opened < reopened < resolved < closed, in whatever order they come. */
static void test_rank_decides_at_one_moment(void **state)
{
    static const enum rt_action actions[] = {RT_OPENED, RT_REOPENED, RT_RESOLVED, RT_CLOSED};

    (void)state;
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 4; j++) {
            struct rt_tickets *tickets = NULL;

            take(&tickets, a_ticket("1", 100, actions[i], 0), 10);
            take(&tickets, a_ticket("1", 100, actions[j], 0), 10);
            assert_int_equal(only(tickets)->state, 1 + (i > j ? i : j));
            rt_tickets_free(tickets);
        }
}

static void test_newest_severity_by_ts_rank_id(void **state)
{
    struct rt_tickets *tickets = NULL;
    struct rt_event a = a_ticket("1", 100, RT_UPDATED, 4), b = a, c = a;

    (void)state;
    a.id = rt_span_text("b");
    b.id = rt_span_text("a"); /* the smaller id: does not count */
    b.severity = 1;
    take(&tickets, a, 10);
    take(&tickets, b, 10);
    assert_int_equal(only(tickets)->severity, 4);
    c.id = rt_span_text("a longer id that is greater than c");
    c.id.data++;
    c.id.size--;
    c.action = RT_OPENED; /* a higher rank at the same moment */
    c.severity = 2;
    take(&tickets, c, 10);
    assert_int_equal(only(tickets)->severity, 2);
    a.ts = 99;
    take(&tickets, a, 10);
    assert_int_equal(only(tickets)->severity, 2);
    a.ts = 101;
    take(&tickets, a, 10);
    assert_int_equal(only(tickets)->severity, 4);
    b.ts = 101;
    b.id = a.id; /* one id from two sources: the more severe */
    take(&tickets, b, 10);
    take(&tickets, a, 10);
    assert_int_equal(only(tickets)->severity, 1);
    rt_tickets_free(tickets);
}

static void test_our_first_answer(void **state)
{
    struct rt_tickets *tickets = NULL;
    struct rt_event reply = a_ticket("1", 150, RT_REPLIED, 0);

    (void)state;
    take(&tickets, a_ticket("1", 100, RT_OPENED, 1), 10);
    reply.direction = RT_IN;
    take(&tickets, reply, 10);
    assert_true(only(tickets)->response_at == INT64_MAX);
    reply.direction = RT_OUT;
    take(&tickets, reply, 10);
    reply.ts = 140;
    reply.direction = RT_DIRECTION_NONE;
    take(&tickets, reply, 10);
    assert_int_equal(only(tickets)->response_at, 140);
    rt_tickets_free(tickets);
}

static void test_counts_stop_at_their_limit(void **state)
{
    struct rt_tickets *tickets = NULL;

    (void)state;
    for (int i = 0; i < 300; i++)
        take(&tickets, a_ticket("1", 100 + i, i % 2 == 0 ? RT_ESCALATED : RT_REOPENED, 0), 10);
    assert_int_equal(only(tickets)->escalated, 150);
    for (int i = 0; i < 300; i++)
        take(&tickets, a_ticket("1", 100 + i, RT_ESCALATED, 0), 10);
    assert_int_equal(only(tickets)->escalated, 255);
    rt_tickets_free(tickets);
}

static void test_over_the_limit_the_oldest_closed_go(void **state)
{
    struct rt_tickets *tickets = NULL;
    unsigned evicted = 0;
    char number[16];

    (void)state;
    for (int i = 0; i < 100; i++) {
        snprintf(number, sizeof(number), "n%d", i);
        evicted += take(&tickets, a_ticket(number, 100 + i, i < 3 ? RT_OPENED : RT_CLOSED, 0), 10);
    }
    assert_int_equal(evicted, 17);
    assert_int_equal(tickets->open.count, 3);
    assert_int_equal(tickets->closed.count, 10 * RT_TICKETS_CLOSED);
    for (uint32_t i = 0; i < tickets->closed.count; i++)
        assert_true(tickets->closed.at[i]->state_at >= 120);
    for (int i = 0; i < 20; i++) { /* of the open the youngest */
        snprintf(number, sizeof(number), "o%d", i);
        take(&tickets, a_ticket(number, 200 + i, RT_OPENED, 0), 10);
    }
    assert_int_equal(tickets->open.count, 10);
    for (uint32_t i = 0; i < 10; i++)
        assert_true(tickets->open.at[i]->first < 207);
    rt_tickets_free(tickets);
}

static void test_many_are_found_again(void **state)
{
    struct rt_tickets *tickets = NULL;
    char number[16];

    (void)state;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 500; i++) {
            snprintf(number, sizeof(number), "n%d", i);
            take(&tickets, a_ticket(number, 100 + round, round == 0 ? RT_OPENED : RT_CLOSED, 0),
                 1000);
        }
    assert_int_equal(tickets->open.count, 0);
    assert_int_equal(tickets->closed.count, 500);
    assert_true(rt_tickets_bytes(tickets) > 500 * 64);
    rt_tickets_free(tickets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_a_late_opening_reopens_nothing),
        cmocka_unit_test(test_any_first_action_opens),
        cmocka_unit_test(test_rank_decides_at_one_moment),
        cmocka_unit_test(test_newest_severity_by_ts_rank_id),
        cmocka_unit_test(test_our_first_answer),
        cmocka_unit_test(test_counts_stop_at_their_limit),
        cmocka_unit_test(test_over_the_limit_the_oldest_closed_go),
        cmocka_unit_test(test_many_are_found_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

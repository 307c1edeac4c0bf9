/* Events come through the relay in order and all of them, and a taker that stops stops the reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "clients/retainctl/backtest_relay.h"

struct taken {
    int64_t next, stop; /* the ts that is to come; where it stops */
    bool wrong;
};

static bool take(void *context, struct rt_relayed *batch)
{
    struct taken *taken = context;

    for (size_t i = 0; i < batch->count; i++, taken->next++) {
        if (taken->next == taken->stop)
            return false;
        taken->wrong = taken->wrong || batch->events[i].ts != taken->next;
    }
    return true;
}

/* Batches of 0 to 7 events until there were so many or the taker stops; the number handed over. */
static int64_t feed(struct rt_relay *relay, int64_t count)
{
    int64_t given = 0;

    for (int round = 0; given < count; round++) {
        struct rt_relayed *batch = rt_relay_next(relay);

        if (batch == NULL)
            return given;
        assert_int_equal(batch->count, 0);
        assert_int_equal(batch->used, 0);
        for (int i = 0; i < round % 8 && given < count; i++)
            batch->events[batch->count++].ts = given++;
        rt_relay_hand_over(relay);
    }
    return given;
}

static void all_in_order(void **state)
{
    struct taken taken = {.stop = -1};
    struct rt_relay *relay = rt_relay_start(take, &taken);

    (void)state;
    assert_non_null(relay);
    assert_int_equal(feed(relay, 20000), 20000);
    assert_true(rt_relay_end(relay));
    assert_int_equal(taken.next, 20000);
    assert_false(taken.wrong);
}

static void nothing_at_all(void **state)
{
    struct taken taken = {.stop = -1};
    struct rt_relay *relay = rt_relay_start(take, &taken);

    (void)state;
    assert_true(rt_relay_end(relay));
    assert_int_equal(taken.next, 0);
    assert_true(rt_relay_end(NULL));
}

static void one_that_stops(void **state)
{
    struct taken taken = {.stop = 500};
    struct rt_relay *relay = rt_relay_start(take, &taken);

    (void)state;
    assert_true(feed(relay, 1000000) < 1000000);
    assert_false(rt_relay_end(relay));
    assert_int_equal(taken.next, 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_in_order),
        cmocka_unit_test(nothing_at_all),
        cmocka_unit_test(one_that_stops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Connections: which goes when there are too many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/bounds.h"
#include "daemon/connections.h"

static struct rt_connections all;

static int begin(void **state)
{
    (void)state;
    rt_connections_init(&all, 3);
    return 0;
}

static int end(void **state)
{
    (void)state;
    rt_connections_free(&all);
    return 0;
}

static void there_is_room_up_to_the_limit(void **state)
{
    (void)state;
    for (int fd = 10; fd < 13; fd++) {
        assert_int_equal(rt_connections_accepted(&all, fd, 1), RT_NO_CONNECTION);
    }
    assert_int_equal(all.count, 3);
    rt_connections_ended(&all, 11);
    rt_connections_ended(&all, 11);
    rt_connections_ended(&all, 500);
    rt_connections_ended(&all, -1);
    assert_int_equal(all.count, 2);
    assert_int_equal(rt_connections_accepted(&all, 11, 1), RT_NO_CONNECTION);
}

static void the_oldest_that_is_young_goes(void **state)
{
    (void)state;
    rt_connections_accepted(&all, 10, 1);
    rt_connections_accepted(&all, 11, 1 + RT_HANDSHAKE_MS);
    rt_connections_accepted(&all, 12, 2 + RT_HANDSHAKE_MS);
    assert_int_equal(rt_connections_accepted(&all, 13, 3 + RT_HANDSHAKE_MS), 11);
    assert_int_equal(rt_connections_accepted(&all, 11, 3 + RT_HANDSHAKE_MS), 12);
    assert_int_equal(all.count, 3);
    rt_connections_ended(&all, 12); /* libzmq tells of the end of the one that was cut */
    assert_int_equal(all.count, 3);
}

static void who_is_there_for_long_stays(void **state)
{
    const int64_t later = 5 + RT_HANDSHAKE_MS;

    (void)state;
    for (int fd = 10; fd < 13; fd++) {
        rt_connections_accepted(&all, fd, fd - 10);
    }
    for (int fd = 20; fd < 40; fd++) {
        assert_int_equal(rt_connections_accepted(&all, fd, later), fd);
    }
    assert_int_equal(all.count, 3);
    rt_connections_ended(&all, 10);
    assert_int_equal(rt_connections_accepted(&all, 20, later), RT_NO_CONNECTION);
}

static void who_has_spoken_stays(void **state)
{
    (void)state;
    rt_connections_accepted(&all, 10, 1);
    rt_connections_heard(&all, 10, 1);
    rt_connections_heard(&all, 11, 1); /* before its accept is told */
    rt_connections_accepted(&all, 11, 2);
    rt_connections_accepted(&all, 12, 2);
    assert_int_equal(rt_connections_accepted(&all, 13, 3), 12);
    rt_connections_heard(&all, 13, 4);
    assert_int_equal(rt_connections_accepted(&all, 14, 5), 14); /* nobody is left but who speaks */
    assert_int_equal(all.count, 3);
    rt_connections_heard(&all, -1, 5);
    rt_connections_ended(&all, 10);
    rt_connections_accepted(&all, 10, 6); /* another one, of whom nothing is known */
    assert_int_equal(rt_connections_accepted(&all, 15, 7), 10);
}

static void nobody_is_listened_to_in_vain(void **state)
{
    (void)state;
    assert_true(rt_connections_listen(&all));
    rt_connections_accepted(&all, 10, 1);
    rt_connections_accepted(&all, 11, 1);
    assert_true(rt_connections_listen(&all));
    rt_connections_heard(&all, 10, 2);
    assert_true(rt_connections_listen(&all));
    rt_connections_heard(&all, 10, 1 + RT_HANDSHAKE_MS);
    assert_false(rt_connections_listen(&all));
}

static void a_descriptor_seen_again_is_another_connection(void **state)
{
    (void)state;
    rt_connections_accepted(&all, 10, 1);
    rt_connections_accepted(&all, 11, 2);
    assert_int_equal(rt_connections_accepted(&all, 10, 3), RT_NO_CONNECTION);
    assert_int_equal(all.count, 2);
    assert_int_equal(rt_connections_accepted(&all, 12, 4), RT_NO_CONNECTION);
    assert_int_equal(rt_connections_accepted(&all, 13, 5), 11);
}

/* Whatever comes and goes: never more than the limit, and never one cut that is not there. */
static void random_lives_keep_the_limit(void **state)
{
    bool there[100] = {false};
    size_t count = 0;
    unsigned seed = 20240229;

    (void)state;
    for (int64_t now = 0; now < 200000; now++) {
        int fd, victim;

        seed = seed * 1103515245 + 12345;
        fd = (int)(seed >> 16) % 100;
        if ((seed >> 10) % 3 == 0) {
            rt_connections_ended(&all, fd);
            count -= there[fd];
            there[fd] = false;
            continue;
        }
        victim = rt_connections_accepted(&all, fd, now * 7);
        count += !there[fd];
        there[fd] = true;
        if (victim != RT_NO_CONNECTION) {
            assert_true(there[victim]);
            there[victim] = false;
            count--;
        }
        assert_int_equal(all.count, count);
        assert_true(count <= 3);
    }
}

static void looks_tell_what_was_brought_of_late(void **state)
{
    (void)state;
    rt_connections_accepted(&all, 10, 1);
    rt_connections_look(&all, 10, 500, false); /* came while nobody was watching: all counts */
    assert_int_equal(rt_connections_brought(&all, 10), 500);
    rt_connections_look(&all, 10, 700, true);
    assert_int_equal(rt_connections_brought(&all, 10), 700);
    rt_connections_look(&all, 10, 900, true);
    assert_int_equal(rt_connections_brought(&all, 10), 200);
    rt_connections_look(&all, 10, 100, false); /* it is another one's descriptor by now */
    assert_int_equal(rt_connections_brought(&all, 10), 0);
    rt_connections_watch(&all, true);
    rt_connections_look(&all, 10, 4000, false); /* nothing counts before it was watched */
    assert_int_equal(rt_connections_brought(&all, 10), 0);
    rt_connections_watch(&all, true);
    rt_connections_look(&all, 10, 4100, false);
    assert_int_equal(rt_connections_brought(&all, 10), 100);
}

static void a_message_that_does_not_end_is_held(void **state)
{
    (void)state;
    rt_connections_accepted(&all, 10, 1);
    rt_connections_watch(&all, true);
    assert_true(rt_connections_listen(&all));
    rt_connections_look(&all, 10, 1000, false);
    for (int i = 1; i <= 9; i++) {
        rt_connections_look(&all, 10, 1000 + i * 100, i % 3 == 0);
        assert_int_equal(rt_connections_held(&all, 10), i * 100);
    }
    assert_true(rt_connections_brought(&all, 10) < 900); /* windows pass, what is held stays */
    rt_connections_heard(&all, 10, 5);
    rt_connections_look(&all, 10, 2000, false);
    assert_int_equal(rt_connections_held(&all, 10), 0);
    rt_connections_look(&all, 10, 2001, false);
    assert_int_equal(rt_connections_held(&all, 10), 1);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        CASE(there_is_room_up_to_the_limit),
        CASE(the_oldest_that_is_young_goes),
        CASE(who_is_there_for_long_stays),
        CASE(who_has_spoken_stays),
        CASE(nobody_is_listened_to_in_vain),
        CASE(a_descriptor_seen_again_is_another_connection),
        CASE(looks_tell_what_was_brought_of_late),
        CASE(a_message_that_does_not_end_is_held),
        CASE(random_lives_keep_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

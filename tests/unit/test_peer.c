/* Peers: what each may have in flight and unread, and who is forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/bounds.h"
#include "daemon/peer.h"

enum { UNREAD_LIMIT = 1 << 20, PART = UNREAD_LIMIT / RT_UNREAD_PART };

static struct rt_peers peers;

static int begin(void **state)
{
    (void)state;
    peers = (struct rt_peers){.seed = 7, .unread_limit = UNREAD_LIMIT};
    return 0;
}

static int end(void **state)
{
    (void)state;
    rt_peers_free(&peers);
    return 0;
}

static struct rt_peer *enter(const char *name)
{
    struct rt_peer *peer = rt_peers_enter(&peers, rt_span_text(name));

    assert_non_null(peer);
    return peer;
}

/* As zsocket.c and libzmq's thread do. */
static void leave_unread(struct rt_peer *peer, size_t bytes)
{
    peers.unread += bytes;
    peer->unread += bytes;
}

static void a_peer_is_one_peer(void **state)
{
    struct rt_peer *ann = enter("ann"), *bob = enter("bob");

    (void)state;
    assert_ptr_not_equal(ann, bob);
    assert_ptr_equal(enter("ann"), ann);
    assert_int_equal(ann->requests, 2);
    assert_int_equal(peers.count, 2);
}

static void those_that_owe_nothing_are_forgotten(void **state)
{
    struct rt_peer *asks = enter("asks"), *mute = enter("mute");
    char name[32];

    (void)state;
    leave_unread(mute, 1);
    rt_peers_leave(&peers, mute, 0);
    for (int i = 0; i < 100000; i++) {
        snprintf(name, sizeof name, "passer-by %d", i);
        rt_peers_leave(&peers, enter(name), 0);
    }
    assert_true(peers.count <= 128);
    assert_ptr_equal(enter("asks"), asks);
    assert_ptr_equal(enter("mute"), mute);
}

static void many_that_stay_are_all_there(void **state)
{
    struct rt_peer *all[1000];
    char name[32];

    (void)state;
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "peer %d", i);
        all[i] = enter(name);
    }
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "peer %d", i);
        assert_ptr_equal(enter(name), all[i]);
    }
    assert_int_equal(peers.count, 1000);
}

static void one_request_is_always_admitted(void **state)
{
    struct rt_peer *ann = enter("ann"), *bob = enter("bob");

    (void)state;
    assert_true(rt_peers_admit(&peers, ann, 5000, 1000));
    rt_peers_hold(&peers, ann, 5000);
    assert_false(rt_peers_admit(&peers, ann, 1, 1000));
    assert_true(rt_peers_admit(&peers, bob, 900, 1000));
    rt_peers_leave(&peers, ann, 5000);
    rt_peers_hold(&peers, bob, 900);
    assert_true(rt_peers_admit(&peers, bob, 100, 1000));
    assert_false(rt_peers_admit(&peers, bob, 101, 1000));
    assert_int_equal(peers.in_flight, 900);
}

static void who_has_much_leaves_a_part_to_the_others(void **state)
{
    struct rt_peer *ann = enter("ann");
    const size_t limit = 1600, little = limit / RT_FAIR_SHARE,
                 rest = limit - limit / RT_FAIR_RESERVE;

    (void)state;
    assert_int_equal(rt_peer_share(ann, little, limit), limit);
    assert_int_equal(rt_peer_share(ann, little + 1, limit), rest);
    rt_peers_hold(&peers, ann, little - 10);
    assert_int_equal(rt_peer_share(ann, 10, limit), limit);
    assert_int_equal(rt_peer_share(ann, 11, limit), rest);
    rt_peers_hold(&peers, ann, 1000);
    assert_int_equal(rt_peer_share(ann, 0, limit), rest);
    assert_int_equal(rt_peer_share(NULL, 1, limit), rest);
}

static void one_peer_may_leave_its_part_unread(void **state)
{
    struct rt_peer *mute = enter("mute"), *polite = enter("polite");

    (void)state;
    assert_true(rt_peers_may_send(&peers, mute, PART + 1)); /* it has read all so far */
    leave_unread(mute, 100);
    assert_true(rt_peers_may_send(&peers, mute, PART - 100));
    assert_false(rt_peers_may_send(&peers, mute, PART - 99));
    leave_unread(mute, PART);
    assert_false(rt_peer_reads(&peers, mute));
    assert_false(rt_peers_may_send(&peers, mute, 1));
    assert_true(rt_peer_reads(&peers, polite));
    assert_true(rt_peers_may_send(&peers, polite, UNREAD_LIMIT / 2));
}

static void unsettled_bytes_are_unread(void **state)
{
    struct rt_peer *mute = enter("mute");

    (void)state;
    leave_unread(mute, 1);
    mute->unsettled = PART - 1;
    assert_true(rt_peer_reads(&peers, mute));
    assert_false(rt_peers_may_send(&peers, mute, 1));
}

static void when_all_is_used_up_small_answers_reach_those_who_read(void **state)
{
    struct rt_peer *mute = enter("mute"), *polite = enter("polite");

    (void)state;
    leave_unread(mute, UNREAD_LIMIT);
    assert_true(rt_peers_may_send(&peers, polite, RT_UNREAD_SMALL));
    assert_false(rt_peers_may_send(&peers, polite, RT_UNREAD_SMALL + 1));
    leave_unread(polite, 1);
    assert_false(rt_peers_may_send(&peers, polite, 1));
    peers.unread -= UNREAD_LIMIT;
    assert_true(rt_peers_may_send(&peers, polite, 1));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        CASE(a_peer_is_one_peer),
        CASE(those_that_owe_nothing_are_forgotten),
        CASE(many_that_stay_are_all_there),
        CASE(one_request_is_always_admitted),
        CASE(who_has_much_leaves_a_part_to_the_others),
        CASE(one_peer_may_leave_its_part_unread),
        CASE(unsettled_bytes_are_unread),
        CASE(when_all_is_used_up_small_answers_reach_those_who_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

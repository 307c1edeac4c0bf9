/* What strangers say before they are let in, and subscribers afterwards: requests of ZAP that are not exactly
 * what they should be bring nobody in; what subscribers ask for is counted, whatever they give back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <zmq.h>

#include "daemon/bounds.h"
#include "daemon/subscriptions.h"
#include "daemon/zap_request.h"

static const uint8_t public_key[32] = "a client, its 32 bytes of public";

static void make_table(struct rt_access *access, enum rt_role role)
{
    struct rt_key key = {.name = "n", .role = role};

    *access = (struct rt_access){.asked = true};
    assert_non_null(zmq_z85_encode(key.public_key, public_key, sizeof(public_key)));
    assert_true(rt_access_add(access, &key));
    rt_access_seal(access, NULL, NULL);
}

static void make_request(struct rt_envelope *request, const char *version, const char *domain,
                         const char *mechanism)
{
    const char *frames[] = {"peer", "", version, "1", domain, "127.0.0.1", "", mechanism};

    rt_envelope_clear(request);
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
        assert_true(rt_envelope_add(request, rt_span_text(frames[i])));
}

static bool enters(const struct rt_access *access, const struct rt_envelope *request, size_t size)
{
    struct rt_zap_verdict verdict;

    assert_true(rt_zap_judge(access, request, rt_span(public_key, size), &verdict));
    assert_true(!verdict.enters || (verdict.known == access->keys && verdict.key[0] != '\0'));
    return verdict.enters;
}

static void requests_that_are_not_as_they_should_be_bring_nobody_in(void **state)
{
    struct rt_envelope request = {0};
    struct rt_zap_verdict verdict;
    struct rt_access access;

    (void)state;
    make_table(&access, RT_ROLE_PRODUCER);
    for (int i = 0; i < RT_ZAP_ADDRESS; i++)
        assert_true(rt_envelope_add(&request, rt_span_text("x")));
    assert_false(rt_zap_judge(&access, &request, rt_span(public_key, 32), &verdict));
    make_request(&request, "2.0", "events", "CURVE");
    assert_false(enters(&access, &request, 32));
    make_request(&request, "1.0", "events", "PLAIN");
    assert_false(enters(&access, &request, 32));
    make_request(&request, "1.0", "global", "CURVE");
    assert_false(enters(&access, &request, 32));
    make_request(&request, "1.0", "alerts", "CURVE"); /* not its role */
    assert_false(enters(&access, &request, 32));
    make_request(&request, "1.0", "events", "CURVE");
    assert_false(enters(&access, &request, 31));
    assert_true(enters(&access, &request, 32));
    rt_envelope_clear(&request);
    rt_access_clear(&access);
}

static struct rt_span message(uint8_t kind, const char *topic)
{
    static uint8_t bytes[200];

    bytes[0] = kind;
    memcpy(bytes + 1, topic, strlen(topic));
    return rt_span(bytes, 1 + strlen(topic));
}

static void only_a_first_byte_of_one_subscribes(void **state)
{
    struct rt_span topic;

    (void)state;
    assert_false(rt_subscription_topic(rt_span(NULL, 0), &topic));
    assert_false(rt_subscription_topic(message(0, "alert."), &topic));
    assert_false(rt_subscription_topic(message(2, "alert."), &topic));
    assert_true(rt_subscription_topic(message(1, "alert."), &topic));
    assert_true(rt_span_is(topic, "alert."));
}

static void what_was_never_had_cannot_be_given_back_for_ever(void **state)
{
    struct rt_subscriptions all = {0};

    (void)state;
    rt_subscriptions_count(&all, message(1, "a"), true);
    rt_subscriptions_count(&all, message(2, "a"), true);
    assert_int_equal(all.held, 1);
    for (int i = 0; i < 3; i++)
        rt_subscriptions_count(&all, message(0, "b"), true);
    assert_int_equal(all.held, 0);
    assert_true(rt_subscriptions_fit(&all, 3));
    assert_false(rt_subscriptions_fit(&all, 2));
}

static void a_long_topic_counts_more_than_once(void **state)
{
    struct rt_subscriptions all = {0};
    char topic[RT_TOPIC_PART * 3 + 1];

    (void)state;
    memset(topic, 'x', sizeof(topic) - 1);
    topic[sizeof(topic) - 1] = '\0';
    rt_subscriptions_count(&all, message(1, topic), true);
    assert_int_equal(all.held, 4);
    assert_false(rt_subscriptions_fit(&all, 3));
    rt_subscriptions_count(&all, message(0, topic), false); /* its peer left */
    assert_int_equal(all.held + all.given_back, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_that_are_not_as_they_should_be_bring_nobody_in),
        cmocka_unit_test(only_a_first_byte_of_one_subscribes),
        cmocka_unit_test(what_was_never_had_cannot_be_given_back_for_ever),
        cmocka_unit_test(a_long_topic_counts_more_than_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The profile: the newest wins key by key, cleared keys, hostile bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/lib/interaction.h"
#include "workers/profile.h"

static void merge(struct rt_profile **profile, struct rt_event event)
{
    struct rt_profile *next;

    assert_true(rt_profile_merge(*profile, &event, &next));
    if (next == NULL)
        return;
    assert_true(rt_profile_valid(rt_span(next->data, next->size)));
    free(*profile);
    *profile = next;
}

static void assert_text(const struct rt_profile *profile, enum rt_profile_key key, const char *text)
{
    struct rt_profile_value value = rt_profile_get(profile, key);

    assert_int_equal(value.presence, text == NULL ? RT_KEY_CLEARED : RT_KEY_SET);
    if (text != NULL)
        assert_true(rt_span_is(value.text, text));
}

static void test_nothing(void **state)
{
    struct rt_profile *next;
    struct rt_event event = a_profile("a", 1);

    (void)state;
    for (int key = 0; key < RT_PROFILE_KEYS; key++)
        assert_int_equal(rt_profile_get(NULL, (enum rt_profile_key)key).presence, RT_KEY_ABSENT);
    assert_true(rt_profile_merge(NULL, &event, &next)); /* says nothing */
    assert_null(next);
}

/* No byte of a profile can be cut off or changed without being either refused or another valid
 * profile. */
static void test_hostile_bytes(void **state)
{
    struct rt_profile *profile = NULL;
    uint8_t bytes[512];

    (void)state;
    merge(&profile, with_text(a_profile("id", 5), RT_PROFILE_OWNER, "kim"));
    merge(&profile, with_renewal(a_profile("id2", 6), 77));
    merge(&profile, without(a_profile("id3", 7), RT_PROFILE_REGION));
    assert_false(rt_profile_valid(rt_span(profile->data, 0)));
    for (size_t size = 0; size < profile->size; size++)
        assert_false(rt_profile_valid(rt_span(profile->data, size)));
    for (size_t at = 0; at < profile->size; at++)
        for (int flip = 1; flip < 256; flip++) {
            memcpy(bytes, profile->data, profile->size);
            bytes[at] ^= (uint8_t)flip;
            rt_profile_valid(rt_span(bytes, profile->size));
        }
    free(profile);
}

static void test_the_newest_wins_key_by_key(void **state)
{
    struct rt_profile *profile = NULL;

    (void)state;
    merge(&profile, with_text(with_text(a_profile("b", 100), RT_PROFILE_OWNER, "kim"),
                              RT_PROFILE_TIER, "key"));
    merge(&profile, with_text(a_profile("z", 99), RT_PROFILE_OWNER, "old"));
    assert_text(profile, RT_PROFILE_OWNER, "kim");
    merge(&profile, with_text(a_profile("a", 100), RT_PROFILE_OWNER, "smaller id"));
    assert_text(profile, RT_PROFILE_OWNER, "kim");
    merge(&profile, with_text(a_profile("c", 100), RT_PROFILE_OWNER, "greater id"));
    assert_text(profile, RT_PROFILE_OWNER, "greater id");
    merge(&profile, with_text(a_profile("a", 101), RT_PROFILE_OWNER, "newer"));
    assert_text(profile, RT_PROFILE_OWNER, "newer");
    assert_text(profile, RT_PROFILE_TIER, "key");
    free(profile);
}

static void test_clearing_is_news_too(void **state)
{
    struct rt_profile *profile = NULL;

    (void)state;
    merge(&profile, with_text(a_profile("a", 100), RT_PROFILE_OWNER, "kim"));
    merge(&profile, without(a_profile("a", 101), RT_PROFILE_OWNER));
    assert_text(profile, RT_PROFILE_OWNER, NULL);
    merge(&profile, with_text(a_profile("z", 100), RT_PROFILE_OWNER, "late"));
    assert_text(profile, RT_PROFILE_OWNER, NULL);
    merge(&profile, with_text(a_profile("a", 102), RT_PROFILE_OWNER, "kim"));
    assert_text(profile, RT_PROFILE_OWNER, "kim");
    free(profile);
}

static void test_numbers_and_contacts(void **state)
{
    struct rt_profile *profile = NULL;
    struct rt_event event = with_renewal(a_profile("a", 100), INT64_C(1900000000000));
    static uint8_t people[20000];

    (void)state;
    event.profile[RT_PROFILE_VALUE] =
        (struct rt_profile_value){.presence = RT_KEY_SET, .value = 1234.5};
    event.profile[RT_PROFILE_CONTACTS] =
        (struct rt_profile_value){.presence = RT_KEY_SET, .text = rt_span(people, sizeof(people))};
    merge(&profile, event);
    assert_int_equal(rt_profile_get(profile, RT_PROFILE_RENEWAL).renewal, INT64_C(1900000000000));
    assert_true(rt_profile_get(profile, RT_PROFILE_VALUE).value == 1234.5);
    assert_int_equal(rt_profile_get(profile, RT_PROFILE_CONTACTS).text.size, sizeof(people));
    free(profile);
}

/* Two sources, one id, one moment: any order, one outcome. */
static void test_equal_stamps_have_one_outcome(void **state)
{
    struct rt_profile *ab = NULL, *ba = NULL;
    struct rt_event a = with_text(a_profile("a", 100), RT_PROFILE_OWNER, "kim");
    struct rt_event b = with_text(a_profile("a", 100), RT_PROFILE_OWNER, "lee");

    (void)state;
    merge(&ab, a);
    merge(&ab, b);
    merge(&ba, b);
    merge(&ba, a);
    assert_text(ab, RT_PROFILE_OWNER, "lee");
    assert_text(ba, RT_PROFILE_OWNER, "lee");
    free(ab);
    free(ba);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_hostile_bytes),
        cmocka_unit_test(test_the_newest_wins_key_by_key),
        cmocka_unit_test(test_clearing_is_news_too),
        cmocka_unit_test(test_numbers_and_contacts),
        cmocka_unit_test(test_equal_stamps_have_one_outcome),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

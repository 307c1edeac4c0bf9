/* The synthetic world: the same bytes for the same options, in order of time, every event valid,
 * the truth kept to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "clients/retainctl/world.h"
#include "protocol/event.h"
#include "protocol/limits.h"

static const struct rt_world_options small = {
    .seed = 7, .accounts = 60, .days = 200, .until = INT64_C(1795305600000)};

static void impossible_worlds_are_refused(void **state)
{
    struct rt_world_options options = small;

    (void)state;
    options.accounts = 0;
    assert_null(rt_world_new(&options));
    options = small;
    options.days = RT_WORLD_DAYS_MAX + 1;
    assert_null(rt_world_new(&options));
    options = small;
    options.until = 199 * RT_DAY_MS;
    assert_null(rt_world_new(&options));
}

/* A hash of all bytes, and how many events there were. */
static uint64_t world_hash(const struct rt_world_options *options, size_t *count)
{
    struct rt_world *world = rt_world_new(options);
    struct rt_span event;
    uint64_t hash = 0;

    assert_non_null(world);
    for (*count = 0; rt_world_next(world, &event); (*count)++)
        hash = XXH3_64bits_withSeed(event.data, event.size, hash);
    assert_false(rt_world_failed(world));
    rt_world_free(world);
    return hash;
}

static void the_same_options_give_the_same_bytes(void **state)
{
    struct rt_world_options other = small;
    size_t count, again;
    uint64_t hash = world_hash(&small, &count);

    (void)state;
    assert_in_range(count, 1000, 100000);
    assert_int_equal(world_hash(&small, &again), hash);
    assert_int_equal(again, count);
    other.seed++;
    assert_int_not_equal(world_hash(&other, &again), hash);
}

static void events_are_valid_unique_and_in_order(void **state)
{
    struct rt_world *world = rt_world_new(&small);
    int64_t before = 0;
    size_t types[RT_EVENT_TYPES] = {0};
    struct rt_span bytes;

    (void)state;
    while (rt_world_next(world, &bytes)) {
        struct rt_event event;
        struct rt_fault fault;

        assert_true(rt_msgpack_check(bytes, RT_NESTING));
        if (rt_event_decode(bytes, small.until, RT_EVENT_BYTES, &event, &fault) != RT_OK)
            fail_msg("%s", fault.text);
        assert_true(event.ts >= before && event.ts < small.until);
        assert_true(event.ts >= small.until - small.days * RT_DAY_MS);
        assert_true(rt_span_is(event.source, "simulate"));
        before = event.ts;
        types[event.type]++;
    }
    for (int i = 0; i < RT_EVENT_TYPES; i++)
        assert_int_not_equal(types[i], 0);
    assert_int_equal(types[RT_ACCOUNT], small.accounts);
    rt_world_free(world);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void ids_are_unique(void **state)
{
    enum { ID = 32 };
    size_t count;
    char *ids;
    struct rt_world *world;
    struct rt_span bytes;

    (void)state;
    (void)world_hash(&small, &count);
    ids = calloc(count, ID);
    world = rt_world_new(&small);
    for (size_t i = 0; rt_world_next(world, &bytes); i++) {
        struct rt_event event;
        struct rt_fault fault;

        assert_int_equal(rt_event_decode_accepted(bytes, &event, &fault), RT_OK);
        assert_true(event.id.size < ID);
        memcpy(ids + i * ID, event.id.data, event.id.size);
    }
    qsort(ids, count, ID, by_text);
    for (size_t i = 1; i < count; i++)
        assert_string_not_equal(ids + i * ID, ids + (i - 1) * ID);
    rt_world_free(world);
    free(ids);
}

static void who_is_gone_is_not_heard_of_again(void **state)
{
    struct rt_world *world = rt_world_new(&small);
    struct rt_world_truth truth;
    struct rt_span bytes;
    size_t leaving = 0;

    (void)state;
    while (rt_world_next(world, &bytes)) {
        struct rt_event event;
        struct rt_fault fault;
        char name[16];

        assert_int_equal(rt_event_decode_accepted(bytes, &event, &fault), RT_OK);
        snprintf(name, sizeof(name), "%.*s", (int)event.account.size,
                 (const char *)event.account.data);
        rt_world_truth(world, (uint32_t)strtoul(name + 4, NULL, 10) - 1, &truth);
        assert_string_equal(truth.account, name);
        /* only our own follow-ups and their tickets' ends may come after it */
        if (truth.gone > 0 && (event.type == RT_CALL || event.type == RT_VISIT))
            assert_true(event.ts < truth.gone);
    }
    for (uint32_t i = 0; i < small.accounts; i++) {
        rt_world_truth(world, i, &truth);
        leaving += truth.cause != NULL;
        assert_true((truth.cause == NULL) == (truth.onset == 0));
        assert_true(truth.gone == 0 || truth.gone > truth.onset);
    }
    assert_in_range(leaving, 1, small.accounts / 2);
    rt_world_free(world);
}

static void live_events_are_valid_too(void **state)
{
    struct rt_world *world = rt_world_new(&small);

    (void)state;
    for (int i = 0; i < 1000; i++) {
        struct rt_event event;
        struct rt_fault fault;
        struct rt_span bytes;

        assert_true(rt_world_live(world, small.until + i, &bytes));
        assert_int_equal(rt_event_decode(bytes, small.until + i, RT_EVENT_BYTES, &event, &fault),
                         RT_OK);
        assert_int_equal(event.ts, small.until + i);
    }
    rt_world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(impossible_worlds_are_refused),
        cmocka_unit_test(the_same_options_give_the_same_bytes),
        cmocka_unit_test(events_are_valid_unique_and_in_order),
        cmocka_unit_test(ids_are_unique),
        cmocka_unit_test(who_is_gone_is_not_heard_of_again),
        cmocka_unit_test(live_events_are_valid_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

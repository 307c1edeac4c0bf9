/* Building and reading maps through retain.h; keys that were seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "clients/libretain/seen.h"
#include "retain.h"

static void a_misused_map_is_bad_until_cleared(void **state)
{
    retain_map *map = retain_map_new();
    size_t size = 0;

    (void)state;
    retain_map_text(map, NULL, "x");
    assert_null(retain_map_bytes(map, &size));
    retain_map_clear(map);
    assert_non_null(retain_map_bytes(map, &size));
    retain_map_text(map, "a", NULL);
    assert_null(retain_map_bytes(map, &size));
    retain_map_clear(map);
    retain_map_number(map, "a", NAN);
    assert_null(retain_map_bytes(map, &size));
    retain_map_clear(map);
    retain_map_packed_value(map, "a", "\xc1", 1);
    assert_null(retain_map_bytes(map, &size));
    retain_map_clear(map);
    retain_map_contact(map, "\xff", NULL, NULL);
    assert_null(retain_map_bytes(map, &size));
    retain_map_free(map);
    retain_map_free(NULL);
    retain_map_text(NULL, "a", "b");
    assert_null(retain_map_bytes(NULL, &size));
}

static void reading_nonsense_falls_back(void **state)
{
    static const char *const bytes[] = {
        "",       "\xc1", "\x81", "\x81\xa1", "\xdf\xff\xff\xff\xff", "\xdd\xff\xff\xff\xff\x01",
        "\xa5xyz"};
    static const size_t sizes[] = {0, 1, 1, 2, 5, 6, 4};

    (void)state;
    for (size_t i = 0; i < 7; i++) {
        retain_value value = retain_value_of(bytes[i], sizes[i]), item;
        retain_iterator iterator = retain_iterate(value);
        size_t size = 0;
        char text[8];

        assert_int_equal(retain_value_kind(retain_value_get(value, "a")), RETAIN_NONE);
        assert_int_equal(retain_value_int(value, -7), -7);
        assert_true(retain_value_number(value, 0.5) == 0.5);
        assert_true(retain_value_bool(value, true));
        assert_null(retain_value_text(value, &size));
        assert_int_equal(retain_value_copy(value, text, sizeof(text)), 0);
        assert_string_equal(text, "");
        while (retain_next(&iterator, NULL, &item))
            size++;
        assert_in_range(size, 0, 1);
    }
    assert_int_equal(retain_value_kind(retain_value_of(NULL, 4)), RETAIN_NONE);
}

static void what_was_set_is_read(void **state)
{
    retain_map *map = retain_event_new("account", "ACME", "1", INT64_C(1700000000000));
    size_t size = 0;
    const void *bytes;
    retain_value value, key, item;
    retain_iterator iterator;
    char text[4];
    int pairs = 0;

    (void)state;
    retain_map_text(map, "name", "first");
    retain_map_number(map, "value", 12.5);
    retain_map_bool(map, "flag", true);
    retain_map_nil(map, "region");
    retain_map_text(map, "name", "Müller"); /* replaces */
    retain_map_contact(map, "Ada", "ada@example.org", NULL);
    retain_map_contact(map, NULL, NULL, "+49 30 1");
    bytes = retain_map_bytes(map, &size);
    assert_non_null(bytes);
    value = retain_value_of(bytes, size);
    assert_int_equal(retain_value_kind(value), RETAIN_MAP);
    assert_int_equal(retain_value_size(value), 9);
    assert_int_equal(retain_value_int(retain_value_get(value, "ts"), 0), INT64_C(1700000000000));
    assert_true(retain_value_number(retain_value_get(value, "ts"), 0) == 1700000000000.0);
    assert_true(retain_value_number(retain_value_get(value, "value"), 0) == 12.5);
    assert_true(retain_value_bool(retain_value_get(value, "flag"), false));
    assert_int_equal(retain_value_kind(retain_value_get(value, "region")), RETAIN_NIL);
    assert_int_equal(retain_value_kind(retain_value_get(value, "nothing")), RETAIN_NONE);
    assert_int_equal(retain_value_copy(retain_value_get(value, "name"), text, sizeof(text)), 7);
    assert_int_equal(strlen(text), 3);
    assert_int_equal(retain_value_size(retain_value_get(value, "contacts")), 2);
    for (iterator = retain_iterate(value); retain_next(&iterator, &key, &item); pairs++)
        assert_int_equal(retain_value_kind(key), RETAIN_TEXT);
    assert_int_equal(pairs, 9);
    for (iterator = retain_iterate(retain_value_get(value, "contacts"));
         retain_next(&iterator, &key, &item);)
        assert_int_equal(retain_value_kind(key), RETAIN_NONE);
    retain_map_free(map);
}

static void keys_are_new_once_and_the_oldest_are_forgotten(void **state)
{
    struct rt_seen *seen = rt_seen_new();

    (void)state;
    assert_non_null(seen);
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < RT_SEEN_KEEP; i++) {
            uint32_t key[2] = {round, i};

            assert_true(rt_seen_add(seen, rt_span(key, sizeof(key))));
            assert_false(rt_seen_add(seen, rt_span(key, sizeof(key))));
        }
        for (uint32_t i = 0; i < RT_SEEN_KEEP; i++) {
            uint32_t key[2] = {round, i};

            assert_false(rt_seen_add(seen, rt_span(key, sizeof(key))));
        }
    }
    rt_seen_free(seen);
    rt_seen_free(NULL);
}

static void every_error_has_its_sentence(void **state)
{
    (void)state;
    for (int code = RETAIN_TOO_LARGE; code <= RETAIN_OK; code++)
        assert_string_not_equal(retain_strerror(code), retain_strerror(1));
    assert_non_null(strchr(retain_version(), '.'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_misused_map_is_bad_until_cleared),
        cmocka_unit_test(reading_nonsense_falls_back),
        cmocka_unit_test(what_was_set_is_read),
        cmocka_unit_test(keys_are_new_once_and_the_oldest_are_forgotten),
        cmocka_unit_test(every_error_has_its_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

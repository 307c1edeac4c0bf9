/* Accounts by name: what a table must not lose when it grows and when entries go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "workers/table.h"

enum { SEED = 7, MANY = 5000 };

static struct rt_span name_of(char *text, int number)
{
    return rt_span(text, (size_t)sprintf(text, "account-%d", number));
}

static void finds_nothing_in_an_empty_table(void **state)
{
    struct rt_table table = {0};

    (void)state;
    assert_null(rt_table_find(&table, rt_table_hash(rt_span_text("x"), SEED), rt_span_text("x")));
    rt_table_free(&table);
}

static void hash_is_never_zero_and_depends_on_the_seed(void **state)
{
    uint32_t differ = 0;
    char text[32];

    (void)state;
    for (int i = 0; i < MANY; i++) {
        struct rt_span name = name_of(text, i);

        assert_int_not_equal(rt_table_hash(name, SEED), 0);
        differ += rt_table_hash(name, SEED) != rt_table_hash(name, SEED + 1);
    }
    assert_true(differ > MANY - 10);
}

/* All with three hashes: the worst chain there is; every second one goes, the others must still be
 * found. */
static void collide(uint32_t first_hash, uint32_t step)
{
    enum { COUNT = 200 };
    struct rt_table table = {0};
    struct rt_account *accounts[COUNT];
    char text[32];

    for (uint32_t i = 0; i < COUNT; i++) {
        accounts[i] = rt_account_new(name_of(text, (int)i));
        assert_true(rt_table_add(&table, first_hash + i % 3 * step, accounts[i]));
    }
    for (uint32_t i = 0; i < COUNT; i += 2) {
        rt_table_remove(&table, first_hash + i % 3 * step, accounts[i]);
        rt_account_free(accounts[i]);
    }
    assert_int_equal(table.count, COUNT / 2);
    for (uint32_t i = 0; i < COUNT; i++) {
        struct rt_account *found =
            rt_table_find(&table, first_hash + i % 3 * step, name_of(text, (int)i));

        assert_ptr_equal(found, i % 2 == 0 ? NULL : accounts[i]);
    }
    for (uint32_t i = 1; i < COUNT; i += 2)
        rt_account_free(accounts[i]);
    rt_table_free(&table);
}

static void survives_collisions_and_removals(void **state)
{
    (void)state;
    collide(13, 1);
}

/* The chain goes on at the table's start; then with three homes some slots apart. */
static void survives_them_at_its_end(void **state)
{
    enum { STEP = 1 << 26 };

    (void)state;
    collide(UINT32_MAX - 2, 1);
    collide(UINT32_MAX - 2 * STEP, STEP);
}

static void keeps_all_while_it_grows(void **state)
{
    struct rt_table table = {0};
    char text[32];

    (void)state;
    for (int i = 0; i < MANY; i++) {
        struct rt_span name = name_of(text, i);

        assert_true(rt_table_add(&table, rt_table_hash(name, SEED), rt_account_new(name)));
    }
    for (int i = 0; i < MANY; i++) {
        struct rt_span name = name_of(text, i);
        struct rt_account *found = rt_table_find(&table, rt_table_hash(name, SEED), name);

        assert_non_null(found);
        assert_true(rt_span_equal(rt_account_name(found), name));
        rt_table_remove(&table, rt_table_hash(name, SEED), found);
        rt_account_free(found);
    }
    assert_int_equal(table.count, 0);
    rt_table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_nothing_in_an_empty_table),
        cmocka_unit_test(hash_is_never_zero_and_depends_on_the_seed),
        cmocka_unit_test(survives_collisions_and_removals),
        cmocka_unit_test(survives_them_at_its_end),
        cmocka_unit_test(keeps_all_while_it_grows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

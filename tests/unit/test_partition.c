/* Partitions are published and never change: the values here are of the hash, not of this program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/limits.h"
#include "protocol/partition.h"

static void published_values(void **state)
{
    static const struct {
        const char *account;
        uint64_t hash; /* XXH3-64 */
    } known[] = {
        {"", UINT64_C(0x2d06800538d394c2)},
        {"a", UINT64_C(0xe6c632b61e964e1f)},
        {"ACME", UINT64_C(0xcde217ba96a02710)},
        {"acct-00001234", UINT64_C(0xacbdf6c7f8f6ec31)},
        {"日本", UINT64_C(0x2c17fb837f1a1bc0)},
        {"this account has a name of more than sixteen bytes", UINT64_C(0x6011e372cc0e9a06)},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        struct rt_span account = rt_span_text(known[i].account);

        assert_int_equal(rt_partition(account, RT_PARTITIONS), known[i].hash % RT_PARTITIONS);
        assert_int_equal(rt_partition(account, 7), known[i].hash % 7);
        assert_int_equal(rt_partition(account, 1), 0);
    }
}

/* No partition of the default number stays empty or gets much more than its share. */
static void accounts_spread(void **state)
{
    enum { ACCOUNTS = 100000 };
    static unsigned counts[RT_PARTITIONS];

    (void)state;
    for (int i = 0; i < ACCOUNTS; i++) {
        char account[32];

        snprintf(account, sizeof(account), "%05d", i);
        counts[rt_partition(rt_span_text(account), RT_PARTITIONS)]++;
    }
    for (int i = 0; i < RT_PARTITIONS; i++)
        assert_in_range(counts[i], ACCOUNTS / RT_PARTITIONS / 2, ACCOUNTS / RT_PARTITIONS * 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_values),
        cmocka_unit_test(accounts_spread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

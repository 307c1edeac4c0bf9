/* The configuration: what is refused and in which words, tiers that inherit, the round trip of the
 * canonical text, reload. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "config/config.h"
#include "config/ini.h"
#include "config/options.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct rt_config config, before;
static char error[RT_CONFIG_ERROR];

static int setup(void **state)
{
    (void)state;
    rt_config_init(&config);
    memset(error, 0, sizeof(error));
    return 0;
}

static void refuses(const char *text, const char *sentence)
{
    before = config;
    assert_false(rt_config_parse(&config, text, error));
    assert_string_equal(error, sentence);
    assert_memory_equal(&before, &config, sizeof(config));
}

static void accepts(const char *text)
{
    if (!rt_config_parse(&config, text, error))
        fail_msg("%s", error);
}

static void sets(const char *key, const char *value)
{
    if (!rt_config_set(&config, key, value, error))
        fail_msg("%s", error);
}

/* The sentence names the key and what would be right. */
static void refuses_value(const char *key, const char *value, const char *right)
{
    before = config;
    assert_false(rt_config_set(&config, key, value, error));
    if (strstr(error, right) == NULL || strstr(error, key) == NULL)
        fail_msg("'%s' names neither %s nor '%s'", error, key, right);
    assert_memory_equal(&before, &config, sizeof(config));
}

static void refuses_values(const char *key, const char *const values[], size_t count,
                           const char *right)
{
    for (size_t i = 0; i < count; i++)
        refuses_value(key, values[i], right);
}

/* ---- what is refused ------------------------------------------------------------------------- */

static void test_unknown_names_get_the_nearest(void **state)
{
    (void)state;
    refuses("[listn]\n", "line 1: unknown section [listn]; the nearest is [listen]");
    refuses("[tiers.key]\n", "line 1: unknown section [tiers.key]; the nearest is [tier]");
    refuses("\n[limits]\ndedup_days = 3\n",
            "line 3: unknown key limits.dedup_days; the nearest is dedupe_days");
    refuses("[tier.key]\nrythm_days = 3\n",
            "line 2: unknown key tier.key.rythm_days; the nearest is rhythm_days");
}

static void test_lines_that_are_nothing(void **state)
{
    (void)state;
    refuses("[limits\n", "line 1: a section needs its ']'");
    refuses("[limits] x = 1\n", "line 1: nothing may follow a section's ']'");
    refuses("[ ]\n", "line 1: a section needs a name");
    refuses("[limits]\ntickets\n", "line 2: expected '[section]' or 'key = value'");
    refuses("[limits]\ntickets: 100\n", "line 2: expected '[section]' or 'key = value'");
    refuses("[limits]\n = 100\n", "line 2: a value needs a key before its '='");
    refuses("tickets = 100\n", "line 1: a key must stand below a [section]");
    refuses("[limits]\ntickets = 1\x01\n", "line 2: control bytes are not allowed");
    refuses("[limits]\ntickets = 100\n  200\n", "line 3: expected '[section]' or 'key = value'");
}

static void test_a_long_line_is_refused_not_cut(void **state)
{
    (void)state;
    char text[3000];
    int used = snprintf(text, sizeof(text), "[workers]\nprogram = /");

    memset(text + used, 'x', 2000);
    text[used + 2000] = '\0';
    refuses(text, "line 2: the line is too long");
    text[used + 1100] = '\0';
    assert_false(rt_config_parse(&config, text, error));
    assert_non_null(strstr(error, "line 2: workers.program"));
    text[used + 1000] = '\0';
    accepts(text);
    assert_int_equal(strlen(config.workers_program), 1001);
}

static void test_a_key_twice_in_one_file(void **state)
{
    (void)state;
    refuses("[limits]\ntickets = 100\n[listen]\n[limits]\ntickets = 100\n",
            "line 5: limits.tickets is set twice");
    refuses("[tier.a]\nprior = 1\n[tier]\nprior = 2\n[tier.b]\nprior = 1\n[tier.a]\nprior = 1\n",
            "line 8: tier.a.prior is set twice");
}

static void test_keys_of_the_command_line(void **state)
{
    (void)state;
    const char *bad[] = {"", ".", "limits", "limits.", ".tickets", "tier..prior"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(rt_config_set(&config, bad[i], "1", error));

    char name[2000];
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_false(rt_config_set(&config, name, "1", error));
    memcpy(name + 1500, ".prior", 6);
    assert_false(rt_config_set(&config, name, "1", error));
}

static void test_integers(void **state)
{
    (void)state;
    const char *bad[] = {"",    " 1",  "1 ",   "+",  "-",      "0x10",
                         "1.5", "1e3", "100K", "15", "100001", "99999999999999999999"};
    refuses_values("limits.tickets", bad, COUNT(bad), "a whole number from 16 to 100000");
    sets("debug.clock_offset_ms", "-86400000");
    assert_int_equal(config.debug_clock_offset_ms, -86400000);
}

static void test_bytes(void **state)
{
    (void)state;
    const char *bad[] = {"", "K", "1KB", "1T", "1k", "1KM", "-1K", "9999999999999G", "0", "33M"};
    refuses_values("limits.message_bytes", bad, COUNT(bad), "bytes from 1K to 32M");
    sets("limits.message_bytes", "8K");
    assert_int_equal(config.limits_message_bytes, 8192);
    sets("limits.total_bytes", "1G");
    assert_int_equal(config.limits_total_bytes, 1 << 30);
}

static void test_numbers(void **state)
{
    (void)state;
    const char *bad[] = {"",    "nan",   "inf", "-inf",  "NAN",    "0x1p3",
                         "1,5", "1.5.2", "1e",  "1e999", "0.9999", "366"};
    refuses_values("tier.key.rhythm_days", bad, COUNT(bad), "a number from 1 to 365");
    assert_int_equal(config.tier_count, 1);
    sets("tier.rhythm_days", "1.5e1");
    assert_true(config.tiers[0].rhythm_days == 15);
}

static void test_addresses(void **state)
{
    (void)state;
    const char *bad[] = {"7600",           "tcp://",           "tcp://:1",         "tcp://host",
                         "tcp://host:",    "tcp://host:65536", "tcp://host:1x",    "tcp://a b:1",
                         "tcp://::1:7600", "tcp://[]:1",       "udp://host:1",     "ipc://",
                         "tcp://host:1/x", "tcp://host:-1",    "tcp://host:1 # no"};
    refuses_values("listen.events", bad, COUNT(bad), "tcp://HOST:PORT, ipc://PATH or nothing");
    const char *good[] = {"", "tcp://127.0.0.1:0", "tcp://*:*", "tcp://[::1]:7600", "ipc://x"};
    for (size_t i = 0; i < COUNT(good); i++) {
        sets("listen.events", good[i]);
        assert_string_equal(config.listen_events, good[i]);
    }
    char path[200] = "ipc://";
    memset(path + 6, 'x', 108); /* one more than a Unix socket's address holds */
    refuses_value("listen.events", path, "ipc://PATH");
    path[6 + 107] = '\0';
    sets("listen.events", path);
}

static void test_addresses_of_http(void **state)
{
    (void)state;
    const char *bad[] = {"http://127.0.0.1:80", "127.0.0.1", "127.0.0.1:", ":80"};
    refuses_values("listen.http", bad, COUNT(bad), "HOST:PORT or nothing");
    sets("listen.http", "127.0.0.1:0");
    sets("listen.http", "");
}

static void test_values_that_ini_could_not_hold(void **state)
{
    (void)state;
    const char *bad[] = {" /a", "/a ", "/a\n[x]", "/a #b", "#a", "/a ;b", "/a\x7f"};
    refuses_values("workers.program", bad, COUNT(bad), "a path or nothing");
    sets("workers.program", "/a b#c;d");
}

static void test_tier_names(void **state)
{
    (void)state;
    const char *bad[] = {"tier.a]b.prior", "tier.[a.prior",   "tier. a.prior",
                         "tier.a .prior",  "tier.a\nb.prior", "tier.a;b.prior"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(rt_config_set(&config, bad[i], "1", error));

    char key[200] = "tier.";
    memset(key + 5, 'n', 129);
    memcpy(key + 5 + 129, ".prior", 7);
    assert_false(rt_config_set(&config, key, "1", error));
    memcpy(key + 5 + 128, ".prior", 7);
    sets(key, "2");
    sets("tier.a.b c.prior", "3");
    sets("tier.sch\xc3\xb6n.prior", "4");
    assert_true(rt_config_tier(&config, "a.b c", 5)->prior == 3);
    assert_int_equal(config.tier_count, 4);
}

static void test_too_many_tiers(void **state)
{
    (void)state;
    char key[64];
    for (int i = 1; i < RT_TIERS_MAX; i++) {
        snprintf(key, sizeof(key), "tier.t%d.prior", i);
        sets(key, "1");
    }
    assert_false(rt_config_set(&config, "tier.more.prior", "1", error));
    assert_string_equal(error, "[tier.more]: there are more than 31 tiers");
    sets("tier.t31.prior", "2");
}

static const char *const relations[][3] = {
    {"limits.event_bytes", "256K", NULL},
    {"limits.message_bytes", "32K", "limits.event_bytes must not exceed limits.message_bytes"},
    {"workers.window_bytes", "1M", "workers.window_bytes must hold a message"},
    {"limits.total_bytes", "1M", "limits.total_bytes must hold a message"},
    {"journal.keep_days", "29", "at least limits.dedupe_days"},
    {"journal.keep_days", "0", NULL},
    {"journal.segment_bytes", "3M", "journal.segment_bytes must be a power of two"},
    {"journal.max_bytes", "64M", "at least four times"},
    {"listen.alerts", "tcp://127.0.0.1:7600", "listen.events and listen.alerts have the same"},
    {"listen.http", "127.0.0.1:7603", "listen.query and listen.http have the same"},
    {"tier.a.ticket_weight_2", "0.25", "[tier.a]: ticket_weight_1 to _4 must fall"},
    {"tier.ticket_limit_hours_4", "71", "[tier]: ticket_limit_hours_1 to _4 must not fall"},
    {"tier.churn_clear", "39", "[tier]: churn_clear must be at least churn_below"},
    {"tier.churn_critical", "41", "churn_critical must not exceed churn_below"},
    {"tier.drop_critical", "14", "drop_critical must be at least drop_points"},
    {"tier.sentiment_clear", "-0.4", "sentiment_clear must be at least sentiment_below"},
    {"tier.sentiment_critical", "0", "sentiment_critical must not exceed sentiment_below"},
    {"tier.renewal_clear", "59", "renewal_clear must be at least renewal_below"},
    {"tier.renewal_critical_days", "91", "renewal_critical_days must not exceed renewal_days"},
    {"tier.renewal_critical_below", "61", "renewal_critical_below must not exceed"},
    {"tier.upsell_clear", "81", "upsell_clear must not exceed upsell_above"},
    {"tier.upsell_clear_growth", "1.6", "upsell_clear_growth must not exceed upsell_growth"},
};

static void test_relations(void **state)
{
    (void)state;
    assert_true(rt_config_check(&config, error));
    for (size_t i = 0; i < COUNT(relations); i++) {
        rt_config_init(&config);
        sets(relations[i][0], relations[i][1]);
        bool ok = rt_config_check(&config, error);
        if (ok != (relations[i][2] == NULL))
            fail_msg("%s = %s: %s", relations[i][0], relations[i][1], ok ? "accepted" : error);
        if (!ok && strstr(error, relations[i][2]) == NULL)
            fail_msg("%s = %s: '%s'", relations[i][0], relations[i][1], error);
    }
}

static void sets_access(const char *key, const char *value, const char *sentence)
{
    sets(key, value);
    if (sentence == NULL) {
        if (!rt_config_check(&config, error))
            fail_msg("%s", error);
        return;
    }
    assert_false(rt_config_check(&config, error));
    if (strstr(error, sentence) == NULL)
        fail_msg("'%s' does not say '%s'", error, sentence);
}

static void test_what_can_be_reached_asks_who_comes(void **state)
{
    (void)state;
    const char *keys[] = {"listen.events", "listen.firehose", "listen.alerts", "listen.query"};
    for (size_t i = 0; i < COUNT(keys); i++) {
        rt_config_init(&config);
        sets_access(keys[i], "tcp://*:7700",
                    "can be reached from elsewhere: set access.server_key");
        sets_access("access.http_token", "token", keys[i]); /* guards something else */
        sets_access("access.server_key", "key", "must both be set");
        sets_access("access.keys", "/keys", NULL);
    }
    rt_config_init(&config);
    sets_access("listen.http", "*:7680", "listen.http: *:7680 can be reached from elsewhere");
    sets_access("access.server_key", "key", "must both be set");
    sets_access("access.keys", "/keys", "set access.http_token");
    sets_access("access.http_token", "token", NULL);
    rt_config_init(&config);
    sets_access("listen.query", "tcp://[::]:7603", "can be reached from elsewhere");
    sets_access("access.open_to_anyone", "yes", NULL);
    sets_access("listen.http", "0.0.0.0:7680", NULL);
}

static void test_local_addresses(void **state)
{
    (void)state;
    const char *far[] = {"tcp://*:1",
                         "tcp://0.0.0.0:1",
                         "tcp://10.0.0.1:1",
                         "tcp://[::]:1",
                         "tcp://eth0:1",
                         "*:80",
                         "tcp://128.0.0.1:1",
                         "tcp://127:1",
                         "tcp://127.1:1",
                         "tcp://[::2]:1",
                         "tcp://localhos:1",
                         "tcp://lo0:1",
                         "tcp://127.0.0.1",
                         "",
                         "tcp://[::ffff:127.0.0.1]:1"};
    const char *near[] = {"tcp://127.0.0.1:1", "tcp://127.9.8.7:*", "tcp://[::1]:0",
                          "tcp://localhost:1", "tcp://lo:1",        "127.0.0.1:80",
                          "localhost:80",      "ipc:///run/x",      "ipc://@x"};
    for (size_t i = 0; i < COUNT(far); i++) {
        if (rt_address_is_local(far[i]))
            fail_msg("%s counts as local", far[i]);
    }
    for (size_t i = 0; i < COUNT(near); i++) {
        if (!rt_address_is_local(near[i]))
            fail_msg("%s does not count as local", near[i]);
    }
}

static void test_switches(void **state)
{
    (void)state;
    const char *bad[] = {"", "true", "1", "YES", "y", "yes please"};
    refuses_values("access.open_to_anyone", bad, COUNT(bad), "yes or no");
    sets("access.open_to_anyone", "yes");
    assert_int_equal(config.access_open_to_anyone, 1);
    sets("access.open_to_anyone", "no");
    assert_int_equal(config.access_open_to_anyone, 0);
}

static void test_free_ports_are_no_double_address(void **state)
{
    (void)state;
    accepts("[listen]\nevents = tcp://127.0.0.1:0\nalerts = tcp://127.0.0.1:0\nhttp =\nquery =\n");
    assert_true(rt_config_check(&config, error));
}

/* ---- files ----------------------------------------------------------------------------------- */

static void write_file(char path[], const char *bytes, size_t size)
{
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    close(fd);
}

static void test_files_that_can_not_be_read(void **state)
{
    (void)state;
    char path[] = "/tmp/test_config.XXXXXX";

    assert_false(rt_config_read(&config, "/nowhere/retaind.conf", true, error));
    assert_string_equal(error, "/nowhere/retaind.conf: No such file or directory");
    assert_true(rt_config_read(&config, "/nowhere/retaind.conf", false, error));
    assert_false(rt_config_read(&config, "/", false, error));
    write_file(path, "[limits]\0", 9);
    assert_false(rt_config_read(&config, path, true, error));
    assert_non_null(strstr(error, "holds a zero byte"));
    unlink(path);
}

static void test_a_file_names_its_fault(void **state)
{
    (void)state;
    char path[] = "/tmp/test_config.XXXXXX", sentence[128];
    const char text[] = "[limits]\ntickets = many\n";

    write_file(path, text, sizeof(text) - 1);
    assert_false(rt_config_read(&config, path, true, error));
    snprintf(sentence, sizeof(sentence),
             "%s: line 2: limits.tickets: 'many' is not a whole number from 16 to 100000", path);
    assert_string_equal(error, sentence);
    unlink(path);
}

/* ---- what is taken --------------------------------------------------------------------------- */

static void test_comments_and_blanks(void **state)
{
    (void)state;
    accepts("\xef\xbb\xbf# first\r\n  [ limits ] ; why\r\n\ttickets=100 # so\r\n\n; end\n"
            "[listen]\nevents = ipc:///tmp/a#b;c\nhttp = # off\n[workers]\ncount = 3");
    assert_int_equal(config.limits_tickets, 100);
    assert_string_equal(config.listen_events, "ipc:///tmp/a#b;c");
    assert_string_equal(config.listen_http, "");
    assert_int_equal(config.workers_count, 3);
}

static void test_defaults_of_the_contract(void **state)
{
    (void)state;
    assert_string_equal(config.listen_events, "tcp://127.0.0.1:7600");
    assert_string_equal(config.listen_http, "127.0.0.1:7680");
    assert_int_equal(config.limits_message_bytes, 4 << 20);
    assert_int_equal(config.limits_event_bytes, 64 << 10);
    assert_int_equal(config.limits_dedupe_days, 30);
    assert_int_equal(config.journal_keep_days, 730);
    assert_int_equal(config.alerts_keep_days, 400);
    assert_int_equal(config.alerts_dormant_days, 365);
    assert_true(config.tiers[0].ticket_limit_hours[0] == 4);
    assert_true(config.tiers[0].churn_below == 40 && config.tiers[0].churn_clear == 45);
}

static void test_tiers_inherit_whatever_the_order(void **state)
{
    (void)state;
    accepts("[tier.key]\nprior = 5\n[tier.empty]\n[tier]\nprior = 7\nrhythm_days = 20\n");
    const struct rt_tier *key = rt_config_tier(&config, "key", 3);
    assert_string_equal(key->name, "key");
    assert_true(key->prior == 5 && key->rhythm_days == 20);
    assert_true(rt_config_tier(&config, "empty", 5)->prior == 7);
    sets("tier.prior", "8");
    assert_true(key->prior == 5 && rt_config_tier(&config, "empty", 5)->prior == 8);
    assert_ptr_equal(rt_config_tier(&config, "unknown", 7), &config.tiers[0]);
    assert_ptr_equal(rt_config_tier(&config, "", 0), &config.tiers[0]);
    assert_ptr_equal(rt_config_tier(&config, "keyring", 3), key);
}

static void test_text_round_trip(void **state)
{
    (void)state;
    sets("tier.key account.rhythm_days", "7.1");
    sets("tier.key account.churn_below", "0.30000000000000004");
    sets("tier.none.prior", "1e-2");
    sets("listen.http", "");
    sets("journal.segment_bytes", "1M");
    char *text = rt_config_text(&config);
    assert_non_null(text);
    rt_config_init(&before);
    assert_true(rt_config_parse(&before, text, error));
    assert_memory_equal(&before, &config, sizeof(config));
    sets("tier.prior", "9");
    assert_true(rt_config_set(&before, "tier.prior", "9", error));
    assert_memory_equal(&before, &config, sizeof(config));
    free(text);
}

static void test_every_option_stays_itself(void **state)
{
    (void)state;
    for (size_t i = 0; i < rt_option_count; i++) {
        char key[80], text[RT_OPTION_TEXT];
        const struct rt_option *option = &rt_options[i];
        const void *base = rt_option_is_tier(option) ? (void *)&config.tiers[0] : (void *)&config;
        before = config;
        rt_option_show(option, base, text);
        snprintf(key, sizeof(key), "%s.%s", option->section, option->key);
        sets(key, text);
        assert_memory_equal(&before, &config, sizeof(config));
    }
}

static void test_reload_keeps_what_is_fixed(void **state)
{
    (void)state;
    char names[256];
    struct rt_config next = config;

    assert_int_equal(rt_config_keep_fixed(&config, &next, names, sizeof(names)), 0);
    assert_string_equal(names, "");
    assert_true(rt_config_set(&next, "workers.count", "3", error));
    assert_true(rt_config_set(&next, "listen.http", "", error));
    assert_true(rt_config_set(&next, "limits.answer_ms", "77", error));
    assert_true(rt_config_set(&next, "debug.clock_offset_ms", "5", error));
    assert_true(rt_config_set(&next, "tier.a.prior", "5", error));
    assert_int_equal(rt_config_keep_fixed(&config, &next, names, sizeof(names)), 2);
    assert_string_equal(names, "listen.http, workers.count");
    assert_int_equal(next.workers_count, 0);
    assert_int_equal(next.limits_answer_ms, 77);
    assert_int_equal(next.debug_clock_offset_ms, 5);
    assert_int_equal(next.tier_count, 2);
    assert_true(rt_config_set(&next, "workers.count", "3", error));
    assert_int_equal(rt_config_keep_fixed(&config, &next, names, 5), 1);
    assert_string_equal(names, "work");
}

/* ---- documentation --------------------------------------------------------------------------- */

static char *printed(void (*print)(FILE *))
{
    static char *text; /* static, since the stream keeps their addresses */
    static size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    print(out);
    fclose(out);
    return text;
}

/* As it is, and with every `#key = value` line taken in. */
static void test_the_sample_is_the_default(void **state)
{
    (void)state;
    char *sample = printed(rt_config_print_sample);
    rt_config_init(&before);
    accepts(sample);
    assert_memory_equal(&before, &config, sizeof(config));
    char *end = strstr(sample, "# A tier with parameters");
    assert_non_null(end);
    *end = '\0';
    for (char *line = sample; line != NULL; line = strchr(line + 1, '\n')) {
        char *mark = line[0] == '\n' ? line + 1 : line;
        if (mark[0] == '#' && mark[1] >= 'a' && mark[1] <= 'z')
            mark[0] = ' ';
    }
    accepts(sample);
    assert_memory_equal(&before, &config, sizeof(config));
    free(sample);
}

static void names(const char *text, const char *before_key, const struct rt_option *option,
                  const char *after_key)
{
    char line[128];

    snprintf(line, sizeof(line), "%s%s%s", before_key, option->key, after_key);
    if (strstr(text, line) == NULL)
        fail_msg("'%s' is missing", line);
}

static void test_every_key_is_documented(void **state)
{
    (void)state;
    char *reference = printed(rt_config_print_reference), *help = printed(rt_config_print_help),
         *manual = printed(rt_config_print_manual);
    for (size_t i = 0; i < rt_option_count; i++) {
        char section[32];
        snprintf(section, sizeof(section), "%s.", rt_options[i].section);
        names(strstr(reference, section), ".", &rt_options[i], "`\n");
        names(strstr(help, section), ".", &rt_options[i], " ");
        names(manual, ".B ", &rt_options[i], "\n");
        assert_true(strlen(rt_options[i].doc) > 15);
        assert_ptr_equal(rt_option_find(rt_options[i].section, rt_options[i].key), &rt_options[i]);
    }
    free(reference);
    free(help);
    free(manual);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_unknown_names_get_the_nearest, setup),
        cmocka_unit_test_setup(test_lines_that_are_nothing, setup),
        cmocka_unit_test_setup(test_a_long_line_is_refused_not_cut, setup),
        cmocka_unit_test_setup(test_a_key_twice_in_one_file, setup),
        cmocka_unit_test_setup(test_keys_of_the_command_line, setup),
        cmocka_unit_test_setup(test_integers, setup),
        cmocka_unit_test_setup(test_bytes, setup),
        cmocka_unit_test_setup(test_numbers, setup),
        cmocka_unit_test_setup(test_addresses, setup),
        cmocka_unit_test_setup(test_addresses_of_http, setup),
        cmocka_unit_test_setup(test_values_that_ini_could_not_hold, setup),
        cmocka_unit_test_setup(test_tier_names, setup),
        cmocka_unit_test_setup(test_too_many_tiers, setup),
        cmocka_unit_test_setup(test_relations, setup),
        cmocka_unit_test_setup(test_what_can_be_reached_asks_who_comes, setup),
        cmocka_unit_test_setup(test_local_addresses, setup),
        cmocka_unit_test_setup(test_switches, setup),
        cmocka_unit_test_setup(test_free_ports_are_no_double_address, setup),
        cmocka_unit_test_setup(test_files_that_can_not_be_read, setup),
        cmocka_unit_test_setup(test_a_file_names_its_fault, setup),
        cmocka_unit_test_setup(test_comments_and_blanks, setup),
        cmocka_unit_test_setup(test_defaults_of_the_contract, setup),
        cmocka_unit_test_setup(test_tiers_inherit_whatever_the_order, setup),
        cmocka_unit_test_setup(test_text_round_trip, setup),
        cmocka_unit_test_setup(test_every_option_stays_itself, setup),
        cmocka_unit_test_setup(test_reload_keeps_what_is_fixed, setup),
        cmocka_unit_test_setup(test_the_sample_is_the_default, setup),
        cmocka_unit_test_setup(test_every_key_is_documented, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

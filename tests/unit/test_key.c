/* Keys: a file with a fault is no key, a key may do what its role says and no more, and who shows
 * none, or one that is not there, may do nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/access.h"
#include "tests/lib/notation.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PUBLIC "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
#define OTHER "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
#define WHOLE "[key]\nname = n\nrole = producer\npublic = " PUBLIC "\n"

static void refuses(const char *text, const char *sentence)
{
    char error[RT_KEY_ERROR] = "";
    struct rt_key key, untouched;

    memset(&key, 0x5a, sizeof key);
    memcpy(&untouched, &key, sizeof key);
    if (rt_key_parse(text, &key, error)) {
        fail_msg("taken: %s", text);
    }
    if (strstr(error, sentence) == NULL) {
        fail_msg("%s: says '%s' instead of '%s'", text, error, sentence);
    }
    assert_memory_equal(&key, &untouched, sizeof key);
}

static struct rt_key made(const char *role, const char *public_key, const char *lines)
{
    char text[1024], error[RT_KEY_ERROR];
    struct rt_key key;

    snprintf(text, sizeof text, "[key]\nname = n\nrole = %s\npublic = %s\n%s", role, public_key,
             lines);
    if (!rt_key_parse(text, &key, error)) {
        fail_msg("%s: %s", text, error);
    }
    return key;
}

static void faulty_files_are_no_keys(void **state)
{
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"", "name, role and public must be there"},
        {"[key]\n", "name, role and public must be there"},
        {"[key]\nname = n\nrole = admin\n", "must be there"},
        {"[key]\nname = n\npublic = " PUBLIC "\n", "must be there"},
        {"[key]\nrole = admin\npublic = " PUBLIC "\n", "must be there"},
        {"name = n\n", "line 1: a key must stand below a [section]"},
        {"[keys]\n" WHOLE, "line 1: the only section is [key]"},
        {WHOLE "[access]\n", "the only section is [key]"},
        {"[key\n", "a section needs its ']'"},
        {"[key]\nname\n", "expected"},
        {WHOLE "name = m\n", "line 5: name: is given twice"},
        {WHOLE "role = admin\n", "role: is given twice"},
        {WHOLE "public = " PUBLIC "\n", "public: is given twice"},
        {WHOLE "secret = " PUBLIC "\n", "a secret belongs to the client alone"},
        {WHOLE "sources = x\n", "takes name, role"},
        {WHOLE "Source = x\n", "takes name, role"},
        {WHOLE "owner = kim\n", "owner is for subscribers and readers"},
        {WHOLE "source = x\nsource = x\n", "the same is given twice"},
        {WHOLE "account =\n", "must be UTF-8, as long"},
        {WHOLE "account = a\xff\n", "must be UTF-8"},
        {"[key]\nname = a b\n", "name: must be"},
        {"[key]\nname =\n", "name: must be"},
        {"[key]\nname = \"x\"\n", "name: must be"},
        {"[key]\nname = "
         "12345678901234567890123456789012345678901234567890123456789012345\n",
         "name: must be"},
        {"[key]\nrole = root\n", "role: must be"},
        {"[key]\nrole = Admin\n", "role: must be"},
        {"[key]\nrole = admin, reader\n", "role: must be"},
        {"[key]\nrole =\n", "role: must be"},
        {"[key]\npublic =\n", "public: must be 40"},
        {"[key]\npublic = " PUBLIC "x\n", "public: must be 40"},
        {"[key]\npublic = rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf\n", "public: must be 40"},
        {"[key]\npublic = rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf_\n", "public: must be 40"},
        {"[key]\npublic = #q:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\n", "public: must be 40"},
        {"[key]\nname = n\nrole = reader\npublic = " PUBLIC "\nsource = x\n",
         "source and account are for producers"},
        {"[key]\nname = n\nrole = subscriber\npublic = " PUBLIC "\naccount = x\n",
         "source and account are for producers"},
        {"[key]\nname = n\nrole = admin\npublic = " PUBLIC "\nowner = x\n",
         "owner is for subscribers and readers"},
        {"[key]\nname = n\nrole = admin\npublic = " PUBLIC "\nsource = x\n",
         "source and account are for producers"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        refuses(cases[i].text, cases[i].sentence);
    }
}

static void too_many_names_are_refused(void **state)
{
    struct rt_buffer text = {0};

    (void)state;
    rt_buffer_append(&text, WHOLE, sizeof WHOLE - 1);
    for (int i = 0; i <= RT_KEY_NAMES; i++) {
        char line[32];

        rt_buffer_append(&text, line, (size_t)snprintf(line, sizeof line, "source = s%d\n", i));
    }
    rt_put_u8(&text, 0);
    refuses((const char *)text.data, "more than 256");
    rt_buffer_free(&text);
}

static void a_whole_file_is_a_key(void **state)
{
    struct rt_key key = made("producer", PUBLIC, "source = pbx ; ours\nsource =\naccount = acme\n");

    (void)state;
    assert_string_equal(key.name, "n");
    assert_string_equal(key.public_key, PUBLIC);
    assert_int_equal(key.role, RT_ROLE_PRODUCER);
    assert_int_equal(key.sources.count, 2);
    assert_int_equal(key.accounts.count, 1);
    rt_key_clear(&key);
    assert_null(key.sources.bytes.data);
}

static void a_key_that_begins_with_a_hash_stands_without_a_blank(void **state)
{
    char error[RT_KEY_ERROR];
    struct rt_key key;

    (void)state;
    assert_true(rt_key_parse("[key]\nname=n\nrole=admin\n"
                             "public=#q:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\n",
                             &key, error));
    rt_key_clear(&key);
}

static enum rt_error asks(const struct rt_key *key, enum rt_op op, const char *owner)
{
    struct rt_query query = {.op = op,
                             .owner = owner == NULL ? (struct rt_span){0} : rt_span_text(owner)};
    struct rt_fault fault = {0};
    enum rt_error code = rt_key_may_query(key, &query, &fault);

    assert_true(code == RT_OK || (fault.code == RT_DENIED && fault.text[0] != '\0'));
    return code;
}

static void nobody_may_do_nothing(void **state)
{
    struct rt_fault fault = {0};

    (void)state;
    for (int door = 0; door < RT_DOORS; door++) {
        assert_false(rt_key_may_enter(NULL, (enum rt_door)door));
    }
    assert_false(rt_key_may_push(NULL));
    assert_false(rt_key_may_write_all(NULL));
    assert_int_equal(rt_key_may_write(NULL, rt_span_text("s"), rt_span_text("a"), &fault),
                     RT_DENIED);
    assert_int_equal(fault.code, RT_DENIED);
    assert_false(rt_key_may_hear(NULL, rt_span_text("cursor")));
    assert_false(rt_key_may_ask(NULL));
    for (int op = 0; op < RT_OPS; op++) {
        assert_int_equal(asks(NULL, (enum rt_op)op, NULL), RT_DENIED);
    }
}

/* One row a role: doors, push, hear, and the operations that are open to it. */
static void each_role_may_do_its_own(void **state)
{
    static const struct {
        const char *role, *lines, *doors, *ops;
        bool push, hear;
    } roles[] = {
        {"producer", "", "events firehose query", "", true, false},
        {"subscriber", "", "events alerts query", "alert.list", false, true},
        {"subscriber", "owner = kim\n", "events alerts query", "alert.list", false, false},
        {"reader", "", "events query",
         "account.get account.list account.timeline alert.list report.portfolio "
         "report.management dead.list stats",
         false, false},
        {"reader", "owner = kim\n", "events query",
         "account.get account.list account.timeline alert.list report.portfolio "
         "report.management",
         false, false},
        {"admin", "", "events firehose alerts query",
         "account.get account.list account.timeline account.erase account.override "
         "account.override.end event.void alert.list alert.ack "
         "alert.snooze report.portfolio report.management dead.list dead.retry dead.drop stats "
         "dead.get",
         true, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(roles); i++) {
        struct rt_key key = made(roles[i].role, PUBLIC, roles[i].lines);

        for (int door = 0; door < RT_DOORS; door++) {
            assert_int_equal(rt_key_may_enter(&key, (enum rt_door)door),
                             strstr(roles[i].doors, rt_door_name((enum rt_door)door)) != NULL);
        }
        for (int op = 0; op < RT_OPS; op++) {
            char ops[400], name[40];

            snprintf(ops, sizeof ops, " %s ", roles[i].ops);
            snprintf(name, sizeof name, " %s ", rt_op_name((enum rt_op)op));
            assert_int_equal(asks(&key, (enum rt_op)op, NULL) == RT_OK, strstr(ops, name) != NULL);
        }
        assert_int_equal(rt_key_may_push(&key), roles[i].push);
        assert_int_equal(rt_key_may_hear(&key, rt_span_text("alert.")), roles[i].hear);
        rt_key_clear(&key);
    }
}

static enum rt_error writes(const struct rt_key *key, const char *source, const char *account)
{
    struct rt_fault fault;

    return rt_key_may_write(key, rt_span_text(source), rt_span_text(account), &fault);
}

static void a_producer_writes_its_sources_and_accounts(void **state)
{
    struct rt_key key = made("producer", PUBLIC, "source = pbx\nsource =\n");

    (void)state;
    assert_false(rt_key_may_write_all(&key));
    assert_int_equal(writes(&key, "crm", "acme"), RT_DENIED);
    assert_int_equal(writes(&key, "pbx-", "acme"), RT_DENIED);
    assert_int_equal(writes(&key, "PBX", "acme"), RT_DENIED);
    assert_int_equal(writes(&key, "pbx", "acme"), RT_OK);
    assert_int_equal(writes(&key, "", "acme"), RT_OK);
    rt_key_clear(&key);
    key = made("producer", PUBLIC, "source = pbx\naccount = acme\n");
    assert_int_equal(writes(&key, "pbx", "other"), RT_DENIED);
    assert_int_equal(writes(&key, "crm", "acme"), RT_DENIED);
    assert_int_equal(writes(&key, "pbx", "acme"), RT_OK);
    rt_key_clear(&key);
    key = made("producer", PUBLIC, "");
    assert_true(rt_key_may_write_all(&key));
    rt_key_clear(&key);
}

static void a_subscriber_hears_its_owners(void **state)
{
    static const char *const foreign[] = {
        "",           "alert.",      "alert.critical.", "owner.",     "owner.kim",  "owner.ki",
        "owner.lee.", "owner.kim.x", "owner.kim%2Ea",   "owner.kimb", "cursor.",    "curso",
        "owner.-",    "Owner.a.",    "owner.a%2eb.",    "owner.a.b.", "owner.a%2E",
    };
    static const char *const own[] = {"owner.a%2Eb.", "owner.-.", "owner.-.critical.", "cursor",
                                      "owner.a%2Eb.warning.silence."};
    struct rt_key key = made("subscriber", PUBLIC, "owner = a.b\nowner = -\n");

    (void)state;
    for (size_t i = 0; i < COUNT(foreign); i++) {
        if (rt_key_may_hear(&key, rt_span_text(foreign[i]))) {
            fail_msg("hears %s", foreign[i]);
        }
    }
    for (size_t i = 0; i < COUNT(own); i++) {
        assert_true(rt_key_may_hear(&key, rt_span_text(own[i])));
    }
    key.shut_out = true;
    assert_false(rt_key_may_hear(&key, rt_span_text("cursor")));
    assert_false(rt_key_may_enter(&key, RT_DOOR_ALERTS));
    assert_true(rt_key_may_enter(&key, RT_DOOR_QUERY));
    rt_key_clear(&key);
}

static void a_reader_asks_for_its_owners(void **state)
{
    struct rt_key key = made("reader", PUBLIC, "owner = kim\nowner = -\n");

    (void)state;
    assert_int_equal(asks(&key, RT_ACCOUNT_LIST, "lee"), RT_DENIED);
    assert_int_equal(asks(&key, RT_ALERT_LIST, "ki"), RT_DENIED);
    assert_int_equal(asks(&key, RT_REPORT_PORTFOLIO, "kim"), RT_OK);
    assert_int_equal(asks(&key, RT_ACCOUNT_LIST, "-"), RT_OK);
    rt_key_clear(&key);
}

/* ---- the table ------------------------------------------------------------------------------- */

static void count_twin(void *context, const struct rt_key *key)
{
    assert_string_equal(key->public_key, PUBLIC);
    ++*(int *)context;
}

static void keys_are_found_and_twins_are_not(void **state)
{
    struct rt_access access = {.asked = true};
    struct rt_key keys[] = {made("admin", PUBLIC, ""), made("reader", OTHER, ""),
                            made("producer", PUBLIC, "source = x\n")};
    int twins = 0;

    (void)state;
    assert_null(rt_access_of(&access, rt_span_text(PUBLIC)));
    for (size_t i = 0; i < COUNT(keys); i++) {
        assert_true(rt_access_add(&access, &keys[i]));
    }
    rt_access_seal(&access, count_twin, &twins);
    assert_int_equal(twins, 2);
    assert_int_equal(access.count, 1);
    assert_null(rt_access_of(&access, rt_span_text(PUBLIC)));
    assert_null(rt_access_of(&access, rt_span_text("")));
    assert_null(rt_access_of(&access, rt_span_text(OTHER "x")));
    assert_null(rt_access_of(&access, rt_span(OTHER, 39)));
    assert_null(rt_access_of(&access, (struct rt_span){0}));
    assert_non_null(rt_access_of(&access, rt_span_text(OTHER)));
    access.asked = false;
    assert_ptr_equal(rt_access_of(&access, (struct rt_span){0}), &rt_key_anyone);
    rt_access_clear(&access);
    assert_null(access.keys);
}

static void many_keys_are_found(void **state)
{
    static const char digits[] = "0123456789";
    struct rt_access access = {.asked = true};
    char public_key[] = PUBLIC;

    (void)state;
    for (int i = 0; i < 100; i++) {
        public_key[20] = digits[i / 10];
        public_key[30] = digits[i % 10];
        struct rt_key key = made("reader", public_key, "");

        assert_true(rt_access_add(&access, &key));
    }
    rt_access_seal(&access, count_twin, NULL);
    for (int i = 0; i < 100; i++) {
        public_key[20] = digits[i / 10];
        public_key[30] = digits[i % 10];
        assert_string_equal(rt_access_find(&access, rt_span_text(public_key))->public_key,
                            public_key);
    }
    assert_null(rt_access_find(&access, rt_span_text(OTHER)));
    rt_access_clear(&access);
}

static bool silences(const char *role, const char *lines, const char *next_role,
                     const char *next_lines)
{
    struct rt_access now = {.asked = true}, next = {.asked = true};
    struct rt_key old = made(role, PUBLIC, lines);
    bool silent;

    assert_true(rt_access_add(&now, &old));
    if (next_role != NULL) {
        struct rt_key key = made(next_role, PUBLIC, next_lines);

        assert_true(rt_access_add(&next, &key));
    }
    silent = rt_access_silences(&now, &next);
    rt_access_clear(&now);
    rt_access_clear(&next);
    return silent;
}

static void less_rights_silence(void **state)
{
    (void)state;
    assert_true(silences("subscriber", "", NULL, NULL));
    assert_true(silences("admin", "", NULL, NULL));
    assert_true(silences("subscriber", "", "subscriber", "owner = kim\n"));
    assert_true(silences("subscriber", "owner = kim\n", "subscriber", "owner = lee\n"));
    assert_true(silences("subscriber", "", "reader", ""));
    assert_false(silences("reader", "", NULL, NULL));
    assert_false(silences("producer", "", NULL, NULL));
    assert_false(silences("subscriber", "owner = kim\n", "subscriber", "owner = kim\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faulty_files_are_no_keys),
        cmocka_unit_test(too_many_names_are_refused),
        cmocka_unit_test(a_whole_file_is_a_key),
        cmocka_unit_test(a_key_that_begins_with_a_hash_stands_without_a_blank),
        cmocka_unit_test(nobody_may_do_nothing),
        cmocka_unit_test(each_role_may_do_its_own),
        cmocka_unit_test(a_producer_writes_its_sources_and_accounts),
        cmocka_unit_test(a_subscriber_hears_its_owners),
        cmocka_unit_test(a_reader_asks_for_its_owners),
        cmocka_unit_test(keys_are_found_and_twins_are_not),
        cmocka_unit_test(many_keys_are_found),
        cmocka_unit_test(less_rights_silence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The client's key file: what is too open or holds no key is not used. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "clients/libretain/key.h"
#include "retain.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PUBLIC "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
#define SECRET "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"
#define SERVER "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
#define WHOLE "[key]\nname=n\npublic=" PUBLIC "\nsecret=" SECRET "\nserver=" SERVER "\n"

static struct rt_client_key key;

static void refused(const char *text)
{
    struct rt_client_key before;

    memset(&key, 'k', sizeof(key));
    before = key;
    if (rt_client_key_parse(text, &key) != RETAIN_BAD_KEY)
        fail_msg("taken: %s", text);
    assert_memory_equal(&key, &before, sizeof(key));
}

static void texts_without_a_key_are_refused(void **state)
{
    (void)state;
    refused("");
    refused("[key]\n");
    refused("[key]\nsecret=" SECRET "\n");
    refused("[key]\nserver=" SERVER "\n");
    refused("secret=" SECRET "\nserver=" SERVER "\n");
    refused("[other]\nsecret=" SECRET "\nserver=" SERVER "\n");
    refused(WHOLE "secret=" SECRET "\n");
    refused(WHOLE "server=" SERVER "\n");
    refused(WHOLE "nonsense\n");
    refused("[key]\nsecret=short\nserver=" SERVER "\n");
    refused("[key]\nsecret=" SECRET "\nserver=" SERVER "x\n");
    refused("[key]\nsecret=________________________________________\nserver=" SERVER "\n");
}

static void a_whole_text_is_a_key(void **state)
{
    static const struct rt_client_key none;

    (void)state;
    assert_int_equal(rt_client_key_parse(WHOLE, &key), RETAIN_OK);
    assert_string_equal(key.public_key, PUBLIC);
    assert_string_equal(key.secret_key, SECRET);
    assert_string_equal(key.server_key, SERVER);
    rt_client_key_forget(&key);
    assert_memory_equal(&key, &none, sizeof(key));
}

static void files_that_others_may_read_are_refused(void **state)
{
    static const mode_t open_modes[] = {0640, 0620, 0604, 0602, 0666};
    char path[] = "/tmp/retain-key-XXXXXX";
    int file = mkstemp(path);
    struct retain_options options;
    retain_client *client = NULL;

    (void)state;
    assert_true(file >= 0);
    assert_int_equal(write(file, WHOLE, sizeof(WHOLE) - 1), sizeof(WHOLE) - 1);
    close(file);
    for (size_t i = 0; i < COUNT(open_modes); i++) {
        assert_int_equal(chmod(path, open_modes[i]), 0);
        assert_int_equal(rt_client_key_read(path, &key), RETAIN_BAD_KEY);
    }
    retain_options_init(&options);
    options.key = path;
    assert_int_equal(retain_open(&client, &options), RETAIN_BAD_KEY);
    assert_null(client);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(rt_client_key_read(path, &key), RETAIN_OK);
    assert_int_equal(retain_open(&client, &options), RETAIN_OK);
    retain_close(client);
    unlink(path);
    assert_int_equal(rt_client_key_read(path, &key), RETAIN_BAD_KEY);
    assert_int_equal(rt_client_key_read("/tmp", &key), RETAIN_BAD_KEY);
}

/* A program that was built before options had a key passes a shorter struct. */
static void shorter_options_have_no_key(void **state)
{
    struct retain_options options;
    retain_client *client = NULL;

    (void)state;
    retain_options_init(&options);
    assert_null(options.key);
    options.size = offsetof(struct retain_options, key);
    options.key = "/no/such/file";
    assert_int_equal(retain_open(&client, &options), RETAIN_OK);
    retain_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_without_a_key_are_refused),
        cmocka_unit_test(a_whole_text_is_a_key),
        cmocka_unit_test(files_that_others_may_read_are_refused),
        cmocka_unit_test(shorter_options_have_no_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Secrets: what is too open, of somebody else, or not what it should be, is not read; and a token
 * fits itself alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/secret.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SECRET "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
#define FILE_TEXT "[key]\nname=server\nsecret=" SECRET "\npublic=x\n"

static char folder[] = "/tmp/retain-secret-XXXXXX", path[64];

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/file", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void put(const char *text, size_t size, mode_t mode)
{
    FILE *file;

    unlink(path);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void refused(const char *reason)
{
    char error[RT_SECRET_ERROR] = "", secret[RT_KEY_TEXT] = "untouched";

    assert_false(rt_secret_server_key(path, secret, error));
    if (strstr(error, reason) == NULL || strstr(error, path) == NULL) {
        fail_msg("says '%s'", error);
    }
    assert_null(strstr(error, SECRET));
    assert_string_equal(secret, "untouched");
}

static void open_files_are_not_read(void **state)
{
    static const mode_t modes[] = {0604, 0640, 0620, 0602, 0610, 0601, 0777};

    (void)state;
    for (size_t i = 0; i < COUNT(modes); i++) {
        put(FILE_TEXT, sizeof FILE_TEXT - 1, modes[i]);
        refused("may be read by others");
    }
}

static void what_is_no_file_is_not_read(void **state)
{
    (void)state;
    unlink(path);
    refused("No such file");
    assert_int_equal(mkfifo(path, 0600), 0);
    refused("no regular file");
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    refused("no regular file");
    assert_int_equal(rmdir(path), 0);
}

static void files_of_others_are_not_read(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    put(FILE_TEXT, sizeof FILE_TEXT - 1, 0600);
    assert_int_equal(chown(path, 12345, 0), 0);
    refused("belongs to somebody else");
}

static void what_holds_no_secret_is_refused(void **state)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"", "there is no secret"},
        {"[key]\npublic=x\n", "there is no secret"},
        {"[key]\nsecret=short\n", "40 characters"},
        {"[key]\nsecret=" SECRET "\nsecret=" SECRET "\n", "given twice"},
        {"secret=" SECRET "\n", "below a [section]"},
        {"[other]\nsecret=" SECRET "\n", "the only section is [key]"},
        {SECRET "\n", "'key = value'"},
    };
    static char large[8 << 10];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        put(cases[i].text, strlen(cases[i].text), 0600);
        refused(cases[i].reason);
    }
    memset(large, '\n', sizeof large);
    put(large, sizeof large, 0600);
    refused("too large");
    put("[key]\0", 6, 0600);
    refused("zero byte");
}

static void a_good_file_is_read(void **state)
{
    char error[RT_SECRET_ERROR], secret[RT_KEY_TEXT];

    (void)state;
    put(FILE_TEXT, sizeof FILE_TEXT - 1, 0400);
    assert_true(rt_secret_server_key(path, secret, error));
    assert_string_equal(secret, SECRET);
}

static void credentials_go_by_name(void **state)
{
    char error[RT_SECRET_ERROR] = "", secret[RT_KEY_TEXT];

    (void)state;
    put(FILE_TEXT, sizeof FILE_TEXT - 1, 0440); /* as systemd's access list makes it look */
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_false(rt_secret_server_key("file", secret, error));
    assert_non_null(strstr(error, "LoadCredential="));
    setenv("CREDENTIALS_DIRECTORY", folder, 1);
    assert_true(rt_secret_server_key("file", secret, error));
    assert_int_equal(chmod(path, 0444), 0);
    assert_false(rt_secret_server_key("file", secret, error));
    unsetenv("CREDENTIALS_DIRECTORY");
}

static void public_files_are_not_written_by_others(void **state)
{
    char error[RT_SECRET_ERROR] = "", text[100];

    (void)state;
    put("x", 1, 0644);
    assert_true(rt_guarded_read(path, RT_PUBLIC_FILE, text, sizeof text, error));
    assert_string_equal(text, "x");
    put("x", 1, 0664);
    assert_false(rt_guarded_read(path, RT_PUBLIC_FILE, text, sizeof text, error));
    assert_non_null(strstr(error, "may be written by others"));
    put("x", 1, 0646);
    assert_false(rt_guarded_read(path, RT_PUBLIC_FILE, text, sizeof text, error));
}

static void tokens(void **state)
{
    static const char *const bad[] = {"",
                                      "short",
                                      "fifteen-letters",
                                      "has a blank in it yes",
                                      "two-lines-of-it\nand-more-of-it",
                                      "tab\tin-the-middle-of-it",
                                      "umlaut-\xc3\xa4-is-not-printable"};
    char token[RT_TOKEN_TEXT] = "untouched", large[300];

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_false(rt_token_parse(bad[i], token));
    }
    memset(large, 'x', sizeof large);
    large[257] = '\0';
    assert_false(rt_token_parse(large, token));
    assert_string_equal(token, "untouched");
    large[256] = '\0';
    assert_true(rt_token_parse(large, token));
    assert_true(rt_token_parse("sixteen-letters!\r\n", token));
    assert_string_equal(token, "sixteen-letters!");
}

static void a_token_fits_itself_alone(void **state)
{
    static const char *const bad[] = {"",
                                      "sixteen-letters!",
                                      "Bearer",
                                      "Bearer ",
                                      "Bearer sixteen-letters",
                                      "Bearer sixteen-letters!!",
                                      "Bearer sixteen-lettersX",
                                      "Bearer Sixteen-letters!",
                                      "Bearer sixteen-letters! ",
                                      "Basic sixteen-letters!",
                                      " Bearer sixteen-letters!"};

    (void)state;
    assert_false(rt_token_fits("sixteen-letters!", NULL));
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_false(rt_token_fits("sixteen-letters!", bad[i]));
    }
    assert_false(rt_token_fits("", "Bearer "));
    assert_true(rt_token_fits("sixteen-letters!", "Bearer sixteen-letters!"));
    assert_true(rt_token_fits("sixteen-letters!", "bearer  sixteen-letters!"));
}

static void memory_is_hidden(void **state)
{
    struct rlimit limit;

    (void)state;
    rt_secret_hide_memory();
    assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
    assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
    assert_int_equal(limit.rlim_cur, 0);
    prctl(PR_SET_DUMPABLE, 1); /* leaks are looked for at the end */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_files_are_not_read),
        cmocka_unit_test(what_is_no_file_is_not_read),
        cmocka_unit_test(files_of_others_are_not_read),
        cmocka_unit_test(what_holds_no_secret_is_refused),
        cmocka_unit_test(a_good_file_is_read),
        cmocka_unit_test(credentials_go_by_name),
        cmocka_unit_test(public_files_are_not_written_by_others),
        cmocka_unit_test(tokens),
        cmocka_unit_test(a_token_fits_itself_alone),
        cmocka_unit_test(memory_is_hidden),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

/* keygen ROLE NAME: makes a pair of keys: NAME.secret for the client, NAME.key for retaind.
 *
 * Failure: a file that is there already is never overwritten; if the second cannot be written, the
 * first is removed again. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "clients/retainctl/cli.h"
#include "clients/retainctl/json.h"
#include "clients/retainctl/terminal.h"

enum { KEY_TEXT = 41, NAME_BYTES = 64, PATH_BYTES = 4096, FILE_BYTES = 64 << 10 };

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

struct keygen {
    const char *role, *name, *directory, *server;
    struct rt_cli_texts sources, accounts, owners;
    char public_key[KEY_TEXT], secret_key[KEY_TEXT], server_key[KEY_TEXT];
    char secret_path[PATH_BYTES], key_path[PATH_BYTES];
};

static bool is_server(const struct keygen *keygen)
{
    return strcmp(keygen->role, "server") == 0;
}

/* ---- what was asked for ---------------------------------------------------------------------- */

/* What the file would not give back: it has no quotes. */
static bool is_writable(const char *value)
{
    size_t size = strlen(value);

    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)value[i] < ' ' || value[i] == 0x7f ||
            (i > 0 && value[i - 1] == ' ' && (value[i] == '#' || value[i] == ';')))
            return false;
    }
    return size == 0 || (value[0] != ' ' && value[size - 1] != ' ');
}

static int check_texts(const struct rt_cli *cli, const struct rt_cli_texts *texts,
                       const char *option, bool allowed)
{
    if (texts->count > 0 && !allowed)
        return rt_cli_usage(cli, "--%s does not go with this role", option);
    for (size_t i = 0; i < texts->count; i++) {
        if (!is_writable(texts->at[i]))
            return rt_cli_usage(cli, "--%s %s cannot be written into a key file", option,
                                texts->at[i]);
    }
    return RT_CLI_CONTINUE;
}

static int check_role(const struct rt_cli *cli, const struct keygen *keygen)
{
    static const char *const roles[] = {"server", "producer", "subscriber", "reader", "admin"};

    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        if (strcmp(keygen->role, roles[i]) == 0)
            return RT_CLI_CONTINUE;
    }
    return rt_cli_usage(cli, "a role is server, producer, subscriber, reader or admin, not '%s'",
                        keygen->role);
}

static int check(const struct rt_cli *cli, const struct keygen *keygen)
{
    bool writes = strcmp(keygen->role, "producer") == 0;
    bool hears = strcmp(keygen->role, "subscriber") == 0 || strcmp(keygen->role, "reader") == 0;
    size_t size = strlen(keygen->name);
    int code = check_role(cli, keygen);

    if (code == RT_CLI_CONTINUE &&
        (size == 0 || size > NAME_BYTES || strspn(keygen->name, LETTERS "._-@+") != size ||
         keygen->name[0] == '.'))
        code = rt_cli_usage(cli, "a name has 1 to 64 letters, digits and . _ - @ +");
    if (code == RT_CLI_CONTINUE && is_server(keygen) != (keygen->server == NULL))
        code = rt_cli_usage(cli, is_server(keygen) ? "--server is for clients"
                                                   : "--server is needed: the server's public key");
    if (code == RT_CLI_CONTINUE)
        code = check_texts(cli, &keygen->sources, "source", writes);
    if (code == RT_CLI_CONTINUE)
        code = check_texts(cli, &keygen->accounts, "account", writes);
    return code == RT_CLI_CONTINUE ? check_texts(cli, &keygen->owners, "owner", hears) : code;
}

/* ---- the server's public key ----------------------------------------------------------------- */

static bool is_key(const char *text)
{
    unsigned char raw[32];

    return strlen(text) == KEY_TEXT - 1 && zmq_z85_decode(raw, text) != NULL;
}

/* The line `public=` of a file, which may hold a secret besides. */
static bool key_of_file(FILE *file, char key[KEY_TEXT])
{
    char line[256];
    bool found = false;

    while (!found && fgets(line, sizeof(line), file) != NULL) {
        char *value = line + strcspn(line, "=");

        line[strcspn(line, "\r\n")] = '\0';
        if (strncmp(line, "public", 6) != 0 || *value != '=')
            continue;
        value += 1 + strspn(value + 1, " ");
        found = is_key(value);
        if (found)
            memcpy(key, value, KEY_TEXT);
    }
    explicit_bzero(line, sizeof(line));
    return found;
}

static int find_server_key(struct keygen *keygen)
{
    FILE *file;
    bool found;

    if (keygen->server == NULL)
        return RT_CLI_CONTINUE;
    file = fopen(keygen->server, "re");
    if (file == NULL && is_key(keygen->server)) {
        memcpy(keygen->server_key, keygen->server, KEY_TEXT);
        return RT_CLI_CONTINUE;
    }
    if (file == NULL)
        return rt_cli_fail("--server %s is neither a key of 40 characters nor a file: %s",
                           keygen->server, strerror(errno));
    found = key_of_file(file, keygen->server_key);
    fclose(file);
    return found ? RT_CLI_CONTINUE : rt_cli_fail("%s: holds no public key", keygen->server);
}

/* ---- files ----------------------------------------------------------------------------------- */

struct text {
    char bytes[FILE_BYTES];
    size_t size;
};

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *text, const char *format, ...)
{
    va_list args;
    int size;

    va_start(args, format);
    size = vsnprintf(text->bytes + text->size, sizeof(text->bytes) - text->size, format, args);
    va_end(args);
    if (size > 0 && (size_t)size < sizeof(text->bytes) - text->size)
        text->size += (size_t)size;
}

static void add_texts(struct text *text, const char *key, const struct rt_cli_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        add(text, "%s = %s\n", key, texts->at[i]);
}

static int write_file(const char *path, const struct text *text, mode_t mode)
{
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    bool good;

    if (file < 0)
        return rt_cli_fail("%s: %s", path, strerror(errno));
    good = write(file, text->bytes, text->size) == (ssize_t)text->size && fsync(file) == 0;
    good = close(file) == 0 && good;
    if (good)
        return RT_CLI_CONTINUE;
    unlink(path);
    return rt_cli_fail("%s: cannot be written", path);
}

static int write_secret(const struct keygen *keygen)
{
    static struct text text;
    int code;

    text.size = 0;
    add(&text,
        "# The secret of %s: nobody else may read it.\n[key]\nname=%s\npublic=%s\nsecret=%s\n",
        keygen->name, keygen->name, keygen->public_key, keygen->secret_key);
    if (!is_server(keygen))
        add(&text, "server=%s\n", keygen->server_key);
    add_texts(&text, "owner", &keygen->owners); /* for the client to know what it may ask for */
    code = write_file(keygen->secret_path, &text, 0600);
    explicit_bzero(&text, sizeof(text));
    return code;
}

static int write_key(const struct keygen *keygen)
{
    static struct text text;

    text.size = 0;
    add(&text, "[key]\nname=%s\nrole=%s\npublic=%s\n", keygen->name, keygen->role,
        keygen->public_key);
    add_texts(&text, "source", &keygen->sources);
    add_texts(&text, "account", &keygen->accounts);
    add_texts(&text, "owner", &keygen->owners);
    return write_file(keygen->key_path, &text, 0644);
}

static int write_pair(const struct keygen *keygen)
{
    int code = write_secret(keygen);

    if (code != RT_CLI_CONTINUE || is_server(keygen))
        return code;
    code = write_key(keygen);
    if (code != RT_CLI_CONTINUE)
        unlink(keygen->secret_path);
    return code;
}

/* ---- telling --------------------------------------------------------------------------------- */

static void tell(const struct rt_cli *cli, const struct keygen *keygen)
{
    json_t *json;

    if (!cli->json) {
        printf("%s: %s\n", keygen->secret_path,
               is_server(keygen) ? "for access.server_key of retaind, and for nobody else"
                                 : "for the client (retainctl --key), and for nobody else");
        if (!is_server(keygen))
            printf("%s: into the folder access.keys of retaind, then reload it\n",
                   keygen->key_path);
        printf("public key: %s\n", keygen->public_key);
        return;
    }
    json = json_pack("{s:s, s:s, s:s*}", "public", keygen->public_key, "secret_file",
                     keygen->secret_path, "key_file", is_server(keygen) ? NULL : keygen->key_path);
    rt_json_print(stdout, json);
    json_decref(json);
}

static int make(const struct rt_cli *cli, struct keygen *keygen)
{
    int code = find_server_key(keygen);

    if (code != RT_CLI_CONTINUE)
        return code;
    if (snprintf(keygen->secret_path, PATH_BYTES, "%s/%s.secret", keygen->directory,
                 keygen->name) >= PATH_BYTES ||
        snprintf(keygen->key_path, PATH_BYTES, "%s/%s.key", keygen->directory, keygen->name) >=
            PATH_BYTES)
        return rt_cli_usage(cli, "--directory is too long");
    if (zmq_curve_keypair(keygen->public_key, keygen->secret_key) != 0)
        return rt_cli_fail("this libzmq makes no keys: %s", zmq_strerror(errno));
    code = write_pair(keygen);
    explicit_bzero(keygen->secret_key, sizeof(keygen->secret_key));
    if (code != RT_CLI_CONTINUE)
        return code;
    tell(cli, keygen);
    return RT_EXIT_OK;
}

int rt_cli_keygen(struct rt_cli *cli, int argc, char **argv)
{
    static struct keygen keygen;
    const struct rt_cli_option options[] = {
        {"server", 0, "KEY", "the server's public key, or a file that holds it", RT_CLI_TEXT,
         &keygen.server},
        {"source", 0, "NAME", "producer: a source it may write (again for more)", RT_CLI_TEXTS,
         &keygen.sources},
        {"account", 0, "NAME", "producer: an account it may write", RT_CLI_TEXTS, &keygen.accounts},
        {"owner", 0, "NAME", "subscriber, reader: an owner it may hear or see", RT_CLI_TEXTS,
         &keygen.owners},
        {"directory", 'd', "DIR", "where the files go (default: here)", RT_CLI_TEXT,
         &keygen.directory},
        {NULL, 0, NULL, NULL, RT_CLI_FLAG, NULL},
    };
    int count, code;

    keygen = (struct keygen){.directory = "."};
    code = rt_cli_parse(cli, options, argc, argv, &count);
    if (code != RT_CLI_CONTINUE)
        return code;
    if (count != 2)
        return rt_cli_usage(cli, "a role and a name are wanted");
    keygen.role = argv[0];
    keygen.name = argv[1];
    code = check(cli, &keygen);
    return code == RT_CLI_CONTINUE ? make(cli, &keygen) : code;
}

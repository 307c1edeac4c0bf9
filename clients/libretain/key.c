/* See key.h. What held a secret is wiped before it is left. */
#include "clients/libretain/key.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zmq.h>

#include "config/ini.h"
#include "retain.h"

enum { RAW_BYTES = 32 };

static bool is_mine_alone(int file)
{
    struct stat status;

    return fstat(file, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & 077) == 0 &&
           (status.st_uid == 0 || status.st_uid == geteuid());
}

static bool read_text(int file, char text[RT_CLIENT_KEY_BYTES])
{
    size_t used = 0;
    ssize_t got = 0;

    while (used < RT_CLIENT_KEY_BYTES &&
           (got = read(file, text + used, RT_CLIENT_KEY_BYTES - used)) > 0)
        used += (size_t)got;
    if (got < 0 || used == RT_CLIENT_KEY_BYTES)
        return false;
    text[used] = '\0';
    return strlen(text) == used;
}

int rt_client_key_read(const char *path, struct rt_client_key *key)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    char text[RT_CLIENT_KEY_BYTES];
    int code = RETAIN_BAD_KEY;

    if (file < 0)
        return RETAIN_BAD_KEY;
    if (is_mine_alone(file) && read_text(file, text))
        code = rt_client_key_parse(text, key);
    close(file);
    explicit_bzero(text, sizeof(text));
    return code;
}

/* A value that is no key in Z85, or a second one, is refused. */
static bool take(char target[RT_CLIENT_KEY_TEXT], const char *value)
{
    unsigned char raw[RAW_BYTES];
    bool good = target[0] == '\0' && strlen(value) == RT_CLIENT_KEY_TEXT - 1 &&
                zmq_z85_decode(raw, value) != NULL;

    if (good)
        memcpy(target, value, RT_CLIENT_KEY_TEXT);
    explicit_bzero(raw, sizeof(raw));
    return good;
}

static bool take_line(struct rt_client_key *key, const struct rt_ini *ini, enum rt_ini_kind kind)
{
    if (kind == RT_INI_FAULT || strcmp(ini->section, "key") != 0)
        return false;
    if (kind == RT_INI_SECTION)
        return true;
    if (strcmp(ini->key, "secret") == 0)
        return take(key->secret_key, ini->value);
    if (strcmp(ini->key, "server") == 0)
        return take(key->server_key, ini->value);
    return true;
}

int rt_client_key_parse(const char *text, struct rt_client_key *key)
{
    struct rt_client_key found = {{0}, {0}, {0}};
    struct rt_ini ini;
    enum rt_ini_kind kind;
    bool good = true;

    rt_ini_begin(&ini, text);
    while (good && (kind = rt_ini_next(&ini)) != RT_INI_END)
        good = take_line(&found, &ini, kind);
    good = good && found.secret_key[0] != '\0' && found.server_key[0] != '\0' &&
           zmq_curve_public(found.public_key, found.secret_key) == 0;
    if (good)
        *key = found;
    explicit_bzero(&ini, sizeof(ini));
    rt_client_key_forget(&found);
    return good ? RETAIN_OK : RETAIN_BAD_KEY;
}

void rt_client_key_forget(struct rt_client_key *key)
{
    explicit_bzero(key, sizeof(*key));
}

bool rt_client_key_show(const struct rt_client_key *key, void *socket)
{
    const size_t size = RT_CLIENT_KEY_TEXT;

    return key->secret_key[0] == '\0' ||
           (zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, key->server_key, size) == 0 &&
            zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, key->public_key, size) == 0 &&
            zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, key->secret_key, size) == 0);
}

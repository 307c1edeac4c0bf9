/* See secret.h. Buffers that held a secret are wiped before they are left. */
#include "daemon/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "config/ini.h"

enum { SECRET_FILE_BYTES = 4 << 10 };

static bool wrong(char *error, const char *path, const char *what)
{
    snprintf(error, RT_SECRET_ERROR, "%.1100s: %.200s", path, what);
    return false;
}

/* ---- files ----------------------------------------------------------------------------------- */

static const char *credentials(void)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");

    return folder == NULL || folder[0] == '\0' ? NULL : folder;
}

static bool is_credential(const char *path)
{
    const char *folder = credentials();
    size_t size = folder == NULL ? 0 : strlen(folder);

    return size > 0 && strncmp(path, folder, size) == 0 && path[size] == '/' &&
           strchr(path + size + 1, '/') == NULL;
}

static bool check_file(int file, const char *path, enum rt_privacy privacy, char *error)
{
    struct stat status;

    if (fstat(file, &status) != 0) {
        return wrong(error, path, strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        return wrong(error, path, "is no regular file");
    }
    if (status.st_uid != 0 && status.st_uid != geteuid()) {
        return wrong(error, path,
                     "belongs to somebody else: chown it to root or to retaind's user");
    }
    if (privacy == RT_PUBLIC_FILE && (status.st_mode & 022) != 0) {
        return wrong(error, path, "may be written by others: chmod go-w");
    }
    if (privacy == RT_SECRET_FILE && (status.st_mode & (is_credential(path) ? 007 : 077)) != 0) {
        return wrong(error, path, "may be read by others: chmod go-rwx");
    }
    return true;
}

static bool read_all(int file, const char *path, char *text, size_t size, char *error)
{
    size_t used = 0;
    ssize_t got;

    while ((got = read(file, text + used, size - used)) > 0) {
        used += (size_t)got;
        if (used == size) {
            return wrong(error, path, "is too large");
        }
    }
    if (got < 0) {
        return wrong(error, path, strerror(errno));
    }
    text[used] = '\0';
    return strlen(text) == used || wrong(error, path, "holds a zero byte, so it is no text");
}

bool rt_guarded_read(const char *path, enum rt_privacy privacy, char *text, size_t size,
                     char *error)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    bool good;

    if (file < 0) {
        return wrong(error, path, strerror(errno));
    }
    good = check_file(file, path, privacy, error) && read_all(file, path, text, size, error);
    close(file);
    return good;
}

/* The path of a secret that is named in the configuration. */
static bool find_secret(const char *name, char path[RT_PATH + 256], char *error)
{
    const char *folder = credentials();

    if (strchr(name, '/') != NULL) {
        snprintf(path, RT_PATH + 256, "%s", name);
        return true;
    }
    if (folder == NULL) {
        return wrong(error, name,
                     "is the name of a credential, and systemd handed over none "
                     "(LoadCredential=); a file needs a path with a slash");
    }
    if (snprintf(path, RT_PATH + 256, "%s/%s", folder, name) >= RT_PATH + 256) {
        return wrong(error, name, "is too long");
    }
    return true;
}

static bool read_secret(const char *name, char text[SECRET_FILE_BYTES], char path[RT_PATH + 256],
                        char *error)
{
    return find_secret(name, path, error) &&
           rt_guarded_read(path, RT_SECRET_FILE, text, SECRET_FILE_BYTES, error);
}

bool rt_secret_server_key(const char *name, char secret[RT_KEY_TEXT], char *error)
{
    char text[SECRET_FILE_BYTES] = "", path[RT_PATH + 256];
    const char *fault;
    bool good = read_secret(name, text, path, error) &&
                (rt_secret_parse(text, secret, &fault) || wrong(error, path, fault));

    explicit_bzero(text, sizeof text);
    return good;
}

bool rt_secret_token(const char *name, char token[RT_TOKEN_TEXT], char *error)
{
    char text[SECRET_FILE_BYTES] = "", path[RT_PATH + 256];
    bool good = read_secret(name, text, path, error) &&
                (rt_token_parse(text, token) ||
                 wrong(error, path, "must be one line of 16 to 256 printable characters"));

    explicit_bzero(text, sizeof text);
    return good;
}

/* ---- contents -------------------------------------------------------------------------------- */

static const char *secret_line(const struct rt_ini *ini, enum rt_ini_kind kind, char *secret)
{
    if (kind == RT_INI_FAULT) {
        return ini->fault;
    }
    if (strcmp(ini->section, "key") != 0) {
        return "the only section is [key]";
    }
    if (kind == RT_INI_SECTION || strcmp(ini->key, "secret") != 0) {
        return NULL;
    }
    if (secret[0] != '\0') {
        return "secret: is given twice";
    }
    if (strlen(ini->value) != RT_KEY_TEXT - 1) {
        return "secret: must be 40 characters of Z85";
    }
    memcpy(secret, ini->value, RT_KEY_TEXT);
    return NULL;
}

bool rt_secret_parse(const char *text, char secret[RT_KEY_TEXT], const char **fault)
{
    char found[RT_KEY_TEXT] = "";
    const char *wrong_line = NULL;
    struct rt_ini ini;
    enum rt_ini_kind kind;

    rt_ini_begin(&ini, text);
    while (wrong_line == NULL && (kind = rt_ini_next(&ini)) != RT_INI_END) {
        wrong_line = secret_line(&ini, kind, found);
    }
    if (wrong_line == NULL && found[0] == '\0') {
        wrong_line = "there is no secret in it";
    }
    if (wrong_line == NULL) {
        memcpy(secret, found, RT_KEY_TEXT);
    } else {
        *fault = wrong_line;
    }
    explicit_bzero(found, sizeof found);
    explicit_bzero(&ini, sizeof ini);
    return wrong_line == NULL;
}

bool rt_token_parse(const char *text, char token[RT_TOKEN_TEXT])
{
    size_t size = strcspn(text, "\r\n");

    if (size < RT_TOKEN_LEAST || size > RT_TOKEN_MOST ||
        text[size + strspn(text + size, "\r\n")] != '\0') {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (text[i] <= ' ' || text[i] > '~') {
            return false;
        }
    }
    memcpy(token, text, size);
    token[size] = '\0';
    return true;
}

bool rt_token_fits(const char *token, const char *header)
{
    static const char scheme[] = "Bearer ";
    size_t size = strlen(token);
    volatile unsigned char differs = 0;

    if (size == 0 || header == NULL || strncasecmp(header, scheme, sizeof scheme - 1) != 0) {
        return false;
    }
    header += sizeof scheme - 1;
    header += strspn(header, " ");
    if (strlen(header) != size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        differs |= (unsigned char)(token[i] ^ header[i]);
    }
    return differs == 0;
}

void rt_secret_hide_memory(void)
{
    static const struct rlimit none = {0, 0};

    prctl(PR_SET_DUMPABLE, 0);
    setrlimit(RLIMIT_CORE, &none);
}

/* See check.h.
 *
 * The files are read as a start reads them, by whoever calls: root sees files of the service's own user as
 * somebody else's, and is told so. */
#include "daemon/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "daemon/keyring.h"
#include "daemon/secret.h"

static void say_fault(void *context, const char *text)
{
    size_t *faults = context;

    fprintf(stderr, "retaind: %s\n", text);
    ++*faults;
}

/* Is there a file to look at? */
static bool is_here(const char *key, const char *name)
{
    if (name[0] == '\0') {
        return false;
    }
    if (strchr(name, '/') != NULL || getenv("CREDENTIALS_DIRECTORY") != NULL) {
        return true;
    }
    printf("%s: %s is a credential: it is looked at when systemd hands it over\n", key, name);
    return false;
}

static void check_secrets(const struct rt_config *config, size_t *faults)
{
    char secret[RT_KEY_TEXT] = "", token[RT_TOKEN_TEXT] = "", error[RT_SECRET_ERROR];

    if (is_here("access.server_key", config->access_server_key) &&
        !rt_secret_server_key(config->access_server_key, secret, error)) {
        fprintf(stderr, "retaind: access.server_key: %s\n", error);
        ++*faults;
    }
    if (is_here("access.http_token", config->access_http_token) &&
        !rt_secret_token(config->access_http_token, token, error)) {
        fprintf(stderr, "retaind: access.http_token: %s\n", error);
        ++*faults;
    }
    explicit_bzero(secret, sizeof secret);
    explicit_bzero(token, sizeof token);
}

static void check_keys(const struct rt_config *config, size_t *faults)
{
    struct rt_access access = {0};
    char error[RT_SECRET_ERROR];

    if (config->access_server_key[0] == '\0') {
        return;
    }
    if (!rt_keyring_read(config->access_keys, &access, say_fault, faults, error)) {
        say_fault(faults, error);
    } else {
        printf("access.keys: %zu keys in %s\n", access.count, config->access_keys);
    }
    rt_access_clear(&access);
}

bool rt_check(const struct rt_options *options)
{
    struct rt_config *config = malloc(sizeof *config);
    char error[RT_CONFIG_ERROR] = "out of memory";
    size_t faults = 0;

    if (config == NULL || !rt_options_config(options, config, error)) {
        say_fault(&faults, error);
    } else {
        check_secrets(config, &faults);
        check_keys(config, &faults);
        if (faults > 0 && geteuid() == 0) {
            fprintf(stderr,
                    "retaind: looked at as root: if a file is somebody else's only because it "
                    "is the service's own, check as its user\n");
        }
    }
    free(config);
    if (faults == 0) {
        printf("the configuration is valid\n");
    }
    return faults == 0;
}

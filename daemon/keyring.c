/* See keyring.h. */
#include "daemon/keyring.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/secret.h"

static bool wrong(char *error, const char *folder, const char *what)
{
    snprintf(error, RT_SECRET_ERROR, "access.keys: %.1100s: %.200s", folder, what);
    return false;
}

static bool is_key_file(const char *name)
{
    size_t size = strlen(name);

    return name[0] != '.' && size > 4 && strcmp(name + size - 4, ".key") == 0;
}

struct reading {
    struct rt_access *access;
    rt_keyring_fault *tell;
    void *context;
};

__attribute__((format(printf, 2, 3))) static void tell(const struct reading *reading,
                                                       const char *format, ...)
{
    char text[RT_SECRET_ERROR + 100];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    reading->tell(reading->context, text);
}

static void read_key(const struct reading *reading, const char *path)
{
    static char text[RT_KEY_FILE_BYTES];
    char error[RT_SECRET_ERROR], fault[RT_KEY_ERROR];
    struct rt_access *access = reading->access;
    struct rt_key key;

    if (!rt_guarded_read(path, RT_PUBLIC_FILE, text, sizeof text, error)) {
        tell(reading, "this key admits nobody: %s", error);
    } else if (!rt_key_parse(text, &key, fault)) {
        tell(reading, "this key admits nobody: %.800s: %s", path, fault);
    } else if (access->count == RT_KEYRING_KEYS || !rt_access_add(access, &key)) {
        rt_key_clear(&key);
        tell(reading, "this key admits nobody: %.800s: too many keys, or no memory", path);
    }
}

static bool check_folder(DIR *directory, const char *folder, char *error)
{
    struct stat status;

    if (fstat(dirfd(directory), &status) != 0) {
        return wrong(error, folder, strerror(errno));
    }
    if (status.st_uid != 0 && status.st_uid != geteuid()) {
        return wrong(error, folder, "belongs to somebody else");
    }
    return (status.st_mode & 022) == 0 ||
           wrong(error, folder, "may be written by others: chmod go-w");
}

static void tell_twin(void *context, const struct rt_key *key)
{
    tell(context, "this key admits nobody: name=%s: another file has the same public key",
         key->name);
}

bool rt_keyring_read(const char *folder, struct rt_access *access, rt_keyring_fault *fault,
                     void *context, char *error)
{
    struct reading reading = {.access = access, .tell = fault, .context = context};
    DIR *directory = opendir(folder);
    struct dirent *entry;
    char path[PATH_MAX];

    access->asked = true;
    if (directory == NULL) {
        return wrong(error, folder, strerror(errno));
    }
    if (!check_folder(directory, folder, error)) {
        closedir(directory);
        return false;
    }
    while ((entry = readdir(directory)) != NULL) {
        if (is_key_file(entry->d_name) &&
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) < (int)sizeof path) {
            read_key(&reading, path);
        }
    }
    closedir(directory);
    rt_access_seal(access, tell_twin, &reading);
    return true;
}

#include "workers/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "config/config.h"
#include "workers/disk.h"

enum { DIGITS = 16 };

static bool read_secret(const char *path, uint64_t *secret)
{
    FILE *file = fopen(path, "re");
    bool good = file != NULL && fscanf(file, "%16" SCNx64, secret) == 1;

    if (file != NULL)
        fclose(file);
    return good;
}

static bool write_secret(const char *path)
{
    char text[DIGITS + 2];
    uint64_t secret;
    bool good;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0)
        return false;
    good = getrandom(&secret, sizeof(secret), 0) == (ssize_t)sizeof(secret);
    snprintf(text, sizeof(text), "%016" PRIx64 "\n", secret);
    good = good && write(fd, text, DIGITS + 1) == DIGITS + 1 && fsync(fd) == 0;
    return close(fd) == 0 && good;
}

/* Also if another worker made it: a power cut must not leave intents behind that no secret fits. */
static bool sync_folder(const char *state_dir)
{
    int folder = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = folder >= 0 && rt_disk_sync_folder(folder);

    rt_disk_close(folder);
    return good;
}

/* Written beside and linked into place: whoever is first wins, and nobody reads half of it. */
static bool obtain(const char *state_dir, uint64_t *secret)
{
    char path[RT_PATH + 32], beside[RT_PATH + 64];
    bool good;

    snprintf(path, sizeof(path), "%s/secret", state_dir);
    if (read_secret(path, secret))
        return true;
    snprintf(beside, sizeof(beside), "%s/secret.%d", state_dir, (int)getpid());
    good = write_secret(beside) && (link(beside, path) == 0 || errno == EEXIST) &&
           read_secret(path, secret);
    unlink(beside);
    return good;
}

bool rt_secret(const char *state_dir, uint64_t *secret, char *error, size_t error_size)
{
    bool good = obtain(state_dir, secret) && sync_folder(state_dir);

    if (!good)
        snprintf(error, error_size, "secret: cannot be made in the state directory: %m");
    return good;
}

/* See generation.h. A crash between any two steps leaves either the old file or the new one; a
 * generation that was begun and never used is used by the next start. */
#include "daemon/generation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/limits.h"

enum { FILE_BYTES = 256 << 10, STATE_FORMAT = 1 };

bool rt_generations_parse(const char *text, struct rt_generation *newest, unsigned *line)
{
    struct rt_generation last = {0};

    for (*line = 1; *text != '\0'; (*line)++) {
        if (!rt_generation_read(&text, &last)) {
            return false;
        }
    }
    *newest = last;
    return true;
}

struct rt_generation rt_generation_next(struct rt_generation newest, uint32_t workers)
{
    if (newest.workers == workers) {
        return newest;
    }
    return (struct rt_generation){.number = newest.number + 1,
                                  .workers = workers,
                                  .log = newest.number == 0 ? 1 : newest.log + newest.workers};
}

/* The whole file as text to be freed; NULL with errno. */
static char *read_file(const struct rt_state_dir *state, const char *name)
{
    char path[RT_STATE_PATH + 32];
    char *text = calloc(1, FILE_BYTES);
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", state->path, name);
    file = text == NULL ? NULL : fopen(path, "re");
    if (file == NULL) {
        free(text);
        return NULL;
    }
    if (fread(text, 1, FILE_BYTES - 1, file) == 0 && ferror(file)) {
        free(text);
        text = NULL;
    }
    fclose(file);
    return text;
}

static bool write_whole(int descriptor, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t written = write(descriptor, text, size);

        if (written < 0 && errno != EINTR) {
            return false;
        }
        if (written > 0) {
            text += written;
            size -= (size_t)written;
        }
    }
    return fsync(descriptor) == 0;
}

static bool sync_directory(const char *path)
{
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = descriptor >= 0 && fsync(descriptor) == 0;

    if (descriptor >= 0) {
        close(descriptor);
    }
    return synced;
}

bool rt_state_dir_write(const struct rt_state_dir *state, const char *name, const char *text,
                        size_t size)
{
    char path[RT_STATE_PATH + 32], beside[RT_STATE_PATH + 40];
    int descriptor;
    bool written;

    snprintf(path, sizeof path, "%s/%s", state->path, name);
    snprintf(beside, sizeof beside, "%s.tmp", path);
    descriptor = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (descriptor < 0) {
        return false;
    }
    written = write_whole(descriptor, text, size);
    close(descriptor);
    return written && rename(beside, path) == 0 && sync_directory(state->path);
}

void rt_state_dir_remove(const struct rt_state_dir *state, const char *name)
{
    char path[RT_STATE_PATH + 32];

    snprintf(path, sizeof path, "%s/%s", state->path, name);
    unlink(path);
}

static bool take_lock(struct rt_state_dir *state, char *error, size_t error_size)
{
    char path[RT_STATE_PATH + 32];

    snprintf(path, sizeof path, "%s/lock", state->path);
    state->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (state->lock < 0) {
        snprintf(error, error_size, "cannot open %s: %s", path, strerror(errno));
        return false;
    }
    if (flock(state->lock, LOCK_EX | LOCK_NB) == 0) {
        return true;
    }
    if (errno == EWOULDBLOCK) {
        snprintf(error, error_size, "another retaind is using the state directory %s", state->path);
    } else {
        snprintf(error, error_size, "cannot lock %s: %s", path, strerror(errno));
    }
    return false;
}

static bool write_format(const struct rt_state_dir *state, char *error, size_t error_size)
{
    char text[128];
    int size = snprintf(text, sizeof text, "format %d\npartitions %d\nhash xxh3-64\n", STATE_FORMAT,
                        RT_PARTITIONS);

    if (rt_state_dir_write(state, "format", text, (size_t)size)) {
        return true;
    }
    snprintf(error, error_size, "cannot write %s/format: %s", state->path, strerror(errno));
    return false;
}

static bool check_format(struct rt_state_dir *state, char *error, size_t error_size)
{
    char *text = read_file(state, "format");
    unsigned format = 0, partitions = 0;
    char hash[16] = "";
    bool good;

    state->partitions = RT_PARTITIONS;
    if (text == NULL && errno == ENOENT) {
        return write_format(state, error, error_size);
    }
    good = text != NULL &&
           sscanf(text, "format %u partitions %u hash %15s", &format, &partitions, hash) == 3 &&
           format == STATE_FORMAT && partitions > 0 && partitions <= RT_PARTITIONS_MAX &&
           strcmp(hash, "xxh3-64") == 0;
    free(text);
    if (!good) {
        snprintf(error, error_size, "%s/format: not a state directory this version can read",
                 state->path);
        return false;
    }
    state->partitions = partitions;
    return true;
}

static bool append_generation(struct rt_state_dir *state, const char *text, char *error,
                              size_t error_size)
{
    size_t size = strlen(text);
    char *whole = malloc(size + RT_GENERATION_LINE);
    bool written = false;

    if (whole != NULL) {
        memcpy(whole, text, size);
        size += (size_t)rt_generation_write(whole + size, &state->generation);
        written = rt_state_dir_write(state, "generations", whole, size);
    }
    if (!written) {
        snprintf(error, error_size, "cannot write %s/generations: %s", state->path,
                 strerror(errno));
    }
    free(whole);
    return written;
}

static bool begin_generation(struct rt_state_dir *state, uint32_t workers, char *error,
                             size_t error_size)
{
    char *text = read_file(state, "generations");
    struct rt_generation newest;
    unsigned line;
    bool good = true;

    if (text == NULL && errno != ENOENT) {
        snprintf(error, error_size, "cannot read %s/generations: %s", state->path, strerror(errno));
        return false;
    }
    if (!rt_generations_parse(text == NULL ? "" : text, &newest, &line)) {
        snprintf(error, error_size, "%s/generations: line %u cannot be read", state->path, line);
        free(text);
        return false;
    }
    state->generation = rt_generation_next(newest, workers);
    if (state->generation.number != newest.number &&
        !rt_generation_follows(&newest, &state->generation)) {
        snprintf(error, error_size,
                 "%s/generations: the number of workers was changed too often: keep workers.count "
                 "at %u",
                 state->path, newest.workers);
        good = false;
    } else if (state->generation.number != newest.number) {
        good = append_generation(state, text == NULL ? "" : text, error, error_size);
    }
    free(text);
    return good;
}

bool rt_state_dir_open(struct rt_state_dir *state, const char *path, uint32_t workers, char *error,
                       size_t error_size)
{
    state->lock = -1;
    if ((size_t)snprintf(state->path, sizeof state->path, "%s", path) >= sizeof state->path) {
        snprintf(error, error_size, "the path of the state directory is too long");
        return false;
    }
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        snprintf(error, error_size, "cannot make the state directory %s: %s", path,
                 strerror(errno));
        return false;
    }
    if (take_lock(state, error, error_size) && check_format(state, error, error_size) &&
        begin_generation(state, workers, error, error_size)) {
        return true;
    }
    rt_state_dir_close(state);
    return false;
}

void rt_state_dir_close(struct rt_state_dir *state)
{
    if (state->lock >= 0) {
        close(state->lock);
    }
    state->lock = -1;
}

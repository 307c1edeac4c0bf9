#include "workers/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "workers/check.h"
#include "workers/disk.h"
#include "workers/unused.h"

enum { TEXT_BYTES = 128 << 10, SECRET_BYTES = 17 };

void rt_check_found(struct rt_check *check, enum rt_weight weight, const char *file,
                    uint64_t offset, const char *what)
{
    const struct rt_finding finding = {
        .file = file, .offset = offset, .what = what, .weight = weight};

    check->checked.notes += weight == RT_FOUND_NOTE;
    check->checked.mended += weight == RT_FOUND_MENDED;
    check->checked.lost += weight == RT_FOUND_LOST;
    check->found(check->context, &finding);
}

/* ---- the small files ---------------------------------------------------------------------- */

/* The whole file as text, to be freed; NULL with errno. */
static char *read_text(int folder, const char *name, size_t *size)
{
    int fd = rt_disk_open(folder, name, O_RDONLY);
    char *text = fd < 0 ? NULL : malloc(TEXT_BYTES + 1);

    if (text != NULL && !rt_disk_read(fd, text, TEXT_BYTES, 0, size)) {
        free(text);
        text = NULL;
    }
    if (text != NULL) {
        text[*size] = '\0';
    }
    rt_disk_close(fd);
    return text;
}

/* Where two texts part. */
static size_t first_difference(const char *text, const char *wanted)
{
    size_t at = 0;

    while (text[at] != '\0' && text[at] == wanted[at]) {
        at++;
    }
    return at;
}

static void check_format(struct rt_check *check, const char *text, size_t size)
{
    char wanted[96];
    unsigned format = 1, partitions = RT_PARTITIONS;
    int read = sscanf(text, "format %u partitions %u", &format, &partitions);

    if (read == 2 && partitions > 0 && partitions <= RT_PARTITIONS_MAX) {
        check->partitions = partitions;
    }
    if (read >= 1 && format != 1) {
        rt_check_found(check, RT_FOUND_LOST, "format", 0,
                       "a format that this program does not know");
        return;
    }
    snprintf(wanted, sizeof(wanted), "format 1\npartitions %u\nhash xxh3-64\n", check->partitions);
    if (size != strlen(wanted) || memcmp(text, wanted, size) != 0) {
        rt_check_found(check, RT_FOUND_LOST, "format", first_difference(text, wanted),
                       "not what this program writes: it will refuse to start");
    }
}

static uint64_t line_start(const char *text, unsigned line)
{
    const char *at = text;

    while (line > 1 && strchr(at, '\n') != NULL) {
        at = strchr(at, '\n') + 1;
        line--;
    }
    return (uint64_t)(at - text);
}

static void check_generations(struct rt_check *check, const char *text)
{
    char error[RT_JOURNAL_ERROR];
    unsigned line = 1;

    if (!rt_log_history_parse(&check->generations, text, error)) {
        sscanf(error, "generations: line %u", &line);
        rt_check_found(check, RT_FOUND_LOST, "generations", line_start(text, line),
                       "a line that cannot be read: it will refuse to start");
    }
}

static void check_secret(struct rt_check *check, const char *text, size_t size)
{
    size_t digits = strspn(text, "0123456789abcdef");

    if (size != SECRET_BYTES || digits != SECRET_BYTES - 1 || text[digits] != '\n') {
        rt_check_found(check, RT_FOUND_LOST, "secret", digits, "not 16 hexadecimal digits");
    }
}

static bool read_failed(struct rt_check *check, const char *name)
{
    snprintf(check->error, sizeof(check->error), "%s: %s", name, strerror(errno));
    return false;
}

/* A directory that no worker has opened yet has neither generations nor secret. */
static bool check_texts(struct rt_check *check, int folder, bool used)
{
    size_t size;
    char *text = read_text(folder, "format", &size);

    if (text == NULL) {
        snprintf(check->error, sizeof(check->error),
                 "%s is no state directory: its file format cannot be read: %s", check->state_dir,
                 strerror(errno));
        return false;
    }
    check_format(check, text, size);
    free(text);
    text = read_text(folder, "generations", &size);
    if (text != NULL) {
        check_generations(check, text);
        free(text);
    } else if (errno != ENOENT) {
        return read_failed(check, "generations");
    } else if (used) {
        rt_check_found(check, RT_FOUND_LOST, "generations", 0, "the file is missing");
    }
    text = read_text(folder, "secret", &size);
    if (text != NULL) {
        check_secret(check, text, size);
        free(text);
    } else if (errno != ENOENT) {
        return read_failed(check, "secret");
    } else if (used) {
        rt_check_found(check, RT_FOUND_LOST, "secret", 0,
                       "the file is missing: an erase that a stop cut short cannot be finished");
    }
    return true;
}

/* ---- the folders -------------------------------------------------------------------------- */

static int open_folder(int above, const char *name)
{
    return openat(above, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool check_folders(struct rt_check *check, int state)
{
    int journal = open_folder(state, "journal"), snapshots = -1, curves = -1;
    bool used = journal >= 0, checked = false;

    if (!used && errno != ENOENT) {
        return read_failed(check, "journal");
    }
    if (check_texts(check, state, used)) {
        snapshots = open_folder(state, "snapshots");
        check->covered = calloc(check->partitions, sizeof(*check->covered));
        checked = check->covered != NULL && (snapshots >= 0 || errno == ENOENT);
        if (!checked) {
            read_failed(check, "snapshots");
        }
    }
    if (checked) {
        curves = open_folder(state, "curves");
        checked = curves >= 0 || errno == ENOENT || read_failed(check, "curves");
    }
    checked = checked && (curves < 0 || rt_check_curves(check, curves)) &&
              (snapshots < 0 || rt_check_snapshots(check, snapshots)) &&
              (!used || rt_check_journal(check, journal));
    rt_disk_close(journal);
    rt_disk_close(snapshots);
    rt_disk_close(curves);
    return checked;
}

bool rt_verify_held(const char *state_dir, rt_found *found, void *context,
                    struct rt_checked *checked, char *error, size_t error_size)
{
    struct rt_check check = {
        .state_dir = state_dir, .partitions = RT_PARTITIONS, .found = found, .context = context};
    int state = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = state >= 0 ? check_folders(&check, state) : read_failed(&check, state_dir);

    *checked = check.checked;
    if (!done) {
        snprintf(error, error_size, "%s", check.error);
    }
    rt_log_history_free(&check.generations);
    free(check.covered);
    rt_disk_close(state);
    return done;
}

bool rt_verify(const char *state_dir, rt_found *found, void *context, struct rt_checked *checked,
               char *error, size_t error_size)
{
    int lock;
    bool done;

    *checked = (struct rt_checked){0};
    if (!rt_unused_hold(state_dir, &lock, error, error_size)) {
        return false;
    }
    done = rt_verify_held(state_dir, found, context, checked, error, error_size);
    rt_unused_release(lock);
    return done;
}

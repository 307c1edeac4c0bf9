#include "workers/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workers/curve_file.h"
#include "workers/hold.h"
#include "workers/journal_end.h"
#include "workers/recover.h"
#include "workers/snapshot.h"
#include "workers/verify.h"

enum { STEP_BYTES = 256 << 10, TEXT_BYTES = 128 << 10 };

struct copy {
    const char *state_dir, *destination;
    char partial[RT_PATH]; /* DESTINATION.partial */
    int from, to;          /* the folders */
    bool made;             /* DESTINATION.partial is ours */
    uint32_t partitions;
    bool lost; /* a snapshot that nothing replaces */
    rt_found *found;
    void *context;
    char *error;
    size_t error_size;
};

__attribute__((format(printf, 2, 3))) static bool fail(struct copy *copy, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(copy->error, copy->error_size, format, args);
    va_end(args);
    return false;
}

/* ---- the small files ---------------------------------------------------------------------- */

/* A text to be freed; NULL with errno. */
static char *read_text(int folder, const char *name)
{
    int fd = rt_disk_open(folder, name, O_RDONLY);
    char *text = fd < 0 ? NULL : calloc(1, TEXT_BYTES + 1);
    size_t got;

    if (text != NULL && !rt_disk_read(fd, text, TEXT_BYTES, 0, &got)) {
        free(text);
        text = NULL;
    }
    rt_disk_close(fd);
    return text;
}

static bool write_text(int folder, const char *name, const char *text)
{
    int fd = rt_disk_open(folder, name, O_WRONLY | O_CREAT | O_EXCL);
    bool written = fd >= 0 && rt_disk_write(fd, text, strlen(text), 0) && rt_disk_sync(fd);

    rt_disk_close(fd);
    return written;
}

static bool copy_text(struct copy *copy, const char *name)
{
    char *text = read_text(copy->from, name);
    bool copied = text != NULL && write_text(copy->to, name, text);

    if (text != NULL && strcmp(name, "format") == 0 &&
        (sscanf(text, "format %*u partitions %u", &copy->partitions) != 1 ||
         copy->partitions == 0 || copy->partitions > RT_PARTITIONS_MAX)) {
        free(text);
        return fail(copy, "%s/format cannot be read: see retainctl verify", copy->state_dir);
    }
    free(text);
    return copied || fail(copy, "%s: %s", name, strerror(errno));
}

/* Another number of workers begins new logs: the copy would hold a part of both. */
static bool same_generations(struct copy *copy)
{
    char *before = read_text(copy->to, "generations"),
         *after = read_text(copy->from, "generations");
    bool read = before != NULL && after != NULL;
    bool same = read && strcmp(before, after) == 0;

    if (!read) {
        fail(copy, "generations: %s", strerror(errno));
    }
    free(before);
    free(after);
    return same || !read
               ? same
               : fail(copy, "the daemon was started with another number of workers meanwhile: "
                            "take the backup again");
}

/* ---- snapshots ---------------------------------------------------------------------------- */

static bool copy_snapshot(struct copy *copy, uint32_t partition)
{
    char note[RT_JOURNAL_ERROR], file[32];
    struct rt_snapshot snapshot;
    bool good = rt_snapshot_load(copy->state_dir, partition, &snapshot, note, sizeof(note));
    bool saved = !good || rt_snapshot_save(copy->partial, &snapshot, copy->error, copy->error_size);

    rt_buffer_free(&snapshot.content);
    if (!good && snapshot.unreadable && note[0] == '\0') {
        return fail(copy, "snapshots: cannot be opened");
    }
    if (note[0] != '\0') {
        const struct rt_finding finding = {
            .file = file, .what = note, .weight = good ? RT_FOUND_MENDED : RT_FOUND_LOST};

        snprintf(file, sizeof(file), "snapshots/%04x.snap", partition);
        copy->lost |= !good;
        copy->found(copy->context, &finding);
    }
    return saved;
}

static bool copy_snapshots(struct copy *copy)
{
    for (uint32_t p = 0; p < copy->partitions; p++) {
        if (!copy_snapshot(copy, p)) {
            return false;
        }
    }
    return true;
}

/* ---- curves ------------------------------------------------------------------------------- */

/* What is damaged is told and left out. */
static bool mend_curve(struct copy *copy, uint32_t partition, struct rt_buffer *bytes)
{
    struct rt_curve_table table;
    struct rt_curve_fault fault;
    char file[32];
    bool mended =
        rt_curve_table_decode(rt_buffer_span(bytes), partition, &table, &fault) && !fault.foreign;

    if (mended && fault.what != NULL) {
        const struct rt_finding finding = {
            .file = file, .offset = fault.offset, .what = fault.what, .weight = RT_FOUND_NOTE};

        snprintf(file, sizeof(file), "curves/%04x.curve", partition);
        copy->found(copy->context, &finding);
        rt_buffer_clear(bytes);
        rt_curve_table_encode(&table, partition, bytes);
        mended = !bytes->failed;
    }
    rt_curve_table_free(&table);
    return mended || fail(copy, "curves/%04x: cannot be understood", partition);
}

static bool copy_curve(struct copy *copy, uint32_t partition)
{
    struct rt_buffer bytes;
    bool copied;

    if (!rt_curve_file_read(copy->state_dir, partition, &bytes)) {
        return errno == ENOENT || fail(copy, "curves/%04x: %s", partition, strerror(errno));
    }
    copied = mend_curve(copy, partition, &bytes) &&
             rt_curve_file_write(copy->partial, partition, rt_buffer_span(&bytes), copy->error,
                                 copy->error_size);
    rt_buffer_free(&bytes);
    return copied;
}

/* After the snapshots: the points of their events were saved before them. */
static bool copy_curves(struct copy *copy)
{
    for (uint32_t p = 0; p < copy->partitions; p++) {
        if (!copy_curve(copy, p)) {
            return false;
        }
    }
    return true;
}

/* ---- the journal -------------------------------------------------------------------------- */

static bool is_zero(const uint8_t *bytes, size_t size)
{
    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

/* Bytes [0, limit); zeroes become holes. False with errno. */
static bool copy_bytes(int from, int to, uint64_t limit)
{
    uint8_t *bytes = malloc(STEP_BYTES);
    bool copied = bytes != NULL;

    for (uint64_t at = 0; copied && at < limit; at += STEP_BYTES) {
        size_t want = limit - at < STEP_BYTES ? (size_t)(limit - at) : STEP_BYTES, got;

        copied = rt_disk_read(from, bytes, want, at, &got) &&
                 (is_zero(bytes, got) || rt_disk_write(to, bytes, got, at));
        if (got < want) {
            break;
        }
    }
    free(bytes);
    return copied;
}

/* The header is there twice; the copy has both. One that cannot be read stays as it is. */
static bool copy_header(int from, int to, uint64_t *size)
{
    uint8_t page[RT_SEGMENT_FIRST];
    struct rt_segment_header header;
    size_t got;

    if (!rt_disk_read(from, page, sizeof(page), 0, &got)) {
        return false;
    }
    if (got < sizeof(page) || !rt_segment_decode(page, &header)) {
        return true;
    }
    *size = header.size;
    rt_segment_encode(page, &header);
    return rt_disk_write(to, page, sizeof(page), 0);
}

/* `limit`: 0 for all of it. */
static bool copy_file(int from, int to, uint64_t limit)
{
    struct stat status;
    uint64_t size;

    if (fstat(from, &status) != 0) {
        return false;
    }
    size = (uint64_t)status.st_size;
    return copy_bytes(from, to, limit == 0 || limit > size ? size : limit) &&
           copy_header(from, to, &size) && ftruncate(to, (off_t)size) == 0 && rt_disk_sync(to);
}

static bool copy_segment(struct copy *copy, int folder, const struct rt_log *log, uint32_t number,
                         uint64_t limit)
{
    char name[RT_SEGMENT_NAME];
    int from, to;
    bool copied;

    rt_segment_name(name, log->id, number);
    from = rt_disk_open(log->folder, name, O_RDONLY);
    to = from < 0 ? -1 : rt_disk_open(folder, name, O_RDWR | O_CREAT | O_EXCL);
    copied = to >= 0 && copy_file(from, to, limit);
    if (!copied) {
        fail(copy, "journal/%s: %s", name, strerror(errno));
    }
    rt_disk_close(from);
    rt_disk_close(to);
    return copied;
}

/* Up to the last commit that can be seen: a group is written in order, so all before it is there. */
static bool copy_log(struct copy *copy, int folder, struct rt_log *log)
{
    char error[RT_JOURNAL_ERROR];
    uint32_t last;

    if (!rt_log_find_end(log, rt_snapshot_covered(copy->partial, log->id), error)) {
        return fail(copy, "%s", error);
    }
    last = rt_position_segment(log->end);
    for (size_t i = 0; log->end != 0 && i < log->count && log->segments[i].number <= last; i++) {
        uint32_t number = log->segments[i].number;

        if (!copy_segment(copy, folder, log, number,
                          number == last ? rt_position_offset(log->end) : 0)) {
            return false;
        }
    }
    return true;
}

static bool copy_journal(struct copy *copy)
{
    int from = openat(copy->from, "journal", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int to = rt_disk_folder(copy->partial, "journal");
    struct rt_logs logs = {0};
    bool copied = from >= 0 && to >= 0 && rt_logs_list(&logs, from);

    if (!copied) {
        fail(copy, "journal: %s", strerror(errno));
    }
    for (size_t i = 0; copied && i < logs.count; i++) {
        copied = copy_log(copy, to, &logs.logs[i]);
    }
    if (copied && !rt_disk_sync_folder(to)) {
        copied = fail(copy, "journal: %s", strerror(errno));
    }
    rt_logs_free(&logs);
    rt_disk_close(from);
    rt_disk_close(to);
    return copied;
}

/* ---- all of it ---------------------------------------------------------------------------- */

static bool copy_all(struct copy *copy)
{
    return copy_text(copy, "format") && copy_text(copy, "generations") &&
           copy_text(copy, "secret") && copy_snapshots(copy) && copy_curves(copy) &&
           copy_journal(copy) && same_generations(copy) &&
           (rt_disk_sync_folder(copy->to) || fail(copy, "%s: %s", copy->partial, strerror(errno)));
}

static bool begin(struct copy *copy)
{
    struct stat status;

    if ((size_t)snprintf(copy->partial, sizeof(copy->partial), "%s.partial", copy->destination) >=
        sizeof(copy->partial)) {
        return fail(copy, "the name of the destination is too long");
    }
    copy->from = open(copy->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (copy->from < 0) {
        return fail(copy, "%s: %s", copy->state_dir, strerror(errno));
    }
    if (lstat(copy->destination, &status) == 0) {
        return fail(copy, "%s is there already", copy->destination);
    }
    if (mkdir(copy->partial, 0700) != 0) {
        return errno == EEXIST
                   ? fail(copy, "%s is left from a backup that did not end well: remove it",
                          copy->partial)
                   : fail(copy, "%s: %s", copy->partial, strerror(errno));
    }
    copy->made = true;
    copy->to = open(copy->partial, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return copy->to >= 0 || fail(copy, "%s: %s", copy->partial, strerror(errno));
}

static bool hold_and_copy(struct copy *copy, int wait_ms)
{
    int held = rt_hold_alone(copy->state_dir, wait_ms);
    bool copied;

    if (held < 0) {
        return errno == EWOULDBLOCK
                   ? fail(copy, "an erase or another backup is under way: try again later")
                   : fail(copy, "%s/journal: %s", copy->state_dir, strerror(errno));
    }
    copied = copy_all(copy);
    rt_hold_release(held);
    return copied;
}

static void remove_files(int above, const char *name)
{
    int folder = openat(above, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = folder < 0 ? NULL : fdopendir(folder);
    struct dirent *entry;

    while (listing != NULL && (entry = readdir(listing)) != NULL) {
        unlinkat(dirfd(listing), entry->d_name, 0);
    }
    if (listing != NULL) {
        closedir(listing);
    } else {
        rt_disk_close(folder);
    }
}

/* What was made so far goes. */
static void undo(const struct copy *copy)
{
    static const char *const folders[] = {"journal", "snapshots", "curves"};

    for (int i = 0; copy->to >= 0 && i < 3; i++) {
        remove_files(copy->to, folders[i]);
        unlinkat(copy->to, folders[i], AT_REMOVEDIR);
    }
    if (copy->to >= 0) {
        remove_files(copy->to, ".");
    }
    if (copy->made) {
        rmdir(copy->partial);
    }
}

/* The name that says it is whole, for good; not if a power cut could take it away again. */
static bool finish(struct copy *copy)
{
    char parent[RT_PATH];
    char *slash;
    int folder;
    bool synced;

    snprintf(parent, sizeof(parent), "%s", copy->destination);
    slash = strrchr(parent, '/');
    if (slash == NULL) {
        snprintf(parent, sizeof(parent), ".");
    } else {
        slash[slash == parent] = '\0';
    }
    if (rename(copy->partial, copy->destination) != 0) {
        return fail(copy, "%s: %s", copy->destination, strerror(errno));
    }
    folder = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    synced = folder >= 0 && rt_disk_sync_folder(folder);
    if (!synced) {
        fail(copy, "%s: %s", parent, strerror(errno));
        rename(copy->destination, copy->partial);
    }
    rt_disk_close(folder);
    return synced;
}

static enum rt_backup check_and_finish(struct copy *copy, struct rt_checked *checked)
{
    if (!rt_verify_held(copy->partial, copy->found, copy->context, checked, copy->error,
                        copy->error_size)) {
        return RT_BACKUP_FAILED;
    }
    if (checked->mended + checked->lost > 0 || copy->lost) {
        return RT_BACKUP_DAMAGED;
    }
    return finish(copy) ? RT_BACKUP_DONE : RT_BACKUP_FAILED;
}

enum rt_backup rt_backup(const char *state_dir, const char *destination, int wait_ms,
                         rt_found *found, void *context, struct rt_checked *checked, char *error,
                         size_t error_size)
{
    struct copy copy = {.state_dir = state_dir,
                        .destination = destination,
                        .from = -1,
                        .to = -1,
                        .found = found,
                        .context = context,
                        .error = error,
                        .error_size = error_size};
    enum rt_backup result = RT_BACKUP_FAILED;

    *checked = (struct rt_checked){0};
    if (begin(&copy) && hold_and_copy(&copy, wait_ms)) {
        result = check_and_finish(&copy, checked);
    }
    if (result == RT_BACKUP_FAILED) {
        undo(&copy);
    }
    rt_disk_close(copy.from);
    rt_disk_close(copy.to);
    return result;
}

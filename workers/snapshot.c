/* Saving: PPPP.new written and synced, folder synced, then PPPP.snap -> PPPP.old, PPPP.new ->
 * PPPP.snap, folder synced. Loading takes the newer good one of PPPP.snap and PPPP.old: the journal
 * is kept from there on. PPPP.new is what a stop leaves behind; it is read only if both others are
 * gone or damaged. (Taken before them it would hide what the stop left undone: an account that was
 * being erased would live on in PPPP.snap.)
 *
 *     offset  size
 *          0     8  magic "rtsnap\r\n"
 *          8     4  version
 *         12     4  partition
 *         16     8  position
 *         24     8  judging time
 *         32     8  epoch of the configuration
 *         40     8  size of the content
 *         48    16  XXH3-128 of the content
 *         64     8  XXH3-64 of the 64 bytes before
 *         72        content
 *
 * To change it: raise VERSION, decode the old one into the same struct; docs/FORMATS.md. */
#include "workers/snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "workers/disk.h"
#include "workers/record.h"

enum { VERSION = 1, HEADER = 72, NAME = 16, STEP = 1 << 20 };

static const uint8_t magic[8] = {'r', 't', 's', 'n', 'a', 'p', '\r', '\n'};
static const char missing[] = "the file is missing";
static const char *const endings[] = {"snap", "old", "new"};
enum { UNFINISHED = 2, ENDINGS = 3 };

/* ---- bytes -------------------------------------------------------------------------------- */

static void encode_header(uint8_t header[HEADER], const struct rt_snapshot *snapshot)
{
    XXH128_hash_t hash = XXH3_128bits(snapshot->content.data, snapshot->content.size);

    memcpy(header, magic, sizeof(magic));
    rt_store_u32(header + 8, VERSION);
    rt_store_u32(header + 12, snapshot->partition);
    rt_store_u64(header + 16, snapshot->position);
    rt_store_u64(header + 24, (uint64_t)snapshot->time);
    rt_store_u64(header + 32, snapshot->config_epoch);
    rt_store_u64(header + 40, snapshot->content.size);
    rt_store_u64(header + 48, hash.low64);
    rt_store_u64(header + 56, hash.high64);
    rt_store_u64(header + 64, XXH3_64bits(header, 64));
}

/* NULL, or what is wrong. */
static const char *decode_header(const uint8_t header[HEADER], struct rt_snapshot *snapshot,
                                 uint64_t *size)
{
    if (memcmp(header, magic, sizeof(magic)) != 0 ||
        rt_load_u64(header + 64) != XXH3_64bits(header, 64)) {
        return "its header is damaged";
    }
    if (rt_load_u32(header + 8) != VERSION) {
        return "it is of a version this program does not know";
    }
    snapshot->partition = rt_load_u32(header + 12);
    snapshot->position = rt_load_u64(header + 16);
    snapshot->time = (int64_t)rt_load_u64(header + 24);
    snapshot->config_epoch = rt_load_u64(header + 32);
    *size = rt_load_u64(header + 40);
    return NULL;
}

static bool content_good(const uint8_t header[HEADER], const struct rt_buffer *content)
{
    XXH128_hash_t hash = XXH3_128bits(content->data, content->size);

    return hash.low64 == rt_load_u64(header + 48) && hash.high64 == rt_load_u64(header + 56);
}

static void file_name(char name[NAME], uint32_t partition, const char *ending)
{
    snprintf(name, NAME, "%04x.%s", partition & 0xffff, ending);
}

/* ---- loading ------------------------------------------------------------------------------ */

static int open_folder(const char *state_dir)
{
    int above = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int folder = above < 0 ? -1 : openat(above, "snapshots", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    rt_disk_close(above);
    return folder;
}

/* NULL, or what is wrong and where; the header alone. */
static const char *read_header(int fd, uint32_t partition, uint8_t header[HEADER],
                               struct rt_snapshot *snapshot, uint64_t *offset)
{
    struct stat status;
    const char *wrong;
    uint64_t size = 0, end;
    size_t got;

    *offset = 0;
    if (fstat(fd, &status) != 0 || !rt_disk_read(fd, header, HEADER, 0, &got)) {
        snapshot->unreadable = true;
        return strerror(errno);
    }
    wrong = got < HEADER ? "it is cut short" : decode_header(header, snapshot, &size);
    if (wrong == NULL && snapshot->partition != partition) {
        wrong = "it is of another partition";
    }
    end = (uint64_t)status.st_size - HEADER;
    if (wrong == NULL && end != size) {
        wrong = end < size ? "it is cut short" : "bytes follow its content";
        *offset = HEADER + (end < size ? end : size);
    }
    if (wrong == NULL) {
        snapshot->content.size = (size_t)size;
    }
    return wrong;
}

/* NULL, or what is wrong; then nothing is allocated. */
static const char *read_content(int fd, const uint8_t header[HEADER], struct rt_snapshot *snapshot)
{
    size_t size = snapshot->content.size, got = 0;
    const char *wrong = NULL;

    snapshot->content = (struct rt_buffer){0};
    if (!rt_buffer_reserve(&snapshot->content, size + 1)) {
        snapshot->unreadable = true;
        wrong = "no memory for it";
    } else if (!rt_disk_read(fd, snapshot->content.data, size, HEADER, &got)) {
        snapshot->unreadable = true;
        wrong = strerror(errno);
    } else {
        snapshot->content.size = got;
        wrong = got == size && content_good(header, &snapshot->content) ? NULL
                                                                        : "its content is damaged";
    }
    if (wrong != NULL) {
        rt_buffer_free(&snapshot->content);
        snapshot->content = (struct rt_buffer){0};
    }
    return wrong;
}

const char *rt_snapshot_read(int folder, const char *name, uint32_t partition,
                             struct rt_snapshot *snapshot, uint64_t *offset)
{
    int fd = rt_disk_open(folder, name, O_RDONLY);
    uint8_t header[HEADER];
    const char *wrong;

    *snapshot = (struct rt_snapshot){.partition = partition};
    *offset = 0;
    if (fd < 0) {
        snapshot->unreadable = errno != ENOENT;
        return snapshot->unreadable ? strerror(errno) : missing;
    }
    wrong = read_header(fd, partition, header, snapshot, offset);
    if (wrong == NULL) {
        wrong = read_content(fd, header, snapshot);
        *offset = HEADER;
    }
    rt_disk_close(fd);
    if (wrong != NULL) {
        *snapshot =
            (struct rt_snapshot){.partition = partition, .unreadable = snapshot->unreadable};
    }
    return wrong;
}

static void add_note(char *note, size_t size, const char *name, const char *wrong, uint64_t offset)
{
    size_t used = strlen(note);

    snprintf(note + used, size - used, "%sdamaged file=snapshots/%s offset=%llu what=\"%s\"",
             used > 0 ? "; " : "", name, (unsigned long long)offset, wrong);
}

/* False if it is not there or not good (noted). */
static bool load_file(int folder, const char *name, uint32_t partition,
                      struct rt_snapshot *snapshot, char *note, size_t note_size)
{
    uint64_t offset;
    const char *wrong;

    wrong = rt_snapshot_read(folder, name, partition, snapshot, &offset);
    if (wrong != NULL && wrong != missing) {
        add_note(note, note_size, name, wrong, offset);
    }
    return wrong == NULL;
}

/* Takes it instead of what was found so far, if it is newer. */
static void take(struct rt_snapshot *found, struct rt_snapshot *one)
{
    rt_position oldest = found->oldest;

    oldest = oldest == 0 || one->position < oldest ? one->position : oldest;
    if (one->position > found->position) {
        rt_buffer_free(&found->content);
        *found = *one;
    } else {
        rt_buffer_free(&one->content);
    }
    found->oldest = oldest;
}

bool rt_snapshot_load(const char *state_dir, uint32_t partition, struct rt_snapshot *snapshot,
                      char *note, size_t note_size)
{
    int folder = open_folder(state_dir);
    bool unreadable = folder < 0 && errno != ENOENT;
    char ignored[256] = "";

    *snapshot = (struct rt_snapshot){.partition = partition};
    note[0] = '\0';
    for (size_t i = 0; folder >= 0 && i < ENDINGS; i++) {
        struct rt_snapshot one;
        char name[NAME];

        if (i == UNFINISHED && snapshot->position != 0) {
            break;
        }
        file_name(name, partition, endings[i]);
        if (i == UNFINISHED ? load_file(folder, name, partition, &one, ignored, sizeof(ignored))
                            : load_file(folder, name, partition, &one, note, note_size)) {
            take(snapshot, &one);
        }
        unreadable = unreadable || one.unreadable;
    }
    rt_disk_close(folder);
    snapshot->unreadable = unreadable && snapshot->position == 0;
    return snapshot->position != 0;
}

/* The position a file's header names, 0 if it has no good one. */
static rt_position position_in(int folder, const char *name, uint32_t partition)
{
    struct rt_snapshot snapshot = {0};
    uint8_t header[HEADER];
    uint64_t offset;
    int fd = rt_disk_open(folder, name, O_RDONLY);
    bool good = fd >= 0 && read_header(fd, partition, header, &snapshot, &offset) == NULL;

    rt_disk_close(fd);
    return good ? snapshot.position : 0;
}

static rt_position covered_by(int folder, const char *name, uint32_t log)
{
    rt_position position;
    unsigned partition;
    char ending[8];

    if (sscanf(name, "%4x.%7s", &partition, ending) != 2) {
        return 0;
    }
    position = position_in(folder, name, partition);
    return rt_position_log(position) == log ? position : 0;
}

/* The oldest over the files of a partition, 0 if there is none. */
static rt_position floor_of(int folder, uint32_t partition)
{
    rt_position oldest = 0;

    for (size_t i = 0; i < ENDINGS; i++) {
        char name[NAME];
        rt_position one;

        file_name(name, partition, endings[i]);
        one = position_in(folder, name, partition);
        oldest = one != 0 && (oldest == 0 || one < oldest) ? one : oldest;
    }
    return oldest;
}

rt_position rt_snapshot_floor(const char *state_dir, uint32_t partitions)
{
    int folder = open_folder(state_dir);
    rt_position oldest = UINT64_MAX;

    for (uint32_t p = 0; p < partitions && oldest != 0; p++) {
        rt_position one = floor_of(folder, p);

        oldest = one < oldest ? one : oldest;
    }
    rt_disk_close(folder);
    return oldest;
}

rt_position rt_snapshot_covered(const char *state_dir, uint32_t log)
{
    int folder = open_folder(state_dir);
    DIR *listing = folder < 0 ? NULL : fdopendir(folder);
    rt_position covered = 0;
    struct dirent *entry;

    while (listing != NULL && (entry = readdir(listing)) != NULL) {
        rt_position one = covered_by(dirfd(listing), entry->d_name, log);

        covered = one > covered ? one : covered;
    }
    if (listing != NULL) {
        closedir(listing);
    } else {
        rt_disk_close(folder);
    }
    return covered;
}

/* ---- saving ------------------------------------------------------------------------------- */

static bool write_file(int fd, const struct rt_snapshot *snapshot)
{
    uint8_t header[HEADER];

    encode_header(header, snapshot);
    if (!rt_disk_write(fd, header, HEADER, 0)) {
        return false;
    }
    for (size_t at = 0; at < snapshot->content.size; at += STEP) {
        size_t left = snapshot->content.size - at;

        if (!rt_disk_write(fd, snapshot->content.data + at, left < STEP ? left : STEP,
                           HEADER + at)) {
            return false;
        }
    }
    return rt_disk_sync(fd);
}

/* The first snapshot of a partition has no predecessor. */
static bool keep_old(int folder, const char *name, const char *old)
{
    return rt_disk_rename(folder, name, old) || errno == ENOENT;
}

static int write_new(int folder, const char *fresh, const struct rt_snapshot *snapshot)
{
    int fd = rt_disk_open(folder, fresh, O_WRONLY | O_CREAT | O_TRUNC);

    if (fd >= 0 && write_file(fd, snapshot) && rt_disk_sync_folder(folder)) {
        return fd;
    }
    rt_disk_close(fd);
    return -1;
}

static bool save(int folder, const struct rt_snapshot *snapshot, bool alone)
{
    char fresh[NAME], name[NAME], old[NAME];
    bool saved;
    int fd;

    file_name(name, snapshot->partition, "snap");
    file_name(fresh, snapshot->partition, "new");
    file_name(old, snapshot->partition, "old");
    if (alone && !rt_disk_unlink(folder, old)) {
        return false;
    }
    fd = write_new(folder, fresh, snapshot);
    saved = fd >= 0 && (alone || keep_old(folder, name, old)) &&
            rt_disk_rename(folder, fresh, name) && rt_disk_sync_folder(folder);
    rt_disk_close(fd);
    return saved;
}

static bool save_in(const char *state_dir, const struct rt_snapshot *snapshot, bool alone,
                    char *error, size_t error_size)
{
    int folder = open_folder(state_dir);
    bool saved;

    if (folder < 0) {
        folder = rt_disk_folder(state_dir, "snapshots");
    }
    saved = folder >= 0 && save(folder, snapshot, alone);
    if (!saved) {
        snprintf(error, error_size, "snapshots/%04x: %s", snapshot->partition, strerror(errno));
    }
    rt_disk_close(folder);
    return saved;
}

bool rt_snapshot_save(const char *state_dir, const struct rt_snapshot *snapshot, char *error,
                      size_t error_size)
{
    return save_in(state_dir, snapshot, false, error, error_size);
}

bool rt_snapshot_replace(const char *state_dir, const struct rt_snapshot *snapshot, char *error,
                         size_t error_size)
{
    return save_in(state_dir, snapshot, true, error, error_size);
}

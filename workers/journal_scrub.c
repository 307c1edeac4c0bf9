/* Erasing records in place. A record that is half overwritten would be damage, so what is to be
 * done is written down first:
 *
 *   intent LLLL.scrub.new written, synced, renamed to LLLL.scrub, folder synced
 *   -> every record overwritten: its header with the flag SCRUBBED, zeroes, the checksum over them;
 * segments synced
 *   -> intent removed, folder synced
 *
 * A crash before the rename leaves everything as it was. After it, the next open does the whole
 * list again: the list holds all that a scrubbed record consists of, so it does not matter what the
 * crash left of it.
 *
 * The intent: magic "rtscrub\n", u32 version, u32 count, count entries of u64 position, u64
 * previous, u32 size of the body, u16 partition, u8 type, u8 flags; XXH3-64 of all before. To
 * change it: raise the version; an intent of another version is refused at open with its name, so
 * finish scrubs (start and stop) before changing the program. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "workers/journal_private.h"
#include "workers/journal_range.h"

enum { VERSION = 1, HEAD = 16, ENTRY = 24, TAIL = 8, COUNT_MAX = 1 << 20 };

static const char magic[8] = "rtscrub\n";

static bool room(struct rt_scrubs *scrubs)
{
    size_t capacity = scrubs->capacity == 0 ? 64 : 2 * scrubs->capacity;
    struct rt_scrub *at;

    if (scrubs->count < scrubs->capacity) {
        return true;
    }
    at = realloc(scrubs->at, capacity * sizeof(*at));
    if (at == NULL) {
        return false;
    }
    scrubs->at = at;
    scrubs->capacity = capacity;
    return true;
}

bool rt_journal_scrub(struct rt_journal *journal, rt_position position)
{
    struct rt_log *log =
        rt_logs_get(&journal->logs, journal->folder, rt_position_log(position), false);
    struct rt_record record;

    if (position == 0 || log == NULL || (log == journal->own && position >= log->end)) {
        return false;
    }
    switch (rt_log_read(log, position, &record)) {
    case RT_LOG_ERASED:
        return true;
    case RT_LOG_GONE:
    case RT_LOG_UNREADABLE:
        return false;
    case RT_LOG_READ:
        break;
    }
    if (record.type >= RT_RECORD_COMMIT || !room(&journal->scrubs)) {
        return false;
    }
    journal->scrubs.at[journal->scrubs.count++] = (struct rt_scrub){
        .position = position,
        .previous = record.previous,
        .size = (uint32_t)record.body.size,
        .partition = (uint16_t)record.partition,
        .type = (uint8_t)record.type,
        .flags = record.flags,
    };
    return true;
}

/* ---- the intent --------------------------------------------------------------------------- */

static void encode_entry(uint8_t *at, const struct rt_scrub *scrub)
{
    rt_store_u64(at, scrub->position);
    rt_store_u64(at + 8, scrub->previous);
    rt_store_u32(at + 16, scrub->size);
    rt_store_u32(at + 20, (uint32_t)scrub->partition | (uint32_t)scrub->type << 16 |
                              (uint32_t)scrub->flags << 24);
}

static void decode_entry(const uint8_t *at, struct rt_scrub *scrub)
{
    uint32_t kind = rt_load_u32(at + 20);

    scrub->position = rt_load_u64(at);
    scrub->previous = rt_load_u64(at + 8);
    scrub->size = rt_load_u32(at + 16);
    scrub->partition = (uint16_t)kind;
    scrub->type = (uint8_t)(kind >> 16);
    scrub->flags = (uint8_t)(kind >> 24);
}

/* Each is of a record that could stand where it says, and that erasing touches. */
static bool entries_possible(const uint8_t *at, size_t count)
{
    struct rt_scrub scrub;

    for (size_t i = 0; i < count; i++) {
        decode_entry(at + i * ENTRY, &scrub);
        if (rt_position_offset(scrub.position) < RT_SEGMENT_FIRST ||
            scrub.size > RT_RECORD_BODY_MAX || scrub.type < RT_RECORD_EVENT ||
            scrub.type >= RT_RECORD_COMMIT) {
            return false;
        }
    }
    return true;
}

static size_t intent_size(size_t count)
{
    return HEAD + count * ENTRY + TAIL;
}

static uint8_t *encode_intent(const struct rt_scrub *scrubs, size_t count)
{
    uint8_t *bytes = malloc(intent_size(count));

    if (bytes == NULL) {
        return NULL;
    }
    memcpy(bytes, magic, sizeof(magic));
    rt_store_u32(bytes + 8, VERSION);
    rt_store_u32(bytes + 12, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        encode_entry(bytes + HEAD + i * ENTRY, &scrubs[i]);
    }
    rt_store_u64(bytes + HEAD + count * ENTRY, XXH3_64bits(bytes, HEAD + count * ENTRY));
    return bytes;
}

static bool decode_intent(const uint8_t *bytes, size_t size, struct rt_scrubs *scrubs)
{
    size_t count;

    if (size < HEAD + TAIL || memcmp(bytes, magic, sizeof(magic)) != 0 ||
        rt_load_u32(bytes + 8) != VERSION) {
        return false;
    }
    count = rt_load_u32(bytes + 12);
    if (count > COUNT_MAX || size != intent_size(count) ||
        rt_load_u64(bytes + size - TAIL) != XXH3_64bits(bytes, size - TAIL) ||
        !entries_possible(bytes + HEAD, count)) {
        return false;
    }
    scrubs->at = malloc((count + 1) * sizeof(*scrubs->at));
    if (scrubs->at == NULL) {
        return false;
    }
    scrubs->count = scrubs->capacity = count;
    for (size_t i = 0; i < count; i++) {
        decode_entry(bytes + HEAD + i * ENTRY, &scrubs->at[i]);
    }
    return true;
}

static void intent_name(char name[RT_SEGMENT_NAME], uint32_t log)
{
    snprintf(name, RT_SEGMENT_NAME, "%04x.scrub", log);
}

static bool write_intent(int folder, uint32_t log, const struct rt_scrub *scrubs, size_t count)
{
    char name[RT_SEGMENT_NAME], fresh[RT_SEGMENT_NAME];
    uint8_t *bytes = encode_intent(scrubs, count);
    bool written;
    int fd;

    intent_name(name, log);
    snprintf(fresh, sizeof(fresh), "%04x.scrub.new", log);
    fd = bytes == NULL ? -1 : rt_disk_open(folder, fresh, O_WRONLY | O_CREAT | O_TRUNC);
    written = fd >= 0 && rt_disk_write(fd, bytes, intent_size(count), 0) && rt_disk_sync(fd) &&
              rt_disk_rename(folder, fresh, name) && rt_disk_sync_folder(folder);
    rt_disk_close(fd);
    free(bytes);
    return written;
}

bool rt_scrub_read(int folder, const char *name, struct rt_scrubs *scrubs)
{
    int fd = rt_disk_open(folder, name, O_RDONLY);
    struct stat status;
    uint8_t *bytes = NULL;
    size_t got;
    bool read = false;

    if (fd >= 0 && fstat(fd, &status) == 0 && (uint64_t)status.st_size <= intent_size(COUNT_MAX)) {
        bytes = malloc((size_t)status.st_size + 1);
        read = bytes != NULL && rt_disk_read(fd, bytes, (size_t)status.st_size, 0, &got);
        if (read && !decode_intent(bytes, got, scrubs)) {
            errno = EBADMSG;
            read = false;
        }
    }
    free(bytes);
    rt_disk_close(fd);
    return read;
}

/* ---- overwriting -------------------------------------------------------------------------- */

/* The file that was opened last: lists are mostly in order of position. */
struct open_file {
    int fd;
    uint32_t log;
    struct rt_segment_header header;
};

static bool close_file(struct open_file *file)
{
    bool synced = file->fd < 0 || rt_disk_sync_data(file->fd);

    rt_disk_close(file->fd);
    file->fd = -1;
    return synced;
}

/* A segment that is gone needs no scrubbing: *gone. */
static bool open_file(struct open_file *file, int folder, rt_position position, bool *gone)
{
    uint32_t log = rt_position_log(position), number = rt_position_segment(position);
    char name[RT_SEGMENT_NAME];
    uint8_t page[RT_SEGMENT_FIRST];
    size_t got;

    *gone = false;
    if (file->fd >= 0 && file->header.log == log && file->header.number == number) {
        return true;
    }
    if (!close_file(file)) {
        return false;
    }
    rt_segment_name(name, log, number);
    file->fd = rt_disk_open(folder, name, O_RDWR);
    *gone = file->fd < 0 && errno == ENOENT;
    if (file->fd < 0) {
        return *gone;
    }
    if (!rt_disk_read(file->fd, page, sizeof(page), 0, &got) || got < sizeof(page) ||
        !rt_segment_decode(page, &file->header)) {
        errno = EBADMSG;
        return false;
    }
    return true;
}

static bool overwrite(struct open_file *file, const struct rt_scrub *scrub)
{
    uint64_t offset = rt_position_offset(scrub->position);
    size_t space = rt_record_space(scrub->size);
    uint8_t *zeroes = calloc(1, (size_t)scrub->size + 1), *bytes = malloc(space);
    const struct rt_record record = {
        .type = scrub->type,
        .flags = scrub->flags | RT_RECORD_SCRUBBED,
        .partition = scrub->partition,
        .previous = scrub->previous,
        .body = rt_span(zeroes, scrub->size),
    };
    bool done = zeroes != NULL && bytes != NULL && offset + space <= file->header.size;

    if (done) {
        rt_record_encode(bytes, file->header.epoch, offset, &record);
        done = rt_disk_write(file->fd, bytes, space, offset);
    }
    free(zeroes);
    free(bytes);
    return done;
}

static bool overwrite_all(int folder, const struct rt_scrub *scrubs, size_t count)
{
    struct open_file file = {.fd = -1};
    bool done = true, gone;

    for (size_t i = 0; done && i < count; i++) {
        done = open_file(&file, folder, scrubs[i].position, &gone) &&
               (gone || overwrite(&file, &scrubs[i]));
    }
    return close_file(&file) && done;
}

static bool remove_intent(int folder, const char *name)
{
    return rt_disk_unlink(folder, name) && rt_disk_sync_folder(folder);
}

/* As many as one intent holds. */
static bool scrub_some(struct rt_journal *journal, const struct rt_scrub *scrubs, size_t count,
                       char *error)
{
    char name[RT_SEGMENT_NAME];

    intent_name(name, journal->id);
    if (!write_intent(journal->folder, journal->id, scrubs, count)) {
        snprintf(error, RT_JOURNAL_ERROR, "journal/%s: writing the intent failed: %s", name,
                 strerror(errno));
        return false;
    }
    if (!overwrite_all(journal->folder, scrubs, count) || !remove_intent(journal->folder, name)) {
        rt_journal_fail(journal, "erasing records failed", errno);
        snprintf(error, RT_JOURNAL_ERROR, "%s", journal->failure);
        return false;
    }
    return true;
}

bool rt_journal_scrub_noted(const struct rt_journal *journal)
{
    return journal->scrubs.count > 0;
}

bool rt_journal_scrub_sync(struct rt_journal *journal, char *error)
{
    struct rt_scrubs *scrubs = &journal->scrubs;
    bool done = true;

    error[0] = '\0';
    while (done && scrubs->count > 0) {
        size_t some = scrubs->count < COUNT_MAX ? scrubs->count : COUNT_MAX;

        done = scrub_some(journal, scrubs->at + scrubs->count - some, some, error);
        scrubs->count -= done ? some : 0;
    }
    return done;
}

/* ---- after a crash ------------------------------------------------------------------------ */

static bool redo(struct rt_journal *journal, const char *name, char *error)
{
    struct rt_scrubs scrubs = {0};
    bool done = rt_scrub_read(journal->folder, name, &scrubs) &&
                overwrite_all(journal->folder, scrubs.at, scrubs.count) &&
                remove_intent(journal->folder, name);

    if (!done) {
        snprintf(error, RT_JOURNAL_ERROR, "journal/%s: an erasure cannot be finished: %s", name,
                 strerror(errno));
    }
    free(scrubs.at);
    return done;
}

bool rt_scrub_pending(const char *state_dir)
{
    int above = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int folder = above < 0 ? -1 : openat(above, "journal", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = folder < 0 ? NULL : fdopendir(folder);
    struct dirent *entry;
    bool pending = false;

    while (!pending && listing != NULL && (entry = readdir(listing)) != NULL) {
        size_t size = strlen(entry->d_name);

        pending = size > 6 && strcmp(entry->d_name + size - 6, ".scrub") == 0;
    }
    if (listing != NULL) {
        closedir(listing);
    } else {
        rt_disk_close(folder);
    }
    rt_disk_close(above);
    return pending;
}

/* Another worker that writes a log finishes its own. */
bool rt_scrub_redo(struct rt_journal *journal, char *error)
{
    bool done = true;

    for (size_t i = 0; done && i < journal->logs.count; i++) {
        uint32_t log = journal->logs.logs[i].id;
        char name[RT_SEGMENT_NAME];
        struct stat status;

        intent_name(name, log);
        if (fstatat(journal->folder, name, &status, 0) == 0 && !rt_journal_foreign(journal, log)) {
            done = redo(journal, name, error);
        }
    }
    return done;
}

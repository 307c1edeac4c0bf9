#include "workers/journal_log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void unmap(struct rt_segment *segment)
{
    if (segment->map != NULL) {
        munmap((void *)segment->map, segment->mapped);
        segment->map = NULL;
    }
}

void rt_log_free(struct rt_log *log)
{
    for (size_t i = 0; i < log->count; i++) {
        unmap(&log->segments[i]);
    }
    free(log->segments);
    *log = (struct rt_log){.id = log->id, .folder = log->folder};
}

size_t rt_log_from(const struct rt_log *log, uint32_t number)
{
    size_t low = 0, high = log->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (log->segments[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct rt_segment *rt_log_segment(struct rt_log *log, uint32_t number)
{
    size_t index = rt_log_from(log, number);

    return index < log->count && log->segments[index].number == number ? &log->segments[index]
                                                                       : NULL;
}

bool rt_log_reserve(struct rt_log *log)
{
    size_t capacity = log->capacity == 0 ? 16 : 2 * log->capacity;
    struct rt_segment *segments;

    if (log->count < log->capacity) {
        return true;
    }
    segments = realloc(log->segments, capacity * sizeof(*segments));
    if (segments == NULL) {
        return false;
    }
    log->segments = segments;
    log->capacity = capacity;
    return true;
}

struct rt_segment *rt_log_add(struct rt_log *log, uint32_t number)
{
    size_t index = rt_log_from(log, number);
    struct rt_segment *at;

    if (index < log->count && log->segments[index].number == number) {
        return &log->segments[index];
    }
    if (!rt_log_reserve(log)) {
        return NULL;
    }
    at = &log->segments[index];
    memmove(at + 1, at, (log->count - index) * sizeof(*at));
    *at = (struct rt_segment){.number = number};
    log->count++;
    return at;
}

void rt_log_remove(struct rt_log *log, size_t index)
{
    struct rt_segment *at = &log->segments[index];

    unmap(at);
    log->count--;
    memmove(at, at + 1, (log->count - index) * sizeof(*at));
}

static bool take_header(struct rt_log *log, struct rt_segment *segment, const uint8_t *page)
{
    struct rt_segment_header header;

    if (!rt_segment_decode(page, &header) || header.log != log->id ||
        header.number != segment->number) {
        segment->broken = true;
        return false;
    }
    segment->size = header.size;
    segment->epoch = header.epoch;
    segment->known = true;
    return true;
}

static bool map_file(struct rt_segment *segment, int fd)
{
    struct stat status;
    void *map;

    if (fstat(fd, &status) != 0) {
        return false;
    }
    if (status.st_size < RT_SEGMENT_FIRST || status.st_size > RT_SEGMENT_BYTES_MAX) {
        errno = EBADMSG;
        return false;
    }
    map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        return false;
    }
    madvise(map, (size_t)status.st_size, MADV_RANDOM);
    segment->map = map;
    segment->mapped = (size_t)status.st_size;
    return true;
}

static enum rt_log_read map_segment(struct rt_log *log, struct rt_segment *segment)
{
    char name[RT_SEGMENT_NAME];
    bool mapped;
    int fd, fault;

    if (segment->map != NULL || segment->broken) {
        return segment->map != NULL ? RT_LOG_READ : RT_LOG_GONE;
    }
    rt_segment_name(name, log->id, segment->number);
    fd = rt_disk_open(log->folder, name, O_RDONLY);
    mapped = fd >= 0 && map_file(segment, fd);
    fault = errno;
    rt_disk_close(fd);
    if (!mapped) {
        errno = fault;
        return fault == ENOENT || fault == EBADMSG ? RT_LOG_GONE : RT_LOG_UNREADABLE;
    }
    if (!segment->known && !take_header(log, segment, segment->map)) {
        unmap(segment);
        return RT_LOG_GONE;
    }
    return RT_LOG_READ;
}

enum rt_log_read rt_log_read(struct rt_log *log, rt_position position, struct rt_record *record)
{
    struct rt_segment *segment = rt_log_segment(log, rt_position_segment(position));
    uint64_t offset = rt_position_offset(position);
    enum rt_log_read mapped;
    size_t space;

    if (segment == NULL || offset < RT_SEGMENT_FIRST) {
        return RT_LOG_GONE;
    }
    mapped = map_segment(log, segment);
    if (mapped != RT_LOG_READ) {
        return mapped;
    }
    if (offset >= segment->mapped ||
        rt_record_decode(segment->map + offset, segment->mapped - offset, segment->epoch, offset,
                         record, &space) != RT_RECORD_GOOD) {
        return RT_LOG_GONE;
    }
    record->position = position;
    if (record->flags & RT_RECORD_SCRUBBED) {
        record->body = rt_span(NULL, 0);
        return RT_LOG_ERASED;
    }
    return RT_LOG_READ;
}

bool rt_log_begun(struct rt_log *log, size_t index, int64_t *time)
{
    struct rt_segment *segment = &log->segments[index];
    struct rt_record record;

    if (!segment->has_begun) {
        rt_position first = rt_position_make(log->id, segment->number, RT_SEGMENT_FIRST);

        if (rt_log_read(log, first, &record) != RT_LOG_READ || record.type != RT_RECORD_START ||
            record.body.size != RT_START_BODY) {
            return false;
        }
        segment->begun = (int64_t)rt_load_u64(record.body.data);
        segment->has_begun = true;
    }
    *time = segment->begun;
    return true;
}

struct rt_log *rt_logs_get(struct rt_logs *logs, int folder, uint32_t id, bool add)
{
    struct rt_log *grown;
    size_t at = 0;

    while (at < logs->count && logs->logs[at].id < id) {
        at++;
    }
    if (at < logs->count && logs->logs[at].id == id) {
        return &logs->logs[at];
    }
    grown = add ? realloc(logs->logs, (logs->count + 1) * sizeof(*grown)) : NULL;
    if (grown == NULL) {
        return NULL;
    }
    logs->logs = grown;
    memmove(grown + at + 1, grown + at, (logs->count - at) * sizeof(*grown));
    grown[at] = (struct rt_log){.id = id, .folder = folder};
    logs->count++;
    return &grown[at];
}

void rt_logs_free(struct rt_logs *logs)
{
    for (size_t i = 0; i < logs->count; i++) {
        rt_log_free(&logs->logs[i]);
    }
    free(logs->logs);
    *logs = (struct rt_logs){0};
}

static bool take_name(struct rt_logs *logs, int folder, const char *name)
{
    uint32_t id, number;
    struct rt_log *log;

    if (!rt_segment_name_parse(name, &id, &number)) {
        return true;
    }
    log = rt_logs_get(logs, folder, id, true);
    if (log == NULL || rt_log_add(log, number) == NULL) {
        errno = ENOMEM;
        return false;
    }
    return true;
}

bool rt_logs_list(struct rt_logs *logs, int folder)
{
    int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = again < 0 ? NULL : fdopendir(again);
    struct dirent *entry;
    bool listed = listing != NULL;

    *logs = (struct rt_logs){0};
    if (listing == NULL) {
        rt_disk_close(again);
        return false;
    }
    errno = 0;
    while (listed && (entry = readdir(listing)) != NULL) {
        listed = take_name(logs, folder, entry->d_name);
    }
    listed = listed && errno == 0;
    closedir(listing);
    if (!listed) {
        rt_logs_free(logs);
    }
    return listed;
}

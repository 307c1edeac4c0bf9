#include "workers/journal_settle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

enum { STEP = 1 << 20 };

/* Bytes [from, to) of the file, as they are read, and a sync. False with errno. */
static bool write_again(int fd, uint64_t from, uint64_t to)
{
    uint8_t *bytes = malloc(STEP);
    bool done = bytes != NULL;

    while (done && from < to) {
        size_t want = to - from < STEP ? (size_t)(to - from) : STEP, got;

        done = rt_disk_read(fd, bytes, want, from, &got) && rt_disk_write(fd, bytes, got, from);
        if (done && got < want) {
            break; /* a copy may be shorter than its segment */
        }
        from += want;
    }
    free(bytes);
    return done && rt_disk_sync_data(fd);
}

static bool settle_segment(const struct rt_log *log, const struct rt_segment *segment, char *error)
{
    bool first = segment->number == rt_position_segment(log->group);
    bool last = segment->number == rt_position_segment(log->end);
    uint64_t from = first ? rt_position_offset(log->group) : RT_SEGMENT_FIRST;
    uint64_t to = last ? rt_position_offset(log->end) : segment->size;
    char name[RT_SEGMENT_NAME];
    bool done;
    int fd;

    rt_segment_name(name, log->id, segment->number);
    fd = rt_disk_open(log->folder, name, O_RDWR);
    done = fd >= 0 && write_again(fd, from, to);
    if (!done) {
        snprintf(error, RT_JOURNAL_ERROR, "journal/%s: writing the last group again failed: %s",
                 name, strerror(errno));
    }
    rt_disk_close(fd);
    return done;
}

bool rt_log_settle(const struct rt_log *log, char *error)
{
    bool done = true;

    if (log->group == 0) {
        return true;
    }
    for (size_t i = rt_log_from(log, rt_position_segment(log->group)); done && i < log->count;
         i++) {
        const struct rt_segment *segment = &log->segments[i];

        if (segment->number > rt_position_segment(log->end)) {
            break;
        }
        done = segment->broken || settle_segment(log, segment, error);
    }
    return done;
}

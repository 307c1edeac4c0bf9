#include "workers/segment_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { STEP_BYTES = 256 << 10, SECTOR = 512 };

static bool read_header(struct rt_segment_scan *scan)
{
    uint8_t page[RT_SEGMENT_FIRST];
    size_t got;

    if (!rt_disk_read(scan->fd, page, sizeof(page), 0, &got)) {
        return false;
    }
    if (got < sizeof(page) || !rt_segment_decode(page, &scan->header)) {
        errno = got == sizeof(page) && rt_segment_unknown(page) ? EPROTONOSUPPORT : EBADMSG;
        return false;
    }
    return true;
}

bool rt_segment_scan_open(struct rt_segment_scan *scan, int folder, uint32_t log, uint32_t number,
                          uint64_t offset, uint64_t limit)
{
    char name[RT_SEGMENT_NAME];

    *scan = (struct rt_segment_scan){.fd = -1};
    rt_segment_name(name, log, number);
    scan->fd = rt_disk_open(folder, name, O_RDONLY);
    if (scan->fd < 0 || !read_header(scan)) {
        return false;
    }
    if (scan->header.log != log || scan->header.number != number) {
        errno = EBADMSG;
        return false;
    }
    scan->offset = offset < RT_SEGMENT_FIRST ? RT_SEGMENT_FIRST : offset;
    scan->limit = limit == 0 || limit > scan->header.size ? scan->header.size : limit;
    scan->start = scan->offset;
    posix_fadvise(scan->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return true;
}

void rt_segment_scan_close(struct rt_segment_scan *scan)
{
    rt_disk_close(scan->fd);
    free(scan->buffer);
    *scan = (struct rt_segment_scan){.fd = -1};
}

static bool grow(struct rt_segment_scan *scan, size_t need)
{
    size_t capacity = need <= STEP_BYTES ? STEP_BYTES : need + STEP_BYTES;
    uint8_t *buffer = scan->capacity >= capacity ? scan->buffer : realloc(scan->buffer, capacity);

    if (buffer == NULL) {
        errno = ENOMEM;
        return false;
    }
    scan->capacity = scan->capacity >= capacity ? scan->capacity : capacity;
    scan->buffer = buffer;
    return true;
}

/* Reads on, so that the buffer starts at `offset` and is as full as limit and file allow. */
static bool refill(struct rt_segment_scan *scan, uint64_t offset, size_t need)
{
    size_t keep = offset < scan->start + scan->filled ? scan->start + scan->filled - offset : 0;
    uint64_t next = offset + keep;
    size_t want, got;

    if (!grow(scan, need)) {
        return false;
    }
    if (keep > 0) {
        memmove(scan->buffer, scan->buffer + (offset - scan->start), keep);
    }
    scan->start = offset;
    scan->filled = keep;
    want = scan->capacity - keep;
    want = want < scan->limit - next ? want : scan->limit - next;
    if (scan->ended || !rt_disk_read(scan->fd, scan->buffer + keep, want, next, &got)) {
        return scan->ended;
    }
    scan->filled += got;
    scan->ended = got < want;
    return true;
}

/* The bytes from `offset` on, `need` of them or as many as there are before limit and end of file.
 * Offsets never go back before the one that last needed more bytes. False with errno. */
static bool window(struct rt_segment_scan *scan, uint64_t offset, size_t need, const uint8_t **at,
                   size_t *available)
{
    uint64_t left = scan->limit - offset;

    need = need < left ? need : left;
    if (offset + need > scan->start + scan->filled && !refill(scan, offset, need)) {
        return false;
    }
    *at = scan->buffer + (offset - scan->start);
    *available = scan->start + scan->filled - offset;
    return true;
}

/* Decodes what stands at `offset`. False with errno on an I/O error. */
static bool decode_at(struct rt_segment_scan *scan, uint64_t offset, enum rt_record_state *state,
                      struct rt_segment_found *found)
{
    const uint8_t *at;
    size_t available, size;

    if (!window(scan, offset, RT_RECORD_HEADER, &at, &available)) {
        return false;
    }
    size = available < RT_RECORD_HEADER ? 0 : rt_record_claim(at);
    if (size > 0 &&
        !window(scan, offset, rt_record_space(size - RT_RECORD_HEADER), &at, &available)) {
        return false;
    }
    found->offset = offset;
    *state =
        rt_record_decode(at, available, scan->header.epoch, offset, &found->record, &found->space);
    return true;
}

/* What is known of a gap while it is crossed. */
struct gap {
    bool zero;        /* nothing but zeroes so far */
    bool sector_zero; /* since the last border of a sector or the gap's start */
    bool torn;
};

/* Moves over `size` bytes at `offset`, within one sector. */
static void cross(struct gap *gap, uint64_t offset, size_t size, bool zero)
{
    gap->zero = gap->zero && zero;
    gap->sector_zero = gap->sector_zero && zero;
    if ((offset + size) % SECTOR == 0) {
        gap->torn = gap->torn || gap->sector_zero;
        gap->sector_zero = true;
    }
}

/* Bytes up to the next border of a sector if they are all zeroes, else those of the next word if
 * that is zero, else 0. */
static size_t zeroes(const uint8_t *at, size_t available, uint64_t offset)
{
    static const uint8_t zero[SECTOR];
    size_t rest = SECTOR - (size_t)(offset % SECTOR);

    if (rest <= available && memcmp(at, zero, rest) == 0) {
        return rest;
    }
    return rt_load_u64(at) == 0 ? RT_RECORD_ALIGN : 0;
}

/* From a bad record at scan->offset to the next good one, the limit or the end of the file. */
static enum rt_segment_result cross_gap(struct rt_segment_scan *scan,
                                        struct rt_segment_found *found)
{
    struct gap gap = {.zero = true, .sector_zero = true};
    uint64_t start = scan->offset, offset = start;
    enum rt_record_state state = RT_RECORD_BAD;

    while (offset + RT_RECORD_ALIGN <= scan->limit) {
        const uint8_t *at;
        size_t available, zero;

        if (!window(scan, offset, SECTOR, &at, &available)) {
            return RT_SCAN_ERROR;
        }
        if (available < RT_RECORD_ALIGN) {
            break;
        }
        zero = zeroes(at, available, offset);
        if (zero == 0 && offset > start && !decode_at(scan, offset, &state, found)) {
            return RT_SCAN_ERROR;
        }
        if (state == RT_RECORD_GOOD) {
            break;
        }
        cross(&gap, offset, zero > 0 ? zero : RT_RECORD_ALIGN, zero > 0);
        offset += zero > 0 ? zero : RT_RECORD_ALIGN;
    }
    if (state != RT_RECORD_GOOD) {
        offset = scan->limit;
    }
    scan->offset = offset;
    found->offset = start;
    found->space = offset - start;
    found->torn = gap.torn;
    return gap.zero && offset == scan->limit && !scan->ended ? RT_SCAN_END : RT_SCAN_GAP;
}

enum rt_segment_result rt_segment_scan_next(struct rt_segment_scan *scan,
                                            struct rt_segment_found *found)
{
    enum rt_record_state state;

    *found = (struct rt_segment_found){.offset = scan->offset};
    if (scan->offset >= scan->limit) {
        return RT_SCAN_END;
    }
    if (!decode_at(scan, scan->offset, &state, found)) {
        return RT_SCAN_ERROR;
    }
    if (state != RT_RECORD_GOOD) {
        return cross_gap(scan, found);
    }
    if (found->record.type == RT_RECORD_END) {
        found->sealed = true;
        return RT_SCAN_END;
    }
    scan->offset += found->space;
    return RT_SCAN_RECORD;
}

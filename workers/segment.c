#include "workers/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <xxhash.h>

#include "protocol/assert.h"

static const uint8_t magic[8] = {'r', 't', 'j', 'r', 'n', 'l', '\r', '\n'};

void rt_segment_encode(uint8_t *page, const struct rt_segment_header *header)
{
    memset(page, 0, RT_SEGMENT_FIRST);
    memcpy(page, magic, sizeof(magic));
    rt_store_u32(page + 8, header->version != 0 ? header->version : RT_SEGMENT_VERSION);
    rt_store_u32(page + 12, header->log);
    rt_store_u32(page + 16, header->number);
    rt_store_u32(page + 20, RT_SEGMENT_FIRST);
    rt_store_u64(page + 24, header->size);
    rt_store_u64(page + 32, header->epoch);
    rt_store_u64(page + 48, XXH3_64bits(page, 48));
    memcpy(page + RT_SEGMENT_COPY, page, RT_SEGMENT_HEADER);
}

static bool size_possible(uint64_t size)
{
    return size >= RT_SEGMENT_BYTES_MIN && size <= RT_SEGMENT_BYTES_MAX && (size & (size - 1)) == 0;
}

static bool copy_good(const uint8_t *at)
{
    return memcmp(at, magic, sizeof(magic)) == 0 && rt_load_u64(at + 48) == XXH3_64bits(at, 48);
}

static bool version_known(const uint8_t *at)
{
    uint32_t version = rt_load_u32(at + 8);

    return version >= RT_SEGMENT_VERSION_OLDEST && version <= RT_SEGMENT_VERSION;
}

static bool decode_copy(const uint8_t *at, struct rt_segment_header *header)
{
    if (!copy_good(at) || !version_known(at) || rt_load_u32(at + 20) != RT_SEGMENT_FIRST ||
        !size_possible(rt_load_u64(at + 24))) {
        return false;
    }
    header->log = rt_load_u32(at + 12);
    header->number = rt_load_u32(at + 16);
    header->size = rt_load_u64(at + 24);
    header->epoch = rt_load_u64(at + 32);
    header->version = rt_load_u32(at + 8);
    return true;
}

bool rt_segment_unknown(const uint8_t *page)
{
    const uint8_t *copy = page + RT_SEGMENT_COPY;

    return (copy_good(page) && !version_known(page)) || (copy_good(copy) && !version_known(copy));
}

bool rt_segment_decode(const uint8_t *page, struct rt_segment_header *header)
{
    return decode_copy(page, header) || decode_copy(page + RT_SEGMENT_COPY, header);
}

void rt_segment_name(char name[RT_SEGMENT_NAME], uint32_t log, uint32_t number)
{
    RT_ASSERT(log <= UINT16_MAX && number <= RT_SEGMENT_NUMBER_MAX);
    snprintf(name, RT_SEGMENT_NAME, "%04x-%06x.seg", log, number);
}

bool rt_segment_name_parse(const char *name, uint32_t *log, uint32_t *number)
{
    char again[RT_SEGMENT_NAME];
    unsigned l, s;

    if (sscanf(name, "%4x-%6x.seg", &l, &s) != 2 || l > UINT16_MAX || s > RT_SEGMENT_NUMBER_MAX) {
        return false;
    }
    rt_segment_name(again, l, s);
    if (strcmp(again, name) != 0) {
        return false;
    }
    *log = l;
    *number = s;
    return true;
}

uint64_t rt_segment_epoch(void)
{
    uint64_t epoch;

    return getrandom(&epoch, sizeof(epoch), 0) == (ssize_t)sizeof(epoch) ? epoch | 1 : 0;
}

/* Space that was written once needs no change of metadata when it is written again: a commit is
 * then one write to the disk instead of two. */
static bool fill_zero(int fd, uint64_t size)
{
    enum { STEP = 1 << 20 };
    uint8_t *zeroes = calloc(1, STEP);
    bool done = zeroes != NULL;

    for (uint64_t at = RT_SEGMENT_FIRST; done && at < size; at += STEP) {
        done = rt_disk_write(fd, zeroes, size - at < STEP ? size - at : STEP, at);
    }
    free(zeroes);
    return done;
}

static bool fill(int fd, const struct rt_segment_header *header)
{
    uint8_t page[RT_SEGMENT_FIRST];

    rt_segment_encode(page, header);
    return rt_disk_allocate(fd, header->size) && rt_disk_write(fd, page, sizeof(page), 0) &&
           fill_zero(fd, header->size) && rt_disk_sync(fd);
}

int rt_segment_create(int folder, const struct rt_segment_header *header)
{
    char name[RT_SEGMENT_NAME], fresh[RT_SEGMENT_NAME + 4];
    int fd, error;

    RT_ASSERT(size_possible(header->size));
    rt_segment_name(name, header->log, header->number);
    snprintf(fresh, sizeof(fresh), "%s.new", name);
    fd = rt_disk_open(folder, fresh, O_RDWR | O_CREAT | O_TRUNC);
    if (fd < 0) {
        return -1;
    }
    if (fill(fd, header) && rt_disk_rename(folder, fresh, name)) {
        if (rt_disk_sync_folder(folder)) {
            return fd;
        }
        error = errno;
        rt_disk_unlink(folder, name);
    } else {
        error = errno;
        rt_disk_unlink(folder, fresh);
    }
    rt_disk_close(fd);
    errno = error;
    return -1;
}

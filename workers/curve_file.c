#include "workers/curve_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workers/disk.h"

enum { NAME = 16 };

static const char folder_name[] = "curves";

static void file_name(char name[NAME], uint32_t partition, const char *ending)
{
    snprintf(name, NAME, "%04x.%s", partition & 0xffff, ending);
}

static int open_file(const char *state_dir, uint32_t partition)
{
    int above = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int folder = above < 0 ? -1 : openat(above, folder_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char name[NAME];
    int fd, fault;

    file_name(name, partition, "curve");
    fd = folder < 0 ? -1 : rt_disk_open(folder, name, O_RDONLY);
    fault = errno;
    rt_disk_close(folder);
    rt_disk_close(above);
    errno = fault;
    return fd;
}

bool rt_curve_file_read(const char *state_dir, uint32_t partition, struct rt_buffer *bytes)
{
    int fd = open_file(state_dir, partition);
    struct stat status;
    size_t got = 0;
    bool read = false;

    *bytes = (struct rt_buffer){0};
    if (fd < 0)
        return false;
    if (fstat(fd, &status) == 0 && status.st_size >= 0) {
        read = rt_buffer_reserve(bytes, (size_t)status.st_size + 1) &&
               rt_disk_read(fd, bytes->data, (size_t)status.st_size, 0, &got);
        if (bytes->failed)
            errno = ENOMEM;
    }
    bytes->size = got;
    rt_disk_close(fd);
    if (!read) {
        int fault = errno;

        rt_buffer_free(bytes);
        *bytes = (struct rt_buffer){0};
        errno = fault;
    }
    return read;
}

static bool write_in(int folder, uint32_t partition, struct rt_span bytes)
{
    char fresh[NAME], name[NAME];
    bool written;
    int fd;

    file_name(fresh, partition, "new");
    file_name(name, partition, "curve");
    fd = rt_disk_open(folder, fresh, O_WRONLY | O_CREAT | O_TRUNC);
    written = fd >= 0 && rt_disk_write(fd, bytes.data, bytes.size, 0) && rt_disk_sync(fd) &&
              rt_disk_rename(folder, fresh, name) && rt_disk_sync_folder(folder);
    rt_disk_close(fd);
    return written;
}

bool rt_curve_file_write(const char *state_dir, uint32_t partition, struct rt_span bytes,
                         char *error, size_t error_size)
{
    int folder = rt_disk_folder(state_dir, folder_name);
    bool written = folder >= 0 && write_in(folder, partition, bytes);

    if (!written)
        snprintf(error, error_size, "curves/%04x: %s", partition, strerror(errno));
    rt_disk_close(folder);
    return written;
}

/* What stands in the file, as far as it is good. False with a sentence: it cannot be read now. */
static bool load(const char *state_dir, uint32_t partition, struct rt_curve_table *table,
                 bool *there, char *error, size_t error_size)
{
    struct rt_curve_fault fault;
    struct rt_buffer bytes;
    bool loaded;

    *table = (struct rt_curve_table){0};
    *there = false;
    if (!rt_curve_file_read(state_dir, partition, &bytes)) {
        if (errno == ENOENT)
            return true;
        snprintf(error, error_size, "curves/%04x: %s", partition, strerror(errno));
        return false;
    }
    *there = true;
    loaded = rt_curve_table_decode(rt_buffer_span(&bytes), partition, table, &fault);
    rt_buffer_free(&bytes);
    if (!loaded || fault.foreign)
        snprintf(error, error_size, "curves/%04x: %s", partition,
                 loaded ? fault.what : "out of memory");
    return loaded && !fault.foreign;
}

bool rt_curve_file_take(const char *state_dir, uint32_t partition, struct rt_span points,
                        const struct rt_curve_key *without, char *error, size_t error_size)
{
    struct rt_curve_table table;
    struct rt_buffer bytes = {0};
    bool done, there;

    if (points.size == 0 && without == NULL)
        return true;
    if (!load(state_dir, partition, &table, &there, error, error_size))
        return false;
    if (points.size == 0 && !there) {
        rt_curve_table_free(&table);
        return true;
    }
    done = rt_curve_table_take(&table, points);
    if (done && without != NULL)
        rt_curve_table_remove(&table, without);
    if (done)
        rt_curve_table_encode(&table, partition, &bytes);
    rt_curve_table_free(&table);
    if (!done || bytes.failed) {
        snprintf(error, error_size, "curves/%04x: out of memory", partition);
        done = false;
    }
    done = done &&
           rt_curve_file_write(state_dir, partition, rt_buffer_span(&bytes), error, error_size);
    rt_buffer_free(&bytes);
    return done;
}

bool rt_curve_file_load(const char *state_dir, uint32_t partition, struct rt_curve_table *table)
{
    char error[64];
    bool there;

    if (load(state_dir, partition, table, &there, error, sizeof(error)))
        return true;
    rt_curve_table_free(table);
    return false;
}

static bool read_at(int fd, uint64_t offset, void *bytes, size_t size)
{
    size_t got;

    return rt_disk_read(fd, bytes, size, offset, &got) && got == size;
}

/* Halves the records that may be it. One that is damaged on the way may hide the one looked for. */
static bool search(int fd, uint64_t count, const struct rt_curve_key *key, struct rt_curve *curve)
{
    uint64_t low = 0, high = count;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        uint8_t bytes[RT_CURVE_RECORD];
        struct rt_curve_at record;
        int order;

        if (!read_at(fd, RT_CURVE_HEADER + middle * RT_CURVE_RECORD, bytes, sizeof(bytes)) ||
            !rt_curve_record_decode(bytes, &record))
            return false;
        order = rt_curve_key_compare(&record.key, key);
        if (order == 0) {
            *curve = record.curve;
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

bool rt_curve_file_find(const char *state_dir, uint32_t partition, const struct rt_curve_key *key,
                        struct rt_curve *curve)
{
    int fd = open_file(state_dir, partition);
    uint8_t header[RT_CURVE_HEADER];
    uint64_t count;
    bool found =
        fd >= 0 && read_at(fd, 0, header, sizeof(header)) &&
        rt_curve_header_decode(rt_span(header, sizeof(header)), partition, &count) == NULL &&
        search(fd, count, key, curve);

    rt_disk_close(fd);
    return found;
}

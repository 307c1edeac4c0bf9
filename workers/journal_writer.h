/* The thread that writes groups: pwrite and fdatasync, one group at a time. The memory of a group
 * in flight belongs to the thread until its state is reported; others may read it. The first
 * failure is for good. */
#ifndef RT_WORKERS_JOURNAL_WRITER_H
#define RT_WORKERS_JOURNAL_WRITER_H

#include "workers/journal.h"

/* A run of a group's bytes that lie in one segment. */
struct rt_chunk {
    int fd;
    uint32_t segment;
    uint64_t epoch;
    uint64_t offset; /* in the file */
    size_t begin;    /* in the group's bytes */
    size_t size;
    bool begins; /* its first record is the segment's START */
    bool ends;   /* the segment is full: its descriptor is closed when this is on disk */
};

struct rt_group {
    uint8_t *bytes;
    size_t size, capacity;
    struct rt_chunk *chunks;
    size_t chunk_count, chunk_capacity;
};

void rt_group_free(struct rt_group *group);

struct rt_writer;

/* notify_fd: an eventfd written when a group is done or has failed, -1: none. NULL without memory
 * or threads. */
struct rt_writer *rt_writer_new(int notify_fd);
void rt_writer_free(struct rt_writer *writer); /* waits for the group in flight; takes NULL */

/* Not while one is being written. */
void rt_writer_start(struct rt_writer *writer, const struct rt_group *group);

/* DONE once for each group, FAILED (with its errno) for ever. */
enum rt_journal_state rt_writer_poll(struct rt_writer *writer, int *fault);
enum rt_journal_state rt_writer_wait(struct rt_writer *writer, int *fault);

#endif

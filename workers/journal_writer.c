#include "workers/journal_writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "protocol/assert.h"
#include "workers/disk.h"

struct rt_writer {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    const struct rt_group *group; /* handed over, not yet taken */
    _Atomic int state;            /* enum rt_journal_state */
    int fault;                    /* valid in state FAILED */
    bool stop;
    int notify_fd;
};

void rt_group_free(struct rt_group *group)
{
    free(group->bytes);
    free(group->chunks);
    *group = (struct rt_group){0};
}

/* All writes first: the syncs then wait for what is on its way already. */
static bool write_group(const struct rt_group *group)
{
    for (size_t i = 0; i < group->chunk_count; i++) {
        const struct rt_chunk *chunk = &group->chunks[i];

        if (!rt_disk_write(chunk->fd, group->bytes + chunk->begin, chunk->size, chunk->offset)) {
            return false;
        }
    }
    for (size_t i = 0; i < group->chunk_count; i++) {
        if (!rt_disk_sync_data(group->chunks[i].fd)) {
            return false;
        }
    }
    return true;
}

static void notify(const struct rt_writer *writer)
{
    uint64_t one = 1;

    if (writer->notify_fd >= 0 && write(writer->notify_fd, &one, sizeof(one)) < 0) {
        return; /* its counter is full: it is readable as it should be */
    }
}

static void *run(void *context)
{
    struct rt_writer *writer = context;

    pthread_mutex_lock(&writer->lock);
    for (;;) {
        const struct rt_group *group;
        bool written;
        int fault;

        while (writer->group == NULL && !writer->stop) {
            pthread_cond_wait(&writer->changed, &writer->lock);
        }
        if (writer->group == NULL) {
            break;
        }
        group = writer->group;
        writer->group = NULL;
        pthread_mutex_unlock(&writer->lock);
        written = write_group(group);
        fault = errno;
        pthread_mutex_lock(&writer->lock);
        writer->fault = written ? 0 : fault;
        atomic_store(&writer->state, written ? RT_JOURNAL_DONE : RT_JOURNAL_FAILED);
        pthread_cond_broadcast(&writer->changed);
        notify(writer);
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

struct rt_writer *rt_writer_new(int notify_fd)
{
    struct rt_writer *writer = calloc(1, sizeof(*writer));

    if (writer == NULL) {
        return NULL;
    }
    writer->notify_fd = notify_fd;
    pthread_mutex_init(&writer->lock, NULL);
    pthread_cond_init(&writer->changed, NULL);
    if (pthread_create(&writer->thread, NULL, run, writer) != 0) {
        free(writer);
        return NULL;
    }
    return writer;
}

void rt_writer_free(struct rt_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    pthread_mutex_lock(&writer->lock);
    writer->stop = true;
    pthread_cond_broadcast(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
    pthread_join(writer->thread, NULL);
    pthread_cond_destroy(&writer->changed);
    pthread_mutex_destroy(&writer->lock);
    free(writer);
}

void rt_writer_start(struct rt_writer *writer, const struct rt_group *group)
{
    RT_ASSERT(atomic_load(&writer->state) == RT_JOURNAL_IDLE);
    pthread_mutex_lock(&writer->lock);
    writer->group = group;
    atomic_store(&writer->state, RT_JOURNAL_WRITING);
    pthread_cond_broadcast(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
}

enum rt_journal_state rt_writer_poll(struct rt_writer *writer, int *fault)
{
    int state = atomic_load(&writer->state);

    if (state == RT_JOURNAL_DONE) {
        atomic_store(&writer->state, RT_JOURNAL_IDLE);
    } else if (state == RT_JOURNAL_FAILED) {
        *fault = writer->fault;
    }
    return state;
}

enum rt_journal_state rt_writer_wait(struct rt_writer *writer, int *fault)
{
    pthread_mutex_lock(&writer->lock);
    while (atomic_load(&writer->state) == RT_JOURNAL_WRITING) {
        pthread_cond_wait(&writer->changed, &writer->lock);
    }
    pthread_mutex_unlock(&writer->lock);
    return rt_writer_poll(writer, fault);
}

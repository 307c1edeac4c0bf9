/* The thread that saves snapshots, one after the other. It shares one job with its owner, guarded
 * by the lock. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "protocol/assert.h"
#include "workers/curve_file.h"
#include "workers/snapshot.h"

enum stage { IDLE, STARTED, FINISHED };

struct rt_snapshot_writer {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char *state_dir;
    int notify_fd;
    bool stop;
    enum stage stage;
    struct rt_snapshot snapshot; /* the thread's while STARTED */
    struct rt_snapshot_done done;
};

/* Curves first: the snapshot lets the journal go from which they would be made again. */
static void save(const struct rt_snapshot_writer *writer, struct rt_snapshot_done *done)
{
    const struct rt_snapshot *snapshot = &writer->snapshot;

    *done =
        (struct rt_snapshot_done){.partition = snapshot->partition, .position = snapshot->position};
    rt_curve_file_take(writer->state_dir, snapshot->partition, rt_buffer_span(&snapshot->curve),
                       NULL, done->curve_error, sizeof(done->curve_error));
    done->saved = rt_snapshot_save(writer->state_dir, snapshot, done->error, sizeof(done->error));
}

static void finish(struct rt_snapshot_writer *writer)
{
    uint64_t one = 1;

    writer->stage = FINISHED;
    if (writer->notify_fd >= 0 && write(writer->notify_fd, &one, sizeof(one)) < 0) {
        return; /* its counter is full: it is readable as it should be */
    }
}

static void *run(void *context)
{
    struct rt_snapshot_writer *writer = context;

    pthread_mutex_lock(&writer->lock);
    for (;;) {
        while (writer->stage != STARTED && !writer->stop) {
            pthread_cond_wait(&writer->changed, &writer->lock);
        }
        if (writer->stage != STARTED) {
            break;
        }
        pthread_mutex_unlock(&writer->lock);
        save(writer, &writer->done);
        pthread_mutex_lock(&writer->lock);
        finish(writer);
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

struct rt_snapshot_writer *rt_snapshot_writer_new(const char *state_dir, int notify_fd)
{
    struct rt_snapshot_writer *writer = calloc(1, sizeof(*writer));

    if (writer == NULL) {
        return NULL;
    }
    writer->notify_fd = notify_fd;
    writer->state_dir = strdup(state_dir);
    pthread_mutex_init(&writer->lock, NULL);
    pthread_cond_init(&writer->changed, NULL);
    if (writer->state_dir == NULL || pthread_create(&writer->thread, NULL, run, writer) != 0) {
        free(writer->state_dir);
        free(writer);
        return NULL;
    }
    return writer;
}

void rt_snapshot_writer_free(struct rt_snapshot_writer *writer)
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
    rt_buffer_free(&writer->snapshot.content);
    rt_buffer_free(&writer->snapshot.curve);
    free(writer->state_dir);
    free(writer);
}

static enum stage stage_of(const struct rt_snapshot_writer *writer)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&writer->lock;
    enum stage stage;

    pthread_mutex_lock(lock);
    stage = writer->stage;
    pthread_mutex_unlock(lock);
    return stage;
}

bool rt_snapshot_writer_busy(const struct rt_snapshot_writer *writer)
{
    return stage_of(writer) != IDLE;
}

void rt_snapshot_writer_start(struct rt_snapshot_writer *writer, struct rt_snapshot *snapshot)
{
    RT_ASSERT(stage_of(writer) == IDLE);
    pthread_mutex_lock(&writer->lock);
    writer->snapshot = *snapshot;
    snapshot->content = snapshot->curve = (struct rt_buffer){0};
    writer->stage = STARTED;
    pthread_cond_broadcast(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
}

struct rt_span rt_snapshot_writer_curve(const struct rt_snapshot_writer *writer, uint32_t partition)
{
    if (stage_of(writer) == IDLE || writer->snapshot.partition != partition)
        return rt_span(NULL, 0);
    return rt_buffer_span(&writer->snapshot.curve);
}

bool rt_snapshot_writer_finished(struct rt_snapshot_writer *writer, struct rt_snapshot_done *done)
{
    if (stage_of(writer) != FINISHED) {
        return false;
    }
    *done = writer->done;
    if (done->curve_error[0] != '\0') {
        done->curve = writer->snapshot.curve;
    } else {
        rt_buffer_free(&writer->snapshot.curve);
    }
    rt_buffer_free(&writer->snapshot.content);
    writer->snapshot = (struct rt_snapshot){0};
    pthread_mutex_lock(&writer->lock);
    writer->stage = IDLE;
    pthread_mutex_unlock(&writer->lock);
    return true;
}

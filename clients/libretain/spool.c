/* A directory of events to be sent.
 *
 * Writing: .NAME.tmp, fsync, rename to NAME.event, fsync of the directory: a crash leaves an event
 * wholly there or not at all, and a name that begins with a dot is never sent. Names begin with the
 * time, so that events go out in the order they came. Sending: a round reads the names, feeds the
 * files into the window, removes each after its acknowledgement. One process sends at a time (flock
 * on the directory); two would do no harm.
 *
 * Failure modes: a crash between the acknowledgement and the removal (the event is sent again, a
 * duplicate); a full disk or spool (the writer is told, nothing is left behind); junk in the
 * directory (kept as NAME.rejected); a file that cannot be removed (errno is kept for
 * retain_flush_spool, the file waits for the next round). */
#include "clients/libretain/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clients/libretain/client.h"

enum {
    NAME_SIZE = 80,
    ROUND_MAX = 10000,   /* files in one round */
    EVENT_MAX = 1 << 20, /* a larger file is junk */
    RESCAN_MS = 1000,
    STALE_SECONDS = 3600, /* a .tmp of a writer that died */
};

static const uint64_t default_bytes = UINT64_C(64) << 20;

struct file {
    char *name;
    bool done;
};

struct retain_spool {
    int directory;
    uint64_t max_bytes, bytes; /* bytes: as last counted, plus what was put since */
    struct timespec counted;   /* when the directory had changed last when it was counted */
    retain_spool_rejection_fn *on_rejection;
    void *on_rejection_arg;

    /* the round that is under way */
    struct file *files;
    size_t count, fed, done;
    bool locked;
    bool empty;   /* the last look found nothing */
    int64_t due;  /* when to look again */
    int failure;  /* errno of a file that could not be read or removed in this round */
    bool starved; /* the next file found no memory in the window: no answer will wake us */
};

bool rt_spool_name(const char *name)
{
    size_t size = strlen(name), suffix = strlen(RT_SPOOL_SUFFIX);

    return name[0] != '.' && size > suffix && strcmp(name + size - suffix, RT_SPOOL_SUFFIX) == 0;
}

static bool rejected_name(const char *name)
{
    size_t size = strlen(name), suffix = strlen(RT_SPOOL_REJECTED);

    return name[0] != '.' && size > suffix && strcmp(name + size - suffix, RT_SPOOL_REJECTED) == 0;
}

int retain_spool_open(retain_spool **spool, const char *directory, uint64_t max_bytes)
{
    retain_spool *fresh;

    if (spool == NULL || directory == NULL || directory[0] == '\0')
        return RETAIN_BAD_ARGUMENT;
    if (mkdir(directory, 0700) != 0 && errno != EEXIST)
        return RETAIN_SYSTEM;
    fresh = calloc(1, sizeof(*fresh));
    if (fresh == NULL)
        return RETAIN_NO_MEMORY;
    fresh->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fresh->directory < 0) {
        free(fresh);
        return RETAIN_SYSTEM;
    }
    fresh->max_bytes = max_bytes == 0 ? default_bytes : max_bytes;
    *spool = fresh;
    return RETAIN_OK;
}

static void round_end(retain_spool *spool)
{
    for (size_t i = 0; i < spool->count; i++)
        free(spool->files[i].name);
    free(spool->files);
    spool->files = NULL;
    spool->count = spool->fed = spool->done = 0;
    spool->starved = false;
    if (spool->locked)
        (void)flock(spool->directory, LOCK_UN);
    spool->locked = false;
}

void retain_spool_close(retain_spool *spool)
{
    if (spool == NULL)
        return;
    round_end(spool);
    close(spool->directory);
    free(spool);
}

/* ---- counting -------------------------------------------------------------------------------- */

static DIR *directory_read(const retain_spool *spool)
{
    int fd = openat(spool->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (dir == NULL && fd >= 0)
        close(fd);
    return dir;
}

int retain_spool_usage(retain_spool *spool, struct retain_spool_usage *usage)
{
    struct retain_spool_usage sum = {0};
    DIR *dir = directory_read(spool);
    struct dirent *entry;

    if (dir == NULL)
        return RETAIN_SYSTEM;
    while ((entry = readdir(dir)) != NULL) {
        struct stat status;

        if (fstatat(spool->directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(status.st_mode))
            continue;
        sum.bytes += (uint64_t)status.st_size;
        sum.waiting += rt_spool_name(entry->d_name);
        sum.rejected += rejected_name(entry->d_name);
    }
    closedir(dir);
    *usage = sum;
    return RETAIN_OK;
}

static bool changed_at(const retain_spool *spool, struct timespec *at)
{
    struct stat status;

    if (fstat(spool->directory, &status) != 0)
        return false;
    *at = status.st_mtim;
    return true;
}

static bool recount(retain_spool *spool)
{
    struct retain_spool_usage usage;

    if (!changed_at(spool, &spool->counted) || retain_spool_usage(spool, &usage) != RETAIN_OK)
        return false;
    spool->bytes = usage.bytes;
    return true;
}

/* Other writers and the sender change the directory: then, and before `full` is said, the files are
 * counted anew. */
static int room_check(retain_spool *spool, size_t size)
{
    struct timespec at;

    if (!changed_at(spool, &at))
        return RETAIN_SYSTEM;
    if ((at.tv_sec != spool->counted.tv_sec || at.tv_nsec != spool->counted.tv_nsec ||
         spool->bytes + size > spool->max_bytes) &&
        !recount(spool))
        return RETAIN_SYSTEM;
    return spool->bytes + size <= spool->max_bytes ? RETAIN_OK : RETAIN_SPOOL_FULL;
}

/* ---- writing --------------------------------------------------------------------------------- */

static bool write_all(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data += n;
        size -= (size_t)n;
    }
    return true;
}

static bool name_make(char name[NAME_SIZE])
{
    struct timespec now;
    uint64_t random[2];

    clock_gettime(CLOCK_REALTIME, &now);
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return false;
    snprintf(name, NAME_SIZE, "%012lld%09ld-%016" PRIx64 RT_SPOOL_SUFFIX, (long long)now.tv_sec,
             now.tv_nsec, random[0] ^ random[1]);
    return true;
}

/* tmp, fsync, rename, fsync of the directory; on failure errno says why and nothing is left. */
static bool file_write(retain_spool *spool, const void *data, size_t size)
{
    char name[NAME_SIZE], temporary[NAME_SIZE + 8];
    int fd, saved;
    bool good;

    if (!name_make(name))
        return false;
    snprintf(temporary, sizeof(temporary), ".%s.tmp", name);
    fd = openat(spool->directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    good = write_all(fd, data, size) && fsync(fd) == 0;
    saved = errno;
    if (close(fd) != 0 && good) {
        good = false;
        saved = errno;
    }
    if (good && renameat(spool->directory, temporary, spool->directory, name) != 0) {
        good = false;
        saved = errno;
    }
    if (!good) {
        (void)unlinkat(spool->directory, temporary, 0);
        errno = saved;
        return false;
    }
    return fsync(spool->directory) == 0;
}

int retain_spool_put(retain_spool *spool, const void *event, size_t size)
{
    int code;

    if (spool == NULL || event == NULL || !rt_msgpack_check(rt_span(event, size), RT_NESTING))
        return RETAIN_BAD_ARGUMENT;
    if (size > EVENT_MAX)
        return RETAIN_TOO_LARGE;
    code = room_check(spool, size);
    if (code != RETAIN_OK)
        return code;
    if (!file_write(spool, event, size))
        return RETAIN_SYSTEM;
    spool->bytes += size;
    (void)changed_at(spool, &spool->counted);
    return RETAIN_OK;
}

int retain_spool_put_map(retain_spool *spool, retain_map *event)
{
    struct rt_span packed;
    int code = rt_map_pack(event, &packed);

    return code == RETAIN_OK ? retain_spool_put(spool, packed.data, packed.size) : code;
}

/* ---- sending --------------------------------------------------------------------------------- */

void retain_spool_on_rejection(retain_spool *spool, retain_spool_rejection_fn *call, void *arg)
{
    spool->on_rejection = call;
    spool->on_rejection_arg = arg;
}

static void stale_remove(retain_spool *spool, const char *name)
{
    size_t size = strlen(name);
    struct stat status;

    if (name[0] != '.' || size < 5 || strcmp(name + size - 4, ".tmp") != 0)
        return;
    if (fstatat(spool->directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(status.st_mode) && time(NULL) - status.st_mtime > STALE_SECONDS)
        (void)unlinkat(spool->directory, name, 0);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct file *)a)->name, ((const struct file *)b)->name);
}

static bool file_note(retain_spool *spool, const char *name)
{
    char *copy = strdup(name);

    if (copy == NULL)
        return false;
    spool->files[spool->count++] = (struct file){.name = copy};
    return true;
}

/* Reads the names of a round, oldest first. Without memory for some it is a smaller one. */
static void round_begin(retain_spool *spool)
{
    DIR *dir;
    struct dirent *entry;
    bool whole = true;

    if (flock(spool->directory, LOCK_EX | LOCK_NB) != 0)
        return; /* another process sends it */
    spool->locked = true;
    dir = directory_read(spool);
    spool->files = dir == NULL ? NULL : calloc(ROUND_MAX, sizeof(*spool->files));
    while (whole && spool->files != NULL && spool->count < ROUND_MAX &&
           (entry = readdir(dir)) != NULL) {
        if (rt_spool_name(entry->d_name))
            whole = file_note(spool, entry->d_name);
        else
            stale_remove(spool, entry->d_name);
    }
    spool->empty = whole && spool->files != NULL && spool->count == 0;
    if (spool->files != NULL)
        qsort(spool->files, spool->count, sizeof(*spool->files), by_name);
    if (dir != NULL)
        closedir(dir);
    if (spool->count == 0)
        round_end(spool);
}

static void finished(retain_spool *spool, struct file *file, int result)
{
    if (result != 0 && errno != ENOENT)
        spool->failure = errno;
    file->done = true;
    spool->done++;
}

static void keep_rejected(retain_spool *spool, struct file *file, const char *code,
                          const char *error)
{
    size_t size = strlen(file->name) - strlen(RT_SPOOL_SUFFIX);
    size_t most = NAME_MAX - strlen(RT_SPOOL_REJECTED);
    char kept[NAME_MAX + 1];

    snprintf(kept, sizeof(kept), "%.*s" RT_SPOOL_REJECTED, (int)(size < most ? size : most),
             file->name);
    finished(spool, file, renameat(spool->directory, file->name, spool->directory, kept));
    if (spool->on_rejection != NULL)
        spool->on_rejection(kept, code, error, spool->on_rejection_arg);
}

/* The bytes of a file, at most EVENT_MAX + 1; false with errno. */
static bool file_read(retain_spool *spool, const char *name, struct rt_buffer *bytes)
{
    int fd = openat(spool->directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : 1;
    int saved;

    while (n > 0 && bytes->size <= EVENT_MAX) {
        if (!rt_buffer_reserve(bytes, 4096)) {
            errno = ENOMEM;
            n = -1;
            break;
        }
        n = read(fd, bytes->data + bytes->size, 4096);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n > 0)
            bytes->size += (size_t)n;
    }
    saved = errno;
    if (fd >= 0)
        close(fd);
    errno = saved;
    return n >= 0;
}

/* Puts one file into the window; false if that must wait. */
static bool feed(retain_client *client, struct file *file, uint64_t token)
{
    retain_spool *spool = client->spool;
    struct rt_buffer bytes = {0};
    int code = RETAIN_OK;

    if (!file_read(spool, file->name, &bytes))
        finished(spool, file, -1);
    else if (bytes.size > EVENT_MAX || !rt_msgpack_check(rt_buffer_span(&bytes), RT_NESTING))
        keep_rejected(spool, file, "bad_event", "file: is not one MessagePack object of 1 MiB");
    else
        code = rt_outbox_add(client->outbox, rt_buffer_span(&bytes), token, true);
    rt_buffer_free(&bytes);
    spool->starved = code == RETAIN_NO_MEMORY;
    return code == RETAIN_OK;
}

/* A token names the round of the client and the place of the file in it: answers to a round that
 * was given up are ignored. */
static uint64_t token_of(const retain_client *client, size_t place)
{
    return client->spool_round << 32 | place;
}

static bool acks_take(retain_client *client)
{
    retain_spool *spool = client->spool;
    struct retain_ack ack;
    bool any = false;

    while (rt_outbox_ack(client->outbox, true, &ack)) {
        size_t place = ack.token & UINT32_MAX;
        struct file *file;

        any = true;
        if (spool == NULL || ack.token >> 32 != client->spool_round || place >= spool->count)
            continue;
        file = &spool->files[place];
        if (file->done)
            continue;
        if (ack.outcome == RETAIN_REJECTED)
            keep_rejected(spool, file, ack.code, ack.error);
        else
            finished(spool, file, unlinkat(spool->directory, file->name, 0));
    }
    return any;
}

static bool files_feed(retain_client *client)
{
    retain_spool *spool = client->spool;
    size_t before = spool->fed;

    while (spool->fed < spool->count &&
           feed(client, &spool->files[spool->fed], token_of(client, spool->fed)))
        spool->fed++;
    rt_outbox_close_batch(client->outbox, true);
    return spool->fed > before;
}

bool rt_spool_step(retain_client *client, int64_t now, int64_t *due)
{
    retain_spool *spool = client->spool;
    bool moved = acks_take(client);

    if (spool == NULL)
        return moved;
    if (spool->count > 0 && spool->done == spool->count) {
        round_end(spool);
        (void)fsync(spool->directory);
        spool->due = spool->failure == 0 ? now : now + RESCAN_MS;
        moved = true;
    }
    if (spool->count == 0 && now >= spool->due) {
        spool->failure = 0;
        client->spool_round++;
        round_begin(spool);
        spool->due = now + RESCAN_MS;
    }
    moved = files_feed(client) || moved;
    if (spool->starved)
        spool->due = now + RESCAN_MS;
    if ((spool->count == 0 || spool->starved) && spool->due < *due)
        *due = spool->due;
    return moved;
}

int retain_attach_spool(retain_client *client, retain_spool *spool)
{
    if (client->spool != NULL)
        round_end(client->spool);
    client->spool_round++;
    client->spool = spool;
    if (spool == NULL)
        return RETAIN_OK;
    spool->empty = false;
    spool->due = 0;
    spool->failure = 0;
    return rt_client_step(client);
}

static bool spool_busy(const retain_client *client)
{
    return !client->spool->empty && client->spool->failure == 0;
}

int retain_flush_spool(retain_client *client, int timeout_ms)
{
    int code;

    if (client->spool == NULL)
        return RETAIN_BAD_ARGUMENT;
    client->spool->empty = false;
    client->spool->due = 0;
    code = rt_client_work_while(client, spool_busy, timeout_ms);
    if (code == RETAIN_OK && client->spool->failure != 0) {
        errno = client->spool->failure;
        return errno == ENOMEM ? RETAIN_NO_MEMORY : RETAIN_SYSTEM;
    }
    return code;
}

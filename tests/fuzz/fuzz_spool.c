/* Any names and bytes in a spool's folder, and any answer to what was sent of it: nothing is sent
 * that is no event, and a file goes only when its event was taken.
 *
 * The input: files, each a byte of how many bytes its name has, the name, two bytes of size
 * (little-endian), its bytes; the first is no file but the answer. */
#include <fcntl.h>
#include <sys/stat.h>

#include "clients/libretain/client.h"
#include "clients/libretain/spool.h"
#include "protocol/assert.h"
#include "tests/lib/fuzz_folder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILES_MAX = 8, NAME_BYTES = 255, NOW = 1000, RESEND_MS = 1000 };

struct file {
    char name[NAME_BYTES + 1];
    struct rt_span bytes;
};

static bool name_possible(struct rt_span name)
{
    return name.size > 0 && memchr(name.data, '/', name.size) == NULL &&
           memchr(name.data, '\0', name.size) == NULL && !rt_span_is(name, ".") &&
           !rt_span_is(name, "..");
}

/* The next name and its bytes; false at the end. */
static bool take(struct rt_reader *reader, struct rt_span *name, struct rt_span *bytes)
{
    uint8_t name_size;
    uint16_t size;
    size_t left;

    if (!rt_get_u8(reader, &name_size) || (size_t)(reader->end - reader->at) < name_size)
        return false;
    *name = rt_span(reader->at, name_size);
    reader->at += name_size;
    if (!rt_get_u16(reader, &size))
        return false;
    left = (size_t)(reader->end - reader->at);
    *bytes = rt_span(reader->at, size < left ? size : left);
    reader->at += bytes->size;
    return true;
}

static bool is_there_already(const struct file *files, size_t count, struct rt_span name)
{
    for (size_t i = 0; i < count; i++)
        if (rt_span_is(name, files[i].name))
            return true;
    return false;
}

static size_t write_files(struct rt_reader *reader, struct file files[FILES_MAX])
{
    struct rt_span name, bytes;
    size_t count = 0;

    while (count < FILES_MAX && take(reader, &name, &bytes)) {
        if (!name_possible(name) || is_there_already(files, count, name))
            continue;
        memcpy(files[count].name, name.data, name.size);
        files[count].name[name.size] = '\0';
        files[count].bytes = bytes;
        fuzz_folder_write(files[count].name, bytes);
        count++;
    }
    return count;
}

static bool is_there(const char *name)
{
    struct stat status;

    return fstatat(fuzz_folder(), name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

/* One round: files into the window, one message out, its answer in, acknowledgements taken. Returns
 * how many events were answered with something that removes or sets aside their file. */
static uint64_t one_round(retain_client *client, struct rt_span answer)
{
    struct rt_outbox_counts counts;
    struct rt_span payload;
    int64_t due = INT64_MAX;
    uint64_t number;

    (void)rt_spool_step(client, NOW, &due);
    if (rt_outbox_next(client->outbox, NOW, &number, &payload)) {
        RT_ASSERT(rt_msgpack_check(payload, RT_NESTING + 1));
        rt_outbox_sent(client->outbox, number, NOW);
        (void)rt_outbox_answer(client->outbox, number, answer, NOW);
        (void)rt_spool_step(client, NOW, &due);
    }
    rt_outbox_get_counts(client->outbox, &counts);
    return counts.accepted + counts.duplicate + counts.rejected;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct rt_outbox_limits limits = {.messages = 4,
                                            .bytes = 1 << 20,
                                            .batch_events = FILES_MAX,
                                            .batch_bytes = 1 << 20,
                                            .resend_ms = RESEND_MS};
    struct rt_reader reader = rt_reader(rt_span(data, size));
    retain_client client = {.outbox = rt_outbox_new(&limits)};
    struct rt_span ignored, answer = {0};
    struct file files[FILES_MAX];
    uint64_t answered;
    size_t count;

    RT_ASSERT(client.outbox != NULL);
    fuzz_folder_empty();
    (void)take(&reader, &ignored, &answer);
    count = write_files(&reader, files);
    RT_ASSERT(retain_spool_open(&client.spool, fuzz_folder_path(), 0) == RETAIN_OK);
    answered = one_round(&client, answer);
    for (size_t i = 0; i < count; i++) {
        bool event = rt_spool_name(files[i].name) && rt_msgpack_check(files[i].bytes, RT_NESTING);

        if (!rt_spool_name(files[i].name) || (event && answered == 0))
            RT_ASSERT(is_there(files[i].name));
    }
    retain_spool_close(client.spool);
    rt_outbox_free(client.outbox);
    return 0;
}

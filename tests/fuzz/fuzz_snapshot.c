/* Any bytes as a partition's snapshot: refused with a sentence, or taken, and then judged, exported
 * and taken again.
 *
 * The first byte of the input: even, the rest is the file as it stands; odd, the rest is the content
 * of a file whose header and checksums are right. */
#include <stdlib.h>

#include "protocol/assert.h"
#include "tests/lib/fuzz_folder.h"
#include "tests/lib/fuzz_seal.h"
#include "tests/lib/memory_store.h"
#include "workers/alert_history.h"
#include "workers/answer.h"
#include "workers/export.h"
#include "workers/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PARTITION = 0, LOG = 1, POSITION = 5, SEED = 42 };

static const int64_t NOW = INT64_C(1767225600000);

static const struct rt_config *config(void)
{
    static struct rt_config made;

    if (made.tier_count == 0)
        rt_config_init(&made);
    return &made;
}

static bool import(struct rt_core *core, struct memory_store *memory, struct rt_span content)
{
    char error[RT_JOURNAL_ERROR] = "";
    bool taken;

    RT_ASSERT(rt_core_init(core, config(), 0, 1, 1, LOG, SEED, memory_store(memory)));
    taken = rt_core_import(core, core->shards[PARTITION], content, error);
    RT_ASSERT(taken == (error[0] == '\0'));
    return taken;
}

/* The same number of everything; a hash table has no order of its own. */
static void survives_again(const struct rt_core *core, struct memory_store *memory)
{
    struct rt_buffer content = {0};
    struct rt_core other;

    rt_core_export(core, core->shards[PARTITION], &content);
    RT_ASSERT(!content.failed && import(&other, memory, rt_buffer_span(&content)));
    RT_ASSERT(other.accounts == core->accounts &&
              other.alerts.count - other.alerts.first == core->alerts.count - core->alerts.first);
    RT_ASSERT(other.shards[PARTITION]->dead.count == core->shards[PARTITION]->dead.count);
    rt_core_free(&other);
    rt_buffer_free(&content);
}

static void live_on(struct rt_core *core)
{
    static const struct rt_query list = {.op = RT_ALERT_LIST, .limit = 10};
    struct rt_alert_history history = {0};
    struct rt_buffer out = {0};

    rt_alert_log_settle(&core->alerts);
    while (rt_core_due(core, NOW, 16, &out))
        continue;
    rt_buffer_clear(&out);
    rt_alert_history_begin(&history, core, false, 0);
    while (!rt_alert_history_step(&history, core, &list))
        continue;
    rt_alert_history_answer(&history, core, &out);
    rt_alert_history_free(&history);
    RT_ASSERT(rt_msgpack_check(rt_buffer_span(&out), RT_REPLY_NESTING));
    rt_buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct memory_store memory = {.log = LOG};
    struct rt_snapshot snapshot;
    struct rt_buffer file = {0};
    char note[256];
    struct rt_core *core = malloc(sizeof(*core));

    RT_ASSERT(core != NULL);
    if (size > 0 && data[0] % 2 == 1)
        fuzz_seal_snapshot(&file, PARTITION, POSITION, rt_span(data + 1, size - 1));
    else if (size > 0)
        rt_buffer_append(&file, data + 1, size - 1);
    fuzz_folder_write("snapshots/0000.snap", rt_buffer_span(&file));
    if (rt_snapshot_load(fuzz_folder_path(), PARTITION, &snapshot, note, sizeof(note))) {
        RT_ASSERT(rt_span_equal(
            rt_buffer_span(&snapshot.content),
            rt_span(file.data + file.size - snapshot.content.size, snapshot.content.size)));
        if (import(core, &memory, rt_buffer_span(&snapshot.content))) {
            survives_again(core, &memory);
            live_on(core);
        }
        rt_core_free(core);
    } else {
        RT_ASSERT(note[0] != '\0');
    }
    rt_buffer_free(&snapshot.content);
    rt_buffer_free(&file);
    memory_store_free(&memory);
    free(core);
    return 0;
}

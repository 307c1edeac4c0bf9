/* Any files as a state directory: it is refused with a sentence, or opened, recovered from and
 * written to; and what was in it then is in it when it is opened again. What `retainctl verify` finds
 * nothing wrong with is not refused.
 *
 * The input: files, each a byte of kind, two of size (little-endian) and its bytes, or as many as
 * there are. Kinds: segments in the order of their numbers whose records have their checksums
 * (SEALED) or that stand as they are (RAW), the partition's snapshot (eight bytes of position, the
 * content), an erasure's intent (its entries). */
#include <stdlib.h>

#include "protocol/assert.h"
#include "tests/lib/fuzz_folder.h"
#include "tests/lib/fuzz_seal.h"
#include "tests/lib/scratch.h"
#include "workers/alert_history.h"
#include "workers/answer.h"
#include "workers/dedupe.h"
#include "workers/recover.h"
#include "workers/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LOG = 1, PARTITION = 0, SEED = 42, SEGMENTS_MAX = 8 };
enum { SEALED, RAW, SNAPSHOT, INTENT, KINDS };

static const int64_t NOW = INT64_C(1767225600000);

static const struct rt_config *config(void)
{
    static struct rt_config made;

    if (made.tier_count == 0)
        rt_config_init(&made);
    return &made;
}

/* ---- the files -------------------------------------------------------------------------------- */

static void write_segment(unsigned number, bool sealed, struct rt_span bytes)
{
    char name[8 + RT_SEGMENT_NAME] = "journal/";
    struct rt_buffer file = {0};

    if (sealed)
        fuzz_seal_segment(&file, LOG, number, bytes);
    else
        rt_buffer_append(&file, bytes.data, bytes.size);
    rt_segment_name(name + strlen(name), LOG, number);
    fuzz_folder_write(name, rt_buffer_span(&file));
    rt_buffer_free(&file);
}

static void write_snapshot(struct rt_span bytes)
{
    struct rt_buffer file = {0};

    if (bytes.size < 8)
        return;
    fuzz_seal_snapshot(&file, PARTITION, rt_load_u64(bytes.data),
                       rt_span(bytes.data + 8, bytes.size - 8));
    fuzz_folder_write("snapshots/0000.snap", rt_buffer_span(&file));
    rt_buffer_free(&file);
}

static void write_intent(struct rt_span bytes)
{
    struct rt_buffer file = {0};

    fuzz_seal_intent(&file, bytes);
    fuzz_folder_write("journal/0001.scrub", rt_buffer_span(&file));
    rt_buffer_free(&file);
}

static void write_files(const uint8_t *data, size_t size)
{
    unsigned segments = 0;

    fuzz_folder_empty();
    rt_scratch_state(fuzz_folder_path(), 1, "generation 1 workers 1 log 1\n");
    while (size >= 3) {
        size_t claimed = (size_t)(data[1] | data[2] << 8);
        struct rt_span bytes = rt_span(data + 3, claimed < size - 3 ? claimed : size - 3);
        unsigned kind = data[0] % KINDS;

        if (kind == SNAPSHOT)
            write_snapshot(bytes);
        else if (kind == INTENT)
            write_intent(bytes);
        else if (segments < SEGMENTS_MAX)
            write_segment(++segments, kind == SEALED, bytes);
        data += 3 + bytes.size;
        size -= 3 + bytes.size;
    }
}

static void found(void *context, const struct rt_finding *finding)
{
    (void)context;
    RT_ASSERT(finding->file[0] != '\0' && finding->what[0] != '\0');
}

/* Whether nothing is lost. */
static bool verify(void)
{
    struct rt_checked checked;
    char error[RT_JOURNAL_ERROR];

    return rt_verify(fuzz_folder_path(), found, NULL, &checked, error, sizeof(error)) &&
           checked.lost == 0;
}

/* ---- a worker's life -------------------------------------------------------------------------- */

struct life {
    struct rt_journal *journal;
    struct rt_dedupe *dedupe;
    struct rt_core *core;
};

static rt_position append(void *context, enum rt_record_type type, uint8_t flags,
                          uint32_t partition, rt_position previous, struct rt_span body)
{
    return rt_journal_append(context, type, flags, partition, previous, body);
}

static bool read_back(void *context, rt_position position, struct rt_record *record)
{
    return rt_journal_read(context, position, record);
}

static bool owns(void *context, uint32_t partition)
{
    (void)context;
    return partition == PARTITION;
}

static void progress(void *context, uint64_t records)
{
    (void)context;
    (void)records;
}

static void note(void *context, const char *text)
{
    (void)context;
    RT_ASSERT(text[0] != '\0');
}

/* Nobody takes a backup here. */
static void hold(void *context)
{
    (void)context;
}

static void end(struct life *life)
{
    rt_dedupe_close(life->dedupe);
    if (life->core != NULL)
        rt_core_free(life->core);
    free(life->core);
    rt_journal_close(life->journal);
}

static bool open_journal(struct life *life, char *error)
{
    const struct rt_journal_options options = {.state_dir = fuzz_folder_path(),
                                               .log = LOG,
                                               .segment_bytes = RT_SEGMENT_BYTES_MIN,
                                               .notify_fd = -1};

    life->journal = rt_journal_open(&options, error);
    if (life->journal == NULL)
        return false;
    life->dedupe = rt_dedupe_open(life->journal, 0, owns, NULL, NULL, error);
    return life->dedupe != NULL;
}

/* False with a sentence; nothing is held then. */
static bool begin(struct life *life, char *error)
{
    struct rt_recovery recovery;
    bool begun;

    *life = (struct life){0};
    error[0] = '\0';
    begun = open_journal(life, error);
    if (begun) {
        struct rt_store store = {life->journal, append, read_back};

        life->core = malloc(sizeof(*life->core));
        RT_ASSERT(life->core != NULL &&
                  rt_core_init(life->core, config(), 0, 1, 1, LOG, SEED, store));
        begun = rt_recover(life->core, life->journal, fuzz_folder_path(), SEED, progress, note,
                           hold, NULL, &recovery, error);
    }
    RT_ASSERT(begun == (error[0] == '\0'));
    if (!begun)
        end(life);
    return begun;
}

/* What a worker does and says once it has recovered. */
static void report(struct life *life)
{
    static const struct rt_query alerts = {.op = RT_ALERT_LIST, .limit = 10};
    static const struct rt_query dead = {.op = RT_DEAD_LIST, .limit = 10};
    const struct rt_link_ready ready = {.published = life->core->alerts.newest,
                                        .accounts = life->core->accounts};
    struct rt_alert_history history = {0};
    struct rt_buffer out = {0};

    rt_link_ready_encode(&out, &ready);
    rt_buffer_clear(&out);
    while (rt_core_due(life->core, NOW, 16, &out))
        continue;
    rt_buffer_clear(&out);
    rt_alert_history_begin(&history, life->core, false, 0);
    while (!rt_alert_history_step(&history, life->core, &alerts))
        continue;
    rt_alert_history_answer(&history, life->core, &out);
    rt_alert_history_free(&history);
    RT_ASSERT(rt_msgpack_check(rt_buffer_span(&out), RT_REPLY_NESTING));
    rt_buffer_clear(&out);
    rt_answer_dead_list(life->core, &dead, &out);
    RT_ASSERT(rt_msgpack_check(rt_buffer_span(&out), RT_REPLY_NESTING));
    rt_buffer_free(&out);
}

static void count_one(struct life *life)
{
    struct rt_buffer packed = {0};
    struct rt_event event;
    struct rt_fault fault;
    struct rt_place place;
    rt_position position;

    rt_write_map(&packed, 4);
    rt_write_key_text(&packed, "id", "one more");
    rt_write_key_text(&packed, "type", "call");
    rt_write_key_text(&packed, "account", "A");
    rt_write_key_int(&packed, "ts", NOW);
    RT_ASSERT(rt_event_decode(rt_buffer_span(&packed), NOW, RT_EVENT_BYTES, &event, &fault) ==
              RT_OK);
    RT_ASSERT(rt_journal_reserve(life->journal, packed.size, 1));
    RT_ASSERT(rt_core_locate(life->core, event.account, &place));
    RT_ASSERT(rt_core_event(life->core, place, &event, NOW, false, &position));
    RT_ASSERT(rt_dedupe_add(life->dedupe, rt_identity(&event), position));
    rt_buffer_free(&packed);
}

static void commit(struct life *life)
{
    char error[RT_JOURNAL_ERROR];

    rt_journal_commit(life->journal, NOW, life->core->config_epoch);
    RT_ASSERT(rt_journal_wait(life->journal, error) == RT_JOURNAL_DONE);
}

static void is_there(const struct life *life)
{
    rt_position found[RT_DEDUPE_CANDIDATES];
    struct rt_record record;
    struct rt_event event;
    struct rt_fault fault;
    struct rt_span account = rt_span_text("A"), id = rt_span_text("one more");
    const struct rt_event sought = {.id = id, .account = account, .source = rt_span("", 0)};
    size_t count = rt_dedupe_find(life->dedupe, rt_identity(&sought), found);

    RT_ASSERT(count >= 1 && rt_core_find(life->core, account) != NULL);
    RT_ASSERT(rt_journal_read(life->journal, found[0], &record));
    RT_ASSERT(rt_event_decode_accepted(record.body, &event, &fault) == RT_OK &&
              rt_span_equal(event.id, id));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t events[RT_EVENT_TYPES], accounts;
    char error[RT_JOURNAL_ERROR];
    struct life life;
    bool clean;

    write_files(data, size);
    clean = verify();
    if (!begin(&life, error)) {
        RT_ASSERT(!clean);
        return 0;
    }
    count_one(&life);
    commit(&life);
    is_there(&life);
    memcpy(events, life.core->events, sizeof(events));
    accounts = life.core->accounts;
    end(&life);
    RT_ASSERT(begin(&life, error));
    is_there(&life);
    report(&life);
    RT_ASSERT(memcmp(events, life.core->events, sizeof(events)) == 0);
    RT_ASSERT(accounts == life.core->accounts);
    end(&life);
    return 0;
}

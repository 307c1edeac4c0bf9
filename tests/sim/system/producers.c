/* Three producers on 7600, who send until everything is acknowledged, and one on the firehose. They
 * send in batches of any size, in any order, some of it again though it was acknowledged, some of it
 * as quiet loads, some of it faulty; a refusal, a daemon that is gone and silence mean: again.
 *
 * What must hold of each answer: its numbers add up, what was acknowledged before is a duplicate, the
 * faulty ones and only they are rejected, and it comes within limits.answer_ms. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/batch.h"
#include "tests/sim/system/world.h"

enum {
    PRODUCERS = 3,
    PUSHES = 8,       /* in flight for each */
    BATCH = 25,       /* events, at most */
    AHEAD = 120,      /* events that were drawn and not yet acknowledged, at most */
    ANSWER_MS = 3000, /* limits.answer_ms of the configuration */
    SLACK_MS = 1500,  /* ticks, the network */
    PAUSE_MS = 300,
};

struct push {
    unsigned serial; /* 0: free */
    unsigned life;
    int64_t sent_at;
    unsigned count;
    unsigned entries[BATCH];
    unsigned acked_before; /* of the entries: when it was sent */
};

struct sim_entry sim_entries[SIM_EVENTS];
unsigned sim_entry_count;

static struct push pushes[PRODUCERS][PUSHES];
static unsigned serial;
static bool frozen[SIM_ACCOUNTS];
/* Sent and not answered for good: what a worker may still take, though its sender was told `busy`. */
static unsigned loose[SIM_ACCOUNTS];
static unsigned loose_life;

/* ---- events ---------------------------------------------------------------------------------- */

static unsigned waiting_count(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < sim_entry_count; i++)
        count += sim_entries[i].fate == SIM_WAITS;
    return count;
}

static void draw_entries(void)
{
    for (unsigned more = (unsigned)os_draw(20);
         more > 0 && sim_entry_count < SIM_EVENTS && waiting_count() < AHEAD; more--) {
        struct sim_entry *entry = &sim_entries[sim_entry_count++];
        unsigned account = (unsigned)os_draw(SIM_ACCOUNTS);

        while (frozen[account])
            account = (account + 1) % SIM_ACCOUNTS;
        *entry = (struct sim_entry){.fate = SIM_WAITS};
        sim_event_draw(&entry->event, account, sim_entry_count, os_wall_ms());
        if (os_chance(40))
            entry->event.fault = 1 + (unsigned)os_draw(5);
        else if (!sim_has_firehose(account) && os_chance(sim_plan.poison)) {
            entry->event.type = RT_CALL;
            entry->event.outcome = RT_OUTCOME_NONE;
            entry->event.poison = true;
        }
    }
}

void sim_account_freeze(unsigned account, bool on)
{
    frozen[account] = on;
}

bool sim_account_rests(unsigned account)
{
    if (loose[account] > 0 || sim_has_firehose(account))
        return false;
    for (unsigned i = 0; i < sim_entry_count; i++)
        if (sim_entries[i].event.account == account && sim_entries[i].fate == SIM_SENT)
            return false;
    return true;
}

void sim_account_was_erased(unsigned account)
{
    for (unsigned i = 0; i < sim_entry_count; i++)
        if (sim_entries[i].event.account == account && sim_entries[i].fate == SIM_ACKED)
            sim_entries[i].fate = SIM_ERASED;
}

void sim_account_bounds(unsigned account, int64_t must[RT_EVENT_TYPES], int64_t may[RT_EVENT_TYPES])
{
    memset(must, 0, RT_EVENT_TYPES * sizeof(*must));
    memset(may, 0, RT_EVENT_TYPES * sizeof(*may));
    for (unsigned i = 0; i < sim_entry_count; i++) {
        const struct sim_entry *entry = &sim_entries[i];

        if (entry->event.account != account || entry->event.fault != 0 || entry->event.poison ||
            entry->fate == SIM_ERASED)
            continue;
        must[entry->event.type] += entry->fate == SIM_ACKED;
        may[entry->event.type] += entry->ever_sent;
    }
}

/* ---- sending --------------------------------------------------------------------------------- */

struct parcel {
    char address[32];
    struct rt_buffer payload;
    char identity[8];
    uint8_t correlation[8];
    bool has_delimiter, firehose;
    unsigned life; /* of the daemon it was sent to: a connection ends with it */
};

static void arrive(void *context)
{
    struct parcel *parcel = context;
    struct os_message message = {0};

    if (!parcel->firehose) {
        message.frames[message.count++] =
            (struct os_frame){parcel->identity, strlen(parcel->identity)};
        message.frames[message.count++] = (struct os_frame){parcel->correlation, 8};
        if (parcel->has_delimiter)
            message.frames[message.count++] = (struct os_frame){"", 0};
    }
    message.frames[message.count++] = (struct os_frame){parcel->payload.data, parcel->payload.size};
    if (parcel->life == sim_life())
        os_sockets_put(parcel->address, &message);
    rt_buffer_free(&parcel->payload);
    free(parcel);
}

static struct parcel *parcel_new(const char *address)
{
    struct parcel *parcel = calloc(1, sizeof(*parcel));

    OS_CHECK(parcel != NULL, "no memory for a message");
    snprintf(parcel->address, sizeof(parcel->address), "%s", address);
    parcel->life = sim_life();
    return parcel;
}

static void post(struct parcel *parcel)
{
    OS_CHECK(!parcel->payload.failed, "no memory for a payload");
    os_at(os_now_ns() + (int64_t)os_draw(os_chance(10) ? 200 * SIM_MS : 2 * SIM_MS), arrive,
          parcel);
}

/* One event alone, an array, or a map with options. */
static void pack_batch(const unsigned *entries, unsigned count, struct rt_buffer *out)
{
    bool quiet = os_draw(5) == 0;

    if (quiet || os_draw(4) == 0) {
        rt_write_map(out, 2);
        rt_write_key_bool(out, "quiet", quiet);
        rt_write_text(out, "events");
        rt_write_array(out, count);
    } else if (count > 1 || os_draw(2) == 0) {
        rt_write_array(out, count);
    }
    for (unsigned i = 0; i < count; i++)
        sim_event_pack(&sim_entries[entries[i]].event, out);
}

static bool may_be_sent(const struct sim_entry *entry, bool again)
{
    return !frozen[entry->event.account] && !entry->firehose &&
           entry->fate == (again ? SIM_ACKED : SIM_WAITS);
}

/* A place from `start` on, round the end; sim_entry_count if there is none. */
static unsigned next_that_may(unsigned start, bool again)
{
    for (unsigned i = 0; i < sim_entry_count; i++) {
        unsigned place = (start + i) % sim_entry_count;

        if (may_be_sent(&sim_entries[place], again))
            return place;
    }
    return sim_entry_count;
}

/* Waiting entries, in any order, and now and then one that was acknowledged already. */
static unsigned choose(unsigned *entries)
{
    unsigned want = 1 + (unsigned)os_draw(BATCH), count = 0;

    while (want-- > 0 && sim_entry_count > 0) {
        unsigned place = next_that_may((unsigned)os_draw(sim_entry_count), os_draw(12) == 0);
        bool twice = place == sim_entry_count;

        for (unsigned i = 0; i < count; i++)
            twice = twice || entries[i] == place;
        if (!twice)
            entries[count++] = place;
    }
    return count;
}

static void note_sent(struct push *push)
{
    push->acked_before = 0;
    for (unsigned i = 0; i < push->count; i++) {
        struct sim_entry *entry = &sim_entries[push->entries[i]];

        push->acked_before += entry->fate == SIM_ACKED;
        entry->ever_sent = true;
        if (entry->fate == SIM_WAITS)
            entry->fate = SIM_SENT;
        loose[entry->event.account]++;
    }
}

static void send_push(unsigned producer, struct push *push)
{
    struct parcel *parcel;
    unsigned count;

    *push = (struct push){0};
    count = choose(push->entries);
    if (count == 0)
        return;
    push->count = count;
    push->serial = ++serial;
    push->life = sim_life();
    push->sent_at = os_now_ns();
    note_sent(push);
    parcel = parcel_new("ipc://events");
    snprintf(parcel->identity, sizeof(parcel->identity), "p%u", producer);
    memcpy(parcel->correlation, &push->serial, sizeof(push->serial));
    parcel->has_delimiter = os_draw(2) == 0;
    pack_batch(push->entries, count, &parcel->payload);
    os_trace("p%u sends push %u of %u events", producer, push->serial, count);
    post(parcel);
}

/* A push that the daemon never saw, because it was not there, is not its to answer. */
static void send_firehose(void)
{
    unsigned entries[BATCH], count = choose(entries), left = 0;
    struct parcel *parcel;

    for (unsigned i = 0; i < count; i++)
        if (sim_has_firehose(sim_entries[entries[i]].event.account) &&
            sim_entries[entries[i]].fate == SIM_WAITS)
            entries[left++] = entries[i];
    if (left == 0 || os_sockets_waiting("ipc://firehose") > 50)
        return;
    for (unsigned i = 0; i < left; i++) {
        sim_entries[entries[i]].fate = SIM_SENT;
        sim_entries[entries[i]].firehose = sim_entries[entries[i]].ever_sent = true;
    }
    parcel = parcel_new("ipc://firehose");
    parcel->firehose = true;
    pack_batch(entries, left, &parcel->payload);
    post(parcel);
}

/* The processes that might have taken what was given up are gone: what is under way remains. */
static void recount_loose(void)
{
    memset(loose, 0, sizeof(loose));
    loose_life = sim_life();
    for (unsigned producer = 0; producer < PRODUCERS; producer++)
        for (unsigned i = 0; i < PUSHES; i++)
            for (unsigned j = 0; pushes[producer][i].serial != 0 && j < pushes[producer][i].count;
                 j++)
                loose[sim_entries[pushes[producer][i].entries[j]].event.account]++;
}

static void work(void *context)
{
    unsigned producer = (unsigned)(uintptr_t)context;

    if (!sim_faults_ceased())
        draw_entries();
    if (loose_life != sim_life() && sim_life_served_at(os_now_ns()))
        recount_loose();
    for (unsigned i = 0; i < PUSHES && (waiting_count() > 0 || !sim_faults_ceased()); i++)
        if (pushes[producer][i].serial == 0 && os_draw(4) == 0)
            send_push(producer, &pushes[producer][i]);
    if (!sim_faults_ceased() && os_chance(sim_plan.firehose))
        send_firehose();
    os_at(os_now_ns() + (int64_t)os_draw(PAUSE_MS * SIM_MS), work, context);
}

void sim_producers_begin(void)
{
    for (unsigned i = 0; i < PRODUCERS; i++)
        os_at(os_now_ns() + (int64_t)os_draw(PAUSE_MS * SIM_MS), work, (void *)(uintptr_t)i);
}

/* ---- answers --------------------------------------------------------------------------------- */

static void give_up(struct push *push)
{
    for (unsigned i = 0; i < push->count; i++)
        if (sim_entries[push->entries[i]].fate == SIM_SENT)
            sim_entries[push->entries[i]].fate = SIM_WAITS;
    push->serial = 0;
}

static struct push *find_push(const struct os_message *message)
{
    unsigned producer, wanted;

    OS_CHECK(message->count >= 3 && message->frames[0].size == 2 && message->frames[1].size == 8,
             "an answer with another envelope than its push");
    producer = (unsigned)(((const char *)message->frames[0].data)[1] - '0');
    memcpy(&wanted, message->frames[1].data, sizeof(wanted));
    for (unsigned i = 0; i < PUSHES; i++)
        if (pushes[producer][i].serial == wanted && pushes[producer][i].life == sim_life())
            return &pushes[producer][i];
    return NULL; /* it has been given up */
}

/* The rejected ones by index; returns how many. */
static unsigned read_rejections(struct rt_push_reply *reply, const struct push *push,
                                bool rejected[BATCH])
{
    unsigned count = 0;
    uint32_t index;
    enum rt_error code;
    struct rt_span text;

    memset(rejected, 0, BATCH * sizeof(*rejected));
    while (rt_push_reply_next(reply, &index, &code, &text)) {
        OS_CHECK(index < push->count && !rejected[index], "rejected: index %u of %u", index,
                 push->count);
        OS_CHECK(sim_fault_allows(&sim_entries[push->entries[index]].event, code),
                 "event %u is rejected with code %d: %.*s",
                 sim_entries[push->entries[index]].event.number, code, (int)text.size,
                 (const char *)text.data);
        rejected[index] = true;
        count++;
    }
    return count;
}

static void take_answer(struct push *push, struct rt_push_reply *reply)
{
    bool rejected[BATCH];
    unsigned count = read_rejections(reply, push, rejected);

    OS_CHECK(reply->accepted + reply->duplicate + count == push->count,
             "the answer to a push of %u: %u accepted, %u duplicate, %u rejected", push->count,
             reply->accepted, reply->duplicate, count);
    for (unsigned i = 0; i < push->count && reply->duplicate < push->acked_before; i++)
        os_trace("event %u of account.%u, fate %d%s", sim_entries[push->entries[i]].event.number,
                 sim_entries[push->entries[i]].event.account, sim_entries[push->entries[i]].fate,
                 rejected[i] ? ", rejected" : "");
    OS_CHECK(reply->duplicate >= push->acked_before,
             "%u had been acknowledged, %u are told to be duplicates", push->acked_before,
             reply->duplicate);
    for (unsigned i = 0; i < push->count; i++) {
        struct sim_entry *entry = &sim_entries[push->entries[i]];

        loose[entry->event.account]--;
        OS_CHECK(rejected[i] || (entry->event.fault == 0 && !entry->event.poison),
                 "event %u, fault %u, was accepted", entry->event.number, entry->event.fault);
        if (entry->fate == SIM_SENT || entry->fate == SIM_WAITS)
            entry->fate = rejected[i] ? SIM_OVER : SIM_ACKED;
    }
    push->serial = 0;
}

void sim_producers_hear(const struct os_message *message)
{
    const struct os_frame *payload = &message->frames[message->count - 1];
    struct push *push = find_push(message);
    struct rt_push_reply reply;

    OS_CHECK(rt_push_reply_decode(rt_span(payload->data, payload->size), &reply),
             "an answer that is no push reply");
    os_trace("push %u is answered%s: %s", push == NULL ? 0 : push->serial,
             push == NULL ? ", too late" : "", rt_error_name(reply.error));
    if (push == NULL)
        return;
    if (reply.error != RT_OK) {
        OS_CHECK(reply.error == RT_BUSY || reply.error == RT_STOPPING,
                 "a push is refused with code %d: %.*s", reply.error, (int)reply.message.size,
                 (const char *)reply.message.data);
        give_up(push);
    } else {
        take_answer(push, &reply);
    }
}

void sim_producers_lost(void)
{
    for (unsigned producer = 0; producer < PRODUCERS; producer++)
        for (unsigned i = 0; i < PUSHES; i++)
            if (pushes[producer][i].serial != 0)
                give_up(&pushes[producer][i]);
}

/* Every push is answered, or its sender told `busy`, within limits.answer_ms. A push that came while
 * nobody listened was lost on its way. */
void sim_producers_check(void)
{
    int64_t limit = os_now_ns() - (ANSWER_MS + SLACK_MS) * (int64_t)SIM_MS;

    for (unsigned producer = 0; producer < PRODUCERS; producer++)
        for (unsigned i = 0; i < PUSHES; i++) {
            struct push *push = &pushes[producer][i];

            if (push->serial == 0 || push->sent_at > limit)
                continue;
            OS_CHECK(!sim_life_served_at(push->sent_at), "push %u was not answered", push->serial);
            give_up(push);
        }
}

void sim_producers_tell(void)
{
    for (unsigned i = 0; i < sim_entry_count; i++)
        if (sim_entries[i].fate == SIM_WAITS)
            os_trace("event %u of account.%u waits, fault %u%s", sim_entries[i].event.number,
                     sim_entries[i].event.account, sim_entries[i].event.fault,
                     frozen[sim_entries[i].event.account] ? ", frozen" : "");
}

bool sim_producers_done(void)
{
    for (unsigned producer = 0; producer < PRODUCERS; producer++)
        for (unsigned i = 0; i < PUSHES; i++)
            if (pushes[producer][i].serial != 0)
                return false;
    return waiting_count() == 0;
}

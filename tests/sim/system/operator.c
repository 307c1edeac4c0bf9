/* Queries while everything goes on: what was acknowledged before a question is in its answer, what was
 * never sent is not. Operators erase accounts, acknowledge and snooze alerts. The audit at the end
 * asks for everything and compares it with the model to the last event. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/batch.h"
#include "protocol/query.h"
#include "tests/sim/system/world.h"

enum { ASKS = 4, ANSWER_MS = 3000, SLACK_MS = 1500, PAUSE_MS = 400, LIMIT = 1000 };

enum kind { GET, ERASE, HOLD, LIST, REPORT, STATS, DEAD, ALERTS, TIMELINE, KINDS };

struct ask {
    unsigned serial; /* 0: free */
    enum kind kind;
    unsigned life, account;
    int64_t sent_at, at;
    bool snooze, is_void; /* void: its account was erased meanwhile */
    int64_t must[RT_EVENT_TYPES];
};

/* The one erase under way. */
static struct {
    bool wanted, asked, tried;
    unsigned account;
} erase;

/* The audit, one question after the other. */
static struct {
    bool on, done, asked;
    unsigned account;
    bool has_timeline;
    const struct sim_event *events[SIM_EVENTS];
    size_t count;
    char cursor[32];
} audit;

static struct ask asks[ASKS];
static unsigned serial;
static int64_t newest_wall;
static bool snoozed[SIM_ACCOUNTS];

bool sim_is_snoozed(unsigned account)
{
    return snoozed[account];
}

/* ---- asking ---------------------------------------------------------------------------------- */

struct question {
    struct rt_buffer payload;
    uint8_t correlation[8];
    unsigned life;
};

static void arrive(void *context)
{
    struct question *question = context;
    struct os_message message = {.count = 3,
                                 .frames = {{"q", 1},
                                            {question->correlation, 8},
                                            {question->payload.data, question->payload.size}}};

    if (question->life == sim_life())
        os_sockets_put("ipc://query", &message);
    rt_buffer_free(&question->payload);
    free(question);
}

static struct ask *free_ask(void)
{
    for (unsigned i = 0; i < ASKS; i++)
        if (asks[i].serial == 0)
            return &asks[i];
    return NULL;
}

static struct question *question_new(struct ask *ask, enum kind kind, unsigned account)
{
    struct question *question = calloc(1, sizeof(*question));
    int64_t may[RT_EVENT_TYPES];

    OS_CHECK(question != NULL, "no memory for a question");
    *ask = (struct ask){.serial = ++serial,
                        .kind = kind,
                        .account = account,
                        .life = sim_life(),
                        .sent_at = os_now_ns()};
    question->life = sim_life();
    memcpy(question->correlation, &ask->serial, sizeof(ask->serial));
    sim_account_bounds(account, ask->must, may);
    return question;
}

static void post(struct question *question)
{
    OS_CHECK(!question->payload.failed, "no memory for a question");
    os_at(os_now_ns() + (int64_t)os_draw(3 * SIM_MS), arrive, question);
}

static void write_op(struct question *question, const char *op, unsigned account, unsigned more)
{
    char name[24];

    sim_account_name(account, name);
    rt_write_map(&question->payload, 2 + more);
    rt_write_key_text(&question->payload, "op", op);
    rt_write_key_text(&question->payload, "account", name);
}

static void ask_account(struct ask *ask, const char *op, enum kind kind, unsigned account)
{
    struct question *question = question_new(ask, kind, account);

    write_op(question, op, account, 0);
    post(question);
}

static void ask_get_at(struct ask *ask, unsigned account)
{
    struct question *question = question_new(ask, GET, account);

    ask->at = newest_wall + 3600000;
    write_op(question, "account.get", account, 1);
    rt_write_key_int(&question->payload, "at", ask->at);
    post(question);
}

static void ask_plain(struct ask *ask, const char *op, enum kind kind)
{
    struct question *question = question_new(ask, kind, 0);

    rt_write_map(&question->payload, 1);
    rt_write_key_text(&question->payload, "op", op);
    post(question);
}

static void ask_timeline(struct ask *ask, unsigned account)
{
    struct question *question = question_new(ask, TIMELINE, account);

    write_op(question, "account.timeline", account, 1);
    rt_write_key_int(&question->payload, "limit", LIMIT);
    post(question);
}

static void ask_alerts(struct ask *ask)
{
    struct question *question = question_new(ask, ALERTS, 0);
    bool on = audit.cursor[0] != '\0';

    rt_write_map(&question->payload, 2 + on);
    rt_write_key_text(&question->payload, "op", "alert.list");
    rt_write_key_int(&question->payload, "limit", 20);
    if (on)
        rt_write_key_text(&question->payload, "since", audit.cursor);
    post(question);
}

static void ask_hold(struct ask *ask)
{
    char id[48];
    unsigned account;
    struct question *question;

    if (!sim_open_alert(id, &account))
        return;
    question = question_new(ask, HOLD, account);
    ask->snooze = os_draw(3) == 0;
    if (ask->snooze)
        snoozed[account] = true;
    rt_write_map(&question->payload, 3);
    rt_write_key_text(&question->payload, "op", ask->snooze ? "alert.snooze" : "alert.ack");
    rt_write_key_text(&question->payload, "id", id);
    rt_write_key_int(&question->payload, "until", newest_wall + 5000 + (int64_t)os_draw(60000));
    post(question);
}

/* An account at rest is erased; until the answer is there nothing is sent to it. */
static void go_on_erasing(struct ask *ask)
{
    if (!erase.wanted && !sim_faults_ceased() && os_chance(sim_plan.erase)) {
        erase.account =
            SIM_FIREHOSE_ACCOUNTS + (unsigned)os_draw(SIM_ACCOUNTS - SIM_FIREHOSE_ACCOUNTS);
        erase.wanted = true;
        erase.tried = false;
        sim_account_freeze(erase.account, true);
    }
    if (erase.wanted && !erase.asked && !erase.tried && sim_faults_ceased()) {
        erase.wanted = false; /* it would wait for a life that does not come */
        sim_account_freeze(erase.account, false);
    }
    if (!erase.wanted || erase.asked || !sim_account_rests(erase.account))
        return;
    erase.asked = true;
    ask_account(ask, "account.erase", ERASE, erase.account);
}

/* Now and then a filter. */
static unsigned filter(struct rt_buffer *out, const char *key, const char *const *words,
                       unsigned count)
{
    if (os_draw(3) != 0)
        return 0;
    rt_write_key_text(out, key, words[os_draw(count)]);
    return 1;
}

/* A list with any filters and in any order: read, and answered by all workers. */
static void ask_list(struct ask *ask, const char *op, enum kind kind)
{
    static const char *const owners[] = {"-", "kim", "lee"}, *const tiers[] = {"key", "national"};
    static const char *const bands[] = {"healthy", "watch", "at_risk"};
    static const char *const sorts[] = {"account", "score", "-score", "value", "renewal"};
    static const char *const kinds[] = {"churn_risk", "silence", "ticket_overdue", "sentiment"};
    static const char *const severities[] = {"info", "warning", "critical"};
    struct question *question = question_new(ask, kind, 0);
    struct rt_buffer *out = &question->payload;
    size_t mark = rt_write_map_begin(out);
    unsigned pairs = 2;

    rt_write_key_text(out, "op", op);
    rt_write_key_int(out, "limit", 1 + (int64_t)os_draw(8));
    pairs += filter(out, "owner", owners, 3);
    pairs += filter(out, "tier", tiers, 2);
    pairs += filter(out, "band", bands, 3);
    pairs += filter(out, "sort", sorts, 5);
    pairs += filter(out, "kind", kinds, 4);
    pairs += filter(out, "severity", severities, 3);
    if (os_draw(2) == 0 && ++pairs)
        rt_write_key_bool(out, "open", true);
    rt_write_end(out, mark, pairs);
    post(question);
}

/* A dead letter: fed again, or dropped. */
static void ask_letter(struct ask *ask)
{
    struct question *question = question_new(ask, DEAD, 0);
    char id[24];

    snprintf(id, sizeof(id), "%u-%u", (unsigned)os_draw(16), 1 + (unsigned)os_draw(4));
    rt_write_map(&question->payload, 2);
    rt_write_key_text(&question->payload, "op", os_draw(3) == 0 ? "dead.retry" : "dead.drop");
    rt_write_key_text(&question->payload, "id", id);
    post(question);
}

static void ask_something(struct ask *ask)
{
    switch (os_draw(8)) {
    case 0:
        ask_hold(ask);
        break;
    case 1:
        ask_list(ask, os_draw(2) == 0 ? "account.list" : "alert.list", LIST);
        break;
    case 2:
        ask_plain(ask, "stats", STATS);
        break;
    case 3:
        if (os_draw(2) == 0)
            ask_letter(ask);
        else
            ask_list(ask, "dead.list", DEAD);
        break;
    case 4:
        ask_list(ask, os_draw(2) == 0 ? "report.portfolio" : "report.management", REPORT);
        break;
    default:
        ask_account(ask, "account.get", GET, (unsigned)os_draw(SIM_ACCOUNTS));
    }
}

static void go_on_auditing(void)
{
    if (!audit.on || audit.asked)
        return;
    audit.asked = true;
    if (audit.account == SIM_ACCOUNTS)
        ask_alerts(&asks[0]);
    else if (audit.has_timeline)
        ask_get_at(&asks[0], audit.account);
    else
        ask_timeline(&asks[0], audit.account);
}

static void work(void *context)
{
    struct ask *ask = free_ask();

    (void)context;
    if (os_wall_ms() > newest_wall)
        newest_wall = os_wall_ms();
    if (audit.on) {
        go_on_auditing();
    } else if (ask != NULL) {
        go_on_erasing(ask);
        if (ask->serial == 0 && !sim_faults_ceased())
            ask_something(ask);
    }
    os_at(os_now_ns() + (int64_t)os_draw((audit.on ? 2 : PAUSE_MS) * SIM_MS), work, NULL);
}

void sim_operator_begin(void)
{
    work(NULL);
}

bool sim_operator_idle(void)
{
    for (unsigned i = 0; i < ASKS; i++)
        if (asks[i].serial != 0)
            return false;
    return !erase.wanted;
}

/* ---- answers --------------------------------------------------------------------------------- */

static bool is_being_erased(unsigned account)
{
    return erase.wanted && erase.account == account && (erase.asked || erase.tried);
}

static void check_get(const struct ask *ask, struct rt_span reply)
{
    int64_t must[RT_EVENT_TYPES], may[RT_EVENT_TYPES];
    struct rt_reader events;

    sim_account_bounds(ask->account, must, may);
    OS_CHECK(sim_find(reply, "events", &events), "account.get without events");
    for (int type = 0; type < RT_EVENT_TYPES; type++) {
        struct rt_span map = rt_span(events.at, (size_t)(events.end - events.at));
        int64_t count = sim_find_int(map, rt_event_type_name((enum rt_event_type)type), 0);

        OS_CHECK(count >= ask->must[type] && count <= may[type],
                 "account.%u has %" PRId64 " of type %d; at least %" PRId64 " were acknowledged, "
                 "at most %" PRId64 " were sent",
                 ask->account, count, type, ask->must[type], may[type]);
    }
}

static bool has_must(const struct ask *ask)
{
    for (int type = 0; type < RT_EVENT_TYPES; type++)
        if (ask->must[type] > 0)
            return true;
    return false;
}

static void erased(void)
{
    sim_account_was_erased(erase.account);
    sim_subscriber_forget(erase.account);
    sim_account_freeze(erase.account, false);
    for (unsigned i = 0; i < ASKS; i++)
        if (asks[i].account == erase.account)
            asks[i].is_void = true;
    erase.wanted = erase.asked = false;
}

static void take_erased(const struct ask *ask, struct rt_span reply)
{
    int64_t must = 0, may = 0, musts[RT_EVENT_TYPES], mays[RT_EVENT_TYPES];
    int64_t events = sim_find_int(reply, "events", -1);

    sim_account_bounds(ask->account, musts, mays);
    for (int type = 0; type < RT_EVENT_TYPES; type++) {
        must += musts[type];
        may += mays[type];
    }
    OS_CHECK(events <= may && (erase.tried || events >= must),
             "account.erase: %" PRId64 " events; %" PRId64 " to %" PRId64 " are right", events,
             must, may);
    erased();
}

/* It is over, or the clock was set and `until` lies behind. */
static bool is_fine_for_hold(const char *code)
{
    return strcmp(code, "not_open") == 0 || strcmp(code, "bad_request") == 0;
}

static void take_refusal(struct ask *ask, struct rt_span reply)
{
    char code[32] = "";

    sim_find_text(reply, "error", code, sizeof(code));
    if (ask->kind == DEAD || (ask->kind == REPORT && strcmp(code, "bad_request") == 0))
        return; /* there is no such letter, or what it holds is refused again; an owner is needed */
    if (strcmp(code, "not_found") == 0) {
        OS_CHECK(ask->is_void || !has_must(ask) || ask->kind == HOLD ||
                     (ask->kind == ERASE ? erase.tried : is_being_erased(ask->account)),
                 "account.%u is not found", ask->account);
        if (ask->kind == ERASE)
            erased();
        return;
    }
    OS_CHECK(strcmp(code, "unavailable") == 0 || strcmp(code, "busy") == 0 ||
                 strcmp(code, "stopping") == 0 || (ask->kind == HOLD && is_fine_for_hold(code)),
             "question %u of kind %d is refused: %s", ask->serial, ask->kind, code);
    if (ask->kind == ERASE) {
        erase.asked = false;
        erase.tried = true;
    }
}

/* ---- audit ----------------------------------------------------------------------------------- */

void sim_audit_begin(void)
{
    memset(&audit, 0, sizeof(audit));
    audit.on = true;
    sim_history_begin();
}

bool sim_audit_done(void)
{
    return audit.done;
}

static const struct sim_entry *entry_of(struct rt_span event)
{
    char id[32];
    const char *dash;
    unsigned long number;

    OS_CHECK(sim_find_text(event, "id", id, sizeof(id)), "an event without an id");
    dash = strrchr(id, '-');
    number = dash == NULL ? 0 : strtoul(dash + 1, NULL, 10);
    OS_CHECK(number > 0 && number <= sim_entry_count, "event %s was never sent", id);
    return &sim_entries[number - 1];
}

/* The same bytes, once, and of this account. */
static void take_event(struct rt_span event)
{
    const struct sim_entry *entry = entry_of(event);
    struct rt_buffer packed = {0};

    sim_event_pack(&entry->event, &packed);
    OS_CHECK(packed.size == event.size && memcmp(packed.data, event.data, event.size) == 0,
             "event %u is not as it was sent", entry->event.number);
    rt_buffer_free(&packed);
    OS_CHECK(entry->event.account == audit.account && entry->ever_sent && entry->event.fault == 0 &&
                 !entry->event.poison,
             "event %u counts in account.%u", entry->event.number, audit.account);
    OS_CHECK(entry->fate != SIM_ERASED, "event %u was erased", entry->event.number);
    for (size_t i = 0; i < audit.count; i++)
        OS_CHECK(audit.events[i] != &entry->event, "event %u is there twice", entry->event.number);
    audit.events[audit.count++] = &entry->event;
}

static bool is_in_audit(const struct sim_event *event)
{
    for (size_t i = 0; i < audit.count; i++)
        if (audit.events[i] == event)
            return true;
    return false;
}

static void take_timeline(struct rt_span reply)
{
    struct rt_reader events;
    uint32_t count;

    audit.count = 0;
    OS_CHECK(sim_find(reply, "events", &events) && rt_read_array(&events, &count),
             "a timeline without events");
    OS_CHECK(count < LIMIT, "an account of more events than the simulation is made for");
    for (; count > 0; count--) {
        struct rt_span event;

        OS_CHECK(rt_read_skip(&events, &event), "a timeline cannot be read");
        take_event(event);
    }
    for (unsigned i = 0; i < sim_entry_count; i++)
        OS_CHECK(sim_entries[i].event.account != audit.account ||
                     sim_entries[i].fate != SIM_ACKED || is_in_audit(&sim_entries[i].event),
                 "event %u was acknowledged and is not there", sim_entries[i].event.number);
    audit.has_timeline = true;
}

static void compare_text(struct rt_span reply, const char *key, const char *expected)
{
    char text[64] = "";

    sim_find_text(reply, key, text, sizeof(text));
    OS_CHECK(strcmp(text, expected) == 0, "account.%u: %s is %s, should be %s", audit.account, key,
             text, expected);
}

static void compare_int(struct rt_span reply, const char *key, int64_t expected)
{
    int64_t found = sim_find_int(reply, key, -1);

    OS_CHECK(found == expected, "account.%u: %s is %" PRId64 ", should be %" PRId64, audit.account,
             key, found, expected);
}

static void compare_account(const struct ask *ask, struct rt_span reply)
{
    struct sim_account model;
    struct rt_reader value;
    double score;

    sim_model(audit.events, audit.count, &sim_parameters, ask->at, &model);
    OS_CHECK(sim_find(reply, "events", &value), "account.get without events");
    for (int type = 0; type < RT_EVENT_TYPES; type++)
        OS_CHECK(sim_find_int(rt_span(value.at, (size_t)(value.end - value.at)),
                              rt_event_type_name((enum rt_event_type)type),
                              0) == model.events[type],
                 "account.%u: count of type %d", ask->account, type);
    compare_int(reply, "last_contact", model.has_contact ? model.last_contact : -1);
    compare_int(reply, "open_tickets", model.open_tickets);
    compare_text(reply, "owner", sim_owner_names[model.owner]);
    compare_text(reply, "tier", sim_tier_names[model.tier]);
    OS_CHECK(sim_find(reply, "score", &value) && rt_read_number(&value, &score),
             "account.get without a score");
    OS_CHECK(fabs(score - model.score) < 1e-6, "account.%u scores %.9f, the model says %.9f",
             ask->account, score, model.score);
}

static void take_history(struct rt_span reply)
{
    struct rt_reader alerts;
    uint32_t count;
    char cursor[32];

    OS_CHECK(sim_find(reply, "alerts", &alerts) && rt_read_array(&alerts, &count),
             "alert.list without alerts");
    OS_CHECK(sim_find_text(reply, "cursor", cursor, sizeof(cursor)), "alert.list without a cursor");
    for (uint32_t i = 0; i < count; i++) {
        struct rt_span message;

        OS_CHECK(rt_read_skip(&alerts, &message), "alert.list cannot be read");
        sim_history_add(message);
    }
    if (count == 0) {
        sim_history_end();
        audit.done = true;
        audit.on = false;
    }
    snprintf(audit.cursor, sizeof(audit.cursor), "%s", cursor);
}

static void take_audit(const struct ask *ask, struct rt_span reply, bool found)
{
    if (ask->kind == ALERTS) {
        take_history(reply);
    } else if (ask->kind == TIMELINE && found) {
        take_timeline(reply);
    } else if (ask->kind == GET && found) {
        compare_account(ask, reply);
        audit.account++;
        audit.has_timeline = false;
    } else { /* no such account: then nothing of it was acknowledged */
        audit.account++;
        audit.has_timeline = false;
    }
}

/* ---- what is heard --------------------------------------------------------------------------- */

static void take_answer(struct ask *ask, struct rt_span reply)
{
    struct rt_reader ok;
    bool good, in_audit = audit.on;
    char code[32] = "";

    OS_CHECK(sim_find(reply, "ok", &ok) && rt_read_bool(&ok, &good), "a reply without ok");
    sim_find_text(reply, "error", code, sizeof(code));
    if (!good)
        take_refusal(ask, reply);
    else if (ask->kind == GET && !ask->is_void && !in_audit && !is_being_erased(ask->account))
        check_get(ask, reply);
    else if (ask->kind == ERASE)
        take_erased(ask, reply);
    if (in_audit && (good || strcmp(code, "not_found") == 0))
        take_audit(ask, reply, good);
    audit.asked = false;
}

void sim_operator_hear(const struct os_message *message)
{
    const struct os_frame *payload = &message->frames[message->count - 1];
    unsigned wanted;

    OS_CHECK(message->count == 3 && message->frames[1].size == 8,
             "an answer with another envelope than its question");
    memcpy(&wanted, message->frames[1].data, sizeof(wanted));
    for (unsigned i = 0; i < ASKS; i++) {
        struct ask ask = asks[i];

        if (ask.serial != wanted || ask.life != sim_life())
            continue;
        asks[i].serial = 0;
        take_answer(&ask, rt_span(payload->data, payload->size));
    }
}

static void forget(struct ask *ask)
{
    if (ask->kind == ERASE) {
        erase.asked = false;
        erase.tried = true;
    }
    ask->serial = 0;
    audit.asked = false;
}

void sim_operator_lost(void)
{
    for (unsigned i = 0; i < ASKS; i++)
        if (asks[i].serial != 0)
            forget(&asks[i]);
}

void sim_operator_check(void)
{
    int64_t limit = os_now_ns() - (ANSWER_MS + SLACK_MS) * (int64_t)SIM_MS;

    for (unsigned i = 0; i < ASKS; i++) {
        if (asks[i].serial == 0 || asks[i].sent_at > limit)
            continue;
        OS_CHECK(!sim_life_served_at(asks[i].sent_at), "question %u was not answered",
                 asks[i].serial);
        forget(&asks[i]);
    }
}

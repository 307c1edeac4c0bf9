#include "tests/lib/tiny_daemon.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <xxhash.h>

#include "config/config.h"
#include "protocol/alert.h"
#include "protocol/event.h"
#include "protocol/partition.h"
#include "protocol/query.h"
#include "tests/lib/link_end.h"
#include "workers/worker.h"

enum {
    ALERTS = 1024,
    EVENT_TEXT = 64,
    DEADLINE_MS = 30000,
    BUSY_PAUSE_MS = 5,
    MANY = 1000, /* limit of a list: all there can be */
};

/* What an identity is: a function of it, so that what is sent again is the same event. */
enum kind { UNSENT, CALL, OPENED, RESOLVED };

struct said {
    uint64_t position, hash, number;
    unsigned account;
};

struct account {
    unsigned count; /* of identities, from 0 */
    unsigned char kind[RT_TINY_IDS];
    uint32_t bytes[RT_TINY_IDS];
    bool acked[RT_TINY_IDS];
    bool erased;                   /* and nothing was sent to it since */
    char open[RT_ALERT_KINDS][40]; /* id of the open episode, "" if none */
};

struct worker {
    pid_t pid;
    struct link_end link;
    uint32_t log;
    unsigned life;
    bool ready, stopped;
    struct rt_buffer answer; /* of the last query but erase */
};

static struct {
    struct rt_tiny_plan plan;
    struct rt_bad_log *log; /* shared */
    char *folder;
    char config[512];
    int64_t base_ms;
    uint32_t workers, first_log, generation;
    struct worker worker[RT_TINY_WORKERS];
    unsigned lives;
    uint64_t tag;
    struct account accounts[RT_TINY_ACCOUNTS];
    struct said said[ALERTS];
    size_t said_count;
    uint64_t number;
} tiny;

static _Noreturn void fail(const char *what)
{
    printf("FAIL %s (mode %d, call %ld of life %u, fault %d; state in %s)\n", what, tiny.plan.mode,
           tiny.plan.at, tiny.plan.life, tiny.plan.fault, tiny.folder);
    fflush(stdout);
    abort();
}

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail(#condition);                                                                      \
    } while (0)

static int64_t clock_ms(clockid_t id)
{
    struct timespec time;

    clock_gettime(id, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static struct rt_span name_of(unsigned account, char text[32])
{
    return rt_span(text, (size_t)sprintf(text, "tiny-account-%u?", account));
}

static struct worker *owner_of(unsigned account)
{
    char text[32];

    return &tiny.worker[rt_partition(name_of(account, text), RT_TINY_PARTITIONS) % tiny.workers];
}

static unsigned account_named(struct rt_span name)
{
    for (unsigned account = 0; account < RT_TINY_ACCOUNTS; account++) {
        char text[32];

        if (rt_span_equal(name, name_of(account, text)))
            return account;
    }
    fail("an account nobody has sent");
}

/* ---- processes ------------------------------------------------------------------------------- */

static void be_worker(int link, const struct rt_tiny_plan *plan)
{
    const char *wanted = getenv("SIM_LOG");
    int log = open(wanted != NULL ? wanted : "/dev/null", O_WRONLY | O_APPEND | O_CREAT, 0600);
    struct rt_worker *worker = calloc(1, sizeof(*worker));

    dup2(log, STDERR_FILENO);
    dup2(log, STDOUT_FILENO);
    if (link != RT_LINK_FD) {
        dup2(link, RT_LINK_FD);
        close(link);
    }
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (plan != NULL) {
        rt_bad_disk_tell(tiny.log);
        rt_bad_disk_begin(plan->mode, plan->at, plan->fault);
    }
    _exit(worker == NULL ? 2 : rt_worker_run(worker));
}

static char *config_text(void)
{
    struct rt_config config;
    char lines[sizeof(tiny.config)], *line, *rest = lines, *text;

    rt_config_init(&config);
    snprintf(lines, sizeof(lines), "%s", tiny.config);
    while ((line = strsep(&rest, "\n")) != NULL && line[0] != '\0') {
        char error[RT_CONFIG_ERROR], *value = strchr(line, '=');

        *value++ = '\0';
        CHECK(rt_config_set(&config, line, value, error));
    }
    text = rt_config_text(&config);
    CHECK(text != NULL);
    return text;
}

static void set_up(struct worker *worker)
{
    struct rt_buffer body = {0};
    char *text = config_text();

    rt_link_setup_encode(&body, &(struct rt_link_setup){
                                    .index = (uint32_t)(worker - tiny.worker),
                                    .count = tiny.workers,
                                    .partitions = RT_TINY_PARTITIONS,
                                    .log = worker->log,
                                    .state_dir = rt_span_text(tiny.folder),
                                    .config = rt_span_text(text),
                                    .version = rt_span_text(RT_VERSION),
                                });
    link_tell(&worker->link, RT_LINK_SETUP, 0, rt_buffer_span(&body));
    rt_buffer_free(&body);
    free(text);
}

static void spawn(struct worker *worker)
{
    int pair[2];

    worker->life = ++tiny.lives;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    fflush(stdout);
    worker->pid = fork();
    CHECK(worker->pid >= 0);
    if (worker->pid == 0) {
        close(pair[0]);
        for (size_t i = 0; i < RT_TINY_WORKERS; i++)
            if (&tiny.worker[i] != worker && tiny.worker[i].pid > 0)
                rt_disk_close(tiny.worker[i].link.fd);
        be_worker(pair[1], worker->life == tiny.plan.life ? &tiny.plan : NULL);
    }
    close(pair[1]);
    worker->link.fd = pair[0];
    worker->ready = worker->stopped = false;
    rt_buffer_clear(&worker->link.in);
    set_up(worker);
}

static int reap(struct worker *worker)
{
    int status;

    CHECK(waitpid(worker->pid, &status, 0) == worker->pid);
    close(worker->link.fd);
    worker->link.fd = -1;
    return status;
}

/* ---- alerts ---------------------------------------------------------------------------------- */

static void tell_number(struct worker *worker, const struct said *said)
{
    struct rt_buffer body = {0};

    rt_put_u64(&body, said->position);
    rt_put_u64(&body, said->number);
    link_tell(&worker->link, RT_LINK_PUBLISHED, 0, rt_buffer_span(&body));
    rt_buffer_free(&body);
}

static struct said *said_at(uint64_t position)
{
    for (size_t i = 0; i < tiny.said_count; i++)
        if (tiny.said[i].position == position)
            return &tiny.said[i];
    return NULL;
}

/* An episode begins with a new id, and keeps it until it is cleared. */
static void follow_episode(unsigned account, struct rt_span map)
{
    struct rt_alert alert;
    char *open;

    CHECK(rt_alert_decode(map, &alert) && alert.id.size < 40);
    open = tiny.accounts[account].open[alert.kind];
    if (alert.state == RT_RAISED) {
        CHECK(open[0] == '\0');
        snprintf(open, 40, "%.*s", (int)alert.id.size, alert.id.data);
    }
    CHECK(rt_span_is(alert.id, open));
    if (alert.state == RT_CLEARED)
        open[0] = '\0';
}

/* Numbers are given once; now and then the worker is not told, as if the daemon had died. */
static void take_alert(struct worker *worker, struct rt_span body)
{
    struct rt_link_alert alert;
    struct said *said;
    uint64_t hash;
    bool fresh;

    CHECK(rt_link_alert_decode(body, &alert) && alert.position != 0);
    hash = XXH3_64bits(alert.map.data, alert.map.size);
    said = said_at(alert.position);
    fresh = said == NULL;
    if (fresh) {
        said = &tiny.said[tiny.said_count++];
        CHECK(tiny.said_count < ALERTS);
        *said = (struct said){.position = alert.position,
                              .hash = hash,
                              .number = ++tiny.number,
                              .account = account_named(alert.account)};
        follow_episode(said->account, alert.map);
    }
    CHECK(said->hash == hash);
    if (!fresh || said->number % 4 != 3)
        tell_number(worker, said);
}

/* ---- what workers say ------------------------------------------------------------------------ */

static void take_done(struct worker *worker, uint64_t tag, struct rt_span body)
{
    struct link_frame *frame = link_frame_of(&worker->link, tag);
    struct rt_reader reader = rt_reader(body);
    struct rt_link_done done;

    CHECK(rt_link_done_decode(&reader, &done));
    if (done.error == RT_BUSY) {
        CHECK(done.accepted + done.duplicate + done.rejected + done.dead == 0);
        poll(NULL, 0, BUSY_PAUSE_MS);
        link_put(&worker->link, rt_buffer_span(&frame->bytes));
        return;
    }
    CHECK(done.error == RT_OK && done.rejected == 0);
    CHECK(done.dead == (frame->kind == RT_LINK_BURY));
    CHECK(done.accepted + done.duplicate == frame->events);
    CHECK(!frame->repeated || done.accepted == 0);
    for (unsigned i = 0; i < frame->events; i++)
        tiny.accounts[frame->account].acked[frame->first + i] = true;
    link_forget(&worker->link, frame);
}

static bool find(struct rt_span map, const char *wanted, struct rt_reader *value)
{
    struct rt_reader reader = rt_reader(map);
    uint32_t pairs;

    CHECK(rt_read_map(&reader, &pairs));
    for (; pairs > 0; pairs--) {
        struct rt_span key, object;

        CHECK(rt_read_str(&reader, &key) && rt_read_skip(&reader, &object));
        if (rt_span_is(key, wanted)) {
            *value = rt_reader(object);
            return true;
        }
    }
    return false;
}

static bool is_in_a_file(const char *path, const char *name);

/* Whoever asked again after a crash may hear that the account is not there: it is erased, too. */
static void take_erased(unsigned account, struct rt_span reply)
{
    struct account *erased = &tiny.accounts[account];
    struct rt_reader value;
    struct rt_span error;
    bool ok;
    char name[32];

    CHECK(find(reply, "ok", &value) && rt_read_bool(&value, &ok));
    CHECK(ok || (find(reply, "error", &value) && rt_read_str(&value, &error) &&
                 rt_span_is(error, rt_error_name(RT_NOT_FOUND))));
    memset(erased, 0, sizeof(*erased));
    erased->erased = true;
    for (size_t i = 0; i < tiny.said_count; i++)
        if (tiny.said[i].account == account)
            tiny.said[i] = tiny.said[--tiny.said_count], i--;
    name_of(account, name);
    CHECK(!is_in_a_file(tiny.folder, name));
}

static bool is_busy(struct rt_span reply)
{
    struct rt_reader value;
    struct rt_span error;

    return find(reply, "error", &value) && rt_read_str(&value, &error) &&
           rt_span_is(error, rt_error_name(RT_BUSY));
}

static void take_answer(struct worker *worker, uint64_t tag, struct rt_span body)
{
    struct link_frame *frame = link_frame_of(&worker->link, tag);

    if (is_busy(body)) {
        poll(NULL, 0, BUSY_PAUSE_MS);
        link_put(&worker->link, rt_buffer_span(&frame->bytes));
        return;
    }
    if (frame->is_erase) {
        take_erased(frame->account, body);
    } else {
        rt_buffer_clear(&worker->answer);
        rt_buffer_append(&worker->answer, body.data, body.size);
    }
    link_forget(&worker->link, frame);
}

static void take_frame(void *context, const struct rt_link_header *header, struct rt_span body)
{
    struct worker *worker = context;

    switch (header->kind) {
    case RT_LINK_READY:
        worker->ready = true;
        break;
    case RT_LINK_ALERT:
        take_alert(worker, body);
        break;
    case RT_LINK_DONE:
        take_done(worker, header->tag, body);
        break;
    case RT_LINK_ANSWER:
        take_answer(worker, header->tag, body);
        break;
    case RT_LINK_STOPPED:
        worker->stopped = true;
        break;
    default:
        CHECK(header->kind == RT_LINK_PROGRESS);
    }
}

/* Takes what is there within the time. False: the worker has gone. */
static bool hear(struct worker *worker, int timeout_ms)
{
    return link_hear(&worker->link, timeout_ms, take_frame, worker);
}

/* ---- life and death -------------------------------------------------------------------------- */

static void check_acknowledged(struct worker *worker);
static void listen_to(struct worker *worker, int timeout_ms);

static bool erases(const struct worker *worker)
{
    for (size_t i = 0; i < worker->link.count; i++)
        if (worker->link.frames[i].is_erase)
            return true;
    return false;
}

/* Only what was planned may end a worker; and a full disk none that served, unless it erases. */
static void check_death(struct worker *worker, int status)
{
    bool wanted = worker->life == tiny.plan.life && tiny.log->hit;

    if (!wanted)
        printf("status %x in life %u\n", (unsigned)status, worker->life);
    CHECK(wanted);
    CHECK(!WIFSIGNALED(status) || WTERMSIG(status) == SIGKILL);
    CHECK(tiny.plan.mode != RT_BAD_FULL || !worker->ready || erases(worker));
}

/* It has died: another one, which is handed what has no answer. */
static void revive(struct worker *worker)
{
    int64_t end = clock_ms(CLOCK_MONOTONIC) + DEADLINE_MS;

    check_death(worker, reap(worker));
    spawn(worker);
    while (!worker->ready) {
        CHECK(hear(worker, 1000));
        CHECK(clock_ms(CLOCK_MONOTONIC) < end);
    }
    check_acknowledged(worker);
    link_ask_again(&worker->link);
}

static void listen_to(struct worker *worker, int timeout_ms)
{
    if (!hear(worker, timeout_ms))
        revive(worker);
}

static void settle(struct worker *worker)
{
    int64_t end = clock_ms(CLOCK_MONOTONIC) + DEADLINE_MS;

    while (worker->link.count > 0 || !worker->ready) {
        listen_to(worker, 1000);
        CHECK(clock_ms(CLOCK_MONOTONIC) < end);
    }
}

void rt_tiny_settle(void)
{
    for (uint32_t i = 0; i < tiny.workers; i++)
        settle(&tiny.worker[i]);
}

static void write_generation(void)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof(path), "%s/generations", tiny.folder);
    file = fopen(path, "a");
    CHECK(file != NULL);
    fprintf(file, "generation %u workers %u log %u\n", tiny.generation, tiny.workers,
            tiny.first_log);
    fclose(file);
}

void rt_tiny_start(uint32_t workers)
{
    if (workers != tiny.workers) {
        tiny.first_log = tiny.generation == 0 ? 1 : tiny.first_log + tiny.workers;
        tiny.generation++;
        tiny.workers = workers;
        write_generation();
    }
    for (uint32_t i = 0; i < workers; i++) {
        tiny.worker[i].log = tiny.first_log + i;
        spawn(&tiny.worker[i]);
    }
    rt_tiny_settle();
    for (uint32_t i = 0; i < workers; i++)
        check_acknowledged(&tiny.worker[i]);
}

static void stop(struct worker *worker)
{
    int status;

    link_tell(&worker->link, RT_LINK_STOP, 0, rt_span("", 0));
    while (!worker->stopped && hear(worker, DEADLINE_MS))
        continue;
    status = reap(worker);
    if (!worker->stopped)
        check_death(worker, status);
    CHECK(!worker->stopped || (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
          worker->life == tiny.plan.life);
}

void rt_tiny_stop(void)
{
    rt_tiny_settle();
    for (uint32_t i = 0; i < tiny.workers; i++)
        stop(&tiny.worker[i]);
}

void rt_tiny_kill(void)
{
    for (uint32_t i = 0; i < tiny.workers; i++) {
        kill(tiny.worker[i].pid, SIGKILL);
        reap(&tiny.worker[i]);
    }
}

static void signal_all(int number)
{
    for (uint32_t i = 0; i < tiny.workers; i++)
        kill(tiny.worker[i].pid, number);
}

void rt_tiny_pause(void)
{
    signal_all(SIGSTOP);
}

void rt_tiny_resume(void)
{
    signal_all(SIGCONT);
}

unsigned rt_tiny_account_in(uint32_t partition)
{
    for (unsigned account = 0; account < RT_TINY_ACCOUNTS; account++) {
        char text[32];

        if (rt_partition(name_of(account, text), RT_TINY_PARTITIONS) == partition)
            return account;
    }
    fail("no account lies in that partition");
}

/* ---- what is sent ---------------------------------------------------------------------------- */

static struct link_frame *send_frame(struct worker *worker, enum rt_link_kind kind,
                                     struct rt_span body)
{
    return link_ask(&worker->link, kind, 0, ++tiny.tag, body);
}

static void pack_filler(struct rt_buffer *out, unsigned account, uint32_t size)
{
    char *text = malloc(size + 32);

    CHECK(text != NULL);
    memset(text, '.', size);
    name_of(account, text); /* so that what is erased can be looked for in the middle of things */
    rt_write_key_str(out, "filler", rt_span(text, size > 32 ? size : 32));
    free(text);
}

static void pack_event(struct rt_buffer *out, unsigned account, unsigned id)
{
    const struct account *of = &tiny.accounts[account];
    bool is_call = of->kind[id] == CALL;
    char name[32], text[24], ticket[24];

    snprintf(text, sizeof(text), "id-%u", id);
    snprintf(ticket, sizeof(ticket), "t-%u", id / 2);
    rt_write_map(out, is_call ? 5 : 8);
    rt_write_key_text(out, "id", text);
    rt_write_key_text(out, "type", is_call ? "call" : "ticket");
    rt_write_key_str(out, "account", name_of(account, name));
    rt_write_key_int(out, "ts", tiny.base_ms + id);
    pack_filler(out, account, of->bytes[id]);
    if (is_call)
        return;
    rt_write_key_text(out, "ticket", ticket);
    rt_write_key_text(out, "action", of->kind[id] == OPENED ? "opened" : "resolved");
    rt_write_key_int(out, "severity", 1);
}

static struct link_frame *send_events(unsigned account, unsigned first, unsigned count)
{
    struct rt_buffer body = {0}, packed = {0};
    struct link_frame *frame;

    for (unsigned i = 0; i < count; i++) {
        rt_buffer_clear(&packed);
        pack_event(&packed, account, first + i);
        rt_put_u32(&body, i);
        rt_put_bytes(&body, rt_buffer_span(&packed));
    }
    frame = send_frame(owner_of(account), RT_LINK_EVENTS, rt_buffer_span(&body));
    frame->account = account;
    frame->first = first;
    frame->events = count;
    rt_buffer_free(&body);
    rt_buffer_free(&packed);
    return frame;
}

void rt_tiny_push(unsigned account, unsigned count, size_t bytes, bool cheerful)
{
    struct account *to = &tiny.accounts[account];
    unsigned first = to->count;

    CHECK(first + count <= RT_TINY_IDS);
    to->erased = false;
    for (unsigned i = 0; i < count; i++) {
        unsigned id = to->count++;

        to->kind[id] = cheerful ? CALL : id % 2 == 0 ? OPENED : RESOLVED;
        to->bytes[id] = (uint32_t)bytes;
    }
    send_events(account, first, count);
}

void rt_tiny_repeat(unsigned account, unsigned count)
{
    CHECK(count <= tiny.accounts[account].count);
    settle(owner_of(account));
    send_events(account, 0, count)->repeated = true;
}

void rt_tiny_bury(unsigned account)
{
    char name[32], reason[] = "nobody can read this";
    struct rt_buffer body = {0};

    rt_link_bury_encode(&body, RT_BAD_MSGPACK, rt_span_text(reason), name_of(account, name));
    send_frame(&tiny.worker[0], RT_LINK_BURY, rt_buffer_span(&body))->account = account;
    rt_buffer_free(&body);
}

static struct link_frame *ask(unsigned account, const char *op)
{
    struct rt_buffer body = {0};
    struct link_frame *frame;
    char name[32];
    bool lists = strcmp(op, "account.timeline") == 0 || strcmp(op, "alert.list") == 0;

    rt_link_query_encode(&body, clock_ms(CLOCK_REALTIME), rt_span("", 0), rt_span("", 0));
    rt_write_map(&body, lists ? 3 : 2);
    rt_write_key_text(&body, "op", op);
    rt_write_key_str(&body, "account", name_of(account, name));
    if (lists)
        rt_write_key_int(&body, "limit", MANY);
    frame = send_frame(owner_of(account), RT_LINK_QUERY, rt_buffer_span(&body));
    frame->account = account;
    rt_buffer_free(&body);
    return frame;
}

static struct rt_span answer_to(unsigned account, const char *op)
{
    struct worker *worker = owner_of(account);

    ask(account, op);
    settle(worker);
    return rt_buffer_span(&worker->answer);
}

static bool has_pending(const struct worker *worker, unsigned account)
{
    for (size_t i = 0; i < worker->link.count; i++)
        if (worker->link.frames[i].account == account)
            return true;
    return false;
}

/* Nothing else of the account is on its way, so that the model knows what is gone. */
void rt_tiny_erase(unsigned account)
{
    struct worker *worker = owner_of(account);

    while (has_pending(worker, account))
        listen_to(worker, 1000);
    ask(account, "account.erase")->is_erase = true;
}

/* ---- checks ---------------------------------------------------------------------------------- */

static int64_t events_of(struct rt_span reply)
{
    struct rt_reader events;
    uint32_t types;
    int64_t sum = 0;

    if (!find(reply, "events", &events))
        return 0;
    CHECK(rt_read_map(&events, &types));
    for (; types > 0; types--) {
        int64_t count;

        CHECK(rt_read_skip(&events, NULL) && rt_read_int(&events, &count));
        sum += count;
    }
    return sum;
}

/* Asks past what is pending, which goes out after it. */
static int64_t count_of(struct worker *worker, unsigned account)
{
    int64_t end = clock_ms(CLOCK_MONOTONIC) + DEADLINE_MS;
    uint64_t tag = ask(account, "account.get")->tag;
    bool waits = true;

    while (waits) {
        listen_to(worker, 1000);
        CHECK(clock_ms(CLOCK_MONOTONIC) < end);
        waits = false;
        for (size_t i = 0; i < worker->link.count; i++)
            waits = waits || worker->link.frames[i].tag == tag;
    }
    return events_of(rt_buffer_span(&worker->answer));
}

/* An erase without an answer may have happened. */
static bool may_be_erased(const struct worker *worker, unsigned account)
{
    for (size_t i = 0; i < worker->link.count; i++)
        if (worker->link.frames[i].is_erase && worker->link.frames[i].account == account)
            return true;
    return false;
}

static void check_acknowledged(struct worker *worker)
{
    for (unsigned account = 0; account < RT_TINY_ACCOUNTS; account++) {
        const struct account *model = &tiny.accounts[account];
        int64_t acked = 0, count;

        if (owner_of(account) != worker)
            continue;
        for (unsigned id = 0; id < model->count; id++)
            acked += model->acked[id];
        count = count_of(worker, account);
        if (count == 0 && may_be_erased(worker, account))
            continue;
        CHECK(count >= acked && count <= (int64_t)model->count);
    }
}

static void check_timeline(unsigned account)
{
    bool seen[RT_TINY_IDS] = {false};
    struct rt_span reply = answer_to(account, "account.timeline"), event, id;
    struct rt_reader events, value;
    uint32_t count;

    if (tiny.accounts[account].count == 0)
        return;
    CHECK(find(reply, "events", &events) && rt_read_array(&events, &count));
    CHECK(count == tiny.accounts[account].count);
    for (; count > 0; count--) {
        unsigned number;

        CHECK(rt_read_skip(&events, &event) && find(event, "id", &value));
        CHECK(rt_read_str(&value, &id) && id.size > 3);
        number = (unsigned)strtoul((const char *)id.data + 3, NULL, 10);
        CHECK(number < tiny.accounts[account].count && !seen[number]);
        seen[number] = true;
    }
}

/* Each message that was said, once, ascending, under its number. */
static void check_list(unsigned account)
{
    struct rt_reader alerts;
    uint32_t count, two;
    int64_t last = 0;
    size_t known = 0;

    for (size_t i = 0; i < tiny.said_count; i++)
        known += tiny.said[i].account == account;
    CHECK(find(answer_to(account, "alert.list"), "alerts", &alerts));
    CHECK(rt_read_array(&alerts, &count) && count == known);
    for (; count > 0; count--) {
        struct rt_span map;
        int64_t number;
        bool found = false;

        CHECK(rt_read_array(&alerts, &two) && two == 2 && rt_read_int(&alerts, &number));
        CHECK(rt_read_skip(&alerts, &map) && number > last);
        for (size_t i = 0; i < tiny.said_count; i++)
            found = found || (tiny.said[i].number == (uint64_t)number &&
                              tiny.said[i].hash == XXH3_64bits(map.data, map.size));
        CHECK(found);
        last = number;
    }
}

static void check_all(bool whole)
{
    for (unsigned account = 0; account < RT_TINY_ACCOUNTS; account++) {
        const struct account *model = &tiny.accounts[account];
        char name[32];

        CHECK(events_of(answer_to(account, "account.get")) == model->count);
        if (whole) {
            check_list(account);
            check_timeline(account);
        }
        if (whole && model->count > 0)
            rt_tiny_repeat(account, model->count);
        name_of(account, name);
        CHECK(!model->erased || !is_in_a_file(tiny.folder, name));
    }
    rt_tiny_settle();
}

/* A file that has gone holds nothing. */
static bool holds(const char *path, const char *name)
{
    int fd = open(path, O_RDONLY);
    off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
    uint8_t *bytes = malloc((size_t)size + 1);
    bool found;

    CHECK(size >= 0 && bytes != NULL);
    size = fd < 0 ? 0 : pread(fd, bytes, (size_t)size, 0);
    found = size > 0 && memmem(bytes, (size_t)size, name, strlen(name)) != NULL;
    if (fd >= 0)
        close(fd);
    free(bytes);
    return found;
}

/* What bad_disk.c keeps, to undo it, is no file of the worker. */
static bool is_kept(const char *name)
{
    size_t size = strlen(name);

    return size > 5 && strcmp(name + size - 5, ".kept") == 0;
}

static bool is_in_a_file(const char *path, const char *name)
{
    DIR *listing = opendir(path);
    struct dirent *entry;
    bool found = false;

    while (listing != NULL && !found && (entry = readdir(listing)) != NULL) {
        char below[512];

        if (entry->d_name[0] == '.' || is_kept(entry->d_name))
            continue;
        snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
        if (entry->d_type == DT_DIR)
            found = is_in_a_file(below, name);
        else
            found = holds(below, name);
    }
    if (listing != NULL)
        closedir(listing);
    return found;
}

static unsigned files_with(const char *path, const char *ending)
{
    DIR *listing = opendir(path);
    struct dirent *entry;
    unsigned files = 0;

    while (listing != NULL && (entry = readdir(listing)) != NULL) {
        char below[512];
        size_t size = strlen(entry->d_name), tail = strlen(ending);

        if (entry->d_name[0] == '.')
            continue;
        snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
        if (entry->d_type == DT_DIR)
            files += files_with(below, ending);
        else
            files += size >= tail && strcmp(entry->d_name + size - tail, ending) == 0;
    }
    if (listing != NULL)
        closedir(listing);
    return files;
}

void rt_tiny_wait_for(const char *ending, unsigned files)
{
    int64_t end = clock_ms(CLOCK_MONOTONIC) + DEADLINE_MS;

    while (!tiny.log->hit && files_with(tiny.folder, ending) < files) {
        for (uint32_t i = 0; i < tiny.workers; i++)
            listen_to(&tiny.worker[i], 2);
        CHECK(clock_ms(CLOCK_MONOTONIC) < end);
    }
}

void rt_tiny_wait_gone(const char *name)
{
    int64_t end = clock_ms(CLOCK_MONOTONIC) + DEADLINE_MS;
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", tiny.folder, name);
    while (!tiny.log->hit && access(path, F_OK) == 0) {
        for (uint32_t i = 0; i < tiny.workers; i++)
            listen_to(&tiny.worker[i], 2);
        CHECK(clock_ms(CLOCK_MONOTONIC) < end);
    }
}

/* ---- begin and end --------------------------------------------------------------------------- */

void rt_tiny_configure(const char *config)
{
    snprintf(tiny.config, sizeof(tiny.config),
             "journal.segment_bytes=1M\nsnapshot.bytes=64K\nalerts.quiet_ms=10\n%s", config);
}

void rt_tiny_begin(const struct rt_tiny_plan *plan, const char *config)
{
    enum { AGO_MS = 10 * 3600 * 1000 }; /* a critical ticket is overdue at once */
    struct rt_bad_log *log = tiny.log;

    if (log == NULL)
        log = mmap(NULL, sizeof(*log), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(&tiny, 0, sizeof(tiny));
    tiny.plan = *plan;
    tiny.log = log;
    CHECK(log != MAP_FAILED);
    memset(log, 0, sizeof(*log));
    tiny.base_ms = clock_ms(CLOCK_REALTIME) - AGO_MS;
    tiny.folder = rt_scratch_new();
    rt_tiny_configure(config);
}

void rt_tiny_end(bool whole)
{
    uint32_t workers = tiny.workers;

    rt_tiny_settle();
    rt_tiny_stop();
    rt_tiny_start(workers);
    check_all(whole);
    rt_tiny_kill();
    rt_tiny_start(workers);
    check_all(whole);
    rt_tiny_stop();
    for (uint32_t i = 0; i < RT_TINY_WORKERS; i++) {
        link_free(&tiny.worker[i].link);
        rt_buffer_free(&tiny.worker[i].answer);
    }
    rt_scratch_remove(tiny.folder);
}

unsigned rt_tiny_lives(void)
{
    return tiny.lives;
}

const struct rt_bad_log *rt_tiny_log(void)
{
    return tiny.log;
}

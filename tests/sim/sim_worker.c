/* A real retain-worker under a driver that plays the daemon: random batches with repeated and
 * reordered events, kill -9 at random moments, another number of workers, resends, acknowledgements
 * of alerts, erases, events that are taken back, scores that are set by hand; after each life a small model is compared with what the workers say.
 *
 * Model: the set of identities that were sent for each account. Invariants:
 *   1. when everything sent has been answered, each account counts exactly its set, without what was taken back;
 *   2. an answer says accepted or duplicate of every event;
 *   3. alerts of a log are numbered 1, 2, 3, ... without a gap, and a number never gets another
 * message;
 *   4. an erased account is gone, and what is sent later begins it anew;
 *   5. what was set by hand is in force, to the last that was said.
 *
 * RETAIN_SEED repeats a run, SIM_ROUNDS (10) is the number of lives, RETAIN_WORKER names the
 * program (beside the tests' folder). */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <xxhash.h>

#include "config/config.h"
#include "protocol/event.h"
#include "protocol/limits.h"
#include "protocol/link.h"
#include "protocol/partition.h"
#include "protocol/query.h"
#include "tests/lib/link_end.h"

enum {
    ACCOUNTS = 40,
    IDS = 120,   /* identities an account may have */
    WORKERS = 3, /* at most */
    PARTITIONS = 16,
    BATCH = 30,
    IN_FLIGHT = 64, /* frames, at most */
    LOGS = 400,
    ALERTS = 1 << 18, /* a power of two, far more than there will be */
    DEADLINE_MS = 60000,
};

static uint64_t random_state;

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t draw(uint64_t below)
{
    uint64_t z = (random_state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % below;
}

static uint64_t seed;

static _Noreturn void fail(const char *what)
{
    printf("FAIL %s (RETAIN_SEED=%" PRIu64 ")\n", what, seed);
    fflush(stdout);
    abort();
}

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail(#condition);                                                                      \
    } while (0)

/* ---- the model ------------------------------------------------------------------------------- */

struct alert {
    uint64_t position, hash, number;
};

struct model {
    bool sent[ACCOUNTS][IDS], taken_back[ACCOUNTS][IDS];
    int set[ACCOUNTS];           /* score set by hand + 1; 0: none */
    struct alert alerts[ALERTS]; /* open addressing by position */
    uint64_t number, alerts_said;
};

static struct model model;
static int64_t now_ms;

static struct rt_span account_name(unsigned account, char text[16])
{
    return rt_span(text, (size_t)sprintf(text, "account-%u", account));
}

/* ---- workers --------------------------------------------------------------------------------- */

struct worker {
    pid_t pid;
    struct link_end link;
    uint32_t log;
    bool ready, stopped;
    struct rt_buffer answer; /* of the last query */
};

static struct worker workers[WORKERS];
static uint32_t worker_count, first_log, generation;
static char state_dir[64], program[512];
static uint64_t next_tag;

static void write_file(const char *name, const char *text, const char *mode)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", state_dir, name);
    file = fopen(path, mode);
    CHECK(file != NULL);
    fputs(text, file);
    fclose(file);
}

static void begin_generation(uint32_t count)
{
    char line[64];

    first_log = generation == 0 ? 1 : first_log + worker_count;
    generation++;
    worker_count = count;
    CHECK(first_log + count < LOGS);
    snprintf(line, sizeof(line), "generation %u workers %u log %u\n", generation, count, first_log);
    write_file("generations", line, "a");
}

static void start(uint32_t index)
{
    struct worker *worker = &workers[index];
    struct rt_config config;
    struct rt_buffer body = {0};
    int pair[2];
    char *text;

    worker->log = first_log + index;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    worker->pid = fork();
    CHECK(worker->pid >= 0);
    if (worker->pid == 0) {
        int quiet = open(getenv("SIM_LOG") != NULL ? getenv("SIM_LOG") : "/dev/null",
                         O_WRONLY | O_APPEND | O_CREAT, 0600);

        dup2(quiet, STDERR_FILENO);
        dup2(pair[1], RT_LINK_FD);
        fcntl(RT_LINK_FD, F_SETFD, 0);
        execl(program, "retain-worker", (char *)NULL);
        _exit(127);
    }
    close(pair[1]);
    worker->link.fd = pair[0];
    worker->ready = worker->stopped = false;
    rt_config_init(&config);
    CHECK(rt_config_set(&config, "journal.segment_bytes", "1M", (char[RT_CONFIG_ERROR]){0}));
    config.snapshot_bytes = 64 << 10;
    config.alerts_quiet_ms = 10;
    text = rt_config_text(&config);
    CHECK(text != NULL);
    rt_link_setup_encode(&body, &(struct rt_link_setup){
                                    .index = index,
                                    .count = worker_count,
                                    .partitions = PARTITIONS,
                                    .log = worker->log,
                                    .state_dir = rt_span_text(state_dir),
                                    .config = rt_span_text(text),
                                    .version = rt_span_text(RT_VERSION),
                                });
    link_tell(&worker->link, RT_LINK_SETUP, 0, rt_buffer_span(&body));
    free(text);
    rt_buffer_free(&body);
}

static void kill_worker(struct worker *worker)
{
    int status;

    kill(worker->pid, SIGKILL);
    CHECK(waitpid(worker->pid, &status, 0) == worker->pid);
    close(worker->link.fd);
    rt_buffer_clear(&worker->link.in);
}

/* ---- alerts ---------------------------------------------------------------------------------- */

static struct alert *known_alert(uint64_t position)
{
    uint64_t at = position * UINT64_C(0x9e3779b97f4a7c15) >> 40;

    while (model.alerts[at & (ALERTS - 1)].position != 0 &&
           model.alerts[at & (ALERTS - 1)].position != position)
        at++;
    return &model.alerts[at & (ALERTS - 1)];
}

static void tell_number(struct worker *worker, const struct alert *alert)
{
    struct rt_buffer body = {0};

    rt_put_u64(&body, alert->position);
    rt_put_u64(&body, alert->number);
    link_tell(&worker->link, RT_LINK_PUBLISHED, 0, rt_buffer_span(&body));
    rt_buffer_free(&body);
}

/* ---- what workers say ------------------------------------------------------------------------ */

/* Gives the alert its number (once) and says so: sometimes late, sometimes never, as a crash would.
 */
static void take_alert(struct worker *worker, struct rt_span body)
{
    struct rt_link_alert alert;
    struct alert *known;
    uint64_t hash;

    CHECK(rt_link_alert_decode(body, &alert));
    CHECK(alert.position != 0);
    hash = XXH3_64bits(alert.map.data, alert.map.size);
    known = known_alert(alert.position);
    if (known->number == 0) {
        *known = (struct alert){.position = alert.position, .hash = hash, .number = ++model.number};
        model.alerts_said++;
    }
    CHECK(known->hash == hash);
    if (draw(8) > 0)
        tell_number(worker, known);
}

static void take_done(struct worker *worker, uint64_t tag, struct rt_span body)
{
    struct link_frame *frame = link_frame_of(&worker->link, tag);
    struct rt_reader reader = rt_reader(body);
    struct rt_link_done done;

    CHECK(rt_link_done_decode(&reader, &done));
    CHECK(done.error == RT_OK && done.rejected == 0 && done.dead == 0);
    CHECK(done.accepted + done.duplicate == frame->events);
    link_forget(&worker->link, frame);
}

static void take_frame(void *context, const struct rt_link_header *header, struct rt_span body)
{
    struct worker *worker = context;

    switch (header->kind) {
    case RT_LINK_READY:
        worker->ready = true;
        break;
    case RT_LINK_PROGRESS:
        break;
    case RT_LINK_ALERT:
        take_alert(worker, body);
        break;
    case RT_LINK_DONE:
        take_done(worker, header->tag, body);
        break;
    case RT_LINK_ANSWER:
        link_forget(&worker->link, link_frame_of(&worker->link, header->tag));
        rt_buffer_clear(&worker->answer);
        rt_buffer_append(&worker->answer, body.data, body.size);
        break;
    case RT_LINK_STOPPED:
        worker->stopped = true;
        break;
    default:
        fail("a frame of another kind");
    }
}

/* Reads what is there within the time; false if the worker is gone. */
static bool listen_to(struct worker *worker, int timeout_ms)
{
    return link_hear(&worker->link, timeout_ms, take_frame, worker);
}

static int64_t boot_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_BOOTTIME, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void wait_ready(struct worker *worker)
{
    int64_t end = boot_ms() + DEADLINE_MS;

    while (!worker->ready) {
        CHECK(listen_to(worker, 1000));
        CHECK(boot_ms() < end);
    }
}

/* Starts again and hands over what was not acknowledged, in order. */
static void revive(uint32_t index)
{
    struct worker *worker = &workers[index];

    start(index);
    wait_ready(worker);
    link_ask_again(&worker->link);
}

static void settle(struct worker *worker)
{
    int64_t end = boot_ms() + DEADLINE_MS;

    while (worker->link.count > 0) {
        CHECK(listen_to(worker, 1000));
        CHECK(boot_ms() < end);
    }
}

/* ---- what is sent ---------------------------------------------------------------------------- */

static uint32_t owner_of(unsigned account)
{
    char text[16];

    return rt_partition(account_name(account, text), PARTITIONS) % worker_count;
}

/* The content is a function of the identity: what is sent again is the same event. */
static void pack_event(struct rt_buffer *out, unsigned account, unsigned id)
{
    static const char *const types[] = {"call", "email", "visit", "ticket"};
    uint64_t hash = (account * UINT64_C(1000003) + id) * UINT64_C(0x9e3779b97f4a7c15);
    const char *type = types[hash >> 60 & 3];
    char name[16], text[24], ticket[24];

    snprintf(text, sizeof(text), "id-%u", id);
    snprintf(ticket, sizeof(ticket), "t-%u", id / 4);
    rt_write_map(out, type[0] == 't' ? 7 : 4);
    rt_write_key_text(out, "id", text);
    rt_write_key_text(out, "type", type);
    rt_write_key_str(out, "account", account_name(account, name));
    rt_write_key_int(out, "ts", now_ms - (int64_t)(hash % (200 * (uint64_t)RT_DAY_MS)));
    if (type[0] == 't') {
        rt_write_key_text(out, "ticket", ticket);
        rt_write_key_text(out, "action", hash >> 50 & 1 ? "opened" : "resolved");
        rt_write_key_int(out, "severity", 1 + (int64_t)(hash >> 40 & 3));
    }
}

static void send_batch(uint32_t index)
{
    struct worker *worker = &workers[index];
    struct rt_buffer body = {0}, packed = {0};
    uint32_t events = 0;

    for (uint64_t i = 1 + draw(BATCH); i > 0; i--) {
        unsigned account = (unsigned)draw(ACCOUNTS), id = (unsigned)draw(IDS);

        if (owner_of(account) != index)
            continue;
        rt_buffer_clear(&packed);
        pack_event(&packed, account, id);
        rt_put_u32(&body, events++);
        rt_put_bytes(&body, rt_buffer_span(&packed));
        model.sent[account][id] = true;
    }
    if (events > 0)
        link_ask(&worker->link, RT_LINK_EVENTS, draw(4) == 0 ? RT_LINK_QUIET : 0, ++next_tag,
                 rt_buffer_span(&body))
            ->events = events;
    rt_buffer_free(&body);
    rt_buffer_free(&packed);
}

static void ask(uint32_t index, const char *op, unsigned account)
{
    struct rt_buffer body = {0};
    char name[16];

    rt_link_query_encode(&body, now_ms, rt_span("", 0), rt_span("", 0));
    rt_write_map(&body, 2);
    rt_write_key_text(&body, "op", op);
    rt_write_key_str(&body, "account", account_name(account, name));
    link_ask(&workers[index].link, RT_LINK_QUERY, 0, ++next_tag, rt_buffer_span(&body));
    settle(&workers[index]);
    rt_buffer_free(&body);
}

/* ---- checks ---------------------------------------------------------------------------------- */

/* The value of a key of a map; false if it is not there. */
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

/* The score + 1; 0: none. */
static int set_by_hand(struct rt_span reply)
{
    struct rt_reader override, score;
    double value;

    if (!find(reply, "override", &override))
        return 0;
    CHECK(find(rt_span(override.at, (size_t)(override.end - override.at)), "score", &score));
    CHECK(rt_read_number(&score, &value));
    return (int)value + 1;
}

static void check_counts(void)
{
    for (unsigned account = 0; account < ACCOUNTS; account++) {
        uint32_t index = owner_of(account);
        int64_t expected = 0;

        for (unsigned id = 0; id < IDS; id++)
            expected += model.sent[account][id] && !model.taken_back[account][id];
        ask(index, "account.get", account);
        CHECK(events_of(rt_buffer_span(&workers[index].answer)) == expected);
        CHECK(set_by_hand(rt_buffer_span(&workers[index].answer)) == model.set[account]);
    }
}

/* The number that was given to a message; 0 if it was never heard. */
static uint64_t number_of(struct rt_span map)
{
    uint64_t hash = XXH3_64bits(map.data, map.size);

    for (size_t i = 0; i < ALERTS; i++)
        if (model.alerts[i].position != 0 && model.alerts[i].hash == hash)
            return model.alerts[i].number;
    return 0;
}

/* What is listed was said, ascending, under the number it was given. An open episode's
 * acknowledgement is not used here, so the maps are the same to the byte. */
static void check_alerts(unsigned account)
{
    uint32_t index = owner_of(account), count, two;
    struct rt_reader alerts;
    int64_t last = 0;

    ask(index, "alert.list", account);
    CHECK(find(rt_buffer_span(&workers[index].answer), "alerts", &alerts));
    CHECK(rt_read_array(&alerts, &count));
    for (; count > 0; count--) {
        struct rt_span map;
        int64_t number;

        CHECK(rt_read_array(&alerts, &two) && two == 2 && rt_read_int(&alerts, &number));
        CHECK(rt_read_skip(&alerts, &map));
        CHECK(number > last);
        CHECK(number_of(map) == (uint64_t)number);
        last = number;
    }
}

static void erase_one(void)
{
    unsigned account = (unsigned)draw(ACCOUNTS);
    uint32_t index = owner_of(account);

    for (uint32_t i = 0; i < worker_count; i++)
        settle(&workers[i]);
    ask(index, "account.erase", account);
    memset(model.sent[account], 0, sizeof(model.sent[account]));
    memset(model.taken_back[account], 0, sizeof(model.taken_back[account]));
    model.set[account] = 0;
}

/* A question that changes something, and perhaps a kill before its answer: it is asked again then. */
static void command(uint32_t index, const struct rt_buffer *payload)
{
    struct rt_buffer body = {0};

    rt_link_query_encode(&body, now_ms, rt_span("", 0), rt_buffer_span(payload));
    link_ask(&workers[index].link, RT_LINK_QUERY, 0, ++next_tag, rt_buffer_span(&body));
    if (draw(3) == 0) {
        kill_worker(&workers[index]);
        revive(index);
    }
    settle(&workers[index]);
    rt_buffer_free(&body);
}

static bool was_done(uint32_t index)
{
    struct rt_reader ok;
    bool done;

    return find(rt_buffer_span(&workers[index].answer), "ok", &ok) && rt_read_bool(&ok, &done) &&
           done;
}

static void take_one_back(void)
{
    unsigned account = (unsigned)draw(ACCOUNTS), id = (unsigned)draw(IDS);
    uint32_t index = owner_of(account);
    struct rt_buffer payload = {0};
    char name[16], text[24];

    settle(&workers[index]);
    snprintf(text, sizeof(text), "id-%u", id);
    rt_write_map(&payload, 4);
    rt_write_key_text(&payload, "op", "event.void");
    rt_write_key_str(&payload, "account", account_name(account, name));
    rt_write_key_text(&payload, "id", text);
    rt_write_key_text(&payload, "by", "kim");
    command(index, &payload);
    CHECK(was_done(index) == model.sent[account][id]);
    model.taken_back[account][id] = model.sent[account][id];
    rt_buffer_free(&payload);
}

static void set_one_by_hand(void)
{
    unsigned account = (unsigned)draw(ACCOUNTS);
    int score = (int)draw(101);
    uint32_t index = owner_of(account);
    struct rt_buffer payload = {0};
    char name[16];

    settle(&workers[index]);
    rt_write_map(&payload, 6);
    rt_write_key_text(&payload, "op", "account.override");
    rt_write_key_str(&payload, "account", account_name(account, name));
    rt_write_key_int(&payload, "score", score);
    rt_write_key_int(&payload, "until", now_ms + 300 * RT_DAY_MS);
    rt_write_key_text(&payload, "by", "kim");
    rt_write_key_text(&payload, "reason", "because");
    command(index, &payload);
    if (was_done(index))
        model.set[account] = score + 1;
    rt_buffer_free(&payload);
}

/* ---- a life ---------------------------------------------------------------------------------- */

static void stop_all(void)
{
    for (uint32_t i = 0; i < worker_count; i++) {
        int status;

        settle(&workers[i]);
        link_tell(&workers[i].link, RT_LINK_STOP, 0, rt_span("", 0));
        while (!workers[i].stopped)
            CHECK(listen_to(&workers[i], 1000));
        CHECK(waitpid(workers[i].pid, &status, 0) == workers[i].pid);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        close(workers[i].link.fd);
        rt_buffer_clear(&workers[i].link.in);
    }
}

static void live(void)
{
    for (uint32_t i = 0; i < worker_count; i++)
        revive(i);
    for (uint64_t steps = 20 + draw(60); steps > 0; steps--) {
        uint32_t index = (uint32_t)draw(worker_count);
        uint64_t what = draw(20);

        if (workers[index].link.count + 1 >= IN_FLIGHT)
            settle(&workers[index]);
        if (what < 15)
            send_batch(index);
        else if (what < 18)
            listen_to(&workers[index], (int)draw(3));
        else if (what == 18) {
            kill_worker(&workers[index]);
            revive(index);
        } else if (draw(4) == 0) {
            erase_one();
        } else if (draw(2) == 0) {
            take_one_back();
        } else {
            set_one_by_hand();
        }
    }
}

static void end_life(void)
{
    if (draw(3) == 0) {
        for (uint32_t i = 0; i < worker_count; i++)
            kill_worker(&workers[i]);
        for (uint32_t i = 0; i < worker_count; i++)
            revive(i);
    }
    for (uint32_t i = 0; i < worker_count; i++)
        settle(&workers[i]);
    check_counts();
    check_alerts((unsigned)draw(ACCOUNTS));
    stop_all();
}

static void find_program(const char *self)
{
    const char *given = getenv("RETAIN_WORKER");
    const char *place = strstr(self, "/tests/sim/");

    if (given != NULL)
        snprintf(program, sizeof(program), "%s", given);
    else
        snprintf(program, sizeof(program), "%.*s/retain-worker",
                 place == NULL ? 1 : (int)(place - self), place == NULL ? "." : self);
    if (access(program, X_OK) != 0) {
        printf("no worker at %s: build it first\n", program);
        exit(77);
    }
}

int main(int argc, char **argv)
{
    const char *given = getenv("RETAIN_SEED"), *rounds_text = getenv("SIM_ROUNDS");
    unsigned long rounds = rounds_text != NULL ? strtoul(rounds_text, NULL, 10) : 10;
    char command[128];

    (void)argc;
    find_program(argv[0]);
    seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    printf("RETAIN_SEED=%" PRIu64 " SIM_ROUNDS=%lu\n", seed, rounds);
    random_state = seed;
    now_ms = (int64_t)time(NULL) * 1000;
    snprintf(state_dir, sizeof(state_dir), "/tmp/sim-worker.XXXXXX");
    CHECK(mkdtemp(state_dir) != NULL);
    for (unsigned long round = 0; round < rounds; round++) {
        if (round == 0 || draw(4) == 0)
            begin_generation(1 + (uint32_t)draw(WORKERS));
        live();
        end_life();
    }
    for (uint32_t i = 0; i < WORKERS; i++) {
        link_free(&workers[i].link);
        rt_buffer_free(&workers[i].answer);
    }
    snprintf(command, sizeof(command), "rm -rf %s", state_dir);
    CHECK(system(command) == 0);
    printf("1 passed, 0 failed\n");
    return 0;
}

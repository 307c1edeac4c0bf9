/* The lives of the daemon and what shortens them. Once in a while each kind of fault of the plan may
 * strike; when faults cease, what is broken is mended and stays so. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/sim/system/daemon.h"
#include "tests/sim/system/world.h"

enum { TICK_MS = 50, WORKERS = 4, PATH = 256 };

struct sim_plan sim_plan;
struct sim_parameters sim_parameters;

static const char state_dir[] = "state", config_file[] = "retaind.conf";
static struct os_process *daemon_process;
static unsigned life, workers;
static int64_t served_since; /* 0: it does not */
static int64_t stopped_at;
static bool starting, ceased, stopping, rests; /* rests: stays down until it is started */
static int64_t clock_moved, clock_peak;        /* ms, in all; the most it was ahead */

const char *sim_state_dir(void)
{
    return state_dir;
}

/* ---- plan ------------------------------------------------------------------------------------ */

/* Half of the kinds of fault are off in a run: some need calm to be reached. */
static uint64_t rate(uint64_t least, uint64_t most)
{
    return os_draw(2) == 0 ? 0 : least + os_draw(most - least);
}

static void draw_plan(void)
{
    sim_plan = (struct sim_plan){
        .length_ns = (4 + (int64_t)os_draw(26)) * SIM_S,
        .kill_worker = rate(20, 200),
        .kill_daemon = rate(60, 400),
        .cut_power = rate(60, 400),
        .kill_at_call = rate(20, 200),
        .fail_call = rate(40, 400),
        .fill_disk = rate(60, 300),
        .cut_link = rate(60, 400),
        .stall_link = rate(40, 200),
        .freeze_worker = rate(60, 300),
        .set_clock = rate(60, 300),
        .reload = rate(40, 200),
        .restart = rate(100, 400),
        .poison = os_draw(4) == 0 ? 100 + os_draw(300) : 0,
        .erase = rate(4, 20),
        .firehose = rate(2, 6),
    };
}

/* ---- configuration --------------------------------------------------------------------------- */

static void write_tier(FILE *file, unsigned tier)
{
    struct sim_tier *parameters = &sim_parameters.tiers[tier];

    parameters->rhythm_days = (double)(7 + os_draw(28));
    parameters->half_life_days = (double)(30 + os_draw(120));
    fprintf(file, tier == 0 ? "[tier]\n" : "[tier.%s]\n", sim_tier_names[tier]);
    fprintf(file, "rhythm_days = %g\nhalf_life_days = %g\nchurn_below = %u\nchurn_clear = %u\n",
            parameters->rhythm_days, parameters->half_life_days, 30 + (unsigned)os_draw(20),
            55 + (unsigned)os_draw(10));
    fprintf(file, "silence_factor = %g\ndwell_ms = %u\n", 1.0 + (double)os_draw(4),
            os_draw(4) == 0 ? 2000 : 0);
}

static void write_config(void)
{
    FILE *file = fopen(config_file, "w");

    OS_CHECK(file != NULL, "%s: %m", config_file);
    for (unsigned tier = 0; tier < SIM_TIERS; tier++)
        write_tier(file, tier);
    OS_CHECK(fclose(file) == 0, "%s: %m", config_file);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void forget_answers(void)
{
    served_since = 0;
    sim_producers_lost();
    sim_operator_lost();
}

static void start_daemon(void)
{
    static char count[32], window[40], snapshots[40];
    static const char *const overrides[] = {
        "listen.events=ipc://events",
        "listen.firehose=ipc://firehose",
        "listen.alerts=ipc://alerts",
        "listen.query=ipc://query",
        "listen.http=",
        "limits.event_bytes=8K",
        "limits.message_bytes=16K",
        "limits.answer_ms=3000",
        "limits.dedupe_days=730",
        "workers.hang_ms=2000",
        "workers.backoff_ms=20",
        "journal.segment_bytes=1M",
        "snapshot.bytes=64K",
        "alerts.quiet_ms=500",
        count,
        window,
        snapshots,
    };

    snprintf(count, sizeof(count), "workers.count=%u", workers);
    snprintf(window, sizeof(window), "workers.window_bytes=%uK", 64 + (unsigned)os_draw(3) * 64);
    snprintf(snapshots, sizeof(snapshots), "snapshot.interval_ms=%u",
             200 + (unsigned)os_draw(5000));
    forget_answers();
    life++;
    stopping = false;
    daemon_process = os_start_daemon(config_file, state_dir, overrides,
                                     sizeof(overrides) / sizeof(overrides[0]));
    os_trace("life %u with %u workers", life, workers);
}

static void on_start(void *context)
{
    (void)context;
    starting = false;
    start_daemon();
}

static void start_soon(void)
{
    rests = false;
    if (starting)
        return;
    starting = true;
    os_at(os_now_ns() + SIM_MS + (int64_t)os_draw(os_chance(3) ? 2000 * SIM_MS : 20 * SIM_MS),
          on_start, NULL);
}

void sim_life_start(bool other_count)
{
    if (other_count)
        workers = 1 + (workers + (unsigned)os_draw(WORKERS - 1)) % WORKERS;
    if (os_draw(2) == 0)
        write_config();
    start_soon();
}

static void stop_daemon(void)
{
    stopping = true;
    stopped_at = os_now_ns();
    os_signal(daemon_process, SIGTERM);
}

void sim_life_stop(void)
{
    rests = true;
    stop_daemon();
}

bool sim_life_over(void)
{
    return !starting && !os_alive(daemon_process);
}

unsigned sim_life(void)
{
    return life;
}

bool sim_life_served_at(int64_t ns)
{
    return served_since != 0 && served_since <= ns;
}

/* ---- faults ---------------------------------------------------------------------------------- */

static struct os_process *some_worker(uint32_t *index)
{
    *index = (uint32_t)os_draw(WORKERS);
    return os_worker(*index);
}

/* Workers are killed with their daemon (PR_SET_PDEATHSIG), or notice that their link has ended. */
static void kill_daemon(void)
{
    if (!os_alive(daemon_process))
        return;
    for (uint32_t i = 0; i < WORKERS; i++) {
        struct os_process *worker = os_worker(i);

        if (worker != NULL && os_draw(4) > 0)
            os_end(worker, SIGKILL);
    }
    os_end(daemon_process, SIGKILL);
}

/* Everything stops. Called by the driver or from the call at which it happened. */
static void cut_power(void)
{
    os_end_others(SIGKILL);
    os_disk_cut();
    os_trace("the power was cut");
}

static void refill(void *context)
{
    (void)context;
    os_disk_full(false);
    os_trace("the disk has room");
}

static void set_clock(void)
{
    static const int64_t jumps[] = {3600000, -3600000, 86400000, 600000, -60000, 2000};
    int64_t jump = jumps[os_draw(sizeof(jumps) / sizeof(jumps[0]))];

    if (clock_moved + jump < clock_peak - SIM_BACK_MS ||
        clock_moved + jump > INT64_C(20) * 86400000)
        return;
    clock_moved += jump;
    clock_peak = clock_moved > clock_peak ? clock_moved : clock_peak;
    os_set_wall(jump);
}

bool sim_clock_is_behind(void)
{
    return clock_moved < clock_peak;
}

static void break_something(void)
{
    uint32_t index;
    struct os_process *worker = some_worker(&index);

    if (worker != NULL && os_chance(sim_plan.kill_worker))
        os_end(worker, SIGKILL);
    else if (worker != NULL && os_chance(sim_plan.kill_at_call))
        os_disk_kill_at(worker, 1 + (unsigned)os_draw(60),
                        sim_plan.cut_power != 0 && os_draw(3) == 0);
    else if (worker != NULL && os_chance(sim_plan.fail_call))
        os_disk_fail_at(worker, 1 + (unsigned)os_draw(20));
    else if (worker != NULL && os_chance(sim_plan.freeze_worker))
        os_freeze(worker, (int64_t)os_draw(6 * SIM_S));
    else if (worker != NULL && os_chance(sim_plan.cut_link) && sim_worker_link(index) >= 0)
        os_cut(sim_worker_link(index));
    else if (worker != NULL && os_chance(sim_plan.stall_link) && sim_worker_link(index) >= 0)
        os_stall(sim_worker_link(index), (int64_t)os_draw(4 * SIM_S));
}

static void break_everything(void)
{
    if (os_chance(sim_plan.kill_daemon)) {
        kill_daemon();
    } else if (os_chance(sim_plan.cut_power)) {
        cut_power();
    } else if (os_chance(sim_plan.fill_disk)) {
        os_disk_full(true);
        os_trace("the disk is full");
        os_at(os_now_ns() + (int64_t)os_draw(3 * SIM_S), refill, NULL);
    } else if (os_chance(sim_plan.set_clock)) {
        set_clock();
    } else if (os_alive(daemon_process) && os_chance(sim_plan.reload)) {
        write_config();
        os_signal(daemon_process, SIGHUP);
    } else if (os_alive(daemon_process) && os_chance(sim_plan.restart)) {
        stop_daemon();
    }
}

static void watch_life(void)
{
    if (served_since == 0 && sim_daemon_serves())
        served_since = os_now_ns();
    if (os_alive(daemon_process) || starting)
        return;
    /* A stop is by force when poison keeps a worker from finishing for a minute. */
    OS_CHECK(os_status(daemon_process) == SIGKILL || (stopping && os_status(daemon_process) == 0) ||
                 (stopping && sim_plan.poison != 0 && os_now_ns() - stopped_at > 59 * SIM_S),
             "the daemon ended by itself, status %x", (unsigned)os_status(daemon_process));
    forget_answers();
    if (!rests)
        sim_life_start(os_draw(3) == 0);
}

static void tick(void *context)
{
    (void)context;
    watch_life();
    if (!ceased) {
        break_something();
        break_everything();
    }
    os_at(os_now_ns() + TICK_MS * (int64_t)SIM_MS, tick, NULL);
}

void sim_faults_cease(void)
{
    ceased = true;
    os_disk_full(false);
    os_disk_kill_at(NULL, 0, false);
    os_disk_fail_at(NULL, 0);
    os_trace("faults cease");
}

bool sim_faults_ceased(void)
{
    return ceased;
}

/* ---- begin ----------------------------------------------------------------------------------- */

static void hear(const char *address, const struct os_message *message)
{
    if (os_running() != daemon_process)
        return;
    if (strcmp(address, "ipc://events") == 0)
        sim_producers_hear(message);
    else if (strcmp(address, "ipc://query") == 0)
        sim_operator_hear(message);
    else
        sim_subscriber_hear(message);
}

/* A small number of partitions, so that each has something to do. */
static void make_state_dir(void)
{
    char path[PATH + 32];
    FILE *file;

    OS_CHECK(mkdir(state_dir, 0700) == 0, "%s: %m", state_dir);
    snprintf(path, sizeof(path), "%s/format", state_dir);
    file = fopen(path, "w");
    OS_CHECK(file != NULL && fprintf(file, "format 1\npartitions 16\nhash xxh3-64\n") > 0 &&
                 fclose(file) == 0,
             "%s: %m", path);
}

void sim_lives_begin(const char *where)
{
    char kept[PATH + 16];

    /* Paths that are the same in each run: they are in the trace. */
    OS_CHECK(chdir(where) == 0, "%s: %m", where);
    snprintf(kept, sizeof(kept), "%s/kept", where);
    OS_CHECK(mkdir(kept, 0700) == 0, "%s: %m", kept);
    make_state_dir();
    os_disk_begin(state_dir, kept);
    os_disk_on_cut(cut_power);
    os_sockets_hear(hear);
    draw_plan();
    write_config();
    workers = 1 + (unsigned)os_draw(WORKERS);
    start_daemon();
    os_at(os_now_ns(), tick, NULL);
}

/* A seeded simulation of the whole: the real daemon and the real workers, with their threads, on a
 * simulated machine (tests/sim/system/os.h) on which processes are killed, frozen and cut off, disks
 * fail, fill up and lose what was not synced, clocks jump and configurations change, while producers
 * send, operators ask and erase, and a subscriber listens. What must hold is checked after every step
 * and, at the end, account by account against a small model.
 *
 * A failure prints the trace and the seed. The same seed is the same run.
 *
 *     sim_system             SIM_SEEDS runs (8), from RETAIND_TEST_SEED on (else from the clock)
 *     RETAIND_TEST_SEED=N SIM_SEEDS=1 SIM_TRACE=1 sim_system */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/bad_disk.h"
#include "tests/sim/system/daemon.h"
#include "tests/sim/system/world.h"

enum { RUN_SECONDS = 120, CALM_S = 3, CALM_LIMIT_S = 400 };

static int64_t faults_until, calm_since, calm_limit;

/* ---- one run --------------------------------------------------------------------------------- */

static void check(void)
{
    sim_check_windows();
    sim_producers_check();
    sim_operator_check();
}

static bool time_is_up(void)
{
    return os_now_ns() >= faults_until;
}

/* All is answered, and nothing has happened for a while. */
static bool is_calm(void)
{
    if (!sim_producers_done() || !sim_operator_idle() || !sim_daemon_serves()) {
        calm_since = os_now_ns();
        if (os_now_ns() > calm_limit) {
            sim_producers_tell();
            os_fail("no calm: producers %d, operator %d, daemon %d", sim_producers_done(),
                    sim_operator_idle(), sim_daemon_serves());
        }
        return false;
    }
    return os_now_ns() >= calm_since + CALM_S * SIM_S;
}

static bool serves(void)
{
    return sim_daemon_serves();
}

static void audit(void)
{
    calm_limit = os_now_ns() + CALM_LIMIT_S * SIM_S;
    os_run(is_calm, check, 2 * CALM_LIMIT_S * SIM_S);
    os_trace("audit");
    sim_audit_begin();
    os_run(sim_audit_done, check, CALM_LIMIT_S * SIM_S);
}

static void run(const char *folder)
{
    sim_subscriber_begin();
    sim_lives_begin(folder);
    sim_producers_begin();
    sim_operator_begin();
    faults_until = os_now_ns() + sim_plan.length_ns;
    os_run(time_is_up, check, 2 * sim_plan.length_ns);
    sim_faults_cease();
    os_run(serves, check, CALM_LIMIT_S * SIM_S);
    audit();
    sim_life_stop();
    os_run(sim_life_over, check, CALM_LIMIT_S * SIM_S);
    sim_life_start(true);
    os_run(serves, check, CALM_LIMIT_S * SIM_S);
    audit();
}

/* In a process of its own: what a killed process leaves in memory goes with it. */
static int run_child(uint64_t seed, const char *folder)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    alarm(RUN_SECONDS);
    os_seed(seed);
    os_trace_print(getenv("SIM_TRACE") != NULL);
    run(folder);
    if (getenv("SIM_QUIET") == NULL)
        printf("seed %" PRIu64 ": %u lives, %u events, %" PRIu64 " calls of the disk, %" PRId64
               " s, trace %016" PRIx64 "\n",
               seed, sim_life(), sim_entry_count, os_disk_calls(),
               (os_now_ns() - INT64_C(1000000000000)) / SIM_S, os_trace_hash());
    fflush(stdout);
    return 0;
}

/* Where coverage is measured, what this process has counted must be written before it ends. */
#ifdef RT_COVERAGE
void __gcov_dump(void);
#else
static void __gcov_dump(void)
{
}
#endif

static _Noreturn void end_child(int status)
{
    __gcov_dump();
    _exit(status);
}

/* ---- many ------------------------------------------------------------------------------------ */

static bool run_seed(uint64_t seed)
{
    char *folder = rt_scratch_new();
    int status = 0;
    pid_t child;

    fflush(stdout);
    child = fork();
    if (child == 0)
        end_child(run_child(seed, folder));
    waitpid(child, &status, 0);
    rt_scratch_remove(folder);
    if (WIFSIGNALED(status))
        printf("FAIL signal %d (RETAIND_TEST_SEED=%" PRIu64 ")\n", WTERMSIG(status), seed);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(void)
{
    const char *given = getenv("RETAIND_TEST_SEED"), *count = getenv("SIM_SEEDS");
    uint64_t first = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 1000;
    uint64_t seeds = count != NULL ? strtoull(count, NULL, 10) : 8;
    uint64_t failed = 0;

    printf("RETAIND_TEST_SEED=%" PRIu64 " SIM_SEEDS=%" PRIu64 "\n", first, seeds);
    for (uint64_t i = 0; i < seeds; i++)
        failed += !run_seed(first + i);
    printf("%" PRIu64 " passed, %" PRIu64 " failed\n", seeds - failed, failed);
    return failed == 0 ? 0 : 1;
}

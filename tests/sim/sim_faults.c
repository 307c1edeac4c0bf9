/* A worker whose disk fails at its n-th call, for every n, every way and every workload: killed,
 * power cut (part of what was not synced is kept, or none of it), an error, no space, a short
 * write, a sync that fails and loses what it should have synced. What must be true then stands in
 * tests/lib/tiny_daemon.h.
 *
 * RETAIND_WALK_STRIDE (127): every n-th fault is tried, from a start that the
 * seed decides (RETAIND_TEST_SEED); 1 tries all: make crash-walk. Arguments: names of workloads, or
 * WORKLOAD LIFE MODE CALL FAULT for one run, as a failure tells them. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/lib/tiny_daemon.h"
#include "workers/disk.h"

enum { STRIDE = 127, LARGE = 60 << 10, CALLS_MAX = RT_BAD_LOG };

/* ---- workloads ------------------------------------------------------------------------------- */

/* Small groups and large ones, three segments, dead letters, repeats, alerts raised and cleared. */
static void commits(void)
{
    rt_tiny_start(1);
    for (unsigned round = 0; round < 6; round++) {
        rt_tiny_push(round, 3, 10, true);
        rt_tiny_push(6, 1, 100, false);
        rt_tiny_settle();
        rt_tiny_push(7, 7, LARGE, true);
        rt_tiny_bury(round);
    }
    rt_tiny_repeat(7, 7);
    rt_tiny_settle();
    rt_tiny_kill();
    rt_tiny_start(1);
    rt_tiny_push(6, 1, 10, false);
}

/* A snapshot every 64 KiB, of one partition after the other; clean stops and kills. */
static void snapshots(void)
{
    rt_tiny_configure("snapshot.interval_ms=100\n");
    rt_tiny_start(1);
    for (unsigned round = 0; round < 8; round++) {
        rt_tiny_push(round % 4, 1, LARGE, true);
        rt_tiny_push(5, 1, 10, false);
        rt_tiny_settle();
    }
    rt_tiny_wait_for(".snap", 2);
    rt_tiny_stop();
    rt_tiny_start(1);
    rt_tiny_push(5, 2, LARGE, false);
    rt_tiny_settle();
    rt_tiny_wait_for(".old", 1);
    rt_tiny_kill();
    rt_tiny_start(1);
    rt_tiny_push(4, 1, 10, true);
}

/* Erases between snapshots; one account comes back afterwards. */
static void erases(void)
{
    rt_tiny_configure("snapshot.interval_ms=100\n");
    rt_tiny_start(1);
    for (unsigned account = 0; account < 6; account++) {
        rt_tiny_push(account, 3, LARGE / 4, account % 2 == 0);
        rt_tiny_bury(account);
    }
    rt_tiny_settle();
    rt_tiny_erase(1);
    rt_tiny_settle();
    rt_tiny_push(1, 1, 10, false);
    rt_tiny_push(3, 1, LARGE, false);
    rt_tiny_settle();
    rt_tiny_erase(2);
    rt_tiny_settle();
    rt_tiny_stop();
    rt_tiny_start(1);
    rt_tiny_erase(3);
    rt_tiny_settle();
    rt_tiny_push(0, 1, 10, false);
}

/* The group before an erase makes a snapshot due, so that the next partition is taken with the
 * intent's own group, while the account is still there: that snapshot must not be kept. */
static void intents(void)
{
    rt_tiny_start(1);
    for (unsigned account = 0; account < RT_TINY_ACCOUNTS; account++)
        rt_tiny_push(account, 1, 10, true);
    rt_tiny_settle();
    rt_tiny_pause();
    rt_tiny_push(rt_tiny_account_in(0), 2, LARGE, true);
    rt_tiny_erase(rt_tiny_account_in(1));
    rt_tiny_resume();
    rt_tiny_settle();
    rt_tiny_wait_for(".snap", RT_TINY_PARTITIONS - 1);
    rt_tiny_kill();
    rt_tiny_start(1);
}

/* Another number of workers, after a clean stop and after a kill. */
static void upgrades(void)
{
    rt_tiny_start(1);
    for (unsigned account = 0; account < 6; account++)
        rt_tiny_push(account, 3, LARGE / 8, account % 2 == 0);
    rt_tiny_stop();
    rt_tiny_start(2);
    rt_tiny_push(1, 1, 10, false);
    rt_tiny_push(2, 1, LARGE, true);
    rt_tiny_settle();
    rt_tiny_kill();
    rt_tiny_start(1);
    rt_tiny_push(1, 1, 10, false);
}

/* Segments go whose time has come, of this generation and of the one before. */
static void trims(void)
{
    rt_tiny_start(1);
    for (unsigned round = 0; round < 4; round++)
        rt_tiny_push(round % 4, 10, LARGE, true);
    rt_tiny_push(5, 1, 10, false);
    rt_tiny_stop();
    rt_tiny_start(2);
    rt_tiny_push(5, 1, 10, false);
    rt_tiny_stop();
    rt_tiny_configure("snapshot.interval_ms=100\nlimits.dedupe_days=1\njournal.keep_days=1\n"
                      "alerts.keep_days=1\nlimits.dead_days=1\ndebug.clock_offset_ms=259200000\n");
    rt_tiny_start(2);
    rt_tiny_push(4, 1, 10, true);
    rt_tiny_settle();
    rt_tiny_wait_gone("journal/0001-000001.seg");
}

static const struct workload {
    const char *name;
    void (*run)(void);
    bool whole; /* nothing is older than it is kept */
} workloads[] = {
    {"commits", commits, true}, {"snapshots", snapshots, true}, {"erases", erases, true},
    {"intents", intents, true}, {"upgrades", upgrades, true},   {"trims", trims, false},
};

/* ---- the walk -------------------------------------------------------------------------------- */

/* A way to fail, and the calls it can be tried at. */
static const struct way {
    const char *name;
    enum rt_bad_mode mode;
    int fault;
    unsigned calls; /* bits of enum rt_disk_op; 0: all */
} ways[] = {
    {"killed", RT_BAD_KILL, 0, 0},
    {"power cut, only what was synced is kept", RT_BAD_CUT, 0, 0},
    {"power cut, part of the rest is kept", RT_BAD_CUT, -1, 0},
    {"EIO", RT_BAD_FAIL, EIO, 0},
    {"ENOSPC", RT_BAD_FAIL, ENOSPC,
     1u << RT_DISK_OPEN | 1u << RT_DISK_ALLOCATE | 1u << RT_DISK_WRITE | 1u << RT_DISK_RENAME |
         1u << RT_DISK_FOLDER},
    {"disk full for a while", RT_BAD_FULL, 0,
     1u << RT_DISK_OPEN | 1u << RT_DISK_ALLOCATE | 1u << RT_DISK_WRITE},
    {"short write", RT_BAD_SHORT, 0, 1u << RT_DISK_WRITE},
    {"sync fails and loses", RT_BAD_LOST, 0, 1u << RT_DISK_SYNC},
};
enum { WAYS = sizeof(ways) / sizeof(ways[0]) };

static long runs[WAYS], hits[WAYS];
static unsigned stride;
static uint64_t seed, place;

static unsigned run(const struct workload *workload, const struct rt_tiny_plan *plan)
{
    rt_tiny_begin(plan, "");
    workload->run();
    rt_tiny_end(workload->whole);
    return rt_tiny_lives();
}

static void try_ways(const struct workload *workload, unsigned life, long at, unsigned op)
{
    for (unsigned i = 0; i < WAYS; i++) {
        const struct way *way = &ways[i];
        struct rt_tiny_plan plan = {.mode = way->mode, .at = at, .fault = way->fault, .life = life};

        if ((way->calls != 0 && (way->calls >> op & 1) == 0) || place++ % stride != 0)
            continue;
        if (plan.fault < 0)
            plan.fault = (int)(1 + (seed + place) % 1000000);
        run(workload, &plan);
        runs[i]++;
        hits[i] += rt_tiny_log()->hit;
    }
}

/* Threads make the calls come in another order now and then; what is told is what one run did. */
static long walk_life(const struct workload *workload, unsigned life)
{
    struct rt_tiny_plan plan = {.mode = RT_BAD_COUNT, .life = life};
    static unsigned char ops[RT_BAD_LOG];
    long calls;

    run(workload, &plan);
    calls = rt_tiny_log()->calls;
    if (calls > CALLS_MAX)
        abort();
    memcpy(ops, rt_tiny_log()->op, sizeof(ops));
    for (long at = 1; at <= calls; at++)
        try_ways(workload, life, at, ops[at - 1]);
    return calls;
}

/* The last lives belong to the checks of rt_tiny_end. */
static void walk(const struct workload *workload)
{
    struct rt_tiny_plan plan = {.mode = RT_BAD_COUNT, .life = 0};
    unsigned lives = run(workload, &plan);
    long calls = 0;

    for (unsigned life = 1; life <= lives; life++)
        calls += walk_life(workload, life);
    printf("%-10s %u lives, %ld calls\n", workload->name, lives, calls);
    fflush(stdout);
}

static bool is_wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return true;
    return argc < 2;
}

/* Once more what a failure told: WORKLOAD LIFE MODE CALL FAULT. */
static int repeat(char **argv)
{
    struct rt_tiny_plan plan = {.life = (unsigned)atoi(argv[2]),
                                .mode = (enum rt_bad_mode)atoi(argv[3]),
                                .at = atol(argv[4]),
                                .fault = atoi(argv[5])};

    for (size_t i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++)
        if (strcmp(workloads[i].name, argv[1]) == 0)
            run(&workloads[i], &plan);
    return 0;
}

int main(int argc, char **argv)
{
    const char *seed_text = getenv("RETAIND_TEST_SEED"), *text = getenv("RETAIND_WALK_STRIDE");
    long all = 0;

    seed = seed_text != NULL ? strtoull(seed_text, NULL, 10) : (uint64_t)time(NULL);
    stride = text != NULL ? (unsigned)strtoul(text, NULL, 10) : STRIDE;
    stride = stride == 0 ? 1 : stride;
    place = seed % stride;
    if (argc == 6)
        return repeat(argv);
    printf("RETAIND_TEST_SEED=%" PRIu64 " RETAIND_WALK_STRIDE=%u\n", seed, stride);
    for (size_t i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++)
        if (is_wanted(workloads[i].name, argc, argv))
            walk(&workloads[i]);
    for (unsigned i = 0; i < WAYS; i++) {
        printf("%-40s %6ld tried, %6ld met\n", ways[i].name, runs[i], hits[i]);
        all += runs[i];
    }
    printf("%ld faults\n1 passed, 0 failed\n", all);
    return 0;
}

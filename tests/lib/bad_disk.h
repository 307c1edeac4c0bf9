/* A disk that fails, falls short, or loses power at the n-th call, under the real files of a
 * scratch folder; made of the hook in workers/disk.h.
 *
 * Power loss: from that call on nothing is done any more. rt_bad_disk_restore then undoes what was
 * not synced: of file contents a random part of the sectors, of names (create, rename, unlink) a
 * random number of the newest; with seed 0 all of both, so that only what was synced is kept.
 *
 * KILL, CUT, LOST and FULL are for a process of its own, which they may end with SIGKILL. */
#ifndef RT_TESTS_LIB_BAD_DISK_H
#define RT_TESTS_LIB_BAD_DISK_H

#include "tests/lib/scratch.h"
#include "workers/disk.h"

enum rt_bad_mode {
    RT_BAD_COUNT, /* counts the calls, nothing else */
    RT_BAD_FAIL,  /* the n-th call fails with `fault`, once */
    RT_BAD_SHORT, /* the n-th call, if it is a write, writes half first */
    RT_BAD_STOP,  /* a killed process: from the n-th call on nothing is done, what was done stays */
    RT_BAD_POWER, /* a power cut */
    RT_BAD_KILL,  /* the process is killed before its n-th call */
    RT_BAD_CUT,   /* a power cut there and then: undone (seed: `fault`), and the process killed */
    RT_BAD_LOST, /* the n-th call, if it is a sync, fails and what it should have synced is gone; the
                     next one says that all is well, as Linux does */
    RT_BAD_FULL, /* no space from the n-th call on, for RT_BAD_FULL_CALLS calls */
    RT_BAD_MODES,
};

enum { RT_BAD_FULL_CALLS = 24, RT_BAD_LOG = 8192 };

/* What a process did, for the one that started it: in memory that both share. */
struct rt_bad_log {
    long calls;
    bool hit;                     /* what was asked for has happened */
    unsigned char op[RT_BAD_LOG]; /* enum rt_disk_op of the first calls */
};

/* NULL: nobody wants to know. */
void rt_bad_disk_tell(struct rt_bad_log *log);

/* What the disk says to one call: for a hook of another kind than the one that begin installs. */
int rt_bad_disk_ask(const struct rt_disk_call *call);

/* Installs the hook and begins to count at 1. */
void rt_bad_disk_begin(enum rt_bad_mode mode, long at, int fault);

/* Takes the hook away; the number of calls that were made. */
long rt_bad_disk_end(void);

/* After end, in mode POWER: undoes what was not synced. Same seed, same damage. */
void rt_bad_disk_restore(uint64_t seed);

#endif

/* A disk that fails, falls short, or loses power at the n-th call, under the real files of a
 * scratch folder; made of the hook in workers/disk.h.
 *
 * Power loss: from that call on nothing is done any more. rt_bad_disk_restore then undoes what was
 * not synced: of file contents a random part of the sectors, of names (create, rename, unlink) a
 * random number of the newest. */
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
};

/* Installs the hook and begins to count at 1. */
void rt_bad_disk_begin(enum rt_bad_mode mode, long at, int fault);

/* Takes the hook away; the number of calls that were made. */
long rt_bad_disk_end(void);

/* After end, in mode POWER: undoes what was not synced. Same seed, same damage. */
void rt_bad_disk_restore(uint64_t seed);

#endif

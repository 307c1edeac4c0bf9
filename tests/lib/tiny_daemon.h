/* Plays the daemon for workers that are forked from the test, each with a disk that may be bad: it
 * starts them, hands them frames, keeps what has no answer and hands it over again when one dies,
 * gives alerts their numbers. A small model says what must be true whatever happens:
 *
 *   1. right after a start every account holds all that was acknowledged, and nothing that was not
 *      sent;
 *   2. when everything is answered, each account counts exactly what was sent to it, once, and its
 *      timeline shows the same; sent again it is all duplicates;
 *   3. a message at a position of the journal never changes; an episode keeps its id until it is
 *      cleared; the list shows each message once, under the number it was given;
 *   4. an account that was answered to be erased is not there, and no file holds its name.
 *
 * A condition that does not hold ends the test with what was being tried. */
#ifndef RT_TESTS_LIB_TINY_DAEMON_H
#define RT_TESTS_LIB_TINY_DAEMON_H

#include "protocol/link.h"
#include "tests/lib/bad_disk.h"

enum {
    RT_TINY_ACCOUNTS = 8,
    RT_TINY_IDS = 400, /* identities an account may have */
    RT_TINY_PARTITIONS = 4,
    RT_TINY_WORKERS = 2, /* at most */
};

/* What goes wrong, and in which life: lives are counted over all workers, from 1. */
struct rt_tiny_plan {
    enum rt_bad_mode mode;
    long at;
    int fault; /* errno of FAIL, seed of CUT */
    unsigned life;
};

/* A new state directory. `config`: more lines for the workers' configuration. */
void rt_tiny_begin(const struct rt_tiny_plan *plan, const char *config);

/* Stops the workers, starts and checks, kills, starts and checks, and removes the directory. Not
 * `whole`: events are older than they are kept, so timelines, lists and repeats are not
 * looked at. */
void rt_tiny_end(bool whole);

/* A generation of so many workers; those before are stopped, or killed. */
void rt_tiny_start(uint32_t workers);
void rt_tiny_stop(void);
void rt_tiny_kill(void);

/* Other configuration lines, from the next start on. */
void rt_tiny_configure(const char *config);

/* `count` fresh events for an account, in one frame, each with `bytes` more of content. A cheerful
 * one is a call that was answered, else it is a critical ticket. Returns at once. */
void rt_tiny_push(unsigned account, unsigned count, size_t bytes, bool cheerful);
/* Repeats what was sent to the account: all duplicates. */
void rt_tiny_repeat(unsigned account, unsigned count);
/* Bytes that are no event become a dead letter. */
void rt_tiny_bury(unsigned account);
void rt_tiny_erase(unsigned account);

/* Frames sent in between are read in one go. */
void rt_tiny_pause(void);
void rt_tiny_resume(void);

/* An account that lies in the partition. */
unsigned rt_tiny_account_in(uint32_t partition);

/* Waits until everything is answered. */
void rt_tiny_settle(void);

/* Waits until the workers have written `files` whose names end so; not after the fault, which may
 * have changed what is due. */
void rt_tiny_wait_for(const char *ending, unsigned files);
/* Waits until the file is gone; not after the fault either. */
void rt_tiny_wait_gone(const char *name);

/* How often a worker was started since begin, and what the one with the bad disk did. */
unsigned rt_tiny_lives(void);
const struct rt_bad_log *rt_tiny_log(void);

#endif

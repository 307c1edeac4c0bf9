/* Start: the newest good snapshots, then the journal after them, over all generations of logs.
 * Recorded outputs are applied, nothing of the past is judged again. */
#ifndef RT_WORKERS_RECOVER_H
#define RT_WORKERS_RECOVER_H

#include "protocol/generation.h"
#include "workers/core.h"

struct rt_log_history {
    struct rt_generation *all; /* oldest first */
    size_t count;
};

/* Parses STATE_DIR/generations. False with error (RT_JOURNAL_ERROR bytes). */
bool rt_log_history_parse(struct rt_log_history *generations, const char *text, char *error);
bool rt_log_history_read(struct rt_log_history *generations, const char *state_dir, char *error);
void rt_log_history_free(struct rt_log_history *generations);

struct rt_recovery {
    uint64_t replayed;     /* records taken */
    uint64_t damaged;      /* places in the journal that could not be read */
    int64_t time;          /* newest judging time found, 0 if none */
    bool other_parameters; /* a snapshot's deadlines were computed under another configuration */
    uint64_t
        erased; /* accounts whose erase a stop had cut short: snapshot their partitions at once */
};

/* Called now and then with what has been replayed, so that the daemon knows the worker lives. */
typedef void rt_recover_progress(void *context, uint64_t records);
/* One line for the log about something found on the way. */
typedef void rt_recover_note(void *context, const char *text);

/* Called before an erase that a stop cut short is done again: returns when it may be (hold.h). */
typedef void rt_recover_hold(void *context);

/* Fills the core. `seed`: the state directory's (secret.h). False with error: the state directory
 * cannot be used. */
bool rt_recover(struct rt_core *core, struct rt_journal *journal, const char *state_dir,
                uint64_t seed, rt_recover_progress *progress, rt_recover_note *note,
                rt_recover_hold *hold, void *context, struct rt_recovery *recovery, char *error);

#endif

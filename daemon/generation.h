/* The state directory as the daemon keeps it: its lock, its format, and the generations of logs.
 * Everything else in it belongs to the workers.
 *
 *   lock         held (flock) as long as the daemon lives
 *   format       "format 1", "partitions 256", "hash xxh3-64": written once
 *   generations  protocol/generation.h. A start with another count of workers appends a line whose
 *                logs come after all earlier ones. Written beside, synced, renamed. */
#ifndef RT_DAEMON_GENERATION_H
#define RT_DAEMON_GENERATION_H

#include <stddef.h>

#include "protocol/generation.h"

enum { RT_STATE_PATH = 1024 };

struct rt_state_dir {
    char path[RT_STATE_PATH];
    int lock; /* descriptor, -1: not held */
    uint32_t partitions;
    struct rt_generation generation; /* of this start */
};

/* Pure: reads the text of `generations`; the newest line in *newest (all zero if the text is
 * empty). False if a line cannot be read or numbers do not follow each other; *line is its number.
 */
bool rt_generations_parse(const char *text, struct rt_generation *newest, unsigned *line);

/* Pure: the generation for `workers` after `newest`: the same if the count is the same. When the
 * numbers for logs are used up it does not follow (rt_generation_follows). */
struct rt_generation rt_generation_next(struct rt_generation newest, uint32_t workers);

/* Makes (0700) what is missing, takes the lock, checks the format, begins a new generation if it
 * must. False with a sentence in error; nothing is held then. */
bool rt_state_dir_open(struct rt_state_dir *state, const char *path, uint32_t workers, char *error,
                       size_t error_size);
void rt_state_dir_close(struct rt_state_dir *state);

/* Writes STATE_DIR/name as a whole: beside it, synced, renamed, the directory synced. False with
 * errno. */
bool rt_state_dir_write(const struct rt_state_dir *state, const char *name, const char *text,
                        size_t size);
/* Removes it; a missing one is fine. */
void rt_state_dir_remove(const struct rt_state_dir *state, const char *name);

#endif

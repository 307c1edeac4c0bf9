/* Checks a state directory that nobody uses, from the first byte of every file to the last. Reads
 * only. Damage is no failure: each place is told with file and offset, and reading goes on behind
 * it. */
#ifndef RT_WORKERS_VERIFY_H
#define RT_WORKERS_VERIFY_H

#include <stdbool.h>
#include <stddef.h>

#include "workers/finding.h"

/* True if everything was looked at; *checked says how much there was and what was found. False with
 * a sentence in error: a daemon or worker uses the directory, it cannot be opened, a file cannot be
 * read, or memory ran out; findings up to there were told. */
bool rt_verify(const char *state_dir, rt_found *found, void *context, struct rt_checked *checked,
               char *error, size_t error_size);

/* The same of a directory whose lock the caller holds or that nobody knows yet. */
bool rt_verify_held(const char *state_dir, rt_found *found, void *context,
                    struct rt_checked *checked, char *error, size_t error_size);

#endif

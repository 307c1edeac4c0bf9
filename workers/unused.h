/* Makes sure that nobody uses a state directory while its files are read: the locks of a daemon and
 * of its workers, which outlive it by a moment. */
#ifndef RT_WORKERS_UNUSED_H
#define RT_WORKERS_UNUSED_H

#include <stdbool.h>
#include <stddef.h>

/* Keeps a daemon from starting on it until *lock is released (-1 is one, too: there is no file to
 * lock). False with a sentence in error: somebody uses it, or it cannot be opened. */
bool rt_unused_hold(const char *state_dir, int *lock, char *error, size_t error_size);
void rt_unused_release(int lock);

#endif

/* Who may change in place what a backup is copying. Erasing overwrites records, trimming removes
 * segments; a copy that meets either half way would keep what was to go, or lack what its snapshots
 * need. Both hold the folder journal/ together with other workers, a backup holds it alone. A lock
 * of the kernel's (flock): it ends with its holder, whatever ended that. */
#ifndef RT_WORKERS_HOLD_H
#define RT_WORKERS_HOLD_H

#include <stdbool.h>

/* A descriptor to release, or -1 with errno; EWOULDBLOCK: a backup is being taken. Does not wait. */
int rt_hold_shared(const char *state_dir);

/* The same against everybody; tries for so long. */
int rt_hold_alone(const char *state_dir, int wait_ms);

void rt_hold_release(int hold); /* takes -1 */

#endif

/* A random number that belongs to the state directory (STATE_DIR/secret, 16 hexadecimal digits): it
 * keys the hashes of erased names. */
#ifndef RT_WORKERS_SECRET_H
#define RT_WORKERS_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Makes it if it is not there; workers may do so at the same time. False with error. */
bool rt_secret(const char *state_dir, uint64_t *secret, char *error, size_t error_size);

#endif

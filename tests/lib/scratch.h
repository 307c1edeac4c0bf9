/* Folders for tests that need files. What cannot be had ends the test. */
#ifndef RT_TESTS_LIB_SCRATCH_H
#define RT_TESTS_LIB_SCRATCH_H

#include <stddef.h>
#include <stdint.h>

/* A fresh empty folder below $TMPDIR, /dev/shm (syncs cost nothing there) or /tmp; freed by
 * rt_scratch_remove with everything in it. */
char *rt_scratch_new(void);
void rt_scratch_remove(char *folder);

/* Whole files, for tests that flip bits; read allocates. */
uint8_t *rt_scratch_read(const char *folder, const char *name, size_t *size);
void rt_scratch_write(const char *folder, const char *name, const void *data, size_t size);

/* Makes a folder a state directory without a journal: format, secret (0x2a), and these generations. */
void rt_scratch_state(const char *folder, unsigned partitions, const char *generations);

#endif

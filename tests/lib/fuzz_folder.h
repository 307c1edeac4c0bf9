/* A scratch folder (scratch.h) for targets whose parser reads files: made once in a process, removed
 * when it ends (not when it crashes). */
#ifndef TESTS_LIB_FUZZ_FOLDER_H
#define TESTS_LIB_FUZZ_FOLDER_H

#include "protocol/span.h"

/* Its path, and an open descriptor of it. */
const char *fuzz_folder_path(void);
int fuzz_folder(void);

/* Makes the file anew with these bytes; `name` may begin with one folder, which is made. */
void fuzz_folder_write(const char *name, struct rt_span bytes);

/* Removes every file in it, those of its folders too (the folders stay). */
void fuzz_folder_empty(void);

#endif

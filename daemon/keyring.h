/* The folder of keys: each NAME.key in it is one client (key.h). A file that cannot be read, is too
 * open or holds a fault is told of and admits nobody; the others stand. */
#ifndef RT_DAEMON_KEYRING_H
#define RT_DAEMON_KEYRING_H

#include "daemon/access.h"

enum { RT_KEYRING_KEYS = 100000 };

/* Hears of a key that admits nobody, a sentence with its file. */
typedef void rt_keyring_fault(void *context, const char *text);

/* Reads the folder into *access, which must be empty, and makes it ask for keys. False with a
 * sentence in error (RT_SECRET_ERROR bytes) if the folder itself cannot be read, or others may
 * write to it: *access then asks for keys and knows none. */
bool rt_keyring_read(const char *folder, struct rt_access *access, rt_keyring_fault *fault,
                     void *context, char *error);

#endif

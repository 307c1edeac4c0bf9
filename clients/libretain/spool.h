/* What the client needs of a spool, and what its tests look at. */
#ifndef RT_LIBRETAIN_SPOOL_H
#define RT_LIBRETAIN_SPOOL_H

#include <stdbool.h>

#define RT_SPOOL_SUFFIX ".event"
#define RT_SPOOL_REJECTED ".rejected"

/* True for names of events that wait: not hidden, with the suffix. */
bool rt_spool_name(const char *name);

#endif

/* Marks of rt_wait.group. */
#ifndef RT_WORKERS_GROUP_H
#define RT_WORKERS_GROUP_H

#include <stdint.h>

/* The account was loaded quietly and waits for the end of the load, whatever else touches it. */
#define RT_GROUP_QUIET UINT32_MAX

#endif

/* A broken invariant of ours ends the process, in release builds too. Hostile input is never an
 * assertion: it is an error code. */
#ifndef RT_PROTOCOL_ASSERT_H
#define RT_PROTOCOL_ASSERT_H

#include <stdio.h>
#include <stdlib.h>

/* Where coverage is measured, the branch of a broken invariant does not count: no test can take it. */
#ifdef RT_COVERAGE
#define RT_ASSERT(condition) ((void)(condition))
#else
#define RT_ASSERT(condition)                                                                       \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "invariant broken: %s (%s:%d)\n", #condition, __FILE__, __LINE__);     \
            abort();                                                                               \
        }                                                                                          \
    } while (0)
#endif

#endif

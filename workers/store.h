/* How the core reaches what is kept: append to the group that is being filled, read a record back.
 * The worker's is the journal, tests and the back-test have one in memory. */
#ifndef RT_WORKERS_STORE_H
#define RT_WORKERS_STORE_H

#include "workers/journal.h"

struct rt_store {
    void *context;
    /* 0 if it could not be taken. */
    rt_position (*append)(void *context, enum rt_record_type type, uint8_t flags,
                          uint32_t partition, rt_position previous, struct rt_span body);
    bool (*read)(void *context, rt_position position, struct rt_record *record);
};

#endif

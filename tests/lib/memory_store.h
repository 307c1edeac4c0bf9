/* A rt_store in memory, for tests of the core: records by position, everything kept. */
#ifndef TESTS_LIB_MEMORY_STORE_H
#define TESTS_LIB_MEMORY_STORE_H

#include "workers/store.h"

struct memory_record {
    struct rt_record record;
    uint8_t *body;
};

struct memory_store {
    struct memory_record *records;
    size_t count, capacity;
    bool full; /* append fails */
    uint32_t log;
};

struct rt_store memory_store(struct memory_store *memory);
void memory_store_free(struct memory_store *memory);

#endif

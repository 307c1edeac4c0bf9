/* What a block costs, for rt_account_bytes. */
#ifndef RT_WORKERS_ACCOUNT_MEMORY_H
#define RT_WORKERS_ACCOUNT_MEMORY_H

#include <stddef.h>

/* Bytes of the heap that malloc(size) takes with its header, as glibc on 64 bits does it; 0: no
 * block. */
static inline size_t rt_memory_block(size_t size)
{
    size_t bytes = (size + 8 + 15) & ~(size_t)15;

    return size == 0 ? 0 : bytes < 32 ? 32 : bytes;
}

#endif

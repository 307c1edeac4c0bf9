/* XXH3 of an account. Cannot fail. */
#include "protocol/partition.h"

#include <xxhash.h>

#include "protocol/assert.h"

uint32_t rt_partition(struct rt_span account, uint32_t partitions)
{
    RT_ASSERT(partitions > 0);
    return (uint32_t)(XXH3_64bits(account.data, account.size) % partitions);
}

/* Which partition an account belongs to. Published: STATE_DIR/format names it, and it never changes
 * for a state directory. */
#ifndef RT_PROTOCOL_PARTITION_H
#define RT_PROTOCOL_PARTITION_H

#include "protocol/span.h"

/* XXH3-64(account), unkeyed, modulo `partitions` (> 0). */
uint32_t rt_partition(struct rt_span account, uint32_t partitions);

#endif

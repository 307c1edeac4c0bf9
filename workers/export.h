/* The state of one partition as bytes: the content of its snapshot. It holds nothing of any other
 * partition. */
#ifndef RT_WORKERS_EXPORT_H
#define RT_WORKERS_EXPORT_H

#include "workers/core.h"

/* Appends the partition's content (check out->failed). */
void rt_core_export(const struct rt_core *core, const struct rt_shard *shard,
                    struct rt_buffer *out);

/* Takes content into an empty shard. False if the bytes are none or memory ran out (message in
 * error, RT_JOURNAL_ERROR bytes); the shard then holds a part and must not be used. */
bool rt_core_import(struct rt_core *core, struct rt_shard *shard, struct rt_span content,
                    char *error);

#endif

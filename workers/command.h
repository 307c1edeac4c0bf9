/* What operators say, as it is journaled: acknowledge, snooze, drop a dead letter.
 *
 * Body of a COMMAND record: u8 kind, u64 sequence (of the episode or the dead letter), i64 ts, i64
 * until, then u32 size + bytes of account, by, note. */
#ifndef RT_WORKERS_COMMAND_H
#define RT_WORKERS_COMMAND_H

#include "workers/core.h"

enum rt_command_kind { RT_COMMAND_ACK = 1, RT_COMMAND_SNOOZE = 2, RT_COMMAND_DROP = 3 };

struct rt_command {
    enum rt_command_kind kind;
    uint64_t sequence;
    int64_t ts, until;
    struct rt_span account, by, note;
};

void rt_command_encode(struct rt_buffer *out, const struct rt_command *command);
bool rt_command_decode(struct rt_span body, struct rt_command *command);

/* Live and in recovery alike. `position`: of its record, which joins the account's chain (an erase
 * finds it there; a dropped letter names no account). False if what it names is not there (any
 * more). */
bool rt_command_apply(struct rt_core *core, struct rt_shard *shard,
                      const struct rt_command *command, rt_position position);

#endif

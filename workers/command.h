/* What operators say, as it is journaled: acknowledge, snooze, drop a dead letter, set a score by hand
 * and end that, take an event back.
 *
 * Body of a COMMAND record: u8 kind, u64 sequence (of the episode or the dead letter; VOID: position of the event), i64 ts, i64
 * until, then u32 size + bytes of account, by, note. OVERRIDE: then u8 form, u64 value (override.h).
 * Its note is the reason. */
#ifndef RT_WORKERS_COMMAND_H
#define RT_WORKERS_COMMAND_H

#include "workers/core.h"
#include "workers/override.h"

enum rt_command_kind {
    RT_COMMAND_ACK = 1,
    RT_COMMAND_SNOOZE = 2,
    RT_COMMAND_DROP = 3,
    RT_COMMAND_OVERRIDE = 4,
    RT_COMMAND_OVERRIDE_END = 5,
    RT_COMMAND_VOID = 6,
};

struct rt_command {
    enum rt_command_kind kind;
    uint64_t sequence;
    int64_t ts, until;
    struct rt_span account, by, note;
    struct rt_override override; /* OVERRIDE: what is set; its texts and moments as above */
};

void rt_command_encode(struct rt_buffer *out, const struct rt_command *command);
bool rt_command_decode(struct rt_span body, struct rt_command *command);

/* Live and in recovery alike. `position`: of its record, which joins the account's chain (an erase
 * finds it there; a dropped letter names no account). False if what it names is not there (any
 * more). Whoever must not fail reserves what it needs before: rt_account_reserve_hold, or
 * rt_command_prepare. */
bool rt_command_apply(struct rt_core *core, struct rt_shard *shard,
                      const struct rt_command *command, rt_position position);

/* An override that is said now, made before its record is kept: NULL without memory. It is the
 * account's after rt_command_take, which cannot fail; else free() it. */
struct rt_override *rt_command_prepare(struct rt_account *account,
                                       const struct rt_command *command);
void rt_command_take(struct rt_core *core, struct rt_shard *shard, struct rt_account *account,
                     struct rt_override *override, int64_t now, rt_position position);

#endif

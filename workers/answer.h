/* Queries, answered from memory and the journal. Each writes one reply map (docs/PROTOCOL.md
 * section 5) or, where a query concerns all workers, this worker's part of it (protocol/query.h).
 * The caller sees to it that a reply leaves only after what it saw is on disk. */
#ifndef RT_WORKERS_ANSWER_H
#define RT_WORKERS_ANSWER_H

#include "protocol/query.h"
#include "workers/core.h"

/* Whether the asker may see the account (NULL: there is none, and who may not see all is not told
 * so). */
bool rt_answer_sees(const struct rt_query *query, const struct rt_account *account);

void rt_answer_account(struct rt_core *core, const struct rt_query *query, int64_t now,
                       struct rt_buffer *out);
void rt_answer_timeline(struct rt_core *core, const struct rt_query *query, struct rt_buffer *out);
void rt_answer_dead_list(struct rt_core *core, const struct rt_query *query, struct rt_buffer *out);
/* Journals and applies; the reply says what is in force. */
void rt_answer_override(struct rt_core *core, const struct rt_query *query, int64_t now,
                        struct rt_buffer *out);
/* Journals and applies; false: nothing has changed (refused, or it was void before). */
bool rt_answer_void(struct rt_core *core, const struct rt_query *query, int64_t now,
                    struct rt_buffer *out);
/* Internal: {"ok", "letter": bin, "reason", "bytes"}. */
void rt_answer_dead_get(struct rt_core *core, const struct rt_query *query, struct rt_buffer *out);
/* Journals and applies; the reply names what it changed. */
void rt_answer_dead_drop(struct rt_core *core, const struct rt_query *query, int64_t now,
                         struct rt_buffer *out);
void rt_answer_hold(struct rt_core *core, const struct rt_query *query, int64_t now,
                    struct rt_buffer *out);
void rt_answer_stats(const struct rt_core *core, struct rt_buffer *out);

/* The pairs of an account's profile that are set; returns their number. */
uint32_t rt_answer_profile(const struct rt_account *account, struct rt_buffer *out);

/* The last message of an open episode as a map, with its acknowledgement and snooze as they are now
 * and, if `cursor`, its cursor. Made anew as of `now` where the journal has it no more. */
void rt_answer_episode(struct rt_core *core, const struct rt_account *account,
                       const struct rt_episode *episode, int64_t now, bool cursor,
                       struct rt_buffer *out);

#endif

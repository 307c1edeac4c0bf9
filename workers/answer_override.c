/* account.override and account.override.end: a score or band set by hand, and its end before its time.
 *
 * The command is journaled and applied; the answer leaves once it is on disk. To end what is not there
 * is done already: nothing is written. */
#include <stdlib.h>

#include "workers/answer.h"
#include "workers/command.h"

static rt_position keep(struct rt_core *core, struct rt_shard *shard,
                        const struct rt_account *account, const struct rt_command *command)
{
    rt_buffer_clear(&core->scratch);
    rt_command_encode(&core->scratch, command);
    if (core->scratch.failed)
        return 0;
    return core->store.append(core->store.context, RT_RECORD_COMMAND, 0, shard->partition,
                              rt_account_chain(account), rt_buffer_span(&core->scratch));
}

/* Journals the command and applies it; false without memory or space: nothing has changed. */
static bool set(struct rt_core *core, struct rt_account *account, const struct rt_command *command)
{
    struct rt_shard *shard = rt_core_shard(core, command->account);
    struct rt_override *made = NULL;
    rt_position position;

    if (command->kind == RT_COMMAND_OVERRIDE) {
        made = rt_command_prepare(account, command);
        if (made == NULL)
            return false;
    }
    position = keep(core, shard, account, command);
    if (position == 0) {
        free(made);
        return false;
    }
    rt_command_take(core, shard, account, made, command->ts, position);
    return true;
}

static void write_in_force(struct rt_core *core, const struct rt_account *account, int64_t now,
                           struct rt_buffer *out)
{
    const struct rt_override *override = rt_account_override(account, now);

    rt_write_map(out, 2);
    rt_write_key_bool(out, "ok", true);
    if (override == NULL) {
        rt_write_key_nil(out, "override");
        return;
    }
    rt_write_text(out, "override");
    rt_override_write(out, override,
                      rt_score_value(rt_account_tier(account, core->config), account, now));
}

/* The command as it is journaled: its name is the account's own, the others point into the query. */
static struct rt_command command_of(const struct rt_query *query, const struct rt_account *account,
                                    int64_t now)
{
    struct rt_command command = {
        .kind = query->op == RT_ACCOUNT_OVERRIDE ? RT_COMMAND_OVERRIDE : RT_COMMAND_OVERRIDE_END,
        .ts = now,
        .until = query->has_until ? query->until : now,
        .account = rt_account_name(account),
        .by = query->by,
        .note = query->reason.data != NULL ? query->reason : rt_span("", 0),
    };

    command.override = (struct rt_override){
        .form = query->has_score ? RT_OVERRIDE_SCORE : RT_OVERRIDE_BAND,
        .score = query->score,
        .band = query->band,
        .since = now,
        .until = command.until,
        .by = command.by,
        .reason = command.note,
    };
    return command;
}

static bool until_fits(const struct rt_query *query, int64_t now)
{
    int64_t most = now + RT_OVERRIDE_DAYS * RT_DAY_MS;

    return query->op != RT_ACCOUNT_OVERRIDE ||
           (query->until > now && query->until <= (most < RT_TS_MAX ? most : RT_TS_MAX));
}

void rt_answer_override(struct rt_core *core, const struct rt_query *query, int64_t now,
                        struct rt_buffer *out)
{
    struct rt_account *account = rt_core_find(core, query->account);
    bool ends = query->op == RT_ACCOUNT_OVERRIDE_END;
    struct rt_command command;

    if (account == NULL) {
        rt_query_error(out, RT_NOT_FOUND, "no such account");
        return;
    }
    if (!until_fits(query, now)) {
        rt_query_error(out, RT_BAD_REQUEST, "until: must lie ahead, at most 366 days");
        return;
    }
    command = command_of(query, account, now);
    if (!(ends && rt_account_override(account, now) == NULL) && !set(core, account, &command))
        rt_query_error(out, RT_BUSY, "no space to keep it: free some and say it again");
    else
        write_in_force(core, account, now, out);
}

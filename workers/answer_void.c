/* event.void: an event that was wrong counts no more. Its bytes stay in the journal, where it is a
 * duplicate still; a command in the account's chain says that it is void.
 *
 * The account is made anew first; then the command is journaled, and applied. A replay of the command
 * needs the other events once more, so the shell takes a snapshot behind it (ask.c) before anything of
 * them may be trimmed. */
#include "workers/answer.h"
#include "workers/command.h"
#include "workers/rebuild.h"

static rt_position keep(struct rt_core *core, const struct rt_shard *shard,
                        const struct rt_account *account, const struct rt_query *query,
                        rt_position event, int64_t now)
{
    struct rt_command command = {
        .kind = RT_COMMAND_VOID,
        .sequence = event,
        .ts = now,
        .until = now,
        .account = rt_account_name(account),
        .by = query->by,
        .note = query->reason.data != NULL ? query->reason : rt_span("", 0),
    };

    rt_buffer_clear(&core->scratch);
    rt_command_encode(&core->scratch, &command);
    if (core->scratch.failed)
        return 0;
    return core->store.append(core->store.context, RT_RECORD_COMMAND, 0, shard->partition,
                              rt_account_chain(account), rt_buffer_span(&core->scratch));
}

static const char *refusal(enum rt_error code)
{
    switch (code) {
    case RT_NOT_FOUND:
        return "no such event of this account, or its bytes are no longer kept";
    case RT_TOO_OLD:
        return "it cannot be taken back any more: other events of this account are no longer kept";
    default:
        return "no memory or space: ask again";
    }
}

static enum rt_error take_back(struct rt_core *core, struct rt_account *account,
                               const struct rt_query *query, int64_t now, bool *changed)
{
    struct rt_shard *shard = rt_core_shard(core, query->account);
    struct rt_event wanted = {.account = query->account, .id = query->id, .source = query->source};
    struct rt_rebuild rebuild;
    enum rt_error code = rt_rebuild_without(core, account, &wanted, 0, &rebuild);
    rt_position position;

    if (code != RT_OK || rebuild.facts == NULL)
        return code;
    position = keep(core, shard, account, query, rebuild.event, now);
    if (position == 0) {
        rt_account_free(rebuild.facts);
        return RT_BUSY;
    }
    rt_rebuild_take(core, shard, account, &rebuild, now, position);
    *changed = true;
    return RT_OK;
}

bool rt_answer_void(struct rt_core *core, const struct rt_query *query, int64_t now,
                    struct rt_buffer *out)
{
    struct rt_account *account = rt_core_find(core, query->account);
    bool changed = false;
    enum rt_error code =
        account == NULL ? RT_NOT_FOUND : take_back(core, account, query, now, &changed);

    if (code != RT_OK) {
        rt_query_error(out, code, account == NULL ? "no such account" : refusal(code));
        return false;
    }
    rt_write_map(out, 2);
    rt_write_key_bool(out, "ok", true);
    rt_write_key_bool(out, "before", !changed);
    return changed;
}

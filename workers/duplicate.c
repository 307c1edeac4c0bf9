#include "workers/duplicate.h"

static bool is_same(struct rt_journal *journal, rt_position position, const struct rt_event *event)
{
    struct rt_record record;
    struct rt_event other;
    struct rt_fault fault;

    return rt_journal_read(journal, position, &record) && record.type == RT_RECORD_EVENT &&
           rt_event_decode_accepted(record.body, &other, &fault) == RT_OK &&
           rt_identity_equal(event, &other);
}

/* More candidates than one would expect of any hash: the account's own chain knows. */
static bool is_in_chain(const struct rt_core *core, struct rt_journal *journal,
                        const struct rt_event *event)
{
    const struct rt_account *account = rt_core_find(core, event->account);
    struct rt_record record = {.previous = account == NULL ? 0 : rt_account_chain(account)};

    while (record.previous != 0) {
        rt_position at = record.previous;

        if (is_same(journal, at, event))
            return true;
        if (!rt_journal_read(journal, at, &record) && record.previous == 0)
            return false;
    }
    return false;
}

/* The account counts what stood there, though nobody can read it any more. */
static bool is_counted_still(const struct rt_core *core, struct rt_journal *journal,
                             rt_position position, const struct rt_event *event)
{
    const struct rt_shard *shard = rt_core_shard(core, event->account);

    return rt_journal_is_damaged(journal, position) && rt_core_find(core, event->account) != NULL &&
           (position < shard->replayed_from || !rt_lost_has(&core->lost, position));
}

bool rt_is_duplicate(struct rt_core *core, struct rt_journal *journal, struct rt_dedupe *dedupe,
                     const struct rt_event *event, uint64_t identity, rt_position *damaged)
{
    rt_position found[RT_DEDUPE_CANDIDATES];
    size_t count = rt_dedupe_find(dedupe, identity, found);

    *damaged = 0;
    if (count > RT_DEDUPE_CANDIDATES)
        return is_in_chain(core, journal, event);
    for (size_t i = 0; i < count; i++)
        if (is_same(journal, found[i], event))
            return true;
    for (size_t i = 0; i < count && *damaged == 0; i++)
        if (is_counted_still(core, journal, found[i], event))
            *damaged = found[i];
    return *damaged != 0;
}

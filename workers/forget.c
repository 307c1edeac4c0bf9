/* What leaves the lists leaves the disk: letters that were dropped, are too old or too many; alerts that
 * are too old and not the last of an open episode. An erase finds letters and alerts of its account in the lists, so what stands in no list
 * must stand in no file.
 *
 * Order: overwritten before a snapshot without them is taken. A crash before that finds them again, in the
 * older snapshot or in the journal behind it. Not while a backup is being taken: then no snapshot is. */
#include <stdlib.h>

#include "workers/hold.h"
#include "workers/worker.h"

enum { ALERTS = 4096 }; /* in one go */

/* Letters of the group that is not on disk yet stay noted. */
static void note_letters(struct rt_worker *worker, struct rt_dead_letters *letters)
{
    size_t kept = 0;

    for (size_t i = 0; i < letters->left_count; i++) {
        rt_position position = letters->left[i];

        if (!rt_journal_scrub(worker->journal, position) &&
            rt_position_log(position) == worker->core.log &&
            position >= rt_journal_end(worker->journal))
            letters->left[kept++] = position;
    }
    letters->left_count = kept;
}

/* A replay must not miss an alert that no snapshot holds, so it waits for one. */
static void note_alerts(struct rt_worker *worker)
{
    struct rt_past_alerts *past = &worker->past_alerts;
    size_t kept = 0, noted = 0;

    for (size_t i = 0; i < past->count; i++) {
        const struct rt_past_alert alert = past->all[i];

        if (noted < ALERTS && alert.position < worker->core.shards[alert.partition]->covered)
            noted += rt_journal_scrub(worker->journal, alert.position);
        else
            past->all[kept++] = alert;
    }
    past->count = kept;
}

bool rt_forget(struct rt_worker *worker)
{
    struct rt_core *core = &worker->core;
    char error[RT_JOURNAL_ERROR];
    bool done;
    int hold;

    for (uint32_t p = core->index; p < core->partitions; p += core->count)
        note_letters(worker, &core->shards[p]->dead);
    note_alerts(worker);
    if (!rt_journal_scrub_noted(worker->journal))
        return true;
    hold = rt_hold_shared(worker->state_dir);
    if (hold < 0)
        return false;
    done = rt_journal_scrub_sync(worker->journal, error);
    rt_hold_release(hold);
    if (!done)
        rt_worker_log(worker, "err", "forgetting=failed error=\"%s\"", error);
    return done;
}

/* The last message of an open episode is listed as long as that is open. */
static bool is_open(const struct rt_core *core, rt_position position)
{
    const struct rt_account *account;
    struct rt_link_alert message;
    struct rt_record record;

    if (!core->store.read(core->store.context, position, &record) ||
        !rt_link_alert_decode(record.body, &message))
        return false;
    account = rt_core_find(core, message.account);
    for (size_t i = 0; account != NULL && i < rt_account_episodes(account); i++)
        if (rt_account_episode(account, i)->position == position)
            return true;
    return false;
}

static bool alert_goes(void *context, const struct rt_alert_entry *entry)
{
    struct rt_worker *worker = context;
    struct rt_past_alerts *past = &worker->past_alerts;

    if (is_open(&worker->core, entry->position))
        return false;
    past->all[past->count++] =
        (struct rt_past_alert){.position = entry->position, .partition = entry->partition};
    return true;
}

void rt_forget_alerts(struct rt_worker *worker, int64_t before)
{
    struct rt_alert_log *log = &worker->core.alerts;
    struct rt_past_alerts *past = &worker->past_alerts;
    struct rt_past_alert *larger;
    size_t end = log->first;

    while (end < log->count && log->entries[end].published < before)
        end++;
    larger = realloc(past->all, (past->count + end - log->first + 1) * sizeof(*larger));
    if (larger == NULL)
        return; /* they stay in the list until the next cycle */
    past->all = larger;
    rt_alert_log_expire(log, before, alert_goes, worker);
}

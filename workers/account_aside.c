/* What few accounts have: since when a condition of an alert holds, and a score set by hand. One
 * pointer of the hot record; the block is there only while something is in it. */
#include <stdlib.h>

#include "workers/account_memory.h"
#include "workers/account_state.h"

static bool aside_make(struct rt_account *account)
{
    if (account->aside != NULL)
        return true;
    account->aside = calloc(1, sizeof(*account->aside));
    if (account->aside == NULL)
        return false;
    for (int i = 0; i < RT_ALERT_KINDS; i++)
        account->aside->dwell[i] = INT64_MIN;
    return true;
}

/* Gives the block back if nothing is in it. */
static void aside_settle(struct rt_account *account)
{
    struct rt_aside *aside = account->aside;

    if (aside == NULL || rt_account_dwells(account) || aside->override != NULL)
        return;
    free(aside);
    account->aside = NULL;
}

void rt_account_free_aside(struct rt_account *account)
{
    if (account->aside != NULL)
        free(account->aside->override);
    free(account->aside);
}

size_t rt_account_aside_bytes(const struct rt_account *account)
{
    const struct rt_override *override = account->aside == NULL ? NULL : account->aside->override;

    if (account->aside == NULL)
        return 0;
    return rt_memory_block(sizeof(*account->aside)) +
           (override == NULL ? 0
                             : rt_memory_block(sizeof(*override) + override->by.size +
                                               override->reason.size + 1));
}

/* ---- dwell ----------------------------------------------------------------------------------- */

bool rt_account_dwells(const struct rt_account *account)
{
    for (int kind = 0; account->aside != NULL && kind < RT_ALERT_KINDS; kind++)
        if (account->aside->dwell[kind] != INT64_MIN)
            return true;
    return false;
}

int64_t rt_account_dwell(const struct rt_account *account, enum rt_alert_kind kind)
{
    return account->aside == NULL ? INT64_MIN : account->aside->dwell[kind];
}

bool rt_account_set_dwell(struct rt_account *account, enum rt_alert_kind kind, int64_t since)
{
    if (account->aside == NULL && since == INT64_MIN)
        return true;
    if (!aside_make(account))
        return false;
    account->aside->dwell[kind] = since;
    aside_settle(account);
    return true;
}

/* ---- override -------------------------------------------------------------------------------- */

const struct rt_override *rt_account_override(const struct rt_account *account, int64_t now)
{
    const struct rt_override *override = account->aside == NULL ? NULL : account->aside->override;

    return override != NULL && now < override->until ? override : NULL;
}

bool rt_account_reserve_override(struct rt_account *account)
{
    return aside_make(account);
}

bool rt_account_set_override(struct rt_account *account, struct rt_override *override)
{
    if (override != NULL && !aside_make(account))
        return false;
    if (account->aside == NULL)
        return true;
    free(account->aside->override);
    account->aside->override = override;
    account->calm = false; /* another score may hold another rule */
    aside_settle(account);
    return true;
}

void rt_account_end_override(struct rt_account *account, int64_t now)
{
    if (account->aside != NULL && account->aside->override != NULL &&
        rt_account_override(account, now) == NULL)
        rt_account_set_override(account, NULL);
}

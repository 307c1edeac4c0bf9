/* A sorted array. A name that had to go for an earlier one never comes back: there are RT_GROUPS_MAX
 * earlier ones from then on. So each row that is left has counted all of its accounts. */
#include "workers/groups.h"

#include "protocol/assert.h"
#include "workers/report.h"

static void add_score(struct rt_sums *sums, const struct rt_standing *standing)
{
    enum rt_band band = rt_band_of(standing->score);

    sums->scored++;
    sums->score_sum += standing->score;
    sums->bands[band]++;
    if (band != RT_AT_RISK)
        return;
    rt_report_add(&sums->value_at_risk, standing->worth);
    rt_report_add(&sums->value_weighted, standing->worth * (100 - standing->score) / 100);
}

static bool renews_soon(const struct rt_standing *standing)
{
    return standing->has_renewal && standing->renewal >= standing->now &&
           standing->renewal - standing->now <= 90 * RT_DAY_MS;
}

void rt_sums_add(struct rt_sums *sums, const struct rt_standing *standing)
{
    sums->accounts++;
    if (standing->churned) {
        sums->churned++;
        return;
    }
    rt_report_add(&sums->value, standing->worth);
    if (standing->contacted)
        add_score(sums, standing);
    else
        sums->never_contacted++;
    if (renews_soon(standing)) {
        sums->renewals++;
        rt_report_add(&sums->renewal_value, standing->worth);
    }
    for (int i = 0; i < RT_SEVERITIES; i++)
        sums->open_tickets += standing->tickets[i];
    sums->tickets_overdue += standing->tickets_overdue;
    sums->overdue += standing->overdue;
    sums->kept += standing->responses.kept;
    sums->missed += standing->responses.missed;
    sums->visits_due += standing->visit_due;
    sums->growing += standing->growing;
    sums->alerts += rt_account_episodes(standing->account);
}

static struct rt_span name_of(const struct rt_group *group)
{
    return rt_span(group->name, group->size);
}

static uint32_t find(const struct rt_groups *groups, struct rt_span name, bool *found)
{
    uint32_t low = 0, high = groups->count;

    *found = false;
    while (low < high && !*found) {
        uint32_t middle = low + (high - low) / 2;
        int order = rt_span_compare(name, name_of(&groups->groups[middle]));

        *found = order == 0;
        if (order == 0)
            low = middle;
        else if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

struct rt_sums *rt_groups_of(struct rt_groups *groups, struct rt_span name)
{
    bool found;
    uint32_t at = find(groups, name, &found);
    struct rt_group *group = &groups->groups[at];

    if (found)
        return &group->sums;
    if (at == RT_GROUPS_MAX)
        return NULL;
    if (groups->count == RT_GROUPS_MAX)
        groups->count--; /* the last name goes */
    memmove(group + 1, group, (groups->count - at) * sizeof(*group));
    groups->count++;
    *group = (struct rt_group){.size = (uint8_t)name.size};
    RT_ASSERT(name.size <= RT_TEXT_BYTES);
    if (name.size > 0)
        memcpy(group->name, name.data, name.size);
    return &group->sums;
}

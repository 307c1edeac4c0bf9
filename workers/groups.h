/* Sums by name (owners, tiers, regions, currencies), of however many names: the first
 * RT_GROUPS_MAX in byte order have a row each, what belongs to others is in the totals alone. Which
 * have one depends neither on the order of accounts nor on how they are spread over workers. */
#ifndef RT_WORKERS_GROUPS_H
#define RT_WORKERS_GROUPS_H

#include "protocol/limits.h"
#include "workers/standing.h"

enum { RT_GROUPS_MAX = 256 };

/* What adds up of accounts. */
struct rt_sums {
    uint64_t accounts, churned, never_contacted, scored;
    double score_sum;
    uint64_t bands[RT_BANDS];
    double value, value_at_risk, value_weighted;
    uint64_t renewals; /* within 90 days */
    double renewal_value;
    uint64_t open_tickets, tickets_overdue, overdue;
    uint64_t kept, missed; /* first answers */
    uint64_t visits_due, growing, alerts;
};

struct rt_group {
    uint8_t size; /* of the name; 0: those without one */
    uint8_t name[RT_TEXT_BYTES];
    struct rt_sums sums;
};

struct rt_groups {
    uint32_t count;
    struct rt_group groups[RT_GROUPS_MAX]; /* by name */
};

/* Adds a standing to sums. */
void rt_sums_add(struct rt_sums *sums, const struct rt_standing *standing);

/* The sums of that name (at most RT_TEXT_BYTES, empty: of those without); NULL: there are so many
 * that it has no row. Valid until the next call. */
struct rt_sums *rt_groups_of(struct rt_groups *groups, struct rt_span name);

#endif

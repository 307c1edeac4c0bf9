/* The reference: what an account is, worked out from the plain list of the events that count for it,
 * each time anew, by reading docs/PROTOCOL.md and docs/SCORE.md alone. Slow and small on purpose; knows
 * nothing of the structures under test. */
#ifndef RT_TESTS_SIM_MODEL_H
#define RT_TESTS_SIM_MODEL_H

#include "protocol/event.h"

/* The clock is never set back by more than SIM_BACK_MS, and events are older than that: none of them is
 * ever in the future. */
enum { SIM_OWNERS = 4, SIM_TIERS = 3, SIM_BACK_MS = 2 * 3600000 };

/* Absent strings and numbers are 0. */
struct sim_event {
    unsigned account, number; /* the number is its id, unique over all */
    enum rt_event_type type;
    int64_t ts;
    enum rt_direction direction;
    enum rt_outcome outcome;
    bool bounced, churned;
    int sentiment; /* in ten thousandths */
    unsigned ticket;
    enum rt_action action;
    int severity, csat;
    unsigned owner, tier; /* 1.. */
    int64_t renewal;
    bool poison;
    unsigned fault; /* 0: none; else it must be refused */
};

/* Draws one; `now` is the wall clock. */
void sim_event_draw(struct sim_event *event, unsigned account, unsigned number, int64_t now);
/* As MessagePack; the same bytes each time. */
void sim_event_pack(const struct sim_event *event, struct rt_buffer *out);
/* The codes that may refuse a faulty one. */
bool sim_fault_allows(const struct sim_event *event, enum rt_error code);
void sim_account_name(unsigned account, char name[24]);

/* What score parameters the simulation varies. */
struct sim_tier {
    double rhythm_days, half_life_days;
};
struct sim_parameters {
    struct sim_tier tiers[SIM_TIERS]; /* 0: without a tier */
};
extern const char *const sim_tier_names[SIM_TIERS];
extern const char *const sim_owner_names[SIM_OWNERS];

struct sim_account {
    int64_t events[RT_EVENT_TYPES];
    bool has_contact;
    int64_t last_contact;
    int64_t open_tickets;
    unsigned owner, tier;
    bool churned;
    double score;
};

/* Of `count` events of one account, as of `at`. */
void sim_model(const struct sim_event *const *events, size_t count,
               const struct sim_parameters *parameters, int64_t at, struct sim_account *account);

#endif

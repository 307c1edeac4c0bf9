/* The state of one account: facts only, a function of the set of its events (plus the history of
 * its alerts), bounded whatever their number. Parameters (half-lives, weights, tiers) are applied
 * when it is evaluated: score.h, rules.h. */
#ifndef RT_WORKERS_ACCOUNT_H
#define RT_WORKERS_ACCOUNT_H

#include "config/config.h"
#include "protocol/alert.h"
#include "protocol/event.h"

struct rt_account; /* fields: account_state.h, for the files of the pure state, score and rules
                      alone */

/* Ownership: the caller's; NULL without memory. The name is copied. */
struct rt_account *rt_account_new(struct rt_span name);
void rt_account_free(struct rt_account *account); /* takes NULL */

struct rt_span rt_account_name(const struct rt_account *account);

/* Hints: the record is wanted soon; then, when it has arrived, what hangs off it. */
void rt_account_prefetch(const struct rt_account *account);
void rt_account_prefetch_facts(const struct rt_account *account);

/* Bytes the account occupies, everything counted. */
size_t rt_account_bytes(const struct rt_account *account);

/* Counts one accepted event. Order never matters. False without memory: the state is then
 * unchanged. `*evicted` is increased by the tombstones of closed tickets that had to go for
 * limits.tickets. */
bool rt_account_apply(struct rt_account *account, const struct rt_event *event, size_t tickets_max,
                      uint64_t *evicted);

/* Facts (what events made) change places; what judging and operators made of them stays. */
void rt_account_swap_facts(struct rt_account *account, struct rt_account *other);

/* The same in two steps, for who must do something in between that cannot be taken back: what may
 * need memory (false without: nothing is there to be taken or abandoned), then what cannot fail. The
 * account must not change in between. */
enum { RT_ADDITIONS_MAX = 5 };
struct rt_account_change {
    struct rt_ticket *ticket;
    struct rt_profile *profile;
    unsigned count;
    struct {
        uint32_t kind, amount; /* of a cell */
    } of[RT_ADDITIONS_MAX];
};
bool rt_account_prepare(struct rt_account *account, const struct rt_event *event,
                        struct rt_account_change *change);
void rt_account_take(struct rt_account *account, const struct rt_event *event,
                     struct rt_account_change *change, size_t tickets_max, uint64_t *evicted);
void rt_account_abandon(struct rt_account_change *change);

uint32_t rt_account_events(const struct rt_account *account, enum rt_event_type type);
bool rt_account_last_contact(const struct rt_account *account, int64_t *ts);
size_t rt_account_open_tickets(const struct rt_account *account);
bool rt_account_churned(const struct rt_account *account);

/* One key of the profile: presence RT_KEY_SET or not. Spans live until the next apply. */
struct rt_profile_value rt_account_profile(const struct rt_account *account,
                                           enum rt_profile_key key);

/* The tier's parameters in force for the account. */
const struct rt_tier *rt_account_tier(const struct rt_account *account,
                                      const struct rt_config *config);

/* Head of the chain of this account's records in the journal (0: none): the shell's, kept here. */
uint64_t rt_account_chain(const struct rt_account *account);
void rt_account_set_chain(struct rt_account *account, uint64_t position);

/* Place in the deadline heap (deadline.h), and the moment it waits for: the core's, kept here. */
struct rt_wait {
    int64_t at;     /* INT64_MAX: nothing to wait for */
    uint32_t place; /* UINT32_MAX: not on the heap */
    uint32_t group; /* the commit group that touched it last; not stored */
};
struct rt_wait *rt_account_wait(struct rt_account *account);

/* ---- open alert episodes --------------------------------------------------------------------- */

struct rt_episode {
    enum rt_alert_kind kind;
    enum rt_severity severity;
    uint64_t sequence;  /* its id is <partition>-<sequence> */
    int64_t raised;     /* ms */
    double spoke_score; /* score when it last spoke: `previous` of the next message */
    uint64_t position;  /* of its last message in the journal */
    uint64_t number;    /* its publication number, 0: none yet */
    int64_t lapsed; /* end of an acknowledgement that ran out, until there is another; 0: none */
    const struct rt_hold *ack,
        *snooze; /* never NULL; by.data NULL: none; they live until the episode
                                           changes */
};

size_t rt_account_episodes(const struct rt_account *account); /* open ones */
const struct rt_episode *rt_account_episode(const struct rt_account *account, size_t index);
/* NULL if none of that kind is open. */
const struct rt_episode *rt_account_episode_of(const struct rt_account *account,
                                               enum rt_alert_kind kind);

/* Makes what a message that raises an episode will need, or a hold of so many bytes: what comes next
 * for this kind then cannot fail. False without memory. What is not used after all is given back by
 * rt_account_unreserve. */
bool rt_account_reserve_episode(struct rt_account *account, enum rt_alert_kind kind);
bool rt_account_reserve_hold(struct rt_account *account, enum rt_alert_kind kind, size_t bytes);
void rt_account_unreserve(struct rt_account *account, enum rt_alert_kind kind);

/* Takes a judged (or replayed) message into the state: raised opens, changed and reminded move,
 * cleared closes. `sequence`: the episode's; `position`: of the message in the journal. A
 * `reminded` ends the acknowledgement, becoming critical the snooze. False without memory (unchanged). */
bool rt_account_alert(struct rt_account *account, const struct rt_alert *alert, uint64_t sequence,
                      uint64_t position);

/* The message at `position` was published under that number, if it is the last of an open episode.
 */
void rt_account_published(struct rt_account *account, uint64_t position, uint64_t number);

/* Sets (or with hold->by.data NULL removes) the acknowledgement or snooze of an open episode. */
bool rt_account_hold(struct rt_account *account, enum rt_alert_kind kind, bool snooze,
                     const struct rt_hold *hold);

/* ---- a score set by hand (override.h) -------------------------------------------------------- */

struct rt_override;
/* The one in force at `now`, or NULL. Lives until the account changes. */
const struct rt_override *rt_account_override(const struct rt_account *account, int64_t now);
/* The next one to be set needs no memory of its own. False without. */
bool rt_account_reserve_override(struct rt_account *account);
/* Takes over the block (NULL: ends what there is). False without memory: unchanged, and the block is
 * the caller's still. */
bool rt_account_set_override(struct rt_account *account, struct rt_override *override);

/* ---- stored form ----------------------------------------------------------------------------- */

/* Appends the whole state (name, facts, episodes, chain, deadline) in the snapshot's encoding;
 * recipe for changes at its top. */
void rt_account_encode(struct rt_buffer *out, const struct rt_account *account);
/* NULL if the bytes are none, or without memory (*no_memory then true). */
struct rt_account *rt_account_decode(struct rt_reader *reader, bool *no_memory);

#endif

/* The core of a worker: accounts by partition, what happens to them, and the alerts that follow.
 * Pure: time is an argument, bytes are kept through a rt_store, what is to be said comes out in
 * buffers.
 *
 * A commit group: rt_core_event for each new event, rt_core_due for what time brings, rt_core_close
 * to judge what was touched. Alerts are appended to the store and, as whole ALERT frames, to the
 * buffer given to close; they may leave once the group is on disk. */
#ifndef RT_WORKERS_CORE_H
#define RT_WORKERS_CORE_H

#include "config/config.h"
#include "protocol/event.h"
#include "protocol/limits.h"
#include "protocol/link.h"
#include "workers/alert_log.h"
#include "workers/curve.h"
#include "workers/dead.h"
#include "workers/deadline.h"
#include "workers/lost.h"
#include "workers/rules.h"
#include "workers/store.h"
#include "workers/table.h"

/* One partition: what moves when a partition moves. */
struct rt_shard {
    uint32_t partition;
    struct rt_table table;
    struct rt_dead_letters dead;
    uint64_t next_episode;      /* sequence of the next alert episode, from 1 */
    rt_position covered;        /* the snapshot on disk holds everything up to here */
    rt_position covered_before; /* and the one before it, kept beside */
    rt_position replayed_from;  /* at start: what stood before was in the snapshot */
    bool dirty;                 /* changed since that snapshot was taken */
    struct rt_buffer curve;     /* points that are not in the partition's file of curves yet */
};

struct rt_curve_table; /* curve_file.h */

/* Where the core finds what is kept of curves; find NULL: none are kept. */
struct rt_curve_source {
    void *context;
    /* Takes into *curve what there is of an account beyond its shard's own points. */
    void (*find)(void *context, uint32_t partition, const struct rt_curve_key *key,
                 struct rt_curve *curve);
    /* The same of all accounts of a partition. False if it cannot be read. */
    bool (*load)(void *context, uint32_t partition, struct rt_curve_table *table);
    uint64_t secret;
};

/* Bytes of points of one shard that ask for a snapshot; beyond the other they are left out. */
enum { RT_CURVE_POINTS_ENOUGH = 64 << 10, RT_CURVE_POINTS_MOST = 256 << 10 };

/* Accounts that wait to be judged. */
struct rt_waiting {
    struct rt_account **accounts;
    size_t count, capacity;
};

struct rt_core {
    const struct rt_config *config;
    uint64_t config_epoch;
    struct rt_store store;
    struct rt_curve_source curves;
    bool curves_press; /* a shard has enough points */
    uint32_t index, count, partitions;
    uint32_t log;
    uint64_t seed;
    struct rt_shard **shards; /* by partition; NULL: another worker's */
    struct rt_deadlines deadlines;
    struct rt_alert_log alerts;
    uint64_t alerts_said; /* since start */

    uint32_t group; /* number of the group being filled; 0 is never used */
    struct rt_waiting touched;
    struct rt_waiting quiet; /* loaded silently, judged when the load is over */
    rt_position group_start; /* of the first event of this group; 0: none yet */
    int64_t received;        /* when the newest events of this group were read */

    uint32_t sweep; /* next partition to judge under a new configuration; partitions: done */

    uint64_t accounts;
    uint64_t events[RT_EVENT_TYPES];
    uint64_t evicted_tickets;
    struct rt_lost lost;           /* what recovery could not read */
    struct rt_judgement judgement; /* scratch: too large for a stack frame */
    struct rt_buffer scratch;
};

/* `seed` keys the tables. False without memory: rt_core_free then. */
bool rt_core_init(struct rt_core *core, const struct rt_config *config, uint32_t index,
                  uint32_t count, uint32_t partitions, uint32_t log, uint64_t seed,
                  struct rt_store store);
void rt_core_free(struct rt_core *core);

/* The shard of an account; NULL if another worker owns it. */
struct rt_shard *rt_core_shard(const struct rt_core *core, struct rt_span account);
struct rt_account *rt_core_find(const struct rt_core *core, struct rt_span account);

/* Where an account is or belongs: worked out once for each event. */
struct rt_place {
    struct rt_shard *shard;
    uint32_t hash;
};
/* False if another worker owns the account. */
bool rt_core_locate(const struct rt_core *core, struct rt_span account, struct rt_place *place);

/* Takes one event that was checked and is no duplicate: keeps its bytes, counts it in its account at
 * `place`, remembers that the account is to be judged. False without memory or space; nothing
 * changed then. *position: where it stands. */
bool rt_core_event(struct rt_core *core, struct rt_place place, const struct rt_event *event,
                   int64_t now, bool quiet, rt_position *position);

/* To be called before the first event of a group is counted: notes the days that are over (curve.h). */
void rt_core_note_curve(struct rt_core *core, struct rt_account *account, int64_t now);

/* What is kept of all curves of a partition; to be freed by the caller. What cannot be read, or finds
 * no memory, is left out. */
void rt_core_curves(const struct rt_core *core, uint32_t partition, struct rt_curve_table *table);

/* The whole curve as of now. */
void rt_core_curve(const struct rt_core *core, const struct rt_account *account, int64_t now,
                   struct rt_curve *curve);

/* Moment of the earliest deadline, INT64_MAX if none. */
int64_t rt_core_next_deadline(const struct rt_core *core);

/* Judges at most `budget` accounts whose moment has come; alerts go to *frames. True if more are
 * due. */
bool rt_core_due(struct rt_core *core, int64_t now, size_t budget, struct rt_buffer *frames);

/* Judges at most `budget` accounts of an ended quiet load. True if more are left. */
bool rt_core_load_ended(struct rt_core *core, int64_t now, size_t budget, struct rt_buffer *frames);

/* Judges one partition under a new configuration. True if more are left. */
bool rt_core_sweep(struct rt_core *core, int64_t now, struct rt_buffer *frames);

/* An alert has its publication number: kept, and noted in its episode. */
void rt_core_published(struct rt_core *core, rt_position position, uint64_t number);

/* Appends the message (a map without cursor) of an open episode whose own the journal has no more:
 * when it was raised, and what there is to say at `now`. */
void rt_core_say_again(const struct rt_core *core, const struct rt_account *account,
                       const struct rt_episode *episode, int64_t now, struct rt_buffer *map);

/* The ALERT frame of a record, whose body is `body`. */
void rt_core_alert_frame(struct rt_buffer *frames, rt_position position, struct rt_span body);

/* Ends the group: judges every account its events touched. */
void rt_core_close(struct rt_core *core, int64_t now, struct rt_buffer *frames);

/* Parameters changed: everything will be judged again by rt_core_sweep. */
void rt_core_configure(struct rt_core *core, const struct rt_config *config);

/* Hash of all that judging depends on. */
uint64_t rt_config_epoch(const struct rt_config *config);

/* ---- used by the files of the core, not by the shell ----------------------------------------- */

bool rt_waiting_add(struct rt_waiting *waiting, struct rt_account *account);
void rt_waiting_remove(struct rt_waiting *waiting, const struct rt_account *account);
/* A hint for who goes through them and is at number i. */
void rt_waiting_prefetch(const struct rt_waiting *waiting, size_t i);

/* The part of rt_core_published that recovery shares: everything but the record. The alert's
 * partition; false if it is not known (any more). */
bool rt_core_note_published(struct rt_core *core, rt_position position, uint64_t number,
                            uint32_t *partition);

/* The account of that name, made if it is not there; NULL without memory. */
struct rt_account *rt_core_obtain(struct rt_core *core, struct rt_shard *shard, struct rt_span name,
                                  uint32_t hash);

/* Moves an account's deadline. */
void rt_core_wait_until(struct rt_core *core, struct rt_account *account, int64_t at);

/* Takes an account out of everything and frees it. */
void rt_core_forget(struct rt_core *core, struct rt_shard *shard, struct rt_account *account);

#endif

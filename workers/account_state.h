/* The fields of an account: for the files of the pure state, score and rules alone.
 *
 * The record itself is small and of fixed size; what few accounts have, or what grows, hangs off
 * it. Everything but `wait`, `chain`, `peaks`, `aside`, `calm` and `open` is a function of the set
 * of the account's events. */
#ifndef RT_WORKERS_ACCOUNT_STATE_H
#define RT_WORKERS_ACCOUNT_STATE_H

#include "workers/account.h"
#include "workers/activity.h"
#include "workers/cells.h"
#include "workers/override.h"
#include "workers/profile.h"
#include "workers/thread.h"
#include "workers/ticket.h"

#include <assert.h>

enum { RT_PEAK_DAYS = 8 };

/* An open episode; by kind ascending. */
struct rt_open {
    struct rt_open *next;
    double peak; /* score_drop: the highest score of the days before it was raised; 0: not known */
    struct rt_kept_hold *next_hold; /* for the next hold; NULL but for a moment */
    bool reserved;                  /* raised in a moment: no episode yet */
    struct rt_episode episode;
};

/* What few accounts have. */
struct rt_aside {
    int64_t
        dwell[RT_ALERT_KINDS];    /* since when the condition of that kind holds; INT64_MIN: it does
                                      not */
    struct rt_override *override; /* owned; NULL: none */
};

struct rt_account {
    struct rt_wait wait;
    uint64_t chain;
    struct rt_activity activity;
    struct rt_cells *cells;
    struct rt_tickets *tickets;
    struct rt_threads *threads;
    struct rt_profile *profile;
    struct rt_open *open;
    struct rt_aside *aside; /* NULL: nothing is in it */
    uint32_t counts[RT_EVENT_TYPES];
    uint16_t peaks[RT_PEAK_DAYS]; /* highest score noted on day peak_day - i, see account_peaks.c;
                                     0: none */
    int32_t peak_day;             /* -1: nothing noted */
    bool churned;                 /* of the profile, for the hot path */
    bool calm;                    /* judged with nothing open or holding, and touched since by good
                                     contacts alone; see rt_rules_calm. Not stored */
    uint8_t name_size;
    uint8_t name[];
};

static_assert(offsetof(struct rt_account, name) <= 256, "the hot record stays small");

static inline int32_t rt_account_last_bucket(const struct rt_account *account)
{
    return rt_activity_any(&account->activity) ? rt_cells_bucket(account->activity.last) : -1;
}

/* ---- peaks of the score (account_peaks.c) ---------------------------------------------------- */

void rt_account_forget_peaks(struct rt_account *account);
void rt_account_note_peak(struct rt_account *account, int32_t day, double score);
/* The highest noted on `since` or later; < 0 if nothing was. */
double rt_account_peak(const struct rt_account *account, int32_t since);

/* ---- what few accounts have (account_aside.c) ------------------------------------------------ */

/* INT64_MIN: the condition of that kind does not hold. */
int64_t rt_account_dwell(const struct rt_account *account, enum rt_alert_kind kind);
/* False without memory (unchanged). */
bool rt_account_set_dwell(struct rt_account *account, enum rt_alert_kind kind, int64_t since);
bool rt_account_dwells(const struct rt_account *account); /* any */
/* The override is over: it is freed. */
void rt_account_end_override(struct rt_account *account, int64_t now);
void rt_account_free_aside(struct rt_account *account);
size_t rt_account_aside_bytes(const struct rt_account *account);

/* ---- open episodes (account_alerts.c) -------------------------------------------------------- */

const struct rt_open *rt_account_open_of(const struct rt_account *account, enum rt_alert_kind kind);
/* Links a new one in, all fields but its kind unset. NULL without memory. */
struct rt_open *rt_account_open_new(struct rt_account *account, enum rt_alert_kind kind);
void rt_account_free_alerts(struct rt_account *account);
size_t rt_account_alert_bytes(const struct rt_account *account);

#endif

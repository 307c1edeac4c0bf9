/* The driver's side of the simulation: who sends, who asks, who listens, what breaks, and what must
 * hold whatever breaks. */
#ifndef RT_TESTS_SIM_WORLD_H
#define RT_TESTS_SIM_WORLD_H

#include "protocol/reader.h"
#include "tests/sim/system/model.h"
#include "tests/sim/system/os.h"

enum { SIM_ACCOUNTS = 12, SIM_FIREHOSE_ACCOUNTS = 2, SIM_EVENTS = 4000, SIM_MS = 1000000 };

#define SIM_S INT64_C(1000000000)

/* The first accounts also get events from the firehose, which promises nothing until it is on disk. */
static inline bool sim_has_firehose(unsigned account)
{
    return account < SIM_FIREHOSE_ACCOUNTS;
}

enum sim_fate {
    SIM_WAITS,  /* to be sent, or to be sent again */
    SIM_SENT,   /* in a push that has not been answered, or on the firehose */
    SIM_ACKED,  /* accepted or duplicate: on disk, counted once, for ever */
    SIM_OVER,   /* rejected, as it had to be */
    SIM_ERASED, /* its account was erased after it had been counted */
};

struct sim_entry {
    struct sim_event event;
    enum sim_fate fate;
    bool ever_sent, firehose;
};

/* ---- lives of the daemon (lives.c) ----------------------------------------------------------- */

/* Options of one run, drawn from its seed: which kinds of fault it has, and how often. */
struct sim_plan {
    int64_t length_ns; /* until faults cease */
    uint64_t kill_worker, kill_daemon, cut_power, kill_at_call, fail_call, fill_disk, cut_link,
        stall_link, freeze_worker, set_clock, reload, restart; /* one in so many ticks, 0: never */
    uint64_t poison, erase, firehose;
};
extern struct sim_plan sim_plan;
extern struct sim_parameters sim_parameters; /* as the newest configuration says */

void sim_lives_begin(const char *folder);
/* A daemon with the next configuration; others have ended. */
void sim_life_start(bool other_count);
void sim_life_stop(void); /* SIGTERM */
bool sim_life_over(void);
unsigned sim_life(void); /* number of this one */
/* It serves, and did so at that time, without a pause. */
bool sim_life_served_at(int64_t ns);
/* No fault from now on. */
void sim_faults_cease(void);
bool sim_faults_ceased(void);
bool sim_clock_is_behind(void); /* it was set back, and has not caught up */
const char *sim_state_dir(void);

/* ---- producers (producers.c) ----------------------------------------------------------------- */

extern struct sim_entry sim_entries[SIM_EVENTS];
extern unsigned sim_entry_count;

void sim_producers_begin(void);
void sim_producers_lost(void); /* the daemon is gone: no answers will come */
void sim_producers_hear(const struct os_message *message);
void sim_producers_tell(void); /* to the trace: what waits */
bool sim_producers_done(void); /* nothing waits to be sent or answered */
void sim_producers_check(void);
/* Nothing of the account is on its way: what was sent was answered. And nothing will be sent. */
bool sim_account_rests(unsigned account);
void sim_account_freeze(unsigned account, bool frozen);
void sim_account_was_erased(unsigned account);
/* Identities of the account, by type: those that must count, those that may. */
void sim_account_bounds(unsigned account, int64_t must[RT_EVENT_TYPES],
                        int64_t may[RT_EVENT_TYPES]);

/* ---- operator (operator.c) ------------------------------------------------------------------- */

void sim_operator_begin(void);
void sim_operator_lost(void);
void sim_operator_hear(const struct os_message *message);
void sim_operator_check(void);
bool sim_operator_idle(void);
/* Asks for everything and compares it with the model, exactly. Then sim_audit_done. */
void sim_audit_begin(void);
bool sim_audit_done(void);
bool sim_is_snoozed(unsigned account); /* ever */

/* ---- subscriber (subscriber.c) --------------------------------------------------------------- */

void sim_subscriber_hear(const struct os_message *message);
void sim_subscriber_begin(void);
void sim_subscriber_forget(unsigned account); /* it was erased */
/* The whole history, as alert.list tells it. */
void sim_history_begin(void);
void sim_history_add(struct rt_span message);
void sim_history_end(void);
/* An alert that may be open; false if there is none. */
bool sim_open_alert(char id[48], unsigned *account);

/* ---- reading MessagePack --------------------------------------------------------------------- */

bool sim_find(struct rt_span map, const char *key, struct rt_reader *value);
int64_t sim_find_int(struct rt_span map, const char *key, int64_t otherwise);
bool sim_find_text(struct rt_span map, const char *key, char *text, size_t size);
unsigned sim_account_number(struct rt_span name); /* SIM_ACCOUNTS: none of ours */

#endif

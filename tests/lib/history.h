/* Random histories of an account, for property tests: the same seed makes the same history. The
 * seed comes from RETAIN_SEED or the clock and is printed, so that a failure can be repeated. */
#ifndef RT_TESTS_LIB_HISTORY_H
#define RT_TESTS_LIB_HISTORY_H

#include "workers/account.h"

struct random {
    uint64_t state;
};

/* Seed of this run, printed once. */
uint64_t history_seed(void);

struct random random_from(uint64_t seed);
uint64_t random_u64(struct random *random);
/* 0..below - 1 */
uint64_t random_below(struct random *random, uint64_t below);
/* 0..1 */
double random_unit(struct random *random);
bool random_chance(struct random *random, double chance);

enum { HISTORY_MAX = 400 };

/* An event with the bytes its spans point into. */
struct told {
    struct rt_event event;
    char id[16], ticket[16], contact[16], thread[16], text[RT_PROFILE_KEYS][24];
};

struct history {
    struct told told[HISTORY_MAX];
    size_t count;
};

/* What kind of customer: how many events over how many days, how often things go badly. */
struct temper {
    size_t events;
    double days;
    double bad;
    bool tickets, profile;
};
struct temper random_temper(struct random *random);

/* One event at `ts`; call it again for another. Its id is made of `number`. */
void history_event(struct told *told, struct random *random, const struct temper *temper,
                   uint64_t number, int64_t ts);

/* Events before `now`, in no order. */
void history_make(struct history *history, struct random *random, const struct temper *temper,
                  int64_t now);

void history_shuffle(struct history *history, struct random *random);

/* A new account that has counted the events. */
struct rt_account *history_account(const struct history *history);

/* One event more; ends the test without memory. */
void history_apply(struct rt_account *account, const struct rt_event *event);

#endif

/* A back-test for people, for programs, as rows and as a picture. */
#ifndef RT_RETAINCTL_BACKTEST_SHOW_H
#define RT_RETAINCTL_BACKTEST_SHOW_H

#include "clients/retainctl/backtest_past.h"
#include "clients/retainctl/backtest_proof.h"

/* What a run found out. */
struct rt_backtest {
    const struct rt_past *past;
    uint64_t events, bad, damaged; /* of the reading that the proofs are made of */
    uint64_t seed;                 /* of the bootstrap */
    struct rt_proof proofs[RT_DATES_MAX];
    double multiples[RT_DATES_MAX]; /* of the median gap, in their rhythms */
    size_t dates;
    bool has_alerts;
    double alert_rhythm; /* g0 of the alert rules */
    struct rt_alert_load load;
    uint64_t late;
};

/* For people; one JSON object: of one date, or {"dates": [...]} of several. */
void rt_backtest_print(const struct rt_backtest *test);
void rt_backtest_print_json(const struct rt_backtest *test);

/* backtest_rows.c: one row of CSV for each date and account. False if it cannot be written; errno. */
bool rt_backtest_write_rows(const struct rt_backtest *test, const char *path);

/* backtest_svg.c: ROC curves and the share that left by fifth, a line of pictures for each date.
 * False if it cannot be written (errno) or without memory. */
bool rt_backtest_write_svg(const struct rt_backtest *test, const char *path);

/* By enum rt_predictor: for people, for programs. */
extern const char *const rt_predictor_titles[RT_PREDICTORS];
extern const char *const rt_predictor_names[RT_PREDICTORS];

#endif

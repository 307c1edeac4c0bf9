/* What a calibration proposes: for people, for programs, and as a configuration file. */
#ifndef RT_RETAINCTL_CALIBRATE_SHOW_H
#define RT_RETAINCTL_CALIBRATE_SHOW_H

#include "clients/retainctl/backtest_past.h"
#include "clients/retainctl/backtest_proof.h"
#include "clients/retainctl/calibrate_tune.h"

enum { RT_TODAY, RT_PROPOSED, RT_SIDES };

struct rt_calibration {
    const struct rt_past *past;
    const struct rt_lives_dates *dates;
    size_t accounts, churned; /* over all dates */
    const struct rt_config *config[RT_SIDES];
    struct rt_figures cross[RT_SIDES]; /* cross-validated */
    struct rt_alert_load load[RT_SIDES];
    const struct rt_lives *lives[RT_SIDES];
    const char *output;
};

void rt_calibration_print(const struct rt_calibration *calibration);
void rt_calibration_print_json(const struct rt_calibration *calibration);

/* calibrate_write.c: one key that differs; values as they are written in the file. */
struct rt_change {
    char key[256]; /* section.key */
    char value[RT_SIDES][64];
};
/* malloc'ed, the caller's; NULL without memory. */
struct rt_change *rt_calibration_changes(const struct rt_calibration *calibration, size_t *count);

/* Writes the proposal to calibration->output, which must not be there yet; readable by its owner
 * alone, as a configuration may be. False with a sentence in error (RT_CONFIG_ERROR bytes); nothing
 * is left then. */
bool rt_calibration_write(const struct rt_calibration *calibration, char *error);

#endif

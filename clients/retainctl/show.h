/* Parts of answers that several commands show alike. JSON values may be NULL: shown as "-". */
#ifndef RT_RETAINCTL_SHOW_H
#define RT_RETAINCTL_SHOW_H

#include "clients/retainctl/cli.h"
#include "clients/retainctl/table.h"

enum rt_color rt_show_band_color(const json_t *band);
enum rt_color rt_show_severity_color(const json_t *severity);

/* "61.3", "-" */
void rt_show_score(struct rt_grid *grid, enum rt_color color, const json_t *score);
/* A time as date and minutes, or "-". */
void rt_show_time(struct rt_grid *grid, const json_t *ms);
void rt_show_date(struct rt_grid *grid, const json_t *ms);
/* Money and the like: "12,500"; beyond 10^15 "1.5e+20". */
enum { RT_SHOW_AMOUNT = 96 };
const char *rt_show_amount_text(double value, char out[RT_SHOW_AMOUNT]);
void rt_show_amount(struct rt_grid *grid, const json_t *value);

/* Escaped text to standard output. */
void rt_show_text(const json_t *text);

/* A score set by hand, in one line: "30.0 at_risk until ... by kim: reason". */
void rt_show_override(const json_t *override);

/* A table of alerts: when, severity, state, kind, account, owner, score, text. */
void rt_show_alerts(const json_t *alerts);

/* "more: the same with --OPTION VALUE" to standard error, if `next` is a text; VALUE as a shell
 * wants it. */
void rt_show_more(const char *option, const json_t *next);

/* Parses a time option (when.h, spans before or after now) into *ms; true if given. Exit code in
 * *code if it is wrong. */
bool rt_show_time_option(const struct rt_cli *cli, const char *name, const char *text,
                         int direction, int64_t *ms, int *code);

#endif

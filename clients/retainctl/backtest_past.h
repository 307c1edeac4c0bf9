/* The log that a back-test is run on: files of events, or the journal of a state directory that
 * nobody uses. What `backtest` and `calibrate` share. */
#ifndef RT_RETAINCTL_BACKTEST_PAST_H
#define RT_RETAINCTL_BACKTEST_PAST_H

#include "clients/retainctl/backtest_relay.h"
#include "clients/retainctl/backtest_names.h"
#include "clients/retainctl/source.h"

/* One event of the account of that number, on another thread than the caller of rt_past_read. False:
 * no memory. */
typedef bool rt_past_take(void *context, size_t number, const struct rt_event *event);
/* The account of that number is wanted soon (step 0), sooner (1), next (2): hints to the processor. */
typedef void rt_past_hint(void *context, size_t number, int step);

enum { RT_PAST_HINTS = 3 };

struct rt_past {
    struct rt_source source;
    char **files;
    int count;
    struct rt_names *names; /* of the accounts, the same in every reading */

    /* of the last reading */
    uint64_t events, bad, damaged; /* taken; refused; places of a journal that cannot be read */
    uint64_t read;                 /* handed over to be taken: events in the end */
    int64_t first, last;           /* span; valid if events > 0 */

    /* while reading */
    rt_past_take *take;
    rt_past_hint *hint; /* NULL: none */
    void *context;
    struct rt_relay *relay;
    struct rt_relayed *batch; /* being filled, NULL: none yet */
    bool stopped;             /* the taker has, for lack of memory */
    const char *name;         /* of the file */
    bool told;                /* faults were shown in an earlier reading */
};

/* RT_CLI_CONTINUE or the exit code. Release with rt_past_close in either case. */
int rt_past_open(struct rt_past *past, const struct rt_cli *cli,
                 const struct rt_source_options *options, char **files, int count);
void rt_past_close(struct rt_past *past);

/* Whether it can be read more than once. */
bool rt_past_rereads(const struct rt_past *past);

/* Reads all of it. An event that retaind would refuse is counted and the first ones are shown.
 * RT_CLI_CONTINUE or the exit code, with the reason on standard error. */
int rt_past_read(struct rt_past *past, rt_past_take *take, rt_past_hint *hint, void *context);

#endif

/* What every command shares: the command table, options, the connection, errors that say what to
 * do. */
#ifndef RT_RETAINCTL_CLI_H
#define RT_RETAINCTL_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "retain.h"

enum { RT_EXIT_OK = 0, RT_EXIT_FAILED = 1, RT_EXIT_USAGE = 2, RT_CLI_CONTINUE = -1 };

enum { RT_CLI_QUERY_SECONDS = 5 };

struct rt_cli_command;

struct rt_cli {
    const char *events, *alerts, *query;
    const char *key; /* file; NULL: none */
    bool json;
    double timeout; /* seconds; < 0: the command's default */
    const struct rt_cli_command *command;
    retain_client *client; /* opened when first needed */
};

struct rt_cli_command {
    const char *name;
    const char *arguments; /* for the usage line */
    const char *summary;   /* one line */
    const char *more;      /* paragraphs for --help; may be NULL */
    int (*run)(struct rt_cli *cli, int argc,
               char **argv); /* argv[0] is the command's name; returns the exit code */
};

extern const struct rt_cli_command rt_cli_commands[]; /* ends with name NULL */

/* ---- options (options.c) --------------------------------------------------------------------- */

enum rt_cli_kind {
    RT_CLI_FLAG,    /* bool */
    RT_CLI_TEXT,    /* const char * */
    RT_CLI_WHOLE,   /* int64_t >= 0 */
    RT_CLI_DECIMAL, /* double >= 0 */
    RT_CLI_TEXTS,   /* struct rt_cli_texts: may be given several times */
};

enum { RT_CLI_TEXTS_MAX = 64 };

struct rt_cli_texts {
    const char *at[RT_CLI_TEXTS_MAX];
    size_t count;
};

struct rt_cli_option {
    const char *name;     /* without --; ends the table if NULL */
    char letter;          /* 0: none */
    const char *argument; /* its name in the help; NULL for flags */
    const char *help;
    enum rt_cli_kind kind;
    void *target;
};

/* Reads options (the command's and the global ones) from argv, moves the other arguments to the
 * front: argv[0] .. argv[*count - 1]. RT_CLI_CONTINUE, or the exit code: help was printed, or the
 * usage is wrong. */
int rt_cli_parse(struct rt_cli *cli, const struct rt_cli_option *options, int argc, char **argv,
                 int *count);

/* Only the global options before the command: returns the index of the command in argv, argc if
 * there is none; *code is RT_CLI_CONTINUE or the exit code. */
int rt_cli_parse_global(struct rt_cli *cli, int argc, char **argv, int *code);

void rt_cli_help(void);

/* "retainctl COMMAND: text; see retainctl COMMAND --help"; returns RT_EXIT_USAGE. */
int rt_cli_usage(const struct rt_cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- the connection (connection.c)
 * --------------------------------------------------------------- */

/* "retainctl: text" to standard error, control bytes escaped; returns RT_EXIT_FAILED. */
int rt_cli_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Explains an error of the library about an endpoint. Returns RT_EXIT_FAILED. */
int rt_cli_explain(const struct rt_cli *cli, int code, const char *endpoint, double seconds);

/* Who runs this, for what a person signs (hold.c). */
const char *rt_cli_user(void);

double rt_cli_seconds(const struct rt_cli *cli, double fallback);

/* Options of the library as the command line has them; the caller may change them before
 * rt_cli_connect. */
void rt_cli_client_options(const struct rt_cli *cli, struct retain_options *options);
/* Opens cli->client if it is not open. RT_CLI_CONTINUE or the exit code. */
int rt_cli_connect(struct rt_cli *cli, const struct retain_options *options);

/* The bare question, for commands that print nothing of the answer as it is. RT_CLI_CONTINUE: *reply
 * is there, and the caller's; it may be a refusal. Else the exit code, after saying why. */
int rt_cli_query(struct rt_cli *cli, const char *op, retain_map *params, retain_reply **reply);
/* Says what a refusal says; returns RT_EXIT_FAILED. */
int rt_cli_refused(const retain_reply *reply);

/* Asks. `params` may be NULL and stays the caller's. The answer as JSON (the caller's), or NULL:
 * said why, exit code in *code. With --json a refusal is printed too. */
json_t *rt_cli_ask(struct rt_cli *cli, const char *op, retain_map *params, int *code);

/* Asks and, with --json, prints the answer: NULL then, *code says how it went. */
json_t *rt_cli_ask_table(struct rt_cli *cli, const char *op, retain_map *params, int *code);

/* Subscribes to the owners that the key's file names; *count is how many (owners.c). An error of the
 * library. */
int rt_cli_subscribe_owners(struct rt_cli *cli, int *count);

/* ---- commands, one file each ----------------------------------------------------------------- */

int rt_cli_push(struct rt_cli *cli, int argc, char **argv);
int rt_cli_watch(struct rt_cli *cli, int argc, char **argv);
int rt_cli_get(struct rt_cli *cli, int argc, char **argv);
int rt_cli_list(struct rt_cli *cli, int argc, char **argv);
int rt_cli_timeline(struct rt_cli *cli, int argc, char **argv);
int rt_cli_alerts(struct rt_cli *cli, int argc, char **argv);
int rt_cli_ack(struct rt_cli *cli, int argc, char **argv);
int rt_cli_snooze(struct rt_cli *cli, int argc, char **argv);
int rt_cli_override(struct rt_cli *cli, int argc, char **argv);
int rt_cli_void(struct rt_cli *cli, int argc, char **argv);
int rt_cli_report(struct rt_cli *cli, int argc, char **argv);
int rt_cli_export(struct rt_cli *cli, int argc, char **argv);
int rt_cli_erase(struct rt_cli *cli, int argc, char **argv);
int rt_cli_dead(struct rt_cli *cli, int argc, char **argv);
int rt_cli_stats(struct rt_cli *cli, int argc, char **argv);
int rt_cli_backup(struct rt_cli *cli, int argc, char **argv);
int rt_cli_verify(struct rt_cli *cli, int argc, char **argv);
int rt_cli_spool(struct rt_cli *cli, int argc, char **argv);
int rt_cli_keygen(struct rt_cli *cli, int argc, char **argv);
int rt_cli_simulate(struct rt_cli *cli, int argc, char **argv);
int rt_cli_backtest(struct rt_cli *cli, int argc, char **argv);
int rt_cli_calibrate(struct rt_cli *cli, int argc, char **argv);

#endif

/* The configuration: one option table (options.c) drives parsing, -o, reload, --help, the sample
 * file and the reference documentation. The daemon reads it and hands its canonical text to the
 * workers, which parse it with the same code. */
#ifndef RT_CONFIG_CONFIG_H
#define RT_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RT_CONFIG_ERROR = 256, RT_TIERS_MAX = 32, RT_TIER_NAME = 128, RT_SEVERITIES = 4 };

/* The parameters of one tier: [tier] is every tier's default, [tier.NAME] what differs. All ages
 * and rhythms are in days unless the name says otherwise; points are points of health score. */
struct rt_tier {
    char name[RT_TIER_NAME + 1]; /* "" for the default tier */
    uint64_t own; /* which keys [tier.NAME] sets itself: one bit each, config/ only */

    /* score: what is said of each stands in docs/SCORE.md */
    double rhythm_days;    /* g0, >= 1, default 14 */
    double half_life_days; /* of calls, visits, mails, sentiment, csat; default 90 */
    double prior; /* k: how much must be seen before a share or balance counts; default 3 */
    double weight_sentiment;  /* largest loss, 0..0.9; default 0.30 */
    double weight_csat;       /* default 0.25 */
    double weight_unanswered; /* default 0.30 */
    double weight_no_show;    /* default 0.25 */
    double weight_bounced;    /* default 0.20 */
    double weight_tickets;    /* default 0.75 */
    double bonus_sentiment;   /* largest gain as a share of what is missing to 100; default 0.10 */
    double bonus_csat;        /* default 0.08 */
    double bonus_breadth;     /* default 0.08 */
    double weight_response;   /* a gain too: mails of ours in conversations; default 0.06 */
    double ticket_weight[RT_SEVERITIES];      /* by severity 1..4: .25 .15 .08 .04 */
    double ticket_limit_hours[RT_SEVERITIES]; /* by severity 1..4: 4 24 72 168; overdue beyond it */

    /* alerts */
    double churn_below, churn_clear, churn_critical;             /* 40 45 20 */
    double drop_points, drop_critical, drop_days;                /* 15 30 7 */
    double silence_min_days, silence_factor, silence_critical;   /* 7 3 2 (times the threshold) */
    double sentiment_below, sentiment_clear, sentiment_critical; /* -0.3 -0.1 -0.6 */
    double sentiment_count;                                      /* 3 */
    double renewal_days, renewal_below, renewal_clear;           /* 90 60 65 */
    double renewal_critical_days, renewal_critical_below;        /* 30 40 */
    double overdue_critical;                                     /* 3 (times the limit) */
    double upsell_above, upsell_clear, upsell_growth, upsell_clear_growth; /* 80 75 1.5 1.2 */
    double active_days; /* churn_risk and silence need so many active days or an open ticket: 3 */
    double dwell_ms;    /* a condition must hold so long before it is raised: 0 */
    double ack_days;    /* an acknowledgement without an end lasts so long: 7 */

    /* reports: they raise no alert and move no score */
    double visit_days;                          /* a visit is due after so many; 0: none is: 0 */
    double response_limit_hours[RT_SEVERITIES]; /* first answer to a ticket: 1 4 24 48 */
    double mail_limit_hours;                    /* answer to a mail: 24 */
};

enum { RT_ADDRESS = 256, RT_PATH = 1024 };

struct rt_config {
    /* listen: "" turns an endpoint off */
    char listen_events[RT_ADDRESS];
    char listen_firehose[RT_ADDRESS];
    char listen_alerts[RT_ADDRESS];
    char listen_query[RT_ADDRESS];
    char listen_http[RT_ADDRESS];

    /* access: "" is none; a name without '/' is a credential of systemd */
    char access_server_key[RT_PATH]; /* CURVE secret; set: every endpoint asks for a key */
    char access_keys[RT_PATH];       /* folder of those who may come in */
    char access_http_token[RT_PATH];
    int64_t access_open_to_anyone; /* 1: beyond loopback without keys or token */

    int64_t workers_count;         /* 0: the number of cores */
    char workers_program[RT_PATH]; /* "": beside retaind, then libexec */
    int64_t workers_window_bytes;  /* unacknowledged bytes per worker: 32 MiB */
    int64_t workers_hang_ms;       /* a worker that does not answer for so long is killed: 10000 */
    int64_t workers_backoff_ms;    /* first pause before a restart, doubles up to 30 s: 100 */

    int64_t limits_message_bytes;
    int64_t limits_event_bytes;
    int64_t limits_total_bytes;   /* unacknowledged bytes over all workers: 256 MiB */
    int64_t limits_answer_ms;     /* 30000 */
    int64_t limits_dedupe_days;   /* 30 */
    int64_t limits_tickets;       /* 1000 */
    int64_t limits_dead_days;     /* 30 */
    int64_t limits_dead_bytes;    /* 256 MiB */
    int64_t limits_memory_bytes;  /* of the daemon: 1 GiB */
    int64_t limits_connections;   /* to one endpoint: 4096 */
    int64_t limits_unread_bytes;  /* of answers or alerts on one endpoint: 128 MiB */
    int64_t limits_subscriptions; /* topics all subscribers together may ask for: 100000 */

    int64_t journal_keep_days;     /* 730; 0 for ever; at least dedupe_days */
    int64_t journal_segment_bytes; /* 64 MiB, a power of two from 1 MiB to 512 MiB */
    int64_t journal_max_bytes;     /* 0: as much as the disk holds */
    int64_t journal_warn_percent;  /* of the disk or of max_bytes left: 10; 0: never */
    int64_t snapshot_interval_ms;  /* 300000 */
    int64_t snapshot_bytes;        /* or after so many journal bytes: 256 MiB */

    int64_t alerts_keep_days;    /* 400 */
    int64_t alerts_dormant_days; /* 365 */
    int64_t alerts_cursor_ms;    /* 5000 */
    int64_t alerts_quiet_ms; /* a quiet load is over after so long without a quiet event: 2000 */

    int64_t debug_clock_offset_ms; /* added to the wall clock: tests */

    struct rt_tier tiers[RT_TIERS_MAX]; /* [0] is the default tier */
    size_t tier_count;
};

/* The defaults. */
void rt_config_init(struct rt_config *config);

/* Sets one key; *config is unchanged if that fails. `key` is "section.name" (split at the last dot:
 * tier.key.rhythm_days is section [tier.key]). False with a sentence in error (RT_CONFIG_ERROR
 * bytes) that names the key, the value, and what would be right. */
bool rt_config_set(struct rt_config *config, const char *key, const char *value, char *error);

/* Parses INI text (config/ini.h) on top of *config. False at the first fault, with its line;
 * *config is then unchanged. Pure. */
bool rt_config_parse(struct rt_config *config, const char *text, char *error);

/* Reads the file like rt_config_parse; a missing file is an error only if `required`. */
bool rt_config_read(struct rt_config *config, const char *path, bool required, char *error);

/* Relations between keys (dedupe_days <= keep_days, clear above below, ...). False with a sentence
 * that names them. */
bool rt_config_check(const struct rt_config *config, char *error);

/* Whether an address ("tcp://HOST:PORT", "HOST:PORT", "ipc://PATH") can be reached from this machine
 * alone. A name other than localhost or lo counts as reachable from elsewhere: it is not looked up.
 */
bool rt_address_is_local(const char *address);

/* The whole configuration as INI text that rt_config_parse turns into an equal one; malloc'ed, NULL
 * without memory. */
char *rt_config_text(const struct rt_config *config);

/* Names of keys that differ and need a restart, comma separated, into `names`; returns their
 * number. Those keys in *next are put back to what they are in *now. */
size_t rt_config_keep_fixed(const struct rt_config *now, struct rt_config *next, char *names,
                            size_t size);

/* The parameters of a tier by name (bytes, not terminated); the default tier if there is no section
 * for it. Tier keys not set in [tier.NAME] have the value of [tier]. */
const struct rt_tier *rt_config_tier(const struct rt_config *config, const char *name, size_t size);

/* Documentation made from the table, to a stdio stream. */
struct _IO_FILE;
void rt_config_print_sample(struct _IO_FILE *out);    /* retaind.conf with every key explained */
void rt_config_print_reference(struct _IO_FILE *out); /* docs/CONFIGURATION.md */
void rt_config_print_manual(struct _IO_FILE *out);    /* docs/man/retaind.conf.5 */
void rt_config_print_help(struct _IO_FILE *out);      /* short list for --help */

#endif

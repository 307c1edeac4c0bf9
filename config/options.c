/* The option table: every key of the configuration, once. Parsing, -o, reload, --help, the sample
 * file and the reference documentation are made from it. To add a key: a field in config.h, a row
 * here, and `make docs`. */
#include "config/options.h"

#include <string.h>

#define TEXT(field) offsetof(struct rt_config, field), sizeof(((struct rt_config *)0)->field), 0, 0
#define FIELD(field, low, high) offsetof(struct rt_config, field), 0, low, high
#define TIER(field, low, high) offsetof(struct rt_tier, field), 0, low, high

#define KEPT false /* a reload takes the new value */
#define FIXED true /* a change needs a restart */

#define KIB 1024.0
#define MIB (1024.0 * KIB)
#define GIB (1024.0 * MIB)
#define TIB (1024.0 * GIB)
#define DAY 86400000.0

const char *const rt_sections[] = {"listen",   "access", "workers", "limits", "journal",
                                   "snapshot", "alerts", "debug",   "tier"};
const char *const rt_section_docs[] = {
    "Endpoints. An empty value turns one off. Addresses are those of ZeroMQ: tcp://HOST:PORT (port "
    "0 or * takes a free one) "
    "or ipc://PATH. Without [access] whoever reaches an endpoint may do all it offers, so the "
    "defaults are on loopback. The addresses in use "
    "stand in STATE_DIR/endpoints once every partition is served. An endpoint handed over by "
    "systemd takes the place of its "
    "address here.",
    "Who may come in. With a server key every ZeroMQ endpoint speaks CURVE and admits the keys in "
    "the folder `keys`, each for what its file says (docs/OPERATIONS.md, \"Letting others in\"). A "
    "secret is named by a path, or without a slash by the name of a systemd credential "
    "(LoadCredential=). Its file must be its owner's alone, and the owner root or the user retaind "
    "runs as.",
    "The processes that hold the accounts.",
    "What is refused, and how much is held at once.",
    "The log that an acknowledgement stands for.",
    "Copies of the accounts' state, so that a start need not read the whole journal.",
    "How long alerts are kept, and when they are sent.",
    "For tests.",
    "How accounts are scored and judged. [tier] holds for every account; a section [tier.NAME] for "
    "those whose profile says "
    "tier NAME. A key that [tier.NAME] does not set has the value of [tier], wherever the two "
    "stand. Points are points of "
    "health score, 0 to 100, 100 best. What each factor of the score does stands in SCORE.md.",
};
const size_t rt_section_count = sizeof(rt_sections) / sizeof(rt_sections[0]);

const struct rt_option rt_options[] = {
    {"listen", "events", RT_OPTION_ENDPOINT, TEXT(listen_events), "tcp://127.0.0.1:7600", FIXED,
     "Events in, each payload answered once it is on disk (ROUTER; connect a REQ or DEALER "
     "socket)."},
    {"listen", "firehose", RT_OPTION_ENDPOINT, TEXT(listen_firehose), "tcp://127.0.0.1:7601", FIXED,
     "Events in without an answer (PULL; connect a PUSH socket). What is in flight when the daemon "
     "is killed may be lost."},
    {"listen", "alerts", RT_OPTION_ENDPOINT, TEXT(listen_alerts), "tcp://127.0.0.1:7602", FIXED,
     "Alerts out (XPUB; connect a SUB socket)."},
    {"listen", "query", RT_OPTION_ENDPOINT, TEXT(listen_query), "tcp://127.0.0.1:7603", FIXED,
     "Queries and operators' commands (ROUTER; connect a REQ or DEALER socket)."},
    {"listen", "http", RT_OPTION_HTTP, TEXT(listen_http), "127.0.0.1:7680", FIXED,
     "HOST:PORT of /metrics (Prometheus text) and /healthz."},

    {"access", "server_key", RT_OPTION_PATH, TEXT(access_server_key), "", FIXED,
     "The server's secret, as `retainctl keygen server NAME` writes it: a file or a credential. "
     "Empty: no keys are asked for."},
    {"access", "keys", RT_OPTION_PATH, TEXT(access_keys), "", FIXED,
     "Folder with one file NAME.key for each client, as `retainctl keygen` writes them. Read again "
     "on SIGHUP: a key whose file is gone is shut out at once, also where it is connected."},
    {"access", "http_token", RT_OPTION_PATH, TEXT(access_http_token), "", FIXED,
     "A file or credential with a token of 16 to 256 printable characters: everything over HTTP "
     "but "
     "/healthz then needs `Authorization: Bearer TOKEN`. Read again on SIGHUP."},
    {"access", "open_to_anyone", RT_OPTION_SWITCH, FIELD(access_open_to_anyone, 0, 1), "no", FIXED,
     "`yes` lets endpoints be bound beyond loopback without access.server_key, and HTTP without "
     "access.http_token: whoever reaches them may do all they offer. Otherwise retaind refuses to "
     "start so."},

    {"workers", "count", RT_OPTION_INTEGER, FIELD(workers_count, 0, 64), "0", FIXED,
     "Number of worker processes; 0 is the number of cores. Another number at the next start keeps "
     "every account."},
    {"workers", "program", RT_OPTION_PATH, TEXT(workers_program), "", FIXED,
     "Path of retain-worker. Empty: beside retaind, then in libexec."},
    {"workers", "window_bytes", RT_OPTION_BYTES, FIELD(workers_window_bytes, 64 * KIB, 4 * GIB),
     "32M", KEPT,
     "Bytes sent to one worker and not yet committed. When they are used up, events for that "
     "worker are answered `busy` and "
     "the firehose is not read; the other workers do not notice. Holds at least one message of "
     "limits.message_bytes."},
    {"workers", "hang_ms", RT_OPTION_INTEGER, FIELD(workers_hang_ms, 100, 600000), "10000", KEPT,
     "A worker that does not answer for so long is killed and replaced."},
    {"workers", "backoff_ms", RT_OPTION_INTEGER, FIELD(workers_backoff_ms, 1, 30000), "100", KEPT,
     "Pause before a dead worker is started again; it doubles with each death in a row up to 30 "
     "seconds."},

    {"limits", "message_bytes", RT_OPTION_BYTES, FIELD(limits_message_bytes, 1 * KIB, 32 * MIB),
     "4M", FIXED,
     "Largest payload. Up to twice as much is answered `too_large`, beyond that the connection is "
     "dropped."},
    {"limits", "event_bytes", RT_OPTION_BYTES, FIELD(limits_event_bytes, 256, 256 * KIB), "64K",
     FIXED,
     "Largest event. A bigger one is rejected as `bad_event`; the others of its batch stand."},
    {"limits", "total_bytes", RT_OPTION_BYTES, FIELD(limits_total_bytes, 64 * KIB, 256 * GIB),
     "256M", KEPT,
     "Unacknowledged bytes over all workers. When they are used up, nothing more is read until "
     "something is committed."},
    {"limits", "answer_ms", RT_OPTION_INTEGER, FIELD(limits_answer_ms, 10, 3600000), "30000", KEPT,
     "Events that are not committed within this time are answered `busy`: the sender keeps them "
     "and sends them again."},
    {"limits", "dedupe_days", RT_OPTION_INTEGER, FIELD(limits_dedupe_days, 1, 36500), "30", KEPT,
     "An event sent again is recognised for so many days, counted from its commit."},
    {"limits", "tickets", RT_OPTION_INTEGER, FIELD(limits_tickets, 16, 100000), "1000", FIXED,
     "Open tickets remembered for one account, and eight times as many closed ones. Beyond it "
     "the oldest closed go, and the youngest open; both are counted in the metrics."},
    {"limits", "dead_days", RT_OPTION_INTEGER, FIELD(limits_dead_days, 1, 36500), "30", KEPT,
     "Dead letters (events of the firehose that could not be read, and poison) are kept so many "
     "days."},
    {"limits", "dead_bytes", RT_OPTION_BYTES, FIELD(limits_dead_bytes, 0, 1 * TIB), "256M", KEPT,
     "Dead letters together; beyond it the oldest go first, and are counted. The workers share "
     "half "
     "of it, the other half is for letters that name no account."},
    {"limits", "memory_bytes", RT_OPTION_BYTES, FIELD(limits_memory_bytes, 64 * MIB, 1 * TIB), "1G",
     KEPT,
     "Memory of the daemon, without its workers. Beyond it the connections that bring the most are "
     "ended. Holds limits.total_bytes and limits.unread_bytes."},
    {"limits", "connections", RT_OPTION_INTEGER, FIELD(limits_connections, 1, 1000000), "4096",
     FIXED,
     "Connections to each ZeroMQ endpoint; fewer if the process may not have so many descriptors "
     "(LimitNOFILE). Beyond it the oldest that has not been there for three seconds is ended, or "
     "else the new one."},
    {"limits", "unread_bytes", RT_OPTION_BYTES, FIELD(limits_unread_bytes, 1 * MIB, 64 * GIB),
     "128M", FIXED,
     "Bytes of answers that wait for their peers to read them, on each endpoint; one peer may have "
     "a "
     "quarter of them. Beyond it answers to those who do not read are dropped, and all subscribers "
     "are if the alerts are theirs."},
    {"limits", "subscriptions", RT_OPTION_INTEGER, FIELD(limits_subscriptions, 1, 10000000),
     "100000", KEPT,
     "Topics that all subscribers together may ask for. Each costs about 1.5 kB of memory; beyond "
     "it new ones are not taken."},

    {"journal", "keep_days", RT_OPTION_INTEGER, FIELD(journal_keep_days, 0, 36500), "730", KEPT,
     "The bytes of events are kept so many days from their commit: how far back timelines reach. 0 "
     "is for ever. At least "
     "limits.dedupe_days. Scores do not depend on it."},
    {"journal", "segment_bytes", RT_OPTION_BYTES, FIELD(journal_segment_bytes, 1 * MIB, 512 * MIB),
     "64M", FIXED,
     "Size of one file of the journal: a power of two. Disk space is taken and given back in these "
     "units."},
    {"journal", "max_bytes", RT_OPTION_BYTES, FIELD(journal_max_bytes, 0, 1024 * TIB), "0", KEPT,
     "Bytes of journal of one worker; when they are used up, events are answered `busy` before "
     "anything changed. 0: as much "
     "as the disk holds."},
    {"journal", "warn_percent", RT_OPTION_INTEGER, FIELD(journal_warn_percent, 0, 90), "10", KEPT,
     "With less than this share of the disk, or of journal.max_bytes, left, or with no room for "
     "one "
     "more file of the journal, a warning is in the log, in /healthz, in STATUS= and in "
     "retaind_worker_disk_low: before events are answered `busy`. 0: never."},

    {"snapshot", "interval_ms", RT_OPTION_INTEGER, FIELD(snapshot_interval_ms, 100, DAY), "300000",
     KEPT, "Changed partitions are written out at least this often."},
    {"snapshot", "bytes", RT_OPTION_BYTES, FIELD(snapshot_bytes, 64 * KIB, 1 * TIB), "256M", KEPT,
     "And as soon as so many bytes of journal have come since: bounds what a start has to read."},

    {"alerts", "keep_days", RT_OPTION_INTEGER, FIELD(alerts_keep_days, 1, 36500), "400", KEPT,
     "alert.list reaches so many days back. Open alerts are kept however old they are."},
    {"alerts", "dormant_days", RT_OPTION_INTEGER, FIELD(alerts_dormant_days, 1, 36500), "365", KEPT,
     "An account whose last contact is longer ago raises no new alert."},
    {"alerts", "cursor_ms", RT_OPTION_INTEGER, FIELD(alerts_cursor_ms, 10, 600000), "5000", KEPT,
     "How often the topic `cursor` tells subscribers where the list of alerts ends."},
    {"alerts", "quiet_ms", RT_OPTION_INTEGER, FIELD(alerts_quiet_ms, 10, 600000), "2000", KEPT,
     "A quiet load of history is over when no quiet event has come for so long; its accounts are "
     "then judged."},

    {"debug", "clock_offset_ms", RT_OPTION_INTEGER,
     FIELD(debug_clock_offset_ms, -36500 * DAY, 36500 * DAY), "0", KEPT,
     "Added to the clock, so that a test can see what time brings. Leave it at 0."},

    /* score */
    {"tier", "rhythm_days", RT_OPTION_NUMBER, TIER(rhythm_days, 1, 365), "14", KEPT,
     "The usual gap between two days with contact. A day with contact counts half after 2.5 times "
     "this long, and twelve times this "
     "long without contact leaves at most a quarter of a score. `retainctl backtest` proposes it "
     "from your own history."},
    {"tier", "half_life_days", RT_OPTION_NUMBER, TIER(half_life_days, 1, 3650), "90", KEPT,
     "Calls, visits, mails, sentiment and ratings count half after so many days."},
    {"tier", "prior", RT_OPTION_NUMBER, TIER(prior, 0.01, 1000), "3", KEPT,
     "How much must be seen before a share or a mean counts: with as many observations as this it "
     "has half its weight."},
    {"tier", "weight_sentiment", RT_OPTION_NUMBER, TIER(weight_sentiment, 0, 0.9), "0.3", KEPT,
     "Largest share of the score that negative sentiment takes away."},
    {"tier", "weight_csat", RT_OPTION_NUMBER, TIER(weight_csat, 0, 0.9), "0.25", KEPT,
     "Largest share of the score that bad ratings take away."},
    {"tier", "weight_unanswered", RT_OPTION_NUMBER, TIER(weight_unanswered, 0, 0.9), "0.3", KEPT,
     "Largest share of the score that unanswered calls take away."},
    {"tier", "weight_no_show", RT_OPTION_NUMBER, TIER(weight_no_show, 0, 0.9), "0.25", KEPT,
     "Largest share of the score that visits where nobody came take away."},
    {"tier", "weight_bounced", RT_OPTION_NUMBER, TIER(weight_bounced, 0, 0.9), "0.2", KEPT,
     "Largest share of the score that bounced mail takes away."},
    {"tier", "weight_response", RT_OPTION_NUMBER, TIER(weight_response, 0, 0.9), "0.06", KEPT,
     "Largest share of what is missing to 100 that mails of ours in conversations with them give."},
    {"tier", "weight_tickets", RT_OPTION_NUMBER, TIER(weight_tickets, 0, 0.9), "0.75", KEPT,
     "Largest share of the score that open tickets take away."},
    {"tier", "bonus_sentiment", RT_OPTION_NUMBER, TIER(bonus_sentiment, 0, 0.3), "0.1", KEPT,
     "Largest share of what is missing to 100 that good sentiment gives."},
    {"tier", "bonus_csat", RT_OPTION_NUMBER, TIER(bonus_csat, 0, 0.3), "0.08", KEPT,
     "Largest share of what is missing to 100 that good ratings give."},
    {"tier", "bonus_breadth", RT_OPTION_NUMBER, TIER(bonus_breadth, 0, 0.3), "0.08", KEPT,
     "Largest share of what is missing to 100 that contact with several people gives."},
    {"tier", "ticket_weight_1", RT_OPTION_NUMBER, TIER(ticket_weight[0], 0.001, 10), "0.25", KEPT,
     "What one new critical ticket weighs. A burden of 1 takes away about two thirds of "
     "weight_tickets. The four weights fall "
     "from severity to severity."},
    {"tier", "ticket_weight_2", RT_OPTION_NUMBER, TIER(ticket_weight[1], 0.001, 10), "0.15", KEPT,
     "The same for severity 2."},
    {"tier", "ticket_weight_3", RT_OPTION_NUMBER, TIER(ticket_weight[2], 0.001, 10), "0.08", KEPT,
     "The same for severity 3, which is also that of a ticket that never stated one."},
    {"tier", "ticket_weight_4", RT_OPTION_NUMBER, TIER(ticket_weight[3], 0.001, 10), "0.04", KEPT,
     "The same for severity 4."},
    {"tier", "ticket_limit_hours_1", RT_OPTION_NUMBER, TIER(ticket_limit_hours[0], 0.01, 87600),
     "4", KEPT,
     "A critical ticket open for longer is overdue, and a ticket's weight grows with its age in "
     "these units. The four limits "
     "do not fall from severity to severity."},
    {"tier", "ticket_limit_hours_2", RT_OPTION_NUMBER, TIER(ticket_limit_hours[1], 0.01, 87600),
     "24", KEPT, "The same for severity 2."},
    {"tier", "ticket_limit_hours_3", RT_OPTION_NUMBER, TIER(ticket_limit_hours[2], 0.01, 87600),
     "72", KEPT, "The same for severity 3."},
    {"tier", "ticket_limit_hours_4", RT_OPTION_NUMBER, TIER(ticket_limit_hours[3], 0.01, 87600),
     "168", KEPT, "The same for severity 4."},

    /* alerts */
    {"tier", "churn_below", RT_OPTION_NUMBER, TIER(churn_below, 0, 100), "40", KEPT,
     "`churn_risk` is raised when the score falls below this."},
    {"tier", "churn_clear", RT_OPTION_NUMBER, TIER(churn_clear, 0, 100), "45", KEPT,
     "And clears when the score is back at this: at least churn_below."},
    {"tier", "churn_critical", RT_OPTION_NUMBER, TIER(churn_critical, 0, 100), "20", KEPT,
     "Below this it is critical: at most churn_below."},
    {"tier", "drop_points", RT_OPTION_NUMBER, TIER(drop_points, 1, 100), "15", KEPT,
     "`score_drop` is raised when the score has lost so many points within drop_days. Judged on "
     "events."},
    {"tier", "drop_critical", RT_OPTION_NUMBER, TIER(drop_critical, 1, 100), "30", KEPT,
     "From so many points on it is critical: at least drop_points."},
    {"tier", "drop_days", RT_OPTION_NUMBER, TIER(drop_days, 1, 7), "7", KEPT,
     "The days over which a fall is measured."},
    {"tier", "silence_min_days", RT_OPTION_NUMBER, TIER(silence_min_days, 0.01, 3650), "7", KEPT,
     "`silence` is never raised before so many days without contact."},
    {"tier", "silence_factor", RT_OPTION_NUMBER, TIER(silence_factor, 0.1, 100), "3", KEPT,
     "Nor before so many times the account's own mean gap, shrunk towards rhythm_days."},
    {"tier", "silence_critical", RT_OPTION_NUMBER, TIER(silence_critical, 1, 100), "2", KEPT,
     "After so many times the silence that raised it, it is critical."},
    {"tier", "sentiment_below", RT_OPTION_NUMBER, TIER(sentiment_below, -1, 1), "-0.3", KEPT,
     "`sentiment` is raised when the mean sentiment falls below this."},
    {"tier", "sentiment_clear", RT_OPTION_NUMBER, TIER(sentiment_clear, -1, 1), "-0.1", KEPT,
     "And clears when it is back at this: at least sentiment_below."},
    {"tier", "sentiment_critical", RT_OPTION_NUMBER, TIER(sentiment_critical, -1, 1), "-0.6", KEPT,
     "Below this it is critical: at most sentiment_below."},
    {"tier", "sentiment_count", RT_OPTION_NUMBER, TIER(sentiment_count, 1, 1000), "3", KEPT,
     "A mean of fewer observations raises nothing."},
    {"tier", "renewal_days", RT_OPTION_NUMBER, TIER(renewal_days, 0, 3650), "90", KEPT,
     "`renewal_risk` is raised when the contract's renewal is so near and the score below "
     "renewal_below."},
    {"tier", "renewal_below", RT_OPTION_NUMBER, TIER(renewal_below, 0, 100), "60", KEPT,
     "The score below which a near renewal is at risk."},
    {"tier", "renewal_clear", RT_OPTION_NUMBER, TIER(renewal_clear, 0, 100), "65", KEPT,
     "It clears when the score is back at this, at least renewal_below, or when the renewal has "
     "passed."},
    {"tier", "renewal_critical_days", RT_OPTION_NUMBER, TIER(renewal_critical_days, 0, 3650), "30",
     KEPT, "Within so many days it is critical, and so is a churn_risk: at most renewal_days."},
    {"tier", "renewal_critical_below", RT_OPTION_NUMBER, TIER(renewal_critical_below, 0, 100), "40",
     KEPT, "Below this score it is critical, however far the renewal: at most renewal_below."},
    {"tier", "overdue_critical", RT_OPTION_NUMBER, TIER(overdue_critical, 1, 1000), "3", KEPT,
     "`ticket_overdue` is critical after so many times the limit, and at once for a ticket of "
     "severity 1."},
    {"tier", "upsell_above", RT_OPTION_NUMBER, TIER(upsell_above, 0, 100), "80", KEPT,
     "`upsell` needs at least this score."},
    {"tier", "upsell_clear", RT_OPTION_NUMBER, TIER(upsell_clear, 0, 100), "75", KEPT,
     "And clears below this: at most upsell_above."},
    {"tier", "upsell_growth", RT_OPTION_NUMBER, TIER(upsell_growth, 1, 100), "1.5", KEPT,
     "`upsell` needs contact on so many times as many days in the last 90 days as in the 90 "
     "before."},
    {"tier", "upsell_clear_growth", RT_OPTION_NUMBER, TIER(upsell_clear_growth, 0, 100), "1.2",
     KEPT, "And clears below this: at most upsell_growth."},
    {"tier", "active_days", RT_OPTION_NUMBER, TIER(active_days, 0, 512), "3", KEPT,
     "`churn_risk` and `silence` need so many days with contact, or an open ticket."},
    {"tier", "dwell_ms", RT_OPTION_NUMBER, TIER(dwell_ms, 0, 7 * DAY), "0", KEPT,
     "A condition must hold for so long before its alert is raised."},
    {"tier", "ack_days", RT_OPTION_NUMBER, TIER(ack_days, 0.001, 3650), "7", KEPT,
     "An acknowledgement without an end of its own lasts so long; then the alert reminds."},

    /* reports */
    {"tier", "visit_days", RT_OPTION_NUMBER, TIER(visit_days, 0, 3650), "0", KEPT,
     "An account of the tier is to be visited every so many days; 0: no visits are expected. What "
     "is "
     "due stands in the management report; it raises no alert and moves no score."},
    {"tier", "response_limit_hours_1", RT_OPTION_NUMBER, TIER(response_limit_hours[0], 0.01, 87600),
     "1", KEPT,
     "Within so many hours a critical ticket should have its first answer: replied, resolved or "
     "closed by us. For the management report alone."},
    {"tier", "response_limit_hours_2", RT_OPTION_NUMBER, TIER(response_limit_hours[1], 0.01, 87600),
     "4", KEPT, "The same for severity 2."},
    {"tier", "response_limit_hours_3", RT_OPTION_NUMBER, TIER(response_limit_hours[2], 0.01, 87600),
     "24", KEPT, "The same for severity 3."},
    {"tier", "response_limit_hours_4", RT_OPTION_NUMBER, TIER(response_limit_hours[3], 0.01, 87600),
     "48", KEPT, "The same for severity 4."},
    {"tier", "mail_limit_hours", RT_OPTION_NUMBER, TIER(mail_limit_hours, 0.01, 720), "24", KEPT,
     "A conversation whose newest mail is theirs should have an answer within so many hours. For "
     "the "
     "management report alone."},
};
const size_t rt_option_count = sizeof(rt_options) / sizeof(rt_options[0]);

bool rt_option_is_tier(const struct rt_option *option)
{
    return strcmp(option->section, "tier") == 0;
}

static const char *table_section(const char *section)
{
    return strncmp(section, "tier.", 5) == 0 ? "tier" : section;
}

const struct rt_option *rt_option_find(const char *section, const char *key)
{
    section = table_section(section);
    for (size_t i = 0; i < rt_option_count; i++) {
        if (strcmp(rt_options[i].section, section) == 0 && strcmp(rt_options[i].key, key) == 0)
            return &rt_options[i];
    }
    return NULL;
}

enum { NAME_BYTES = 64 }; /* what lies beyond is no typing error of one of ours */

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Levenshtein's distance over the first NAME_BYTES of each. */
static size_t distance(const char *a, const char *b)
{
    size_t a_size = strnlen(a, NAME_BYTES), b_size = strnlen(b, NAME_BYTES);
    size_t row[NAME_BYTES + 1];

    for (size_t j = 0; j <= b_size; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t above = row[j];
            row[j] = smallest(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[b_size];
}

const char *rt_option_nearest_section(const char *section)
{
    const char *best = rt_sections[0];

    for (size_t i = 1; i < rt_section_count; i++) {
        if (distance(section, rt_sections[i]) < distance(section, best))
            best = rt_sections[i];
    }
    return best;
}

const char *rt_option_nearest_key(const char *section, const char *key)
{
    const char *best = NULL;

    section = table_section(section);
    for (size_t i = 0; i < rt_option_count; i++) {
        if (strcmp(rt_options[i].section, section) != 0)
            continue;
        if (best == NULL || distance(key, rt_options[i].key) < distance(key, best))
            best = rt_options[i].key;
    }
    return best != NULL ? best : "";
}

/* Relations between keys: what each key's own range can not say. */
#include <stdio.h>
#include <string.h>

#include "config/options.h"

static bool related(bool holds, char *error, const char *sentence)
{
    if (!holds)
        snprintf(error, RT_CONFIG_ERROR, "%s", sentence);
    return holds;
}

static bool check_limits(const struct rt_config *c, char *error)
{
    return related(c->limits_event_bytes <= c->limits_message_bytes, error,
                   "limits.event_bytes must not exceed limits.message_bytes") &&
           related(c->limits_message_bytes <= c->workers_window_bytes, error,
                   "workers.window_bytes must hold a message: at least limits.message_bytes") &&
           related(c->limits_total_bytes + c->limits_unread_bytes <= c->limits_memory_bytes, error,
                   "limits.memory_bytes must hold limits.total_bytes and limits.unread_bytes") &&
           related(c->limits_message_bytes <= c->limits_total_bytes, error,
                   "limits.total_bytes must hold a message: at least limits.message_bytes");
}

static bool check_journal(const struct rt_config *c, char *error)
{
    int64_t segment = c->journal_segment_bytes;

    return related(c->journal_keep_days == 0 || c->journal_keep_days >= c->limits_dedupe_days,
                   error,
                   "journal.keep_days must be 0 (for ever) or at least limits.dedupe_days") &&
           related((segment & (segment - 1)) == 0, error,
                   "journal.segment_bytes must be a power of two") &&
           related(c->journal_max_bytes == 0 || c->journal_max_bytes >= 4 * segment, error,
                   "journal.max_bytes must be 0 (no limit) or at least four times "
                   "journal.segment_bytes");
}

/* Port 0 and * are never the same twice. */
static bool takes_any_port(const char *address)
{
    const char *colon = strrchr(address, ':');

    return colon != NULL && (strcmp(colon, ":0") == 0 || strcmp(colon, ":*") == 0);
}

static const char *without_scheme(const char *address)
{
    return strncmp(address, "tcp://", 6) == 0 ? address + 6 : address;
}

static bool check_listen(const struct rt_config *c, char *error)
{
    const char *const names[] = {"events", "firehose", "alerts", "query", "http"};
    const char *const at[] = {c->listen_events, c->listen_firehose, c->listen_alerts,
                              c->listen_query, c->listen_http};
    const size_t count = sizeof(at) / sizeof(at[0]);

    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++) {
            if (at[i][0] == '\0' || takes_any_port(at[i]) ||
                strcmp(without_scheme(at[i]), without_scheme(at[j])) != 0)
                continue;
            snprintf(error, RT_CONFIG_ERROR, "listen.%s and listen.%s have the same address",
                     names[i], names[j]);
            return false;
        }
    }
    return true;
}

/* What can be reached from elsewhere asks who comes, unless it is said that it need not. */
static bool check_reach(const char *name, const char *address, const char *guard, bool guarded,
                        char *error)
{
    if (address[0] == '\0' || guarded || rt_address_is_local(address))
        return true;
    snprintf(error, RT_CONFIG_ERROR,
             "listen.%s: %.80s can be reached from elsewhere: set %s, or say "
             "access.open_to_anyone = yes",
             name, address, guard);
    return false;
}

static bool check_access(const struct rt_config *c, char *error)
{
    bool open = c->access_open_to_anyone != 0;
    bool keys = open || c->access_server_key[0] != '\0';
    bool token = open || c->access_http_token[0] != '\0';

    return related((c->access_server_key[0] == '\0') == (c->access_keys[0] == '\0'), error,
                   "access.server_key and access.keys must both be set, or neither") &&
           check_reach("events", c->listen_events, "access.server_key", keys, error) &&
           check_reach("firehose", c->listen_firehose, "access.server_key", keys, error) &&
           check_reach("alerts", c->listen_alerts, "access.server_key", keys, error) &&
           check_reach("query", c->listen_query, "access.server_key", keys, error) &&
           check_reach("http", c->listen_http, "access.http_token", token, error);
}

static bool check_tickets(const struct rt_tier *t, char *what)
{
    for (size_t i = 1; i < RT_SEVERITIES; i++) {
        if (!related(t->ticket_weight[i] < t->ticket_weight[i - 1], what,
                     "ticket_weight_1 to _4 must fall from each to the next") ||
            !related(t->ticket_limit_hours[i] >= t->ticket_limit_hours[i - 1], what,
                     "ticket_limit_hours_1 to _4 must not fall from each to the next"))
            return false;
    }
    return true;
}

static bool check_losses(const struct rt_tier *t, char *what)
{
    return related(t->churn_clear >= t->churn_below, what,
                   "churn_clear must be at least churn_below") &&
           related(t->churn_critical <= t->churn_below, what,
                   "churn_critical must not exceed churn_below") &&
           related(t->drop_critical >= t->drop_points, what,
                   "drop_critical must be at least drop_points") &&
           related(t->sentiment_clear >= t->sentiment_below, what,
                   "sentiment_clear must be at least sentiment_below") &&
           related(t->sentiment_critical <= t->sentiment_below, what,
                   "sentiment_critical must not exceed sentiment_below");
}

static bool check_contract(const struct rt_tier *t, char *what)
{
    return related(t->renewal_clear >= t->renewal_below, what,
                   "renewal_clear must be at least renewal_below") &&
           related(t->renewal_critical_days <= t->renewal_days, what,
                   "renewal_critical_days must not exceed renewal_days") &&
           related(t->renewal_critical_below <= t->renewal_below, what,
                   "renewal_critical_below must not exceed renewal_below") &&
           related(t->upsell_clear <= t->upsell_above, what,
                   "upsell_clear must not exceed upsell_above") &&
           related(t->upsell_clear_growth <= t->upsell_growth, what,
                   "upsell_clear_growth must not exceed upsell_growth");
}

bool rt_config_check(const struct rt_config *config, char *error)
{
    char what[RT_CONFIG_ERROR];

    if (!check_limits(config, error) || !check_journal(config, error) ||
        !check_listen(config, error) || !check_access(config, error))
        return false;
    for (size_t i = 0; i < config->tier_count; i++) {
        const struct rt_tier *tier = &config->tiers[i];
        if (check_tickets(tier, what) && check_losses(tier, what) && check_contract(tier, what))
            continue;
        snprintf(error, RT_CONFIG_ERROR, "[tier%s%s]: %.100s", tier->name[0] != '\0' ? "." : "",
                 tier->name, what);
        return false;
    }
    return true;
}

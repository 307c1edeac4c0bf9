/* Which tables there are, and how a value is written in them. */
#include <math.h>
#include <string.h>

#include "clients/retainctl/management.h"
#include "clients/retainctl/when.h"

#define GROUP_COLUMNS                                                                              \
    {"accounts", "accounts", RT_AS_AMOUNT}, {"score", "score", RT_AS_SCORE},                       \
        {"bands.healthy", "healthy", RT_AS_AMOUNT}, {"bands.watch", "watch", RT_AS_AMOUNT},        \
        {"bands.at_risk", "at risk", RT_AS_AMOUNT}, {"value", "value", RT_AS_AMOUNT},              \
        {"value_at_risk", "value at risk", RT_AS_AMOUNT},                                          \
        {"renewals_due", "renewals 90 d", RT_AS_AMOUNT}, {"overdue", "overdue", RT_AS_AMOUNT},     \
        {"visits_due", "visits due", RT_AS_AMOUNT},                                                \
    {                                                                                              \
        "growing", "growing", RT_AS_AMOUNT                                                         \
    }
#define WHO                                                                                        \
    {"account", "account", RT_AS_TEXT}, {"name", "name", RT_AS_TEXT},                              \
    {                                                                                              \
        "owner", "owner", RT_AS_TEXT                                                               \
    }
#define WORTH                                                                                      \
    {"value", "value", RT_AS_AMOUNT},                                                              \
    {                                                                                              \
        "currency", "currency", RT_AS_TEXT                                                         \
    }
#define HEALTH                                                                                     \
    {"score", "score", RT_AS_SCORE},                                                               \
    {                                                                                              \
        "band", "band", RT_AS_BAND                                                                 \
    }
#define TICKET                                                                                     \
    {"ticket", "ticket", RT_AS_TEXT},                                                              \
    {                                                                                              \
        "severity", "severity", RT_AS_AMOUNT                                                       \
    }

const struct rt_management_table rt_management_tables[] = {
    {"at_risk",
     "Accounts at risk, the most that may be lost first",
     "No account is at risk.",
     {WHO,
      {"tier", "tier", RT_AS_TEXT},
      {"score", "score", RT_AS_SCORE},
      WORTH,
      {"value_weighted", "weighted", RT_AS_AMOUNT},
      {"last_contact", "last contact", RT_AS_DATE},
      {"renewal", "renewal", RT_AS_DATE}}},
    {"next_renewals",
     "Renewals within 90 days",
     "No contract renews within 90 days.",
     {{"renewal", "renewal", RT_AS_DATE},
      {"days", "in days", RT_AS_AMOUNT},
      WHO,
      {"tier", "tier", RT_AS_TEXT},
      HEALTH,
      WORTH}},
    {"complaints",
     "Unresolved complaints, the most severe first",
     "No ticket is open.",
     {WHO,
      TICKET,
      {"since", "open since", RT_AS_DATE},
      {"answered", "answered", RT_AS_FLAG},
      {"open_tickets", "open", RT_AS_AMOUNT},
      {"tickets_overdue", "overdue", RT_AS_AMOUNT},
      {"score", "score", RT_AS_SCORE}}},
    {"owed",
     "Promised and overdue, the longest first",
     "Nothing that was promised is overdue.",
     {{"due", "was due", RT_AS_DATE},
      {"what", "what", RT_AS_TEXT},
      WHO,
      TICKET,
      {"overdue", "in all", RT_AS_AMOUNT},
      {"score", "score", RT_AS_SCORE}}},
    {"visits",
     "Visits due",
     "No visit is due.",
     {{"due", "was due", RT_AS_DATE},
      {"last_visit", "last visit", RT_AS_DATE},
      WHO,
      {"tier", "tier", RT_AS_TEXT},
      {"region", "region", RT_AS_TEXT},
      {"score", "score", RT_AS_SCORE},
      WORTH}},
    {"growth",
     "Growth candidates: healthy, and in touch more often than before",
     "No account gives the signal.",
     {WHO,
      {"score", "score", RT_AS_SCORE},
      {"recent_days", "days with contact, last 90", RT_AS_AMOUNT},
      {"days_before", "the 90 before", RT_AS_AMOUNT},
      {"people", "people", RT_AS_AMOUNT},
      WORTH}},
    {"owners", "By owner", "", {{"name", "owner", RT_AS_TEXT}, GROUP_COLUMNS}},
    {"tiers", "By tier", "", {{"name", "tier", RT_AS_TEXT}, GROUP_COLUMNS}},
    {"regions", "By region", "", {{"name", "region", RT_AS_TEXT}, GROUP_COLUMNS}},
    {"currencies", "By currency", "", {{"name", "currency", RT_AS_TEXT}, GROUP_COLUMNS}},
    {NULL, NULL, NULL, {{NULL, NULL, RT_AS_TEXT}}},
};

const struct rt_management_table *rt_management_find(const char *name)
{
    for (const struct rt_management_table *table = rt_management_tables; table->name != NULL;
         table++) {
        if (strcmp(table->name, name) == 0)
            return table;
    }
    return NULL;
}

const json_t *rt_management_at(const json_t *map, const char *key)
{
    const char *dot = strchr(key, '.');
    char outer[32];

    if (dot == NULL)
        return json_object_get(map, key);
    snprintf(outer, sizeof(outer), "%.*s", (int)(dot - key), key);
    return json_object_get(json_object_get(map, outer), dot + 1);
}

bool rt_management_is_number(enum rt_shown_as as)
{
    return as == RT_AS_SCORE || as == RT_AS_AMOUNT;
}

/* A date as such, an amount with its thousands apart. */
const char *rt_management_cell(const json_t *value, enum rt_shown_as as,
                               char out[RT_MANAGEMENT_CELL])
{
    if (json_is_string(value))
        return json_string_value(value);
    if (json_is_boolean(value))
        return json_is_true(value) ? "yes" : "no";
    if (!json_is_number(value))
        return NULL;
    if (as == RT_AS_DATE)
        return rt_when_date(json_integer_value(value), out);
    if (as == RT_AS_AMOUNT)
        return rt_show_amount_text(json_number_value(value), out);
    snprintf(out, RT_MANAGEMENT_CELL, "%.1f", json_number_value(value));
    return out;
}

bool rt_management_mixed(const json_t *report)
{
    const json_t *groups = json_object_get(report, "currencies"), *group;
    size_t index, named = 0;

    json_array_foreach(groups, index, group)
    {
        named += json_is_string(json_object_get(group, "name"));
    }
    return named > 1;
}

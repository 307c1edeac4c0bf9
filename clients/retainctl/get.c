/* get ACCOUNT: score, band, why, how it has gone, tickets, alerts, profile. */
#include <string.h>
#include <unistd.h>

#include "clients/retainctl/show.h"
#include "clients/retainctl/spark.h"
#include "clients/retainctl/when.h"
#include "protocol/limits.h"

static void head_print(const json_t *reply)
{
    const json_t *band = json_object_get(reply, "band"), *name = json_object_get(reply, "name");

    printf("%s", rt_terminal_color(stdout, RT_BOLD));
    rt_show_text(json_object_get(reply, "account"));
    printf("%s", rt_terminal_color(stdout, RT_PLAIN));
    if (json_is_string(name)) {
        printf("  ");
        rt_show_text(name);
    }
    printf("\nhealth %s%.1f ", rt_terminal_color(stdout, rt_show_band_color(band)),
           json_number_value(json_object_get(reply, "score")));
    rt_show_text(band);
    printf("%s\n", rt_terminal_color(stdout, RT_PLAIN));
    if (json_is_object(json_object_get(reply, "override")))
        rt_show_override(json_object_get(reply, "override"));
}

static void factors_print(const json_t *reply)
{
    static const char *const headings[] = {">points", "factor", "why", NULL};
    struct rt_grid grid;
    size_t index;
    json_t *factor;

    rt_grid_begin(&grid, headings);
    rt_grid_format(&grid, RT_DIM, "%.1f", json_number_value(json_object_get(reply, "base")));
    rt_grid_text(&grid, RT_DIM, "base");
    rt_grid_text(&grid, RT_DIM, "where every account begins");
    json_array_foreach(json_object_get(reply, "factors"), index, factor)
    {
        double points = json_number_value(json_object_get(factor, "points"));

        rt_grid_format(&grid, points < 0 ? RT_RED : RT_GREEN, "%+.1f", points);
        rt_grid_json(&grid, RT_PLAIN, json_object_get(factor, "name"));
        rt_grid_json(&grid, RT_PLAIN, json_object_get(factor, "text"));
    }
    printf("\n");
    rt_grid_print(&grid, stdout);
    rt_grid_free(&grid);
}

static void series_print(const json_t *points, const char *what, int64_t step_ms)
{
    const json_t *first = json_array_get(points, 0);
    const json_t *last = json_array_get(points, json_array_size(points) - 1);
    char date[RT_WHEN_TEXT], line[RT_SPARK_BYTES];
    double low = 100, high = 0;
    size_t index;
    json_t *point;

    if (json_array_size(points) == 0)
        return;
    json_array_foreach(points, index, point)
    {
        double score = json_number_value(json_object_get(point, "score"));

        low = score < low ? score : low;
        high = score > high ? score : high;
    }
    printf("%-13s ", what);
    if (isatty(STDOUT_FILENO) && rt_spark_possible())
        printf("%s  ", rt_spark_line(points, step_ms, line));
    rt_when_date(json_integer_value(json_object_get(first, "ts")) - 1, date);
    printf("%.1f on %s, %.1f last, between %.1f and %.1f\n",
           json_number_value(json_object_get(first, "score")), date,
           json_number_value(json_object_get(last, "score")), low, high);
}

/* The last days; the weeks where they reach further back. */
static void history_print(const json_t *reply)
{
    const json_t *history = json_object_get(reply, "history");
    const json_t *days = json_object_get(history, "days");
    const json_t *weeks = json_object_get(history, "weeks");

    if (json_array_size(days) > 0)
        printf("\n");
    series_print(days, "daily", RT_DAY_MS);
    if (json_array_size(weeks) > 13)
        series_print(weeks, "weekly", 7 * RT_DAY_MS);
}

static void contact_print(const json_t *reply)
{
    const json_t *last = json_object_get(reply, "last_contact");
    char at[RT_WHEN_TEXT], ago[RT_WHEN_TEXT];
    const char *type;
    json_t *count;

    if (json_is_integer(last))
        printf("\nlast contact  %s (%s)\n", rt_when_format(json_integer_value(last), true, at),
               rt_when_relative(json_integer_value(last), rt_when_now(), ago));
    else
        printf("\nlast contact  never\n");
    printf("open tickets  %lld\nevents       ",
           (long long)json_integer_value(json_object_get(reply, "open_tickets")));
    json_object_foreach(json_object_get(reply, "events"), type, count)
    {
        printf(" ");
        rt_terminal_text(stdout, type, strlen(type));
        printf(" %lld", (long long)json_integer_value(count));
    }
    printf("\n");
}

static void people_print(const json_t *contacts)
{
    size_t index;
    json_t *person;

    json_array_foreach(contacts, index, person)
    {
        static const char *const keys[] = {"name", "email", "phone"};

        printf("%-13s", index == 0 ? "contacts" : "");
        for (int i = 0; i < 3; i++) {
            if (!json_is_string(json_object_get(person, keys[i])))
                continue;
            printf(" ");
            rt_show_text(json_object_get(person, keys[i]));
        }
        printf("\n");
    }
}

static void profile_print(const json_t *reply)
{
    static const char *const keys[] = {"owner", "tier", "region", "status"};
    const json_t *renewal = json_object_get(reply, "renewal"),
                 *value = json_object_get(reply, "value");
    char at[RT_WHEN_TEXT], in[RT_WHEN_TEXT];

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (!json_is_string(json_object_get(reply, keys[i])))
            continue;
        printf("%-13s ", keys[i]);
        rt_show_text(json_object_get(reply, keys[i]));
        printf("\n");
    }
    if (json_is_number(value)) {
        printf("value         %.2f ", json_number_value(value));
        rt_show_text(json_object_get(reply, "currency"));
        printf("\n");
    }
    if (json_is_integer(renewal))
        printf("renewal       %s (%s)\n", rt_when_date(json_integer_value(renewal), at),
               rt_when_relative(json_integer_value(renewal), rt_when_now(), in));
    people_print(json_object_get(reply, "contacts"));
}

static void print(const json_t *reply)
{
    const json_t *alerts = json_object_get(reply, "alerts");

    head_print(reply);
    factors_print(reply);
    history_print(reply);
    contact_print(reply);
    profile_print(reply);
    if (json_array_size(alerts) > 0) {
        printf("\n");
        rt_show_alerts(alerts);
    }
}

int rt_cli_get(struct rt_cli *cli, int argc, char **argv)
{
    const char *at = NULL;
    const struct rt_cli_option options[] = {
        {"at", 0, "TIME", "as it will be then if nothing happens (2026-12-24, 30d)", RT_CLI_TEXT,
         &at},
        {NULL, 0, NULL, NULL, RT_CLI_FLAG, NULL},
    };
    int count, code = rt_cli_parse(cli, options, argc, argv, &count);
    int64_t ms;
    bool given;
    retain_map *params;
    json_t *reply;

    if (code != RT_CLI_CONTINUE)
        return code;
    if (count != 1)
        return rt_cli_usage(cli, "one account is wanted");
    given = rt_show_time_option(cli, "at", at, +1, &ms, &code);
    if (code != RT_CLI_CONTINUE)
        return code;
    params = retain_map_new();
    retain_map_text(params, "account", argv[0]);
    retain_map_bool(params, "history", true);
    if (given)
        retain_map_int(params, "at", ms);
    reply = rt_cli_ask_table(cli, "account.get", params, &code);
    retain_map_free(params);
    if (reply != NULL)
        print(reply);
    json_decref(reply);
    return code;
}

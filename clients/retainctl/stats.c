/* stats: what the daemon counts. */
#include <string.h>

#include "clients/retainctl/show.h"

static void counts_print(const char *title, const json_t *counts)
{
    const char *key;
    json_t *value;

    printf("%-12s", title);
    json_object_foreach((json_t *)counts, key, value)
    {
        printf(" ");
        rt_terminal_text(stdout, key, strlen(key));
        if (json_is_real(value))
            printf(" %.2f", json_real_value(value));
        else
            printf(" %lld", (long long)json_integer_value(value));
    }
    printf("\n");
}

static void workers_print(const json_t *workers)
{
    static const char *const headings[] = {">worker", ">pid", ">accounts", ">queue bytes", NULL};
    struct rt_grid grid;
    size_t index;
    json_t *worker;

    rt_grid_begin(&grid, headings);
    json_array_foreach(workers, index, worker)
    {
        rt_grid_format(&grid, RT_PLAIN, "%zu", index);
        rt_grid_json(&grid, RT_PLAIN, json_object_get(worker, "pid"));
        rt_show_amount(&grid, json_object_get(worker, "accounts"));
        rt_show_amount(&grid, json_object_get(worker, "queue_bytes"));
    }
    printf("\n");
    rt_grid_print(&grid, stdout);
    rt_grid_free(&grid);
}

static void uptime_print(long long ms)
{
    long long minutes = ms / 60000;

    if (minutes >= 48 * 60)
        printf("uptime       %lld days\n", minutes / (24 * 60));
    else if (minutes >= 120)
        printf("uptime       %lld hours\n", minutes / 60);
    else if (minutes >= 2)
        printf("uptime       %lld minutes\n", minutes);
    else
        printf("uptime       %.1f s\n", (double)ms / 1000);
}

static void print(const json_t *reply)
{
    printf("version      ");
    rt_show_text(json_object_get(reply, "version"));
    printf(" (protocol %lld)\n", (long long)json_integer_value(json_object_get(reply, "protocol")));
    uptime_print((long long)json_integer_value(json_object_get(reply, "uptime_ms")));
    printf("accounts     %lld\n",
           (long long)json_integer_value(json_object_get(reply, "accounts")));
    counts_print("events", json_object_get(reply, "events"));
    counts_print("outcomes", json_object_get(reply, "outcomes"));
    counts_print("limits", json_object_get(reply, "limits"));
    workers_print(json_object_get(reply, "workers"));
}

int rt_cli_stats(struct rt_cli *cli, int argc, char **argv)
{
    const struct rt_cli_option options[] = {{NULL, 0, NULL, NULL, RT_CLI_FLAG, NULL}};
    int count, code = rt_cli_parse(cli, options, argc, argv, &count);
    json_t *reply;

    if (code != RT_CLI_CONTINUE)
        return code;
    if (count != 0)
        return rt_cli_usage(cli, "no argument is wanted, not '%s'", argv[0]);
    reply = rt_cli_ask_table(cli, "stats", NULL, &code);
    if (reply != NULL)
        print(reply);
    json_decref(reply);
    return code;
}

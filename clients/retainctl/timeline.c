/* timeline ACCOUNT: its events, newest first, as they were sent, and what was set by hand. */
#include <stdlib.h>
#include <string.h>

#include "clients/retainctl/show.h"
#include "clients/retainctl/when.h"

/* Everything that has no column of its own: "direction in, duration 340". */
static void rest_show(struct rt_grid *grid, const json_t *event)
{
    static const char *const shown[] = {"ts", "type", "account", "id", "source"};
    char text[400];
    size_t used = 0;
    const char *key;
    json_t *value;

    text[0] = '\0';
    json_object_foreach((json_t *)event, key, value)
    {
        char *plain;
        bool own = false;

        for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
            own = own || strcmp(key, shown[i]) == 0;
        if (own || json_is_null(value))
            continue;
        plain = json_is_string(value)
                    ? NULL
                    : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6));
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %s", used == 0 ? "" : ", ",
                                 key,
                                 json_is_string(value) ? json_string_value(value)
                                 : plain != NULL       ? plain
                                                       : "?");
        free(plain);
        if (used >= sizeof(text))
            break;
    }
    rt_grid_text(grid, RT_PLAIN, text);
}

/* They stand before the first event that is not newer. */
static void overrides_show(struct rt_grid *grid, const json_t *overrides, size_t *at,
                           const json_t *event)
{
    json_t *override;

    while ((override = json_array_get(overrides, *at)) != NULL &&
           (event == NULL || json_integer_value(json_object_get(override, "ts")) >=
                                 json_integer_value(json_object_get(event, "ts")))) {
        rt_show_time(grid, json_object_get(override, "ts"));
        rt_grid_text(grid, RT_YELLOW, "override");
        rest_show(grid, override);
        rt_grid_text(grid, RT_PLAIN, NULL);
        rt_grid_text(grid, RT_DIM, NULL);
        ++*at;
    }
}

static void print(const json_t *reply)
{
    static const char *const headings[] = {"when", "type", "what", "source", "id", NULL};
    const json_t *overrides = json_object_get(reply, "overrides");
    struct rt_grid grid;
    size_t index, at = 0;
    json_t *event;

    rt_grid_begin(&grid, headings);
    json_array_foreach(json_object_get(reply, "events"), index, event)
    {
        overrides_show(&grid, overrides, &at, event);
        rt_show_time(&grid, json_object_get(event, "ts"));
        rt_grid_json(&grid, RT_CYAN, json_object_get(event, "type"));
        rest_show(&grid, event);
        rt_grid_json(&grid, RT_PLAIN, json_object_get(event, "source"));
        rt_grid_json(&grid, RT_DIM, json_object_get(event, "id"));
    }
    overrides_show(&grid, overrides, &at, NULL);
    rt_grid_print(&grid, stdout);
    if (rt_grid_rows(&grid) == 0)
        fprintf(stderr, "no event\n");
    rt_grid_free(&grid);
    rt_show_more("after", json_object_get(reply, "after"));
}

int rt_cli_timeline(struct rt_cli *cli, int argc, char **argv)
{
    const char *since = NULL, *until = NULL, *after = NULL;
    int64_t limit = -1, since_ms, until_ms;
    const struct rt_cli_option options[] = {
        {"since", 's', "TIME", "not before (2026-11-22, 30d)", RT_CLI_TEXT, &since},
        {"until", 'u', "TIME", "before", RT_CLI_TEXT, &until},
        {"after", 'a', "MARK", "go on where the last list ended", RT_CLI_TEXT, &after},
        {"limit", 'n', "N", "at most so many (1..1000, default 100)", RT_CLI_WHOLE, &limit},
        {NULL, 0, NULL, NULL, RT_CLI_FLAG, NULL},
    };
    int count, code = rt_cli_parse(cli, options, argc, argv, &count);
    bool has_since = false, has_until = false;
    retain_map *params;
    json_t *reply;

    if (code == RT_CLI_CONTINUE && count != 1)
        code = rt_cli_usage(cli, "one account is wanted");
    if (code == RT_CLI_CONTINUE)
        has_since = rt_show_time_option(cli, "since", since, -1, &since_ms, &code);
    if (code == RT_CLI_CONTINUE)
        has_until = rt_show_time_option(cli, "until", until, -1, &until_ms, &code);
    if (code != RT_CLI_CONTINUE)
        return code;
    params = retain_map_new();
    retain_map_text(params, "account", argv[0]);
    if (has_since)
        retain_map_int(params, "since", since_ms);
    if (has_until)
        retain_map_int(params, "until", until_ms);
    if (after != NULL)
        retain_map_text(params, "after", after);
    if (limit >= 0)
        retain_map_int(params, "limit", limit);
    reply = rt_cli_ask_table(cli, "account.timeline", params, &code);
    retain_map_free(params);
    if (reply != NULL)
        print(reply);
    json_decref(reply);
    return code;
}

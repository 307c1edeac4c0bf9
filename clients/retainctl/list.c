/* list: accounts with their health. */
#include "clients/retainctl/show.h"

static void override_show(struct rt_grid *grid, const json_t *override)
{
    const json_t *band = json_object_get(override, "band");

    if (json_is_string(band))
        rt_grid_format(grid, rt_show_band_color(band), "%.1f %s",
                       json_number_value(json_object_get(override, "score")),
                       json_string_value(band));
    else
        rt_grid_text(grid, RT_PLAIN, NULL);
}

static void print(const json_t *reply)
{
    static const char *const headings[] = {"account", ">score",  "band",        "owner", "tier",
                                           ">value",  "renewal", "set by hand", NULL};
    struct rt_grid grid;
    size_t index;
    json_t *account;

    rt_grid_begin(&grid, headings);
    json_array_foreach(json_object_get(reply, "accounts"), index, account)
    {
        const json_t *band = json_object_get(account, "band");
        enum rt_color color = rt_show_band_color(band);

        rt_grid_json(&grid, RT_PLAIN, json_object_get(account, "account"));
        rt_show_score(&grid, color, json_object_get(account, "score"));
        rt_grid_json(&grid, color, band);
        rt_grid_json(&grid, RT_PLAIN, json_object_get(account, "owner"));
        rt_grid_json(&grid, RT_PLAIN, json_object_get(account, "tier"));
        rt_show_amount(&grid, json_object_get(account, "value"));
        rt_show_date(&grid, json_object_get(account, "renewal"));
        override_show(&grid, json_object_get(account, "override"));
    }
    rt_grid_print(&grid, stdout);
    if (rt_grid_rows(&grid) == 0)
        fprintf(stderr, "no account\n");
    rt_grid_free(&grid);
    rt_show_more("after", json_object_get(reply, "after"));
}

int rt_cli_list(struct rt_cli *cli, int argc, char **argv)
{
    const char *texts[5] = {NULL};
    static const char *const keys[] = {"owner", "tier", "band", "sort", "after"};
    int64_t limit = -1;
    const struct rt_cli_option options[] = {
        {"owner", 'o', "NAME", "accounts of this manager", RT_CLI_TEXT, &texts[0]},
        {"tier", 't', "NAME", "accounts of this tier", RT_CLI_TEXT, &texts[1]},
        {"band", 'b', "BAND", "healthy, watch or at_risk", RT_CLI_TEXT, &texts[2]},
        {"sort", 's', "KEY", "account (default), score (worst first), -score, value, renewal",
         RT_CLI_TEXT, &texts[3]},
        {"after", 'a', "MARK", "go on where the last list ended", RT_CLI_TEXT, &texts[4]},
        {"limit", 'n', "N", "at most so many (1..1000, default 100)", RT_CLI_WHOLE, &limit},
        {NULL, 0, NULL, NULL, RT_CLI_FLAG, NULL},
    };
    int count, code = rt_cli_parse(cli, options, argc, argv, &count);
    retain_map *params;
    json_t *reply;

    if (code != RT_CLI_CONTINUE)
        return code;
    if (count != 0)
        return rt_cli_usage(cli, "no argument is wanted, not '%s'", argv[0]);
    params = retain_map_new();
    for (size_t i = 0; i < 5; i++) {
        if (texts[i] != NULL)
            retain_map_text(params, keys[i], texts[i]);
    }
    if (limit >= 0)
        retain_map_int(params, "limit", limit);
    reply = rt_cli_ask_table(cli, "account.list", params, &code);
    retain_map_free(params);
    if (reply != NULL)
        print(reply);
    json_decref(reply);
    return code;
}

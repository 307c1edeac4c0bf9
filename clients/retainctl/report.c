/* report [OWNER]: a portfolio in numbers and the accounts to look at first. */
#include <string.h>

#include "clients/retainctl/show.h"

/* "renewals 30 accounts: 2" -- numbers within numbers are shown with the path to them. */
static void numbers_add(struct rt_grid *grid, const char *prefix, const json_t *numbers)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)numbers, key, value)
    {
        char name[160];

        snprintf(name, sizeof(name), "%s%s%s", prefix, prefix[0] != '\0' ? " " : "", key);
        for (char *c = name; *c != '\0'; c++)
            *c = *c == '_' ? ' ' : *c;
        if (json_is_object(value)) {
            numbers_add(grid, name, value);
            continue;
        }
        if (!json_is_number(value) && !json_is_string(value))
            continue;
        rt_grid_text(grid, RT_PLAIN, name);
        if (json_is_real(value) && strstr(key, "value") == NULL)
            rt_grid_format(grid, RT_BOLD, "%.1f", json_real_value(value));
        else if (json_is_number(value))
            rt_show_amount(grid, value);
        else
            rt_grid_json(grid, RT_BOLD, value);
    }
}

static void numbers_print(const json_t *reply)
{
    static const char *const headings[] = {"portfolio", ">", NULL};
    const json_t *numbers = json_object_get(reply, "numbers");
    json_t *plain = json_copy((json_t *)(numbers != NULL ? numbers : reply));
    struct rt_grid grid;

    json_object_del(plain, "ok");
    json_object_del(plain, "lists");
    rt_grid_begin(&grid, headings);
    numbers_add(&grid, "", plain);
    rt_grid_print(&grid, stdout);
    rt_grid_free(&grid);
    json_decref(plain);
}

static void accounts_print(const char *title, const json_t *accounts)
{
    static const char *const headings[] = {"account", ">score", "band",    "owner",
                                           "tier",    ">value", "renewal", NULL};
    struct rt_grid grid;
    size_t index;
    json_t *account;

    printf("\n%s", rt_terminal_color(stdout, RT_BOLD));
    for (const char *c = title; *c != '\0'; c++)
        putchar(*c == '_' ? ' ' : *c);
    printf("%s\n", rt_terminal_color(stdout, RT_PLAIN));
    rt_grid_begin(&grid, headings);
    json_array_foreach(accounts, index, account)
    {
        const json_t *band = json_object_get(account, "band");

        rt_grid_json(&grid, RT_PLAIN, json_object_get(account, "account"));
        rt_show_score(&grid, rt_show_band_color(band), json_object_get(account, "score"));
        rt_grid_json(&grid, rt_show_band_color(band), band);
        rt_grid_json(&grid, RT_PLAIN, json_object_get(account, "owner"));
        rt_grid_json(&grid, RT_PLAIN, json_object_get(account, "tier"));
        rt_show_amount(&grid, json_object_get(account, "value"));
        rt_show_date(&grid, json_object_get(account, "renewal"));
    }
    rt_grid_print(&grid, stdout);
    rt_grid_free(&grid);
}

/* Lists of accounts stand in the answer itself or in its `lists`. */
static void lists_print(const json_t *map)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)map, key, value)
    {
        if (json_is_array(value) && json_is_object(json_array_get(value, 0)))
            accounts_print(key, value);
    }
}

int rt_cli_report(struct rt_cli *cli, int argc, char **argv)
{
    const struct rt_cli_option options[] = {{NULL, 0, NULL, NULL, RT_CLI_FLAG, NULL}};
    int count, code = rt_cli_parse(cli, options, argc, argv, &count);
    retain_map *params;
    json_t *reply;

    if (code != RT_CLI_CONTINUE)
        return code;
    if (count > 1)
        return rt_cli_usage(cli, "one owner is wanted, or none for all");
    params = retain_map_new();
    if (count == 1)
        retain_map_text(params, "owner", argv[0]);
    reply = rt_cli_ask_table(cli, "report.portfolio", params, &code);
    retain_map_free(params);
    if (reply != NULL) {
        numbers_print(reply);
        lists_print(reply);
        lists_print(json_object_get(reply, "lists"));
    }
    json_decref(reply);
    return code;
}

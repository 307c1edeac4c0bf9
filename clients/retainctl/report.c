/* report [OWNER]: a portfolio in numbers and the accounts to look at first; or the report for
 * management, as tables, CSV or a page. */
#include <errno.h>
#include <string.h>

#include "clients/retainctl/management.h"
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

/* ---- the portfolio, or the management report --------------------------------------------------- */

struct options {
    bool management, csv;
    const char *tier, *region, *table, *html;
    int64_t limit; /* of each list; -1: not given */
};

static int portfolio(struct rt_cli *cli, const char *owner)
{
    retain_map *params = retain_map_new();
    json_t *reply;
    int code;

    if (owner != NULL)
        retain_map_text(params, "owner", owner);
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

static int html_write(const json_t *report, const char *path)
{
    FILE *out = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    bool written;

    if (out == NULL)
        return rt_cli_fail("%s: %s", path, strerror(errno));
    rt_management_html(report, out);
    written = fflush(out) == 0 && !ferror(out);
    if (out != stdout)
        written = fclose(out) == 0 && written;
    return written ? RT_EXIT_OK : rt_cli_fail("%s: %s", path, strerror(errno));
}

static int shown(const struct options *o, const json_t *report)
{
    if (o->html != NULL)
        return html_write(report, o->html);
    if (o->csv || o->table != NULL)
        rt_management_csv(report, o->table == NULL ? NULL : rt_management_find(o->table), stdout);
    else
        rt_management_print(report);
    return RT_EXIT_OK;
}

/* As many lines of each list as a person reads, unless asked for more. */
enum { LINES = 20 };

static int management(struct rt_cli *cli, const struct options *o, const char *owner)
{
    bool for_programs = cli->json || o->csv || o->table != NULL;
    retain_map *params = retain_map_new();
    json_t *reply;
    int code;

    if (owner != NULL)
        retain_map_text(params, "owner", owner);
    if (o->tier != NULL)
        retain_map_text(params, "tier", o->tier);
    if (o->region != NULL)
        retain_map_text(params, "region", o->region);
    if (o->limit >= 0 || !for_programs)
        retain_map_int(params, "limit", o->limit >= 0 ? o->limit : LINES);
    reply = o->html != NULL ? rt_cli_ask(cli, "report.management", params, &code)
                            : rt_cli_ask_table(cli, "report.management", params, &code);
    retain_map_free(params);
    if (reply != NULL && code == RT_EXIT_OK)
        code = shown(o, reply);
    json_decref(reply);
    return code;
}

int rt_cli_report(struct rt_cli *cli, int argc, char **argv)
{
    struct options o = {.limit = -1};
    const struct rt_cli_option options[] = {
        {"management", 'm', NULL, "the report for management", RT_CLI_FLAG, &o.management},
        {"tier", 't', "NAME", "the same, of this tier", RT_CLI_TEXT, &o.tier},
        {"region", 'r', "NAME", "the same, of this region", RT_CLI_TEXT, &o.region},
        {"limit", 'n', "N", "the same, with so many lines a list, 1 to 1000", RT_CLI_WHOLE,
         &o.limit},
        {"csv", 0, NULL, "the same, as CSV: a line a value", RT_CLI_FLAG, &o.csv},
        {"table", 0, "NAME", "the same, as CSV: one of its tables", RT_CLI_TEXT, &o.table},
        {"html", 0, "FILE", "the same, as a page to print; - is standard output", RT_CLI_TEXT,
         &o.html},
        {NULL, 0, NULL, NULL, RT_CLI_FLAG, NULL}};
    int count, code = rt_cli_parse(cli, options, argc, argv, &count);

    if (code != RT_CLI_CONTINUE)
        return code;
    if (count > 1)
        return rt_cli_usage(cli, "one owner is wanted, or none for all");
    if (o.table != NULL && rt_management_find(o.table) == NULL)
        return rt_cli_usage(cli, "--table: there is no table '%s'", o.table);
    if ((o.html != NULL) + (o.csv || o.table != NULL) + cli->json > 1)
        return rt_cli_usage(cli, "--json, --csv and --html exclude each other");
    if (!o.management && o.tier == NULL && o.region == NULL && o.limit < 0 && !o.csv &&
        o.table == NULL && o.html == NULL)
        return portfolio(cli, count == 1 ? argv[0] : NULL);
    return management(cli, &o, count == 1 ? argv[0] : NULL);
}

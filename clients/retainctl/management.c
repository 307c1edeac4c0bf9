/* The management report on a terminal: figures, then the tables that hold something. */
#include "clients/retainctl/management.h"

#include <inttypes.h>
#include <string.h>

#include "clients/retainctl/when.h"

static void heading_print(const char *title)
{
    printf("\n%s%s%s\n", rt_terminal_color(stdout, RT_BOLD), title,
           rt_terminal_color(stdout, RT_PLAIN));
}

/* ---- figures --------------------------------------------------------------------------------- */

/* Whole numbers at keys of one map; nothing where there is no map. */
static void rest_add(struct rt_grid *grid, const json_t *map, const char *const *keys)
{
    for (; *keys != NULL; keys++) {
        if (map != NULL)
            rt_show_amount(grid, json_object_get(map, *keys));
        else
            rt_grid_text(grid, RT_PLAIN, "");
    }
}

static void counts_add(struct rt_grid *grid, const char *name, const json_t *map,
                       const char *const *keys)
{
    rt_grid_text(grid, RT_PLAIN, name);
    rest_add(grid, map, keys);
}

static void health_print(const json_t *report)
{
    static const char *const headings[] = {"accounts by health", ">healthy", ">watch",
                                           ">at risk",           ">unknown", ">fell since",
                                           ">rose since",        NULL};
    static const char *const keys[] = {"healthy", "watch", "at_risk", NULL};
    static const char *const past[] = {"unknown", "fell", "rose", NULL};
    const json_t *ahead = json_object_get(report, "ahead");
    const json_t *before = json_object_get(report, "before");
    const json_t *month = json_object_get(before, "30"), *week = json_object_get(before, "7");
    struct rt_grid grid;

    rt_grid_begin(&grid, headings);
    counts_add(&grid, "30 days ago", json_object_get(month, "bands"), keys);
    rest_add(&grid, month, past);
    counts_add(&grid, "7 days ago", json_object_get(week, "bands"), keys);
    rest_add(&grid, week, past);
    counts_add(&grid, "today", json_object_get(report, "bands"), keys);
    rest_add(&grid, NULL, past);
    counts_add(&grid, "in 7 days, if nothing happens", json_object_get(ahead, "7"), keys);
    rest_add(&grid, NULL, past);
    counts_add(&grid, "in 30 days, if nothing happens", json_object_get(ahead, "30"), keys);
    rest_add(&grid, NULL, past);
    rt_grid_print(&grid, stdout);
    rt_grid_free(&grid);
}

static void renewals_print(const json_t *report)
{
    static const char *const headings[] = {"renewals within", ">accounts", ">value", ">healthy",
                                           ">watch",          ">at risk",  NULL};
    static const char *const days[] = {"30", "60", "90"};
    static const char *const keys[] = {"accounts", "value", "bands.healthy", "bands.watch",
                                       "bands.at_risk"};
    struct rt_grid grid;

    rt_grid_begin(&grid, headings);
    for (size_t i = 0; i < sizeof(days) / sizeof(*days); i++) {
        const json_t *row = json_object_get(json_object_get(report, "renewals"), days[i]);

        rt_grid_format(&grid, RT_PLAIN, "%s days", days[i]);
        for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++)
            rt_show_amount(&grid, rt_management_at(row, keys[k]));
    }
    rt_grid_print(&grid, stdout);
    rt_grid_free(&grid);
}

static void pace_print(const json_t *report)
{
    static const char *const headings[] = {"tickets of the last 90 days", ">kept", ">missed",
                                           ">within the limit", NULL};
    static const char *const keys[] = {"kept", "missed", "waiting", NULL};
    struct rt_grid grid;

    rt_grid_begin(&grid, headings);
    counts_add(&grid, "first answers", json_object_get(report, "responses"), keys);
    counts_add(&grid, "resolutions", json_object_get(report, "resolutions"), keys);
    rt_grid_print(&grid, stdout);
    rt_grid_free(&grid);
}

static void figures_print(const json_t *report)
{
    static const struct {
        const char *key, *name;
        enum rt_shown_as as;
    } figures[] = {
        {"accounts", "accounts", RT_AS_AMOUNT},
        {"churned", "of them churned", RT_AS_AMOUNT},
        {"never_contacted", "never contacted", RT_AS_AMOUNT},
        {"score", "mean score", RT_AS_SCORE},
        {"value", "value", RT_AS_AMOUNT},
        {"value_at_risk", "value of accounts at risk", RT_AS_AMOUNT},
        {"value_weighted", "the same, by how far they are from 100", RT_AS_AMOUNT},
        {"open_tickets", "open tickets", RT_AS_AMOUNT},
        {"tickets_overdue", "open beyond their limit", RT_AS_AMOUNT},
        {"mails_waiting", "mails that wait beyond their limit", RT_AS_AMOUNT},
        {"overdue", "promised and overdue, in all", RT_AS_AMOUNT},
        {"visits_due", "visits due", RT_AS_AMOUNT},
        {"growing", "growth candidates", RT_AS_AMOUNT},
        {"open_alerts", "open alerts", RT_AS_AMOUNT},
        {"acknowledged", "of them acknowledged", RT_AS_AMOUNT},
        {"lapsed", "of them acknowledged until a time that has passed", RT_AS_AMOUNT},
    };
    static const char *const headings[] = {"figure", ">", NULL};
    char text[RT_MANAGEMENT_CELL];
    struct rt_grid grid;

    rt_grid_begin(&grid, headings);
    for (size_t i = 0; i < sizeof(figures) / sizeof(*figures); i++) {
        rt_grid_text(&grid, RT_PLAIN, figures[i].name);
        rt_grid_text(
            &grid, RT_BOLD,
            rt_management_cell(json_object_get(report, figures[i].key), figures[i].as, text));
    }
    rt_grid_print(&grid, stdout);
    rt_grid_free(&grid);
}

/* ---- tables ---------------------------------------------------------------------------------- */

static void row_add(struct rt_grid *grid, const struct rt_management_table *table,
                    const json_t *row)
{
    char text[RT_MANAGEMENT_CELL];

    for (const struct rt_management_column *c = table->columns; c->key != NULL; c++) {
        const json_t *value = rt_management_at(row, c->key);

        rt_grid_text(grid, c->as == RT_AS_BAND ? rt_show_band_color(value) : RT_PLAIN,
                     rt_management_cell(value, c->as, text));
    }
}

static void table_print(const json_t *report, const struct rt_management_table *table)
{
    const json_t *rows = json_object_get(report, table->name), *row;
    char headings[RT_MANAGEMENT_COLUMNS][64];
    const char *list[RT_MANAGEMENT_COLUMNS + 1] = {NULL};
    struct rt_grid grid;
    size_t index;

    if (json_array_size(rows) == 0)
        return;
    for (int i = 0; table->columns[i].key != NULL; i++) {
        snprintf(headings[i], sizeof(headings[i]), "%s%s",
                 rt_management_is_number(table->columns[i].as) ? ">" : "",
                 table->columns[i].heading);
        list[i] = headings[i];
    }
    heading_print(table->title);
    rt_grid_begin(&grid, list);
    json_array_foreach(rows, index, row)
    {
        row_add(&grid, table, row);
    }
    rt_grid_print(&grid, stdout);
    rt_grid_free(&grid);
}

void rt_management_print(const json_t *report)
{
    health_print(report);
    putchar('\n');
    figures_print(report);
    if (rt_management_mixed(report))
        printf("several currencies: see the values by currency, not their sum\n");
    putchar('\n');
    renewals_print(report);
    putchar('\n');
    pace_print(report);
    for (const struct rt_management_table *table = rt_management_tables; table->name != NULL;
         table++)
        table_print(report, table);
}

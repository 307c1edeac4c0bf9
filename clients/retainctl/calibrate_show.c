/* See calibrate_show.h. */
#include "clients/retainctl/calibrate_show.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/retainctl/json.h"
#include "clients/retainctl/show.h"

enum { SHOWN = 20 };

static const char *const sides[RT_SIDES] = {"today", "proposed"};

static double share(size_t part, size_t all)
{
    return all == 0 ? NAN : (double)part / (double)all;
}

/* Whether the last date finds the account on one side's list alone. */
static bool moves(const struct rt_calibration *c, size_t number, int to)
{
    size_t date = c->dates->count - 1;

    return rt_lives_listed(c->lives[to], number, date) &&
           !rt_lives_listed(c->lives[to == RT_TODAY ? RT_PROPOSED : RT_TODAY], number, date);
}

/* ---- for programs ---------------------------------------------------------------------------- */

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *side_json(const struct rt_calibration *c, int side)
{
    const struct rt_figures *figures = &c->cross[side];

    return json_pack(
        "{s:o, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:I}", "auc", number(figures->auc), "looked_at",
        (json_int_t)figures->accounts, "looked_at_churned", (json_int_t)figures->churned, "listed",
        (json_int_t)figures->listed, "listed_churned", (json_int_t)figures->listed_churned,
        "precision", number(share(figures->listed_churned, figures->listed)), "found",
        number(share(figures->listed_churned, figures->churned)), "per_owner_week",
        number(c->load[side].per_owner_week), "raised", (json_int_t)c->load[side].total);
}

static json_t *moved_json(const struct rt_calibration *c, int to)
{
    json_t *names = json_array();

    for (size_t i = 0; i < rt_names_count(c->past->names); i++) {
        struct rt_span name = rt_names_name(c->past->names, i);

        if (moves(c, i, to))
            json_array_append_new(names, json_stringn((const char *)name.data, name.size));
    }
    return names;
}

static json_t *changes_json(const struct rt_calibration *c)
{
    size_t count;
    struct rt_change *changes = rt_calibration_changes(c, &count);
    json_t *json = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(json, json_pack("{s:s, s:s, s:s}", "key", changes[i].key, "today",
                                              changes[i].value[RT_TODAY], "proposed",
                                              changes[i].value[RT_PROPOSED]));
    free(changes);
    return json;
}

void rt_calibration_print_json(const struct rt_calibration *c)
{
    json_t *json = json_pack(
        "{s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:s}", "events", (json_int_t)c->past->events,
        "accounts", (json_int_t)c->accounts, "churned", (json_int_t)c->churned, sides[RT_TODAY],
        side_json(c, RT_TODAY), sides[RT_PROPOSED], side_json(c, RT_PROPOSED), "newly_listed",
        moved_json(c, RT_PROPOSED), "no_longer_listed", moved_json(c, RT_TODAY), "changes",
        changes_json(c), "output", c->output);

    if (json != NULL)
        rt_json_print(stdout, json);
    json_decref(json);
}

/* ---- for people ------------------------------------------------------------------------------ */

static void row(struct rt_grid *grid, const char *what, int digits, double today, double proposed)
{
    const double values[RT_SIDES] = {today, proposed};
    char text[32];

    rt_grid_text(grid, RT_PLAIN, what);
    for (int side = 0; side < RT_SIDES; side++) {
        snprintf(text, sizeof(text), "%.*f", digits, values[side]);
        rt_grid_text(grid, RT_PLAIN, isfinite(values[side]) ? text : NULL);
    }
}

static void print_sides(const struct rt_calibration *c)
{
    static const char *const headings[] = {"", ">today", ">proposed", NULL};
    const struct rt_figures *today = &c->cross[RT_TODAY], *proposed = &c->cross[RT_PROPOSED];
    struct rt_grid grid;

    rt_grid_begin(&grid, headings);
    row(&grid, "ROC AUC, cross-validated", 3, today->auc, proposed->auc);
    row(&grid, "accounts the alert rules look at", 0, (double)today->accounts,
        (double)proposed->accounts);
    row(&grid, "of them on the alert list, cross-validated", 0, (double)today->listed,
        (double)proposed->listed);
    row(&grid, "share of the list that churned", 2, share(today->listed_churned, today->listed),
        share(proposed->listed_churned, proposed->listed));
    row(&grid, "share of those who churned that is on it", 2,
        share(today->listed_churned, today->churned),
        share(proposed->listed_churned, proposed->churned));
    row(&grid, "alerts per owner and week", 2, c->load[RT_TODAY].per_owner_week,
        c->load[RT_PROPOSED].per_owner_week);
    rt_grid_print(&grid, stdout);
    rt_grid_free(&grid);
}

static void print_moved(const struct rt_calibration *c, int to, const char *what)
{
    size_t count = 0;

    for (size_t i = 0; i < rt_names_count(c->past->names); i++) {
        struct rt_span name = rt_names_name(c->past->names, i);

        if (!moves(c, i, to))
            continue;
        if (count++ >= SHOWN)
            continue;
        printf("%s%s", count == 1 ? what : ",", count == 1 ? ": " : " ");
        rt_terminal_text(stdout, (const char *)name.data, name.size);
    }
    if (count > SHOWN)
        printf(" and %zu more", count - SHOWN);
    if (count == 0)
        printf("%s: nobody", what);
    printf("\n");
}

static void print_changes(const struct rt_calibration *c)
{
    static const char *const headings[] = {"key", ">today", ">proposed", NULL};
    struct rt_grid grid;
    size_t count;
    struct rt_change *changes = rt_calibration_changes(c, &count);

    rt_grid_begin(&grid, headings);
    for (size_t i = 0; i < count; i++) {
        rt_grid_text(&grid, RT_PLAIN, changes[i].key);
        for (int side = 0; side < RT_SIDES; side++)
            rt_grid_text(&grid, RT_PLAIN, changes[i].value[side]);
    }
    rt_grid_print(&grid, stdout);
    rt_grid_free(&grid);
    free(changes);
}

void rt_calibration_print(const struct rt_calibration *c)
{
    printf("%llu events; %zu accounts at %zu dates, %zu of them churned\n\n",
           (unsigned long long)c->past->events, c->accounts, c->dates->count, c->churned);
    print_sides(c);
    printf("\n");
    print_moved(c, RT_PROPOSED, "newly on the list at the last date");
    print_moved(c, RT_TODAY, "no longer on it");
    printf("\n");
    print_changes(c);
    printf("\nwritten to %s, to be read and installed by you; nothing is applied\n", c->output);
}

/* See table.h. Failure: without memory the table is marked failed, and says so instead of printing.
 */
#include "clients/retainctl/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void rt_grid_begin(struct rt_grid *grid, const char *const *headings)
{
    *grid = (struct rt_grid){0};
    while (headings[grid->columns] != NULL) {
        grid->right[grid->columns] = headings[grid->columns][0] == '>';
        grid->columns++;
    }
    for (size_t i = 0; i < grid->columns; i++)
        rt_grid_text(grid, RT_DIM, headings[i] + grid->right[i]);
}

void rt_grid_free(struct rt_grid *grid)
{
    for (size_t i = 0; i < grid->cells; i++)
        free(grid->texts[i]);
    free(grid->texts);
    free(grid->colors);
    *grid = (struct rt_grid){0};
}

static bool reserve(struct rt_grid *grid)
{
    size_t capacity = grid->capacity == 0 ? 64 : grid->capacity * 2;
    char **texts;
    enum rt_color *colors;

    if (grid->cells < grid->capacity)
        return true;
    texts = realloc(grid->texts, capacity * sizeof(*texts));
    if (texts != NULL)
        grid->texts = texts;
    colors = realloc(grid->colors, capacity * sizeof(*colors));
    if (colors != NULL)
        grid->colors = colors;
    if (texts == NULL || colors == NULL)
        return false;
    grid->capacity = capacity;
    return true;
}

static void add(struct rt_grid *grid, enum rt_color color, const char *text, size_t size)
{
    char *safe = rt_terminal_escape(text, size);

    if (safe == NULL || !reserve(grid)) {
        free(safe);
        grid->failed = true;
        return;
    }
    grid->texts[grid->cells] = safe;
    grid->colors[grid->cells++] = color;
}

void rt_grid_text(struct rt_grid *grid, enum rt_color color, const char *text)
{
    add(grid, color, text != NULL ? text : "-", text != NULL ? strlen(text) : 1);
}

void rt_grid_format(struct rt_grid *grid, enum rt_color color, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    rt_grid_text(grid, color, text);
}

void rt_grid_json(struct rt_grid *grid, enum rt_color color, const json_t *value)
{
    if (json_is_string(value))
        add(grid, color, json_string_value(value), json_string_length(value));
    else if (json_is_integer(value))
        rt_grid_format(grid, color, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        rt_grid_format(grid, color, "%.2f", json_real_value(value));
    else if (json_is_boolean(value))
        rt_grid_text(grid, color, json_is_true(value) ? "yes" : "no");
    else
        rt_grid_text(grid, color, NULL);
}

size_t rt_grid_rows(const struct rt_grid *grid)
{
    return grid->columns == 0 ? 0 : grid->cells / grid->columns - (grid->cells > 0);
}

static void cell_print(const struct rt_grid *grid, FILE *out, size_t cell, size_t width)
{
    size_t column = cell % grid->columns, own = rt_terminal_width(grid->texts[cell]);
    bool last = column + 1 == grid->columns;
    int padding = (int)(width - own);

    fprintf(out, "%*s%s%s%s%*s", grid->right[column] ? padding : 0, "",
            grid->colors[cell] != RT_PLAIN ? rt_terminal_color(out, grid->colors[cell]) : "",
            grid->texts[cell],
            grid->colors[cell] != RT_PLAIN ? rt_terminal_color(out, RT_PLAIN) : "",
            grid->right[column] || last ? 0 : padding, "");
    fputs(last ? "\n" : "  ", out);
}

void rt_grid_print(struct rt_grid *grid, FILE *out)
{
    size_t widths[RT_GRID_COLUMNS] = {0};

    if (grid->failed) {
        fputs("out of memory\n", stderr);
        return;
    }
    if (rt_grid_rows(grid) == 0)
        return;
    for (size_t i = 0; i < grid->cells; i++) {
        size_t width = rt_terminal_width(grid->texts[i]);

        if (width > widths[i % grid->columns])
            widths[i % grid->columns] = width;
    }
    for (size_t i = 0; i < grid->cells; i++)
        cell_print(grid, out, i, widths[i % grid->columns]);
}

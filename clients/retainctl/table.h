/* Tables for people: columns as wide as their widest cell, numbers to the right. */
#ifndef RT_RETAINCTL_TABLE_H
#define RT_RETAINCTL_TABLE_H

#include <jansson.h>

#include "clients/retainctl/terminal.h"

enum { RT_GRID_COLUMNS = 12 };

struct rt_grid {
    size_t columns, cells;
    char **texts; /* row by row, the headings first; safe to print */
    enum rt_color *colors;
    size_t capacity;
    bool right[RT_GRID_COLUMNS];
    bool failed;
};

/* Headings ends with NULL; one that begins with '>' is a column of numbers. Release with
 * rt_grid_free. */
void rt_grid_begin(struct rt_grid *grid, const char *const *headings);
void rt_grid_free(struct rt_grid *grid);

/* The next cell, from left to right, row by row; escaped and copied. NULL: "-". */
void rt_grid_text(struct rt_grid *grid, enum rt_color color, const char *text);
void rt_grid_format(struct rt_grid *grid, enum rt_color color, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A JSON text, number or nothing, as it is. */
void rt_grid_json(struct rt_grid *grid, enum rt_color color, const json_t *value);

/* Nothing at all if there is no row. */
void rt_grid_print(struct rt_grid *grid, FILE *out);
size_t rt_grid_rows(const struct rt_grid *grid); /* without the headings */

#endif

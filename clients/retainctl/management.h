/* The answer of report.management as tables: one list of columns drives what a terminal, a
 * spreadsheet and the printed page show. */
#ifndef RT_RETAINCTL_MANAGEMENT_H
#define RT_RETAINCTL_MANAGEMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "clients/retainctl/show.h"

enum {
    RT_MANAGEMENT_COLUMNS = 12,
    RT_MANAGEMENT_CELL = RT_SHOW_AMOUNT /* room for an amount, and for a date */
};

enum rt_shown_as {
    RT_AS_TEXT,
    RT_AS_BAND,
    RT_AS_SCORE,  /* "61.3" */
    RT_AS_AMOUNT, /* "12,500" */
    RT_AS_DATE,
    RT_AS_FLAG, /* yes, no */
};

struct rt_management_column {
    const char *key; /* of a row; "bands.healthy" goes one map deeper; NULL ends the list */
    const char *heading;
    enum rt_shown_as as;
};

struct rt_management_table {
    const char *name;  /* key of the answer */
    const char *title; /* for people */
    const char *none;  /* what an empty one says */
    struct rt_management_column columns[RT_MANAGEMENT_COLUMNS + 1];
};

extern const struct rt_management_table rt_management_tables[]; /* ends with name NULL */

/* NULL if there is none of that name. */
const struct rt_management_table *rt_management_find(const char *name);

/* The value at a key as in rt_management_column; NULL if there is none. */
const json_t *rt_management_at(const json_t *map, const char *key);

/* The value as people read it: in `out`, or the text itself (as it was sent: to be escaped); NULL if
 * there is none. */
const char *rt_management_cell(const json_t *value, enum rt_shown_as as,
                               char out[RT_MANAGEMENT_CELL]);
bool rt_management_is_number(enum rt_shown_as as);

/* Several currencies: their sums mean nothing. */
bool rt_management_mixed(const json_t *report);

void rt_management_print(const json_t *report);

/* `table` NULL: everything, a line a value. */
void rt_management_csv(const json_t *report, const struct rt_management_table *table, FILE *out);

/* A page that needs nothing but itself. */
void rt_management_html(const json_t *report, FILE *out);

#endif

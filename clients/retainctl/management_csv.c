/* The management report for spreadsheets (RFC 4180). A text that a spreadsheet would take for a
 * formula gets an apostrophe in front; control characters stand as on a terminal. */
#include "clients/retainctl/management.h"

#include <stdlib.h>
#include <string.h>

#include "clients/retainctl/terminal.h"
#include "clients/retainctl/when.h"

static void text_write(FILE *out, const char *text)
{
    char *safe = rt_terminal_escape(text, strlen(text));

    putc('"', out);
    if (strchr("=+-@", *text) != NULL && *text != '\0')
        putc('\'', out);
    for (const char *c = safe != NULL ? safe : ""; *c != '\0'; c++) {
        if (*c == '"')
            putc('"', out);
        putc(*c, out);
    }
    putc('"', out);
    free(safe);
}

/* Numbers for a program, not with their thousands apart; nothing for what is not there. */
static void value_write(FILE *out, const json_t *value, enum rt_shown_as as)
{
    char text[RT_WHEN_TEXT];

    if (json_is_string(value))
        text_write(out, json_string_value(value));
    else if (json_is_boolean(value))
        fputs(json_is_true(value) ? "yes" : "no", out);
    else if (json_is_integer(value) && as == RT_AS_DATE)
        fputs(rt_when_format(json_integer_value(value), false, text), out);
    else if (json_is_integer(value))
        fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        fprintf(out, "%.10g", json_real_value(value));
}

static void end_line(FILE *out)
{
    fputs("\r\n", out);
}

/* ---- one table ------------------------------------------------------------------------------- */

static void table_write(const json_t *report, const struct rt_management_table *table, FILE *out)
{
    const struct rt_management_column *columns = table->columns;
    const json_t *rows = json_object_get(report, table->name), *row;
    size_t index;

    for (int i = 0; columns[i].key != NULL; i++)
        fprintf(out, "%s%s", i > 0 ? "," : "", columns[i].key);
    end_line(out);
    json_array_foreach(rows, index, row)
    {
        for (int i = 0; columns[i].key != NULL; i++) {
            if (i > 0)
                putc(',', out);
            value_write(out, rt_management_at(row, columns[i].key), columns[i].as);
        }
        end_line(out);
    }
}

/* ---- everything ------------------------------------------------------------------------------ */

static void line_write(FILE *out, const char *table, const char *row, const char *column,
                       const json_t *value, enum rt_shown_as as)
{
    fprintf(out, "%s,", table);
    if (row != NULL)
        text_write(out, row);
    fprintf(out, ",%s,", column);
    value_write(out, value, as);
    end_line(out);
}

/* Numbers within numbers have the path to them as their name. */
static void figures_write(FILE *out, const char *path, const json_t *numbers)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)numbers, key, value)
    {
        char name[160];

        snprintf(name, sizeof(name), "%s%s%s", path, *path != '\0' ? "." : "", key);
        if (json_is_object(value))
            figures_write(out, name, value);
        else if (json_is_number(value) || json_is_string(value))
            line_write(out, "figures", NULL, name, value,
                       strcmp(name, "at") == 0 ? RT_AS_DATE : RT_AS_AMOUNT);
    }
}

static void rows_write(FILE *out, const json_t *report, const struct rt_management_table *table)
{
    const json_t *rows = json_object_get(report, table->name), *row;
    size_t index;

    json_array_foreach(rows, index, row)
    {
        const json_t *who = json_object_get(row, "account");

        if (who == NULL)
            who = json_object_get(row, "name");
        for (const struct rt_management_column *c = table->columns; c->key != NULL; c++)
            line_write(out, table->name, json_string_value(who), c->key,
                       rt_management_at(row, c->key), c->as);
    }
}

void rt_management_csv(const json_t *report, const struct rt_management_table *table, FILE *out)
{
    if (table != NULL) {
        table_write(report, table, out);
        return;
    }
    fputs("table,row,column,value", out);
    end_line(out);
    figures_write(out, "", report);
    for (table = rt_management_tables; table->name != NULL; table++)
        rows_write(out, report, table);
}

/* CSV with a header row, by libcsv: RFC 4180 quotes, CRLF or LF, a byte order mark.
 *
 * The header decides once which column becomes which key; a row is then one pass over its cells.
 * Spaces belong to a cell, as RFC 4180 says. Failure: a header without account, type or ts (nothing
 * is read: every row would be refused); a quote that never closes (everything behind it would be
 * one cell); a row with more cells than the header or a cell that cannot be converted (bad, with
 * its line; reading goes on). A row with fewer cells has absent keys. */
#include "clients/retainctl/input.h"

#include <csv.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/retainctl/terminal.h"

enum { ROW_BYTES = 4 << 20, COLUMNS_MAX = 4096, OUTPUTS_MAX = 64, BLOCK = 4096 };

/* A key of the events made: from a column, from --set, or from the column and else from --set. */
struct output {
    char key[16];
    enum rt_key_kind kind;
    size_t column; /* SIZE_MAX: none */
    const struct rt_set_entry *preset;
};

/* What libcsv's pstate says; it has names for it in its source alone. */
enum { BETWEEN_ROWS = 0, IN_CELL = 2 };

struct rt_csv {
    struct rt_input_common *common;
    struct csv_parser parser;
    struct rt_buffer cells; /* of the current row, one after the other */
    size_t *ends;           /* where each ends */
    size_t count, capacity;
    size_t columns;
    struct output outputs[OUTPUTS_MAX];
    size_t output_count;
    bool has_header;
    struct rt_buffer content; /* for made-up ids */
    uint64_t line, row_line;
    unsigned bom;
    enum rt_input_result result;
};

static int no_space(unsigned char c)
{
    (void)c;
    return 0;
}

struct rt_csv *rt_csv_new(struct rt_input_common *common, char delimiter)
{
    struct rt_csv *csv = calloc(1, sizeof(*csv));

    if (csv == NULL || csv_init(&csv->parser, 0) != 0) {
        free(csv);
        return NULL;
    }
    csv_set_blk_size(&csv->parser, BLOCK);
    csv_set_space_func(&csv->parser, no_space);
    if (delimiter != 0)
        csv_set_delim(&csv->parser, (unsigned char)delimiter);
    csv->common = common;
    csv->line = csv->row_line = 1;
    return csv;
}

void rt_csv_free(struct rt_csv *csv)
{
    if (csv == NULL)
        return;
    csv_free(&csv->parser);
    rt_buffer_free(&csv->cells);
    rt_buffer_free(&csv->content);
    free(csv->ends);
    free(csv);
}

static void fail(struct rt_csv *csv, const char *text)
{
    snprintf(csv->common->error, sizeof(csv->common->error), "line %llu: %s",
             (unsigned long long)csv->row_line, text);
    csv->result = RT_INPUT_FAILED;
}

static struct rt_span cell_at(const struct rt_csv *csv, size_t column)
{
    size_t begin;

    if (column >= csv->count)
        return rt_span("", 0);
    begin = column == 0 ? 0 : csv->ends[column - 1];
    if (begin == csv->ends[column])
        return rt_span("", 0);
    return rt_span(csv->cells.data + begin, csv->ends[column] - begin);
}

/* ---- the header ------------------------------------------------------------------------------ */

static struct rt_span heading_at(const struct rt_csv *csv, size_t column)
{
    struct rt_span name = cell_at(csv, column);

    while (name.size > 0 && name.data[0] == ' ') {
        name.data++;
        name.size--;
    }
    while (name.size > 0 && name.data[name.size - 1] == ' ')
        name.size--;
    return name;
}

static size_t column_find(const struct rt_csv *csv, const char *name, bool *twice)
{
    size_t found = SIZE_MAX;

    *twice = false;
    for (size_t i = 0; i < csv->columns; i++) {
        if (!rt_span_is(heading_at(csv, i), name))
            continue;
        *twice = found != SIZE_MAX;
        found = i;
        if (*twice)
            break;
    }
    return found;
}

/* "no column ts; columns are: customer, date" */
static void columns_tell(struct rt_csv *csv, const char *what)
{
    char text[RT_INPUT_ERROR - 40];
    int used = snprintf(text, sizeof(text), "%s; the columns are:", what);

    for (size_t i = 0; i < csv->columns && used > 0 && (size_t)used < sizeof(text) - 1; i++) {
        struct rt_span name = heading_at(csv, i);
        char *safe = rt_terminal_escape((const char *)name.data, name.size);

        used += snprintf(text + used, sizeof(text) - (size_t)used, "%s %s", i == 0 ? "" : ",",
                         safe == NULL ? "?" : safe);
        free(safe);
    }
    fail(csv, text);
}

static void output_add(struct rt_csv *csv, const char *key, const char *column)
{
    struct output *output = &csv->outputs[csv->output_count];
    char text[160];
    bool twice;

    *output = (struct output){.column = column_find(csv, column == NULL ? key : column, &twice)};
    if (column != NULL && output->column == SIZE_MAX) {
        snprintf(text, sizeof(text), "there is no column '%.80s' for %s", column, key);
        columns_tell(csv, text);
        return;
    }
    if (twice) {
        snprintf(text, sizeof(text), "there are two columns '%.80s'",
                 column == NULL ? key : column);
        columns_tell(csv, text);
        return;
    }
    if (column == NULL && output->column != SIZE_MAX &&
        rt_mapping_renames(csv->common->mapping, rt_span_text(key)))
        output->column = SIZE_MAX; /* it goes by another name now */
    output->preset = rt_mapping_preset(csv->common->mapping, rt_span_text(key));
    if (output->column == SIZE_MAX && output->preset == NULL)
        return;
    (void)rt_key_find(rt_span_text(key), &output->kind);
    snprintf(output->key, sizeof(output->key), "%s", key);
    csv->output_count++;
}

static bool output_has(const struct rt_csv *csv, const char *key)
{
    for (size_t i = 0; i < csv->output_count; i++) {
        if (strcmp(csv->outputs[i].key, key) == 0)
            return true;
    }
    return false;
}

static void header_take(struct rt_csv *csv)
{
    static const char *const needed[] = {"account", "ts", "type"};
    const char *key;

    csv->columns = csv->count;
    csv->has_header = true;
    for (size_t i = 0; (key = rt_key_name(i)) != NULL && csv->result == RT_INPUT_OK; i++)
        output_add(csv, key, rt_mapping_column(csv->common->mapping, rt_span_text(key)));
    for (size_t i = 0; i < 3 && csv->result == RT_INPUT_OK; i++) {
        char text[160];

        if (output_has(csv, needed[i]))
            continue;
        snprintf(text, sizeof(text), "no column says %s: use --map %s=COLUMN or --set %s=VALUE",
                 needed[i], needed[i], needed[i]);
        columns_tell(csv, text);
    }
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* Where account, type, ts and id stand in the event (it may move while it grows). */
struct place {
    size_t at, size;
};

struct places {
    struct place account, type, ts;
    bool id;
};

static void place_note(struct places *places, struct rt_span key, struct place place)
{
    if (rt_span_is(key, "account"))
        places->account = place;
    else if (rt_span_is(key, "type"))
        places->type = place;
    else if (rt_span_is(key, "ts"))
        places->ts = place;
    else if (rt_span_is(key, "id"))
        places->id = true;
}

/* Appends the key and its value, if the row or --set has one; false if the cell does not say a
 * value. */
static bool output_write(struct rt_csv *csv, const struct output *output, uint32_t *pairs,
                         struct places *places, char error[RT_KEY_ERROR])
{
    struct rt_buffer *event = &csv->common->event;
    struct rt_span cell =
        output->column == SIZE_MAX ? rt_span("", 0) : cell_at(csv, output->column);
    struct rt_span key = rt_span_text(output->key);
    size_t begin;

    if (cell.size == 0 && output->preset == NULL)
        return true;
    rt_write_str(event, key);
    begin = event->size;
    if (cell.size == 0)
        rt_buffer_append(event, output->preset->packed.data, output->preset->packed.size);
    else if (!rt_key_convert(key, output->kind, cell, event, error))
        return false;
    (*pairs)++;
    place_note(places, key, (struct place){begin, event->size - begin});
    return true;
}

static void bad(struct rt_csv *csv, const char *text)
{
    if (!csv->common->sink->bad(csv->common->sink->arg, csv->row_line, text))
        csv->result = RT_INPUT_STOPPED;
}

static struct rt_span placed(const struct rt_csv *csv, struct place place)
{
    return rt_span(csv->common->event.data + place.at, place.size);
}

static bool id_make(struct rt_csv *csv, const struct places *places)
{
    char id[RT_ROWID_TEXT];

    rt_buffer_clear(&csv->content);
    for (size_t i = 0; i < csv->count; i++)
        rt_put_bytes(&csv->content, cell_at(csv, i));
    if (csv->content.failed || csv->common->event.failed ||
        !rt_rowid_make(csv->common->rowid, placed(csv, places->account), placed(csv, places->type),
                       placed(csv, places->ts), rt_buffer_span(&csv->content), id))
        return false;
    rt_write_key_str(&csv->common->event, "id", rt_span(id, sizeof(id)));
    return true;
}

static void row_finish(struct rt_csv *csv, size_t mark, uint32_t pairs, const struct places *places)
{
    struct rt_buffer *event = &csv->common->event;

    if (!places->id && !id_make(csv, places)) {
        fail(csv, "out of memory");
        return;
    }
    rt_write_end(event, mark, pairs + !places->id);
    if (event->failed)
        fail(csv, "out of memory");
    else if (!csv->common->sink->event(csv->common->sink->arg, csv->row_line,
                                       rt_buffer_span(event)))
        csv->result = RT_INPUT_STOPPED;
}

static void row_take(struct rt_csv *csv)
{
    struct rt_buffer *event = &csv->common->event;
    struct places places = {0};
    char error[RT_KEY_ERROR];
    uint32_t pairs = 0;
    size_t mark;

    if (csv->count > csv->columns) {
        snprintf(error, sizeof(error), "the row has %zu cells, the header %zu", csv->count,
                 csv->columns);
        bad(csv, error);
        return;
    }
    rt_buffer_clear(event);
    mark = rt_write_map_begin(event);
    for (size_t i = 0; i < csv->output_count; i++) {
        if (!output_write(csv, &csv->outputs[i], &pairs, &places, error)) {
            bad(csv, error);
            return;
        }
    }
    row_finish(csv, mark, pairs, &places);
}

static bool ends_reserve(struct rt_csv *csv)
{
    size_t capacity = csv->capacity == 0 ? 32 : csv->capacity * 2;
    size_t *ends;

    if (csv->count < csv->capacity)
        return true;
    ends = realloc(csv->ends, capacity * sizeof(*ends));
    if (ends == NULL)
        return false;
    csv->ends = ends;
    csv->capacity = capacity;
    return true;
}

static void on_cell(void *data, size_t size, void *arg)
{
    struct rt_csv *csv = arg;

    if (csv->result != RT_INPUT_OK)
        return;
    rt_buffer_append(&csv->cells, data, size);
    if (csv->cells.failed || !ends_reserve(csv))
        fail(csv, "out of memory");
    else if (csv->count >= COLUMNS_MAX || csv->cells.size > ROW_BYTES)
        fail(csv, "this row is too large to be one: is a quote not closed?");
    else
        csv->ends[csv->count++] = csv->cells.size;
}

static void on_row(int terminator, void *arg)
{
    struct rt_csv *csv = arg;

    (void)terminator;
    if (csv->result == RT_INPUT_OK) {
        if (csv->has_header)
            row_take(csv);
        else
            header_take(csv);
    }
    rt_buffer_clear(&csv->cells);
    csv->count = 0;
    csv->row_line = csv->line; /* another row may begin in this very line: a lone CR ends one too */
}

/* ---- bytes ----------------------------------------------------------------------------------- */

/* Skips a byte order mark, which may come in pieces. */
static size_t bom_skip(struct rt_csv *csv, const uint8_t *data, size_t size)
{
    static const uint8_t mark[] = {0xef, 0xbb, 0xbf};
    size_t at = 0;

    while (csv->bom < 3 && at < size) {
        if (data[at] != mark[csv->bom]) {
            csv->bom = 3;
            break;
        }
        csv->bom++;
        at++;
    }
    return at;
}

/* At most one line, so that the number of the line a row begins on is known. */
static void piece_parse(struct rt_csv *csv, const uint8_t *piece, size_t size)
{
    if (csv->parser.pstate == BETWEEN_ROWS)
        csv->row_line = csv->line;
    if (csv_parse(&csv->parser, piece, size, on_cell, on_row, csv) != size &&
        csv->result == RT_INPUT_OK)
        fail(csv, csv_error(&csv->parser) == CSV_ENOMEM ? "out of memory" : "this is no CSV");
    if (csv_get_buffer_size(&csv->parser) > ROW_BYTES && csv->result == RT_INPUT_OK)
        fail(csv, "this cell is too large to be one: is a quote not closed?");
}

enum rt_input_result rt_csv_feed(struct rt_csv *csv, const uint8_t *data, size_t size)
{
    size_t at = bom_skip(csv, data, size);

    while (at < size && csv->result == RT_INPUT_OK) {
        const uint8_t *newline = memchr(data + at, '\n', size - at);
        size_t piece = newline == NULL ? size - at : (size_t)(newline - (data + at)) + 1;

        piece_parse(csv, data + at, piece);
        csv->line += newline != NULL;
        at += piece;
    }
    return csv->result;
}

enum rt_input_result rt_csv_end(struct rt_csv *csv)
{
    if (csv->result != RT_INPUT_OK)
        return csv->result;
    if (csv->parser.pstate == IN_CELL && csv->parser.quoted)
        fail(csv, "a quote that begins in this row is never closed");
    else if (csv_fini(&csv->parser, on_cell, on_row, csv) != 0 && csv->result == RT_INPUT_OK)
        fail(csv, "this is no CSV");
    return csv->result;
}

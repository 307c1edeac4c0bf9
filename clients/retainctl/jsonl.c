/* JSON Lines by jansson: one object a line; or one array of objects as a whole, as other programs
 * export it.
 *
 * Failure: a line that is no JSON object, is nested too deep or has a key twice is bad, with its
 * number; reading goes on. An array that cannot be parsed fails as a whole. */
#include "clients/retainctl/input.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/retainctl/json.h"

enum { LINE_BYTES = 16 << 20, ARRAY_BYTES = 1 << 30 };

struct rt_jsonl {
    struct rt_input_common *common;
    struct rt_buffer line; /* begun and not ended */
    struct rt_buffer packed;
    uint64_t number;
    enum { UNKNOWN, LINES, ARRAY } shape;
    bool too_long;
};

struct rt_jsonl *rt_jsonl_new(struct rt_input_common *common)
{
    struct rt_jsonl *jsonl = calloc(1, sizeof(*jsonl));

    if (jsonl != NULL)
        jsonl->common = common;
    return jsonl;
}

void rt_jsonl_free(struct rt_jsonl *jsonl)
{
    if (jsonl == NULL)
        return;
    rt_buffer_free(&jsonl->line);
    rt_buffer_free(&jsonl->packed);
    free(jsonl);
}

static enum rt_input_result fail(struct rt_jsonl *jsonl, const char *text)
{
    snprintf(jsonl->common->error, sizeof(jsonl->common->error), "%s", text);
    return RT_INPUT_FAILED;
}

static enum rt_input_result bad(struct rt_jsonl *jsonl, const char *text)
{
    const struct rt_sink *sink = jsonl->common->sink;

    return sink->bad(sink->arg, jsonl->number, text) ? RT_INPUT_OK : RT_INPUT_STOPPED;
}

/* True if the event brings an id of its own, so that none must be made. */
static bool has_id(const struct rt_jsonl *jsonl, const json_t *object)
{
    const char *column = rt_mapping_column(jsonl->common->mapping, rt_span_text("id"));
    const json_t *id = json_object_get(object, column != NULL ? column : "id");

    if (column == NULL && rt_mapping_renames(jsonl->common->mapping, rt_span_text("id")))
        return false;
    return id != NULL && !json_is_null(id) && !(json_is_string(id) && json_string_length(id) == 0);
}

/* An id is made from the canonical text of the object: keys sorted, no spaces. */
static enum rt_input_result emit(struct rt_jsonl *jsonl, const json_t *object)
{
    char *canonical = NULL;
    enum rt_input_result result;

    rt_buffer_clear(&jsonl->packed);
    if (!rt_json_pack(&jsonl->packed, object))
        return bad(jsonl, "is nested too deep");
    if (!has_id(jsonl, object)) {
        canonical = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
        if (canonical == NULL)
            return fail(jsonl, "out of memory");
    }
    if (jsonl->packed.failed) {
        free(canonical);
        return fail(jsonl, "out of memory");
    }
    result = rt_record_emit(jsonl->common, jsonl->number, rt_buffer_span(&jsonl->packed),
                            rt_span_text(canonical == NULL ? "" : canonical));
    free(canonical);
    return result;
}

static bool blank(struct rt_span line)
{
    for (size_t i = 0; i < line.size; i++) {
        if (line.data[i] != ' ' && line.data[i] != '\t' && line.data[i] != '\r')
            return false;
    }
    return true;
}

static enum rt_input_result line_take(struct rt_jsonl *jsonl, struct rt_span line)
{
    json_error_t error;
    json_t *json;
    enum rt_input_result result;
    char text[RT_INPUT_ERROR];

    jsonl->number++;
    if (jsonl->number == 1 && line.size >= 3 && memcmp(line.data, "\xef\xbb\xbf", 3) == 0)
        line = rt_span(line.data + 3, line.size - 3);
    if (blank(line))
        return RT_INPUT_OK;
    json = json_loadb((const char *)line.data, line.size,
                      JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
    if (json == NULL) {
        snprintf(text, sizeof(text), "is no JSON: %s (column %d)", error.text, error.column);
        return bad(jsonl, text);
    }
    result = json_is_object(json) ? emit(jsonl, json) : bad(jsonl, "is no JSON object");
    json_decref(json);
    return result;
}

static enum rt_input_result array_take(struct rt_jsonl *jsonl)
{
    json_error_t error;
    json_t *json = json_loadb((const char *)jsonl->line.data, jsonl->line.size,
                              JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    enum rt_input_result result = RT_INPUT_OK;
    size_t count = json_array_size(json);

    if (json == NULL) {
        snprintf(jsonl->common->error, sizeof(jsonl->common->error),
                 "line %d: is no JSON array: %s", error.line, error.text);
        return RT_INPUT_FAILED;
    }
    for (size_t i = 0; i < count && result == RT_INPUT_OK; i++) {
        const json_t *entry = json_array_get(json, i);

        jsonl->number = i + 1;
        result = json_is_object(entry) ? emit(jsonl, entry) : bad(jsonl, "is no JSON object");
    }
    json_decref(json);
    return result;
}

/* The first byte that is no space tells lines from an array. */
static void shape_find(struct rt_jsonl *jsonl, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size && jsonl->shape == UNKNOWN; i++) {
        if (data[i] == '[')
            jsonl->shape = ARRAY;
        else if (data[i] == '\0' || strchr(" \t\r\n\xef\xbb\xbf", data[i]) == NULL)
            jsonl->shape = LINES;
    }
}

static enum rt_input_result lines_feed(struct rt_jsonl *jsonl, const uint8_t *data, size_t size)
{
    enum rt_input_result result = RT_INPUT_OK;

    while (size > 0 && result == RT_INPUT_OK) {
        const uint8_t *newline = memchr(data, '\n', size);
        size_t piece = newline == NULL ? size : (size_t)(newline - data);

        if (newline != NULL && jsonl->line.size == 0 && !jsonl->too_long) {
            result = line_take(jsonl, rt_span(data, piece));
        } else {
            jsonl->too_long = jsonl->too_long || jsonl->line.size + piece > LINE_BYTES;
            if (!jsonl->too_long)
                rt_buffer_append(&jsonl->line, data, piece);
            if (jsonl->line.failed)
                return fail(jsonl, "out of memory");
            if (newline != NULL)
                result = rt_jsonl_end(jsonl);
        }
        piece += newline != NULL;
        data += piece;
        size -= piece;
    }
    return result;
}

/* The blank lines that came before the shape was known are lines too. */
static enum rt_input_result blanks_feed(struct rt_jsonl *jsonl)
{
    struct rt_buffer blanks = jsonl->line;
    enum rt_input_result result;

    jsonl->line = (struct rt_buffer){0};
    result = lines_feed(jsonl, blanks.data, blanks.size);
    rt_buffer_free(&blanks);
    return result;
}

enum rt_input_result rt_jsonl_feed(struct rt_jsonl *jsonl, const uint8_t *data, size_t size)
{
    bool known = jsonl->shape != UNKNOWN;
    enum rt_input_result result = RT_INPUT_OK;

    shape_find(jsonl, data, size);
    if (jsonl->shape == LINES) {
        if (!known)
            result = blanks_feed(jsonl);
        return result == RT_INPUT_OK ? lines_feed(jsonl, data, size) : result;
    }
    if (jsonl->line.size + size > ARRAY_BYTES)
        return fail(jsonl, "a JSON array larger than 1 GiB: write one object a line instead");
    rt_buffer_append(&jsonl->line, data, size);
    return jsonl->line.failed ? fail(jsonl, "out of memory") : RT_INPUT_OK;
}

/* Ends the line that was begun, or the array. */
enum rt_input_result rt_jsonl_end(struct rt_jsonl *jsonl)
{
    enum rt_input_result result = RT_INPUT_OK;

    if (jsonl->too_long) {
        jsonl->number++;
        result = bad(jsonl, "the line is longer than 16 MiB");
    } else if (jsonl->shape == ARRAY) {
        result = array_take(jsonl);
    } else if (jsonl->line.size > 0) {
        result = line_take(jsonl, rt_buffer_span(&jsonl->line));
    }
    jsonl->too_long = false;
    rt_buffer_clear(&jsonl->line);
    return result;
}

/* Picks the reader by the format. */
#include "clients/retainctl/input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct rt_input {
    struct rt_input_common common;
    enum rt_input_format format;
    struct rt_csv *csv;
    struct rt_jsonl *jsonl;
    struct rt_mpack *mpack;
};

static bool reader_new(struct rt_input *input, char delimiter)
{
    switch (input->format) {
    case RT_FORMAT_CSV:
        return (input->csv = rt_csv_new(&input->common, delimiter)) != NULL;
    case RT_FORMAT_MSGPACK:
        return (input->mpack = rt_mpack_new(&input->common)) != NULL;
    default:
        return (input->jsonl = rt_jsonl_new(&input->common)) != NULL;
    }
}

struct rt_input *rt_input_new(enum rt_input_format format, const struct rt_mapping *mapping,
                              const struct rt_sink *sink, char delimiter)
{
    struct rt_input *input = calloc(1, sizeof(*input));

    if (input == NULL)
        return NULL;
    input->format = format;
    input->common.mapping = mapping;
    input->common.sink = sink;
    input->common.rowid = rt_rowid_new();
    if (input->common.rowid == NULL || !reader_new(input, delimiter)) {
        rt_input_free(input);
        return NULL;
    }
    return input;
}

void rt_input_free(struct rt_input *input)
{
    if (input == NULL)
        return;
    rt_csv_free(input->csv);
    rt_jsonl_free(input->jsonl);
    rt_mpack_free(input->mpack);
    rt_rowid_free(input->common.rowid);
    rt_buffer_free(&input->common.event);
    free(input);
}

void rt_input_alike(struct rt_input *input)
{
    rt_rowid_alike(input->common.rowid);
}

enum rt_input_result rt_input_feed(struct rt_input *input, const void *data, size_t size)
{
    switch (input->format) {
    case RT_FORMAT_CSV:
        return rt_csv_feed(input->csv, data, size);
    case RT_FORMAT_MSGPACK:
        return rt_mpack_feed(input->mpack, data, size);
    default:
        return rt_jsonl_feed(input->jsonl, data, size);
    }
}

enum rt_input_result rt_input_end(struct rt_input *input)
{
    switch (input->format) {
    case RT_FORMAT_CSV:
        return rt_csv_end(input->csv);
    case RT_FORMAT_MSGPACK:
        return rt_mpack_end(input->mpack);
    default:
        return rt_jsonl_end(input->jsonl);
    }
}

const char *rt_input_error(const struct rt_input *input)
{
    return input->common.error;
}

bool rt_input_format_parse(const char *text, enum rt_input_format *format)
{
    static const struct {
        const char *name;
        enum rt_input_format format;
    } names[] = {{"jsonl", RT_FORMAT_JSONL},     {"ndjson", RT_FORMAT_JSONL},
                 {"json", RT_FORMAT_JSONL},      {"csv", RT_FORMAT_CSV},
                 {"msgpack", RT_FORMAT_MSGPACK}, {"mp", RT_FORMAT_MSGPACK}};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcasecmp(text, names[i].name) == 0) {
            *format = names[i].format;
            return true;
        }
    }
    return false;
}

enum rt_input_format rt_input_format_of_name(const char *name)
{
    const char *dot = strrchr(name, '.');
    enum rt_input_format format = RT_FORMAT_UNKNOWN;

    if (dot != NULL)
        (void)rt_input_format_parse(dot + 1, &format);
    return format;
}

enum rt_input_format rt_input_format_of_bytes(struct rt_span bytes)
{
    size_t at = 0;

    if (bytes.size >= 3 && memcmp(bytes.data, "\xef\xbb\xbf", 3) == 0)
        at = 3;
    while (at < bytes.size && strchr(" \t\r\n", bytes.data[at]) != NULL && bytes.data[at] != '\0')
        at++;
    if (at == bytes.size)
        return RT_FORMAT_UNKNOWN;
    if (bytes.data[at] == '{' || bytes.data[at] == '[')
        return RT_FORMAT_JSONL;
    if ((bytes.data[at] >= 0x80 && bytes.data[at] < 0xa0) ||
        (bytes.data[at] >= 0xdc && bytes.data[at] <= 0xdf))
        return RT_FORMAT_MSGPACK;
    return RT_FORMAT_CSV;
}

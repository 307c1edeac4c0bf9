/* Reading events: three formats, one shape. A reader is fed bytes as they come and calls the sink
 * for each event; it never reads a file itself. Pure but for the sink. */
#ifndef RT_RETAINCTL_INPUT_H
#define RT_RETAINCTL_INPUT_H

#include "clients/retainctl/mapping.h"
#include "clients/retainctl/rowid.h"

/* Both return false to stop the reading. */
struct rt_sink {
    void *arg;
    /* One packed event, valid during the call, and where it began: a line (CSV, JSON Lines) or its
     * number (MessagePack, JSON). */
    bool (*event)(void *arg, uint64_t line, struct rt_span packed);
    /* A row that is no event: why. */
    bool (*bad)(void *arg, uint64_t line, const char *text);
};

enum rt_input_format { RT_FORMAT_UNKNOWN, RT_FORMAT_JSONL, RT_FORMAT_CSV, RT_FORMAT_MSGPACK };

enum rt_input_result {
    RT_INPUT_OK,
    RT_INPUT_STOPPED, /* by the sink */
    RT_INPUT_FAILED,  /* nothing more can be read: rt_input_error says why */
};

enum { RT_INPUT_ERROR = 512 };

struct rt_input;

/* NULL without memory. `mapping` and `sink` must outlive it. `delimiter`: between the cells of CSV,
 * 0: a comma. */
struct rt_input *rt_input_new(enum rt_input_format format, const struct rt_mapping *mapping,
                              const struct rt_sink *sink, char delimiter);
void rt_input_free(struct rt_input *input); /* takes NULL */
/* Rows without an id get one that others with the same content share (rowid.h). */
void rt_input_alike(struct rt_input *input);
enum rt_input_result rt_input_feed(struct rt_input *input, const void *data, size_t size);
/* No more bytes will come. */
enum rt_input_result rt_input_end(struct rt_input *input);
const char *rt_input_error(const struct rt_input *input);

/* By the ending of a name; by the first bytes. UNKNOWN if neither tells. */
enum rt_input_format rt_input_format_of_name(const char *name);
enum rt_input_format rt_input_format_of_bytes(struct rt_span bytes);
/* "jsonl", "csv", "msgpack" and their other names. */
bool rt_input_format_parse(const char *text, enum rt_input_format *format);

/* ---- the readers (csv.c, jsonl.c, mpack.c)
 * ------------------------------------------------------- */

struct rt_input_common {
    const struct rt_mapping *mapping;
    const struct rt_sink *sink;
    struct rt_rowid *rowid;
    struct rt_buffer event; /* the one being built */
    char error[RT_INPUT_ERROR];
};

struct rt_csv;
struct rt_csv *rt_csv_new(struct rt_input_common *common, char delimiter);
void rt_csv_free(struct rt_csv *csv);
enum rt_input_result rt_csv_feed(struct rt_csv *csv, const uint8_t *data, size_t size);
enum rt_input_result rt_csv_end(struct rt_csv *csv);

struct rt_jsonl;
struct rt_jsonl *rt_jsonl_new(struct rt_input_common *common);
void rt_jsonl_free(struct rt_jsonl *jsonl);
enum rt_input_result rt_jsonl_feed(struct rt_jsonl *jsonl, const uint8_t *data, size_t size);
enum rt_input_result rt_jsonl_end(struct rt_jsonl *jsonl);

struct rt_mpack;
struct rt_mpack *rt_mpack_new(struct rt_input_common *common);
void rt_mpack_free(struct rt_mpack *mpack);
enum rt_input_result rt_mpack_feed(struct rt_mpack *mpack, const uint8_t *data, size_t size);
enum rt_input_result rt_mpack_end(struct rt_mpack *mpack);

/* ---- for events that come as maps (record.c)
 * ----------------------------------------------------- */

/* Takes a packed map (checked), renames by --map, fills in by --set, converts a textual ts and
 * renewal, makes an id out of `content` if there is none, and hands it to the sink. */
enum rt_input_result rt_record_emit(struct rt_input_common *common, uint64_t line,
                                    struct rt_span map, struct rt_span content);

#endif

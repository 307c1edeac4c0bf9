/* Files of events, one after the other, with the options that `push` and `backtest` share. */
#ifndef RT_RETAINCTL_SOURCE_H
#define RT_RETAINCTL_SOURCE_H

#include "clients/retainctl/cli.h"
#include "clients/retainctl/input.h"

/* Targets of the shared options: RT_SOURCE_OPTIONS(&options) belongs into a command's table. */
struct rt_source_options {
    const char *format, *delimiter;
    struct rt_cli_texts maps, sets;
};

#define RT_SOURCE_OPTIONS(options)                                                                 \
    {"format",    'f',                                                                             \
     "FORMAT",    "jsonl, csv or msgpack (default: by the name's ending)",                         \
     RT_CLI_TEXT, &(options)->format},                                                             \
        {"map",                                                                                    \
         'm',                                                                                      \
         "KEY=COLUMN,...",                                                                         \
         "take a key from a column of another name",                                               \
         RT_CLI_TEXTS,                                                                             \
         &(options)->maps},                                                                        \
        {"set",           's',                                                                     \
         "KEY=VALUE,...", "fill in a key where it is absent or empty",                             \
         RT_CLI_TEXTS,    &(options)->sets},                                                       \
    {                                                                                              \
        "delimiter", 'd', "CHARACTER", "between the cells of CSV (default: a comma; tab: \\t)",    \
            RT_CLI_TEXT, &(options)->delimiter                                                     \
    }

struct rt_source {
    enum rt_input_format format;
    char delimiter;
    struct rt_mapping mapping;
    struct rt_sink sink;
    bool
        alike; /* rows that say the same may share an id: their number is then no matter of memory */
    /* Called with sink.arg: before a file ("standard input" for -); when nothing can be read
     * without waiting: waits until `fd` can be read, false to stop (NULL: just read). */
    void (*begin)(void *arg, const char *name);
    bool (*idle)(void *arg, int fd);
};

/* Reads the options into *source (zero-initialised by the caller, who sets sink, begin and idle).
 * RT_CLI_CONTINUE or the exit code. */
int rt_source_open(struct rt_source *source, const struct rt_cli *cli,
                   const struct rt_source_options *options);
void rt_source_close(struct rt_source *source);

/* Reads all files ("-": standard input). A file that cannot be read is reported to standard error
 * and the next one follows. Returns the number of files that failed; stops early if the sink says
 * so (*stopped). */
size_t rt_source_read(struct rt_source *source, char **files, int count, bool *stopped);

#endif

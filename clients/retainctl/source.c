/* See source.h. */
#include "clients/retainctl/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 64 << 10 };

static int delimiter_read(struct rt_source *source, const struct rt_cli *cli, const char *text)
{
    if (text == NULL)
        return RT_CLI_CONTINUE;
    if (strcmp(text, "\\t") == 0 || strcmp(text, "tab") == 0)
        text = "\t";
    if (strlen(text) != 1 || strchr("\"\r\n", text[0]) != NULL)
        return rt_cli_usage(cli, "--delimiter is one character, not '%s'", text);
    source->delimiter = text[0];
    return RT_CLI_CONTINUE;
}

int rt_source_open(struct rt_source *source, const struct rt_cli *cli,
                   const struct rt_source_options *options)
{
    char error[RT_MAPPING_ERROR];

    if (options->format != NULL && !rt_input_format_parse(options->format, &source->format))
        return rt_cli_usage(cli, "--format is jsonl, csv or msgpack, not '%s'", options->format);
    for (size_t i = 0; i < options->maps.count; i++) {
        if (!rt_mapping_map(&source->mapping, options->maps.at[i], error))
            return rt_cli_usage(cli, "%s", error);
    }
    for (size_t i = 0; i < options->sets.count; i++) {
        if (!rt_mapping_set(&source->mapping, options->sets.at[i], error))
            return rt_cli_usage(cli, "%s", error);
    }
    return delimiter_read(source, cli, options->delimiter);
}

void rt_source_close(struct rt_source *source)
{
    rt_mapping_free(&source->mapping);
}

/* One file being read. */
struct reading {
    struct rt_source *source;
    const char *name;
    int fd;
    bool waits; /* a pipe or a terminal: reading may block */
    struct rt_input *input;
};

/* 1: bytes, 0: the end, -1: an error (errno), -2: stopped. */
static ssize_t chunk_read(struct reading *reading, unsigned char *chunk)
{
    ssize_t n;

    do {
        if (reading->waits && reading->source->idle != NULL &&
            !reading->source->idle(reading->source->sink.arg, reading->fd))
            return -2;
        n = read(reading->fd, chunk, CHUNK);
    } while (n < 0 && errno == EINTR);
    return n;
}

/* The format: as said, by the name, by the first bytes. */
static bool input_open(struct reading *reading, const unsigned char *chunk, size_t size)
{
    enum rt_input_format format = reading->source->format;

    if (format == RT_FORMAT_UNKNOWN)
        format = rt_input_format_of_name(reading->name);
    if (format == RT_FORMAT_UNKNOWN)
        format = rt_input_format_of_bytes(rt_span(chunk, size));
    reading->input = rt_input_new(format, &reading->source->mapping, &reading->source->sink,
                                  reading->source->delimiter);
    if (reading->input != NULL && reading->source->alike)
        rt_input_alike(reading->input);
    return reading->input != NULL;
}

static enum rt_input_result bytes_read(struct reading *reading)
{
    unsigned char chunk[CHUNK];
    ssize_t n;

    while ((n = chunk_read(reading, chunk)) > 0) {
        enum rt_input_result result;

        if (reading->input == NULL && !input_open(reading, chunk, (size_t)n)) {
            errno = ENOMEM;
            n = -1;
            break;
        }
        result = rt_input_feed(reading->input, chunk, (size_t)n);
        if (result != RT_INPUT_OK)
            return result;
    }
    if (n == -2)
        return RT_INPUT_STOPPED;
    if (n < 0) {
        rt_cli_fail("%s: %s", reading->name, strerror(errno));
        return RT_INPUT_FAILED;
    }
    return reading->input == NULL ? RT_INPUT_OK : rt_input_end(reading->input);
}

static bool may_block(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && !S_ISREG(status.st_mode);
}

static enum rt_input_result file_read(struct rt_source *source, const char *name)
{
    bool standard = strcmp(name, "-") == 0;
    struct reading reading = {.source = source, .name = standard ? "standard input" : name};
    enum rt_input_result result;

    reading.fd = standard ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
    if (reading.fd < 0) {
        rt_cli_fail("%s: %s", name, strerror(errno));
        return RT_INPUT_FAILED;
    }
    reading.waits = may_block(reading.fd);
    if (source->begin != NULL)
        source->begin(source->sink.arg, reading.name);
    result = bytes_read(&reading);
    if (result == RT_INPUT_FAILED && reading.input != NULL &&
        rt_input_error(reading.input)[0] != '\0')
        rt_cli_fail("%s: %s; nothing behind it was read", reading.name,
                    rt_input_error(reading.input));
    rt_input_free(reading.input);
    if (!standard)
        close(reading.fd);
    return result;
}

size_t rt_source_read(struct rt_source *source, char **files, int count, bool *stopped)
{
    size_t failed = 0;

    *stopped = false;
    for (int i = 0; i < count && !*stopped; i++) {
        enum rt_input_result result = file_read(source, files[i]);

        failed += result == RT_INPUT_FAILED;
        *stopped = result == RT_INPUT_STOPPED;
    }
    return failed;
}

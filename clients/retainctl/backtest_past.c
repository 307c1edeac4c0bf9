/* See backtest_past.h. */
#include "clients/retainctl/backtest_past.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "clients/retainctl/terminal.h"
#include "workers/history.h"

enum { SHOWN = 20, ERROR_BYTES = 512 };

static bool on_bad(void *arg, uint64_t line, const char *text)
{
    struct rt_past *past = arg;

    if (past->bad++ < SHOWN && !past->told) {
        rt_terminal_text(stderr, past->name, strlen(past->name));
        fprintf(stderr, ":%llu: ", (unsigned long long)line);
        rt_terminal_text(stderr, text, strlen(text));
        fputc('\n', stderr);
    }
    return true;
}

static bool on_event(void *arg, uint64_t line, struct rt_span packed)
{
    struct rt_past *past = arg;
    struct rt_event event;
    struct rt_fault fault;
    int64_t number;

    if (rt_event_decode_accepted(packed, &event, &fault) != RT_OK)
        return on_bad(arg, line, fault.text);
    if (past->events++ == 0 || event.ts < past->first)
        past->first = event.ts;
    if (past->events == 1 || event.ts > past->last)
        past->last = event.ts;
    number = rt_names_number(past->names, event.account);
    if (number < 0 || !past->take(past->context, (size_t)number, &event))
        past->no_memory = true;
    return !past->no_memory;
}

static void on_begin(void *arg, const char *name)
{
    struct rt_past *past = arg;

    past->name = name;
}

int rt_past_open(struct rt_past *past, const struct rt_cli *cli,
                 const struct rt_source_options *options, char **files, int count)
{
    *past = (struct rt_past){
        .source = {.sink = {.arg = past, .event = on_event, .bad = on_bad},
                   .alike = true,
                   .begin = on_begin},
        .files = files,
        .count = count,
        .names = rt_names_new(),
    };
    if (past->names == NULL)
        return rt_cli_fail("out of memory");
    return rt_source_open(&past->source, cli, options);
}

void rt_past_close(struct rt_past *past)
{
    rt_names_free(past->names);
    rt_source_close(&past->source);
}

bool rt_past_rereads(const struct rt_past *past)
{
    for (int i = 0; i < past->count; i++) {
        struct stat status;

        if (strcmp(past->files[i], "-") == 0 ||
            (stat(past->files[i], &status) == 0 && !S_ISREG(status.st_mode) &&
             !S_ISDIR(status.st_mode)))
            return false;
    }
    return true;
}

/* ---- a state directory ----------------------------------------------------------------------- */

static bool take_record(void *context, struct rt_span event)
{
    struct rt_past *past = context;

    return on_event(past, past->events + past->bad + 1, event);
}

static void on_damage(void *context, const char *file, uint64_t offset, const char *what)
{
    struct rt_past *past = context;

    if (past->damaged++ < SHOWN && !past->told)
        rt_cli_fail("%s: damaged at offset %llu: %s", file, (unsigned long long)offset, what);
}

static bool is_directory(const char *name)
{
    struct stat status;

    return strcmp(name, "-") != 0 && stat(name, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool directory_read(struct rt_past *past, const char *name)
{
    char error[ERROR_BYTES];

    past->name = name;
    if (rt_history_walk(name, take_record, on_damage, past, error, sizeof(error)))
        return true;
    if (!past->no_memory)
        rt_cli_fail("%s", error);
    return false;
}

/* ---- reading --------------------------------------------------------------------------------- */

int rt_past_read(struct rt_past *past, rt_past_take *take, void *context)
{
    size_t failed = 0;

    past->events = past->bad = past->damaged = 0;
    past->first = past->last = 0;
    past->take = take;
    past->context = context;
    for (int i = 0; i < past->count && !past->no_memory; i++) {
        bool stopped = false;

        if (is_directory(past->files[i]))
            failed += !directory_read(past, past->files[i]);
        else
            failed += rt_source_read(&past->source, &past->files[i], 1, &stopped);
    }
    past->told = true;
    if (past->no_memory)
        return rt_cli_fail("out of memory");
    return failed > 0 ? RT_EXIT_FAILED : RT_CLI_CONTINUE;
}

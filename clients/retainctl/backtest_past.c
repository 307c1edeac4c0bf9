/* See backtest_past.h. */
#include "clients/retainctl/backtest_past.h"

#include <stdio.h>
#include <stdlib.h>
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

/* ---- a batch --------------------------------------------------------------------------------- */

static void batch_decode(struct rt_past *past)
{
    for (size_t i = 0; i < past->batched; i++) {
        struct rt_past_event *entry = &past->batch[i];
        struct rt_fault fault;

        entry->good =
            rt_event_decode_accepted(rt_span(past->bytes.data + entry->begin, entry->size),
                                     &entry->event, &fault) == RT_OK;
        if (entry->good)
            entry->hash = rt_names_hash(past->names, entry->event.account);
        else
            on_bad(past, entry->line, fault.text);
    }
}

static bool batch_number(struct rt_past *past)
{
    for (size_t i = 0; i < past->batched; i++)
        if (past->batch[i].good)
            rt_names_expect(past->names, past->batch[i].hash);
    for (size_t i = 0; i < past->batched; i++) {
        struct rt_past_event *entry = &past->batch[i];

        if (!entry->good)
            continue;
        entry->number = rt_names_number_of(past->names, entry->event.account, entry->hash);
        if (entry->number < 0)
            return false;
    }
    return true;
}

static void batch_hint(const struct rt_past *past)
{
    for (int step = 0; past->hint != NULL && step < RT_PAST_HINTS; step++)
        for (size_t i = 0; i < past->batched; i++)
            if (past->batch[i].good)
                past->hint(past->context, (size_t)past->batch[i].number, step);
}

static bool event_take(struct rt_past *past, const struct rt_past_event *entry)
{
    const struct rt_event *event = &entry->event;

    if (past->events++ == 0 || event->ts < past->first)
        past->first = event->ts;
    if (past->events == 1 || event->ts > past->last)
        past->last = event->ts;
    return past->take(past->context, (size_t)entry->number, event);
}

/* False without memory. */
static bool batch_take(struct rt_past *past)
{
    bool taken = !past->bytes.failed;

    if (taken) {
        batch_decode(past);
        taken = batch_number(past);
    }
    if (taken)
        batch_hint(past);
    for (size_t i = 0; taken && i < past->batched; i++)
        taken = !past->batch[i].good || event_take(past, &past->batch[i]);
    past->batched = 0;
    rt_buffer_clear(&past->bytes);
    past->no_memory = past->no_memory || !taken;
    return taken;
}

static bool on_event(void *arg, uint64_t line, struct rt_span packed)
{
    struct rt_past *past = arg;

    past->batch[past->batched++] =
        (struct rt_past_event){.begin = past->bytes.size, .size = packed.size, .line = line};
    rt_buffer_append(&past->bytes, packed.data, packed.size);
    return past->batched < RT_PAST_BATCH || batch_take(past);
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
        .batch = malloc(RT_PAST_BATCH * sizeof(struct rt_past_event)),
    };
    if (past->names == NULL || past->batch == NULL)
        return rt_cli_fail("out of memory");
    return rt_source_open(&past->source, cli, options);
}

void rt_past_close(struct rt_past *past)
{
    rt_names_free(past->names);
    free(past->batch);
    rt_buffer_free(&past->bytes);
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

    return on_event(past, past->events + past->bad + past->batched + 1, event);
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

int rt_past_read(struct rt_past *past, rt_past_take *take, rt_past_hint *hint, void *context)
{
    size_t failed = 0;

    past->events = past->bad = past->damaged = 0;
    past->first = past->last = 0;
    past->take = take;
    past->hint = hint;
    past->context = context;
    for (int i = 0; i < past->count && !past->no_memory; i++) {
        bool stopped = false;

        if (is_directory(past->files[i]))
            failed += !directory_read(past, past->files[i]);
        else
            failed += rt_source_read(&past->source, &past->files[i], 1, &stopped);
        if (!past->no_memory)
            (void)batch_take(past); /* the rest of it; its name goes with its faults */
    }
    past->told = true;
    if (past->no_memory)
        return rt_cli_fail("out of memory");
    return failed > 0 ? RT_EXIT_FAILED : RT_CLI_CONTINUE;
}

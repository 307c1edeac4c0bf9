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

/* ---- taking: on a thread of its own ---------------------------------------------------------- */

/* False without memory. */
static bool batch_number(struct rt_past *past, struct rt_relayed *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        batch->hashes[i] = rt_names_hash(past->names, batch->events[i].account);
    for (size_t i = 0; i < batch->count; i++)
        rt_names_expect(past->names, batch->hashes[i]);
    for (size_t i = 0; i < batch->count; i++) {
        batch->numbers[i] =
            rt_names_number_of(past->names, batch->events[i].account, batch->hashes[i]);
        if (batch->numbers[i] < 0)
            return false;
    }
    return true;
}

static bool event_take(struct rt_past *past, const struct rt_event *event, int64_t number)
{
    if (past->events++ == 0 || event->ts < past->first)
        past->first = event->ts;
    if (past->events == 1 || event->ts > past->last)
        past->last = event->ts;
    return past->take(past->context, (size_t)number, event);
}

/* Events are taken some at a time, so that what is known of their accounts is on its way from memory
 * when it is needed. */
static bool batch_take(void *context, struct rt_relayed *batch)
{
    struct rt_past *past = context;

    if (!batch_number(past, batch))
        return false;
    for (int step = 0; past->hint != NULL && step < RT_PAST_HINTS; step++)
        for (size_t i = 0; i < batch->count; i++)
            past->hint(past->context, (size_t)batch->numbers[i], step);
    for (size_t i = 0; i < batch->count; i++)
        if (!event_take(past, &batch->events[i], batch->numbers[i]))
            return false;
    return true;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* A batch with room for so many bytes; false if the taker has stopped. */
static bool room(struct rt_past *past, size_t size)
{
    struct rt_relayed *batch = past->batch;

    if (batch != NULL && (batch->count == RT_RELAY_EVENTS || batch->used + size > RT_RELAY_BYTES)) {
        rt_relay_hand_over(past->relay);
        batch = NULL;
    }
    past->batch = batch != NULL ? batch : rt_relay_next(past->relay);
    past->stopped = past->batch == NULL;
    return !past->stopped;
}

static bool on_event(void *arg, uint64_t line, struct rt_span packed)
{
    struct rt_past *past = arg;
    struct rt_relayed *batch;
    struct rt_fault fault;
    uint8_t *bytes;

    if (packed.size > RT_RELAY_BYTES)
        return on_bad(past, line, "larger than any event may be");
    if (!room(past, packed.size))
        return false;
    batch = past->batch;
    bytes = batch->bytes + batch->used;
    memcpy(bytes, packed.data, packed.size);
    if (rt_event_decode_accepted(rt_span(bytes, packed.size), &batch->events[batch->count],
                                 &fault) != RT_OK)
        return on_bad(past, line, fault.text);
    batch->count++;
    batch->used += packed.size;
    past->read++;
    return true;
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

    return on_event(past, past->read + past->bad + 1, event);
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
    if (!past->stopped) /* else it is said later why */
        rt_cli_fail("%s", error);
    return false;
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* The number of logs that failed. */
static size_t logs_read(struct rt_past *past)
{
    size_t failed = 0;
    bool stopped = false;

    for (int i = 0; i < past->count && !stopped; i++) {
        if (is_directory(past->files[i]))
            failed += !directory_read(past, past->files[i]);
        else
            failed += rt_source_read(&past->source, &past->files[i], 1, &stopped);
    }
    return failed;
}

int rt_past_read(struct rt_past *past, rt_past_take *take, rt_past_hint *hint, void *context)
{
    size_t failed;
    bool taken;

    past->events = past->bad = past->damaged = past->read = 0;
    past->first = past->last = 0;
    past->take = take;
    past->hint = hint;
    past->context = context;
    past->batch = NULL;
    past->stopped = false;
    past->relay = rt_relay_start(batch_take, past);
    if (past->relay == NULL)
        return rt_cli_fail("out of memory");
    failed = logs_read(past);
    if (past->batch != NULL)
        rt_relay_hand_over(past->relay);
    taken = rt_relay_end(past->relay);
    past->told = true;
    if (!taken)
        return rt_cli_fail("out of memory");
    return failed > 0 ? RT_EXIT_FAILED : RT_CLI_CONTINUE;
}

/* push: events from files to retaind, and the proof that they are there.
 *
 * The library gathers, sends, and sends again; here rows become events, rejections get their file
 * and line, and the numbers at the end account for every row that was read. With --spool the events
 * go into a directory instead.
 *
 * Failure modes: nobody answers for --timeout seconds (what was not acknowledged is lost to this
 * run and said so; pushing the same file again is safe); rows that are no events (counted as
 * rejected, with their line); Ctrl-C (as no answer). */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clients/retainctl/interrupt.h"
#include "clients/retainctl/source.h"
#include "clients/retainctl/terminal.h"
#include "clients/retainctl/json.h"

enum {
    TIMEOUT_SECONDS = 60,
    TELL_SECONDS = 5, /* silence before a person is told that we wait */
    SHOWN = 20,       /* rejections printed */
    FILES_MAX = 65535,
    WORK_MS = 200,
    LINE_BITS = 48,
    WINDOW = 32,
    BATCH = 500,
};

struct push {
    struct rt_cli *cli;
    retain_spool *spool;
    const char *names[FILES_MAX];
    size_t files;
    uint64_t read, bad, shown, spooled;
    double timeout, began, moved, drawn;
    uint64_t answered; /* at `moved` */
    bool progress, gave_up, told;
    const char *failure;
};

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- progress -------------------------------------------------------------------------------- */

static void counts_get(const struct push *push, struct retain_counts *counts)
{
    if (push->cli->client != NULL)
        retain_get_counts(push->cli->client, counts);
    else
        *counts = (struct retain_counts){0};
}

static uint64_t counts_sum(const struct retain_counts *counts)
{
    return counts->accepted + counts->duplicate + counts->rejected;
}

static void progress_clear(const struct push *push)
{
    if (push->progress && push->drawn > 0)
        fputs("\r\033[K", stderr);
}

static void progress_draw(struct push *push, const struct retain_counts *counts, double now)
{
    if (!push->progress || now - push->drawn < 0.1 || now - push->began < 0.3)
        return;
    push->drawn = now;
    fprintf(stderr, "\r\033[K%llu read, %llu acknowledged, %.0f/s%s",
            (unsigned long long)push->read, (unsigned long long)counts_sum(counts),
            (double)counts_sum(counts) / (now - push->began), counts->connected ? "" : ", waiting");
}

/* Notes whether anything was answered; false if the patience is over. */
static bool patience(struct push *push)
{
    struct retain_counts counts;
    double now = seconds_now();

    counts_get(push, &counts);
    progress_draw(push, &counts, now);
    if (rt_interrupted()) {
        push->failure = "interrupted";
        push->gave_up = true;
    } else if (counts_sum(&counts) != push->answered || retain_pending(push->cli->client) == 0) {
        push->answered = counts_sum(&counts);
        push->moved = now;
    } else if (now - push->moved > push->timeout) {
        push->gave_up = true;
    } else if (now - push->moved > TELL_SECONDS && !push->told) {
        progress_clear(push);
        push->told = true;
        fprintf(stderr,
                "retainctl: no answer from %s yet; going on for %.0f s (is retaind running?)\n",
                push->cli->events, push->timeout - (now - push->moved));
    }
    return !push->gave_up;
}

/* ---- rejections ------------------------------------------------------------------------------ */

static void reject_show(struct push *push, const char *name, uint64_t line, const char *code,
                        const char *error)
{
    if (push->shown++ >= SHOWN)
        return;
    progress_clear(push);
    rt_terminal_text(stderr, name, strlen(name));
    fprintf(stderr, ":%llu: ", (unsigned long long)line);
    if (code != NULL)
        fprintf(stderr, "%s: ", code);
    rt_terminal_text(stderr, error, strlen(error));
    fputc('\n', stderr);
}

static void on_ack(const struct retain_ack *ack, void *arg)
{
    struct push *push = arg;

    if (ack->outcome == RETAIN_REJECTED)
        reject_show(push, push->names[ack->token >> LINE_BITS],
                    ack->token & ((UINT64_C(1) << LINE_BITS) - 1), ack->code, ack->error);
}

static bool on_bad(void *arg, uint64_t line, const char *text)
{
    struct push *push = arg;

    push->read++;
    push->bad++;
    reject_show(push, push->names[push->files - 1], line, NULL, text);
    return true;
}

/* ---- events ---------------------------------------------------------------------------------- */

static bool spool_event(struct push *push, uint64_t line, struct rt_span event)
{
    int code = retain_spool_put(push->spool, event.data, event.size);

    if (code == RETAIN_OK) {
        push->spooled++;
        return true;
    }
    if (code == RETAIN_BAD_ARGUMENT || code == RETAIN_TOO_LARGE) {
        push->read--;
        return on_bad(push, line, retain_strerror(code));
    }
    push->gave_up = true;
    push->failure = code == RETAIN_SYSTEM ? strerror(errno) : retain_strerror(code);
    return false;
}

static bool on_event(void *arg, uint64_t line, struct rt_span event)
{
    struct push *push = arg;
    uint64_t token = (uint64_t)(push->files - 1) << LINE_BITS | line;
    int code;

    push->read++;
    if (push->spool != NULL)
        return spool_event(push, line, event);
    while ((code = retain_push(push->cli->client, event.data, event.size, token)) ==
           RETAIN_WINDOW_FULL) {
        code = retain_work(push->cli->client, WORK_MS);
        if (code != RETAIN_OK || !patience(push))
            break;
    }
    if (code == RETAIN_OK && !push->gave_up)
        return true;
    if (code == RETAIN_BAD_ARGUMENT || code == RETAIN_TOO_LARGE) {
        push->read--;
        return on_bad(push, line, code == RETAIN_TOO_LARGE ? "is too large" : "is nested too deep");
    }
    if (code != RETAIN_OK)
        push->failure = retain_strerror(code);
    push->gave_up = true;
    return false;
}

static void on_begin(void *arg, const char *name)
{
    struct push *push = arg;

    push->names[push->files++] = name;
}

/* Standard input has nothing at the moment: what was gathered goes out, and answers come in, while
 * we wait. */
static bool on_idle(void *arg, int fd)
{
    struct push *push = arg;

    while (!push->gave_up) {
        struct pollfd fds[2] = {{.fd = fd, .events = POLLIN}, {.fd = -1, .events = POLLIN}};

        if (poll(fds, 1, 0) > 0)
            return true;
        if (push->spool == NULL) {
            if (retain_work(push->cli->client, 0) != RETAIN_OK)
                return false;
            fds[1].fd = retain_fd(push->cli->client);
        }
        (void)poll(fds, 2, WORK_MS);
        if (push->spool == NULL)
            (void)patience(push);
        else if (rt_interrupted())
            push->gave_up = true;
    }
    return false;
}

/* Waits for the last acknowledgements. */
static void finish(struct push *push)
{
    int code = RETAIN_OK;

    push->moved = seconds_now();
    while (code == RETAIN_OK && !push->gave_up && retain_pending(push->cli->client) > 0) {
        code = retain_work(push->cli->client, WORK_MS);
        (void)patience(push);
    }
    if (code == RETAIN_OK)
        code = retain_work(push->cli->client, 0);
    if (code != RETAIN_OK)
        push->failure = retain_strerror(code);
}

/* ---- the end --------------------------------------------------------------------------------- */

static void numbers_print(const struct push *push, const struct retain_counts *counts,
                          uint64_t lost)
{
    uint64_t rejected = counts->rejected + push->bad;

    if (push->cli->json && push->spool != NULL)
        printf("{\"spooled\":%llu,\"rejected\":%llu,\"lost\":%llu}\n",
               (unsigned long long)push->spooled, (unsigned long long)rejected,
               (unsigned long long)lost);
    else if (push->cli->json)
        printf("{\"accepted\":%llu,\"duplicate\":%llu,\"rejected\":%llu,\"lost\":%llu}\n",
               (unsigned long long)counts->accepted, (unsigned long long)counts->duplicate,
               (unsigned long long)rejected, (unsigned long long)lost);
    else if (push->spool != NULL)
        printf("spooled %llu rejected %llu\n", (unsigned long long)push->spooled,
               (unsigned long long)rejected);
    else
        printf("accepted %llu duplicate %llu rejected %llu", (unsigned long long)counts->accepted,
               (unsigned long long)counts->duplicate, (unsigned long long)rejected);
    if (!push->cli->json && push->spool == NULL)
        lost > 0 ? printf(" lost %llu\n", (unsigned long long)lost) : printf("\n");
}

static int finish_report(struct push *push, size_t failed_files)
{
    struct retain_counts counts;
    uint64_t known, lost;

    counts_get(push, &counts);
    progress_clear(push);
    known = push->spool != NULL ? push->spooled : counts_sum(&counts);
    lost = push->read - push->bad - known;
    if (push->shown > SHOWN)
        fprintf(stderr, "... and %llu more\n", (unsigned long long)(push->shown - SHOWN));
    if (push->gave_up && push->failure == NULL)
        (void)rt_cli_explain(push->cli, RETAIN_TIMED_OUT, push->cli->events, push->timeout);
    else if (push->failure != NULL)
        (void)rt_cli_fail("%s", push->failure);
    if (push->gave_up)
        fprintf(stderr, "retainctl: not all was sent; pushing the same files again is safe\n");
    numbers_print(push, &counts, lost);
    return lost == 0 && counts.rejected + push->bad == 0 && failed_files == 0 && !push->gave_up &&
                   push->failure == NULL
               ? RT_EXIT_OK
               : RT_EXIT_FAILED;
}

struct push_options {
    struct rt_source_options source;
    int64_t batch, window;
    bool quiet;
    const char *spool;
};

static int target_open(struct push *push, const struct push_options *options)
{
    struct retain_options client;
    int code;

    if (options->spool != NULL) {
        code = retain_spool_open(&push->spool, options->spool, 0);
        if (code == RETAIN_OK)
            return RT_CLI_CONTINUE;
        return rt_cli_fail("%s: %s", options->spool,
                           code == RETAIN_SYSTEM ? strerror(errno) : retain_strerror(code));
    }
    rt_cli_client_options(push->cli, &client);
    client.batch_events = (size_t)options->batch;
    client.window_messages = (size_t)options->window;
    client.quiet = options->quiet;
    client.on_ack = on_ack;
    client.on_ack_arg = push;
    return rt_cli_connect(push->cli, &client);
}

static int push_files(struct push *push, struct rt_source *source, char **files, int count)
{
    char *standard[] = {(char *)"-"};
    size_t failed;
    bool stopped;

    push->began = push->moved = seconds_now();
    if (count == 0 && isatty(STDIN_FILENO))
        fprintf(
            stderr,
            "retainctl: reading events from the terminal, one JSON object a line; Ctrl-D ends\n");
    failed = count == 0 ? rt_source_read(source, standard, 1, &stopped)
                        : rt_source_read(source, files, count, &stopped);
    if (push->spool == NULL)
        finish(push);
    return finish_report(push, failed);
}

static int options_check(const struct rt_cli *cli, const struct push_options *options, int count)
{
    if (options->batch < 1 || options->batch > 10000)
        return rt_cli_usage(cli, "--batch is 1 to 10000");
    if (options->window < 1 || options->window > 65536)
        return rt_cli_usage(cli, "--window is 1 to 65536");
    if (count > FILES_MAX)
        return rt_cli_usage(cli, "at most %d files", FILES_MAX);
    return RT_CLI_CONTINUE;
}

int rt_cli_push(struct rt_cli *cli, int argc, char **argv)
{
    static struct push push; /* large: the names of the files */
    struct push_options o = {.batch = BATCH, .window = WINDOW};
    const struct rt_cli_option options[] = {
        RT_SOURCE_OPTIONS(&o.source),
        {"quiet-alerts", 'q', NULL, "a load of history: no alerts until it is over", RT_CLI_FLAG,
         &o.quiet},
        {"batch", 'b', "N", "events in a message (default 500)", RT_CLI_WHOLE, &o.batch},
        {"window", 'w', "N", "messages without an answer (default 32)", RT_CLI_WHOLE, &o.window},
        {"spool", 0, "DIRECTORY", "write into a spool instead: needs no daemon", RT_CLI_TEXT,
         &o.spool},
        {NULL, 0, NULL, NULL, RT_CLI_FLAG, NULL},
    };
    struct rt_source source = {.sink = {.arg = &push, .event = on_event, .bad = on_bad},
                               .begin = on_begin,
                               .idle = on_idle};
    int count, code = rt_cli_parse(cli, options, argc, argv, &count);

    if (code == RT_CLI_CONTINUE)
        code = options_check(cli, &o, count);
    if (code == RT_CLI_CONTINUE)
        code = rt_source_open(&source, cli, &o.source);
    push.cli = cli;
    push.timeout = rt_cli_seconds(cli, TIMEOUT_SECONDS);
    push.progress = !cli->json && isatty(STDERR_FILENO);
    if (code == RT_CLI_CONTINUE)
        code = target_open(&push, &o);
    if (code == RT_CLI_CONTINUE) {
        rt_interrupt_catch();
        code = push_files(&push, &source, argv, count);
    }
    retain_spool_close(push.spool);
    rt_source_close(&source);
    return code;
}

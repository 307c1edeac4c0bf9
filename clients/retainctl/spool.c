/* spool DIRECTORY: sends what hooks have put there, removes what is acknowledged.
 *
 * Failure modes: nobody answers (what is left stays, exit 1); a rejected event (kept as
 * NAME.rejected, shown, exit 1); a file that cannot be removed (said; it will be sent again, which
 * is safe). */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "clients/retainctl/cli.h"
#include "clients/retainctl/interrupt.h"
#include "clients/retainctl/terminal.h"

enum { TIMEOUT_SECONDS = 60, SLICE_MS = 500 };

static void on_rejection(const char *name, const char *code, const char *error, void *arg)
{
    (void)arg;
    rt_terminal_text(stderr, name, strlen(name));
    fprintf(stderr, ": %s: ", code);
    rt_terminal_text(stderr, error, strlen(error));
    fputc('\n', stderr);
}

static uint64_t answered(const struct rt_cli *cli)
{
    struct retain_counts counts;

    retain_get_counts(cli->client, &counts);
    return counts.accepted + counts.duplicate + counts.rejected;
}

/* Until the spool is empty, or nothing was answered for the time-out; with `stay` until
 * interrupted. */
static int drain(struct rt_cli *cli, bool stay)
{
    double patience = rt_cli_seconds(cli, TIMEOUT_SECONDS), waited = 0;
    uint64_t before = answered(cli);
    int code = RETAIN_TIMED_OUT;

    while (!rt_interrupted()) {
        code =
            stay ? retain_work(cli->client, SLICE_MS) : retain_flush_spool(cli->client, SLICE_MS);
        if (code != RETAIN_TIMED_OUT && !(stay && code == RETAIN_OK))
            return code;
        waited = answered(cli) != before ? 0 : waited + SLICE_MS / 1000.0;
        before = answered(cli);
        if (!stay && waited >= patience)
            return RETAIN_TIMED_OUT;
    }
    return stay ? RETAIN_OK : code;
}

static int finish(struct rt_cli *cli, retain_spool *spool, const char *directory, int code)
{
    struct retain_spool_usage usage = {0};
    struct retain_counts counts;
    int saved = errno;

    retain_get_counts(cli->client, &counts);
    if (retain_spool_usage(spool, &usage) != RETAIN_OK)
        (void)rt_cli_fail("%s: %s", directory, strerror(errno));
    errno = saved;
    if (code == RETAIN_TIMED_OUT && !rt_interrupted())
        (void)rt_cli_explain(cli, code, cli->events, rt_cli_seconds(cli, TIMEOUT_SECONDS));
    else if (code != RETAIN_OK && !rt_interrupted())
        (void)rt_cli_explain(cli, code, directory, 0);
    if (cli->json)
        printf("{\"accepted\":%llu,\"duplicate\":%llu,\"rejected\":%llu,\"left\":%llu}\n",
               (unsigned long long)counts.accepted, (unsigned long long)counts.duplicate,
               (unsigned long long)counts.rejected, (unsigned long long)usage.waiting);
    else
        printf("accepted %llu duplicate %llu rejected %llu left %llu\n",
               (unsigned long long)counts.accepted, (unsigned long long)counts.duplicate,
               (unsigned long long)counts.rejected, (unsigned long long)usage.waiting);
    if (usage.rejected > 0)
        fprintf(stderr, "%llu rejected events are kept as *.rejected\n",
                (unsigned long long)usage.rejected);
    return code == RETAIN_OK && counts.rejected == 0 ? RT_EXIT_OK : RT_EXIT_FAILED;
}

int rt_cli_spool(struct rt_cli *cli, int argc, char **argv)
{
    bool stay = false;
    const struct rt_cli_option options[] = {
        {"watch", 'w', NULL, "stay, and send what comes", RT_CLI_FLAG, &stay},
        {NULL, 0, NULL, NULL, RT_CLI_FLAG, NULL},
    };
    struct retain_options client;
    retain_spool *spool;
    int count, code = rt_cli_parse(cli, options, argc, argv, &count);

    if (code != RT_CLI_CONTINUE)
        return code;
    if (count != 1)
        return rt_cli_usage(cli, "one directory is wanted");
    if (access(argv[0], F_OK) != 0) /* a mistyped name must not become a new, empty spool */
        return rt_cli_fail("%s: %s", argv[0], strerror(errno));
    rt_cli_client_options(cli, &client);
    code = rt_cli_connect(cli, &client);
    if (code != RT_CLI_CONTINUE)
        return code;
    code = retain_spool_open(&spool, argv[0], 0);
    if (code != RETAIN_OK)
        return rt_cli_fail("%s: %s", argv[0],
                           code == RETAIN_SYSTEM ? strerror(errno) : retain_strerror(code));
    rt_interrupt_catch();
    retain_spool_on_rejection(spool, on_rejection, NULL);
    code = retain_attach_spool(cli->client, spool);
    if (code == RETAIN_OK)
        code = drain(cli, stay);
    code = finish(cli, spool, argv[0], code);
    (void)retain_attach_spool(cli->client, NULL);
    retain_spool_close(spool);
    return code;
}

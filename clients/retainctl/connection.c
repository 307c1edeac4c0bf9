/* The connection to retaind, and what to tell a person when it does not work. */
#include "clients/retainctl/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "clients/retainctl/json.h"
#include "clients/retainctl/terminal.h"

int rt_cli_fail(const char *format, ...)
{
    char text[2048];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    fputs("retainctl: ", stderr);
    rt_terminal_text(stderr, text, strlen(text));
    fputc('\n', stderr);
    return RT_EXIT_FAILED;
}

int rt_cli_explain(const struct rt_cli *cli, int code, const char *endpoint, double seconds)
{
    switch (code) {
    case RETAIN_TIMED_OUT:
        return rt_cli_fail("no answer from %s within %g s: is retaind running%s? try: systemctl "
                           "status retaind",
                           endpoint, seconds,
                           cli->key != NULL ? ", and lets this key in"
                                            : ", and does it ask for a key (--key)");
    case RETAIN_BAD_KEY:
        return rt_cli_fail("%s: %s", cli->key, retain_strerror(code));
    case RETAIN_BAD_ADDRESS:
        return rt_cli_fail("%s is not an address: write tcp://HOST:PORT or ipc:///PATH", endpoint);
    case RETAIN_BAD_REPLY:
        return rt_cli_fail("what answers at %s does not speak retaind's protocol", endpoint);
    case RETAIN_SYSTEM:
        return rt_cli_fail("%s: %s", endpoint, strerror(errno));
    default:
        return rt_cli_fail("%s: %s", endpoint, retain_strerror(code));
    }
}

double rt_cli_seconds(const struct rt_cli *cli, double fallback)
{
    return cli->timeout >= 0 ? cli->timeout : fallback;
}

void rt_cli_client_options(const struct rt_cli *cli, struct retain_options *options)
{
    retain_options_init(options);
    options->events = cli->events;
    options->alerts = cli->alerts;
    options->query = cli->query;
    options->key = cli->key;
}

int rt_cli_connect(struct rt_cli *cli, const struct retain_options *options)
{
    int code;

    if (cli->client != NULL)
        return RT_CLI_CONTINUE;
    code = retain_open(&cli->client, options);
    return code == RETAIN_OK ? RT_CLI_CONTINUE : rt_cli_explain(cli, code, options->events, 0);
}

/* A question needs no events endpoint: its address is given in both places, so that a wrong one
 * there does not matter. */
static int connect_query(struct rt_cli *cli)
{
    struct retain_options options;

    rt_cli_client_options(cli, &options);
    if (cli->client == NULL)
        options.events = cli->query;
    return rt_cli_connect(cli, &options);
}

int rt_cli_query(struct rt_cli *cli, const char *op, retain_map *params, retain_reply **reply)
{
    double seconds = rt_cli_seconds(cli, RT_CLI_QUERY_SECONDS);
    int code = connect_query(cli);

    if (code != RT_CLI_CONTINUE)
        return code;
    code = retain_query(cli->client, op, params, (int)(seconds * 1000), reply);
    if (code == RETAIN_OK || code == RETAIN_REFUSED)
        return RT_CLI_CONTINUE;
    return rt_cli_explain(cli, code, cli->query, seconds);
}

int rt_cli_refused(const retain_reply *reply)
{
    return rt_cli_fail("%s (%s)", retain_reply_message(reply), retain_reply_error(reply));
}

json_t *rt_cli_ask(struct rt_cli *cli, const char *op, retain_map *params, int *code)
{
    retain_reply *reply = NULL;
    json_t *json;
    bool refused;

    *code = rt_cli_query(cli, op, params, &reply);
    if (*code != RT_CLI_CONTINUE)
        return NULL;
    json = rt_json_of(retain_reply_value(reply));
    refused = retain_reply_error(reply)[0] != '\0';
    if (json == NULL)
        *code = rt_cli_fail("the answer cannot be read, or memory is short");
    else if (refused)
        *code = rt_cli_refused(reply);
    else
        *code = RT_EXIT_OK;
    if (refused && cli->json && json != NULL)
        rt_json_print(stdout, json);
    retain_reply_free(reply);
    if (*code == RT_EXIT_OK)
        return json;
    json_decref(json);
    return NULL;
}

json_t *rt_cli_ask_table(struct rt_cli *cli, const char *op, retain_map *params, int *code)
{
    json_t *reply = rt_cli_ask(cli, op, params, code);

    if (reply == NULL || !cli->json)
        return reply;
    rt_json_print(stdout, reply);
    json_decref(reply);
    return NULL;
}

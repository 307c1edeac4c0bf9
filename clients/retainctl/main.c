/* retainctl: finds the command and runs it. */
#include "clients/retainctl/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *from_environment(const char *name, const char *fallback)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : fallback;
}

static const struct rt_cli_command *command_find(const char *name)
{
    const struct rt_cli_command *command = rt_cli_commands;

    while (command->name != NULL && strcmp(command->name, name) != 0)
        command++;
    return command->name != NULL ? command : NULL;
}

/* `retainctl help COMMAND` is `retainctl COMMAND --help`. */
static int help(struct rt_cli *cli, int argc, char **argv)
{
    char *asked[] = {NULL, (char *)"--help", NULL};
    const struct rt_cli_command *command = argc > 1 ? command_find(argv[1]) : NULL;

    if (command == NULL) {
        rt_cli_help();
        return RT_EXIT_OK;
    }
    asked[0] = argv[1];
    cli->command = command;
    return command->run(cli, 2, asked);
}

static int run(struct rt_cli *cli, int argc, char **argv)
{
    int code, at = rt_cli_parse_global(cli, argc, argv, &code);

    if (code != RT_CLI_CONTINUE)
        return code;
    if (at == argc) {
        rt_cli_help();
        return RT_EXIT_USAGE;
    }
    if (strcmp(argv[at], "help") == 0)
        return help(cli, argc - at, argv + at);
    cli->command = command_find(argv[at]);
    if (cli->command == NULL)
        return rt_cli_usage(cli, "there is no command %s", argv[at]);
    return cli->command->run(cli, argc - at, argv + at);
}

/* What was printed must have been written: a full disk behind a pipe is a failure. */
static int output_finish(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    return code == RT_EXIT_OK ? rt_cli_fail("cannot write to standard output: %s", strerror(errno))
                              : code;
}

int main(int argc, char **argv)
{
    struct rt_cli cli = {
        .events = from_environment("RETAIND_EVENTS", RETAIN_EVENTS_DEFAULT),
        .alerts = from_environment("RETAIND_ALERTS", RETAIN_ALERTS_DEFAULT),
        .query = from_environment("RETAIND_QUERY", RETAIN_QUERY_DEFAULT),
        .key = from_environment("RETAIND_KEY", NULL),
        .timeout = -1,
    };
    int code;

    code = output_finish(run(&cli, argc, argv));
    retain_close(cli.client);
    return code;
}

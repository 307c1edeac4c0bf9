/* erase ACCOUNT: there is no way back, so a person types the name again, and a program says --yes.
 */
#include <string.h>
#include <unistd.h>

#include "clients/retainctl/cli.h"
#include "clients/retainctl/terminal.h"

static bool confirmed(const char *account)
{
    char typed[256];

    fputs("This removes ", stderr);
    rt_terminal_text(stderr, account, strlen(account));
    fputs(" and all its events from disk, for good. Type its name to go on: ", stderr);
    if (fgets(typed, sizeof(typed), stdin) == NULL)
        return false;
    typed[strcspn(typed, "\r\n")] = '\0';
    return strcmp(typed, account) == 0;
}

int rt_cli_erase(struct rt_cli *cli, int argc, char **argv)
{
    bool yes = false;
    const struct rt_cli_option options[] = {
        {"yes", 'y', NULL, "do not ask", RT_CLI_FLAG, &yes},
        {NULL, 0, NULL, NULL, RT_CLI_FLAG, NULL},
    };
    int count, code = rt_cli_parse(cli, options, argc, argv, &count);
    retain_map *params;
    json_t *reply;

    if (code != RT_CLI_CONTINUE)
        return code;
    if (count != 1)
        return rt_cli_usage(cli, "one account is wanted");
    if (!yes && !isatty(STDIN_FILENO))
        return rt_cli_usage(cli, "without a terminal to ask on, --yes is needed");
    if (!yes && !confirmed(argv[0]))
        return rt_cli_fail("nothing was erased");
    params = retain_map_new();
    retain_map_text(params, "account", argv[0]);
    reply = rt_cli_ask_table(cli, "account.erase", params, &code);
    retain_map_free(params);
    if (reply != NULL)
        printf("erased %lld events\n",
               (long long)json_integer_value(json_object_get(reply, "events")));
    json_decref(reply);
    return code;
}

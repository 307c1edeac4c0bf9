/* override ACCOUNT: a score or a band set by hand, by whom, why and until when; --end ends it. */
#include <string.h>

#include "clients/retainctl/show.h"
#include "clients/retainctl/when.h"

struct asked {
    const char *band, *until, *reason, *by;
    double score; /* < 0: none */
    bool end;
};

static void print(const char *account, const json_t *override)
{
    printf("%s", rt_terminal_color(stdout, RT_BOLD));
    rt_terminal_text(stdout, account, strlen(account));
    printf("%s  ", rt_terminal_color(stdout, RT_PLAIN));
    if (json_is_object(override))
        rt_show_override(override);
    else
        printf("nothing is set by hand\n");
}

/* What does not go together. RT_CLI_CONTINUE or the exit code. */
static int check(const struct rt_cli *cli, const struct asked *asked)
{
    bool sets = asked->score >= 0 || asked->band != NULL;

    if (asked->end && (sets || asked->until != NULL))
        return rt_cli_usage(cli, "--end takes none of --score, --band and --until");
    if (asked->end)
        return RT_CLI_CONTINUE;
    if ((asked->score >= 0) == (asked->band != NULL))
        return rt_cli_usage(cli, "one of --score and --band is wanted, or --end");
    if (asked->until == NULL || asked->reason == NULL)
        return rt_cli_usage(cli, "--until and --reason are wanted");
    return RT_CLI_CONTINUE;
}

static retain_map *params_of(const struct asked *asked, const char *account, int64_t until_ms)
{
    retain_map *params = retain_map_new();

    retain_map_text(params, "account", account);
    retain_map_text(params, "by", asked->by);
    if (asked->reason != NULL)
        retain_map_text(params, "reason", asked->reason);
    if (asked->end)
        return params;
    retain_map_int(params, "until", until_ms);
    if (asked->band != NULL)
        retain_map_text(params, "band", asked->band);
    else
        retain_map_number(params, "score", asked->score);
    return params;
}

int rt_cli_override(struct rt_cli *cli, int argc, char **argv)
{
    struct asked asked = {.score = -1, .by = rt_cli_user()};
    const struct rt_cli_option options[] = {
        {"score", 's', "N", "health is so (0 to 100)", RT_CLI_DECIMAL, &asked.score},
        {"band", 'b', "BAND", "health is in this band: healthy, watch or at_risk", RT_CLI_TEXT,
         &asked.band},
        {"until", 'u', "TIME", "until then (2026-12-24, 30d), a year ahead at most", RT_CLI_TEXT,
         &asked.until},
        {"reason", 'r', "TEXT", "why", RT_CLI_TEXT, &asked.reason},
        {"by", 0, "NAME", "who says so (default: you)", RT_CLI_TEXT, &asked.by},
        {"end", 'e', NULL, "what is set ends now", RT_CLI_FLAG, &asked.end},
        {NULL, 0, NULL, NULL, RT_CLI_FLAG, NULL},
    };
    int count, code = rt_cli_parse(cli, options, argc, argv, &count);
    int64_t until_ms = 0;
    retain_map *params;
    json_t *reply;

    if (code == RT_CLI_CONTINUE && count != 1)
        code = rt_cli_usage(cli, "one account is wanted");
    if (code == RT_CLI_CONTINUE)
        code = check(cli, &asked);
    if (code == RT_CLI_CONTINUE)
        rt_show_time_option(cli, "until", asked.until, +1, &until_ms, &code);
    if (code != RT_CLI_CONTINUE)
        return code;
    params = params_of(&asked, argv[0], until_ms);
    reply = rt_cli_ask_table(cli, asked.end ? "account.override.end" : "account.override", params,
                             &code);
    retain_map_free(params);
    if (reply != NULL)
        print(argv[0], json_object_get(reply, "override"));
    json_decref(reply);
    return code;
}

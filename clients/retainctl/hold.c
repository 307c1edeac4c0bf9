/* ack ID and snooze ID: whose hand, until when, and why. */
#include <stdlib.h>

#include "clients/retainctl/show.h"
#include "clients/retainctl/when.h"

const char *rt_cli_user(void)
{
    const char *name = getenv("USER");

    if (name == NULL || name[0] == '\0')
        name = getenv("LOGNAME");
    return name == NULL || name[0] == '\0' ? "retainctl" : name;
}

static void print(const json_t *reply, const char *key)
{
    const json_t *alert = json_object_get(reply, "alert"), *hold = json_object_get(alert, key);
    const json_t *until = json_object_get(hold, "until");
    char text[RT_WHEN_TEXT];

    rt_show_text(json_object_get(alert, "kind"));
    printf(" of ");
    rt_show_text(json_object_get(alert, "account"));
    printf(key[0] == 'a' ? " is acknowledged" : " is snoozed");
    if (json_is_integer(until))
        printf(" until %s", rt_when_format(json_integer_value(until), true, text));
    printf("\n");
}

static int hold(struct rt_cli *cli, const char *op, const char *key, int argc, char **argv)
{
    const char *by = rt_cli_user(), *until = NULL, *note = NULL;
    const struct rt_cli_option options[] = {
        {"by", 0, "NAME", "who says so (default: you)", RT_CLI_TEXT, &by},
        {"until", 'u', "TIME", "until then (2026-12-24, 7d)", RT_CLI_TEXT, &until},
        {"note", 'n', "TEXT", "what will be done about it", RT_CLI_TEXT, &note},
        {NULL, 0, NULL, NULL, RT_CLI_FLAG, NULL},
    };
    int count, code = rt_cli_parse(cli, options, argc, argv, &count);
    int64_t until_ms;
    bool has_until;
    retain_map *params;
    json_t *reply;

    if (code != RT_CLI_CONTINUE)
        return code;
    if (count != 1)
        return rt_cli_usage(cli,
                            "the id of one alert is wanted (retainctl alerts --open shows them)");
    has_until = rt_show_time_option(cli, "until", until, +1, &until_ms, &code);
    if (code != RT_CLI_CONTINUE)
        return code;
    params = retain_map_new();
    retain_map_text(params, "id", argv[0]);
    retain_map_text(params, "by", by);
    if (has_until)
        retain_map_int(params, "until", until_ms);
    if (note != NULL)
        retain_map_text(params, "note", note);
    reply = rt_cli_ask_table(cli, op, params, &code);
    retain_map_free(params);
    if (reply != NULL)
        print(reply, key);
    json_decref(reply);
    return code;
}

int rt_cli_ack(struct rt_cli *cli, int argc, char **argv)
{
    return hold(cli, "alert.ack", "ack", argc, argv);
}

int rt_cli_snooze(struct rt_cli *cli, int argc, char **argv)
{
    return hold(cli, "alert.snooze", "snooze", argc, argv);
}

/* void ACCOUNT ID: an event that was wrong counts no more. */
#include "clients/retainctl/show.h"

int rt_cli_void(struct rt_cli *cli, int argc, char **argv)
{
    const char *source = NULL, *reason = NULL, *by = rt_cli_user();
    const struct rt_cli_option options[] = {
        {"source", 's', "NAME", "of the event, if it has one", RT_CLI_TEXT, &source},
        {"reason", 'r', "TEXT", "what is wrong with it", RT_CLI_TEXT, &reason},
        {"by", 0, "NAME", "who says so (default: you)", RT_CLI_TEXT, &by},
        {NULL, 0, NULL, NULL, RT_CLI_FLAG, NULL},
    };
    int count, code = rt_cli_parse(cli, options, argc, argv, &count);
    retain_map *params;
    json_t *reply;

    if (code != RT_CLI_CONTINUE)
        return code;
    if (count != 2)
        return rt_cli_usage(cli, "an account and the id of its event are wanted (retainctl "
                                 "timeline shows both)");
    params = retain_map_new();
    retain_map_text(params, "account", argv[0]);
    retain_map_text(params, "id", argv[1]);
    retain_map_text(params, "by", by);
    if (source != NULL)
        retain_map_text(params, "source", source);
    if (reason != NULL)
        retain_map_text(params, "reason", reason);
    reply = rt_cli_ask_table(cli, "event.void", params, &code);
    retain_map_free(params);
    if (reply != NULL)
        printf(json_is_true(json_object_get(reply, "before")) ? "it was void before\n"
                                                              : "taken back\n");
    json_decref(reply);
    return code;
}

/* alerts: what was published, oldest first; with --open the last word of each that is open. */
#include <string.h>

#include "clients/retainctl/show.h"

int rt_cli_alerts(struct rt_cli *cli, int argc, char **argv)
{
    static const char *const keys[] = {"since", "account", "owner", "kind", "severity"};
    const char *texts[5] = {NULL};
    bool open = false;
    int64_t limit = -1;
    const struct rt_cli_option options[] = {
        {"open", 'O', NULL, "the last message of each open alert", RT_CLI_FLAG, &open},
        {"since", 's', "CURSOR", "what came after this cursor", RT_CLI_TEXT, &texts[0]},
        {"account", 'a', "NAME", "of this account", RT_CLI_TEXT, &texts[1]},
        {"owner", 'o', "NAME", "of this manager's accounts", RT_CLI_TEXT, &texts[2]},
        {"kind", 'k', "KIND",
         "churn_risk score_drop silence ticket_overdue sentiment renewal_risk upsell", RT_CLI_TEXT,
         &texts[3]},
        {"severity", 0, "SEVERITY", "info, warning or critical", RT_CLI_TEXT, &texts[4]},
        {"limit", 'n', "N", "at most so many (1..1000, default 100)", RT_CLI_WHOLE, &limit},
        {NULL, 0, NULL, NULL, RT_CLI_FLAG, NULL},
    };
    int count, code = rt_cli_parse(cli, options, argc, argv, &count);
    retain_map *params;
    json_t *reply;

    if (code != RT_CLI_CONTINUE)
        return code;
    if (count != 0)
        return rt_cli_usage(cli, "no argument is wanted, not '%s'", argv[0]);
    params = retain_map_new();
    for (size_t i = 0; i < 5; i++) {
        if (texts[i] != NULL)
            retain_map_text(params, keys[i], texts[i]);
    }
    if (open)
        retain_map_bool(params, "open", true);
    if (limit >= 0)
        retain_map_int(params, "limit", limit);
    reply = rt_cli_ask_table(cli, "alert.list", params, &code);
    retain_map_free(params);
    if (reply != NULL) {
        rt_show_alerts(json_object_get(reply, "alerts"));
        if (json_array_size(json_object_get(reply, "alerts")) == 0)
            fprintf(stderr, "no alert\n");
        if (json_array_size(json_object_get(reply, "alerts")) >= (size_t)(limit > 0 ? limit : 100))
            rt_show_more("since", json_object_get(reply, "cursor"));
    }
    json_decref(reply);
    return code;
}

/* dead [list | retry ID | drop ID]: dead letters. */
#include <string.h>

#include "clients/retainctl/json.h"
#include "clients/retainctl/show.h"

/* Of base64: four characters are three bytes, less what the last ones leave out. */
static size_t base64_bytes(const json_t *text)
{
    size_t size = json_string_length(text);
    size_t padding = 0;

    while (padding < 2 && padding < size && json_string_value(text)[size - 1 - padding] == '=')
        padding++;
    return size / 4 * 3 - padding;
}

static void print(const json_t *reply)
{
    static const char *const headings[] = {"id", "when", ">bytes", "reason", NULL};
    const json_t *letters = json_object_get(reply, "dead");
    struct rt_grid grid;
    size_t index;
    json_t *letter;

    rt_grid_begin(&grid, headings);
    json_array_foreach(letters, index, letter)
    {
        const json_t *bytes = json_object_get(letter, "bytes");

        rt_grid_json(&grid, RT_PLAIN, json_object_get(letter, "id"));
        rt_show_time(&grid, json_object_get(letter, "ts"));
        if (json_is_string(bytes)) /* what is kept */
            rt_grid_format(&grid, RT_PLAIN, "%zu", base64_bytes(bytes));
        else
            rt_grid_json(&grid, RT_PLAIN, bytes);
        rt_grid_json(&grid, RT_YELLOW, json_object_get(letter, "reason"));
    }
    rt_grid_print(&grid, stdout);
    if (rt_grid_rows(&grid) == 0)
        fprintf(stderr, "no dead letters\n");
    rt_grid_free(&grid);
    rt_show_more("after", json_object_get(reply, "after"));
}

/* The reply of an event: accepted, duplicate, or rejected again. */
static int retried(const json_t *reply)
{
    const json_t *rejection = json_array_get(json_object_get(reply, "rejected"), 0);

    if (rejection != NULL)
        return rt_cli_fail("rejected again: %s",
                           json_string_value(json_object_get(rejection, "error")));
    if (json_integer_value(json_object_get(reply, "duplicate")) > 0)
        printf("duplicate: it was there before\n");
    else
        printf("accepted\n");
    return RT_EXIT_OK;
}

static int letter_act(struct rt_cli *cli, const char *verb, const char *id)
{
    bool retry = strcmp(verb, "retry") == 0;
    retain_map *params = retain_map_new();
    json_t *reply;
    int code;

    retain_map_text(params, "id", id);
    reply = rt_cli_ask(cli, retry ? "dead.retry" : "dead.drop", params, &code);
    retain_map_free(params);
    if (reply == NULL)
        return code;
    if (cli->json) {
        code =
            json_array_size(json_object_get(reply, "rejected")) > 0 ? RT_EXIT_FAILED : RT_EXIT_OK;
        rt_json_print(stdout, reply);
    } else if (retry) {
        code = retried(reply);
    } else {
        printf("dropped\n");
    }
    json_decref(reply);
    return code;
}

int rt_cli_dead(struct rt_cli *cli, int argc, char **argv)
{
    const char *after = NULL;
    int64_t limit = -1;
    const struct rt_cli_option options[] = {
        {"after", 'a', "ID", "go on where the last list ended", RT_CLI_TEXT, &after},
        {"limit", 'n', "N", "at most so many (1..1000, default 100)", RT_CLI_WHOLE, &limit},
        {NULL, 0, NULL, NULL, RT_CLI_FLAG, NULL},
    };
    int count, code = rt_cli_parse(cli, options, argc, argv, &count);
    retain_map *params;
    json_t *reply;

    if (code != RT_CLI_CONTINUE)
        return code;
    if (count == 2 && (strcmp(argv[0], "retry") == 0 || strcmp(argv[0], "drop") == 0))
        return letter_act(cli, argv[0], argv[1]);
    if (count > 1 || (count == 1 && strcmp(argv[0], "list") != 0))
        return rt_cli_usage(cli, "list, retry ID or drop ID");
    params = retain_map_new();
    if (after != NULL)
        retain_map_text(params, "after", after);
    if (limit >= 0)
        retain_map_int(params, "limit", limit);
    reply = rt_cli_ask_table(cli, "dead.list", params, &code);
    retain_map_free(params);
    if (reply != NULL)
        print(reply);
    json_decref(reply);
    return code;
}

/* watch [PREFIX...]: alerts as they come, each once, and those that were missed.
 *
 * Failure modes: nobody answers (said once, then we wait: alerts come when retaind does); a history
 * that no longer reaches back to the cursor (said, and we go on). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clients/retainctl/interrupt.h"
#include "clients/retainctl/json.h"
#include "clients/retainctl/show.h"
#include "clients/retainctl/when.h"

enum { WORK_MS = 500, CURSOR_BYTES = 4096 };

/* ---- the cursor file ------------------------------------------------------------------------- */

static bool cursor_read(const char *path, char text[CURSOR_BYTES])
{
    FILE *file = fopen(path, "re");

    text[0] = '\0';
    if (file == NULL)
        return errno == ENOENT;
    if (fgets(text, CURSOR_BYTES, file) == NULL)
        text[0] = '\0';
    fclose(file);
    text[strcspn(text, "\r\n")] = '\0';
    return true;
}

/* Beside it, then renamed: a crash leaves the old one or the new one. */
static bool cursor_write(const char *path, const char *cursor)
{
    char beside[4096];
    FILE *file;
    bool good;

    if (snprintf(beside, sizeof(beside), "%s.tmp", path) >= (int)sizeof(beside))
        return false;
    file = fopen(beside, "we");
    if (file == NULL)
        return false;
    good = fprintf(file, "%s\n", cursor) > 0 && fflush(file) == 0 && fsync(fileno(file)) == 0;
    return fclose(file) == 0 && good && rename(beside, path) == 0;
}

/* ---- printing -------------------------------------------------------------------------------- */

static void colored(enum rt_color color, const json_t *text, int width)
{
    const char *plain = json_is_string(text) ? json_string_value(text) : "-";
    int padding = width - (int)rt_terminal_width(plain);

    printf("%s", rt_terminal_color(stdout, color));
    rt_terminal_text(stdout, plain, strlen(plain));
    printf("%s%*s", rt_terminal_color(stdout, RT_PLAIN), padding > 0 ? padding : 0, "");
}

static void reasons_print(const json_t *alert)
{
    const json_t *clears = json_object_get(alert, "clears");
    const json_t *worsens = json_object_get(alert, "worsens");
    char text[RT_WHEN_TEXT];
    size_t index;
    json_t *reason;

    json_array_foreach(json_object_get(alert, "reasons"), index, reason)
    {
        if (index == 3)
            break;
        printf("    %+6.1f  ", json_number_value(json_object_get(reason, "points")));
        rt_show_text(json_object_get(reason, "text"));
        printf("\n");
    }
    if (json_is_string(clears)) {
        printf("    clears: ");
        rt_show_text(clears);
        printf("\n");
    }
    if (json_is_integer(worsens))
        printf("    worse from %s\n", rt_when_format(json_integer_value(worsens), true, text));
}

static void alert_print(const json_t *alert)
{
    const json_t *severity = json_object_get(alert, "severity"),
                 *state = json_object_get(alert, "state");
    bool cleared = json_is_string(state) && strcmp(json_string_value(state), "cleared") == 0;
    enum rt_color color = cleared ? RT_GREEN : rt_show_severity_color(severity);
    const json_t *ts = json_object_get(alert, "ts"), *owner = json_object_get(alert, "owner");
    char text[RT_WHEN_TEXT];

    printf("%s  ", json_is_integer(ts) ? rt_when_format(json_integer_value(ts), false, text) : "-");
    colored(color, severity, 8);
    printf("  ");
    colored(color, state, 8);
    printf("  ");
    colored(color, json_object_get(alert, "kind"), 14);
    printf("  ");
    colored(RT_BOLD, json_object_get(alert, "account"), 0);
    if (json_is_string(owner)) {
        printf(" (");
        rt_show_text(owner);
        printf(")");
    }
    printf("  %.1f  ", json_number_value(json_object_get(alert, "score")));
    rt_show_text(json_object_get(alert, "text"));
    printf("  [");
    rt_show_text(json_object_get(alert, "id"));
    printf("]\n");
    if (!cleared)
        reasons_print(alert);
}

static void alert_show(const struct rt_cli *cli, const struct retain_alert *alert)
{
    json_t *json;

    if (alert->gap) {
        fprintf(stderr, "retainctl: the history no longer reaches back to the cursor: alerts may "
                        "be missing here\n");
        return;
    }
    json = rt_json_of(alert->map);
    if (json == NULL)
        return;
    if (cli->json)
        rt_json_print(stdout, json);
    else
        alert_print(json);
    json_decref(json);
    fflush(stdout);
}

/* ---- the command ----------------------------------------------------------------------------- */

struct watch {
    const char *since, *cursor_file;
    char stored[CURSOR_BYTES];
    int64_t count;
};

static int subscribe(struct rt_cli *cli, struct watch *watch, char **prefixes, int count)
{
    int code = RETAIN_OK;

    for (int i = 0; i < count && code == RETAIN_OK; i++) {
        code = retain_subscribe(cli->client, prefixes[i]);
        if (code == RETAIN_BAD_ARGUMENT)
            return rt_cli_usage(cli, "a topic begins with alert. or owner., not '%s'", prefixes[i]);
    }
    if (count == 0)
        code = rt_cli_subscribe_owners(cli, &count);
    if (count == 0 && code == RETAIN_OK)
        code = retain_subscribe(cli->client, "alert.");
    if (code == RETAIN_OK)
        code = retain_resume(cli->client, watch->since);
    return code == RETAIN_OK ? RT_CLI_CONTINUE : rt_cli_explain(cli, code, cli->alerts, 0);
}

/* Says once that nobody is there, to go on waiting. A cursor that is none would never get an answer,
 * and a key that may not ask will not hear either: that ends it. */
static int first_question(struct rt_cli *cli, const struct watch *watch)
{
    double seconds = rt_cli_seconds(cli, RT_CLI_QUERY_SECONDS);
    retain_map *params = retain_map_new();
    retain_reply *reply = NULL;
    int code, exit = RT_CLI_CONTINUE;

    retain_map_int(params, "limit", 1);
    if (watch->since[0] != '\0')
        retain_map_text(params, "since", watch->since);
    code = retain_query(cli->client, "alert.list", params, (int)(seconds * 1000), &reply);
    if (code == RETAIN_TIMED_OUT && !rt_interrupted()) {
        (void)rt_cli_explain(cli, RETAIN_TIMED_OUT, cli->query, seconds);
        fprintf(stderr, "retainctl: waiting for it\n");
    }
    if (reply != NULL && (strcmp(retain_reply_error(reply), "bad_request") == 0 ||
                          strcmp(retain_reply_error(reply), "denied") == 0))
        exit = rt_cli_fail("%s (%s)", retain_reply_message(reply), retain_reply_error(reply));
    retain_reply_free(reply);
    retain_map_free(params);
    return exit;
}

static int loop(struct rt_cli *cli, struct watch *watch)
{
    int64_t shown = 0;
    int first = first_question(cli, watch);

    if (first != RT_CLI_CONTINUE)
        return first;
    while (!rt_interrupted() && (watch->count == 0 || shown < watch->count)) {
        struct retain_alert alert;
        int code = retain_work(cli->client, WORK_MS);

        if (code != RETAIN_OK)
            return rt_cli_explain(cli, code, cli->alerts, 0);
        while ((watch->count == 0 || shown < watch->count) &&
               retain_next_alert(cli->client, &alert) != 0) {
            alert_show(cli, &alert);
            shown += !alert.gap;
            if (ferror(stdout))
                return RT_EXIT_FAILED;
        }
        if (watch->cursor_file != NULL && strcmp(watch->stored, retain_cursor(cli->client)) != 0) {
            snprintf(watch->stored, sizeof(watch->stored), "%s", retain_cursor(cli->client));
            if (!cursor_write(watch->cursor_file, watch->stored))
                return rt_cli_fail("%s: %s", watch->cursor_file, strerror(errno));
        }
    }
    return RT_EXIT_OK;
}

int rt_cli_watch(struct rt_cli *cli, int argc, char **argv)
{
    static struct watch watch;
    const struct rt_cli_option options[] = {
        {"since", 's', "CURSOR", "first what was published after this cursor", RT_CLI_TEXT,
         &watch.since},
        {"cursor-file", 'c', "FILE", "keep the cursor there, and go on from it next time",
         RT_CLI_TEXT, &watch.cursor_file},
        {"count", 'n', "N", "end after so many alerts", RT_CLI_WHOLE, &watch.count},
        {NULL, 0, NULL, NULL, RT_CLI_FLAG, NULL},
    };
    struct retain_options client;
    int count, code = rt_cli_parse(cli, options, argc, argv, &count);

    if (code != RT_CLI_CONTINUE)
        return code;
    if (watch.cursor_file != NULL && !cursor_read(watch.cursor_file, watch.stored))
        return rt_cli_fail("%s: %s", watch.cursor_file, strerror(errno));
    if (watch.since == NULL)
        watch.since = watch.stored;
    rt_cli_client_options(cli, &client);
    client.events = cli->query; /* no events are sent: no need of their endpoint */
    code = rt_cli_connect(cli, &client);
    if (code == RT_CLI_CONTINUE)
        code = subscribe(cli, &watch, argv, count);
    if (code != RT_CLI_CONTINUE)
        return code;
    rt_interrupt_catch();
    return loop(cli, &watch);
}

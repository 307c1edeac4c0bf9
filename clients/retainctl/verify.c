/* verify STATE_DIR: the workers' own reading code over a state directory that nobody uses.
 *
 * Exit status: 0 nothing is damaged, 1 something is, 2 it could not be checked. Notes are what a
 * stop leaves behind and damage nothing. */
#include "workers/verify.h"

#include <stdlib.h>
#include <string.h>

#include "clients/retainctl/json.h"
#include "clients/retainctl/show.h"
#include "clients/retainctl/verify.h"

static const char *const words[] = {"note", "mended", "lost"};

void rt_findings_begin(struct rt_findings *findings, bool json)
{
    static const char *const headings[] = {"", "file", ">offset", "what", NULL};

    *findings = (struct rt_findings){.json = json ? json_array() : NULL};
    rt_grid_begin(&findings->grid, headings);
}

/* The name of a file that is none of ours may be no UTF-8. */
static void add_json(json_t *list, const struct rt_finding *finding)
{
    char *file = rt_terminal_escape(finding->file, strlen(finding->file));

    json_array_append_new(list, json_pack("{s:s, s:I, s:s, s:s}", "file", file != NULL ? file : "",
                                          "offset", (json_int_t)finding->offset, "what",
                                          finding->what, "weight", words[finding->weight]));
    free(file);
}

void rt_findings_add(void *context, const struct rt_finding *finding)
{
    struct rt_findings *findings = context;
    struct rt_grid *grid = &findings->grid;

    if (findings->json != NULL) {
        add_json(findings->json, finding);
        return;
    }
    rt_grid_text(grid, finding->weight == RT_FOUND_LOST ? RT_RED : RT_PLAIN,
                 words[finding->weight]);
    rt_grid_text(grid, RT_PLAIN, finding->file);
    rt_grid_format(grid, RT_PLAIN, "%llu", (unsigned long long)finding->offset);
    rt_grid_text(grid, RT_PLAIN, finding->what);
}

static void print_json(struct rt_findings *findings, const struct rt_checked *checked)
{
    json_t *json = json_pack(
        "{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:O}", "ok",
        checked->mended + checked->lost == 0, "segments", (json_int_t)checked->segments, "records",
        (json_int_t)checked->records, "events", (json_int_t)checked->events, "alerts",
        (json_int_t)checked->alerts, "snapshots", (json_int_t)checked->snapshots, "accounts",
        (json_int_t)checked->accounts, "indexes", (json_int_t)checked->indexes, "identities",
        (json_int_t)checked->identities, "bytes", (json_int_t)checked->bytes, "findings",
        findings->json);

    rt_json_print(stdout, json);
    json_decref(json);
}

int rt_findings_print(struct rt_findings *findings, const struct rt_checked *checked)
{
    if (findings->json != NULL) {
        print_json(findings, checked);
    } else {
        rt_grid_print(&findings->grid, stdout);
        printf("%llu segments with %llu events and %llu alerts, %llu snapshots with %llu accounts, "
               "%llu indexes: %s\n",
               (unsigned long long)checked->segments, (unsigned long long)checked->events,
               (unsigned long long)checked->alerts, (unsigned long long)checked->snapshots,
               (unsigned long long)checked->accounts, (unsigned long long)checked->indexes,
               checked->lost > 0     ? "DAMAGED, and some of it cannot be read any more"
               : checked->mended > 0 ? "DAMAGED, nothing is lost"
                                     : "nothing is damaged");
    }
    return checked->mended + checked->lost == 0 ? RT_EXIT_OK : RT_EXIT_FAILED;
}

void rt_findings_free(struct rt_findings *findings)
{
    rt_grid_free(&findings->grid);
    json_decref(findings->json);
}

int rt_cli_verify(struct rt_cli *cli, int argc, char **argv)
{
    const struct rt_cli_option options[] = {{NULL, 0, NULL, NULL, RT_CLI_FLAG, NULL}};
    int count, code = rt_cli_parse(cli, options, argc, argv, &count);
    struct rt_findings findings;
    struct rt_checked checked;
    char error[512];

    if (code != RT_CLI_CONTINUE)
        return code;
    if (count != 1)
        return rt_cli_usage(cli, "one state directory is wanted");
    rt_findings_begin(&findings, cli->json);
    if (rt_verify(argv[0], rt_findings_add, &findings, &checked, error, sizeof(error))) {
        code = rt_findings_print(&findings, &checked);
    } else {
        rt_grid_print(&findings.grid, stderr);
        rt_cli_fail("not checked: %s", error);
        code = RT_EXIT_USAGE;
    }
    rt_findings_free(&findings);
    return code;
}

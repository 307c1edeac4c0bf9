/* backup STATE_DIR DESTINATION: a copy that can be started, on this machine, with or without a
 * daemon running; checked before it gets its name.
 *
 * Exit status: 0 it is there and passes, 1 it could not be taken (nothing is left), or what was
 * copied is damaged (kept as DESTINATION.partial). */
#include "workers/backup.h"

#include <string.h>

#include "clients/retainctl/terminal.h"
#include "clients/retainctl/verify.h"

enum { WAIT_SECONDS = 60, WAIT_SECONDS_MAX = 86400 };

static int take(struct rt_cli *cli, char **argv, int wait_ms)
{
    struct rt_findings findings;
    struct rt_checked checked;
    char error[512] = "";
    int code = RT_EXIT_FAILED;

    rt_findings_begin(&findings, cli->json);
    switch (rt_backup(argv[0], argv[1], wait_ms, rt_findings_add, &findings, &checked, error,
                      sizeof(error))) {
    case RT_BACKUP_DONE:
        code = rt_findings_print(&findings, &checked);
        break;
    case RT_BACKUP_DAMAGED:
        rt_findings_print(&findings, &checked);
        rt_cli_fail("the copy does not pass, and is kept as %s.partial", argv[1]);
        break;
    case RT_BACKUP_FAILED:
        rt_cli_fail("no backup was taken: %s", error);
        break;
    }
    rt_findings_free(&findings);
    return code;
}

int rt_cli_backup(struct rt_cli *cli, int argc, char **argv)
{
    int64_t wait = WAIT_SECONDS;
    const struct rt_cli_option options[] = {
        {"wait", 'w', "SECONDS", "for an erase that is under way (60)", RT_CLI_WHOLE, &wait},
        {NULL, 0, NULL, NULL, RT_CLI_FLAG, NULL},
    };
    int count, code = rt_cli_parse(cli, options, argc, argv, &count);
    size_t size;

    if (code != RT_CLI_CONTINUE)
        return code;
    if (count != 2 || argv[1][0] == '\0')
        return rt_cli_usage(cli, "a state directory and a destination are wanted");
    if (wait > WAIT_SECONDS_MAX)
        return rt_cli_usage(cli, "--wait is at most %d", WAIT_SECONDS_MAX);
    for (size = strlen(argv[1]); size > 1 && argv[1][size - 1] == '/'; size--)
        argv[1][size - 1] = '\0';
    return take(cli, argv, (int)wait * 1000);
}

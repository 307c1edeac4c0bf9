/* retaind: reads its command line, checks or runs. */
#include "daemon/check.h"
#include "daemon/daemon.h"
#include "daemon/options.h"

int main(int argc, char **argv)
{
    struct rt_options options;

    switch (rt_options_read(&options, argc, argv)) {
    case RT_OPTIONS_DONE:
        return 0;
    case RT_OPTIONS_WRONG:
        return 2;
    default:
        return options.check_config ? !rt_check(&options) : rt_daemon_run(&options);
    }
}

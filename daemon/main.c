/* retaind: reads its command line, checks or runs. */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/daemon.h"
#include "daemon/options.h"

static int check_config(const struct rt_options *options)
{
    struct rt_config *config = malloc(sizeof *config);
    char error[RT_CONFIG_ERROR] = "out of memory";
    bool good = config != NULL && rt_options_config(options, config, error);

    free(config);
    if (!good) {
        fprintf(stderr, "retaind: %s\n", error);
        return 1;
    }
    printf("the configuration is valid\n");
    return 0;
}

int main(int argc, char **argv)
{
    struct rt_options options;

    switch (rt_options_read(&options, argc, argv)) {
    case RT_OPTIONS_DONE:
        return 0;
    case RT_OPTIONS_WRONG:
        return 2;
    default:
        return options.check_config ? check_config(&options) : rt_daemon_run(&options);
    }
}

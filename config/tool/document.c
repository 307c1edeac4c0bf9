/* Prints what the option table documents: `config-document sample|reference|manual|help`. Used by
 * `make docs` and by the tests that compare the files in the tree. */
#include <stdio.h>
#include <string.h>

#include "config/config.h"

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "sample") == 0)
        rt_config_print_sample(stdout);
    else if (argc == 2 && strcmp(argv[1], "reference") == 0)
        rt_config_print_reference(stdout);
    else if (argc == 2 && strcmp(argv[1], "manual") == 0)
        rt_config_print_manual(stdout);
    else if (argc == 2 && strcmp(argv[1], "help") == 0)
        rt_config_print_help(stdout);
    else
        return fprintf(stderr, "usage: config-document sample|reference|manual|help\n"), 2;
    return fflush(stdout) == 0 ? 0 : 1;
}

/* The command line of retaind, and the configuration it leads to. */
#ifndef RT_DAEMON_OPTIONS_H
#define RT_DAEMON_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

enum { RT_OVERRIDES_MAX = 256 };

struct rt_options {
    const char *file; /* of the configuration */
    bool file_given;  /* then it must exist */
    const char *state_dir;
    const char
        *overrides[RT_OVERRIDES_MAX]; /* section.key=value, in order; they stay over a reload */
    size_t override_count;
    bool check_config;
};

/* What main does next. */
enum rt_options_result { RT_OPTIONS_RUN, RT_OPTIONS_DONE, RT_OPTIONS_WRONG };

/* Reads the command line; help and version are printed, faults too (to standard error). */
enum rt_options_result rt_options_read(struct rt_options *options, int argc, char **argv);

/* Defaults, then the file, then the overrides, then the check of their relations. False with a
 * sentence in error (RT_CONFIG_ERROR bytes). */
bool rt_options_config(const struct rt_options *options, struct rt_config *config, char *error);

const char *rt_version(void);

#endif

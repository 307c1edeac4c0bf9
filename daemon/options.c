/* See options.h. */
#include "daemon/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef RT_VERSION
#define RT_VERSION "0.1.0"
#endif
#ifndef RT_CONFIG_FILE
#define RT_CONFIG_FILE "/etc/retaind/retaind.conf"
#endif

enum { KEY_BYTES = 256 };

static const char usage[] =
    "usage: retaind [-c FILE] [--state-dir DIR] [-o section.key=value]... [--check-config]\n"
    "               [--version] [--help]\n";

const char *rt_version(void)
{
    return RT_VERSION;
}

static void print_help(void)
{
    printf("%s\n"
           "  -c, --config FILE    configuration (default " RT_CONFIG_FILE ")\n"
           "  --state-dir DIR      state (default $STATE_DIRECTORY, else /var/lib/retaind)\n"
           "  -o section.key=value set one key, after the file; may be given again\n"
           "  --check-config       check the configuration, keys and secrets included, and leave\n"
           "  --version, --help\n\n"
           "Runs in the foreground and logs to standard error. SIGHUP reloads, SIGTERM stops.\n\n",
           usage);
    rt_config_print_help(stdout);
}

static bool add_override(struct rt_options *options, const char *text)
{
    if (strchr(text, '=') == NULL) {
        fprintf(stderr, "retaind: -o %s: must be section.key=value\n", text);
        return false;
    }
    if (options->override_count == RT_OVERRIDES_MAX) {
        fprintf(stderr, "retaind: more than %d times -o\n", RT_OVERRIDES_MAX);
        return false;
    }
    options->overrides[options->override_count++] = text;
    return true;
}

/* $STATE_DIRECTORY of systemd may name several, separated by colons: the first is ours. */
static const char *default_state_dir(void)
{
    char *named = getenv("STATE_DIRECTORY");

    if (named == NULL || named[0] == '\0') {
        return "/var/lib/retaind";
    }
    named[strcspn(named, ":")] = '\0';
    return named;
}

enum { OPTION_STATE_DIR = 256, OPTION_CHECK, OPTION_VERSION, OPTION_HELP };

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"state-dir", required_argument, NULL, OPTION_STATE_DIR},
    {"check-config", no_argument, NULL, OPTION_CHECK},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, OPTION_HELP},
    {0},
};

static enum rt_options_result take_option(struct rt_options *options, int option)
{
    switch (option) {
    case 'c':
        options->file = optarg;
        options->file_given = true;
        return RT_OPTIONS_RUN;
    case 'o':
        return add_override(options, optarg) ? RT_OPTIONS_RUN : RT_OPTIONS_WRONG;
    case OPTION_STATE_DIR:
        options->state_dir = optarg;
        return RT_OPTIONS_RUN;
    case OPTION_CHECK:
        options->check_config = true;
        return RT_OPTIONS_RUN;
    case OPTION_VERSION:
        printf("retaind %s\n", rt_version());
        return RT_OPTIONS_DONE;
    case OPTION_HELP:
        print_help();
        return RT_OPTIONS_DONE;
    default:
        fputs(usage, stderr);
        return RT_OPTIONS_WRONG;
    }
}

enum rt_options_result rt_options_read(struct rt_options *options, int argc, char **argv)
{
    enum rt_options_result result = RT_OPTIONS_RUN;
    int option;

    *options = (struct rt_options){.file = RT_CONFIG_FILE, .state_dir = default_state_dir()};
    while (result == RT_OPTIONS_RUN &&
           (option = getopt_long(argc, argv, "c:o:", long_options, NULL)) != -1) {
        result = take_option(options, option);
    }
    if (result == RT_OPTIONS_RUN && optind < argc) {
        fprintf(stderr, "retaind: what is '%s'?\n%s", argv[optind], usage);
        return RT_OPTIONS_WRONG;
    }
    return result;
}

static bool apply_override(struct rt_config *config, const char *text, char *error)
{
    const char *equals = strchr(text, '=');
    char key[KEY_BYTES];

    snprintf(key, sizeof key, "%.*s", (int)(equals - text), text);
    return rt_config_set(config, key, equals + 1, error);
}

bool rt_options_config(const struct rt_options *options, struct rt_config *config, char *error)
{
    rt_config_init(config);
    if (!rt_config_read(config, options->file, options->file_given, error)) {
        return false;
    }
    for (size_t i = 0; i < options->override_count; i++) {
        if (!apply_override(config, options->overrides[i], error)) {
            return false;
        }
    }
    return rt_config_check(config, error);
}

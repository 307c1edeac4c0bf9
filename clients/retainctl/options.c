/* Reads options by a table, and prints help from the same table. Global options may stand before
 * and after the command.
 *
 * Failure: an unknown option, a missing or impossible value: one line that says so, and exit
 * code 2. */
#include "clients/retainctl/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/retainctl/terminal.h"

enum { GLOBALS = 8 };

struct globals {
    bool help, version;
    struct rt_cli_option table[GLOBALS];
};

static void globals_init(struct globals *globals, struct rt_cli *cli)
{
    globals->help = globals->version = false;
    const struct rt_cli_option table[GLOBALS] = {
        {"events", 0, "URL",
         "where events go (or $RETAIND_EVENTS; default " RETAIN_EVENTS_DEFAULT ")", RT_CLI_TEXT,
         &cli->events},
        {"alerts", 0, "URL", "where alerts come from ($RETAIND_ALERTS; " RETAIN_ALERTS_DEFAULT ")",
         RT_CLI_TEXT, &cli->alerts},
        {"query", 0, "URL", "where questions go ($RETAIND_QUERY; " RETAIN_QUERY_DEFAULT ")",
         RT_CLI_TEXT, &cli->query},
        {"key", 0, "FILE", "secret key that says who you are ($RETAIND_KEY; default none)",
         RT_CLI_TEXT, &cli->key},
        {"json", 0, NULL, "print JSON, for programs", RT_CLI_FLAG, &cli->json},
        {"timeout", 0, "SECONDS", "give up after so long without an answer", RT_CLI_DECIMAL,
         &cli->timeout},
        {"help", 'h', NULL, "print this help", RT_CLI_FLAG, &globals->help},
        {"version", 0, NULL, "print the version", RT_CLI_FLAG, &globals->version},
    };
    memcpy(globals->table, table, sizeof(table));
}

int rt_cli_usage(const struct rt_cli *cli, const char *format, ...)
{
    const char *command = cli->command != NULL ? cli->command->name : NULL;
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    fprintf(stderr, "retainctl%s%s: ", command != NULL ? " " : "", command != NULL ? command : "");
    rt_terminal_text(stderr, text, strlen(text));
    fprintf(stderr, "; see retainctl%s%s --help\n", command != NULL ? " " : "",
            command != NULL ? command : "");
    return RT_EXIT_USAGE;
}

/* ---- help ------------------------------------------------------------------------------------ */

static void option_print(const struct rt_cli_option *option)
{
    char left[64];

    snprintf(left, sizeof(left), "%c%c%s --%s%s%s", option->letter != 0 ? '-' : ' ',
             option->letter != 0 ? option->letter : ' ', option->letter != 0 ? "," : " ",
             option->name, option->argument != NULL ? " " : "",
             option->argument != NULL ? option->argument : "");
    printf("  %-28s %s\n", left, option->help);
}

static void options_print(const struct rt_cli_option *options, size_t count)
{
    for (size_t i = 0; i < count && options[i].name != NULL; i++)
        option_print(&options[i]);
}

static void command_help(const struct rt_cli_command *command, const struct rt_cli_option *options,
                         const struct globals *globals)
{
    printf("usage: retainctl %s [OPTION...]%s%s\n%s\n", command->name,
           command->arguments[0] != '\0' ? " " : "", command->arguments, command->summary);
    if (command->more != NULL)
        printf("\n%s\n", command->more);
    if (options[0].name != NULL) {
        printf("\noptions:\n");
        options_print(options, SIZE_MAX);
    }
    printf("\noptions of every command:\n");
    options_print(globals->table, GLOBALS);
}

void rt_cli_help(void)
{
    struct rt_cli cli;
    struct globals globals;

    globals_init(&globals, &cli);
    printf("usage: retainctl [OPTION...] COMMAND [ARGUMENT...]\n"
           "Sends events to retaind, asks for health and alerts, and tries the score on "
           "history.\n\ncommands:\n");
    for (const struct rt_cli_command *c = rt_cli_commands; c->name != NULL; c++)
        printf("  %-10s %s\n", c->name, c->summary);
    printf("\noptions:\n");
    options_print(globals.table, GLOBALS);
    printf("\nretainctl COMMAND --help tells more of each. Exit code: 0 done, 1 refused or failed, "
           "2 wrong usage.\n");
}

/* ---- reading --------------------------------------------------------------------------------- */

static const struct rt_cli_option *find(const struct rt_cli_option *options, size_t count,
                                        const char *name, size_t size, char letter)
{
    for (size_t i = 0; i < count && options[i].name != NULL; i++) {
        if (name != NULL && strlen(options[i].name) == size &&
            memcmp(options[i].name, name, size) == 0)
            return &options[i];
        if (name == NULL && options[i].letter == letter)
            return &options[i];
    }
    return NULL;
}

static int number_wrong(const struct rt_cli *cli, const struct rt_cli_option *option,
                        const char *value)
{
    return rt_cli_usage(cli, "--%s must be a number, at least 0, not '%s'", option->name, value);
}

static int set_number(struct rt_cli *cli, const struct rt_cli_option *option, const char *value)
{
    char *end;
    long long whole;
    double decimal;

    errno = 0;
    if (option->kind == RT_CLI_WHOLE) {
        whole = strtoll(value, &end, 10);
        if (end == value || *end != '\0' || errno != 0 || whole < 0)
            return number_wrong(cli, option, value);
        *(int64_t *)option->target = whole;
    } else {
        decimal = strtod(value, &end);
        if (end == value || *end != '\0' || !(decimal >= 0 && decimal < 1e12))
            return number_wrong(cli, option, value);
        *(double *)option->target = decimal;
    }
    return RT_CLI_CONTINUE;
}

static int set(struct rt_cli *cli, const struct rt_cli_option *option, const char *value)
{
    struct rt_cli_texts *texts = option->target;

    switch (option->kind) {
    case RT_CLI_FLAG:
        *(bool *)option->target = true;
        return RT_CLI_CONTINUE;
    case RT_CLI_TEXT:
        *(const char **)option->target = value;
        return RT_CLI_CONTINUE;
    case RT_CLI_TEXTS:
        if (texts->count == RT_CLI_TEXTS_MAX)
            return rt_cli_usage(cli, "--%s is given too often", option->name);
        texts->at[texts->count++] = value;
        return RT_CLI_CONTINUE;
    default:
        return set_number(cli, option, value);
    }
}

struct reading {
    struct rt_cli *cli;
    const struct rt_cli_option *options;
    const struct globals *globals;
    int argc, at;
    char **argv;
};

/* One option at argv[at], its value after '=', behind the letter, or in the next argument. */
static int read_option(struct reading *r)
{
    const char *argument = r->argv[r->at], *value = NULL;
    const char *name = argument[1] == '-' ? argument + 2 : NULL;
    const char *equals = name != NULL ? strchr(name, '=') : NULL;
    size_t size = equals != NULL ? (size_t)(equals - name) : name != NULL ? strlen(name) : 0;
    const struct rt_cli_option *option = find(r->options, SIZE_MAX, name, size, argument[1]);

    if (option == NULL)
        option = find(r->globals->table, GLOBALS, name, size, argument[1]);
    if (option == NULL)
        return rt_cli_usage(r->cli, "there is no option %s", argument);
    if (equals != NULL)
        value = equals + 1;
    else if (name == NULL && argument[2] != '\0')
        value = argument + 2;
    if (option->kind == RT_CLI_FLAG && value != NULL)
        return rt_cli_usage(r->cli, "--%s takes no value", option->name);
    if (option->kind != RT_CLI_FLAG && value == NULL) {
        if (r->at + 1 >= r->argc)
            return rt_cli_usage(r->cli, "--%s needs a value (%s)", option->name, option->argument);
        value = r->argv[++r->at];
    }
    return set(r->cli, option, value);
}

static bool is_option(const char *argument)
{
    return argument[0] == '-' && argument[1] != '\0';
}

static int print_version(void)
{
    printf("retainctl %s\n", retain_version());
    return RT_EXIT_OK;
}

int rt_cli_parse(struct rt_cli *cli, const struct rt_cli_option *options, int argc, char **argv,
                 int *count)
{
    struct globals globals;
    struct reading reading = {cli, options, &globals, argc, 1, argv};
    int kept = 0;

    globals_init(&globals, cli);
    for (; reading.at < argc; reading.at++) {
        char *argument = argv[reading.at];
        int code;

        if (strcmp(argument, "--") == 0) {
            while (++reading.at < argc)
                argv[kept++] = argv[reading.at];
            break;
        }
        if (!is_option(argument)) {
            argv[kept++] = argument;
            continue;
        }
        code = read_option(&reading);
        if (code != RT_CLI_CONTINUE)
            return code;
    }
    *count = kept;
    if (globals.help) {
        command_help(cli->command, options, &globals);
        return RT_EXIT_OK;
    }
    return globals.version ? print_version() : RT_CLI_CONTINUE;
}

int rt_cli_parse_global(struct rt_cli *cli, int argc, char **argv, int *code)
{
    static const struct rt_cli_option none[] = {{NULL, 0, NULL, NULL, RT_CLI_FLAG, NULL}};
    struct globals globals;
    struct reading reading = {cli, none, &globals, argc, 1, argv};

    globals_init(&globals, cli);
    *code = RT_CLI_CONTINUE;
    for (; reading.at < argc && is_option(argv[reading.at]); reading.at++) {
        *code = read_option(&reading);
        if (*code != RT_CLI_CONTINUE)
            return argc;
    }
    if (globals.help) {
        rt_cli_help();
        *code = RT_EXIT_OK;
    } else if (globals.version) {
        *code = print_version();
    }
    return reading.at;
}

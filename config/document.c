/* Documentation made from the option table: the sample file, the reference and the list of --help.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "config/options.h"

enum { COLUMNS = 100 };

/* A paragraph in lines that begin with `prefix`. */
static void print_wrapped(FILE *out, const char *prefix, const char *text)
{
    size_t column = 0;

    while (*text != '\0') {
        size_t word = strcspn(text, " ");
        if (column > 0 && column + 1 + word > COLUMNS) {
            fputc('\n', out);
            column = 0;
        }
        column += (size_t)fprintf(out, "%s%.*s", column == 0 ? prefix : " ", (int)word, text);
        text += word;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

static void print_sample_section(FILE *out, size_t section)
{
    fputc('\n', out);
    print_wrapped(out, "# ", rt_section_docs[section]);
    fprintf(out, "[%s]\n", rt_sections[section]);
    for (size_t i = 0; i < rt_option_count; i++) {
        const struct rt_option *option = &rt_options[i];
        char range[RT_CONFIG_ERROR];
        if (strcmp(option->section, rt_sections[section]) != 0)
            continue;
        rt_option_range(option, range, sizeof(range));
        fputc('\n', out);
        print_wrapped(out, "# ", option->doc);
        fprintf(out, "# Takes %s%s.\n", range, option->restart ? "; a change needs a restart" : "");
        fprintf(out, "#%s =%s%s\n", option->key, option->standard[0] != '\0' ? " " : "",
                option->standard);
    }
}

void rt_config_print_sample(FILE *out)
{
    fputs(
        "# Configuration of retaind. Every key is optional; what stands here is the default.\n"
        "# Check it with `retaind --check-config`, take it over with `systemctl reload retaind`.\n"
        "# A comment begins with # or ; at the start of a line or after a blank.\n",
        out);
    for (size_t i = 0; i < rt_section_count; i++)
        print_sample_section(out, i);
    fputs("\n# A tier with parameters of its own: accounts whose profile says tier \"key\".\n"
          "#[tier.key]\n#rhythm_days = 7\n#churn_below = 50\n#churn_clear = 55\n",
          out);
}

static void print_reference_key(FILE *out, const struct rt_option *option)
{
    char range[RT_CONFIG_ERROR];

    rt_option_range(option, range, sizeof(range));
    fprintf(out, "\n### `%s.%s`\n\n", option->section, option->key);
    print_wrapped(out, "", option->doc);
    fprintf(out, "\nDefault: %s%s%s. Takes %s. %s\n", option->standard[0] != '\0' ? "`" : "",
            option->standard[0] != '\0' ? option->standard : "empty",
            option->standard[0] != '\0' ? "`" : "", range,
            option->restart ? "A change needs a restart." : "Reloaded on SIGHUP.");
}

void rt_config_print_reference(FILE *out)
{
    fputs(
        "# Configuration\n\n"
        "Made from the option table (`config/options.c`) by `make docs`; do not edit.\n\n"
        "`retaind` reads `/etc/retaind/retaind.conf` or the file given with `-c`. Every key has a\n"
        "default and no file is needed. `-o section.key=value` sets one key after the file was "
        "read.\n"
        "`--check-config` says what is wrong without starting. SIGHUP reads the file again: a file "
        "with\n"
        "a fault is refused whole and the old values stay; keys that need a restart are named in "
        "the log.\n\n"
        "The file is INI text: `[section]` lines and `key = value` lines. `#` and `;` begin a "
        "comment at\n"
        "the start of a line or after a blank. There are no quotes and no continued lines. An "
        "unknown\n"
        "section or key, a key set twice, or a line that is neither is refused with its line "
        "number.\n"
        "Sizes in bytes take `K`, `M` or `G` (powers of 1024); the unit of every other key is in "
        "its name.\n",
        out);
    for (size_t i = 0; i < rt_section_count; i++) {
        fprintf(out, "\n## [%s]\n\n", rt_sections[i]);
        print_wrapped(out, "", rt_section_docs[i]);
        for (size_t j = 0; j < rt_option_count; j++) {
            if (strcmp(rt_options[j].section, rt_sections[i]) == 0)
                print_reference_key(out, &rt_options[j]);
        }
    }
}

/* Text for man: what troff would take for its own is escaped, `code` becomes bold. */
static void print_roff(FILE *out, const char *text)
{
    bool bold = false;

    for (; *text != '\0'; text++) {
        if (*text == '`') {
            bold = !bold;
            fputs(bold ? "\\fB" : "\\fR", out);
        } else if (*text == '-') {
            fputs("\\-", out);
        } else if (*text == '\\') {
            fputs("\\e", out);
        } else {
            fputc(*text, out);
        }
    }
    fputc('\n', out);
}

static void print_manual_key(FILE *out, const struct rt_option *option)
{
    char range[RT_CONFIG_ERROR];

    rt_option_range(option, range, sizeof(range));
    fprintf(out, ".TP\n.B %s\n", option->key);
    print_roff(out, option->doc);
    fputs(".br\nDefault: ", out);
    print_roff(out, option->standard[0] != '\0' ? option->standard : "empty");
    fputs(".br\nTakes ", out);
    print_roff(out, range);
    if (option->restart)
        fputs(".br\nA change needs a restart.\n", out);
}

void rt_config_print_manual(FILE *out)
{
    fputs(".\\\" Made from the option table (config/options.c) by `make docs`; do not edit.\n"
          ".TH RETAIND.CONF 5 \"\" retaind \"File formats\"\n.SH NAME\n"
          "retaind.conf \\- configuration of retaind\n.SH SYNOPSIS\n.I /etc/retaind/retaind.conf\n"
          ".SH DESCRIPTION\n",
          out);
    print_roff(
        out,
        "Sections in brackets, and below them lines of `key = value`. Every key has a default. A "
        "comment begins with # or ; at the start of a line or after a blank. There are no quotes "
        "and "
        "no continued lines; an unknown section or key, a key set twice, or a line that is none of "
        "these is refused with its number. Sizes in bytes take K, M or G (powers of 1024); the "
        "unit of "
        "every other key is in its name.");
    fputs(".PP\n", out);
    print_roff(out, "`retaind --check-config` says what is wrong. SIGHUP (`systemctl reload "
                    "retaind`) reads the "
                    "file again; one with a fault is refused whole.");
    for (size_t i = 0; i < rt_section_count; i++) {
        fprintf(out, ".SH [%s]\n", rt_sections[i]);
        print_roff(out, rt_section_docs[i]);
        for (size_t j = 0; j < rt_option_count; j++) {
            if (strcmp(rt_options[j].section, rt_sections[i]) == 0)
                print_manual_key(out, &rt_options[j]);
        }
    }
    fputs(".SH SEE ALSO\n.BR retaind (8),\n.BR retainctl (1)\n", out);
}

void rt_config_print_help(FILE *out)
{
    for (size_t i = 0; i < rt_option_count; i++) {
        char name[64];
        snprintf(name, sizeof(name), "%s.%s", rt_options[i].section, rt_options[i].key);
        fprintf(out, "  %-30s %s\n", name, rt_options[i].standard);
    }
}

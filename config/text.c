/* The configuration as INI text: what the daemon hands to its workers. Every key stands in it,
 * those of a named tier only where it sets them, so that reading it back keeps what is inherited.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/options.h"

static void print_key(FILE *out, const struct rt_option *option, const void *base)
{
    char text[RT_OPTION_TEXT];

    rt_option_show(option, base, text);
    fprintf(out, "%s = %s\n", option->key, text);
}

static void print_section(FILE *out, const struct rt_config *config, const char *section)
{
    fprintf(out, "[%s]\n", section);
    for (size_t i = 0; i < rt_option_count; i++) {
        const struct rt_option *option = &rt_options[i];
        if (strcmp(option->section, section) == 0)
            print_key(out, option,
                      rt_option_is_tier(option) ? (const void *)&config->tiers[0]
                                                : (const void *)config);
    }
}

static void print_tier(FILE *out, const struct rt_tier *tier)
{
    fprintf(out, "[tier.%s]\n", tier->name);
    for (size_t i = 0; i < rt_option_count; i++) {
        if (rt_option_is_tier(&rt_options[i]) && rt_config_tier_owns(tier, &rt_options[i]))
            print_key(out, &rt_options[i], tier);
    }
}

char *rt_config_text(const struct rt_config *config)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (out == NULL)
        return NULL;
    for (size_t i = 0; i < rt_section_count; i++)
        print_section(out, config, rt_sections[i]);
    for (size_t i = 1; i < config->tier_count; i++)
        print_tier(out, &config->tiers[i]);
    bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed) {
        free(text);
        return NULL;
    }
    return text;
}

/* Fills struct rt_config from defaults, INI text and single keys. Happy path: rt_config_parse walks
 * the lines of a copy, sets each key, and gives the copy back whole. Fails at the first unknown
 * name, bad value or repeated key with a sentence that names it; the configuration is then what it
 * was. */
#include "config/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/ini.h"
#include "config/options.h"
#include "protocol/assert.h"

enum { FILE_BYTES = 1 << 20, OPTIONS_MAX = 128 };

__attribute__((format(printf, 2, 3))) static bool refuse(char *error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error, RT_CONFIG_ERROR, format, args);
    va_end(args);
    return false;
}

void rt_config_init(struct rt_config *config)
{
    char expected[RT_CONFIG_ERROR];

    RT_ASSERT(rt_option_count <= OPTIONS_MAX);
    memset(config, 0, sizeof(*config));
    config->tier_count = 1;
    for (size_t i = 0; i < rt_option_count; i++) {
        const struct rt_option *option = &rt_options[i];
        void *base = rt_option_is_tier(option) ? (void *)&config->tiers[0] : (void *)config;
        RT_ASSERT(rt_option_store(option, base, option->standard, expected));
    }
}

/* ---- tiers ----------------------------------------------------------------------------------- */

static uint64_t tier_bit(const struct rt_option *option)
{
    size_t first = 0;

    while (!rt_option_is_tier(&rt_options[first]))
        first++;
    size_t index = (size_t)(option - rt_options) - first;
    RT_ASSERT(index < 64);
    return UINT64_C(1) << index;
}

bool rt_config_tier_owns(const struct rt_tier *tier, const struct rt_option *option)
{
    return (tier->own & tier_bit(option)) != 0;
}

static size_t find_tier(const struct rt_config *config, const char *name, size_t size)
{
    for (size_t i = 1; i < config->tier_count; i++) {
        if (strlen(config->tiers[i].name) == size && memcmp(config->tiers[i].name, name, size) == 0)
            return i;
    }
    return 0;
}

const struct rt_tier *rt_config_tier(const struct rt_config *config, const char *name, size_t size)
{
    return &config->tiers[find_tier(config, name, size)];
}

/* A name that an INI section can hold. */
static bool is_tier_name(const char *name)
{
    size_t size = strlen(name);

    return size > 0 && size <= RT_TIER_NAME && strpbrk(name, "[];#") == NULL && rt_ini_holds(name);
}

/* The tier of [tier] or [tier.NAME], made if it is new. NULL with an error. */
static struct rt_tier *open_tier(struct rt_config *config, const char *section, char *error)
{
    if (strcmp(section, "tier") == 0)
        return &config->tiers[0];
    const char *name = section + strlen("tier.");
    if (!is_tier_name(name)) {
        refuse(error, "[%.160s]: a tier's name has 1 to %d bytes, and none of [ ] ; #", section,
               (int)RT_TIER_NAME);
        return NULL;
    }
    size_t known = find_tier(config, name, strlen(name));
    if (known != 0)
        return &config->tiers[known];
    if (config->tier_count == RT_TIERS_MAX) {
        refuse(error, "[%.160s]: there are more than %d tiers", section, RT_TIERS_MAX - 1);
        return NULL;
    }
    struct rt_tier *tier = &config->tiers[config->tier_count++];
    *tier = config->tiers[0];
    memset(tier->name, 0, sizeof(tier->name));
    memcpy(tier->name, name, strlen(name));
    tier->own = 0;
    return tier;
}

/* A key of [tier] is that of every tier that does not set its own. */
static void inherit(struct rt_config *config, const struct rt_option *option)
{
    for (size_t i = 1; i < config->tier_count; i++) {
        if (!rt_config_tier_owns(&config->tiers[i], option))
            rt_option_copy(option, &config->tiers[i], &config->tiers[0]);
    }
}

/* ---- keys ------------------------------------------------------------------------------------ */

static bool section_known(const char *section)
{
    if (strncmp(section, "tier.", 5) == 0)
        return true;
    for (size_t i = 0; i < rt_section_count; i++) {
        if (strcmp(section, rt_sections[i]) == 0)
            return true;
    }
    return false;
}

static bool check_section(const char *section, char *error)
{
    return section_known(section) || refuse(error, "unknown section [%.80s]; the nearest is [%s]",
                                            section, rt_option_nearest_section(section));
}

static bool bad_value(const struct rt_option *option, const char *section, const char *value,
                      const char *expected, char *error)
{
    return refuse(error, "%.140s.%s: '%.40s%s' is not %s", section, option->key, value,
                  strlen(value) > 40 ? "..." : "", expected);
}

static bool set_tier(struct rt_config *config, const struct rt_option *option, const char *section,
                     const char *value, char *error)
{
    char expected[RT_CONFIG_ERROR];
    struct rt_tier probe;

    if (!rt_option_store(option, &probe, value, expected))
        return bad_value(option, section, value, expected, error);
    struct rt_tier *tier = open_tier(config, section, error);
    if (tier == NULL)
        return false;
    rt_option_copy(option, tier, &probe);
    if (tier == &config->tiers[0])
        inherit(config, option);
    else
        tier->own |= tier_bit(option);
    return true;
}

static bool set(struct rt_config *config, const char *section, const char *key, const char *value,
                char *error)
{
    char expected[RT_CONFIG_ERROR];

    if (!check_section(section, error))
        return false;
    const struct rt_option *option = rt_option_find(section, key);
    if (option == NULL)
        return refuse(error, "unknown key %.80s.%.80s; the nearest is %s", section, key,
                      rt_option_nearest_key(section, key));
    if (rt_option_is_tier(option))
        return set_tier(config, option, section, value, error);
    return rt_option_store(option, config, value, expected) ||
           bad_value(option, section, value, expected, error);
}

bool rt_config_set(struct rt_config *config, const char *key, const char *value, char *error)
{
    char section[RT_INI_TEXT];
    const char *dot = strrchr(key, '.');

    if (dot == NULL || dot == key || dot[1] == '\0')
        return refuse(error, "'%.80s' is no key: section.key is", key);
    size_t size = (size_t)(dot - key);
    if (size >= sizeof(section))
        return refuse(error, "'%.80s...' is no key: it is too long", key);
    memcpy(section, key, size);
    section[size] = '\0';
    return set(config, section, dot + 1, value, error);
}

/* ---- text ------------------------------------------------------------------------------------ */

/* Which keys a text has set, to refuse a second time. */
struct seen {
    bool at[RT_TIERS_MAX][OPTIONS_MAX];
};

static bool *seen_at(struct seen *seen, const struct rt_config *config, const char *section,
                     const struct rt_option *option)
{
    size_t tier = 0;

    if (strncmp(section, "tier.", 5) == 0)
        tier = find_tier(config, section + 5, strlen(section + 5));
    return &seen->at[tier][option - rt_options];
}

static bool take_section(struct rt_config *config, const char *section, char *error)
{
    if (!check_section(section, error))
        return false;
    return strncmp(section, "tier.", 5) != 0 || open_tier(config, section, error) != NULL;
}

static bool take_value(struct rt_config *config, struct seen *seen, const struct rt_ini *ini,
                       char *error)
{
    if (!set(config, ini->section, ini->key, ini->value, error))
        return false;
    const struct rt_option *option = rt_option_find(ini->section, ini->key);
    bool *again = seen_at(seen, config, ini->section, option);
    if (*again)
        return refuse(error, "%.140s.%s is set twice", ini->section, ini->key);
    *again = true;
    return true;
}

static bool take_line(struct rt_config *config, struct seen *seen, struct rt_ini *ini,
                      enum rt_ini_kind kind, char *error)
{
    switch (kind) {
    case RT_INI_SECTION:
        return take_section(config, ini->section, error);
    case RT_INI_VALUE:
        return take_value(config, seen, ini, error);
    default:
        return refuse(error, "%s", ini->fault);
    }
}

bool rt_config_parse(struct rt_config *config, const char *text, char *error)
{
    struct rt_config next = *config;
    struct seen seen = {0};
    struct rt_ini ini;
    char what[RT_CONFIG_ERROR];

    rt_ini_begin(&ini, text);
    for (enum rt_ini_kind kind; (kind = rt_ini_next(&ini)) != RT_INI_END;) {
        if (!take_line(&next, &seen, &ini, kind, what))
            return refuse(error, "line %d: %.230s", ini.line, what);
    }
    *config = next;
    return true;
}

/* The whole file with a closing zero, malloc'ed; NULL with an error. */
static char *read_text(FILE *file, const char *path, char *error)
{
    char *text = malloc(FILE_BYTES + 1);

    if (text == NULL) {
        refuse(error, "%.150s: no memory", path);
        return NULL;
    }
    size_t size = fread(text, 1, FILE_BYTES + 1, file);
    text[size <= FILE_BYTES ? size : FILE_BYTES] = '\0';
    if (ferror(file))
        refuse(error, "%.150s: %s", path, strerror(errno));
    else if (size > FILE_BYTES)
        refuse(error, "%.150s: is larger than %d bytes", path, (int)FILE_BYTES);
    else if (memchr(text, '\0', size) != NULL)
        refuse(error, "%.150s: holds a zero byte, so it is no text", path);
    else
        return text;
    free(text);
    return NULL;
}

bool rt_config_read(struct rt_config *config, const char *path, bool required, char *error)
{
    char what[RT_CONFIG_ERROR];
    FILE *file = fopen(path, "re");

    if (file == NULL && errno == ENOENT && !required)
        return true;
    if (file == NULL)
        return refuse(error, "%.150s: %s", path, strerror(errno));
    char *text = read_text(file, path, error);
    fclose(file);
    if (text == NULL)
        return false;
    bool ok = rt_config_parse(config, text, what) || refuse(error, "%.100s: %.150s", path, what);
    free(text);
    return ok;
}

/* The option table and what can be done with one row of it. For the files of config/ alone. */
#ifndef RT_CONFIG_OPTIONS_H
#define RT_CONFIG_OPTIONS_H

#include "config/config.h"

enum rt_option_type {
    RT_OPTION_ENDPOINT, /* tcp:// or ipc:// address, or empty */
    RT_OPTION_HTTP,     /* host:port, or empty */
    RT_OPTION_PATH,     /* or empty */
    RT_OPTION_INTEGER,
    RT_OPTION_BYTES,  /* integer that may end in K, M or G */
    RT_OPTION_NUMBER, /* double */
    RT_OPTION_SWITCH, /* yes or no: 1 or 0 */
};

struct rt_option {
    const char *section; /* "tier": once for [tier] and once for each [tier.NAME] */
    const char *key;
    enum rt_option_type type;
    size_t offset;        /* in struct rt_config, or in struct rt_tier */
    size_t capacity;      /* of texts, with their end */
    double low, high;     /* of numbers, both allowed */
    const char *standard; /* the default, as text */
    bool restart;         /* a change needs a restart */
    const char *doc;      /* a paragraph */
};

enum { RT_OPTION_TEXT = RT_PATH + 8 }; /* longest text of a value, with its end */

extern const struct rt_option
    rt_options[]; /* rows of one section stand together; the tier's come last */
extern const size_t rt_option_count;

extern const char *const rt_sections[]; /* in the order of the table */
extern const char *const rt_section_docs[];
extern const size_t rt_section_count;

bool rt_option_is_tier(const struct rt_option *option);

/* The row of section and key ("tier" also for tier.NAME), or NULL. */
const struct rt_option *rt_option_find(const char *section, const char *key);

/* The name nearest to a wrong one: for the sentence that refuses it. Static, never NULL. */
const char *rt_option_nearest_section(const char *section);
const char *rt_option_nearest_key(const char *section, const char *key);

/* Reads `text` into the option's field of `base` (a struct rt_config or rt_tier). False, base
 * unchanged, with what would be right in `expected` (RT_CONFIG_ERROR bytes). */
bool rt_option_store(const struct rt_option *option, void *base, const char *text, char *expected);

/* The field's value as text that rt_option_store reads back unchanged. */
void rt_option_show(const struct rt_option *option, const void *base, char text[RT_OPTION_TEXT]);

bool rt_option_equal(const struct rt_option *option, const void *a, const void *b);
void rt_option_copy(const struct rt_option *option, void *to, const void *from);

/* Whether [tier.NAME] sets the key itself. */
bool rt_config_tier_owns(const struct rt_tier *tier, const struct rt_option *option);

/* What may be given, in words: "a number of bytes from 1K to 64M". */
void rt_option_range(const struct rt_option *option, char *text, size_t size);

/* Whether an address could be bound, lightly: the scheme, a host, a port. */
bool rt_address_endpoint(const char *text);
bool rt_address_http(const char *text);

#endif

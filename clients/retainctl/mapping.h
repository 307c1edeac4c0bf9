/* --map target=column and --set key=value: which column means which key, and what to fill in. Pure.
 */
#ifndef RT_RETAINCTL_MAPPING_H
#define RT_RETAINCTL_MAPPING_H

#include "clients/retainctl/keys.h"

enum { RT_MAPPING_MAX = 64, RT_MAPPING_ERROR = 256 };

struct rt_map_entry {
    char *target, *column;
};

struct rt_set_entry {
    char *key;
    struct rt_buffer packed;
};

struct rt_mapping {
    struct rt_map_entry maps[RT_MAPPING_MAX];
    struct rt_set_entry sets[RT_MAPPING_MAX];
    size_t map_count, set_count;
};

/* "account=customer_id,ts=date": adds to *mapping (zero-initialise it). False with a sentence: no
 * '=', a target that is no key of an event, a target twice, too many. */
bool rt_mapping_map(struct rt_mapping *mapping, const char *text, char error[RT_MAPPING_ERROR]);
/* "type=visit,source=crm": a comma divides only where a key and '=' follow, so that values may hold
 * commas. */
bool rt_mapping_set(struct rt_mapping *mapping, const char *text, char error[RT_MAPPING_ERROR]);
void rt_mapping_free(struct rt_mapping *mapping);

/* The column that `key` is taken from by --map, NULL if none is. */
const char *rt_mapping_column(const struct rt_mapping *mapping, struct rt_span key);
/* True if a --map renames this column (it no longer goes by its own name then). */
bool rt_mapping_renames(const struct rt_mapping *mapping, struct rt_span column);
/* What to fill in for a key, NULL if nothing. */
const struct rt_set_entry *rt_mapping_preset(const struct rt_mapping *mapping, struct rt_span key);

#endif

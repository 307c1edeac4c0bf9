/* What a running daemon does not change: keys that need a restart keep their old values and are
 * named. */
#include <stdio.h>
#include <string.h>

#include "config/options.h"

static void name_key(const struct rt_option *option, char *names, size_t size)
{
    size_t used = strlen(names);

    snprintf(names + used, size - used, "%s%s.%s", used > 0 ? ", " : "", option->section,
             option->key);
}

size_t rt_config_keep_fixed(const struct rt_config *now, struct rt_config *next, char *names,
                            size_t size)
{
    size_t count = 0;

    if (size > 0)
        names[0] = '\0';
    for (size_t i = 0; i < rt_option_count; i++) {
        const struct rt_option *option = &rt_options[i];
        if (!option->restart || rt_option_equal(option, now, next))
            continue;
        if (size > 0)
            name_key(option, names, size);
        rt_option_copy(option, next, now);
        count++;
    }
    return count;
}

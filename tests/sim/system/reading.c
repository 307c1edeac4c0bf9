#include <stdio.h>
#include <string.h>

#include "tests/sim/system/world.h"

bool sim_find(struct rt_span map, const char *key, struct rt_reader *value)
{
    struct rt_reader reader = rt_reader(map);
    uint32_t pairs;

    OS_CHECK(rt_read_map(&reader, &pairs), "a reply is no map");
    for (; pairs > 0; pairs--) {
        struct rt_span name, object;

        OS_CHECK(rt_read_str(&reader, &name) && rt_read_skip(&reader, &object),
                 "a reply cannot be read");
        if (rt_span_is(name, key)) {
            *value = rt_reader(object);
            return true;
        }
    }
    return false;
}

int64_t sim_find_int(struct rt_span map, const char *key, int64_t otherwise)
{
    struct rt_reader value;
    int64_t number;

    return sim_find(map, key, &value) && rt_read_int(&value, &number) ? number : otherwise;
}

bool sim_find_text(struct rt_span map, const char *key, char *text, size_t size)
{
    struct rt_reader value;
    struct rt_span found;

    if (!sim_find(map, key, &value) || !rt_read_str(&value, &found) || found.size >= size)
        return false;
    memcpy(text, found.data, found.size);
    text[found.size] = '\0';
    return true;
}

unsigned sim_account_number(struct rt_span name)
{
    for (unsigned account = 0; account < SIM_ACCOUNTS; account++) {
        char text[24];

        sim_account_name(account, text);
        if (rt_span_is(name, text))
            return account;
    }
    return SIM_ACCOUNTS;
}

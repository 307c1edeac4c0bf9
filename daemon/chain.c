#include "daemon/chain.h"

#include <stdlib.h>

#include "protocol/assert.h"

void rt_chain_begin(struct rt_chain *chain, uint32_t log, uint64_t sequence)
{
    RT_ASSERT(chain->count == 0);
    RT_ASSERT(rt_cursor_advance(&chain->base, log, sequence));
    chain->now = chain->base;
}

/* The oldest `count` links become part of the base. */
static void forget(struct rt_chain *chain, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        rt_cursor_advance(&chain->base, chain->links[i].log, chain->links[i].sequence);
    }
    chain->count -= count;
    if (chain->count > 0) {
        memmove(chain->links, chain->links + count, chain->count * sizeof *chain->links);
    }
}

static bool make_room(struct rt_chain *chain)
{
    size_t capacity = chain->capacity == 0 ? 256 : 2 * chain->capacity;
    struct rt_chain_link *links;

    if (chain->count < chain->capacity) {
        return true;
    }
    links = capacity > RT_CHAIN_MAX ? NULL : realloc(chain->links, capacity * sizeof *links);
    if (links != NULL) {
        chain->links = links;
        chain->capacity = capacity;
        return true;
    }
    forget(chain, (chain->count + 1) / 2);
    return chain->count < chain->capacity;
}

void rt_chain_add(struct rt_chain *chain, uint32_t log, uint64_t sequence)
{
    RT_ASSERT(rt_cursor_advance(&chain->now, log, sequence));
    if (make_room(chain)) {
        chain->links[chain->count++] = (struct rt_chain_link){.log = log, .sequence = sequence};
    } else {
        chain->base = chain->now;
    }
}

void rt_chain_free(struct rt_chain *chain)
{
    free(chain->links);
    *chain = (struct rt_chain){0};
}

/* The profile of one account in one block: for each key its newest value and the (ts, id) of the
 * event that stated it. The newest ts wins, then the greater id, then (only two sources with one id
 * can differ) the greater value. A cleared key keeps its stamp. */
#ifndef RT_WORKERS_PROFILE_H
#define RT_WORKERS_PROFILE_H

#include "protocol/event.h"

/* Layout of data: u8 number of stamps; each i64 ts, u8 size, id; then for each key in order u8
 * presence | stamp << 2, and if it is set: text keys u8 size (contacts: u32), bytes; renewal i64;
 * value f64. Stamps stand in the order of their first use: a profile has one form. */
struct rt_profile {
    uint32_t size;
    uint8_t data[];
};

/* The profile after the event; *profile untouched. Sets *next to NULL if the event changes nothing.
 * False without memory. */
bool rt_profile_merge(const struct rt_profile *profile, const struct rt_event *event,
                      struct rt_profile **next);

/* Takes NULL. */
struct rt_profile_value rt_profile_get(const struct rt_profile *profile, enum rt_profile_key key);

/* Whether the bytes are a profile in its one form. */
bool rt_profile_valid(struct rt_span data);
/* A stored one, to be freed with free(). NULL if it is none, or without memory (*no_memory). */
struct rt_profile *rt_profile_load(struct rt_span data, bool *no_memory);

#endif

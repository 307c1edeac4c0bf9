/* Names and the numbers they go by, from 0 on in the order they were first heard: what is kept of
 * each stands in arrays of its own. Pure. */
#ifndef RT_RETAINCTL_BACKTEST_NAMES_H
#define RT_RETAINCTL_BACKTEST_NAMES_H

#include <stdint.h>

#include "protocol/span.h"

enum { RT_NO_NUMBER = -1 };

struct rt_names;

/* NULL without memory; the caller owns it. */
struct rt_names *rt_names_new(void);
void rt_names_free(struct rt_names *names); /* takes NULL */

/* The number of a name (at most 64 KiB long), a new one if it was not heard before. RT_NO_NUMBER
 * without memory. */
int64_t rt_names_number(struct rt_names *names, struct rt_span name);

/* The same in steps, for many names at once: what a step needs has been on its way from memory since
 * the one before. */
uint32_t rt_names_hash(const struct rt_names *names, struct rt_span name); /* and hints its slot */
void rt_names_expect(const struct rt_names *names, uint32_t hash); /* hints what it compares with */
int64_t rt_names_number_of(struct rt_names *names, struct rt_span name, uint32_t hash);

size_t rt_names_count(const struct rt_names *names);
/* Valid until the next new name. */
struct rt_span rt_names_name(const struct rt_names *names, size_t number);

#endif

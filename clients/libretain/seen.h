/* The newest messages that were handed out, so that each is handed out once though it comes by two
 * roads. Pure. */
#ifndef RT_LIBRETAIN_SEEN_H
#define RT_LIBRETAIN_SEEN_H

#include "protocol/span.h"

enum { RT_SEEN_KEEP = 32768 };

struct rt_seen;

/* NULL without memory; the caller owns it. */
struct rt_seen *rt_seen_new(void);
void rt_seen_free(struct rt_seen *seen); /* takes NULL */

/* True if the key was not among the newest RT_SEEN_KEEP; it is now. Keys are remembered by 128 bits
 * of hash. */
bool rt_seen_add(struct rt_seen *seen, struct rt_span key);

#endif

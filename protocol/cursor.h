/* A place in the history of alerts: the publication number of the newest alert seen. The daemon
 * gives each alert a number when it publishes it (ascending, over restarts and whatever worker it
 * comes from); "0" stands before all.
 *
 * Text form, opaque to clients: lower-case hexadecimal without leading zeros. */
#ifndef RT_PROTOCOL_CURSOR_H
#define RT_PROTOCOL_CURSOR_H

#include "protocol/span.h"

enum { RT_CURSOR_TEXT = 17 };

/* False if the text is not exactly what rt_cursor_encode writes; *number is untouched then. */
bool rt_cursor_decode(struct rt_span text, uint64_t *number);
/* NUL-terminated; returns the length. */
size_t rt_cursor_encode(uint64_t number, char text[RT_CURSOR_TEXT]);

#endif

/* MessagePack to JSON, JSON to MessagePack, and JSON to standard output. */
#ifndef RT_RETAINCTL_JSON_H
#define RT_RETAINCTL_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "protocol/writer.h"
#include "retain.h"

/* The whole value: bin becomes base64 text, a timestamp ms, other extensions {"ext": type, "data":
 * base64}, NaN and infinities null, keys that are no text their JSON; bytes that are no UTF-8
 * U+FFFD. NULL: no memory, or bytes that are no MessagePack. The caller owns it. */
json_t *rt_json_of(retain_value value);

/* The same of an event, without the pairs of it whose key is no text: everybody ignores those, and as
 * text they would be keys. */
json_t *rt_json_of_event(retain_value event);

/* Appends; false if it is nested deeper than RT_NESTING. Without memory `out` is failed. */
bool rt_json_pack(struct rt_buffer *out, const json_t *json);

/* One line. Control characters stand as \uNNNN, C1 and bidirectional ones too. */
void rt_json_print(FILE *out, const json_t *json);
/* The same with numbers to their last bit, for programs. False: not written. */
bool rt_json_print_exact(FILE *out, const json_t *json);

#endif

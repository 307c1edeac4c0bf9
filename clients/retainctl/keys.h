/* The keys of an event as they are written in a CSV cell or on the command line: text to packed
 * value. Pure. */
#ifndef RT_RETAINCTL_KEYS_H
#define RT_RETAINCTL_KEYS_H

#include "protocol/reader.h"
#include "protocol/writer.h"

enum rt_key_kind {
    RT_KEY_TEXT,    /* stays as it is: 00001 */
    RT_KEY_TIME,    /* when.h */
    RT_KEY_NUMBER,  /* 1, -0.5, 1e3 */
    RT_KEY_WHOLE,   /* 1 */
    RT_KEY_BOOLEAN, /* true false yes no 1 0 */
    RT_KEY_PEOPLE,  /* a JSON array of maps */
};

enum { RT_KEY_ERROR = 160 };

/* False if events have no such key. */
bool rt_key_find(struct rt_span name, enum rt_key_kind *kind);

/* The keys one after the other; NULL after the last. */
const char *rt_key_name(size_t index);

/* Appends the packed value; false with a sentence ("ts: '31.12.' is no time (...)") if the cell
 * does not say one. */
bool rt_key_convert(struct rt_span key, enum rt_key_kind kind, struct rt_span cell,
                    struct rt_buffer *out, char error[RT_KEY_ERROR]);

#endif

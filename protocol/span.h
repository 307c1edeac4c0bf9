/* A run of bytes that somebody else owns: valid as long as the message it points into. */
#ifndef RT_PROTOCOL_SPAN_H
#define RT_PROTOCOL_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct rt_span {
    const uint8_t *data;
    size_t size;
};

static inline struct rt_span rt_span(const void *data, size_t size)
{
    return (struct rt_span){.data = data, .size = size};
}

static inline struct rt_span rt_span_text(const char *text)
{
    return rt_span(text, strlen(text));
}

static inline bool rt_span_equal(struct rt_span a, struct rt_span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool rt_span_is(struct rt_span a, const char *text)
{
    return rt_span_equal(a, rt_span_text(text));
}

/* Byte order; a prefix comes first. */
static inline int rt_span_compare(struct rt_span a, struct rt_span b)
{
    size_t n = a.size < b.size ? a.size : b.size;
    int order = n == 0 ? 0 : memcmp(a.data, b.data, n);

    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

#endif

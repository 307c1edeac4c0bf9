/* MessagePack written as text, so that a test shows what is on the wire:
 *
 *     {id: 'e1', ts: 5, n: -1.5, s: f32 0.5, on: true, gone: nil, list: [1, 2], bytes: #00ff,
 *      raw: %c1}
 *
 * A key is a bare word or any value. Within '...' \xNN is a byte and \' a quote; 'x'*65 repeats.
 * #HEX is a bin, !HEX stands for the very bytes. Everything is packed in its shortest form; numbers
 * with a point, an e, nan or inf are float 64. */
#ifndef RT_TESTS_LIB_NOTATION_H
#define RT_TESTS_LIB_NOTATION_H

#include "protocol/writer.h"

/* Appends what the text says, after printf formatting; ends the test program if it makes no sense.
 * Returns the span of what was appended, valid until `out` grows. */
struct rt_span notation(struct rt_buffer *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What a text packs to, made the first time it is asked for and kept to the end of the program: a walk over
 * failing allocations has it made when they do not fail yet, and what libc allocates for itself in there is
 * not counted when it comes, but when it goes. */
struct rt_span notation_kept(const char *text);

#endif

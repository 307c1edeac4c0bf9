/* Builds a sentence in a buffer of fixed size: always terminated, always valid UTF-8, never a
 * control byte, cut at the end of a character where it does not fit. */
#ifndef RT_WORKERS_SCORE_SENTENCE_H
#define RT_WORKERS_SCORE_SENTENCE_H

#include "protocol/span.h"

struct rt_sentence {
    char *text;
    size_t size, used;
};

/* `size` >= 4. */
struct rt_sentence rt_sentence(char *text, size_t size);

/* printf of our own words and numbers; arguments must not hold others' text. */
void rt_say(struct rt_sentence *sentence, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A name somebody else chose (valid UTF-8): at most `most` bytes of it, then "...". Control
 * characters become spaces. */
void rt_say_name(struct rt_sentence *sentence, struct rt_span name, size_t most);

/* "19 days", "1 day", "5 hours", "40 minutes", "less than a minute". */
void rt_say_duration(struct rt_sentence *sentence, int64_t ms);

/* "12 June 2026" (UTC); nothing that lies within 0..9999 is left out. */
void rt_say_date(struct rt_sentence *sentence, int64_t ms);

/* "3 tickets", "1 ticket". */
void rt_say_count(struct rt_sentence *sentence, uint64_t count, const char *one, const char *many);

#endif

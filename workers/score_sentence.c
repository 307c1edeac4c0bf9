/* Whole characters go in while they fit. What does not fit is dropped: a sentence cut short is
 * better than none. */
#include "workers/score_sentence.h"

#include "protocol/limits.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

struct rt_sentence rt_sentence(char *text, size_t size)
{
    text[0] = '\0';
    return (struct rt_sentence){.text = text, .size = size};
}

/* Bytes of the character that begins with `head`. */
static size_t character_size(uint8_t head)
{
    return head < 0x80 ? 1 : head < 0xe0 ? 2 : head < 0xf0 ? 3 : 4;
}

static bool is_control(const uint8_t *character, size_t size)
{
    if (size == 1)
        return character[0] < 0x20 || character[0] == 0x7f;
    if (size == 2) /* U+0080..U+009F */
        return character[0] == 0xc2 && character[1] < 0xa0;
    /* line and paragraph separators; marks that turn the direction of text round */
    return size == 3 && character[0] == 0xe2 && character[1] == 0x80 &&
           (character[2] == 0xa8 || character[2] == 0xa9 ||
            (character[2] >= 0xaa && character[2] <= 0xae));
}

/* False when it does not fit: nothing may follow then. */
static bool put(struct rt_sentence *sentence, const uint8_t *character, size_t size)
{
    if (sentence->used + size >= sentence->size) {
        sentence->size = sentence->used + 1;
        return false;
    }
    memcpy(sentence->text + sentence->used, character, size);
    sentence->used += size;
    sentence->text[sentence->used] = '\0';
    return true;
}

/* How many plain characters stand there, of those that fit: nearly all of a sentence goes in in one
 * piece. */
static size_t plain_characters(const struct rt_sentence *sentence, struct rt_span text)
{
    size_t room = sentence->size - sentence->used - 1, count = 0;

    while (count < text.size && count < room && text.data[count] >= 0x20 && text.data[count] < 0x7f)
        count++;
    return count;
}

/* Puts characters until one does not fit or `most` bytes are in; true if all are. */
static bool put_characters(struct rt_sentence *sentence, struct rt_span text, size_t most)
{
    const uint8_t *at = text.data, *end = text.data + text.size;

    while (at < end) {
        size_t left = (size_t)(end - at);
        size_t size = plain_characters(sentence, rt_span(at, left < most ? left : most));

        if (size > 0) {
            put(sentence, at, size);
            at += size;
            most -= size;
            continue;
        }
        size = character_size(*at);
        if (size > left || size > most)
            return false;
        if (!put(sentence, is_control(at, size) ? (const uint8_t *)" " : at,
                 is_control(at, size) ? 1 : size))
            return false;
        at += size;
        most -= size;
    }
    return true;
}

void rt_say(struct rt_sentence *sentence, const char *format, ...)
{
    char words[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(words, sizeof(words), format, arguments);
    va_end(arguments);
    put_characters(sentence, rt_span_text(words), SIZE_MAX);
}

void rt_say_name(struct rt_sentence *sentence, struct rt_span name, size_t most)
{
    if (!put_characters(sentence, name, most))
        put_characters(sentence, rt_span_text("..."), SIZE_MAX);
}

void rt_say_count(struct rt_sentence *sentence, uint64_t count, const char *one, const char *many)
{
    rt_say(sentence, "%llu %s", (unsigned long long)count, count == 1 ? one : many);
}

void rt_say_duration(struct rt_sentence *sentence, int64_t ms)
{
    int64_t minute = RT_HOUR_MS / 60;

    if (ms >= 2 * RT_DAY_MS)
        rt_say_count(sentence, (uint64_t)(ms / RT_DAY_MS), "day", "days");
    else if (ms >= RT_HOUR_MS)
        rt_say_count(sentence, (uint64_t)(ms / RT_HOUR_MS), "hour", "hours");
    else if (ms >= minute)
        rt_say_count(sentence, (uint64_t)(ms / minute), "minute", "minutes");
    else
        rt_say(sentence, "less than a minute");
}

void rt_say_date(struct rt_sentence *sentence, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm date;
    char words[40];

    if (gmtime_r(&seconds, &date) != NULL && strftime(words, sizeof(words), "%B %Y", &date) > 0)
        rt_say(sentence, "%d %s", date.tm_mday, words);
}

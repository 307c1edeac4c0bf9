/* Any bytes as the text of a cursor, and any number as a cursor. */
#include "protocol/assert.h"
#include "protocol/cursor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* There is one text for each number. */
static void text_is_sound(struct rt_span text)
{
    char again[RT_CURSOR_TEXT];
    uint64_t number;

    if (rt_cursor_decode(text, &number))
        RT_ASSERT(rt_span_equal(text, rt_span(again, rt_cursor_encode(number, again))));
}

static void number_is_sound(struct rt_span bytes)
{
    uint64_t number = 0, back;
    char text[RT_CURSOR_TEXT];

    memcpy(&number, bytes.data, bytes.size < sizeof(number) ? bytes.size : sizeof(number));
    RT_ASSERT(rt_cursor_decode(rt_span(text, rt_cursor_encode(number, text)), &back));
    RT_ASSERT(back == number);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    text_is_sound(rt_span(data, size));
    if (size > 0)
        number_is_sound(rt_span(data, size));
    return 0;
}

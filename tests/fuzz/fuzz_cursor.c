/* Any bytes as the text of a cursor, and as moves of one. */
#include "protocol/assert.h"
#include "protocol/cursor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* There is one text for each cursor. */
static void text_is_sound(struct rt_span text)
{
    struct rt_cursor cursor;
    char again[RT_CURSOR_TEXT];

    if (rt_cursor_decode(text, &cursor))
        RT_ASSERT(rt_span_equal(text, rt_span(again, rt_cursor_encode(&cursor, again))));
}

/* Two bytes a move: what the cursor passed is never after it again, and its text stays readable. */
static void moves_are_sound(struct rt_span moves)
{
    struct rt_cursor cursor = {0}, back;
    char text[RT_CURSOR_TEXT];

    for (size_t i = 0; i + 1 < moves.size; i += 2) {
        uint32_t log = moves.data[i];
        uint64_t sequence = moves.data[i + 1];

        if (rt_cursor_advance(&cursor, log, sequence))
            RT_ASSERT(!rt_cursor_before(&cursor, log, sequence));
        else
            RT_ASSERT(cursor.count == RT_WORKERS_MAX);
    }
    RT_ASSERT(rt_cursor_decode(rt_span(text, rt_cursor_encode(&cursor, text)), &back));
    RT_ASSERT(back.count == cursor.count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    text_is_sound(rt_span(data, size));
    moves_are_sound(rt_span(data, size));
    return 0;
}

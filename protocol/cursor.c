#include "protocol/cursor.h"

#include <inttypes.h>
#include <stdio.h>

static int digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool rt_cursor_decode(struct rt_span text, uint64_t *number)
{
    uint64_t read = 0;

    if (text.size == 0 || text.size >= RT_CURSOR_TEXT || (text.data[0] == '0' && text.size > 1))
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (digit(text.data[i]) < 0)
            return false;
        read = read << 4 | (uint64_t)digit(text.data[i]);
    }
    *number = read;
    return true;
}

size_t rt_cursor_encode(uint64_t number, char text[RT_CURSOR_TEXT])
{
    return (size_t)snprintf(text, RT_CURSOR_TEXT, "%" PRIx64, number);
}

/* Cursors: their text and their order.
 *
 * Failure: text that is not exactly what rt_cursor_encode writes is no cursor; there is one text
 * for each cursor. */
#include "protocol/cursor.h"

#include <inttypes.h>
#include <stdio.h>

#include "protocol/assert.h"

enum { LOG_DIGITS = 8, SEQUENCE_DIGITS = 16 };

/* Lower-case hexadecimal without leading zeros, at most `digits` of them. */
static bool hex_read(struct rt_span text, size_t *at, size_t digits, uint64_t *value)
{
    size_t start = *at;
    uint64_t result = 0;

    for (; *at < text.size && *at - start < digits; (*at)++) {
        uint8_t c = text.data[*at];

        if (c >= '0' && c <= '9')
            result = result << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            result = result << 4 | (uint64_t)(c - 'a' + 10);
        else
            break;
    }
    if (*at == start || (text.data[start] == '0' && *at - start > 1))
        return false;
    *value = result;
    return true;
}

static bool take(struct rt_span text, size_t *at, char expected)
{
    if (*at == text.size || text.data[*at] != (uint8_t)expected)
        return false;
    (*at)++;
    return true;
}

static bool pair_read(struct rt_span text, size_t *at, struct rt_cursor *cursor)
{
    uint64_t log, sequence;

    if (cursor->count == RT_WORKERS_MAX || !hex_read(text, at, LOG_DIGITS, &log) ||
        !take(text, at, '.') || !hex_read(text, at, SEQUENCE_DIGITS, &sequence))
        return false;
    if (cursor->count > 0 && log <= cursor->at[cursor->count - 1].log)
        return false;
    cursor->at[cursor->count].log = (uint32_t)log;
    cursor->at[cursor->count].sequence = sequence;
    cursor->count++;
    return true;
}

bool rt_cursor_decode(struct rt_span text, struct rt_cursor *cursor)
{
    size_t at = 0;

    cursor->count = 0;
    if (rt_span_is(text, "0"))
        return true;
    do {
        if (!pair_read(text, &at, cursor))
            return false;
    } while (take(text, &at, '-'));
    return at == text.size;
}

size_t rt_cursor_encode(const struct rt_cursor *cursor, char text[RT_CURSOR_TEXT])
{
    size_t size = 0;

    RT_ASSERT(cursor->count <= RT_WORKERS_MAX);
    if (cursor->count == 0)
        return (size_t)snprintf(text, RT_CURSOR_TEXT, "0");
    for (uint32_t i = 0; i < cursor->count; i++)
        size += (size_t)snprintf(text + size, RT_CURSOR_TEXT - size, "%s%" PRIx32 ".%" PRIx64,
                                 i == 0 ? "" : "-", cursor->at[i].log, cursor->at[i].sequence);
    return size;
}

/* The place of a log in the cursor: where it is, or where it would have to be. */
static uint32_t place(const struct rt_cursor *cursor, uint32_t log)
{
    uint32_t i = 0;

    while (i < cursor->count && cursor->at[i].log < log)
        i++;
    return i;
}

bool rt_cursor_before(const struct rt_cursor *cursor, uint32_t log, uint64_t sequence)
{
    uint32_t i = place(cursor, log);

    if (i < cursor->count && cursor->at[i].log == log)
        return sequence > cursor->at[i].sequence;
    /* Older than all that are named: seen. Otherwise it is unknown to the cursor: better twice than
     * never. */
    return i > 0 || cursor->count == 0;
}

bool rt_cursor_advance(struct rt_cursor *cursor, uint32_t log, uint64_t sequence)
{
    uint32_t i = place(cursor, log);

    if (i < cursor->count && cursor->at[i].log == log) {
        if (sequence > cursor->at[i].sequence)
            cursor->at[i].sequence = sequence;
        return true;
    }
    if (i == 0 && cursor->count > 0)
        return true;
    if (cursor->count == RT_WORKERS_MAX)
        return false;
    memmove(&cursor->at[i + 1], &cursor->at[i], (cursor->count - i) * sizeof(cursor->at[0]));
    cursor->at[i].log = log;
    cursor->at[i].sequence = sequence;
    cursor->count++;
    return true;
}

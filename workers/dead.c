#include "workers/dead.h"

#include <stdlib.h>

void rt_dead_encode(struct rt_buffer *out, const struct rt_dead_letter *letter)
{
    rt_put_u64(out, letter->sequence);
    rt_put_u64(out, (uint64_t)letter->ts);
    rt_put_u64(out, letter->bytes);
    rt_put_u8(out, (uint8_t)letter->code);
    rt_put_bytes(out, letter->reason);
    rt_put_bytes(out, letter->letter);
}

bool rt_dead_decode(struct rt_span body, struct rt_dead_letter *letter)
{
    struct rt_reader reader = rt_reader(body);
    struct rt_dead_letter read = {0};
    uint64_t ts;
    uint8_t code;

    if (!rt_get_u64(&reader, &read.sequence) || !rt_get_u64(&reader, &ts) ||
        !rt_get_u64(&reader, &read.bytes) || !rt_get_u8(&reader, &code) || code >= RT_ERROR_COUNT ||
        !rt_get_bytes(&reader, &read.reason) || !rt_get_bytes(&reader, &read.letter) ||
        !rt_read_done(&reader))
        return false;
    read.ts = (int64_t)ts;
    read.code = code;
    *letter = read;
    return true;
}

void rt_dead_free(struct rt_dead_letters *letters)
{
    free(letters->entries);
    free(letters->left);
    *letters = (struct rt_dead_letters){0};
}

/* So that a letter can go without memory. */
static bool reserve_left(struct rt_dead_letters *letters)
{
    size_t needed = letters->left_count + letters->count + 1;
    size_t capacity = letters->left_capacity ? letters->left_capacity * 2 : 16;
    rt_position *larger;

    if (needed <= letters->left_capacity)
        return true;
    capacity = capacity < needed ? needed : capacity;
    larger = realloc(letters->left, capacity * sizeof(*larger));
    if (larger == NULL)
        return false;
    letters->left = larger;
    letters->left_capacity = capacity;
    return true;
}

bool rt_dead_reserve(struct rt_dead_letters *letters)
{
    if (!reserve_left(letters))
        return false;
    if (letters->count == letters->capacity) {
        size_t capacity = letters->capacity ? letters->capacity * 2 : 16;
        struct rt_dead_entry *larger = realloc(letters->entries, capacity * sizeof(*larger));

        if (larger == NULL)
            return false;
        letters->entries = larger;
        letters->capacity = capacity;
    }
    return true;
}

bool rt_dead_add(struct rt_dead_letters *letters, const struct rt_dead_letter *letter,
                 rt_position position)
{
    if (!rt_dead_reserve(letters))
        return false;
    letters->entries[letters->count++] = (struct rt_dead_entry){
        .sequence = letter->sequence,
        .ts = letter->ts,
        .position = position,
        .kept = (uint32_t)letter->letter.size,
    };
    letters->bytes += letter->letter.size + RT_DEAD_OVERHEAD;
    if (letters->next < letter->sequence)
        letters->next = letter->sequence;
    return true;
}

static size_t index_of(const struct rt_dead_letters *letters, uint64_t sequence)
{
    size_t low = 0, high = letters->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (letters->entries[middle].sequence < sequence)
            low = middle + 1;
        else
            high = middle;
    }
    return low < letters->count && letters->entries[low].sequence == sequence ? low : SIZE_MAX;
}

const struct rt_dead_entry *rt_dead_find(const struct rt_dead_letters *letters, uint64_t sequence)
{
    size_t at = index_of(letters, sequence);

    return at == SIZE_MAX ? NULL : &letters->entries[at];
}

static void take_out(struct rt_dead_letters *letters, size_t at, size_t count)
{
    for (size_t i = at; i < at + count; i++) {
        letters->bytes -= letters->entries[i].kept + RT_DEAD_OVERHEAD;
        letters->left[letters->left_count++] = letters->entries[i].position;
    }
    memmove(letters->entries + at, letters->entries + at + count,
            (letters->count - at - count) * sizeof(*letters->entries));
    letters->count -= count;
}

bool rt_dead_remove(struct rt_dead_letters *letters, uint64_t sequence)
{
    size_t at = index_of(letters, sequence);

    if (at == SIZE_MAX)
        return false;
    take_out(letters, at, 1);
    return true;
}

void rt_dead_expire(struct rt_dead_letters *letters, int64_t before, uint64_t bytes_max)
{
    size_t old = 0;
    uint64_t bytes = letters->bytes;

    while (old < letters->count && (letters->entries[old].ts < before || bytes > bytes_max))
        bytes -= letters->entries[old++].kept + RT_DEAD_OVERHEAD;
    if (old == 0)
        return;
    take_out(letters, 0, old);
    letters->dropped += old;
}

/* Any bytes as a packed value in the hands of a program that uses the client library: whatever it
 * asks, nothing beyond the bytes is read and what it gets lies within them. */
#include "protocol/assert.h"
#include "protocol/limits.h"
#include "protocol/reader.h"
#include "retain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DEPTH = 20 };

static void within(retain_value inner, retain_value outer)
{
    RT_ASSERT(inner.at == NULL || (inner.at >= outer.at && inner.end <= outer.end));
}

static void read_scalar(retain_value value)
{
    size_t size = 0, copied;
    const char *text = retain_value_text(value, &size);
    char copy[8];

    (void)retain_value_int(value, -1);
    (void)retain_value_number(value, -1);
    (void)retain_value_bool(value, true);
    copied = retain_value_copy(value, copy, sizeof(copy));
    RT_ASSERT(copied == (text == NULL ? 0 : size));
    RT_ASSERT(copy[text == NULL ? 0 : size < sizeof(copy) ? size : sizeof(copy) - 1] == '\0');
    RT_ASSERT(retain_value_copy(value, NULL, 0) == copied);
}

static void walk(retain_value value, int depth)
{
    retain_iterator iterator = retain_iterate(value);
    size_t count = retain_value_size(value), seen = 0;
    retain_value key, item;

    read_scalar(value);
    within(retain_value_get(value, "id"), value);
    while (depth > 0 && seen <= 1000 && retain_next(&iterator, &key, &item)) {
        within(key, value);
        within(item, value);
        walk(item, depth - 1);
        seen++;
    }
    RT_ASSERT(seen <= count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    walk(retain_value_of(data, size), DEPTH);
    return 0;
}

#include "tests/lib/fuzz_import.h"

#include <xxhash.h>

#include "protocol/assert.h"
#include "protocol/limits.h"

struct tally {
    uint64_t events, bad, lines;
    uint64_t hash; /* of all that came out, in its order */
};

static bool on_event(void *arg, uint64_t line, struct rt_span packed)
{
    struct tally *tally = arg;
    struct rt_reader reader = rt_reader(packed);

    RT_ASSERT(rt_msgpack_check(packed, RT_NESTING));
    RT_ASSERT(rt_read_kind(&reader) == RT_KIND_MAP);
    tally->events++;
    tally->lines += line;
    tally->hash = XXH3_64bits_withSeed(packed.data, packed.size, tally->hash);
    return true;
}

static bool on_bad(void *arg, uint64_t line, const char *text)
{
    struct tally *tally = arg;

    RT_ASSERT(text[0] != '\0');
    tally->bad++;
    tally->lines += line;
    tally->hash = XXH3_64bits_withSeed(text, strlen(text), tally->hash);
    return true;
}

static enum rt_input_result read_all(enum rt_input_format format, const struct rt_mapping *mapping,
                                     struct rt_span bytes, size_t piece, struct tally *tally)
{
    const struct rt_sink sink = {tally, on_event, on_bad};
    struct rt_input *input = rt_input_new(format, mapping, &sink, 0);
    enum rt_input_result result = RT_INPUT_OK;

    RT_ASSERT(input != NULL);
    for (size_t at = 0; at < bytes.size && result == RT_INPUT_OK; at += piece) {
        size_t left = bytes.size - at;

        result = rt_input_feed(input, bytes.data + at, left < piece ? left : piece);
    }
    if (result == RT_INPUT_OK)
        result = rt_input_end(input);
    RT_ASSERT((result == RT_INPUT_FAILED) == (rt_input_error(input)[0] != '\0'));
    rt_input_free(input);
    return result;
}

void fuzz_import(enum rt_input_format format, const uint8_t *data, size_t size)
{
    const struct rt_span bytes = rt_span(data, size);
    struct tally whole = {0}, pieces = {0};
    struct rt_mapping mapping = {0};
    char error[RT_MAPPING_ERROR];
    enum rt_input_result first, second;

    RT_ASSERT(rt_mapping_map(&mapping, "contact=who", error));
    RT_ASSERT(rt_mapping_set(&mapping, "type=visit,account=A,ts=1", error));
    first = read_all(format, &mapping, bytes, size + 1, &whole);
    second = read_all(format, &mapping, bytes, 3, &pieces);
    RT_ASSERT(first == second && whole.events == pieces.events && whole.bad == pieces.bad);
    RT_ASSERT(whole.lines == pieces.lines && whole.hash == pieces.hash);
    rt_mapping_free(&mapping);
}

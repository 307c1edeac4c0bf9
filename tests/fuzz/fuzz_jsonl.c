/* Any bytes as JSON Lines: every event that comes out is one whole map, and the pieces the bytes
 * come in do not matter. */
#include "clients/retainctl/input.h"
#include "protocol/assert.h"
#include "protocol/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct tally {
    uint64_t events, bad, bytes, lines;
};

static bool on_event(void *arg, uint64_t line, struct rt_span packed)
{
    struct tally *tally = arg;
    struct rt_reader reader = rt_reader(packed);

    RT_ASSERT(rt_msgpack_check(packed, RT_NESTING));
    RT_ASSERT(rt_read_kind(&reader) == RT_KIND_MAP);
    tally->events++;
    tally->bytes += packed.size;
    tally->lines += line;
    return true;
}

static bool on_bad(void *arg, uint64_t line, const char *text)
{
    struct tally *tally = arg;

    RT_ASSERT(text[0] != '\0');
    tally->bad++;
    tally->lines += line;
    return true;
}

static enum rt_input_result read_all(const struct rt_mapping *mapping, const uint8_t *data,
                                     size_t size, size_t piece, struct tally *tally)
{
    const struct rt_sink sink = {tally, on_event, on_bad};
    struct rt_input *input = rt_input_new(RT_FORMAT_JSONL, mapping, &sink, 0);
    enum rt_input_result result = RT_INPUT_OK;

    RT_ASSERT(input != NULL);
    for (size_t at = 0; at < size && result == RT_INPUT_OK; at += piece)
        result = rt_input_feed(input, data + at, size - at < piece ? size - at : piece);
    if (result == RT_INPUT_OK)
        result = rt_input_end(input);
    RT_ASSERT((result == RT_INPUT_FAILED) == (rt_input_error(input)[0] != '\0'));
    rt_input_free(input);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tally whole = {0}, pieces = {0};
    struct rt_mapping mapping = {0};
    char error[RT_MAPPING_ERROR];
    enum rt_input_result first, second;

    RT_ASSERT(rt_mapping_map(&mapping, "contact=who", error));
    RT_ASSERT(rt_mapping_set(&mapping, "type=visit,account=A,ts=1", error));
    first = read_all(&mapping, data, size, size + 1, &whole);
    second = read_all(&mapping, data, size, 3, &pieces);
    RT_ASSERT(first == second && whole.events == pieces.events && whole.bad == pieces.bad);
    RT_ASSERT(whole.bytes == pieces.bytes && whole.lines == pieces.lines);
    rt_mapping_free(&mapping);
    return 0;
}

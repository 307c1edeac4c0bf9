/* Any bytes as a segment of the journal: the scan gives out records and gaps that lie one behind the
 * other and cover all of it up to where it says that it ends, and a record that it gives out can be
 * written again.
 *
 * The first byte of the input: even, the rest is the file as it stands; odd, the rest stands behind
 * a good header and its records have their checksums. */
#include <errno.h>

#include "protocol/assert.h"
#include "tests/lib/fuzz_folder.h"
#include "tests/lib/fuzz_seal.h"
#include "workers/segment_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LOG = 1, NUMBER = 2 };

/* What is encoded again has the same bytes (padding is zeroes, whatever stood there). */
static void record_is_sound(const struct rt_segment_scan *scan,
                            const struct rt_segment_found *found)
{
    const struct rt_record *record = &found->record;
    struct rt_record again;
    struct rt_buffer bytes = {0};
    size_t space;

    RT_ASSERT(record->type >= RT_RECORD_EVENT && record->type <= RT_RECORD_END);
    RT_ASSERT(record->partition <= UINT16_MAX && record->body.size <= RT_RECORD_BODY_MAX);
    RT_ASSERT(found->space == rt_record_space(record->body.size));
    RT_ASSERT(rt_buffer_reserve(&bytes, found->space));
    rt_record_encode(bytes.data, scan->header.epoch, found->offset, record);
    RT_ASSERT(rt_record_decode(bytes.data, found->space, scan->header.epoch, found->offset, &again,
                               &space) == RT_RECORD_GOOD);
    RT_ASSERT(space == found->space && again.previous == record->previous);
    RT_ASSERT(rt_span_equal(again.body, record->body));
    rt_buffer_free(&bytes);
}

static void scan_all(struct rt_segment_scan *scan)
{
    uint64_t expected = scan->offset;
    struct rt_segment_found found;
    enum rt_segment_result result;

    while ((result = rt_segment_scan_next(scan, &found)) == RT_SCAN_RECORD ||
           result == RT_SCAN_GAP) {
        RT_ASSERT(found.offset == expected && found.space > 0);
        if (result == RT_SCAN_RECORD)
            record_is_sound(scan, &found);
        expected += found.space;
        RT_ASSERT(expected <= scan->limit && scan->offset == expected);
    }
    RT_ASSERT(result == RT_SCAN_END && found.offset == expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rt_buffer file = {0};
    struct rt_segment_scan scan;
    char name[RT_SEGMENT_NAME];

    if (size == 0)
        return 0;
    if (data[0] % 2 == 1)
        fuzz_seal_segment(&file, LOG, NUMBER, rt_span(data + 1, size - 1));
    else
        rt_buffer_append(&file, data + 1, size - 1);
    rt_segment_name(name, LOG, NUMBER);
    fuzz_folder_write(name, rt_buffer_span(&file));
    if (rt_segment_scan_open(&scan, fuzz_folder(), LOG, NUMBER, 0, 0))
        scan_all(&scan);
    else
        RT_ASSERT(data[0] % 2 == 0 && (errno == EBADMSG || errno == EPROTONOSUPPORT));
    rt_segment_scan_close(&scan);
    rt_buffer_free(&file);
    return 0;
}

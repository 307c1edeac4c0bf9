/* Any bytes as a file of curves, and as points that wait for one. What is understood of them is
 * written again without a fault and is the same then. */
#include <stdlib.h>
#include <xxhash.h>

#include "protocol/assert.h"
#include "workers/curve_file.h"
#include "workers/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PARTITION = 7 };

static void write_again(const struct rt_curve_table *table)
{
    struct rt_buffer bytes = {0}, same = {0};
    struct rt_curve_table again;
    struct rt_curve_fault fault;

    rt_curve_table_encode(table, PARTITION, &bytes);
    RT_ASSERT(rt_curve_table_decode(rt_buffer_span(&bytes), PARTITION, &again, &fault));
    RT_ASSERT(fault.what == NULL && again.count == table->count);
    rt_curve_table_encode(&again, PARTITION, &same);
    RT_ASSERT(rt_span_equal(rt_buffer_span(&bytes), rt_buffer_span(&same)));
    rt_curve_table_free(&again);
    rt_buffer_free(&bytes);
    rt_buffer_free(&same);
}

/* A fuzzer does not guess checksums: those of the header and of every record are made right. */
static void seal(uint8_t *bytes, size_t size)
{
    if (size >= RT_CURVE_HEADER)
        rt_store_u64(bytes + RT_CURVE_HEADER - 8, XXH3_64bits(bytes, RT_CURVE_HEADER - 8));
    for (size_t at = RT_CURVE_HEADER; at + RT_CURVE_RECORD <= size; at += RT_CURVE_RECORD)
        rt_store_u64(bytes + at + RT_CURVE_RECORD - 8,
                     XXH3_64bits(bytes + at, RT_CURVE_RECORD - 8));
}

static void read_sealed(const uint8_t *data, size_t size)
{
    struct rt_buffer bytes = {0};
    struct rt_curve_table table;
    struct rt_curve_fault fault;

    rt_buffer_append(&bytes, data, size);
    seal(bytes.data, bytes.size);
    RT_ASSERT(rt_curve_table_decode(rt_buffer_span(&bytes), PARTITION, &table, &fault));
    write_again(&table);
    rt_curve_table_free(&table);
    rt_buffer_free(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rt_curve_table table;
    struct rt_curve_fault fault;
    struct rt_curve_entry entry;
    struct rt_buffer points = {0};
    size_t at = 0;

    read_sealed(data, size);
    RT_ASSERT(rt_curve_table_decode(rt_span(data, size), PARTITION, &table, &fault));
    write_again(&table);
    RT_ASSERT(rt_curve_table_take(&table, rt_span(data, size)));
    write_again(&table);
    while (rt_curve_entry_next(rt_span(data, size), &at, &entry))
        rt_curve_table_remove(&table, &entry.key);
    rt_buffer_append(&points, data, size);
    at = 0;
    if (rt_curve_entry_next(rt_span(data, size), &at, &entry)) {
        struct rt_curve_key key = entry.key;

        rt_curve_drop(&points, &key);
        for (at = 0; rt_curve_entry_next(rt_buffer_span(&points), &at, &entry);)
            RT_ASSERT(rt_curve_key_compare(&entry.key, &key) != 0);
    }
    rt_curve_table_free(&table);
    rt_buffer_free(&points);
    return 0;
}

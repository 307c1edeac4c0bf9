/* The bytes of a file of curves.
 *
 *     offset  size
 *          0     8  magic "rtcurve\n"
 *          8     4  version
 *         12     4  partition
 *         16     8  number of records
 *         24    32  zero
 *         56     8  XXH3-64 of the 56 bytes before
 *         64   224  each record, ascending by high, then low half of its key:
 *                     0  16  key, low half and high half
 *                    16   4  newest day with a point; -1: none
 *                    20  90  points of days, of day d at d % 90; half points, 255: none
 *                   110 104  points of weeks, of the one that ends on day d at d / 7 % 104
 *                   214   2  zero
 *                   216   8  XXH3-64 of the 216 bytes before
 *
 * To change it: raise RT_CURVE_VERSION, decode the old one into the same struct; docs/FORMATS.md. */
#include "workers/curve_file.h"

#include <assert.h>
#include <stdlib.h>
#include <xxhash.h>

#include "workers/record.h"

enum {
    HEADER_SUM = 56,
    AT_LAST = 16,
    AT_DAYS = 20,
    AT_WEEKS = AT_DAYS + RT_CURVE_DAYS,
    RECORD_SUM = 216,
};

static_assert(AT_WEEKS + RT_CURVE_WEEKS <= RECORD_SUM, "a record has room for a curve");

static const char foreign[] = "it is of a version this program does not know";
static const uint8_t magic[8] = {'r', 't', 'c', 'u', 'r', 'v', 'e', '\n'};

const char *rt_curve_header_decode(struct rt_span bytes, uint32_t partition, uint64_t *count)
{
    if (bytes.size < RT_CURVE_HEADER)
        return "it is cut short";
    if (memcmp(bytes.data, magic, sizeof(magic)) != 0 ||
        rt_load_u64(bytes.data + HEADER_SUM) != XXH3_64bits(bytes.data, HEADER_SUM))
        return "its header is damaged";
    if (rt_load_u32(bytes.data + 8) != RT_CURVE_VERSION)
        return foreign;
    if (rt_load_u32(bytes.data + 12) != partition)
        return "it is of another partition";
    *count = rt_load_u64(bytes.data + 16);
    return NULL;
}

bool rt_curve_record_decode(const uint8_t at[RT_CURVE_RECORD], struct rt_curve_at *record)
{
    uint32_t last = rt_load_u32(at + AT_LAST);

    if (rt_load_u64(at + RECORD_SUM) != XXH3_64bits(at, RECORD_SUM) ||
        (last > INT32_MAX && last != UINT32_MAX))
        return false;
    record->key = (struct rt_curve_key){rt_load_u64(at), rt_load_u64(at + 8)};
    record->curve.last = (int32_t)last;
    memcpy(record->curve.days, at + AT_DAYS, RT_CURVE_DAYS);
    memcpy(record->curve.weeks, at + AT_WEEKS, RT_CURVE_WEEKS);
    return true;
}

static void encode_record(uint8_t *at, const struct rt_curve_at *record)
{
    memset(at, 0, RT_CURVE_RECORD);
    rt_store_u64(at, record->key.low);
    rt_store_u64(at + 8, record->key.high);
    rt_store_u32(at + AT_LAST, (uint32_t)record->curve.last);
    memcpy(at + AT_DAYS, record->curve.days, RT_CURVE_DAYS);
    memcpy(at + AT_WEEKS, record->curve.weeks, RT_CURVE_WEEKS);
    rt_store_u64(at + RECORD_SUM, XXH3_64bits(at, RECORD_SUM));
}

static void note_fault(struct rt_curve_fault *fault, const char *what, uint64_t offset)
{
    if (fault->what == NULL)
        *fault = (struct rt_curve_fault){.what = what, .offset = offset};
}

static bool follows(const struct rt_curve_table *table, const struct rt_curve_at *record)
{
    return table->count == 0 ||
           rt_curve_key_compare(&table->all[table->count - 1].key, &record->key) < 0;
}

bool rt_curve_table_decode(struct rt_span bytes, uint32_t partition, struct rt_curve_table *table,
                           struct rt_curve_fault *fault)
{
    uint64_t count = 0, there;

    *table = (struct rt_curve_table){0};
    *fault = (struct rt_curve_fault){.what = rt_curve_header_decode(bytes, partition, &count)};
    fault->foreign = fault->what == foreign;
    if (fault->what != NULL)
        return true;
    there = (bytes.size - RT_CURVE_HEADER) / RT_CURVE_RECORD;
    if (there < count)
        note_fault(fault, "it is cut short", bytes.size);
    else if (bytes.size != RT_CURVE_HEADER + count * RT_CURVE_RECORD)
        note_fault(fault, "bytes follow its records", RT_CURVE_HEADER + count * RT_CURVE_RECORD);
    if (there > count)
        there = count;
    table->all = calloc(there + 1, sizeof(*table->all));
    if (table->all == NULL)
        return false;
    for (uint64_t i = 0; i < there; i++) {
        uint64_t offset = RT_CURVE_HEADER + i * RT_CURVE_RECORD;
        struct rt_curve_at *record = &table->all[table->count];

        if (rt_curve_record_decode(bytes.data + offset, record) && follows(table, record))
            table->count++;
        else
            note_fault(fault, "a record is damaged", offset);
    }
    return true;
}

void rt_curve_table_encode(const struct rt_curve_table *table, uint32_t partition,
                           struct rt_buffer *out)
{
    uint8_t bytes[RT_CURVE_RECORD] = {0};

    memcpy(bytes, magic, sizeof(magic));
    rt_store_u32(bytes + 8, RT_CURVE_VERSION);
    rt_store_u32(bytes + 12, partition);
    rt_store_u64(bytes + 16, table->count);
    rt_store_u64(bytes + HEADER_SUM, XXH3_64bits(bytes, HEADER_SUM));
    rt_buffer_append(out, bytes, RT_CURVE_HEADER);
    for (size_t i = 0; i < table->count; i++) {
        encode_record(bytes, &table->all[i]);
        rt_buffer_append(out, bytes, RT_CURVE_RECORD);
    }
}

void rt_curve_table_free(struct rt_curve_table *table)
{
    free(table->all);
    *table = (struct rt_curve_table){0};
}

static int by_key(const void *a, const void *b)
{
    return rt_curve_key_compare(&((const struct rt_curve_at *)a)->key,
                                &((const struct rt_curve_at *)b)->key);
}

static struct rt_curve_at *find(struct rt_curve_at *all, size_t count,
                                const struct rt_curve_key *key)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = rt_curve_key_compare(&all[middle].key, key);

        if (order == 0)
            return &all[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Makes room for those that have no record yet, in order. False without memory. */
static bool add_new(struct rt_curve_table *table, struct rt_span points)
{
    struct rt_curve_entry entry;
    size_t at = 0, count = table->count, unique = 0;
    struct rt_curve_at *all;

    while (rt_curve_entry_next(points, &at, &entry))
        count++;
    all = realloc(table->all, (count + 1) * sizeof(*all));
    if (all == NULL)
        return false;
    table->all = all;
    count = table->count;
    for (at = 0; rt_curve_entry_next(points, &at, &entry);)
        if (find(all, table->count, &entry.key) == NULL) {
            all[count].key = entry.key;
            rt_curve_init(&all[count++].curve);
        }
    if (count == table->count)
        return true;
    qsort(all, count, sizeof(*all), by_key);
    for (size_t i = 0; i < count; i++)
        if (unique == 0 || by_key(&all[unique - 1], &all[i]) != 0)
            all[unique++] = all[i];
    table->count = unique;
    return true;
}

bool rt_curve_table_take(struct rt_curve_table *table, struct rt_span points)
{
    struct rt_curve_entry entry;
    size_t at = 0;

    if (!add_new(table, points))
        return false;
    while (rt_curve_entry_next(points, &at, &entry))
        rt_curve_take_entry(&find(table->all, table->count, &entry.key)->curve, &entry);
    return true;
}

const struct rt_curve *rt_curve_table_find(const struct rt_curve_table *table,
                                           const struct rt_curve_key *key)
{
    const struct rt_curve_at *record = find(table->all, table->count, key);

    return record == NULL ? NULL : &record->curve;
}

void rt_curve_table_remove(struct rt_curve_table *table, const struct rt_curve_key *key)
{
    struct rt_curve_at *record = find(table->all, table->count, key);

    if (record == NULL)
        return;
    table->count--;
    memmove(record, record + 1, (size_t)(table->all + table->count - record) * sizeof(*record));
}

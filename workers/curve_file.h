/* The curves of a partition's accounts on disk: STATE_DIR/curves/PPPP.curve, records of fixed size in
 * the order of their keys, the whole file written anew (PPPP.new, fsync, rename, fsync of the
 * folder) when points are taken in.
 *
 * Points are taken in before the snapshot that covers their events is saved; until then a start
 * makes them again from the journal. Points that are there already are not taken again, so that
 * neither a crash nor two starts matter. What is damaged is left out: such a curve begins anew, and
 * nothing else depends on it. Layout: docs/FORMATS.md. */
#ifndef RT_WORKERS_CURVE_FILE_H
#define RT_WORKERS_CURVE_FILE_H

#include "workers/curve.h"

enum {
    RT_CURVE_VERSION = 1,
    RT_CURVE_HEADER = 64,
    RT_CURVE_RECORD = 224,
};

/* What stands in a file. Damaged records are not in it; *damaged, unless NULL, is then the offset of
 * the first, and why. Owns its memory. */
struct rt_curve_table {
    struct rt_curve_at {
        struct rt_curve_key key;
        struct rt_curve curve;
    } * all;
    size_t count;
};
struct rt_curve_fault {
    const char *what; /* NULL: nothing is damaged */
    uint64_t offset;
    bool foreign; /* of a later program: not to be written */
};
/* NULL and the number of records, or what is wrong; and of one record. */
const char *rt_curve_header_decode(struct rt_span bytes, uint32_t partition, uint64_t *count);
bool rt_curve_record_decode(const uint8_t bytes[RT_CURVE_RECORD], struct rt_curve_at *record);
/* False without memory. */
bool rt_curve_table_decode(struct rt_span bytes, uint32_t partition, struct rt_curve_table *table,
                           struct rt_curve_fault *fault);
void rt_curve_table_encode(const struct rt_curve_table *table, uint32_t partition,
                           struct rt_buffer *out);
/* Takes points in. False without memory (unchanged). */
bool rt_curve_table_take(struct rt_curve_table *table, struct rt_span points);
/* NULL if there is none; valid until the table changes. */
const struct rt_curve *rt_curve_table_find(const struct rt_curve_table *table,
                                           const struct rt_curve_key *key);
void rt_curve_table_remove(struct rt_curve_table *table, const struct rt_curve_key *key);
void rt_curve_table_free(struct rt_curve_table *table);

/* Writes the partition's file anew with the points taken in and, unless NULL, without one account.
 * Nothing to do is done. False with a sentence in error: the file is as it was. */
bool rt_curve_file_take(const char *state_dir, uint32_t partition, struct rt_span points,
                        const struct rt_curve_key *without, char *error, size_t error_size);

/* All of a partition: an empty table if there is no file. False if it cannot be read. */
bool rt_curve_file_load(const char *state_dir, uint32_t partition, struct rt_curve_table *table);

/* One account's curve. False if there is none that can be read; *curve is untouched then. */
bool rt_curve_file_find(const char *state_dir, uint32_t partition, const struct rt_curve_key *key,
                        struct rt_curve *curve);

/* The bytes of a file, to be freed by the caller; false with errno (ENOENT: there is none). */
bool rt_curve_file_read(const char *state_dir, uint32_t partition, struct rt_buffer *bytes);
/* Makes a file of those bytes. False with a sentence. */
bool rt_curve_file_write(const char *state_dir, uint32_t partition, struct rt_span bytes,
                         char *error, size_t error_size);

#endif

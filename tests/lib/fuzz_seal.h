/* Checksums that are right whatever stands behind them, so that a fuzzer's files are read further
 * than to their first hash. */
#ifndef TESTS_LIB_FUZZ_SEAL_H
#define TESTS_LIB_FUZZ_SEAL_H

#include "protocol/writer.h"
#include "workers/segment.h"

enum { FUZZ_EPOCH = 0x5eed };

/* Appends to *file a segment: a good header of log, number and epoch FUZZ_EPOCH, then the bytes,
 * padded with zeroes to a multiple of 8, in which every record that can be one has its checksum, as
 * far as one follows the other. The file is as long as that, the header says RT_SEGMENT_BYTES_MIN.
 * Bytes that do not fit are left out. */
void fuzz_seal_segment(struct rt_buffer *file, uint32_t log, uint32_t number, struct rt_span bytes);

/* Appends a snapshot file of that partition and position with the content. */
void fuzz_seal_snapshot(struct rt_buffer *file, uint32_t partition, rt_position position,
                        struct rt_span content);

/* Appends an erasure's intent with as many entries as the bytes hold. */
void fuzz_seal_intent(struct rt_buffer *file, struct rt_span entries);

#endif

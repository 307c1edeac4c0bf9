/* A blocked Bloom filter: 'certainly not in the run' at the price of one cache line. Ten bits an
 * identity, four tests, one yes for nothing in about seventy. Pure. */
#ifndef RT_WORKERS_DEDUPE_FILTER_H
#define RT_WORKERS_DEDUPE_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RT_FILTER_BITS = 10, RT_FILTER_WORDS = 4 };

/* 256 bits: one in each word for every identity. */
struct rt_filter_block {
    uint64_t words[RT_FILTER_WORDS];
};

/* Number of blocks for so many identities, at least 1. */
static inline size_t rt_filter_blocks(uint64_t identities)
{
    return (size_t)(identities * RT_FILTER_BITS / (8 * sizeof(struct rt_filter_block))) + 1;
}

/* The low half chooses the block: runs are sorted by the high one. */
static inline size_t rt_filter_place(uint64_t identity, size_t blocks)
{
    return (size_t)(((identity & 0xffffffff) * (uint64_t)blocks) >> 32);
}

/* The bit of each word: six bits of the high half. */
static inline uint64_t rt_filter_bit(uint64_t identity, unsigned word)
{
    return UINT64_C(1) << (identity >> (34 + 6 * word) & 63);
}

static inline void rt_filter_add(struct rt_filter_block *filter, size_t blocks, uint64_t identity)
{
    struct rt_filter_block *block = &filter[rt_filter_place(identity, blocks)];

    for (unsigned i = 0; i < RT_FILTER_WORDS; i++) {
        block->words[i] |= rt_filter_bit(identity, i);
    }
}

static inline bool rt_filter_has(const struct rt_filter_block *filter, size_t blocks,
                                 uint64_t identity)
{
    const struct rt_filter_block *block = &filter[rt_filter_place(identity, blocks)];
    bool has = true;

    for (unsigned i = 0; i < RT_FILTER_WORDS; i++) {
        has &= (block->words[i] & rt_filter_bit(identity, i)) != 0;
    }
    return has;
}

#endif

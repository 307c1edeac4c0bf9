/* A blocked Bloom filter: 'certainly not in the run' at the price of one cache line. About ten bits
 * an identity, one in a hundred says yes for nothing. Pure. */
#ifndef RT_WORKERS_DEDUPE_FILTER_H
#define RT_WORKERS_DEDUPE_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RT_FILTER_BITS = 10, RT_FILTER_WORDS = 8 };

/* 256 bits: one in each word for every identity. */
struct rt_filter_block {
    uint32_t words[RT_FILTER_WORDS];
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

static inline void rt_filter_mask(uint64_t identity, uint32_t mask[RT_FILTER_WORDS])
{
    static const uint32_t salts[RT_FILTER_WORDS] = {0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d,
                                                    0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31};
    uint32_t high = (uint32_t)(identity >> 32) ^ (uint32_t)identity;

    for (size_t i = 0; i < RT_FILTER_WORDS; i++) {
        mask[i] = UINT32_C(1) << ((high * salts[i]) >> 27);
    }
}

static inline void rt_filter_add(struct rt_filter_block *filter, size_t blocks, uint64_t identity)
{
    struct rt_filter_block *block = &filter[rt_filter_place(identity, blocks)];
    uint32_t mask[RT_FILTER_WORDS];

    rt_filter_mask(identity, mask);
    for (size_t i = 0; i < RT_FILTER_WORDS; i++) {
        block->words[i] |= mask[i];
    }
}

static inline bool rt_filter_has(const struct rt_filter_block *filter, size_t blocks,
                                 uint64_t identity)
{
    const struct rt_filter_block *block = &filter[rt_filter_place(identity, blocks)];
    uint32_t mask[RT_FILTER_WORDS], missing = 0;

    rt_filter_mask(identity, mask);
    for (size_t i = 0; i < RT_FILTER_WORDS; i++) {
        missing |= mask[i] & ~block->words[i];
    }
    return missing == 0;
}

#endif

/* Random numbers that are the same everywhere: xoshiro256** (Blackman and Vigna, public domain),
 * seeded by splitmix64. */
#ifndef RT_RETAINCTL_DICE_H
#define RT_RETAINCTL_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct rt_dice {
    uint64_t state[4];
};

static inline uint64_t rt_dice_mix(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Different streams of one seed do not touch. */
static inline struct rt_dice rt_dice(uint64_t seed, uint64_t stream)
{
    struct rt_dice dice;
    uint64_t mixed = seed ^ rt_dice_mix(&stream);

    for (int i = 0; i < 4; i++)
        dice.state[i] = rt_dice_mix(&mixed);
    return dice;
}

static inline uint64_t rt_dice_rotate(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

static inline uint64_t rt_dice_roll(struct rt_dice *dice)
{
    uint64_t *s = dice->state, result = rt_dice_rotate(s[1] * 5, 7) * 9, t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rt_dice_rotate(s[3], 45);
    return result;
}

/* 0 .. n - 1, n > 0; the bias of at most n / 2^32 does not matter here. */
static inline uint32_t rt_dice_below(struct rt_dice *dice, uint32_t n)
{
    return (uint32_t)((rt_dice_roll(dice) >> 32) * n >> 32);
}

/* low .. high */
static inline int32_t rt_dice_between(struct rt_dice *dice, int32_t low, int32_t high)
{
    return low + (int32_t)rt_dice_below(dice, (uint32_t)(high - low + 1));
}

/* True `chance` times in 1000. */
static inline bool rt_dice_chance(struct rt_dice *dice, uint32_t chance)
{
    return rt_dice_below(dice, 1000) < chance;
}

#endif

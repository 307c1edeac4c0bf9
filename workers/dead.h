/* Dead letters: what nobody could be told about. The bytes stand in the journal, this is their
 * index by partition, bounded by age and by bytes (oldest go first, counted).
 *
 * Body of a DEAD record: u64 sequence, i64 ts (ms), u64 bytes of the whole letter, u8 error code,
 * u32 size + reason, u32 size + the first RT_DEAD_BYTES of the letter. */
#ifndef RT_WORKERS_DEAD_H
#define RT_WORKERS_DEAD_H

#include "protocol/errors.h"
#include "protocol/reader.h"
#include "protocol/writer.h"
#include "workers/journal.h"

struct rt_dead_letter {
    uint64_t sequence; /* its id is <partition>-<sequence> */
    int64_t ts;
    uint64_t bytes; /* of the whole letter */
    enum rt_error code;
    struct rt_span reason, letter;
};

struct rt_dead_entry {
    uint64_t sequence;
    int64_t ts;
    rt_position position;
    uint32_t kept; /* bytes in the journal */
};

/* An empty letter costs memory, too. */
enum { RT_DEAD_OVERHEAD = 64 };

struct rt_dead_letters {
    struct rt_dead_entry *entries; /* ascending by sequence */
    size_t count, capacity;
    rt_position *left; /* records of letters that went, until somebody overwrites them; has room for
                          all that are there */
    size_t left_count, left_capacity;
    uint64_t next;    /* sequence of the next one; starts at 0, so ids from 1 are next + 1 */
    uint64_t bytes;   /* kept ones and RT_DEAD_OVERHEAD each: what the limit counts */
    uint64_t dropped; /* went for their age or for room */
};

void rt_dead_encode(struct rt_buffer *out, const struct rt_dead_letter *letter);
bool rt_dead_decode(struct rt_span body, struct rt_dead_letter *letter);

void rt_dead_free(struct rt_dead_letters *letters);
/* Room for one more: the next add cannot fail. False without memory. */
bool rt_dead_reserve(struct rt_dead_letters *letters);
/* False without memory. Keeps `next` beyond the sequence. */
bool rt_dead_add(struct rt_dead_letters *letters, const struct rt_dead_letter *letter,
                 rt_position position);
const struct rt_dead_entry *rt_dead_find(const struct rt_dead_letters *letters, uint64_t sequence);
bool rt_dead_remove(struct rt_dead_letters *letters, uint64_t sequence);
/* Drops what is older than `before` and what exceeds `bytes_max`. */
void rt_dead_expire(struct rt_dead_letters *letters, int64_t before, uint64_t bytes_max);

#endif

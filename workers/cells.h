/* What was seen when: amounts by kind in absolute buckets of four weeks, sparse, sorted, in one
 * block.
 *
 * The window keeps the sum a function of the set of events. Good kinds reach RT_CELLS_WINDOW
 * buckets back from the newest good one; bad kinds as far back from the last contact, and
 * everything after it. (Were bad ones counted from the newest event, one of them could push an
 * older one out and so raise a score.) Time is bounded by the present, so this is too: about 730
 * buckets since 1970. */
#ifndef RT_WORKERS_CELLS_H
#define RT_WORKERS_CELLS_H

#include "protocol/limits.h"
#include "protocol/span.h"

enum { RT_CELLS_WINDOW = 64, RT_CELL_DAYS = 28, RT_CELL_MAX_BUCKET = UINT16_MAX };

enum rt_cell_kind {
    /* good ones, and the count of sentiments */
    RT_CELL_ANSWERED,        /* calls */
    RT_CELL_HELD,            /* visits */
    RT_CELL_DELIVERED,       /* mails */
    RT_CELL_REPLIES,         /* mails of ours in a conversation */
    RT_CELL_SENTIMENT_GOOD,  /* sum of positive sentiment, in RT_CELL_UNIT */
    RT_CELL_SENTIMENT_COUNT, /* all sentiments, also neutral ones */
    RT_CELL_CSAT_GOOD,       /* in halves: 5 is 2, 4 is 1 */
    /* bad ones */
    RT_CELL_UNANSWERED,
    RT_CELL_NO_SHOW,
    RT_CELL_BOUNCED,
    RT_CELL_SENTIMENT_BAD,
    RT_CELL_CSAT_BAD, /* in halves: 1 is 2, 2 is 1 */
    RT_CELL_KINDS,
    RT_CELL_FIRST_BAD = RT_CELL_UNANSWERED,
};

enum { RT_CELL_UNIT = 10000 };

struct rt_cell {
    uint16_t bucket; /* days since the epoch / 28 */
    uint8_t kind;
    uint32_t amount; /* 1.., stays at UINT32_MAX */
};

struct rt_cells {
    uint16_t count, capacity;
    struct rt_cell cells[]; /* by bucket, then kind */
};

uint16_t rt_cells_bucket(int64_t ts);

/* Room for `more` cells that are not there yet. False without memory. */
bool rt_cells_reserve(struct rt_cells **cells, unsigned more);

/* Adds; room must have been reserved. `last_contact_bucket`: where the window of bad kinds ends, -1
 * without any contact. */
void rt_cells_add(struct rt_cells *cells, uint16_t bucket, enum rt_cell_kind kind, uint32_t amount,
                  int32_t last_contact_bucket);

/* The last contact has moved: lets bad cells go that are now too old. Takes NULL. */
void rt_cells_trim(struct rt_cells *cells, int32_t last_contact_bucket);

/* Bucket of the newest good cell, -1 if there is none. Takes NULL. */
int32_t rt_cells_newest_good(const struct rt_cells *cells);

size_t rt_cells_bytes(const struct rt_cells *cells); /* asked of malloc; takes NULL */

#endif

/* Sorted insertion into a small block. Only rt_cells_reserve can fail. */
#include "workers/cells.h"

#include "protocol/assert.h"

#include <stdlib.h>

uint16_t rt_cells_bucket(int64_t ts)
{
    int64_t bucket = ts / (RT_DAY_MS * RT_CELL_DAYS);

    if (ts < 0)
        return 0;
    return bucket > RT_CELL_MAX_BUCKET ? RT_CELL_MAX_BUCKET : (uint16_t)bucket;
}

size_t rt_cells_bytes(const struct rt_cells *cells)
{
    return cells == NULL ? 0 : sizeof(*cells) + cells->capacity * sizeof(cells->cells[0]);
}

bool rt_cells_reserve(struct rt_cells **cells, unsigned more)
{
    unsigned count = *cells == NULL ? 0 : (*cells)->count;
    unsigned capacity = *cells == NULL ? 0 : (*cells)->capacity;
    struct rt_cells *grown;

    if (count + more <= capacity)
        return true;
    capacity = count + more;
    capacity += count / 8; /* few cells grow one by one: most accounts have few */
    if (capacity > UINT16_MAX)
        return false;
    grown = realloc(*cells, sizeof(*grown) + capacity * sizeof(grown->cells[0]));
    if (grown == NULL)
        return false;
    grown->count = (uint16_t)count;
    grown->capacity = (uint16_t)capacity;
    *cells = grown;
    return true;
}

static uint32_t key(unsigned bucket, unsigned kind)
{
    return bucket << 8 | kind;
}

/* Where the key stands or belongs. New events are mostly the newest: from the end. */
static unsigned find(const struct rt_cells *cells, uint32_t wanted)
{
    unsigned at = cells->count;

    while (at > 0 && key(cells->cells[at - 1].bucket, cells->cells[at - 1].kind) >= wanted)
        at--;
    return at;
}

static bool is_good(unsigned kind)
{
    return kind < RT_CELL_FIRST_BAD;
}

int32_t rt_cells_newest_good(const struct rt_cells *cells)
{
    for (unsigned at = cells == NULL ? 0 : cells->count; at > 0; at--)
        if (is_good(cells->cells[at - 1].kind))
            return cells->cells[at - 1].bucket;
    return -1;
}

/* Removes cells of one sort (good or bad) with a bucket below `floor`. */
static void drop(struct rt_cells *cells, bool good, int32_t floor)
{
    unsigned kept = 0;

    if (cells->count == 0 || cells->cells[0].bucket >= floor)
        return;
    for (unsigned i = 0; i < cells->count; i++)
        if (is_good(cells->cells[i].kind) != good || cells->cells[i].bucket >= floor)
            cells->cells[kept++] = cells->cells[i];
    cells->count = (uint16_t)kept;
}

void rt_cells_trim(struct rt_cells *cells, int32_t last_contact_bucket)
{
    if (cells != NULL && last_contact_bucket >= 0)
        drop(cells, false, last_contact_bucket - (RT_CELLS_WINDOW - 1));
}

void rt_cells_add(struct rt_cells *cells, uint16_t bucket, enum rt_cell_kind kind, uint32_t amount,
                  int32_t last_contact_bucket)
{
    int32_t newest = is_good(kind) ? rt_cells_newest_good(cells) : last_contact_bucket;
    uint32_t wanted = key(bucket, kind);
    unsigned at;

    if (amount == 0 || (newest >= 0 && bucket < newest - (RT_CELLS_WINDOW - 1)))
        return;
    if (is_good(kind))
        drop(cells, true, bucket - (RT_CELLS_WINDOW - 1));
    at = find(cells, wanted);
    if (at == cells->count || key(cells->cells[at].bucket, cells->cells[at].kind) != wanted) {
        RT_ASSERT(cells->count < cells->capacity);
        memmove(&cells->cells[at + 1], &cells->cells[at],
                (cells->count - at) * sizeof(cells->cells[0]));
        cells->cells[at] = (struct rt_cell){.bucket = bucket, .kind = (uint8_t)kind};
        cells->count++;
    }
    if (amount > UINT32_MAX - cells->cells[at].amount)
        cells->cells[at].amount = UINT32_MAX;
    else
        cells->cells[at].amount += amount;
}

#include "workers/dedupe_fresh.h"

#include <stdlib.h>

enum { CAPACITY_MIN = 4096, BITS_MIN = 13, BITS_MAX = 31 };

void rt_fresh_free(struct rt_fresh *fresh)
{
    free(fresh->entries);
    free(fresh->slots);
    *fresh = (struct rt_fresh){0};
}

static uint32_t tag(const struct rt_fresh *fresh, uint64_t identity)
{
    return (uint32_t)(identity >> 32) >> fresh->bits << fresh->bits;
}

static size_t after(const struct rt_fresh *fresh, size_t slot)
{
    return (slot + 1) & (((size_t)1 << fresh->bits) - 1);
}

static void place(struct rt_fresh *fresh, size_t index)
{
    uint64_t identity = fresh->entries[index].identity;
    size_t slot = rt_fresh_home(fresh, identity);

    while (fresh->slots[slot] != 0) {
        slot = after(fresh, slot);
    }
    fresh->slots[slot] = tag(fresh, identity) | ((uint32_t)index + 1);
}

/* Three quarters of the slots are used at most. */
static bool grow_slots(struct rt_fresh *fresh)
{
    unsigned bits = fresh->slots == NULL ? BITS_MIN : fresh->bits + 1;
    uint32_t *larger;

    if (fresh->slots != NULL && fresh->count + 1 <= ((size_t)1 << fresh->bits) / 4 * 3) {
        return true;
    }
    larger = bits > BITS_MAX ? NULL : calloc((size_t)1 << bits, sizeof(*larger));
    if (larger == NULL) {
        return false;
    }
    free(fresh->slots);
    fresh->slots = larger;
    fresh->bits = bits;
    for (size_t i = 0; i < fresh->count; i++) {
        place(fresh, i);
    }
    return true;
}

static bool grow_entries(struct rt_fresh *fresh)
{
    size_t capacity = fresh->capacity == 0 ? CAPACITY_MIN : fresh->capacity + fresh->capacity / 2;
    struct rt_entry *larger;

    if (fresh->count < fresh->capacity) {
        return true;
    }
    larger = realloc(fresh->entries, capacity * sizeof(*larger));
    if (larger == NULL) {
        return false;
    }
    fresh->entries = larger;
    fresh->capacity = capacity;
    return true;
}

bool rt_fresh_add(struct rt_fresh *fresh, uint64_t identity, rt_position position)
{
    if (!grow_entries(fresh) || !grow_slots(fresh)) {
        return false;
    }
    fresh->entries[fresh->count] = (struct rt_entry){.identity = identity, .position = position};
    place(fresh, fresh->count++);
    return true;
}

void rt_fresh_find(const struct rt_fresh *fresh, uint64_t identity, rt_position *found,
                   size_t *count, size_t max)
{
    if (fresh->slots == NULL) {
        return;
    }
    for (size_t slot = rt_fresh_home(fresh, identity); fresh->slots[slot] != 0 && *count < max;
         slot = after(fresh, slot)) {
        uint32_t value = fresh->slots[slot];
        size_t index = (value & (((uint32_t)1 << fresh->bits) - 1)) - 1;

        if (value - (uint32_t)index - 1 == tag(fresh, identity) && index < fresh->count &&
            fresh->entries[index].identity == identity) {
            found[(*count)++] = fresh->entries[index].position;
        }
    }
}

void rt_fresh_cut(struct rt_fresh *fresh, size_t count)
{
    fresh->count = count; /* slots of the others stay taken and match nothing */
}

size_t rt_fresh_bytes(const struct rt_fresh *fresh)
{
    return fresh->capacity * sizeof(*fresh->entries) +
           (fresh->slots == NULL ? 0 : ((size_t)1 << fresh->bits) * sizeof(*fresh->slots));
}

/* ---- sorting ------------------------------------------------------------------------------ */

static int compare(const void *left, const void *right)
{
    const struct rt_entry *a = left, *b = right;

    if (a->identity != b->identity) {
        return a->identity < b->identity ? -1 : 1;
    }
    return (a->position > b->position) - (a->position < b->position);
}

static void insertion_sort(struct rt_entry *entries, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct rt_entry entry = entries[i];
        size_t k = i;

        for (; k > 0 && compare(&entries[k - 1], &entry) > 0; k--) {
            entries[k] = entries[k - 1];
        }
        entries[k] = entry;
    }
}

static size_t bucket(uint64_t identity, size_t buckets)
{
    return (size_t)(((identity >> 32) * (uint64_t)buckets) >> 32);
}

/* Identities are hashes, so each lands near its place in one pass. Somebody who makes hashes
 * collide only gets the ordinary sort. */
static void scatter(struct rt_entry *entries, size_t count, struct rt_entry *copy, uint32_t *ends)
{
    enum { SMALL = 24 };
    size_t start = 0;

    memcpy(copy, entries, count * sizeof(*copy));
    for (size_t i = 0; i < count; i++) {
        ends[bucket(copy[i].identity, count)]++;
    }
    for (size_t i = 1; i < count; i++) {
        ends[i] += ends[i - 1];
    }
    for (size_t i = count; i-- > 0;) {
        entries[--ends[bucket(copy[i].identity, count)]] = copy[i];
    }
    for (size_t i = 0; i < count; i++) { /* ends[i] is the bucket's start now */
        size_t end = i + 1 < count ? ends[i + 1] : count;

        if (end - start > SMALL) {
            qsort(entries + start, end - start, sizeof(*entries), compare);
        } else {
            insertion_sort(entries + start, end - start);
        }
        start = end;
    }
}

bool rt_entries_sort(struct rt_entry *entries, size_t count)
{
    struct rt_entry *copy = malloc(count * sizeof(*copy) + 1);
    uint32_t *ends = calloc(count + 1, sizeof(*ends));
    bool sorted = copy != NULL && ends != NULL && count <= UINT32_MAX;

    if (sorted) {
        scatter(entries, count, copy, ends);
    }
    free(copy);
    free(ends);
    return sorted;
}

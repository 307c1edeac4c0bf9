/* Decoded into an array of keys, merged, and written again as one block. Blocks are made here or
 * have passed rt_profile_valid, so that reading them trusts them. */
#include "workers/profile.h"

#include <endian.h>
#include <stdlib.h>

struct stamp {
    int64_t ts;
    struct rt_span id;
};

struct entry {
    struct stamp stamp;
    struct rt_profile_value value;
};

enum { STAMP_SHIFT = 2, PRESENCE_MASK = 3 };

static bool is_number(unsigned key)
{
    return key == RT_PROFILE_RENEWAL || key == RT_PROFILE_VALUE;
}

/* Bytes that say how long a text is. */
static size_t text_head(unsigned key)
{
    return key == RT_PROFILE_CONTACTS ? 4 : 1;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* A checked cursor; every take fails once one has. */
struct cursor {
    const uint8_t *at, *end;
    bool failed;
};

static const uint8_t *take(struct cursor *cursor, size_t size)
{
    const uint8_t *at = cursor->at;

    if (cursor->failed || (size_t)(cursor->end - cursor->at) < size) {
        cursor->failed = true;
        return NULL;
    }
    cursor->at += size;
    return at;
}

static unsigned take_u8(struct cursor *cursor)
{
    const uint8_t *at = take(cursor, 1);

    return at == NULL ? 0 : at[0];
}

static int64_t take_i64(struct cursor *cursor)
{
    const uint8_t *at = take(cursor, 8);
    uint64_t value = 0;

    if (at != NULL)
        memcpy(&value, at, sizeof(value));
    return (int64_t)le64toh(value);
}

static uint32_t take_u32(struct cursor *cursor)
{
    const uint8_t *at = take(cursor, 4);

    return at == NULL
               ? 0
               : at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static struct rt_span take_text(struct cursor *cursor, size_t size)
{
    const uint8_t *at = take(cursor, size);

    return rt_span(at, at == NULL ? 0 : size);
}

static struct rt_profile_value take_value(struct cursor *cursor, unsigned key, unsigned presence)
{
    struct rt_profile_value value = {.presence = (enum rt_presence)presence};

    if (presence != RT_KEY_SET)
        return value;
    if (key == RT_PROFILE_RENEWAL) {
        value.renewal = take_i64(cursor);
    } else if (key == RT_PROFILE_VALUE) {
        int64_t bits = take_i64(cursor);
        memcpy(&value.value, &bits, sizeof(value.value));
    } else {
        value.text =
            take_text(cursor, key == RT_PROFILE_CONTACTS ? take_u32(cursor) : take_u8(cursor));
    }
    return value;
}

/* False if the bytes are no profile. */
static bool unpack(struct rt_span data, struct entry entries[RT_PROFILE_KEYS])
{
    struct cursor cursor = {.at = data.data, .end = data.data + data.size};
    struct stamp stamps[RT_PROFILE_KEYS] = {0};
    unsigned count = take_u8(&cursor);

    if (count > RT_PROFILE_KEYS)
        return false;
    for (unsigned i = 0; i < count; i++) {
        stamps[i].ts = take_i64(&cursor);
        stamps[i].id = take_text(&cursor, take_u8(&cursor));
    }
    for (unsigned key = 0; key < RT_PROFILE_KEYS; key++) {
        unsigned head = take_u8(&cursor), presence = head & PRESENCE_MASK;

        if (presence > RT_KEY_SET ||
            (presence == RT_KEY_ABSENT ? head != 0 : head >> STAMP_SHIFT >= count))
            return false;
        entries[key] = (struct entry){.value = take_value(&cursor, key, presence)};
        if (presence != RT_KEY_ABSENT)
            entries[key].stamp = stamps[head >> STAMP_SHIFT];
    }
    return !cursor.failed && cursor.at == cursor.end;
}

static const uint8_t *skip_value(const uint8_t *at, unsigned key, unsigned presence)
{
    uint32_t size;

    if (presence != RT_KEY_SET)
        return at;
    if (is_number(key))
        return at + 8;
    if (key != RT_PROFILE_CONTACTS)
        return at + 1 + at[0];
    memcpy(&size, at, sizeof(size));
    return at + sizeof(size) + le32toh(size);
}

/* Every judgement asks for two of them: what stands before the one that is wanted is stepped over, and
 * trusted. */
struct rt_profile_value rt_profile_get(const struct rt_profile *profile, enum rt_profile_key key)
{
    struct cursor cursor;
    const uint8_t *at;
    unsigned presence;

    if (profile == NULL)
        return (struct rt_profile_value){.presence = RT_KEY_ABSENT};
    at = profile->data;
    for (unsigned stamps = *at++; stamps > 0; stamps--)
        at += 8 + 1 + at[8];
    for (unsigned i = 0; i < (unsigned)key; i++) {
        presence = *at++ & PRESENCE_MASK;
        at = skip_value(at, i, presence);
    }
    presence = *at++ & PRESENCE_MASK;
    cursor = (struct cursor){.at = at, .end = profile->data + profile->size};
    return take_value(&cursor, key, presence);
}

/* ---- writing --------------------------------------------------------------------------------- */

struct table {
    struct stamp stamps[RT_PROFILE_KEYS];
    unsigned count;
    unsigned of[RT_PROFILE_KEYS]; /* stamp of each key */
};

static void index_stamps(const struct entry entries[RT_PROFILE_KEYS], struct table *table)
{
    table->count = 0;
    for (unsigned key = 0; key < RT_PROFILE_KEYS; key++) {
        const struct stamp *stamp = &entries[key].stamp;
        unsigned i = 0;

        table->of[key] = 0;
        if (entries[key].value.presence == RT_KEY_ABSENT)
            continue;
        while (i < table->count &&
               (table->stamps[i].ts != stamp->ts || !rt_span_equal(table->stamps[i].id, stamp->id)))
            i++;
        if (i == table->count)
            table->stamps[table->count++] = *stamp;
        table->of[key] = i;
    }
}

static size_t packed_size(const struct entry entries[RT_PROFILE_KEYS], const struct table *table)
{
    size_t size = 1 + RT_PROFILE_KEYS;

    for (unsigned i = 0; i < table->count; i++)
        size += 8 + 1 + table->stamps[i].id.size;
    for (unsigned key = 0; key < RT_PROFILE_KEYS; key++)
        if (entries[key].value.presence == RT_KEY_SET)
            size += is_number(key) ? 8 : text_head(key) + entries[key].value.text.size;
    return size;
}

static uint8_t *put_i64(uint8_t *at, int64_t value)
{
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)((uint64_t)value >> (8 * i));
    return at + 8;
}

static uint8_t *put_text(uint8_t *at, struct rt_span text)
{
    if (text.size > 0)
        memcpy(at, text.data, text.size);
    return at + text.size;
}

static uint8_t *put_value(uint8_t *at, unsigned key, const struct rt_profile_value *value)
{
    int64_t bits;

    if (key == RT_PROFILE_RENEWAL)
        return put_i64(at, value->renewal);
    if (key == RT_PROFILE_VALUE) {
        memcpy(&bits, &value->value, sizeof(bits));
        return put_i64(at, bits);
    }
    for (size_t i = 0; i < text_head(key); i++)
        *at++ = (uint8_t)(value->text.size >> (8 * i));
    return put_text(at, value->text);
}

static void pack(uint8_t *at, const struct entry entries[RT_PROFILE_KEYS],
                 const struct table *table)
{
    *at++ = (uint8_t)table->count;
    for (unsigned i = 0; i < table->count; i++) {
        at = put_i64(at, table->stamps[i].ts);
        *at++ = (uint8_t)table->stamps[i].id.size;
        at = put_text(at, table->stamps[i].id);
    }
    for (unsigned key = 0; key < RT_PROFILE_KEYS; key++) {
        const struct rt_profile_value *value = &entries[key].value;

        *at++ = (uint8_t)((unsigned)value->presence | table->of[key] << STAMP_SHIFT);
        if (value->presence == RT_KEY_SET)
            at = put_value(at, key, value);
    }
}

/* ---- merging --------------------------------------------------------------------------------- */

static int compare_values(unsigned key, const struct rt_profile_value *a,
                          const struct rt_profile_value *b)
{
    if (a->presence != b->presence)
        return a->presence > b->presence ? 1 : -1;
    if (a->presence != RT_KEY_SET)
        return 0;
    if (key == RT_PROFILE_RENEWAL)
        return (a->renewal > b->renewal) - (a->renewal < b->renewal);
    if (key == RT_PROFILE_VALUE)
        return (a->value > b->value) - (a->value < b->value);
    return rt_span_compare(a->text, b->text);
}

static bool is_newer(unsigned key, const struct entry *a, const struct entry *b)
{
    int order;

    if (b->value.presence == RT_KEY_ABSENT)
        return true;
    if (a->stamp.ts != b->stamp.ts)
        return a->stamp.ts > b->stamp.ts;
    order = rt_span_compare(a->stamp.id, b->stamp.id);
    return order != 0 ? order > 0 : compare_values(key, &a->value, &b->value) > 0;
}

bool rt_profile_merge(const struct rt_profile *profile, const struct rt_event *event,
                      struct rt_profile **next)
{
    struct entry entries[RT_PROFILE_KEYS] = {0};
    struct table table;
    bool changed = false;
    size_t size;

    *next = NULL;
    if (profile != NULL)
        unpack(rt_span(profile->data, profile->size), entries);
    for (unsigned key = 0; key < RT_PROFILE_KEYS; key++) {
        struct entry stated = {{event->ts, event->id}, event->profile[key]};

        if (stated.value.presence == RT_KEY_ABSENT || !is_newer(key, &stated, &entries[key]))
            continue;
        entries[key] = stated;
        changed = true;
    }
    if (!changed)
        return true;
    index_stamps(entries, &table);
    size = packed_size(entries, &table);
    *next = malloc(sizeof(**next) + size);
    if (*next == NULL)
        return false;
    (*next)->size = (uint32_t)size;
    pack((*next)->data, entries, &table);
    return true;
}

static bool value_valid(unsigned key, const struct rt_profile_value *value)
{
    if (value->presence != RT_KEY_SET)
        return true;
    if (key == RT_PROFILE_VALUE)
        return value->value >= 0 && value->value <= 1.7976931348623157e308;
    return is_number(key) || value->text.size > 0;
}

struct rt_profile *rt_profile_load(struct rt_span data, bool *no_memory)
{
    struct entry entries[RT_PROFILE_KEYS];
    struct rt_profile *profile;
    struct table table;

    *no_memory = false;
    if (!unpack(data, entries))
        return NULL;
    for (unsigned key = 0; key < RT_PROFILE_KEYS; key++)
        if (!value_valid(key, &entries[key].value))
            return NULL;
    index_stamps(entries, &table);
    if (packed_size(entries, &table) != data.size || table.count == 0)
        return NULL;
    profile = malloc(sizeof(*profile) + data.size);
    *no_memory = profile == NULL;
    if (profile == NULL)
        return NULL;
    profile->size = (uint32_t)data.size;
    pack(profile->data, entries, &table);
    if (memcmp(profile->data, data.data, data.size) == 0)
        return profile;
    free(profile);
    return NULL;
}

bool rt_profile_valid(struct rt_span data)
{
    bool no_memory;
    struct rt_profile *profile = rt_profile_load(data, &no_memory);

    free(profile);
    return profile != NULL;
}

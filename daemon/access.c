/* See access.h. */
#include "daemon/access.h"

#include <stdlib.h>

#include "protocol/assert.h"

enum { FIRST_CAPACITY = 16 };

void rt_access_clear(struct rt_access *access)
{
    for (size_t i = 0; i < access->count; i++) {
        rt_key_clear(&access->keys[i]);
    }
    free(access->keys);
    *access = (struct rt_access){0};
}

bool rt_access_add(struct rt_access *access, const struct rt_key *key)
{
    if (access->count == access->capacity) {
        size_t capacity = access->capacity == 0 ? FIRST_CAPACITY : 2 * access->capacity;
        struct rt_key *grown = realloc(access->keys, capacity * sizeof *grown);

        if (grown == NULL) {
            return false;
        }
        access->keys = grown;
        access->capacity = capacity;
    }
    access->keys[access->count++] = *key;
    return true;
}

static int by_public_key(const void *left, const void *right)
{
    const struct rt_key *a = left, *b = right;

    return memcmp(a->public_key, b->public_key, RT_KEY_TEXT);
}

void rt_access_seal(struct rt_access *access, rt_access_twin *found, void *context)
{
    size_t kept = 0, end;

    if (access->count > 0) {
        qsort(access->keys, access->count, sizeof *access->keys, by_public_key);
    }
    for (size_t at = 0; at < access->count; at = end) {
        for (end = at + 1;
             end < access->count && by_public_key(&access->keys[at], &access->keys[end]) == 0;) {
            end++;
        }
        if (end - at == 1) {
            access->keys[kept++] = access->keys[at];
            continue;
        }
        for (size_t twin = at; twin < end; twin++) {
            found(context, &access->keys[twin]);
            rt_key_clear(&access->keys[twin]);
        }
    }
    access->count = kept;
}

struct rt_key *rt_access_find(const struct rt_access *access, struct rt_span public_key)
{
    struct rt_key wanted;

    if (public_key.data == NULL || public_key.size != RT_KEY_TEXT - 1 || access->count == 0) {
        return NULL;
    }
    memcpy(wanted.public_key, public_key.data, public_key.size);
    wanted.public_key[public_key.size] = '\0';
    return bsearch(&wanted, access->keys, access->count, sizeof *access->keys, by_public_key);
}

const struct rt_key *rt_access_of(const struct rt_access *access, struct rt_span public_key)
{
    return access->asked ? rt_access_find(access, public_key) : &rt_key_anyone;
}

bool rt_access_silences(const struct rt_access *now, const struct rt_access *next)
{
    for (size_t i = 0; i < now->count; i++) {
        const struct rt_key *old = &now->keys[i];
        const struct rt_key *new = rt_access_find(next, rt_span(old->public_key, RT_KEY_TEXT - 1));

        if (rt_key_may_enter(old, RT_DOOR_ALERTS) && (new == NULL || !rt_key_equal(old, new))) {
            return true;
        }
    }
    return false;
}

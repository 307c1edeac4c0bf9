/* A binary heap whose top is the first to go. */
#include "workers/shortlist.h"

#include <stdlib.h>

bool rt_shortlist_init(struct rt_shortlist *list, size_t limit)
{
    struct rt_shortlist_item *items = malloc(limit * sizeof(*items));

    if (items == NULL)
        return false;
    *list = (struct rt_shortlist){.items = items, .limit = limit};
    return true;
}

void rt_shortlist_free(struct rt_shortlist *list)
{
    free(list->items);
    *list = (struct rt_shortlist){0};
}

static int compare(const struct rt_shortlist_item *a, const struct rt_shortlist_item *b)
{
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    if (a->second != b->second)
        return a->second < b->second ? -1 : 1;
    return rt_span_compare(rt_account_name(a->account), rt_account_name(b->account));
}

static void swap(struct rt_shortlist_item *a, struct rt_shortlist_item *b)
{
    struct rt_shortlist_item moved = *a;

    *a = *b;
    *b = moved;
}

static void sift_up(struct rt_shortlist *list, size_t at)
{
    while (at > 0 && compare(&list->items[at], &list->items[(at - 1) / 2]) > 0) {
        swap(&list->items[at], &list->items[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static void sift_down(struct rt_shortlist *list, size_t at)
{
    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= list->count)
            return;
        if (child + 1 < list->count && compare(&list->items[child + 1], &list->items[child]) > 0)
            child++;
        if (compare(&list->items[at], &list->items[child]) >= 0)
            return;
        swap(&list->items[at], &list->items[child]);
        at = child;
    }
}

void rt_shortlist_offer(struct rt_shortlist *list, double key, double second,
                        const struct rt_account *account)
{
    struct rt_shortlist_item item = {key, second, account};

    if (list->count < list->limit) {
        list->items[list->count++] = item;
        sift_up(list, list->count - 1);
    } else if (compare(&item, &list->items[0]) < 0) {
        list->items[0] = item;
        sift_down(list, 0);
    }
}

static int in_order(const void *a, const void *b)
{
    return compare(a, b);
}

void rt_shortlist_sort(struct rt_shortlist *list)
{
    qsort(list->items, list->count, sizeof(*list->items), in_order);
}

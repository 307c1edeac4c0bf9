/* See unread.h. */
#include "daemon/unread.h"

#include <stdlib.h>

struct counted {
    atomic_size_t *all, *one;
    size_t bytes;
    uint8_t data[];
};

/* In libzmq's thread. A counter of one peer at 0 lets the peer go: nothing may follow. */
static void released(void *data, void *hint)
{
    struct counted *counted = hint;
    atomic_size_t *one = counted->one;
    size_t bytes = counted->bytes;

    (void)data;
    atomic_fetch_sub_explicit(counted->all, bytes, memory_order_relaxed);
    free(counted);
    if (one != NULL) {
        atomic_fetch_sub_explicit(one, bytes, memory_order_release);
    }
}

bool rt_unread_message(zmq_msg_t *message, struct rt_span payload, size_t bytes, atomic_size_t *all,
                       atomic_size_t *one)
{
    struct counted *counted = malloc(sizeof *counted + payload.size);

    if (counted == NULL) {
        return false;
    }
    *counted = (struct counted){.all = all, .one = one, .bytes = bytes};
    memcpy(counted->data, payload.data, payload.size);
    if (zmq_msg_init_data(message, counted->data, payload.size, released, counted) != 0) {
        free(counted);
        return false;
    }
    atomic_fetch_add_explicit(all, bytes, memory_order_relaxed);
    if (one != NULL) {
        atomic_fetch_add_explicit(one, bytes, memory_order_relaxed);
    }
    return true;
}

/* One DEALER connection: correlation numbers out and in, and word of a connection that was lost. */
#ifndef RT_LIBRETAIN_CHANNEL_H
#define RT_LIBRETAIN_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "clients/libretain/key.h"
#include "protocol/span.h"

struct rt_channel {
    void *socket;
    void *monitor;
    bool connected; /* the handshake is done */
    bool broken;    /* a connection broke and no other has followed it yet */
};

/* Connects in the background. OK, BAD_ADDRESS, NO_MEMORY, SYSTEM. *channel is the caller's:
 * rt_channel_close. */
int rt_channel_open(struct rt_channel *channel, void *context, const char *address,
                    const struct rt_client_key *key);
/* Takes one that was never opened (zeroed). */
void rt_channel_close(struct rt_channel *channel);

/* True if the message was taken for a connection that exists now. */
bool rt_channel_send(struct rt_channel *channel, uint64_t number, struct rt_span payload);

/* Looks at the socket's state anew: a receive may have taken in the word that there is a connection
 * now, and with it the edge that would have told of it. */
bool rt_channel_can_send(struct rt_channel *channel);

/* The next reply: its number, and its payload in *payload, valid until rt_channel_release. False if
 * there is none now. Replies without a number of ours are dropped. */
struct rt_incoming {
    _Alignas(8) unsigned char message[64]; /* a zmq_msg_t */
};
bool rt_channel_receive(struct rt_channel *channel, struct rt_incoming *incoming, uint64_t *number,
                        struct rt_span *payload);
void rt_channel_release(struct rt_incoming *incoming);

/* True if the connection was lost since the last call (it may be back already). */
bool rt_channel_lost(struct rt_channel *channel);

/* The descriptors to wait on: of the socket and of its monitor. */
void rt_channel_descriptors(const struct rt_channel *channel, int fds[2]);

#endif

/* One ZeroMQ socket on the event loop. The only code that knows ZMQ_FD.
 *
 * ZMQ_FD is edge-triggered, and any call on the socket may swallow the edge. So whatever happens to
 * a socket (its descriptor fires, something was sent on it, reading was resumed, 200 ms have
 * passed) ends in one pump: messages are taken until there are none, reading is paused, or the
 * budget is spent; then a zero-timeout event goes on after the other descriptors had their turn. */
#ifndef RT_DAEMON_ZSOCKET_H
#define RT_DAEMON_ZSOCKET_H

#include <event2/event.h>
#include <zmq.h>

#include "daemon/connections.h"
#include "daemon/envelope.h"
#include "daemon/peer.h"

enum { RT_ADDRESS_TEXT = 300 };

struct rt_zsocket;

/* What a socket does with what comes. */
struct rt_zsocket_user {
    /* Takes one message (rt_zsocket_receive). False: nothing was there. */
    bool (*take)(void *context);
    /* After each pump that took something; may be NULL. */
    void (*after)(void *context);
    void *context;
};

struct rt_zsocket {
    void *socket; /* NULL: not open */
    const char *name;
    char address[RT_ADDRESS_TEXT]; /* resolved, once bound */
    struct event *readable, *kick;
    struct rt_zsocket_user user;
    bool reading, kicked;
    int64_t now_ns;                     /* when the pump last looked at the clock */
    size_t unlooked;                    /* bytes taken since */
    struct rt_connections *connections; /* its guard's; NULL: it has none */
};

enum rt_zsocket_result { RT_RECEIVED, RT_NOTHING, RT_DROPPED };

/* Creates a socket whose messages have at most twice `message_bytes`; `unsent` of them may wait for
 * a peer that does not read (bounds.h). False with a sentence in error: nothing is open. */
bool rt_zsocket_open(struct rt_zsocket *zsocket, void *context, int type, const char *name,
                     size_t message_bytes, int unsent, char *error, size_t error_size);
/* Makes it speak CURVE as a server with this secret key (Z85), and ask `domain` of ZAP whom to let
 * in. To be called before it is bound. */
bool rt_zsocket_ask_keys(struct rt_zsocket *zsocket, const char *server_key, const char *domain,
                         char *error, size_t error_size);
/* Binds it. `descriptor` >= 0 is a listening socket that systemd opened: it is duplicated and used
 * in place of `address`. Reading starts with rt_zsocket_attach and rt_zsocket_read. */
bool rt_zsocket_bind(struct rt_zsocket *zsocket, const char *address, int descriptor, char *error,
                     size_t error_size);
/* Puts an open socket on the loop. False without memory. */
bool rt_zsocket_attach(struct rt_zsocket *zsocket, struct event_base *base,
                       struct rt_zsocket_user user);
/* Takes a socket off the loop and closes it; what was sent is still delivered (bounded by its
 * linger). Takes a closed one. */
void rt_zsocket_close(struct rt_zsocket *zsocket);

/* Reads from now on, or not. */
void rt_zsocket_read(struct rt_zsocket *zsocket, bool on);

/* Something may have moved: pump soon. Takes a closed one. */
void rt_zsocket_kick(struct rt_zsocket *zsocket);

/* The next message: frames before the last into *envelope (it has the identity at most at the
 * call), the last into *payload, which the caller closes. RT_DROPPED: a message was there and was
 * thrown away, its envelope beyond the limits. On RT_NOTHING and RT_DROPPED *payload is closed and
 * the envelope empty. */
enum rt_zsocket_result rt_zsocket_receive(struct rt_zsocket *zsocket, struct rt_envelope *envelope,
                                          zmq_msg_t *payload);

/* The peer that sent this message is one that speaks. */
void rt_zsocket_heard(struct rt_zsocket *zsocket, zmq_msg_t *message);

/* Sends the envelope's frames and the payload without waiting, and keeps account of what `peer`,
 * one of `peers`, has not read. False: the peer is gone or does not read, all is dropped. */
bool rt_zsocket_send(struct rt_zsocket *zsocket, const struct rt_envelope *envelope,
                     struct rt_span payload, struct rt_peers *peers, struct rt_peer *peer);

#endif

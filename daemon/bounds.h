/* What strangers can make the daemon hold, bounded: every number that is no key of the
 * configuration. Those an administrator may change are limits.* and workers.window_bytes of the
 * option table; docs/OPERATIONS.md adds them up. */
#ifndef RT_DAEMON_BOUNDS_H
#define RT_DAEMON_BOUNDS_H

enum {
    /* Connections. */
    RT_HANDSHAKE_MS = 3000, /* a peer that has not introduced itself by then is dropped */
    RT_BACKLOG = 1024,      /* connections the kernel holds until they are accepted */
    RT_KEEPALIVE_IDLE_S = 60,
    RT_HTTP_CONNECTIONS = 256, /* beyond them the oldest goes */
    RT_HTTP_IDLE_S = 5,
    RT_HTTP_TOTAL_MS = 10000, /* from its accept to the last byte of its answer */
    RT_HTTP_HEADER_BYTES = 8 << 10,
    RT_HTTP_BODY_BYTES = 1 << 10,
    RT_ENDPOINTS = 4, /* of ZeroMQ, each with limits.connections */
    /* For HTTP, workers (64 at most) and libraries: no peer's. */
    RT_RESERVED_DESCRIPTORS = RT_HTTP_CONNECTIONS + 128,

    RT_LARGE_BLOCK = 1 << 20, /* bytes from which on memory is given back at once */
    /* How often the daemon looks how much memory it has: often, the less there is left. */
    RT_LOOK_MS = 200,
    RT_LOOK_LEAST_MS = 5,
    RT_LOOK_CONNECTIONS = 100, /* and one ms more for so many connections */
    RT_FLOOD_MS = 2 << 20,     /* bytes that all peers together may bring in a ms */
    RT_CALM_PART = 64, /* less than this part of limits.memory_bytes in a window: no flood */

    /* Messages waiting in libzmq, per peer: it counts messages, so bytes are counted here. */
    RT_RECEIVE_HWM = 100, /* unread by us: a thousand would be no bound, and no faster. Fixed: see
                             docs/adr/019 */
    RT_UNSENT_REPLIES = 100000, /* a client may have many pushes in flight, all answered at once */
    RT_UNSENT_ANSWERS = 2000,
    RT_UNSENT_ALERTS = 10000,

    /* Unread answers: limits.unread_bytes bounds all of an endpoint's. */
    RT_UNREAD_PART = 4,         /* one peer may hold this part of them, or one answer */
    RT_UNREAD_SMALL = 64 << 10, /* beyond them, what still reaches a peer that has read all */
    RT_UNREAD_SETTLE = 4 << 10, /* unread bytes are known this exactly, per peer */
    RT_FRAME_COST = 64,         /* of libzmq, for each frame that waits */

    /* Fair between peers. */
    RT_FAIR_SHARE = 16,  /* a peer with more than this part of a window in flight is heavy: */
    RT_FAIR_RESERVE = 4, /* this part of the window is not for it */

    /* Subscriptions, of which limits.subscriptions is the number. */
    RT_TOPIC_BYTES = 1024, /* of a topic; twice that ends the connection */
    RT_TOPIC_PART = 32,    /* a topic counts once, and once more for so many bytes */

    /* Queries under way. */
    RT_ASKS_MAX = 4096,
    RT_ASKS_BYTES_MAX = 64 << 20, /* requests and parts of answers */
};

#endif

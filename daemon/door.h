/* The four ZeroMQ endpoints as doors: opened with CURVE where keys are asked for, and whose key a
 * message came with.
 *
 * A door that can be reached from elsewhere without keys is not opened, unless
 * access.open_to_anyone says so: the address that was really bound is what counts. */
#ifndef RT_DAEMON_DOOR_H
#define RT_DAEMON_DOOR_H

#include "daemon/access.h"
#include "daemon/guard.h"
#include "daemon/zsocket.h"

struct rt_daemon;

/* What `access` in the configuration leads to. */
struct rt_doors {
    struct rt_access access;
    char server_key[RT_KEY_TEXT]; /* secret; the alerts' socket needs it each time it is opened */
};

/* Reads the server's key and the folder of keys, if keys are to be asked for. False with a sentence
 * in error: the daemon must not start. */
bool rt_doors_prepare(struct rt_daemon *daemon, char *error, size_t error_size);
/* Reads the folder anew. A folder that cannot be read admits nobody. True if somebody who hears
 * alerts may hear less than before. */
bool rt_doors_reload(struct rt_daemon *daemon);
/* Wipes the secret, forgets the keys. */
void rt_doors_forget(struct rt_daemon *daemon);

/* Opens and binds one, with the guard that bounds its connections (an empty address: nothing, which
 * is no fault). False with a sentence in error, nothing is open. */
bool rt_door_open(struct rt_daemon *daemon, enum rt_door door, struct rt_zsocket *socket,
                  struct rt_guard *guard, int type, const char *address, char *error,
                  size_t error_size);

/* The public key in Z85 that a message came with; data NULL: none. */
struct rt_span rt_door_peer_name(zmq_msg_t *body);
/* Whose key this message (its last frame) came with; NULL: nobody's, or of one who is no longer let
 * in. Valid until the next reload. */
const struct rt_key *rt_door_peer(const struct rt_daemon *daemon, zmq_msg_t *body);

/* The same for one who waits for an answer, with the envelope of its request. A peer that gave itself
 * a routing id is nobody: another could take that name once it has left, and with it the answers
 * that are on their way. Those that libzmq gives are numbers a peer does not get to know. */
const struct rt_key *rt_door_asker(const struct rt_daemon *daemon,
                                   const struct rt_envelope *envelope, zmq_msg_t *body);

#endif

/* All keys that may come in, found by their public key. Pure; daemon/keyring.c reads them from disk.
 *
 * Who a message comes from is asked anew for each: a table that no longer holds a key shuts out
 * those who are connected with it. */
#ifndef RT_DAEMON_ACCESS_H
#define RT_DAEMON_ACCESS_H

#include "daemon/key.h"

struct rt_access {
    bool asked;          /* keys are asked for; if not, everybody is rt_key_anyone */
    struct rt_key *keys; /* sorted by public key once rt_access_seal is done */
    size_t count, capacity;
};

/* Releases all keys; a zeroed struct is an empty table that asks for none. */
void rt_access_clear(struct rt_access *access);

/* Adds a key, whose lists the table takes over. False without memory: the key stays the caller's. */
bool rt_access_add(struct rt_access *access, const struct rt_key *key);
/* After the last: makes the table searchable. Of keys with one public key none is kept, for nobody
 * knows which was meant; `found` is told each of them before it goes. */
typedef void rt_access_twin(void *context, const struct rt_key *key);
void rt_access_seal(struct rt_access *access, rt_access_twin *found, void *context);

/* The key with this public key in Z85 (data NULL: the peer has shown none); NULL if there is none.
 * Valid until the table changes. */
struct rt_key *rt_access_find(const struct rt_access *access, struct rt_span public_key);
/* The same for a message: rt_key_anyone where no keys are asked for. */
const struct rt_key *rt_access_of(const struct rt_access *access, struct rt_span public_key);

/* Whether somebody who may hear alerts by `now` may hear less, or nothing, by `next`. */
bool rt_access_silences(const struct rt_access *now, const struct rt_access *next);

#endif

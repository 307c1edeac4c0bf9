/* The client's key: who it is to a retaind that asks for keys, and which retaind it talks to. */
#ifndef RT_LIBRETAIN_KEY_H
#define RT_LIBRETAIN_KEY_H

#include <stdbool.h>

enum { RT_CLIENT_KEY_TEXT = 41, RT_CLIENT_KEY_BYTES = 4 << 10 };

/* In Z85; a zeroed struct is no key. */
struct rt_client_key {
    char public_key[RT_CLIENT_KEY_TEXT];
    char secret_key[RT_CLIENT_KEY_TEXT];
    char server_key[RT_CLIENT_KEY_TEXT];
};

/* Reads a file as `retainctl keygen` writes it: regular, of this user or root, nobody else's to read
 * or write, with `secret` and `server`. RETAIN_OK, or RETAIN_BAD_KEY and *key untouched. Wipe it
 * when it is done with: rt_client_key_forget. */
int rt_client_key_read(const char *path, struct rt_client_key *key);
/* The same from the text of such a file. Pure. */
int rt_client_key_parse(const char *text, struct rt_client_key *key);
void rt_client_key_forget(struct rt_client_key *key);

/* Makes a socket, before it connects, show this key; without one nothing is done. False: errno. */
bool rt_client_key_show(const struct rt_client_key *key, void *socket);

#endif

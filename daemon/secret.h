/* Files that decide who may come in: a secret is its owner's alone, a public key may be read but not
 * written by others; both belong to root or to the user the daemon runs as. What is too open is not
 * read at all.
 *
 * A name without a slash is a credential that systemd handed over ($CREDENTIALS_DIRECTORY): that
 * folder is the unit's alone, so that the access list systemd may put on its files is fine. */
#ifndef RT_DAEMON_SECRET_H
#define RT_DAEMON_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/key.h"

enum {
    RT_TOKEN_LEAST = 16,
    RT_TOKEN_MOST = 256,
    RT_TOKEN_TEXT = RT_TOKEN_MOST + 1,
    RT_SECRET_ERROR = 1400,
};

enum rt_privacy { RT_SECRET_FILE, RT_PUBLIC_FILE };

/* Reads a whole file of at most `size` - 1 bytes into `text` and ends it with a zero byte. False
 * with a sentence in error (RT_SECRET_ERROR bytes): not there, no regular file, too open, of
 * somebody else, too large, with a zero byte in it. `text` may then hold a part of it: wipe it. */
bool rt_guarded_read(const char *path, enum rt_privacy privacy, char *text, size_t size,
                     char *error);

/* The server's secret key in Z85. `name`: a path or a credential. False with a sentence. */
bool rt_secret_server_key(const char *name, char secret[RT_KEY_TEXT], char *error);
/* The token of access.http_token. False with a sentence. */
bool rt_secret_token(const char *name, char token[RT_TOKEN_TEXT], char *error);

/* The secret in the text of a file as keygen writes it. Pure. False with what is wrong (static). */
bool rt_secret_parse(const char *text, char secret[RT_KEY_TEXT], const char **fault);
/* Text as a token: one line of printable characters. Pure. False if it is none. */
bool rt_token_parse(const char *text, char token[RT_TOKEN_TEXT]);
/* Whether an Authorization header (NULL: none) bears the token. Takes the same time whatever is
 * wrong with one of the right length. Pure. */
bool rt_token_fits(const char *token, const char *header);

/* The process's memory is for nobody else: no core file, no debugger of the same user. */
void rt_secret_hide_memory(void);

#endif

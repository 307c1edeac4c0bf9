/* HTTP for operators: GET and HEAD of /metrics (Prometheus text) and /healthz. Nothing from outside
 * reaches a file. With access.http_token set, everything but /healthz needs that token. */
#ifndef RT_DAEMON_HTTP_H
#define RT_DAEMON_HTTP_H

#include <event2/http.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/bounds.h"
#include "daemon/secret.h"

struct rt_daemon;

struct rt_http_connection {
    struct bufferevent *connection; /* NULL: free; else we hold a reference besides evhttp's */
    int64_t accepted_at;            /* ms, monotonic */
};

struct rt_http {
    struct evhttp *server;     /* NULL: off */
    char token[RT_TOKEN_TEXT]; /* "": none is asked for */
    char address[300];         /* host:port, resolved */
    int64_t looked_at;         /* ms, monotonic: by rt_http_expire; 0: never */
    struct rt_http_connection connections[RT_HTTP_CONNECTIONS];
};

/* Opens listen.http (empty: nothing) and serves at once, so that a recovery can be watched. False
 * with a sentence in error. */
bool rt_http_open(struct rt_daemon *daemon, char *error, size_t error_size);
/* Reads the token anew; one that cannot be read leaves the old one in force, and is logged. */
void rt_http_reload(struct rt_daemon *daemon);
/* Ends connections that are too old; forgets those that are over. To be called often. */
void rt_http_expire(struct rt_daemon *daemon, int64_t now);
void rt_http_close(struct rt_daemon *daemon);

#endif

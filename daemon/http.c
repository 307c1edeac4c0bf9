/* See http.h.
 *
 * Bounds (bounds.h): header and body sizes, idle time, and what evhttp has no bounds for: the number
 * of connections and the time of a whole one, whoever is slow. Every answer closes its connection.
 */
#include "daemon/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/clock.h"
#include "daemon/daemon.h"
#include "daemon/exposition.h"
#include "daemon/health.h"
#include "daemon/log.h"

enum { UNAUTHORIZED = 401, LATE_MS = 1000 };

static void answer(struct evhttp_request *request, int status, const char *reason, const char *type,
                   const void *body, size_t size)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    struct evbuffer *out = evhttp_request_get_output_buffer(request);

    evhttp_add_header(headers, "Content-Type", type);
    evhttp_add_header(headers, "Connection", "close");
    evhttp_add_header(headers, "Cache-Control", "no-store");
    evbuffer_add(out, body, size);
    evhttp_send_reply(request, status, reason, NULL);
}

static void answer_text(struct evhttp_request *request, int status, const char *reason,
                        const char *text)
{
    answer(request, status, reason, "text/plain; charset=utf-8", text, strlen(text));
}

/* Answers who may not come in. */
static bool may_enter(const struct rt_daemon *daemon, struct evhttp_request *request)
{
    const char *header =
        evhttp_find_header(evhttp_request_get_input_headers(request), "Authorization");

    if (daemon->http.token[0] == '\0' || rt_token_fits(daemon->http.token, header)) {
        return true;
    }
    evhttp_add_header(evhttp_request_get_output_headers(request), "WWW-Authenticate",
                      "Bearer realm=\"retaind\"");
    answer_text(request, UNAUTHORIZED, "Unauthorized", "a token is wanted\n");
    return false;
}

static void on_metrics(struct evhttp_request *request, void *context)
{
    struct rt_buffer text = {0};

    if (!may_enter(context, request)) {
        return;
    }
    rt_exposition(context, &text);
    if (text.failed) {
        answer_text(request, HTTP_SERVUNAVAIL, "Service Unavailable", "out of memory\n");
    } else {
        answer(request, HTTP_OK, "OK", "text/plain; version=0.0.4; charset=utf-8", text.data,
               text.size);
    }
    rt_buffer_free(&text);
}

static void on_health(struct evhttp_request *request, void *context)
{
    char text[RT_HEALTH_TEXT], well[RT_HEALTH_TEXT + 4];

    if (rt_health(context, text, sizeof text) == 0) {
        snprintf(well, sizeof well, "ok\n%s", text);
        answer_text(request, HTTP_OK, "OK", well);
    } else {
        answer_text(request, HTTP_SERVUNAVAIL, "Service Unavailable", text);
    }
}

static void on_other(struct evhttp_request *request, void *context)
{
    if (may_enter(context, request)) {
        answer_text(request, HTTP_NOTFOUND, "Not Found", "there is /metrics and /healthz\n");
    }
}

/* ---- bounded time and number ----------------------------------------------------------------- */

/* Our reference keeps the descriptor from being closed and given to another, so that it can be shut
 * down here whatever evhttp has done meanwhile. */
static void end(const struct rt_http_connection *slot)
{
    evutil_socket_t descriptor = bufferevent_getfd(slot->connection);

    if (descriptor >= 0) {
        shutdown(descriptor, SHUT_RDWR);
    }
}

static void forget(struct rt_http_connection *slot)
{
    bufferevent_decref(slot->connection);
    slot->connection = NULL;
}

/* evhttp takes its callbacks away when it lets go. */
static bool is_over(const struct rt_http_connection *slot)
{
    bufferevent_data_cb readable, writable;
    bufferevent_event_cb event;
    void *argument;

    bufferevent_getcb(slot->connection, &readable, &writable, &event, &argument);
    return event == NULL;
}

/* Time in which the daemon itself stood still counts against nobody: what is beyond LATE_MS since the
 * last look. */
static int64_t stood_still(struct rt_http *http, int64_t now)
{
    int64_t passed = http->looked_at == 0 ? 0 : now - http->looked_at;

    http->looked_at = now;
    return passed > LATE_MS ? passed - LATE_MS : 0;
}

void rt_http_expire(struct rt_daemon *daemon, int64_t now)
{
    int64_t still = stood_still(&daemon->http, now);

    for (int i = 0; i < RT_HTTP_CONNECTIONS; i++) {
        struct rt_http_connection *slot = &daemon->http.connections[i];

        if (slot->connection == NULL) {
            continue;
        }
        slot->accepted_at += still;
        if (is_over(slot)) {
            forget(slot);
        } else if (now - slot->accepted_at > RT_HTTP_TOTAL_MS) {
            end(slot);
        }
    }
}

/* A free one, or that of the oldest connection, which ends. */
static struct rt_http_connection *take_slot(struct rt_http *http)
{
    struct rt_http_connection *oldest = &http->connections[0];

    for (int i = 0; i < RT_HTTP_CONNECTIONS; i++) {
        struct rt_http_connection *slot = &http->connections[i];

        if (slot->connection == NULL) {
            return slot;
        }
        if (slot->accepted_at < oldest->accepted_at) {
            oldest = slot;
        }
    }
    end(oldest);
    forget(oldest);
    return oldest;
}

static struct bufferevent *on_connection(struct event_base *base, void *context)
{
    struct rt_http *http = &((struct rt_daemon *)context)->http;
    struct bufferevent *connection = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);

    if (connection != NULL) {
        bufferevent_incref(connection);
        *take_slot(http) =
            (struct rt_http_connection){.connection = connection, .accepted_at = rt_now_ms()};
    }
    return connection;
}

/* ---- opening --------------------------------------------------------------------------------- */

static void remember_address(struct rt_http *http, evutil_socket_t descriptor)
{
    struct sockaddr_storage where;
    socklen_t length = sizeof where;
    char host[INET6_ADDRSTRLEN] = "";

    memset(&where, 0, sizeof where);
    if (getsockname(descriptor, (struct sockaddr *)&where, &length) != 0) {
        return;
    }
    if (where.ss_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&where;

        inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof host);
        snprintf(http->address, sizeof http->address, "[%s]:%u", host, ntohs(six->sin6_port));
    } else if (where.ss_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)&where;

        inet_ntop(AF_INET, &four->sin_addr, host, sizeof host);
        snprintf(http->address, sizeof http->address, "%s:%u", host, ntohs(four->sin_port));
    }
}

/* "host:port", "[::1]:port"; "*" is any host, "*" or 0 any port. */
static bool split_address(const char *address, char *host, size_t size, uint16_t *port)
{
    const char *colon = strrchr(address, ':');
    size_t length = colon == NULL ? 0 : (size_t)(colon - address);
    long number;
    char *end;

    if (colon == NULL || length >= size) {
        return false;
    }
    number = strcmp(colon + 1, "*") == 0 ? 0 : strtol(colon + 1, &end, 10);
    if (number < 0 || number > UINT16_MAX) {
        return false;
    }
    *port = (uint16_t)number;
    if (length > 1 && address[0] == '[' && address[length - 1] == ']') {
        address++;
        length -= 2;
    }
    memcpy(host, address, length);
    host[length] = '\0';
    if (length == 0 || strcmp(host, "*") == 0) {
        snprintf(host, size, "0.0.0.0");
    }
    return true;
}

static bool read_token(struct rt_daemon *daemon, char *error, size_t error_size)
{
    const char *name = daemon->config.access_http_token;
    char what[RT_SECRET_ERROR];

    if (name[0] == '\0' || rt_secret_token(name, daemon->http.token, what)) {
        return true;
    }
    snprintf(error, error_size, "access.http_token: %s", what);
    return false;
}

/* By the address that was really bound, which systemd may have chosen. */
static bool may_be_reached(const struct rt_daemon *daemon, char *error, size_t error_size)
{
    if (daemon->http.token[0] != '\0' || daemon->config.access_open_to_anyone != 0 ||
        daemon->http.address[0] == '\0' || rt_address_is_local(daemon->http.address)) {
        return true;
    }
    snprintf(error, error_size,
             "listen.http: %s can be reached from elsewhere: set access.http_token, or say "
             "access.open_to_anyone = yes",
             daemon->http.address);
    return false;
}

static struct evhttp_bound_socket *bind_server(struct rt_daemon *daemon, char *error,
                                               size_t error_size)
{
    const char *address = daemon->config.listen_http;
    int activated = rt_activation_find(&daemon->activation, "http");
    struct evhttp_bound_socket *bound = NULL;
    char host[256];
    uint16_t port;

    if (activated >= 0) {
        evutil_make_socket_nonblocking(activated);
        bound = evhttp_accept_socket_with_handle(daemon->http.server, activated);
    } else if (!split_address(address, host, sizeof host, &port)) {
        snprintf(error, error_size, "listen.http: %s must be host:port", address);
        return NULL;
    } else {
        bound = evhttp_bind_socket_with_handle(daemon->http.server, host, port);
    }
    if (bound == NULL) {
        snprintf(error, error_size, "listen.http: cannot bind %s: %s", address, strerror(errno));
    }
    return bound;
}

static void set_bounds(struct rt_daemon *daemon)
{
    struct evhttp *server = daemon->http.server;

    evhttp_set_allowed_methods(server, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
    evhttp_set_max_headers_size(server, RT_HTTP_HEADER_BYTES);
    evhttp_set_max_body_size(server, RT_HTTP_BODY_BYTES);
    evhttp_set_timeout(server, RT_HTTP_IDLE_S);
    evhttp_set_bevcb(server, on_connection, daemon);
    evhttp_set_cb(server, "/metrics", on_metrics, daemon);
    evhttp_set_cb(server, "/healthz", on_health, daemon);
    evhttp_set_gencb(server, on_other, daemon);
}

bool rt_http_open(struct rt_daemon *daemon, char *error, size_t error_size)
{
    struct evhttp_bound_socket *bound;

    if (daemon->config.listen_http[0] == '\0') {
        return true;
    }
    daemon->http.server = evhttp_new(daemon->base);
    if (daemon->http.server == NULL) {
        snprintf(error, error_size, "listen.http: out of memory");
        return false;
    }
    if (!read_token(daemon, error, error_size)) {
        return false;
    }
    set_bounds(daemon);
    bound = bind_server(daemon, error, error_size);
    if (bound == NULL) {
        return false;
    }
    remember_address(&daemon->http, evhttp_bound_socket_get_fd(bound));
    return may_be_reached(daemon, error, error_size);
}

void rt_http_reload(struct rt_daemon *daemon)
{
    char error[RT_SECRET_ERROR];

    if (daemon->http.server != NULL && daemon->config.access_http_token[0] != '\0' &&
        !rt_secret_token(daemon->config.access_http_token, daemon->http.token, error)) {
        rt_log(RT_LOG_ERROR, "access.http_token: the old one stays: %s", error);
    }
}

void rt_http_close(struct rt_daemon *daemon)
{
    if (daemon->http.server != NULL) {
        evhttp_free(daemon->http.server);
    }
    daemon->http.server = NULL;
    for (int i = 0; i < RT_HTTP_CONNECTIONS; i++) {
        if (daemon->http.connections[i].connection != NULL) {
            forget(&daemon->http.connections[i]);
        }
    }
    explicit_bzero(daemon->http.token, sizeof daemon->http.token);
}

/* See door.h. */
#include "daemon/door.h"

#include <stdio.h>

#include "daemon/bounds.h"
#include "daemon/daemon.h"
#include "daemon/keyring.h"
#include "daemon/log.h"
#include "daemon/secret.h"

static void log_fault(void *context, const char *text)
{
    (void)context;
    rt_log(RT_LOG_ERROR, "%s", text);
}

bool rt_doors_prepare(struct rt_daemon *daemon, char *error, size_t error_size)
{
    const struct rt_config *config = &daemon->config;
    char what[RT_SECRET_ERROR];

    if (config->access_server_key[0] == '\0') {
        return true;
    }
    if (!rt_secret_server_key(config->access_server_key, daemon->doors.server_key, what)) {
        snprintf(error, error_size, "access.server_key: %s", what);
        return false;
    }
    if (!rt_keyring_read(config->access_keys, &daemon->doors.access, log_fault, NULL, what)) {
        snprintf(error, error_size, "%s", what);
        return false;
    }
    rt_log(RT_LOG_NOTICE, "keys=%zu folder=%s are let in", daemon->doors.access.count,
           config->access_keys);
    return true;
}

bool rt_doors_reload(struct rt_daemon *daemon)
{
    struct rt_access next = {0};
    char error[RT_SECRET_ERROR];
    bool silences;

    if (!daemon->doors.access.asked) {
        return false;
    }
    if (!rt_keyring_read(daemon->config.access_keys, &next, log_fault, NULL, error)) {
        rt_log(RT_LOG_ERROR, "nobody is let in: %s", error);
    }
    silences = rt_access_silences(&daemon->doors.access, &next);
    rt_access_clear(&daemon->doors.access);
    daemon->doors.access = next;
    rt_log(RT_LOG_NOTICE, "keys=%zu folder=%s are let in", next.count, daemon->config.access_keys);
    return silences;
}

void rt_doors_forget(struct rt_daemon *daemon)
{
    explicit_bzero(daemon->doors.server_key, sizeof daemon->doors.server_key);
    rt_access_clear(&daemon->doors.access);
}

static size_t message_bytes(const struct rt_daemon *daemon, enum rt_door door)
{
    return door == RT_DOOR_ALERTS ? RT_TOPIC_BYTES : (size_t)daemon->config.limits_message_bytes;
}

static int unsent(enum rt_door door)
{
    switch (door) {
    case RT_DOOR_ALERTS:
        return RT_UNSENT_ALERTS;
    case RT_DOOR_QUERY:
        return RT_UNSENT_ANSWERS;
    default:
        return RT_UNSENT_REPLIES;
    }
}

static bool may_be_reached(const struct rt_daemon *daemon, const char *address)
{
    return daemon->doors.access.asked || daemon->config.access_open_to_anyone != 0 ||
           rt_address_is_local(address);
}

static bool bind_door(struct rt_daemon *daemon, enum rt_door door, struct rt_zsocket *socket,
                      const char *address, char *error, size_t error_size)
{
    const char *name = rt_door_name(door);

    if (daemon->doors.access.asked &&
        !rt_zsocket_ask_keys(socket, daemon->doors.server_key, name, error, error_size)) {
        return false;
    }
    if (!rt_zsocket_bind(socket, address, rt_activation_find(&daemon->activation, name), error,
                         error_size)) {
        return false;
    }
    if (may_be_reached(daemon, socket->address)) {
        return true;
    }
    snprintf(error, error_size,
             "listen.%s: %s can be reached from elsewhere: set access.server_key, or say "
             "access.open_to_anyone = yes",
             name, socket->address);
    return false;
}

bool rt_door_open(struct rt_daemon *daemon, enum rt_door door, struct rt_zsocket *socket,
                  struct rt_guard *guard, int type, const char *address, char *error,
                  size_t error_size)
{
    if (address[0] == '\0') {
        return true;
    }
    if (!rt_zsocket_open(socket, daemon->zmq, type, rt_door_name(door), message_bytes(daemon, door),
                         unsent(door), error, error_size)) {
        return false;
    }
    if (rt_guard_open(guard, daemon->zmq, socket,
                      rt_guard_limit((size_t)daemon->config.limits_connections),
                      &daemon->metrics.dropped[RT_DROPPED_CONNECTIONS], error, error_size) &&
        bind_door(daemon, door, socket, address, error, error_size)) {
        return true;
    }
    rt_guard_close(guard);
    rt_zsocket_close(socket);
    return false;
}

struct rt_span rt_door_peer_name(zmq_msg_t *body)
{
    const char *public_key = zmq_msg_gets(body, "User-Id");

    return public_key == NULL ? (struct rt_span){0} : rt_span_text(public_key);
}

const struct rt_key *rt_door_peer(const struct rt_daemon *daemon, zmq_msg_t *body)
{
    if (!daemon->doors.access.asked) {
        return &rt_key_anyone;
    }
    return rt_access_of(&daemon->doors.access, rt_door_peer_name(body));
}

/* libzmq's own names are a zero and a number of 32 bits. */
static bool has_given_name(const struct rt_envelope *envelope, zmq_msg_t *body)
{
    struct rt_span name = rt_envelope_frame(envelope, 0);
    const char *chosen = zmq_msg_gets(body, "Identity");

    return name.size == 5 && name.data[0] == 0 && (chosen == NULL || chosen[0] == '\0');
}

const struct rt_key *rt_door_asker(const struct rt_daemon *daemon,
                                   const struct rt_envelope *envelope, zmq_msg_t *body)
{
    if (!daemon->doors.access.asked) {
        return &rt_key_anyone;
    }
    return has_given_name(envelope, body) ? rt_door_peer(daemon, body) : NULL;
}
